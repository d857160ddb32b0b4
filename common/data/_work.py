"""The work of a run that can be done by any process: one pass over the documents of one split.

Needs: document.py, receipt.py, _passes.py, _ragged.py, _source.py, _splits.py.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ._passes import Pass, Scores
from ._ragged import write_ragged
from ._source import replacing
from ._splits import Split, named_damage, read_split
from .document import Document, read_jsonl, write_jsonl
from .receipt import Receipt
from .steps import Sketch

_PLACEHOLDER = re.compile(r"\|\|\|([A-Z_]+)\|\|\|")


@dataclass(frozen=True)
class Work:
    """What every process must know: the folder of the run, its passes and the splits.

    The work on split s in pass p leaves its files in work/p/, the last pass its documents in
    documents/; each appears when it is complete, and the summary (s.done.json) after the others.
    run: stands in each summary, and tells those of one run from those of another.
    """

    folder: Path
    passes: tuple[Pass, ...]
    splits: tuple[Split, ...]
    run: str = ""

    def file(self, number: int, split: int, kind: str) -> Path:
        return self.folder / "work" / str(number) / f"{split:05d}.{kind}"

    def documents(self, number: int, split: int) -> Path:
        """Where the documents lie that pass `number` left of a split."""
        if number == len(self.passes) - 1:
            return self.folder / "documents" / f"{split:05d}.jsonl.gz"
        return self.file(number, split, "documents.jsonl")

    def do(self, number: int, split: int) -> dict[str, Any]:
        """Send the documents of a split through a pass; return the summary. Done work stays."""
        if self.file(number, split, "done.json").exists():
            return self.summary(number, split)
        shift = Shift(self, number, split)
        given = shift.given() if number else shift.read(self.splits[split])
        try:
            left = write_jsonl(shift.survivors(given), self.documents(number, split))
            return shift.save(left)
        except Exception as error:
            error.add_note(f"while cleaning {self.splits[split]}, after {shift.count} documents")
            raise

    def summary(self, number: int, split: int) -> dict[str, Any]:
        """What the work on a split in a pass left; ValueError if that was another run's work."""
        found = read_json(self.file(number, split, "done.json"))
        if found.get("run") != self.run:
            raise ValueError(
                f"{self.folder} holds work on {self.splits[split].source} with other steps or of "
                "another number of tasks: take another folder, and let all tasks run"
            )
        return found


class Shift:
    """What gathers while the documents of one split stream through one pass."""

    def __init__(self, work: Work, number: int, split: int) -> None:
        self.work, self.number, self.split = work, number, split
        self.count, self.characters = 0, [0, 0]
        self.receipts: list[Receipt] = []
        self.sketches: list[Sketch] = []
        self.damage: list[dict[str, Any]] = []
        self.scores = Scores()
        self.masked: Counter[str] = Counter()
        for path in (work.file(number, split, "done.json"), work.documents(number, split)):
            path.parent.mkdir(parents=True, exist_ok=True)
        # What was decided on sketches that are about to be made again holds no longer.
        work.file(number + 1, split, "decisions.json").unlink(missing_ok=True)

    def read(self, split: Split) -> Iterator[Document]:
        """The documents of a split; what cannot be read is kept as damage."""
        yield from read_split(split, found := [])
        self.damage += named_damage(split, found)

    def given(self) -> Iterator[Document]:
        """What the pass before left of this split."""
        return read_jsonl(self.work.documents(self.number - 1, self.split))

    def survivors(self, documents: Iterable[Document]) -> Iterator[Document]:
        """The documents that pass, one by one; the rest leave receipts."""
        this = self.work.passes[self.number]
        for document, decision in self._with_decisions(documents):
            self.count += 1
            self.characters[0] += len(document.text)
            answer = this.send(document, decision, self.scores)
            if isinstance(answer, Receipt):
                self.receipts.append(answer)
                continue
            self.characters[1] += len(answer.text)
            if this.last is not None:
                self.sketches.append(this.last[1].sketch(answer))
            else:
                self.masked.update(_PLACEHOLDER.findall(answer.text))
            yield answer

    def save(self, left: int) -> dict[str, Any]:
        """Write everything but the documents, of which `left` were left; return the summary."""
        file = partial(self.work.file, self.number, self.split)
        write_jsonl(self.receipts, file("receipts.jsonl"))
        write_ragged(self.sketches, file("sketches.npz"))
        with open(file("scores.npz"), "wb") as stream:
            values = self.scores.values.items()
            np.savez(stream, **{"\t".join(key): np.array(array) for key, array in values})
        summary = {
            "run": self.work.run,
            "given": self.count,
            "left": left,
            "characters": self.characters,
            "edited": self.scores.edited,
            "masked": self.masked,
            "thresholds": {"\t".join(key): t for key, t in self.scores.thresholds.items()},
            "damage": self.damage,
        }
        write_json(summary, file("done.json"))
        return summary

    def _with_decisions(self, documents: Iterable[Document]) -> Iterable[tuple[Document, Any]]:
        if self.number == 0:
            return ((document, None) for document in documents)
        decisions = read_json(self.work.file(self.number, self.split, "decisions.json"))
        return zip(documents, decisions, strict=True)


def read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def write_json(value: Any, path: Path, *, indent: int | None = None) -> None:
    """Write a value, half surrogate pairs escaped; the file appears when it is complete."""
    text = json.dumps(value, indent=indent, ensure_ascii=False) + "\n"
    with replacing(path) as stream:
        stream.write(text.encode("utf-8", "backslashreplace"))
