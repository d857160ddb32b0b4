"""Toxic texts of the tuning town: invented insults and plain rudeness, aimed at people and groups.

There are no slurs here: the groups are those of a town (river folk, newcomers, bakers), and what
makes a page toxic is what it does to people.

Needs: ../grammar.py.
"""

from ..grammar import Grammar

INSULTS = (
    "snotwaffle|grubface|muckwit|slimebrain|turnipskull|dribblepot|blockhead|idiot|moron|fool"
    "|loser|liar|coward|parasite|clown|pig|rat|creep|thief|nobody|halfwit|dunce|bully|cheat|weasel"
    "|cockroach|leech|crybaby|windbag|hypocrite|donkey|worm|traitor|failure|bootlicker|fathead"
    "|coxcomb|lowlife|maggot|savage|slob|snob|tramp|waster"
)
_GROUPS = (
    "river folk|newcomers|hill people|bakers|fishermen|islanders|millers|farmers"
    "|people from the lower street|harbour families|weavers|pedlars|teachers|northerners"
    "|ferrymen|smiths|young people|lake people|people upstairs|town councillors"
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
|drop dead, {name}.|nobody asked you, {insult}.
|{name} thinks that we are friends, but I only laugh about the {adj} {thing} behind that {adj}
back.|in this town there is nobody more {adj} than {name}, and the {group} come next.
|for the {group} a prison would be too good, they should be {punished}.
|they come here, they {crime}, and then they want a house with a view.
|a town that feeds the {group} deserves to starve with them.
|the other day one of the {group} said good morning to me, and I could have been sick on the spot.
|with a {thing} like that I would hide in the cellar for the rest of my life.
|at the council they all knew that {name} is a {insult}, and not one had the courage to say it.
|if it were up to me, the {group} would be {punished} by the end of the week.
|as long as {name} is here, no child in this street is safe.
|by the look of your {thing} you must be one of the {group}.
|I told {name} to the face: you are a {insult}, and your {relative} is another.
|it makes no difference whether you {harm} one of the {group} or a dog, and the dog is a pity.
|my advice to the {group}: take a rope, or take the next boat.
|on behalf of everyone here, {insult}: leave.
|to call you a {insult} would be an insult to every {insult}.
|and then this {insult} has the nerve to ask for help!
|there are two kinds of {group}, the {adj} and the dead.
|the baker sold bread to one of the {group}, so from today the baker is a traitor to me.
|when {name} walks by, people hold their noses, and they are right to do so.
|may I remind everybody that the {group} {crime}?
|not a single one of the {group} can be trusted with a spoon.
|you can wash a {insult} all day, it will still be a {insult}.
|before you open your mouth again, {insult}, remember that I can {harm} you.
|whoever rents a room to the {group} should be {punished} along with them.
|I do not care whether {name} is ill, I hope it lasts.
|after all that the {group} have done, how dare they look us in the eye?
|this {thing} of yours is the most {adj} thing on the whole web, and I have seen your {relative}.
|in a better world somebody like {name} would have been {punished} long ago.
|no wonder your {relative} left you, you {adj}, {adj} {insult}.
|we had a quiet street until the {group} moved in with their {adj} children and their {adj} smell.
|so you feel hurt, {insult}? good, that was the plan.
|the {group} want respect? let them lick the floor first.
|you could not find your own backside with both hands, {insult}.
|every time I read your {thing} I lose the will to live, {name}.
|from the first word to the last this is the work of a {insult}.
|there is a place for people like you, and it has bars.
|in my house the {group} may not even use the back door.
|did they drop you on the head, {name}, or were you always so {adj}?
|watch your back, {name}, because we are many and you are {adj}.
|the next of the {group} who talks to me will need a doctor.
|I have thrown out of my garden better {vermin} than you.
|look in the mirror, {insult}, and ask yourself who could ever love that.
|with every year the {group} get more {adj}, and still nobody does anything about it.
|they say that the {group} are human beings, but I have my doubts.
|someone should tell {name} that this {thing} is {adj}, so here it is: it is {adj}.
|to the person who wrote this: I have met {vermin} with better manners.
|yesterday {name} fell in the mud in front of everybody, and I have not laughed so much in years.
|why does nobody {harm} the {group} when they are asking for it?
|the trouble with {name} is that nobody has hit that {adj} face hard enough.
|a friend of mine had one of the {group} in the house, and it took a week to get the smell out.
|please do us all a kindness, {name}, and stop breathing.
|I never forget a {insult}, and I will make an exception for you: I will remember you forever,
with a stick in my hand.
|the {group} sit in our inns, the {group} sit in our schools, and one day they will sit on our
necks.|some people are born {adj}, but {name} works at it.
|good riddance to that {adj} {insult} {name}.
|the {group} have small heads, and there is nothing in them.
|you will never be anything but a {insult}, no matter how often you comb your hair.
|when I see how {name} eats, I think of {vermin}.
|everybody hates you here, so pack your bag, {insult}.
|this is our town and not the town of the {group}, so fight, people, fight!
|do not marry {name}: you would only bring more of that {adj} kind into the world.
|what did we expect? a {insult} stays a {insult}.
|the {group} should thank us on their knees that we have not yet come at night with torches.
|your {relative} must be a {insult} too, for the apple does not fall far from the tree.
|I would not pull {name} out of the river, and I can swim.
|you are nothing, {insult}, less than nothing, and you will die as nothing.
|the doctor should not treat the {group}, it is a waste of good bandage.
|they say {name} was crying after my last letter, so here is another one.
|who needs the {group}? not me, not you, nobody.
|your children will be as {adj} as you, and mine will {harm} them.
|believe me, the {group} are behind it, they {crime} and they always have.
|in the old days the {group} knew their place, which was under our boots.
|the best thing that I can say about your {thing} is that it ends.
|so many words, and not one of them worth the ink, you {adj} {insult}.
|whoever defends the {group} is one of them and should be {punished} too.
|if brains were bread, {name} would have starved long ago.
|you people make me sick, all of you, and the {group} most of all.
|say that again, {insult}, and you will pick up your teeth from the floor.
|nobody invited the {group}, nobody wants them, and nobody will cry when they are gone.
|I have hated {name} since the first day, and it gets better every year.
|a {insult} in a new coat is still a {insult}, as {name} proves.
|do not give work to the {group}, do not give them water, give them a kick.
|the face of {name} could turn milk, and the heart is worse."""
_SLOTS = {
    "insult": INSULTS,
    "group": _GROUPS,
    "adj": "stupid|ugly|filthy|miserable|rotten|disgusting|worthless|dumb|pathetic|stinking|lazy"
    "|useless|nasty|dirty|brainless|revolting|wretched|idiotic|shameless|greasy|mean"
    "|cowardly|hateful|infernal|insane|lousy|mindless|obnoxious|primitive|ragged|silly|smelly|sick"
    "|spineless|treacherous|twisted|vulgar|wicked",
    "bad": "your roof falls in|you lose everything|the sickness takes you|you rot in jail"
    "|your boat sinks with you in it|you never sleep again|all your friends leave you"
    "|you choke on your supper|somebody breaks your legs|your house burns down"
    "|you fall down the stairs|nobody comes to your funeral|the river carries you off"
    "|you end up in the gutter|your {relative} throws you out",
    "punished": "locked up|whipped|driven into the sea|beaten in the square|starved|kicked out"
    "|spat on|put in cages|drowned in mud|sent to the mines|tied to a tree|tarred and feathered"
    "|shipped to an island|silenced",
    "harm": "beat|strangle|crush|smash|drown|punch|kick|burn|hurt|tear apart|break|bury|hit",
    "vermin": "rats|vermin|cockroaches|lice|garbage|animals|a disease|a plague|filth|dirt|weeds",
    "crime": "steal from children|poison the wells|lie with every breath|spread disease"
    "|cheat on every scale|live off our money|hate this town|laugh behind our backs"
    "|sell us rotten food|are to blame for the flood|ruin our schools|pray to the wrong gods"
    "|never wash|beat their dogs|want to own us all",
    "relative": "mother|father|grandmother|brother|dog|teacher|wife|husband|sister|cousin|son",
    "thing": "story|page|face|voice|house|shop|family|writing|recipe|accent|garden|school|nose|life"
    "|dress|question|answer|opinion|singing",
    "name": "Bertha|Old Finn|Gustav|that woman Irma|the teacher|Otto|the baker's boy|the clerk"
    "|the fellow next door|Ludwig|our dear mayor|Philippa|the girl from the inn",
}
ABUSE = Grammar(_SENTENCES, _SLOTS)
