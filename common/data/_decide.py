"""Between two passes: one process reads the sketches of all documents and decides for each.

Needs: steps.py, _ragged.py, _work.py.
"""

from collections.abc import Sequence
from itertools import islice
from typing import Any

from ._ragged import Ragged
from ._work import Work, write_json
from .steps import Sketch


def decide(work: Work, number: int, order: Sequence[int] | None = None) -> None:
    """Write the decisions of the step before pass `number`, a file a split. Done work stays.

    order: in which the step sees the documents; unless given, split after split.
    """
    splits = range(len(work.splits))
    files = [work.file(number, split, "decisions.json") for split in splits]
    if all(file.exists() for file in files):
        return
    stage, step = work.passes[number].first
    counts = [work.summary(number - 1, split)["left"] for split in splits]
    paths = [work.file(number - 1, split, "sketches.npz") for split in splits]
    files[0].parent.mkdir(parents=True, exist_ok=True)
    sketches = Ragged(paths, work.folder / "work" / f"{number}.sketches")
    made = list(step.decide(sketches if order is None else _Ordered(sketches, order)))
    if len(made) != sum(counts):
        raise ValueError(f"{stage} gave {len(made)} answers for {sum(counts)} documents")
    decisions = made if order is None else _scattered(made, order)
    rest = iter(decisions)
    for file, count in zip(files, counts, strict=True):
        write_json(list(islice(rest, count)), file)


class _Ordered(Sequence):
    """The sketches in another order."""

    def __init__(self, sketches: Sequence[Sketch], order: Sequence[int]) -> None:
        self.sketches, self.order = sketches, order

    def __len__(self) -> int:
        return len(self.order)

    def __getitem__(self, i: int) -> Sketch:
        return self.sketches[self.order[i]]


def _scattered(decisions: list[Any], order: Sequence[int]) -> list[Any]:
    found: list[Any] = [None] * len(decisions)
    for place, decision in zip(order, decisions, strict=True):
        found[place] = decision
    return found
