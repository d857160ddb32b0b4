"""Cleaning held against the labels: the town that was tuned on, and one whose mess was kept apart.

Shares with their 95 % intervals (Wilson). For each town: every kind of mess and every stage of the
whole pipeline, the toxicity classifier alone, masked strings, and the text that was extracted.

`python -m tests.benchmarks.bench_cleaning 300` takes 300 clean pages a town instead of 1800.
"""

import random
import statistics
import sys
import tempfile
from collections.abc import Iterator

from common.data import town
from common.data.classifier import TextClassifier
from common.data.corpus import town_steps
from common.data.document import Document
from common.data.extract import extract_documents, token_f1
from common.data.judges import train_classifiers
from common.data.labelled import labelled_texts
from common.data.pii import mask_emails, mask_ips, mask_phone_numbers
from common.data.pipeline import clean
from common.data.score import Score, precision_recall, score_kinds, score_stages
from common.data.site import KEPT, TUNING, Mess, Site, render_town
from common.data.warc import WarcPage
from tests.benchmarks.measure import report

LABELLED = 1200
AUTHORED = ("clean", "pii", "mirror", "near_copy")  # pages whose text a reader would want
NOT_CRAWLED = ("/private/diary", "/endless")


def crawled(site: Site) -> Iterator[WarcPage]:
    """The pages that a crawler brings home, in an order that has nothing to do with their kinds."""
    paths = [path for path in site.labels if path not in NOT_CRAWLED]
    random.Random(0).shuffle(paths)
    for path in paths:
        response = site.responses[path]
        headers = {name.lower(): value for name, value in response.headers.items()}
        yield WarcPage(path, response.status, headers, response.body)


def say(name: str, score: Score) -> None:
    low, high = score.precision_interval
    figures = {"precision": score.precision, "precision_low": low, "precision_high": high}
    low, high = score.recall_interval
    figures |= {"recall": score.recall, "recall_low": low, "recall_high": high}
    report(name, **figures, hits=score.hits, dropped=score.dropped, wanted=score.wanted)


def judge_pipeline(name: str, site: Site, documents: list[Document], folder: str) -> None:
    labels = {document.url: site.labels[document.url] for document in documents}
    survivors, receipts = clean(documents, town_steps(folder))
    for kind, score in score_kinds(receipts, labels, site.copies).items():
        say(f"{name}: {kind} pages", score)
    for stage, score in score_stages(receipts, labels, site.copies).items():
        say(f"{name}: stage {stage}", score)
    left = {document.url: document.text for document in survivors}
    planted = [(left[path], s) for path in left for s in site.personal.get(path, ())]
    masked = sum(secret not in text for text, secret in planted)
    say(f"{name}: personal data masked", Score(masked, masked, len(planted)))


def judge_masks(name: str, site: Site, documents: list[Document]) -> None:
    """Strings planted and found on all pages, and what else the masks strike in good pages."""
    found = struck = total = 0
    for document in documents:
        if site.labels[document.url] in AUTHORED:
            text, planted = document.text, site.personal.get(document.url, ())
            planted = [secret for secret in planted if secret in text]
            for mask in (mask_emails, mask_phone_numbers, mask_ips):
                text, count = mask(text)
                struck += count
            total += len(planted)
            found += sum(secret not in text for secret in planted)
    say(f"{name}: masks alone", Score(found, max(struck, found), total))


def judge_toxicity(
    name: str, site: Site, documents: list[Document], classifier: TextClassifier
) -> None:
    dropped = {doc.url for doc in documents if classifier.predict(doc.text)[0] == "toxic"}
    wanted = {document.url for document in documents if site.labels[document.url] == "toxic"}
    say(f"{name}: toxicity classifier alone", precision_recall(dropped, wanted))


def judge_extraction(name: str, site: Site, documents: list[Document]) -> None:
    scores: dict[str, list[float]] = {}
    for document in documents:
        label = site.labels[document.url]
        kind = "authored" if label in AUTHORED else label
        if truth := site.texts.get(document.url):
            scores.setdefault(kind, []).append(token_f1(document.text, truth))
    for kind, values in sorted(scores.items()):
        report(
            f"{name}: token F1 of {kind} pages",
            mean=statistics.fmean(values),
            lowest=min(values),
            below_097=sum(value < 0.97 for value in values),
            pages=len(values),
        )


def judge(name: str, mess: Mess, num_pages: int, seed: int, folder: str) -> None:
    site = render_town(town.pages(num_pages, seed=seed), seed=seed, mess=mess)
    documents = list(extract_documents(crawled(site)))
    judge_pipeline(name, site, documents, folder)
    judge_masks(name, site, documents)
    judge_toxicity(name, site, documents, classifiers["toxicity"])
    judge_extraction(name, site, documents)


if __name__ == "__main__":
    num_pages = int(sys.argv[1]) if len(sys.argv) > 1 else 1800
    with tempfile.TemporaryDirectory() as folder:
        classifiers = train_classifiers(labelled_texts(LABELLED, seed=0), folder, seed=0)
        judge("tuning town", TUNING, num_pages, 0, folder)
        judge("kept town", KEPT, num_pages, 1, folder)
