"""Checks of the exercises of chapter 1: one function an exercise, named as the reader's is.

Each tries the reader's function on small inputs, and raises AssertionError with a hint when an
answer is wrong. What typical mistakes give is computed, too: the hint of the mistake that explains
every answer comes first.

Used in ch01_data/exercises.ipynb and ch01_data/solutions.ipynb.
Needs: _compare.py, _data_oracles.py.
"""

import copy
from collections.abc import Callable, Mapping, Sequence

from . import _data_oracles as oracle
from ._compare import compare, demand, refuse

Rules = list[tuple[str, str]]  # ("allow" or "disallow", the beginning of a path)
Choice = tuple[float, float, float] | None


def may_fetch(attempt: Callable[[Rules, str], bool]) -> None:
    """What a robots.txt says on one path: the longest rule that matches decides."""
    cases: list[tuple[Rules, str]] = [
        ([("disallow", "/private")], "/private/diary"),
        ([("disallow", "/private")], "/news"),
        ([("disallow", "/shop/"), ("allow", "/shop/open")], "/shop/open/1"),
        ([("allow", "/shop/open"), ("disallow", "/shop/")], "/shop/open/1"),
        ([("allow", "/"), ("disallow", "/shop/")], "/shop/1"),
        ([("disallow", "/a"), ("allow", "/a")], "/a"),
        ([("allow", "/a"), ("disallow", "/a")], "/a"),
        ([("disallow", "")], "/anything"),
        ([("disallow", "/a")], "/b/a"),
        ([("disallow", "/fish")], "/fishing/boat"),
        ([], "/"),
    ]
    hints = {
        "whole": "A rule matches every path that begins with it, and not only itself.",
        "inside": "A rule matches where the path begins with it, not where it stands inside.",
        "empty": "An empty disallow forbids nothing: it matches no path.",
        "forbids": "What no rule speaks of may be fetched.",
        "tie": "Of an allow and a disallow of the same length the allow wins.",
        "first": "The first rule that matches decides nothing: look for the longest.",
        "last": "The last rule that matches decides nothing: look for the longest.",
        "shortest": "The longest rule wins, since it says most about this path.",
        "any": "One disallow that matches is not enough: a longer allow outweighs it.",
    }
    _judge("may_fetch", attempt, cases, oracle.fetch, hints)


def link_density(attempt: Callable[[list[tuple[str, bool]]], float]) -> None:
    """The share of a block's characters that stand in links."""
    blank = [[(" ", False), ("", True)], []]
    for pieces in blank:
        try:
            attempt(list(pieces))
        except ZeroDivisionError:
            hint = "divides by zero. A block without letters has a density of 0.0."
            raise AssertionError(f"link_density({pieces}) {hint}") from None
    cases = [
        [("See ", False), ("here", True), (".", False)],
        [("Home", True), (" | ", False), ("News", True)],
        [("All of it", True)],
        [("None of it", False)],
        [("a long sentence about tides ", False), ("x", True)],
        [("  \n  ", False), (" mail  us ", True), ("\t", False)],
        *blank,
    ]
    hints = {
        "all": "White space is no text: a page has as much of it as its author's editor puts "
        "there. Count the other characters.",
        "stripped": "White space inside a piece counts as little as that around it.",
        "pieces": "Pieces are counted, not their characters: one link of three letters would "
        "weigh as much as a paragraph.",
        "words": "Words are counted. Characters are asked for.",
        "outside": "That is the share outside of links.",
        "rest": "Divide by all characters, those in links included.",
    }
    _judge("link_density", attempt, [(pieces,) for pieces in cases], oracle.density, hints)


def best_threshold(attempt: Callable[[list[float], list[bool], float], Choice]) -> None:
    """The threshold with the highest recall among those with enough precision."""
    cases = [
        ([5, 4, 3, 2, 1, 0], [True, False, True, True, True, False], 0.75),
        ([1, 2, 3, 4], [False, False, True, True], 1.0),
        ([1, 2, 3, 4], [False, True, False, True], 0.6),
        ([3, 3, 3, 5], [True, False, True, True], 0.8),
        ([3, 3, 5], [False, True, True], 0.6),
        ([0.9, 0.2, 0.7, 0.4], [True, False, True, True], 0.9),
    ]
    hints = {
        "above": "A page with the value of the threshold is kept, too: at least, not more than.",
        "stops": "Precision can fall and rise again as the threshold goes down. Try every value "
        "before you choose.",
        "splits": "Pages with the same value are kept or dropped together.",
        "precise": "Enough precision is enough. Among the thresholds that have it take the one "
        "with the highest recall.",
        "recall": "Recall is the share of all good pages that are kept: divide by the number of "
        "good pages.",
        "accuracy": "That is accuracy. Precision is the share of good pages among those that are "
        "kept.",
        "below": "Pages with a high value are kept, those with a low one dropped.",
    }
    _judge("best_threshold", attempt, cases, oracle.threshold, hints)
    got = attempt([2, 1], [False, True], 0.9)
    nothing = "No threshold has that precision: return None, and claim nothing."
    demand(got is None, f"best_threshold([2, 1], [False, True], 0.9) gives {got}. {nothing}")


def duplicate_share(attempt: Callable[[list[str], int], float]) -> None:
    """The share of a text's characters that lie in repeated n-grams, each counted once."""
    texts = [
        ("buy now or cry now or buy now", 2),
        ("one two three four", 2),
        ("la la la la", 2),
        ("a bb ccc a bb ccc", 3),
        ("to be or not to be that is to be", 2),
        ("short", 3),
    ]
    hints = {
        "first": "The first occurrence repeats nothing: only later ones are duplicates.",
        "twice": "Where two duplicates overlap, their words are counted twice. Mark the words that "
        "are covered, then count each once.",
        "ngrams": "That is the share of the n-grams. A long word weighs more than a short one: "
        "count characters.",
        "words": "That is the share of the words. A long word weighs more than a short one: count "
        "characters.",
        "apart": "N-grams overlap: one begins at every word, not at every n-th.",
        "misses": "The last n-gram is missing: there are N - n + 1.",
    }
    cases = [(text.split(), n) for text, n in texts]
    _judge("duplicate_share", attempt, cases, oracle.duplicates, hints)


def calibration_error(attempt: Callable[[list[float], list[bool], int], float]) -> None:
    """How far stated probabilities are from what happened, bin by bin."""
    cases = [
        ([0.9, 0.9, 0.9, 0.9], [True, True, True, False], 10),
        ([0.1, 0.1, 0.9, 0.9], [True, False, True, False], 5),
        ([0.2, 0.2, 0.2, 0.8], [False, False, False, True], 2),
        ([1.0, 1.0, 0.0], [True, False, False], 4),
        ([0.62, 0.68, 0.35], [True, False, True], 10),
    ]
    hints = {
        "unweighted": "Bins weigh as much as they have members: multiply each gap by its share of "
        "all predictions.",
        "signed": "Gaps of opposite sign cancel each other. Take absolute values, bin by bin.",
        "one by one": "That is the distance of each prediction from 0 or 1. A forecast of 0.9 is "
        "right when 9 of 10 come true: compare means of a bin.",
        "middle": "The middle of a bin stands for its members. Take the mean of their "
        "probabilities.",
        "open": "Probability 1.0 belongs to the last bin: it is lost here.",
        "squared": "Do not square: the error is in the unit of a probability.",
    }
    _judge("calibration_error", attempt, cases, oracle.calibration, hints)


def choose_bands(attempt: Callable[[int, float], tuple[int, int]]) -> None:
    """Bands and rows whose S-curve rises where it should."""
    cases = [(120, 0.8), (120, 0.5), (128, 0.7), (6, 0.9), (12, 0.3)]
    for num_hashes, similarity in cases:
        got = attempt(num_hashes, similarity)
        if isinstance(got, tuple) and len(got) == 2 and got[0] * got[1] != num_hashes:
            product = f"{got[0]} bands of {got[1]} are {got[0] * got[1]} numbers, not {num_hashes}"
            call = f"choose_bands({num_hashes}, {similarity})"
            demand(False, f"{call} gives {got}, but {product}: bands must divide them.")
    hints = {
        "swapped": "Bands come first, then rows: in the answer, and in the formula of the steep "
        "place, (1 / bands) ** (1 / rows).",
        "nearest": "A place above the similarity wanted loses copies. Take the nearest at or below "
        "it.",
        "lowest": "All are below, and this one is far below: it makes every pair a candidate. Take "
        "the nearest.",
    }
    _judge("choose_bands", attempt, cases, oracle.bands, hints)
    few = "Even the lowest place is above it: say so with a ValueError."
    refuse("choose_bands(2, 0.1)", lambda: attempt(2, 0.1), few)


def clusters(attempt: Callable[[int, list[tuple[int, int]]], list[int]]) -> None:
    """For each text the smallest number it is linked to, in however many steps."""
    cases = [
        (3, []),
        (4, [(0, 2)]),
        (4, [(2, 3), (1, 2), (0, 1)]),
        (6, [(0, 5), (1, 4), (4, 5)]),
        (5, [(3, 1), (4, 3)]),
        (6, [(1, 2), (3, 4), (2, 3), (4, 5)]),
        (3, [(0, 0), (1, 2), (1, 2)]),
    ]
    hints = {
        "one step": "One look at each pair is not enough: a link found later joins whole groups. "
        "Follow each text to the head of its group.",
        "neighbours": "Only direct neighbours are joined. A copy of a copy belongs to the same "
        "group.",
        "largest": "The largest number speaks for each group. The first text stays, so the "
        "smallest must.",
        "numbered": "Groups are numbered 0, 1, 2. Each is named by its smallest member.",
    }
    _judge("clusters", attempt, cases, oracle.clusters, hints)


def mask_card_numbers(attempt: Callable[[str], tuple[str, int]]) -> None:
    """Card numbers become a placeholder, other long numbers stay."""
    hints = {
        "all": "Order numbers are masked, too. Only numbers whose check digit fits are cards.",
        "from left": "Double every second digit from the right, beginning with the last but one. "
        "Numbers of 15 digits tell the difference.",
        "no nines": "A doubled digit above 9 counts as the sum of its digits: subtract 9.",
        "joined": "People write a space or a hyphen between groups of digits.",
        "inside": "A number inside of a longer one, or of a word, is none: look at what stands "
        "before and after it.",
        "sixteen": "Cards have 13 to 19 digits.",
        "stars": f"Put {oracle.CARD} in its place, so that a reader of the text sees what stood "
        "there.",
        "flag": "Count how many were masked, not whether any was.",
    }
    cases = [(text,) for text in oracle.CARD_TEXTS]
    _judge("mask_card_numbers", attempt, cases, oracle.cards, hints)


def _judge(
    name: str,
    attempt: Callable[..., object],
    cases: Sequence[tuple],
    answer: Callable[..., object],
    hints: Mapping[str, str],
) -> None:
    """Compare the attempt with `answer(*case, mistake="")` on every case; a wrong one gets a hint.

    A mistake that explains the answers to all cases is named; failing that, one that explains the
    first wrong answer.
    """
    given = [oracle.shown(attempt(*copy.deepcopy(case))) for case in cases]
    made = {mistake: [answer(*case, mistake=mistake) for case in cases] for mistake in hints}
    alike = [mistake for mistake, answers in made.items() if answers == given]
    for place, case in enumerate(cases):
        call = f"{name}({', '.join(map(repr, case))})"
        mistakes = [(made[mistake][place], hints[mistake]) for mistake in alike or hints]
        compare(call, given[place], answer(*case, mistake=""), mistakes)
