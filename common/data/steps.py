"""The steps of a pipeline: what may happen to a document between the crawl and the corpus.

There are two kinds. A DocumentStep judges or edits one document by itself, so that documents can be
shared among any number of processes. A CorpusStep must know them all before it can answer for one
(is this the second copy?): each process makes small sketches, one process reads all sketches and
decides, and each process applies its part of the decisions. Both answer with the document, perhaps
edited, or with the Verdict that drops it.

Taught in ch01_data/06_corpus.ipynb.
Needs: document.py, verdict.py, dedup.py.
"""

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np

from .dedup import Sketch as CopySketch
from .dedup import (
    find_copies,
    first_of_each,
    line_hashes,
    remove_lines,
    repeated_lines,
    sketch,
    text_digest,
)
from .document import Document
from .verdict import Verdict, Words, split_words

DocumentStep = Callable[[Document], Document | Verdict]
Sketch = Mapping[str, np.ndarray]  # arrays of one dimension by name, of one type in all sketches


@runtime_checkable
class CorpusStep(Protocol):
    """A step that needs all documents: sketch each, decide once, apply to each.

    `decide` gives one decision for each sketch, in the same order; a decision is anything that JSON
    can hold. Sketches and decisions are all that travels between processes, never the texts.

    >>> isinstance(exact_duplicates_step(), CorpusStep), isinstance(rules_step(), CorpusStep)
    (True, False)
    """

    def sketch(self, document: Document) -> Sketch:
        """What must be known of one document; runs in any process."""

    def decide(self, sketches: Sequence[Sketch]) -> Iterable[Any]:
        """One decision for each document; runs in one process, and may read the sketches twice."""

    def apply(self, document: Document, decision: Any) -> Document | Verdict:
        """The answer for one document; runs in any process."""


Step = DocumentStep | CorpusStep


def rules_step(*rules: Callable[[Words], Verdict]) -> DocumentStep:
    """A step that drops a document at the first rule it fails; words are split once for all rules.

    Settings go in with functools.partial: `partial(stop_word_filter, min_stop_words=3)`.

    TypeError for what is no function; later for one that answers with anything but a Verdict.

    >>> from .quality import stop_word_filter
    >>> rules_step(stop_word_filter)(Document("a", "", "Der Hut.")).rule
    'stop_words.min_stop_words'
    """
    _check_functions("rule", rules)
    return _Rules(rules)


def edit_step(name: str, *edits: Callable[[str], tuple[str, int]]) -> DocumentStep:
    """A step that changes texts; each edit gives the new text and how often it struck.

    A document that was changed carries the sum as `meta[name]`; others stay as they are.

    >>> from .pii import mask_emails
    >>> edit_step("masked", mask_emails)(Document("a", "", "a@b.com!")).meta
    {'masked': 1}
    """
    _check_functions("edit", edits)
    return _Edits(name, edits)


def exact_duplicates_step() -> CorpusStep:
    """A step that keeps the first of all documents with the same text, to the letter.

    The Verdict's note is the address of the document that stays, or its id if it has none.

    >>> step = exact_duplicates_step()
    >>> twins = [Document("a", "http://x/1", "A kite."), Document("b", "http://x/2", "A kite.")]
    >>> list(step.decide([step.sketch(document) for document in twins]))
    [None, 'http://x/1']
    """
    return _ExactDuplicates()


def near_duplicates_step(
    *,
    jaccard_threshold: float = 0.8,
    num_hashes: int = 120,
    num_bands: int = 20,
    ngrams: int = 5,
    seed: int = 0,
    score: Callable[[Document], float] | None = None,
) -> CorpusStep:
    """A step that keeps one document of each cluster of near copies (see `near_duplicates`).

    That is the first, or the first of those with the highest `score`. The Verdict's note is the
    address of the document that stays, or its id if it has none. Memory while deciding: 2 kB a
    document; the n-grams may lie on disk. ValueError at once for settings with which nothing could
    be decided.

    >>> step = near_duplicates_step()
    >>> twins = [Document("a", "http://x/1", "A kite."), Document("b", "http://x/2", "a kite")]
    >>> list(step.decide([step.sketch(document) for document in twins]))
    [None, [1.0, 'http://x/1']]
    """
    _check_functions("score", [] if score is None else [score])
    step = _NearDuplicates(jaccard_threshold, num_hashes, num_bands, ngrams, seed, None)
    # Tried here, not after days of reading.
    list(step.decide([step.sketch(Document("", "", text)) for text in ("", "a b c d e f g h")]))
    return dataclasses.replace(step, score=score)


def repeated_lines_step(*, min_pages: int) -> CorpusStep:
    """A step that removes the lines which stand on at least `min_pages` of the documents.

    A document that was changed carries the number of lines as `meta["removed_lines"]`. Memory while
    deciding: 8 bytes a distinct line of each document.

    >>> step = repeated_lines_step(min_pages=2)
    >>> menu = [Document("a", "", "Menu\\nA kite."), Document("b", "", "Menu\\nA hat.")]
    >>> decisions = step.decide([step.sketch(document) for document in menu])
    >>> [step.apply(*pair).text for pair in zip(menu, decisions)]
    ['A kite.', 'A hat.']
    """
    if min_pages < 2:
        raise ValueError(f"min_pages must be at least 2, not {min_pages}: every line stands on one")
    step = _RepeatedLines(min_pages)
    list(step.decide([]))  # tried here, not after days of reading
    return step


def _check_functions(kind: str, functions: Iterable[Any]) -> None:
    for function in functions:
        if not callable(function):
            raise TypeError(f"each {kind} must be a function, not {function!r:.80}")


@dataclasses.dataclass(frozen=True)
class _Rules:
    rules: tuple[Callable[[Words], Verdict], ...]

    def verdicts(self, document: Document) -> Iterator[Verdict]:
        """Every check's verdict in order, up to the first that drops the document."""
        words = split_words(document.text)
        for rule in self.rules:
            verdict = rule(words)
            if not isinstance(verdict, Verdict):
                raise TypeError(f"{rule!r} must answer with a Verdict, not {verdict!r:.80}")
            yield from verdict.passed
            yield verdict
            if not verdict.keep:
                return

    def __call__(self, document: Document) -> Document | Verdict:
        for verdict in self.verdicts(document):
            if not verdict.keep:
                return verdict
        return document


@dataclasses.dataclass(frozen=True)
class _Edits:
    name: str
    edits: tuple[Callable[[str], tuple[str, int]], ...]

    def __call__(self, document: Document) -> Document:
        text, total = document.text, 0
        for edit in self.edits:
            made = edit(text)
            is_pair = isinstance(made, (tuple, list)) and len(made) == 2
            if not is_pair or not isinstance(made[0], str):
                raise TypeError(f"{edit!r} must answer with a text and a count, not {made!r:.80}")
            text, total = made[0], total + int(made[1])
        if not total:
            return document
        return dataclasses.replace(document, text=text, meta={**document.meta, self.name: total})


@dataclasses.dataclass(frozen=True)
class _ExactDuplicates:
    def sketch(self, document: Document) -> Sketch:
        digest = np.frombuffer(text_digest(document.text), np.uint8)
        return {"url": _array(document.url or document.id), "digest": digest}

    def decide(self, sketches: Sequence[Sketch]) -> Iterator[str | None]:
        keeper = first_of_each(sketch["digest"].tobytes() for sketch in sketches)
        for i, first in enumerate(keeper.tolist()):
            yield None if first == i else _string(sketches[first]["url"])

    def apply(self, document: Document, decision: str | None) -> Document | Verdict:
        if decision is None:
            return document
        return Verdict(False, "exact_duplicates.max_copies", 2, 1, decision)


@dataclasses.dataclass(frozen=True)
class _NearDuplicates:
    jaccard_threshold: float
    num_hashes: int
    num_bands: int
    ngrams: int
    seed: int
    score: Callable[[Document], float] | None

    def sketch(self, document: Document) -> Sketch:
        made = sketch(document.text, num_hashes=self.num_hashes, ngrams=self.ngrams, seed=self.seed)
        arrays = {"shingles": made.shingles, "signature": made.signature}
        if self.score is not None:
            arrays["score"] = np.array([self.score(document)], np.float64)
        return {"url": _array(document.url or document.id), **arrays}

    def decide(self, sketches: Sequence[Sketch]) -> Iterator[list | None]:
        keeper, similarity = find_copies(
            (CopySketch(sketch["shingles"], sketch["signature"]) for sketch in sketches),
            num_bands=self.num_bands,
            jaccard_threshold=self.jaccard_threshold,
            scores=[float(sketch["score"][0]) for sketch in sketches] if self.score else None,
        )
        for i, first in enumerate(keeper.tolist()):
            url = _string(sketches[first]["url"])
            yield None if first == i else [float(similarity[i]), url]

    def apply(self, document: Document, decision: list | None) -> Document | Verdict:
        if decision is None:
            return document
        rule, (similarity, url) = "near_duplicates.jaccard_threshold", decision
        return Verdict(False, rule, similarity, self.jaccard_threshold, url)


@dataclasses.dataclass(frozen=True)
class _RepeatedLines:
    min_pages: int

    def sketch(self, document: Document) -> Sketch:
        return {"lines": line_hashes(document.text)}

    def decide(self, sketches: Sequence[Sketch]) -> Iterator[list[int]]:
        lines = repeated_lines((s["lines"] for s in sketches), min_pages=self.min_pages)
        for one in sketches:
            places = np.searchsorted(lines[:-1], one["lines"])  # the last place at most
            yield one["lines"][lines[places] == one["lines"]].tolist() if len(lines) else []

    def apply(self, document: Document, decision: list[int]) -> Document:
        if not decision:
            return document
        text, removed = remove_lines(document.text, np.array(decision, np.uint64))
        meta = {**document.meta, "removed_lines": removed}
        return dataclasses.replace(document, text=text, meta=meta)


def _array(text: str) -> np.ndarray:
    return np.frombuffer(text.encode("utf-8", "surrogatepass"), np.uint8)


def _string(array: np.ndarray) -> str:
    return array.tobytes().decode("utf-8", "surrogatepass")
