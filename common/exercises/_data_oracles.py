"""The right answers of chapter 1's exercises, and those that typical mistakes give.

This is scaffolding of the book, not a subject of it: ch01_data.py stands on it.
Needs: nothing but the standard library.
"""

import re
from collections import Counter
from collections.abc import Sequence

Rules = list[tuple[str, str]]
CARD = "|||CARD_NUMBER|||"


def shown(value: object) -> object:
    """Floats to nine digits, so that the order of additions does not matter."""
    if isinstance(value, tuple):
        return tuple(map(shown, value))
    return round(value, 9) if isinstance(value, float) else value


def fetch(rules: Rules, path: str, *, mistake: str) -> bool:
    matches = {
        "whole": lambda start: start and path == start,
        "inside": lambda start: start and start in path,
        "empty": path.startswith,
    }.get(mistake, lambda start: start and path.startswith(start))
    found = [(len(start), kind) for kind, start in rules if matches(start)]
    if not found:
        return mistake != "forbids"
    lengths = [length for length, _ in found]
    match mistake:
        case "first":
            return found[0][1] == "allow"
        case "last":
            return found[-1][1] == "allow"
        case "any":
            return all(kind == "allow" for _, kind in found)
        case "shortest":
            return (min(lengths), "allow") in found
        case "tie":
            return (max(lengths), "disallow") not in found
    return (max(lengths), "allow") in found


def density(pieces: Sequence[tuple[str, bool]], *, mistake: str) -> float:
    sizes = {
        "all": len,
        "stripped": lambda text: len(text.strip()),
        "pieces": lambda text: 1,
        "words": lambda text: len(text.split()),
    }
    size = sizes.get(mistake, lambda text: len("".join(text.split())))
    linked = sum(size(text) for text, is_link in pieces if is_link)
    other = sum(size(text) for text, is_link in pieces if not is_link)
    if mistake == "outside":
        linked, other = other, linked
    total = other if mistake == "rest" else linked + other
    return shown(linked / total if total else 0.0)


Choice = tuple[float, float, float] | None


def threshold(
    values: Sequence[float], good: Sequence[bool], least: float, *, mistake: str
) -> Choice:
    tried = []
    rows = sorted(zip(values, good, strict=True), reverse=True)
    for place, (value, _) in enumerate(rows, start=1):
        kept = [g for v, g in rows if v > value or (v == value and mistake != "above")]
        if mistake == "splits":
            kept = [g for _, g in rows[:place]]
        if mistake == "below":
            kept = [g for v, g in rows if v <= value]
        if not kept:
            continue
        precision, recall = sum(kept) / len(kept), sum(kept) / max(1, sum(good))
        judged = precision
        if mistake == "accuracy":
            judged = precision = (2 * sum(kept) - len(kept) + good.count(False)) / len(good)
        if mistake == "recall":
            recall = sum(kept) / len(good)
        if judged >= least:
            tried.append((value, precision, recall))
        elif mistake == "stops":
            break
    if not tried:
        return None
    best = max(tried, key=lambda row: row[1:] if mistake == "precise" else (row[2], row[1]))
    return shown(best)


def duplicates(words: Sequence[str], n: int, *, mistake: str) -> float:
    starts = range(0, len(words) - n + (mistake != "misses"), n if mistake == "apart" else 1)
    grams = {i: tuple(words[i : i + n]) for i in starts}
    counts, seen, repeats = Counter(grams.values()), set(), []
    for i, gram in grams.items():
        if gram in seen or (mistake == "first" and counts[gram] > 1):
            repeats.append(i)
        seen.add(gram)
    covered = [i + j for i in repeats for j in range(n)]
    if mistake != "twice":
        covered = sorted(set(covered))
    if mistake == "ngrams":
        return shown(len(repeats) / len(grams) if grams else 0.0)
    if mistake == "words":
        return shown(len(covered) / len(words))
    return shown(sum(len(words[i]) for i in covered) / sum(map(len, words)))


def calibration(
    probabilities: Sequence[float], hits: Sequence[bool], bins: int, *, mistake: str
) -> float:
    pairs = list(zip(probabilities, hits, strict=True))
    if mistake == "one by one":
        return shown(sum(abs(p - hit) for p, hit in pairs) / len(pairs))
    members: dict[int, list[tuple[float, bool]]] = {}
    for p, hit in pairs:
        place = int(p * bins)
        if place < bins or mistake != "open":
            members.setdefault(min(place, bins - 1), []).append((p, hit))
    gaps = []
    for place, rows in members.items():
        mean = sum(p for p, _ in rows) / len(rows)
        if mistake == "middle":
            mean = (place + 0.5) / bins
        gap = mean - sum(hit for _, hit in rows) / len(rows)
        gap = gap * gap if mistake == "squared" else gap if mistake == "signed" else abs(gap)
        gaps.append(gap * (1 / len(members) if mistake == "unweighted" else len(rows) / len(pairs)))
    return shown(abs(float(sum(gaps))))


def bands(num_hashes: int, similarity: float, *, mistake: str) -> tuple[int, int]:
    places = {}
    for count in range(1, num_hashes + 1):
        if num_hashes % count == 0:
            rows = num_hashes // count
            places[count, rows] = (1 / count) ** (1 / rows)
    below = {pair: place for pair, place in places.items() if place <= similarity}
    if mistake == "nearest":
        best = min(places, key=lambda pair: abs(places[pair] - similarity))
    elif mistake == "lowest":
        best = min(below, key=below.get)
    else:
        best = max(below, key=below.get, default=(0, 0))
    return best[::-1] if mistake == "swapped" else best


def _groups(count: int, pairs: Sequence[tuple[int, int]]) -> list[int]:
    heads = list(range(count))
    for _ in range(count):
        for a, b in pairs:
            heads[a] = heads[b] = min(heads[a], heads[b])
    return heads


def clusters(count: int, pairs: Sequence[tuple[int, int]], *, mistake: str) -> list[int]:
    right = _groups(count, pairs)
    if not mistake:
        return right
    match mistake:
        case "one step":
            heads = list(range(count))
            for a, b in pairs:
                heads[a] = heads[b] = min(heads[a], heads[b])
            return heads
        case "neighbours":
            linked = {i: {i} for i in range(count)}
            for a, b in pairs:
                linked[a].add(b)
                linked[b].add(a)
            return [min(linked[i]) for i in range(count)]
        case "largest":
            return [max(i for i in range(count) if right[i] == head) for head in right]
    numbers: dict[int, int] = {}
    return [numbers.setdefault(head, len(numbers)) for head in right]


# The card numbers are those that payment services publish for tests.
CARD_TEXTS = (
    "Pay with 4111 1111 1111 1111, please.",
    "Card 5555-5555-5555-4444 and order 1234567812345678.",
    "378282246310005",
    "The isbn is 9780262035613, the parcel 4111111111111112.",
    "Ring 0161 496 0000 before 10:30.",
    "x4111111111111111y and 41111111111111110000000000",
    "4222222222222 has thirteen digits. 4012888888881881. End",
    "",
)


def _luhn(digits: str, *, from_left: bool = False, no_nines: bool = False) -> bool:
    numbers = [int(d) for d in (digits if from_left else digits[::-1])]
    doubled = [2 * d if i % 2 else d for i, d in enumerate(numbers)]
    return sum(d if no_nines or d < 10 else d - 9 for d in doubled) % 10 == 0


def cards(text: str, *, mistake: str) -> tuple[str, int]:
    pattern = r"(?<!\w)\d(?:[ -]?\d){12,18}(?!\w)"
    if mistake == "inside":
        pattern = r"\d(?:[ -]?\d){12,18}"
    if mistake == "joined":
        pattern = r"(?<!\w)\d{13,19}(?!\w)"
    if mistake == "sixteen":
        pattern = r"(?<!\w)\d(?:[ -]?\d){15}(?!\w)"
    count = 0

    def replace(found: re.Match[str]) -> str:
        nonlocal count
        digits = re.sub(r"[ -]", "", found[0])
        ways = {"from left": {"from_left": True}, "no nines": {"no_nines": True}}
        if mistake != "all" and not _luhn(digits, **ways.get(mistake, {})):
            return found[0]
        count += 1
        return re.sub(r"\d", "*", found[0]) if mistake == "stars" else CARD

    masked = re.sub(pattern, replace, text)
    return masked, 1 if mistake == "flag" and count else count
