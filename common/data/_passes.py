"""A pipeline as passes: what can be done to one document before all the others must be known.

Needs: document.py, receipt.py, steps.py, verdict.py.
"""

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .document import Document
from .receipt import Receipt
from .steps import CorpusStep, DocumentStep, Step
from .verdict import Verdict

EXCERPT_CHARACTERS = 200


class Scores:
    """What every rule measured, by stage and rule (values as float32), and what was edited."""

    def __init__(self) -> None:
        self.values: dict[tuple[str, str], array] = defaultdict(lambda: array("f"))
        self.thresholds: dict[tuple[str, str], float] = {}
        self.edited: Counter[str] = Counter()  # by stage, documents that were changed

    def take(
        self, stage: str, document: Document, outcome: Document | Verdict
    ) -> Document | Receipt:
        """What stays of a document after a stage; counts it when it was changed."""
        answer = document_or_receipt(stage, document, outcome)
        self.edited[stage] += isinstance(answer, Document) and answer.text != document.text
        return answer

    def add(self, stage: str, verdict: Verdict) -> None:
        key = stage, verdict.rule
        self.values[key].append(verdict.value)
        self.thresholds[key] = _plain(verdict.threshold)


@dataclass(frozen=True)
class Pass:
    """One pass over all documents: apply what was decided, then judge each document by itself.

    first: the stage whose decisions are there now; None in the first pass. stages: the document
    steps that follow. last: the stage that will be decided afterwards; None in the last pass.
    """

    first: tuple[str, CorpusStep] | None
    stages: tuple[tuple[str, DocumentStep], ...]
    last: tuple[str, CorpusStep] | None

    def send(self, document: Document, decision: Any, scores: Scores) -> Document | Receipt:
        """The document after all stages of this pass, or the receipt of the one that dropped it."""
        if self.first is not None:
            stage, corpus_step = self.first
            document = scores.take(stage, document, corpus_step.apply(document, decision))
        for stage, step in self.stages:
            if isinstance(document, Receipt):
                break
            document = scores.take(stage, document, _judge(stage, step, document, scores))
        return document


def document_or_receipt(
    stage: str, document: Document, outcome: Document | Verdict
) -> Document | Receipt:
    """What stays of a document after a stage, whose step answered with `outcome`.

    ValueError when the step answered with another document, or with a verdict that keeps.
    """
    if isinstance(outcome, Document) and not isinstance(outcome.text, str):
        raise ValueError(f"{stage} gave document {document.id} the text {outcome.text!r:.40}")
    if isinstance(outcome, Document) and outcome.id == document.id:
        return outcome
    if isinstance(outcome, Document):
        raise ValueError(f"{stage} answered document {document.id} with {outcome.id}")
    if not isinstance(outcome, Verdict) or outcome.keep:
        raise ValueError(f"{stage} must answer with a document or a dropping verdict: {outcome!r}")
    evidence = outcome.rule, _plain(outcome.value), _plain(outcome.threshold), outcome.note
    excerpt = document.text[:EXCERPT_CHARACTERS]
    return Receipt(document.id, document.url, stage, *evidence, excerpt)


def _plain(number: Any) -> Any:
    """A number of numpy's as one of Python's, which JSON can hold."""
    return number.item() if isinstance(number, np.generic) else number


def check_steps(steps: Mapping[str, Step]) -> None:
    """TypeError for what is no mapping of names to steps; ValueError for a name with a tab."""
    if not isinstance(steps, Mapping):
        raise TypeError(f"steps must map names to steps, like a dict; got {steps!r:.80}")
    for stage, step in steps.items():
        if not isinstance(stage, str):
            raise TypeError(f"the name of a step must be a string, not {stage!r}")
        if "\t" in stage:  # which stands between a stage and a rule
            raise ValueError(f"the name of a step cannot hold a tab: {stage!r}")
        if not isinstance(step, CorpusStep) and not callable(step):
            raise TypeError(f"step {stage} must be a function or a CorpusStep, not {step!r:.80}")


def split_passes(steps: Mapping[str, Step]) -> list[Pass]:
    """The passes that the steps take: one, and one more for each that needs all documents."""
    check_steps(steps)
    passes: list[Pass] = []
    first, stages = None, []
    for stage, step in steps.items():
        if isinstance(step, CorpusStep):
            passes.append(Pass(first, tuple(stages), (stage, step)))
            first, stages = (stage, step), []
        else:
            stages.append((stage, step))
    return [*passes, Pass(first, tuple(stages), None)]


def _judge(
    stage: str, step: DocumentStep, document: Document, scores: Scores
) -> Document | Verdict:
    """The step's answer; if it can show its evidence (`verdicts`), that goes into the scores."""
    evidence = getattr(step, "verdicts", None)
    if evidence is None:
        return step(document)
    for verdict in evidence(document):
        scores.add(stage, verdict)
        if not verdict.keep:
            return verdict
    return document


def funnel_rows(
    count: int, dropped: Mapping[str, int], stages: Iterable[str]
) -> list[dict[str, str | int]]:
    """How many documents each stage dropped and left; the first row is what came in."""
    rows: list[dict[str, str | int]] = [{"stage": "crawled", "dropped": 0, "left": count}]
    for stage in stages:
        count -= dropped.get(stage, 0)
        rows.append({"stage": stage, "dropped": dropped.get(stage, 0), "left": count})
    return rows
