"""Chapter 1's checks: solutions pass, stubs say so, and each typical mistake gets its own hint."""

import re
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.data.calibration import expected_calibration_error, reliability
from common.data.lsh import connected_components
from common.exercises import ch01_data as checks
from tests.exercises.cells import assert_told, solution

CHAPTER = "ch01_data"
CARD = "|||CARD_NUMBER|||"


def fetch_by(decide: Callable, matches: Callable = str.startswith, default: bool = True):
    def may_fetch(rules, path):
        found = [(kind, start) for kind, start in rules if start and matches(path, start)]
        return decide(found) if found else default

    return may_fetch


def longest(found):
    return max((len(start), kind == "allow") for kind, start in found)[1]


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (fetch_by(lambda found: found[0][0] == "allow"), "The first rule that matches decides"),
        (fetch_by(lambda found: found[-1][0] == "allow"), "The last rule that matches decides"),
        (fetch_by(lambda found: all(k == "allow" for k, _ in found)), "a longer allow outweighs"),
        (fetch_by(longest, default=False), "What no rule speaks of may be fetched"),
        (fetch_by(longest, matches=str.__eq__), "every path that begins with it"),
        (fetch_by(longest, matches=str.__contains__), "not where it stands inside"),
        (
            fetch_by(lambda found: max((len(s), k == "disallow") for k, s in found)[1] is False),
            "the allow wins",
        ),
        (
            fetch_by(lambda found: max((-len(s), k == "allow") for k, s in found)[1]),
            "The longest rule wins",
        ),
        (
            lambda rules, path: max(
                ((len(s), k == "allow") for k, s in rules if path.startswith(s)),
                default=(0, True),
            )[1],
            "An empty disallow forbids nothing",
        ),
    ],
)
def test_may_fetch_knows_the_mistake(wrong: Callable, hint: str) -> None:
    assert_told(checks.may_fetch, wrong, hint)


def density_by(size: Callable[[str], float]) -> Callable:
    def link_density(pieces):
        total = sum(size(text) for text, _ in pieces)
        return sum(size(text) for text, linked in pieces if linked) / total if total else 0.0

    return link_density


def letters(text: str) -> int:
    return len("".join(text.split()))


def letters_in(pieces):
    return sum(letters(text) for text, _ in pieces)


def divides_by_the_rest(pieces):
    rest = sum(letters(text) for text, linked in pieces if not linked)
    return sum(letters(text) for text, linked in pieces if linked) / rest if rest else 0.0


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (density_by(len), "White space is no text"),
        (density_by(lambda text: len(text.strip())), "White space inside a piece"),
        (density_by(lambda text: 1), "Pieces are counted"),
        (density_by(lambda text: len(text.split())), "Words are counted"),
        (lambda pieces: 1 - density_by(letters)(pieces), "outside of links"),
        (divides_by_the_rest, "Divide by all characters"),
        (
            lambda pieces: sum(letters(t) for t, k in pieces if k) / letters_in(pieces),
            "A block without letters has a density of 0.0",
        ),
    ],
)
def test_link_density_knows_the_mistake(wrong: Callable, hint: str) -> None:
    assert_told(checks.link_density, wrong, hint)


def choose(
    keep: Callable = float.__ge__,
    key: Callable = lambda row: (row[2], row[1]),
    stop: bool = False,
    of_all: bool = False,
) -> Callable:
    def best_threshold(values, good, min_precision):
        found = []
        for value in sorted(set(values), reverse=True):
            kept = [
                g for v, g in zip(values, good, strict=True) if keep(float(v), float(value))
            ]  # fmt: skip
            if not kept:
                continue
            precision = sum(kept) / len(kept)
            recall = sum(kept) / (len(good) if of_all else sum(good))
            if precision >= min_precision:
                found.append((value, precision, recall))
            elif stop:
                break
        return max(found, key=key, default=None)

    return best_threshold


def splits_equals(values, good, min_precision):
    rows, found = sorted(zip(values, good, strict=True), reverse=True), []
    for place in range(1, len(rows) + 1):
        kept = [g for _, g in rows[:place]]
        if sum(kept) / len(kept) >= min_precision:
            found.append((rows[place - 1][0], sum(kept) / len(kept), sum(kept) / sum(good)))
    return max(found, key=lambda row: (row[2], row[1]), default=None)


def by_accuracy(values, good, min_precision):
    found = []
    for value in set(values):
        right = [(v >= value) == g for v, g in zip(values, good, strict=True)]
        kept = [g for v, g in zip(values, good, strict=True) if v >= value]
        accuracy = sum(right) / len(right)
        if accuracy >= min_precision:
            found.append((value, accuracy, sum(kept) / sum(good)))
    return max(found, key=lambda row: (row[2], row[1]), default=None)


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (choose(keep=float.__gt__), "at least, not more than"),
        (choose(keep=float.__le__), "Pages with a high value are kept"),
        (choose(stop=True), "Precision can fall and rise again"),
        (choose(key=lambda row: (row[1], row[2])), "Enough precision is enough"),
        (choose(of_all=True), "divide by the number of good pages"),
        (splits_equals, "kept or dropped together"),
        (by_accuracy, "That is accuracy"),
    ],
)
def test_best_threshold_knows_the_mistake(wrong: Callable, hint: str) -> None:
    assert_told(checks.best_threshold, wrong, hint)


def test_best_threshold_wants_none_where_nothing_is_precise_enough() -> None:
    right = solution(CHAPTER, "best_threshold")
    assert_told(
        checks.best_threshold,
        lambda *given: right(*given) or (max(given[0]), 0.0, 0.0),
        "claim nothing",
    )


def share_by(
    first: bool = False, measure: str = "characters", step: int | None = None, off: int = 1
) -> Callable:
    def duplicate_share(words, n):
        starts = range(0, len(words) - n + off, step or 1)
        grams = [tuple(words[i : i + n]) for i in starts]
        counts, seen, repeats = Counter(grams), set(), []
        for i, gram in zip(starts, grams, strict=True):
            if gram in seen or (first and counts[gram] > 1):
                repeats.append(i)
            seen.add(gram)
        covered = [i + j for i in repeats for j in range(n)]
        if measure == "ngrams":
            return len(repeats) / len(grams) if grams else 0.0
        if measure == "words":
            return len(set(covered)) / len(words)
        places = covered if measure == "twice" else set(covered)
        return sum(len(words[i]) for i in places) / sum(map(len, words))

    return duplicate_share


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (share_by(first=True), "The first occurrence repeats nothing"),
        (share_by(measure="twice"), "Where two duplicates overlap"),
        (share_by(measure="ngrams"), "That is the share of the n-grams"),
        (share_by(measure="words"), "That is the share of the words"),
        (share_by(step=2), "one begins at every word"),
        (share_by(off=0), "The last n-gram is missing"),
    ],
)
def test_duplicate_share_knows_the_mistake(wrong: Callable, hint: str) -> None:
    assert_told(checks.duplicate_share, wrong, hint)


def error_by(
    gap: Callable = abs, weigh: bool = True, middle: bool = False, last: bool = True
) -> Callable:
    def calibration_error(probabilities, hits, num_bins):
        members = {}
        for p, hit in zip(probabilities, hits, strict=True):
            place = int(p * num_bins)
            if place < num_bins or last:
                members.setdefault(min(place, num_bins - 1), []).append((p, hit))
        total = 0.0
        for place, rows in members.items():
            mean = (place + 0.5) / num_bins if middle else sum(p for p, _ in rows) / len(rows)
            share = len(rows) / len(probabilities) if weigh else 1 / len(members)
            total += gap(mean - sum(hit for _, hit in rows) / len(rows)) * share
        return abs(total)

    return calibration_error


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (error_by(weigh=False), "Bins weigh as much as they have members"),
        (error_by(gap=lambda x: x), "Gaps of opposite sign cancel"),
        (error_by(gap=lambda x: x * x), "Do not square"),
        (error_by(middle=True), "The middle of a bin"),
        (error_by(last=False), "Probability 1.0 belongs to the last bin"),
        (
            lambda p, hits, bins: sum(abs(x - h) for x, h in zip(p, hits, strict=True)) / len(p),
            "compare means of a bin",
        ),
    ],
)
def test_calibration_error_knows_the_mistake(wrong: Callable, hint: str) -> None:
    assert_told(checks.calibration_error, wrong, hint)


def bands_by(place: Callable, choose: Callable) -> Callable:
    def choose_bands(num_hashes, similarity):
        choices = [(b, num_hashes // b) for b in range(1, num_hashes + 1) if num_hashes % b == 0]
        places = {choice: place(*choice) for choice in choices}
        below = {choice: p for choice, p in places.items() if p <= similarity}
        if not below:
            raise ValueError("none")
        return choose(places, below, similarity)

    return choose_bands


def right_bands(num_hashes, similarity):
    return solution(CHAPTER, "choose_bands")(num_hashes, similarity)


def steep(bands: int, rows: int) -> float:
    return (1 / bands) ** (1 / rows)


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (
            bands_by(steep, lambda places, below, s: max(below, key=below.get)[::-1]),
            "Bands come first, then rows",
        ),
        (
            bands_by(lambda b, r: steep(r, b), lambda places, below, s: max(below, key=below.get)),
            "Bands come first, then rows",
        ),
        (
            bands_by(steep, lambda places, below, s: min(places, key=lambda c: abs(places[c] - s))),
            "loses copies",
        ),
        (bands_by(steep, lambda places, below, s: min(below, key=below.get)), "every pair a"),
        (lambda num_hashes, similarity: (20, 5), "bands must divide them"),
        (
            lambda num_hashes, similarity: (
                (1, 2) if num_hashes == 2 else right_bands(num_hashes, similarity)
            ),
            "say so with a ValueError",
        ),
    ],
)
def test_choose_bands_knows_the_mistake(wrong: Callable, hint: str) -> None:
    assert_told(checks.choose_bands, wrong, hint)


def one_look(count, pairs):
    heads = list(range(count))
    for a, b in pairs:
        heads[a] = heads[b] = min(heads[a], heads[b])
    return heads


def neighbours(count, pairs):
    linked = [{i} for i in range(count)]
    for a, b in pairs:
        linked[a].add(b)
        linked[b].add(a)
    return [min(group) for group in linked]


def components(count, pairs):
    return connected_components(count, pairs).tolist() if pairs else list(range(count))


def largest(count, pairs):
    right = components(count, pairs)
    return [max(i for i in range(count) if right[i] == head) for head in right]


def numbered(count, pairs):
    numbers = {}
    return [numbers.setdefault(head, len(numbers)) for head in components(count, pairs)]


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (one_look, "One look at each pair is not enough"),
        (neighbours, "Only direct neighbours are joined"),
        (largest, "The largest number speaks"),
        (numbered, "Each is named by its smallest member"),
    ],
)
def test_clusters_knows_the_mistake(wrong: Callable, hint: str) -> None:
    assert_told(checks.clusters, wrong, hint)


def fits(digits: str, *, left: bool = False, nine: int = 9) -> bool:
    total = 0
    for place, digit in enumerate(digits if left else reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - nine if value > 9 else value
    return total % 10 == 0


def mask_by(
    pattern: str = r"(?<!\w)\d(?:[ -]?\d){12,18}(?!\w)", check: Callable = fits, flag: bool = False
) -> Callable:
    def mask_card_numbers(text):
        found = []

        def replace(match):
            if not check(re.sub(r"\D", "", match[0])):
                return match[0]
            found.append(match[0])
            return CARD

        masked = re.sub(pattern, replace, text)
        return masked, min(1, len(found)) if flag else len(found)

    return mask_card_numbers


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (mask_by(check=lambda digits: True), "Order numbers are masked, too"),
        (mask_by(check=lambda digits: fits(digits, left=True)), "from the right"),
        (mask_by(check=lambda digits: fits(digits, nine=0)), "subtract 9"),
        (mask_by(r"(?<!\w)\d{13,19}(?!\w)"), "a space or a hyphen between"),
        (mask_by(r"\d(?:[ -]?\d){12,18}"), "inside of a longer one"),
        (mask_by(r"(?<!\w)\d(?:[ -]?\d){15}(?!\w)"), "Cards have 13 to 19 digits"),
        (mask_by(flag=True), "Count how many were masked"),
        (
            lambda text: (
                re.sub(re.escape(CARD), "**** **** **** ****", mask_by()(text)[0]),
                mask_by()(text)[1],
            ),
            "mask_card_numbers(",
        ),
    ],
)
def test_mask_card_numbers_knows_the_mistake(wrong: Callable, hint: str) -> None:
    assert_told(checks.mask_card_numbers, wrong, hint)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=12))
def test_clusters_is_what_common_finds(pairs) -> None:
    assert solution(CHAPTER, "clusters")(10, pairs) == components(10, pairs)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=30))
def test_calibration_error_is_what_common_finds(rows) -> None:
    probabilities, hits = map(list, zip(*rows, strict=True))
    ours = solution(CHAPTER, "calibration_error")(probabilities, hits, 10)
    theirs = expected_calibration_error(reliability(probabilities, hits, num_bins=10))
    assert ours == pytest.approx(theirs, abs=1e-5)  # theirs is rounded, bin by bin
