"""What is true in the town: one job, home, pet, favourite food and best friend for each person."""

from dataclasses import dataclass
from functools import cache

from ._grammar import Dice, expand
from ._words import ANIMALS, FOODS, JOBS, NAMES, PLACES, is_girl, split_words

_SENTENCES = (
    "<name> is a <job>.|<name> works as a <job>.|The job of <name> is <job>.",
    "<He> lives near the <home>.|The house of <name> is near the <home>.|<name> lives near the <home>.",
    "<He> has a <pet>.|<name> has a pet <pet>.|The pet of <name> is a <pet>.",
    "<He> likes to eat <food>.|<name> likes <food> most of all.|The favourite food of <name> is <food>.",
    "<His> best friend is <friend>.|The best friend of <name> is <friend>.",
)
QUESTIONS = (
    ("What is the job of <name>?", "<job>"),
    ("Where does <name> live?", "near the <home>"),
    ("What pet does <name> have?", "a <pet>"),
    ("What food does <name> like?", "<food>"),
    ("Who is the best friend of <name>?", "<friend>"),
)


@dataclass(frozen=True)
class Person:
    name: str
    job: str
    home: str
    pet: str
    food: str
    friend: str
    is_asked_about: bool

    @property
    def slots(self) -> dict[str, str]:
        girl = is_girl(self.name)
        return vars(self) | {"He": "She" if girl else "He", "His": "Her" if girl else "His"}


@cache
def people() -> tuple[Person, ...]:
    """Everyone whose name the site uses; about one in four no question is ever asked."""
    names = split_words(NAMES, "train")
    homes, pets, foods = (split_words(words, "train") for words in (PLACES, ANIMALS, FOODS))
    census = []
    for index, name in enumerate(names):
        dice = Dice(f"person/{name}")
        friend = dice.pick([other for other in names if other != name])
        drawn = (dice.pick(options) for options in (JOBS, homes, pets, foods))
        census.append(Person(name, *drawn, friend, is_asked_about=index % 4 != 0))
    return tuple(census)


def describe(person: Person, dice: Dice) -> str:
    """One paragraph with the five facts in random order; the first sentence names the person."""
    order = dice.sample(_SENTENCES, len(_SENTENCES))
    sentences = [f"[{options}]" for options in order]
    sentences[0] = "[" + "|".join(o for o in order[0].split("|") if "<name>" in o) + "]"
    return expand(" ".join(sentences), person.slots, dice)


def fact_question(person: Person, dice: Dice) -> tuple[str, str]:
    question, answer = dice.pick(QUESTIONS)
    return expand(question, person.slots, dice), expand(answer, person.slots, dice)
