"""From documents to a corpus, in named stages, with a receipt for every document that is dropped.

Each stage is a step (see steps.py) that answers for every document it is given, in order, with the
document or with the Verdict that drops it. So nothing can be lost on the way: survivors and
receipts add up to what came in, and a receipt says which rule dropped which page on which evidence.

Taught in ch01_data/06_corpus.ipynb.
Needs: document.py, receipt.py, _passes.py, steps.py, verdict.py.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from ._passes import check_steps, document_or_receipt, funnel_rows
from .document import Document
from .receipt import Receipt, read_receipts
from .steps import (
    CorpusStep,
    DocumentStep,
    Step,
    edit_step,
    exact_duplicates_step,
    near_duplicates_step,
    repeated_lines_step,
    rules_step,
)
from .verdict import Verdict

__all__ = [
    "CorpusStep",
    "DocumentStep",
    "Receipt",
    "Step",
    "clean",
    "edit_step",
    "exact_duplicates_step",
    "funnel",
    "near_duplicates_step",
    "read_receipts",
    "repeated_lines_step",
    "rules_step",
]


def clean(
    documents: Iterable[Document], steps: Mapping[str, Step]
) -> tuple[list[Document], list[Receipt]]:
    """Send documents through named steps; return survivors and a receipt for each of the others.

    The order of documents and of steps is kept. ValueError when a step does not answer for every
    document that it was given, or answers with another one. Memory: all documents at once; run.py
    does the same with files, in several processes.

    >>> from .quality import stop_word_filter
    >>> pages = [Document("a", "", "The hat of the baker."), Document("b", "", "Hm")]
    >>> kept, receipts = clean(pages, {"quality": rules_step(stop_word_filter)})
    >>> len(kept), [receipt.document_id for receipt in receipts]
    (1, ['b'])
    """
    check_steps(steps)
    survivors = list(documents)
    receipts: list[Receipt] = []
    for stage, step in steps.items():
        given, survivors = survivors, []
        for document, outcome in zip(given, _outcomes(stage, step, given), strict=True):
            answer = document_or_receipt(stage, document, outcome)
            (receipts if isinstance(answer, Receipt) else survivors).append(answer)
    return survivors, receipts


def funnel(
    count: int, receipts: Iterable[Receipt], stages: Iterable[str]
) -> list[dict[str, str | int]]:
    """How many documents each stage dropped and left, in order; the first row is what came in.

    ValueError for receipts of a stage that is not among `stages`, and for more than `count`.

    >>> funnel(10, [Receipt("a", "", "spam", "phrases", 9.0, 1.0)], ["prose", "spam"])[1:]
    [{'stage': 'prose', 'dropped': 0, 'left': 10}, {'stage': 'spam', 'dropped': 1, 'left': 9}]
    """
    stages, dropped = list(stages), Counter(receipt.stage for receipt in receipts)
    if others := [stage for stage in dropped if stage not in stages]:
        raise ValueError(
            f"{sum(dropped[stage] for stage in others)} of {dropped.total()} receipts are of "
            f"stages that are not given: {', '.join(others)}"
        )
    if dropped.total() > count:
        raise ValueError(f"{dropped.total()} receipts are more than the {count} documents")
    return funnel_rows(count, dropped, stages)


def _outcomes(
    stage: str, step: Step, documents: Sequence[Document]
) -> Iterable[Document | Verdict]:
    if not isinstance(step, CorpusStep):
        return map(step, documents)
    decisions = list(step.decide([step.sketch(document) for document in documents]))
    if len(decisions) != len(documents):
        raise ValueError(f"{stage} gave {len(decisions)} answers for {len(documents)} documents")
    return map(step.apply, documents, decisions)
