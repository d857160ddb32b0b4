"""Why a document was dropped: the receipt that every stage of the pipeline must write.

Taught in ch01_data/06_corpus.ipynb.
Needs: document.py, verdict.py.
"""

import dataclasses
import gzip
import json
from collections.abc import Iterator
from pathlib import Path

from .document import Document
from .verdict import Verdict

_EXCERPT_CHARACTERS = 200


@dataclasses.dataclass(frozen=True, slots=True)
class Receipt:
    """Why one document was dropped: at which stage, by which rule, on which evidence.

    note: what else helps, such as the address of the page that a copy is a copy of. excerpt: how
    the text began that was dropped.

    >>> Receipt("7f", "http://town/p/3", "quality", "gopher_quality.min_words", 12, 50).value
    12
    """

    document_id: str
    url: str
    stage: str
    rule: str
    value: float
    threshold: float
    note: str = ""
    excerpt: str = ""


def document_or_receipt(
    stage: str, document: Document, outcome: Document | Verdict
) -> Document | Receipt:
    """What stays of a document after a stage, whose step answered with `outcome`.

    ValueError when the step answered with another document, or with a verdict that keeps.

    >>> document_or_receipt("short", Document("a", "", "Hm"), Verdict(False, "length", 1, 50)).stage
    'short'
    """
    if isinstance(outcome, Document) and outcome.id == document.id:
        return outcome
    if isinstance(outcome, Document):
        raise ValueError(f"{stage} answered document {document.id} with {outcome.id}")
    if not isinstance(outcome, Verdict) or outcome.keep:
        raise ValueError(f"{stage} must answer with a document or a dropping verdict: {outcome!r}")
    evidence = outcome.rule, outcome.value, outcome.threshold, outcome.note
    excerpt = document.text[:_EXCERPT_CHARACTERS]
    return Receipt(document.id, document.url, stage, *evidence, excerpt)


def read_receipts(path: str | Path) -> Iterator[Receipt]:
    """Receipts of a JSONL file, in order and lazily; ValueError names a line that is none.

    >>> import tempfile
    >>> from .document import write_jsonl
    >>> path = Path(tempfile.mkdtemp(), "receipts.jsonl.gz")
    >>> write_jsonl([Receipt("7f", "http://town/p/3", "spam", "phrases", 9, 1)], path)
    1
    >>> [receipt.stage for receipt in read_receipts(path)]
    ['spam']
    """
    with (gzip.open if str(path).endswith(".gz") else open)(path, "rb") as stream:
        for number, line in enumerate(stream, start=1):
            try:
                yield Receipt(**json.loads(line))
            except (ValueError, TypeError) as error:
                name = Path(path).name
                raise ValueError(f"{name} line {number} is not a receipt: {error}") from error
