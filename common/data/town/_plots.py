"""The sixteen plots of the town's stories: sentences, and questions with answers.

`{fragment}` is replaced before the grammar is expanded; `[a|b]` and `<slot>` are explained in
_grammar.py.
"""

from dataclasses import dataclass

FRAGMENTS = {
    "when": "[One <weather> <daytime>|On a <weather> <daytime>|Early one <daytime>|Late one <weather> <daytime>"
    "|Last <weekday>|One <weekday> <daytime>|On <weekday>]",
    "went": "[walked|went|ran|strolled|hurried|wandered|cycled]",
    "glad": "[glad|happy|pleased|proud|thankful|delighted|cheerful]",
    "sad": "[sad|upset|worried|unhappy|gloomy|miserable]",
    "found": "[found|saw|noticed|spotted|discovered]",
    "size": "[small|little|big|large|tiny|heavy|old|new|shiny|dusty|pretty|plain]",
    "end": "[They [laughed|smiled|sang] [all the way home|together|until dark|for a long time]."
    "|It was a [good|fine|lovely|happy] day.|Everyone in town [heard|talked] about it.|That [night|evening] "
    "<hero> slept [well|soundly|deeply].|<hero> never forgot that day.|And then it was time for [dinner|supper|bed|tea].]",
    "thanks": '["Thank you, <friend>!" said <hero>.|"You are a good friend," said <hero>.|<hero> thanked <friend> '
    '[twice|warmly|with a smile|with a hug].|"How kind of you!" said <hero>.]',
}


@dataclass(frozen=True)
class Plot:
    """A story's skeleton; sentences, questions and answers are templates over the same slots."""

    name: str
    sentences: tuple[str, ...]
    questions: tuple[tuple[str, str], ...]


PLOTS = (
    Plot(
        "lost",
        (
            "{when} <hero> {went} to the <place> with a <colour> <thing>.",
            "[On the way|Somewhere in the grass|While <he> was [singing|dreaming|looking at the clouds]], the <thing> "
            "[fell|slipped] out of <his> [bag|pocket|hands].",
            "<hero> looked [everywhere|behind every stone|for an hour] and felt {sad}.",
            "[Then|At last|A little later] <friend> {found} the <thing> [near|behind|under|next to] the <place2>.",
            "{thanks}",
            "{end}",
        ),
        (
            ("Who lost the <thing>?", "<hero>"),
            ("Who found the <thing>?", "<friend>"),
            ("What did <hero> lose?", "the <thing>"),
            ("Where did <hero> go?", "the <place>"),
            ("Where was the <thing> found?", "the <place2>"),
            ("What colour was the <thing>?", "<colour>"),
        ),
    ),
    Plot(
        "borrow",
        (
            "<hero> [wanted|needed] a <thing> for the [feast|fair|party|long walk|school play], but <he> had none.",
            "{when} <he> {went} to <friend>, who lived [near|behind|beside] the <place>.",
            '"May I borrow your <colour> <thing>?" [asked <hero>|<hero> asked [politely|softly]].',
            '["Of course," said <friend>.|"Yes, but bring it back," said <friend>.|<friend> nodded and [smiled|fetched it].]',
            "[The next day|Two days later|A week later] <hero> brought the <thing> back with some <food>.",
            "<friend> was {glad}. {end}",
        ),
        (
            ("Who borrowed the <thing>?", "<hero>"),
            ("Who owned the <thing>?", "<friend>"),
            ("What did <hero> borrow?", "the <thing>"),
            ("Where did <friend> live?", "the <place>"),
            ("What food did <hero> bring?", "<food>"),
            ("What colour was the <thing>?", "<colour>"),
        ),
    ),
    Plot(
        "rescue",
        (
            "{when} <hero> heard a [strange|soft|sad|loud] sound [near|behind|inside] the <place>.",
            "It was a {size} <animal> that [was stuck|had hurt its leg|could not get out|had lost its way].",
            "<hero> called <friend>, and <friend> came with a <thing>.",
            "Together they [freed|helped|saved] the <animal> [with great care|slowly|before dark|in the rain].",
            "They gave it [some|a little] <food>, and it [ate everything|looked much better|made a happy sound].",
            "[Since then|From that day on] the <animal> [visits|follows|waits for] <hero> [every day|every morning|all the time].",
        ),
        (
            ("Who heard a sound?", "<hero>"),
            ("Who came to help?", "<friend>"),
            ("What animal was in trouble?", "the <animal>"),
            ("What did <friend> bring?", "the <thing>"),
            ("Where was the <animal>?", "the <place>"),
            ("What did the <animal> eat?", "<food>"),
        ),
    ),
    Plot(
        "gift",
        (
            "[Tomorrow|Soon|On <weekday>] it [would be|was going to be] <friend>'s birthday.",
            "<hero> {went} to the <place> to [look for|buy|find] a gift.",
            "There <he> {found} a <colour> <thing>, and it cost [two|three|five|six|nine] coins.",
            "[<He> wrapped it in paper|<He> tied a bow around it|<He> hid it under <his> coat] and {went} to the <place2>, "
            "where <friend> was [waiting|working|resting|reading].",
            '"[A <thing>!|Just what I wanted!|How lovely!]" said <friend>, who was very {glad}.',
            "[They shared some <food>|They ate <food> together|There was <food> for everyone]. {end}",
        ),
        (
            ("Who had a birthday?", "<friend>"),
            ("Who bought a gift?", "<hero>"),
            ("What was the gift?", "the <thing>"),
            ("Where did <hero> buy the gift?", "the <place>"),
            ("Where was <friend>?", "the <place2>"),
            ("What did they eat?", "<food>"),
            ("What colour was the gift?", "<colour>"),
        ),
    ),
    Plot(
        "repair",
        (
            "<hero> had a <colour> <thing> that [was broken|did not work any more|had a crack|was torn].",
            '[<He> tried to mend it, but it was too hard.|"I cannot mend it alone," <he> said.|<He> felt {sad} about it.]',
            "{when} <he> took it to <friend>, who worked [at|near|behind] the <place>.",
            "<friend> [worked on it|looked at it|turned it over] [for an hour|all day|with small tools|very carefully] and [mended it|made it whole again].",
            "<hero> paid with some <food>. {thanks}",
            "Now the <thing> [is as good as new|looks better than before|works again]. {end}",
        ),
        (
            ("Who owned the <thing>?", "<hero>"),
            ("Who mended the <thing>?", "<friend>"),
            ("What was broken?", "the <thing>"),
            ("Where did <friend> work?", "the <place>"),
            ("What did <hero> pay with?", "<food>"),
            ("What colour was the <thing>?", "<colour>"),
        ),
    ),
    Plot(
        "race",
        (
            "{when} <hero> and <friend> [had|held] a race from the <place> to the <place2>.",
            "The winner would get a <colour> <thing>.",
            "<friend> was [faster|ahead|in front] at first, but then a <animal> [ran|jumped|walked] across the road.",
            "<friend> [stopped|slowed down|waited] to let it pass, and <hero> won by [a step|a nose|a moment].",
            '["You were kind to stop," said <hero>.|"That was a fair race," said <friend>.|They shook hands at the end.]',
            "[So they shared the prize|<hero> let <friend> hold the prize|They put the prize on a shelf]. {end}",
        ),
        (
            ("Who won the race?", "<hero>"),
            ("Who stopped in the race?", "<friend>"),
            ("What was the prize?", "the <thing>"),
            ("Where did the race start?", "the <place>"),
            ("Where did the race end?", "the <place2>"),
            ("What animal crossed the road?", "the <animal>"),
            ("What colour was the prize?", "<colour>"),
        ),
    ),
    Plot(
        "swap",
        (
            "<hero> had a <colour> <thing>, and <friend> had a <thing2>.",
            "{when} they met [at|near|in front of] the <place>.",
            '"[Shall we swap|Will you trade with me|Do you want to swap]?" [asked <hero>|said <hero>].',
            "<friend> [thought about it|nodded|laughed] and gave <hero> the <thing2> for the <thing>.",
            "[Both were {glad}|Each of them thought it was a good trade|They shook hands on it].",
            "Then they ate <food> [on the grass|under a tree|in the sun|on a wall]. {end}",
        ),
        (
            ("Who had the <thing> at first?", "<hero>"),
            ("Who had the <thing2> at first?", "<friend>"),
            ("Who has the <thing> now?", "<friend>"),
            ("What did <hero> get?", "the <thing2>"),
            ("Where did they meet?", "the <place>"),
            ("What did they eat?", "<food>"),
        ),
    ),
    Plot(
        "baking",
        (
            "{when} <hero> made <food> in the kitchen of the <place>.",
            "[The smell was wonderful|It smelled so good|The smell filled the street], and a <animal> came to the [door|window].",
            "[<hero> turned around for a moment|<hero> went to get some water|<hero> fell asleep in a chair], and the <animal> [ate|stole|took] [half|most|some] of it.",
            "<friend> [saw it all|was passing by|heard the noise] and [chased the animal away|closed the door] with a <thing>.",
            "[They laughed about it and|They were not angry and|In the end they] made [more|a new batch|twice as much].",
            "{end}",
        ),
        (
            ("Who made the <food>?", "<hero>"),
            ("What did <hero> make?", "<food>"),
            ("What animal came?", "the <animal>"),
            ("Who helped <hero>?", "<friend>"),
            ("What did <friend> use?", "the <thing>"),
            ("Where was the kitchen?", "the <place>"),
        ),
    ),
    Plot(
        "treasure",
        (
            "<hero> [found|had|was given] an old map, and <he> showed it to <friend>.",
            "The map [led|pointed] to the <place>, so they {went} there [at once|with a lamp|before breakfast|the same day].",
            "[They dug|They searched|<hero> dug] [for hours|until their arms hurt|under a flat stone], and a <animal> [watched them|slept nearby].",
            "[At last|In the end|Suddenly] <friend> [hit|felt|saw] something hard. It was a box with a <colour> <thing> in it.",
            "They [gave it to|brought it to|put it in] the <place2>, where [all can see it|it still is today|people admire it].",
            "{end}",
        ),
        (
            ("Who had the map?", "<hero>"),
            ("Who saw the map?", "<friend>"),
            ("What was in the box?", "the <thing>"),
            ("Where did the map lead?", "the <place>"),
            ("Where is the <thing> now?", "the <place2>"),
            ("What animal was there?", "the <animal>"),
            ("What colour was the <thing>?", "<colour>"),
        ),
    ),
    Plot(
        "garden",
        (
            "<hero> [planted|grew] <food> [behind|near|next to] the <place>.",
            "[Every day|Every morning] <he> [watered them|looked after them] with a <colour> <thing>.",
            "{when} a <animal> [got in|came by|jumped over the wall] and [dug holes|ate the leaves|made a mess].",
            "<hero> was {sad}, but <friend> [built a barrier|had a plan|helped to clean up].",
            "[In autumn|After some weeks|When summer ended] there was [plenty|enough] to eat, and they [had a feast|sold the rest] at the <place2>.",
            "{thanks}",
        ),
        (
            ("Who planted the <food>?", "<hero>"),
            ("What did <hero> plant?", "<food>"),
            ("What animal made trouble?", "the <animal>"),
            ("Who helped <hero>?", "<friend>"),
            ("Where did <hero> plant them?", "the <place>"),
            ("What did <hero> use every day?", "the <thing>"),
        ),
    ),
    Plot(
        "storm",
        (
            "{when} <hero> and <friend> were [fishing|painting|reading|playing] [near|at] the <place>.",
            "[Dark clouds came|It began to rain|The wind grew strong], and the wind [took|carried off|blew away] <friend>'s <colour> <thing>.",
            "They [ran|hurried] to the <place2> [to stay dry|and waited there|and closed the door].",
            "[Inside|There] they {found} a wet <animal>, and <hero> gave it some <food>.",
            "[When the sun came out|After the storm|An hour later] <hero> {found} the <thing> [in a tree|on a roof|in a puddle].",
            "<friend> was {glad}. {end}",
        ),
        (
            ("Whose <thing> was blown away?", "<friend>"),
            ("Who found the <thing>?", "<hero>"),
            ("What did the wind take?", "the <thing>"),
            ("Where did they stay dry?", "the <place2>"),
            ("Where were they when the storm began?", "the <place>"),
            ("What animal was wet?", "the <animal>"),
            ("What did the <animal> get?", "<food>"),
        ),
    ),
    Plot(
        "secret",
        (
            "<hero> had a secret: <he> kept a <animal> [in|behind|under] the <place>.",
            "[Every night|Each day after school|Before breakfast] <he> brought it some <food>.",
            "{when} <friend> followed <him> and {found} everything.",
            '["I will not tell anyone," said <friend>.|"Your secret is safe," said <friend>.|<friend> promised to be quiet.]',
            "[To say thanks|As a reward], <hero> gave <friend> a <colour> <thing>.",
            "Now they look after the <animal> together. {end}",
        ),
        (
            ("Who had a secret?", "<hero>"),
            ("Who found out the secret?", "<friend>"),
            ("What animal was the secret?", "the <animal>"),
            ("Where did the <animal> live?", "the <place>"),
            ("What did <hero> bring it?", "<food>"),
            ("What did <friend> get?", "the <thing>"),
        ),
    ),
    Plot(
        "letter",
        (
            "{when} <hero> got a letter. [It had no name on it.|The paper smelled of <food>.|The writing was very small.]",
            '"[Come to|Meet me at] the <place> [at noon|at six|tonight|tomorrow] and bring a <thing>," it said.',
            "<hero> took a <colour> <thing> and {went} there [alone|at once|with a beating heart].",
            "<friend> was [there|waiting] with a {size} <animal> and [a big smile|a cake|a song].",
            '"[I wrote the letter|It was me|Surprise]!" said <friend>. "[I need your help|This is for you|Let us play]."',
            "{end}",
        ),
        (
            ("Who got a letter?", "<hero>"),
            ("Who wrote the letter?", "<friend>"),
            ("What did <hero> bring?", "the <thing>"),
            ("Where did <hero> go?", "the <place>"),
            ("What animal did <friend> have?", "the <animal>"),
            ("What colour was the <thing>?", "<colour>"),
        ),
    ),
    Plot(
        "market",
        (
            "{when} <hero> sold <food> at the <place>.",
            "<friend> [wanted|asked for] [some|a bag|a basket], but <he2> had no [money|coins] left.",
            '"[Give me|I will take] your <colour> <thing> for it," said <hero>.',
            "<friend> [agreed|shook <his2> head at first|thought for a while], [and they were both {glad}|and so the deal was made].",
            "[On the way home|Later that day|Near the <place2>] <friend> shared everything with a <animal>.",
            "{end}",
        ),
        (
            ("Who sold the <food>?", "<hero>"),
            ("Who had no money?", "<friend>"),
            ("What did <hero> sell?", "<food>"),
            ("What did <friend> pay with?", "the <thing>"),
            ("Where did <hero> sell the <food>?", "the <place>"),
            ("What animal got a share?", "the <animal>"),
        ),
    ),
    Plot(
        "hiding",
        (
            "{when} <hero> and <friend> played hide and seek [near|around] the <place>.",
            "<hero> hid [in|behind|under] the <place2>, and <friend> counted to [ten|twenty|fifty].",
            "[It was dark in there|It was very quiet|Nobody came for a while], and a <animal> sat down next to <him>.",
            "[The <animal> made a noise|<hero> had to sneeze|<hero> began to laugh], so <friend> {found} them [quickly|at once|in the end].",
            "[For winning|As a prize] <friend> got a <colour> <thing>.",
            "Then they went home and ate <food>. {end}",
        ),
        (
            ("Who hid?", "<hero>"),
            ("Who counted?", "<friend>"),
            ("Where did <hero> hide?", "the <place2>"),
            ("What animal sat next to <hero>?", "the <animal>"),
            ("What did <friend> win?", "the <thing>"),
            ("What did they eat?", "<food>"),
        ),
    ),
    Plot(
        "lesson",
        (
            "<hero> wanted to learn how to [paint|sing|dance|swim|cook|ride|juggle].",
            "{when} <he> {went} to the <place> and asked <friend> for a lesson.",
            '"[First|To begin with] you [need|must have] a <thing>," said <friend>, and gave <him> a <colour> one.',
            "[It was hard at first|<hero> made many mistakes|The first try was funny], and even a <animal> [laughed|ran away|stared].",
            "But <hero> [tried again|did not give up|practised every day], and [soon|after a month|before winter] <he> could do it well.",
            "<hero> gave <friend> some <food> [as thanks|in return]. {end}",
        ),
        (
            ("Who wanted to learn?", "<hero>"),
            ("Who gave the lesson?", "<friend>"),
            ("Where was the lesson?", "the <place>"),
            ("What did <friend> give <hero>?", "the <thing>"),
            ("What animal was there?", "the <animal>"),
            ("What did <friend> get in return?", "<food>"),
        ),
    ),
)
