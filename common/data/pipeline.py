"""From documents to a corpus, in named stages, with a receipt for every document that is dropped.

A step looks at all documents and answers, for each one in order, with the document (perhaps edited)
or with the Verdict that drops it. So nothing can be lost on the way: survivors and receipts add up
to what came in, and a receipt says which rule dropped which page on which evidence.

Taught in ch01_data/06_corpus.ipynb.
Needs: document.py, extract.py, quality.py, pii.py, dedup.py.
"""

import dataclasses
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

from .dedup import near_duplicates, remove_lines, repeated_lines
from .document import Document, read_warc, write_jsonl
from .extract import extract_documents
from .pii import mask_emails, mask_ips, mask_phone_numbers
from .quality import (
    Verdict,
    Words,
    gopher_quality_filter,
    gopher_repetition_filter,
    mojibake_filter,
    phrase_filter,
    split_words,
)

Step = Callable[[Sequence[Document]], Iterable[Document | Verdict]]


@dataclasses.dataclass(frozen=True, slots=True)
class Receipt:
    """Why one document was dropped: at which stage, by which rule, on which evidence.

    note: for a copy, the address of the page that stays in its place.

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


def clean(
    documents: Iterable[Document], steps: Mapping[str, Step]
) -> tuple[list[Document], list[Receipt]]:
    """Send documents through named steps; return survivors and a receipt for each of the others.

    The order of documents and of steps is kept. ValueError when a step does not answer for every
    document that it was given, or answers with another one.

    >>> steps = {"quality": rules_step(partial(gopher_quality_filter, min_words=3))}
    >>> pages = [Document("a", "", "The hat of the baker."), Document("b", "", "Hm")]
    >>> kept, receipts = clean(pages, steps)
    >>> len(kept), [receipt.document_id for receipt in receipts]
    (1, ['b'])
    """
    survivors = list(documents)
    receipts: list[Receipt] = []
    for stage, step in steps.items():
        given, survivors = survivors, []
        outcomes = list(step(given))
        if len(outcomes) != len(given):
            raise ValueError(f"{stage} gave {len(outcomes)} answers for {len(given)} documents")
        for document, outcome in zip(given, outcomes, strict=True):
            if isinstance(outcome, Verdict):
                receipts.append(
                    Receipt(
                        document.id,
                        document.url,
                        stage,
                        outcome.rule,
                        outcome.value,
                        outcome.threshold,
                        outcome.note,
                    )
                )
            elif outcome.id == document.id:
                survivors.append(outcome)
            else:
                raise ValueError(f"{stage} answered document {document.id} with {outcome.id}")
    return survivors, receipts


def rules_step(*rules: Callable[[Words], Verdict]) -> Step:
    """A step that drops a document at the first rule it fails; words are split once for all rules.

    >>> step = rules_step(gopher_quality_filter)
    >>> [outcome.rule for outcome in step([Document("a", "", "Too short.")])]
    ['gopher_quality.min_words']
    """

    def judge(document: Document) -> Document | Verdict:
        words = split_words(document.text)
        verdict = Verdict.first_failure(rule(words) for rule in rules)
        return document if verdict.keep else verdict

    return lambda documents: map(judge, documents)


def edit_step(name: str, *edits: Callable[[str], tuple[str, int]]) -> Step:
    """A step that changes texts; each edit gives the new text and how often it struck.

    A document that was changed carries the sum as `meta[name]`; others stay as they are.

    >>> next(iter(edit_step("masked", mask_emails)([Document("a", "", "a@b.com!")]))).meta
    {'masked': 1}
    """

    def edited(document: Document) -> Document:
        text, total = document.text, 0
        for edit in edits:
            text, count = edit(text)
            total += count
        if not total:
            return document
        return dataclasses.replace(document, text=text, meta={**document.meta, name: total})

    return lambda documents: map(edited, documents)


def repeated_lines_step(*, min_pages: int) -> Step:
    """A step that removes the lines which stand on at least `min_pages` of the documents.

    >>> menu = [Document("a", "", "Menu\\nA kite."), Document("b", "", "Menu\\nA hat.")]
    >>> [document.text for document in repeated_lines_step(min_pages=2)(menu)]
    ['A kite.', 'A hat.']
    """

    def step(documents: Sequence[Document]) -> Iterable[Document | Verdict]:
        lines = repeated_lines((document.text for document in documents), min_pages=min_pages)
        return edit_step("removed_lines", partial(remove_lines, lines=lines))(documents)

    return step


def near_duplicates_step(*, jaccard_threshold: float = 0.8, seed: int = 0) -> Step:
    """A step that keeps the first document of each cluster of near copies (see `near_duplicates`).

    >>> twins = [Document("a", "http://x/1", "A kite."), Document("b", "http://x/2", "a kite")]
    >>> [getattr(outcome, "note", "stays") for outcome in near_duplicates_step()(twins)]
    ['stays', 'http://x/1']
    """
    rule = "near_duplicates.jaccard_threshold"

    def step(documents: Sequence[Document]) -> Iterable[Document | Verdict]:
        keeper, similarity = near_duplicates(
            (document.text for document in documents),
            jaccard_threshold=jaccard_threshold,
            seed=seed,
        )
        for i, document in enumerate(documents):
            if keeper[i] == i:
                yield document
            else:
                first = documents[keeper[i]].url
                yield Verdict(False, rule, float(similarity[i]), jaccard_threshold, first)

    return step


# Neither site reads like the prose the papers' limits were set for: the town's puzzles and the
# library's methods repeat their forms. Notebooks 03 and 05 measure these numbers.
_REPETITION = rules_step(partial(gopher_repetition_filter, max_duplicate_ngrams={5: 0.42}))
_NEAR_COPIES = near_duplicates_step(jaccard_threshold=0.7)
_MASK = edit_step("masked", mask_emails, mask_phone_numbers, mask_ips)
TOWN_STEPS: Mapping[str, Step] = {
    "prose": rules_step(partial(gopher_quality_filter, min_words=200, min_stop_words=1)),
    "repetition": _REPETITION,
    "spam": rules_step(phrase_filter),
    "mojibake": rules_step(mojibake_filter),
    "near copies": _NEAR_COPIES,
    "personal data": _MASK,
}
LIBRARY_STEPS: Mapping[str, Step] = {
    "repeated lines": repeated_lines_step(min_pages=3),
    "prose": rules_step(gopher_quality_filter),
    "repetition": _REPETITION,
    "mojibake": rules_step(mojibake_filter),
    "near copies": _NEAR_COPIES,
    "personal data": _MASK,
}


def funnel(
    count: int, receipts: Iterable[Receipt], stages: Iterable[str]
) -> list[dict[str, str | int]]:
    """How many documents each stage dropped and left, in order; the first row is what came in.

    >>> funnel(10, [Receipt("a", "", "spam", "phrases", 9.0, 1.0)], ["prose", "spam"])[1:]
    [{'stage': 'prose', 'dropped': 0, 'left': 10}, {'stage': 'spam', 'dropped': 1, 'left': 9}]
    """
    dropped = Counter(receipt.stage for receipt in receipts)
    rows: list[dict[str, str | int]] = [{"stage": "crawled", "dropped": 0, "left": count}]
    for stage in stages:
        count -= dropped[stage]
        rows.append({"stage": stage, "dropped": dropped[stage], "left": count})
    return rows


def build_corpus(crawl_folder: str | Path, out_folder: str | Path) -> dict[str, list[dict]]:
    """Read town.warc.gz and library.warc.gz, clean both, write the corpus; return the funnels.

    Writes town.jsonl.gz and library.jsonl.gz (documents), receipts.jsonl.gz (a receipt for each
    document dropped) and funnel.json (both funnels by site). Same crawl, same bytes. Cost: half a
    minute for 2,500 town pages and 300 library pages; memory: all texts at once.

    >>> build_corpus("nowhere", "out")
    Traceback (most recent call last):
    FileNotFoundError: ...
    """
    source, target = Path(crawl_folder), Path(out_folder)
    funnels: dict[str, list[dict]] = {}
    receipts: list[Receipt] = []
    for site, steps in (("town", TOWN_STEPS), ("library", LIBRARY_STEPS)):
        documents = list(extract_documents(read_warc(source / f"{site}.warc.gz")))
        survivors, dropped = clean(documents, steps)
        target.mkdir(parents=True, exist_ok=True)
        write_jsonl(survivors, target / f"{site}.jsonl.gz")
        funnels[site] = funnel(len(documents), dropped, steps)
        receipts += dropped
    write_jsonl(receipts, target / "receipts.jsonl.gz")
    text = json.dumps(funnels, indent=1) + "\n"
    (target / "funnel.json").write_text(text, encoding="utf-8", newline="\n")
    return funnels
