"""Decontamination: find the documents that hold a text of the evaluation.

A model that has read the exam answers it from memory, and its score says nothing. The usual test is
the n-gram: words without case, accents and punctuation, cut into all runs of 13 (Brown et al. 2020,
"Language Models are Few-Shot Learners", arXiv 2005.14165, appendix C) or 8 (Chowdhery et al. 2022,
"PaLM", arXiv 2204.02311; Llama 3, arXiv 2407.21783). GPT-3 dropped what shared a single one. Where
texts are made alike, or quote alike, a single one proves little; so what is measured is the share
of an evaluation text's words that stand in shared n-grams (Touvron et al. 2023, "Llama 2", arXiv
2307.09288, appendix A.6), and GPT-3's rule is the threshold 0. A paraphrase shares nothing.

Taught in ch01_data/06_corpus.ipynb.
Needs: document.py, verdict.py.
"""

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from .document import Document
from .verdict import Verdict, Words, split_words

_APOSTROPHES = str.maketrans("", "", "'’")


@dataclass(frozen=True, slots=True)
class EvalIndex:
    """The n-grams of an evaluation, and where each stands: what documents are compared with.

    ngram: words in an n-gram. lengths: words of each text. places: for each n-gram, the (text,
    first word) pairs where it stands. Plain data, so a process can be sent one.

    >>> index = EvalIndex.build(["Mia has a kite.", "A red kite has flown."], ngram=3)
    >>> index.lengths, index.places["red", "kite", "has"]
    ([4, 5], [(1, 1)])
    """

    ngram: int
    lengths: list[int]
    places: dict[tuple[str, ...], list[tuple[int, int]]]

    @classmethod
    def build(cls, eval_texts: Iterable[str], *, ngram: int = 13) -> "EvalIndex":
        """Index the texts. ValueError for none, for a single string, and for a text with fewer than
        `ngram` words: it could not be found.

        >>> EvalIndex.build(["Is it so?", "Yes"], ngram=3)
        Traceback (most recent call last):
        ValueError: evaluation text 1 has 1 words, fewer than ngram 3: join it with its question
        """
        if isinstance(eval_texts, str):
            raise ValueError(f"eval_texts must be several texts, got the one {eval_texts!r:.80}")
        if ngram < 1:
            raise ValueError(f"ngram must be at least 1, got {ngram}")
        lengths: list[int] = []
        places: dict[tuple[str, ...], list[tuple[int, int]]] = {}
        for number, text in enumerate(eval_texts):
            words = _normalized(split_words(text))
            if len(words) < ngram:
                raise ValueError(
                    f"evaluation text {number} has {len(words)} words, fewer than ngram {ngram}: "
                    "join it with its question"
                )
            lengths.append(len(words))
            for first, run in enumerate(_runs(words, ngram)):
                places.setdefault(run, []).append((number, first))
        if not lengths:
            raise ValueError("eval_texts is empty: every document would pass")
        return cls(ngram, lengths, places)


def contamination_filter(
    text: str | Words, index: EvalIndex, *, max_overlap: float = 0.7
) -> Verdict:
    """Keep a page unless more than `max_overlap` of the words of one evaluation text stand on it.

    The value is the largest such share, of words in n-grams that both have; the note says which
    text. max_overlap 0 is GPT-3's rule: a single shared n-gram drops the page. ValueError for a
    max_overlap outside 0..1. Cost: 10 MB of text a second, whatever the size of the evaluation.

    >>> index = EvalIndex.build(["Mia has a red kite and a hat."], ngram=3)
    >>> verdict = contamination_filter("Mia has a red kite in her bag.", index, max_overlap=0.5)
    >>> verdict.keep, verdict.value, verdict.note
    (False, 0.625, 'evaluation text 0')
    """
    _check_overlap(max_overlap)
    found = index.places.keys() & set(_runs(_normalized(split_words(text)), index.ngram))
    starts: dict[int, list[int]] = {}
    for run in found:
        for number, first in index.places[run]:
            starts.setdefault(number, []).append(first)
    shares = {
        number: _covered(firsts, index.ngram) / index.lengths[number]
        for number, firsts in starts.items()
    }
    worst = max(sorted(shares), key=shares.__getitem__, default=None)
    value = 0.0 if worst is None else shares[worst]
    note = "" if worst is None else f"evaluation text {worst}"
    keep = value <= max_overlap
    return Verdict(keep, "contamination.max_overlap", value, max_overlap, note)


def decontaminate(
    documents: Iterable[Document],
    eval_texts: Sequence[str],
    *,
    ngram: int = 13,
    max_overlap: float = 0.7,
) -> Iterator[Document | Verdict]:
    """For each document in order: the document, or the Verdict that drops it.

    Lazily; `contamination_filter` says what is measured. ValueError at once for an evaluation text
    of fewer than `ngram` words, and for a max_overlap outside 0..1.

    >>> pages = [Document("a", "", "Mia has a red kite."), Document("b", "", "A hat is no kite.")]
    >>> answers = decontaminate(pages, ["MIA HAS A RED KITE!"], ngram=4)
    >>> [answer.id if isinstance(answer, Document) else answer.value for answer in answers]
    [1.0, 'b']
    """
    _check_overlap(max_overlap)
    index = EvalIndex.build(eval_texts, ngram=ngram)

    def answer(document: Document) -> Document | Verdict:
        verdict = contamination_filter(document.text, index, max_overlap=max_overlap)
        return document if verdict.keep else verdict

    return map(answer, documents)


def _check_overlap(max_overlap: float) -> None:
    if not 0 <= max_overlap <= 1:
        raise ValueError(f"max_overlap {max_overlap} must lie in 0..1")


def _normalized(words: Words) -> list[str]:
    """Its words without accents and apostrophes, in one spelling each."""
    joined = " ".join(words.words)
    if not joined.isascii():
        joined = unicodedata.normalize("NFKD", joined).casefold()
        joined = "".join(c for c in joined if not unicodedata.combining(c))
    return joined.translate(_APOSTROPHES).split()


def _runs(words: list[str], ngram: int) -> Iterator[tuple[str, ...]]:
    """All runs of `ngram` words, in order."""
    return zip(*(words[k:] for k in range(ngram)), strict=False)


def _covered(firsts: list[int], ngram: int) -> int:
    """How many words stand in runs of `ngram` words that begin at the given ones."""
    covered = end = 0
    for first in sorted(firsts):
        covered += first + ngram - max(first, end)
        end = first + ngram
    return covered
