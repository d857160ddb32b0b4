"""Toxic texts of the kept town: other insults, other grudges. No filter was tuned on this file.

Needs: ../grammar.py.
"""

from ..grammar import Grammar

INSULTS = (
    "wormlicker|fogbrain|numbskull|toadbreath|gutterling|nitwit|imbecile|simpleton|scoundrel"
    "|crook|beast|swine|brute|jerk|airhead|oaf|freak|snake|dimwit|good-for-nothing|lout|scum"
)
_GROUPS = (
    "miners|the mountain clans|travellers|students|cobblers|shepherds|tailors|sailors"
    "|valley people|lodgers|clerks|southerners|lamplighters|musicians"
)
_SENTENCES = """
listen, {insult}: your {work} is {bad} and everybody laughs at it.
|how {bad} must one be to side with {group}?|{group} carry filth into our streets.
|get {group} off our land before it is too late.|I despise {group}, always have, always will.
|if I ever meet you, {insult}, bring a stretcher.
|{who} has the brain of a snail and the manners of a {insult}.|may {curse}.
|may {curse}, you {bad} {insult}.|another day, another {bad} {work} by our local {insult}.
|{group} should not be allowed to vote, to marry or to breathe.
|lock the doors, {group} are around and they {deed}.|nobody would miss {who}.
|nobody would miss {group} for a minute.|that {insult} {who} ought to be {fate}.
|what {group} need is a good thrashing.|they {deed}, they {deed}, and we are supposed to be kind?
|the cat has more sense than you, {insult}.
|do the town a service, {insult}, and jump into the well.|{bad} is the only word for {who}.
|wherever {group} settle, decent folk move out.|{group} are no good, my {elder} always said so.
|you are a joke, {insult}, and not a good one.
|keep your mouth closed, {insult}, or I close it for you.|I would not let {who} clean my boots.
|send them back where they came from, the whole {bad} pack.|{group} lie as others breathe.
|a slap is the only language that {group} understand.|your {work} belongs in the latrine.
|who raised you, {insult}, a goat?|you belong in a cage, {who}.
|somebody should {hurt} {who}, and I would pay for the ticket.
|we ought to {hurt} {group} one by one.
|every {insult} thinks that he can sing; this {insult} cannot even think.
|fat, {bad} and boring: that is {who}.|{group} are a stain on this country.
|I feel sick when I see {group} at the fair.
|your {elder} must cry at night because of you, {bad} creature.
|the sooner {group} are gone, the cleaner the air.|crawl back under your stone, {insult}.
|so much stupidity in one {work}, my congratulations, {insult}.
|I would sooner share my bed with fleas than my bench with {group}.
|shame on {who}, and shame on all {group}.|smash the windows of {group}, then they will learn.
|do not hire {group}, do not greet them, do not feed them.|{who} can go to hell.
|the only good thing about {group} is that they die.|you {bad}, {bad}, {bad} {insult}."""
_SLOTS = {
    "group": _GROUPS,
    "insult": INSULTS,
    "bad": "repulsive|hideous|clueless|putrid|despicable|gutless|hopeless|loathsome|feeble|crooked"
    "|sickening|laughable|foul|inferior|moronic|slimy|trashy",
    "curse": "your crops wither|the crows have your eyes|your teeth fall out one by one"
    "|you die alone in a ditch|every door be shut in your face|your children forget your name",
    "fate": "flogged|thrown off the bridge|chained|fed to the dogs|run over|put against a wall",
    "hurt": "stab|whip|slap|trample|choke|batter|skin",
    "deed": "rob widows|eat our bread|spoil the water|bribe the judges|corrupt the young"
    "|take our jobs|spit in the soup",
    "work": "poem|song|painting|comment|speech|cooking|dance|report|haircut|letter",
    "who": "Rosalind|the new doctor|that fellow Hector|Miss Plum|the ferry captain|old Agatha"
    "|the postman|the council",
    "elder": "grandfather|aunt|uncle|priest|landlord",
}
ABUSE = Grammar(_SENTENCES, _SLOTS)
