"""The corpus of this book: which steps clean the town and the library, and how both are cleaned.

Neither site reads like the prose the papers' limits were set for: the town's puzzles and the
library's methods repeat their forms. Notebooks 03 to 05 measure the numbers below.

Taught in ch01_data/06_corpus.ipynb.
Needs: classifier.py, datasheet.py, document.py, judges.py, language.py, pii.py, pipeline.py,
quality.py, run.py.
"""

import json
import shutil
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from .classifier import TextClassifier, classifier_filter
from .datasheet import write_datasheet
from .document import write_jsonl
from .judges import load_classifiers
from .language import language_filter
from .pii import mask_emails, mask_ips, mask_phone_numbers
from .pipeline import (
    Step,
    edit_step,
    exact_duplicates_step,
    near_duplicates_step,
    read_receipts,
    repeated_lines_step,
    rules_step,
)
from .quality import gopher_quality_filter, gopher_repetition_filter, mojibake_filter
from .run import read_survivors, run_pipeline

SITES = ("town", "library")
_LICENCES = {
    "town.warc.gz": "written by this book's generator, MIT",
    "library.warc.gz": "Python's documentation, PSF-2.0",
}


def town_steps(classifiers_folder: str | Path) -> Mapping[str, Step]:
    """The stages that clean the town, in order, with the classifiers that notebook 04 trained.

    >>> import tempfile
    >>> from .judges import train_classifiers
    >>> pages = [("a red kite", "clean"), ("buy it now", "spam"), ("you toad", "toxic")] * 5
    >>> folder = tempfile.mkdtemp()
    >>> _ = train_classifiers(pages, folder, seed=0)
    >>> list(town_steps(folder))[:3]
    ['language', 'prose', 'repetition']
    """
    judges = load_classifiers(classifiers_folder)
    return {
        "language": rules_step(language_filter),
        "prose": rules_step(
            partial(gopher_quality_filter, min_words=300, min_alphabetic_words=0.6)
        ),
        "repetition": rules_step(partial(gopher_repetition_filter, max_duplicate_ngrams={5: 0.5})),
        "mojibake": rules_step(mojibake_filter),
        "spam": _judge(judges["spam"], "spam"),
        "toxicity": _judge(judges["toxicity"], "toxic"),
        "quality": _judge(judges["quality"], "poor"),
        "exact copies": exact_duplicates_step(),
        "near copies": near_duplicates_step(jaccard_threshold=0.7, num_bands=24),
        "personal data": _mask(),
    }


def library_steps() -> Mapping[str, Step]:
    """The stages that clean the library: lines of every page go, and rules for prose are wider.

    >>> list(library_steps())[0]
    'repeated lines'
    """
    return {
        "repeated lines": repeated_lines_step(min_pages=3),
        "prose": rules_step(partial(gopher_quality_filter, min_alphabetic_words=0.5)),
        "repetition": rules_step(partial(gopher_repetition_filter, max_duplicate_ngrams={5: 0.5})),
        "mojibake": rules_step(mojibake_filter),
        "exact copies": exact_duplicates_step(),
        "near copies": near_duplicates_step(jaccard_threshold=0.7, num_bands=24),
        "personal data": _mask(),
    }


def build_corpus(
    crawl_folder: str | Path,
    classifiers_folder: str | Path,
    out_folder: str | Path,
    *,
    num_workers: int = 1,
) -> dict[str, list[dict]]:
    """Clean town.warc.gz and library.warc.gz of a crawl, write the corpus; return the funnels.

    Writes town.jsonl.gz and library.jsonl.gz (documents), receipts.jsonl.gz (a receipt for each
    document dropped), funnel.json (both funnels by site), and for each site a datasheet,
    town.html and library.html. Same crawl, same bytes.

    >>> build_corpus("nowhere", "classifiers", "out")
    Traceback (most recent call last):
    FileNotFoundError: ...
    """
    source, target = Path(crawl_folder), Path(out_folder)
    steps = {"town": town_steps(classifiers_folder), "library": library_steps()}
    labels, truth = (
        json.loads((source / f"{name}.json").read_text(encoding="utf-8"))
        for name in ("labels", "truth")
    )
    funnels: dict[str, list[dict]] = {}
    receipts = []
    for site in SITES:
        run, crawl = target / f"{site}.run", source / f"{site}.warc.gz"
        funnels[site] = run_pipeline([crawl], steps[site], run, num_workers=num_workers)
        write_jsonl(read_survivors(run), target / f"{site}.jsonl.gz")
        receipts += read_receipts(run / "receipts.jsonl.gz")
        write_datasheet(
            target / f"{site}.html",
            run,
            title=f"The {site}, cleaned",
            labels=labels if site == "town" else None,
            copies=truth["copies"],
            licences=_LICENCES,
        )
        shutil.rmtree(run)
    write_jsonl(receipts, target / "receipts.jsonl.gz")
    text = json.dumps(funnels, indent=1) + "\n"
    (target / "funnel.json").write_text(text, encoding="utf-8", newline="\n")
    return funnels


def _judge(classifier: TextClassifier, label: str) -> Step:
    return rules_step(partial(classifier_filter, classifier=classifier, label=label))


def _mask() -> Step:
    return edit_step("masked", mask_emails, mask_phone_numbers, mask_ips)
