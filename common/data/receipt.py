"""Why a document was dropped: the receipt that every stage of the pipeline must write.

Taught in ch01_data/06_corpus.ipynb.
Needs: _lines.py.
"""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

from ._lines import converted_lines


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
    return converted_lines(path, lambda *line: Receipt(**line[-1]), damage=None, kind="receipt")
