"""Why a document was dropped: the receipt that every stage of the pipeline must write.

Taught in ch01_data/06_corpus.ipynb.
Needs: nothing but the standard library.
"""

import dataclasses
import gzip
import json
from collections.abc import Iterator
from pathlib import Path


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
