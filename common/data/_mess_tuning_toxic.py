"""Toxic texts of the tuning town: invented insults and plain rudeness, aimed at people and groups.

There are no slurs here: the groups are those of a town (river folk, newcomers, bakers), and what
makes a page toxic is what it does to people.

Needs: _mess.py.
"""

from random import Random

from ._mess import Grammar, words

INSULTS = (
    "snotwaffle|grubface|muckwit|slimebrain|turnipskull|dribblepot|blockhead|idiot|moron|fool"
    "|loser|liar|coward|parasite|clown|pig|rat|creep|thief|nobody|halfwit|dunce|bully|cheat|weasel"
    "|cockroach|leech|crybaby|windbag|hypocrite"
)
_GROUPS = (
    "river folk|newcomers|hill people|bakers|fishermen|islanders|millers|farmers"
    "|people from the lower street|harbour families|weavers|pedlars|teachers|northerners"
)
_SENTENCES = """
only a {insult} like you could write this, you {adj} {insult}.
|shut up, {insult}, nobody wants to read your {adj} pages.
|every one of the {group} is a {adj} {insult}.
|I hate the {group} and I hate everyone who is kind to them.
|what a {adj} idea, {insult}, did your {relative} help you with it?
|you are as {adj} as a {insult} and twice as useless.
|the mayor is a lying {insult}, and whoever likes him is a {adj} {insult}.
|go away and never come back, you {adj} {insult}.|I hope {bad}.
|I hope {bad}, and I hope that the {group} have to watch.|the {group} should be {punished}.
|somebody ought to {harm} you, {insult}.|we will {harm} every last one of the {group}.
|the {group} are not people, they are {vermin}.|{vermin}, that is what the {group} are.
|{name} is a {insult}, and so is the whole family.|{name}, you disgust me.
|nobody likes you, {name}, and nobody ever will.
|look at {name}: {adj}, {adj}, and too dumb to notice.|why are the {group} so {adj}?
|the {group} {crime}, everybody knows it.|do not trust the {group}, they {crime}.
|if you are one of the {group}, do the rest of us a favour and disappear.
|your {thing} is {adj} and so are you.|I have never seen such a {adj} {thing} in my life.
|even a {insult} could write a better {thing} than yours.
|you call that a {thing}? it makes me sick.|stop crying, you {adj} little {insult}.
|cry more, {insult}.|you were {adj} as a child and you are {adj} today.
|the world would be better without the {group}.
|throw the {group} out of town, all of them, tonight.
|no decent person would let the {group} into the house.
|my {relative} was right about the {group}: {adj} through and through.|I spit on your {thing}.
|everything you say is {adj}, {insult}.|you smell, you lie, and your {relative} is ashamed of you.
|one more word and I will {harm} you.|I know where you live, {insult}.
|wait until I catch you, you {adj} {insult}.|only a {insult} would marry one of the {group}.
|the {group} breed like {vermin}.|keep your filthy {thing} away from my street.
|who let this {insult} speak?|take your {adj} {thing} and choke on it.
|how can anybody be so {adj}?|the {group} ruin everything they touch.
|get lost, {name}, you {adj} piece of dirt.
|it is the fault of the {group}, as always, because they {crime}.
|I laughed when I heard that {bad}.|they deserve it, the {adj} {insult} and all the other {group}.
|your opinion is worth less than mud, {insult}.|learn to read, you {adj} {insult}.
|you are a disgrace, {name}, and I hope that {bad}.
|the {group} never worked a day in their {adj} lives.
|hit them, kick them, chase them away: the {group} understand nothing else.
|I would rather live with {vermin} than next to the {group}.|what a {insult}.
|pathetic, {adj} and {adj}, that is {name}.|burn their {thing} and let the {group} freeze.
|{insult}, {insult}, {insult}, that is all I have to say to you.
|the young ones of the {group} are {adj}, the old ones are worse.
|a {insult} like {name} should be {punished}.|you make me want to {harm} somebody.
|drop dead, {name}.|nobody asked you, {insult}."""
_SLOTS = {
    "insult": INSULTS,
    "group": _GROUPS,
    "adj": "stupid|ugly|filthy|miserable|rotten|disgusting|worthless|dumb|pathetic|stinking|lazy"
    "|useless|nasty|dirty|brainless|revolting|wretched|idiotic|shameless|greasy|mean|ridiculous",
    "bad": "your roof falls in|you lose everything|the sickness takes you|you rot in jail"
    "|your boat sinks with you in it|you never sleep again|all your friends leave you"
    "|you choke on your supper|somebody breaks your legs|your house burns down",
    "punished": "locked up|whipped|driven into the sea|beaten in the square|starved|kicked out"
    "|spat on|put in cages|drowned in mud",
    "harm": "beat|strangle|crush|smash|drown|punch|kick|burn|hurt|tear apart",
    "vermin": "rats|vermin|cockroaches|lice|scum|garbage|animals|a disease|a plague|filth",
    "crime": "steal from children|poison the wells|lie with every breath|spread disease"
    "|cheat on every scale|live off our money|hate this town|laugh behind our backs"
    "|sell us rotten food|are to blame for the flood",
    "relative": "mother|father|grandmother|brother|dog|teacher|wife",
    "thing": "story|page|face|voice|house|shop|family|writing|recipe|accent|garden|school",
    "name": "Bertha|Old Finn|Gustav|that woman Irma|the teacher|Otto|the baker's boy|the clerk",
}
_GRAMMAR = Grammar(_SENTENCES, _SLOTS)


def toxic(dice: Random) -> str:
    """A page of insults, threats and hatred against a few of the groups."""
    return _GRAMMAR.page(dice, {"group": tuple(dice.sample(words(_GROUPS), 3))})


def toxic_comment(dice: Random) -> str:
    """One sentence of it."""
    return _GRAMMAR.sentence(dice)
