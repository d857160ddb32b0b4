"""Was it right to drop these pages? Precision and recall against labels, with intervals.

Precision is the share of the dropped pages that deserved it, recall the share of the pages that
deserve it which were dropped. Both are shares of a count, and a count has an error.

Of a page and its copies one should stay, and it matters little which. So in a group of copies every
dropped page deserved it as long as one of the group survives; when none does, the one that fell
last was lost without reason.

Taught in ch01_data/03_quality_rules.ipynb and ch01_data/06_corpus.ipynb.
Needs: ../intervals.py.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from ..intervals import wilson_interval

# Labels of pages that should stay, personal data masked, though one of a group of copies is enough.
GOOD_LABELS = frozenset({"clean", "pii", "mirror", "near_copy"})


class _Receipt(Protocol):
    url: str
    stage: str
    note: str  # for a copy, the address of the page that stays


@dataclass(frozen=True, slots=True)
class Score:
    """Counts of pages: `hits` were dropped and deserved it, of all `dropped` and all `wanted`.

    Precision and recall are 1.0 where nothing was dropped or nothing wanted; their intervals, at
    95 % after Wilson, are then (0.0, 1.0): nothing is known.

    >>> score = Score(hits=48, dropped=50, wanted=60)
    >>> score.precision, score.recall, [round(bound, 2) for bound in score.precision_interval]
    (0.96, 0.8, [0.87, 0.99])
    """

    hits: int
    dropped: int
    wanted: int

    def __post_init__(self) -> None:
        if not 0 <= self.hits <= min(self.dropped, self.wanted):
            raise ValueError(
                f"hits must lie in 0 .. min(dropped, wanted), got {self.hits} of "
                f"{self.dropped} and {self.wanted}"
            )

    @property
    def precision(self) -> float:
        return self.hits / self.dropped if self.dropped else 1.0

    @property
    def recall(self) -> float:
        return self.hits / self.wanted if self.wanted else 1.0

    @property
    def precision_interval(self) -> tuple[float, float]:
        return wilson_interval(self.hits, self.dropped) if self.dropped else (0.0, 1.0)

    @property
    def recall_interval(self) -> tuple[float, float]:
        return wilson_interval(self.hits, self.wanted) if self.wanted else (0.0, 1.0)


def precision_recall(dropped: Collection[str], wanted: Collection[str]) -> Score:
    """The score of dropping the pages `dropped` where `wanted` should have been dropped.

    >>> precision_recall({"/a", "/b", "/c"}, {"/b", "/c", "/d", "/e"})
    Score(hits=2, dropped=3, wanted=4)
    """
    dropped, wanted = set(dropped), set(wanted)
    return Score(len(dropped & wanted), len(dropped), len(wanted))


def wrongly_dropped(
    receipts: Iterable[_Receipt],
    labels: Mapping[str, str],
    copies: Mapping[str, str],
    *,
    good: Collection[str] = GOOD_LABELS,
) -> dict[str, str]:
    """The pages that should have stayed, each with the stage that dropped it.

    `labels` maps the addresses of all pages that came in to labels, `copies` the address of a copy
    to its original's (`Site.copies`), `good` are the labels of pages that should stay. Lost are the
    good pages without copies, and the last page of a group none of which survived. ValueError for a
    receipt of a page without a label.

    >>> from types import SimpleNamespace as Receipt
    >>> drops = [Receipt(url="/a", stage="prose"), Receipt(url="/b", stage="copies")]
    >>> wrongly_dropped(drops, {"/a": "clean", "/b": "mirror"}, {"/b": "/a"})
    {'/b': 'copies'}
    """
    left = defaultdict(set)
    for url, label in labels.items():
        if label in good:
            left[copies.get(url, url)].add(url)
    last = {}  # by group that has no survivor
    for receipt in _known(receipts, labels):
        if labels[receipt.url] in good:
            group = copies.get(receipt.url, receipt.url)
            left[group].discard(receipt.url)
            if not left[group]:
                last[group] = receipt
    return {receipt.url: receipt.stage for receipt in last.values()}


def _known(receipts: Iterable[_Receipt], labels: Mapping[str, str]) -> Iterator[_Receipt]:
    for receipt in receipts:
        if receipt.url not in labels:
            raise ValueError(f"a page was dropped that has no label: {receipt.url!r}")
        yield receipt


def score_kinds(
    receipts: Iterable[_Receipt], labels: Mapping[str, str], copies: Mapping[str, str]
) -> dict[str, Score]:
    """For each kind of mess, how well the whole pipeline drops it.

    A kind's recall is over its pages. Its precision sets against its dropped pages the good pages
    that were lost at the stages which caught the kind: a stage's mistakes count against each kind
    it serves. "copies" stands for mirrors and near copies: one page of each group should stay, and
    a drop is right when the page named in its note belongs to the same group.

    >>> from types import SimpleNamespace as Receipt
    >>> drops = [Receipt(url="/s", stage="spam", note=""), Receipt(url="/a", stage="spam", note="")]
    >>> score_kinds(drops, {"/s": "spam", "/a": "clean", "/b": "clean"}, {})
    {'spam': Score(hits=1, dropped=2, wanted=1)}
    """
    receipts = list(_known(receipts, labels))
    lost = Counter(wrongly_dropped(receipts, labels, copies).values())
    wanted = Counter(label for label in labels.values() if label not in GOOD_LABELS)
    caught: dict[str, Counter[str]] = defaultdict(Counter)
    for receipt in receipts:
        caught[labels[receipt.url]][receipt.stage] += 1
    scores = {}
    for kind in sorted(wanted):
        hits = caught[kind].total()
        scores[kind] = Score(hits, hits + sum(lost[stage] for stage in caught[kind]), wanted[kind])
    if copies:
        scores["copies"] = _score_copies(receipts, labels, copies)
    return scores


def _score_copies(
    receipts: list[_Receipt], labels: Mapping[str, str], copies: Mapping[str, str]
) -> Score:
    drops = [receipt for receipt in receipts if labels[receipt.url] in GOOD_LABELS]
    as_copies = [receipt for receipt in drops if receipt.note in labels]
    hits = sum(
        copies.get(receipt.url, receipt.url) == copies.get(receipt.note, receipt.note)
        for receipt in as_copies
    )
    gone = {receipt.url for receipt in drops}
    groups = Counter(
        copies.get(url, url) for url in labels if labels[url] in GOOD_LABELS and url not in gone
    )
    return Score(hits, len(as_copies), hits + sum(size - 1 for size in groups.values()))


def score_stages(
    receipts: Iterable[_Receipt], labels: Mapping[str, str], copies: Mapping[str, str]
) -> dict[str, Score]:
    """For each stage that dropped anything, in order: was it right, and how much of the rest did it
    catch? A stage's recall is over the pages that still had to go when it began.

    >>> from types import SimpleNamespace as Receipt
    >>> drops = [Receipt(url=f"/{kind}", stage=kind, note="") for kind in ("prose", "spam")]
    >>> score_stages(drops, {"/prose": "spam", "/spam": "spam", "/a": "clean"}, {})["prose"].recall
    0.5
    """
    receipts = list(receipts)
    lost = Counter(wrongly_dropped(receipts, labels, copies).values())
    stay = [url for url, label in labels.items() if label in GOOD_LABELS]
    to_go = len(labels) - len({copies.get(url, url) for url in stay})
    scores = {}
    for stage, dropped in Counter(receipt.stage for receipt in receipts).items():
        hits = dropped - lost[stage]
        scores[stage] = Score(hits, dropped, to_go)
        to_go -= hits
    return scores
