"""Language identification beside resiliparse's; training, prediction and quality of classifiers.

Documents are the town's pages, about 800 words each, already split into words. Precision and recall
of the classifiers alone, without any rule before them, on the town that was tuned on and on the one
whose mess was kept apart; among pages that have a text of their own.

`python -m tests.benchmarks.bench_classifier 300` takes 300 clean pages a town instead of 1800.
"""

import sys
import tempfile
from functools import partial

from common.data import town
from common.data.classifier import TextClassifier, classifier_filter
from common.data.extract import extract_text
from common.data.judges import train_classifiers
from common.data.labelled import labelled_texts
from common.data.language import identify_language, language_filter
from common.data.score import precision_recall
from common.data.site import KEPT, TUNING, Mess, render_town
from common.data.verdict import Words, split_words
from tests.benchmarks.measure import report, seconds
from tests.data.sentences import PAIRS, SENTENCES

LABELLED = 1200
AUTHORED = ("clean", "pii", "mirror", "near_copy")
OWN_TEXT = (*AUTHORED, "spam", "toxic", "gibberish", "foreign")


def judge_languages() -> None:
    """Accuracy on the sentences of the tests, and sentences a second."""
    texts = [text for text, _ in PAIRS]
    share = sum(identify_language(text)[0] == code for text, code in PAIRS) / len(PAIRS)
    spent = seconds(lambda: [identify_language(text) for text in texts])
    figures = {"accuracy": share, "sentences_per_s": len(texts) / spent}
    try:
        from resiliparse.parse.lang import detect_fast
    except ImportError:
        print("resiliparse is not installed")
    else:
        # As it comes, and told which languages there are and never to answer "unknown".
        told = {"cutoff": 10**6, "langs": list(SENTENCES)}
        as_is = sum(detect_fast(text)[0] == code for text, code in PAIRS) / len(PAIRS)
        helped = sum(detect_fast(text, **told)[0] == code for text, code in PAIRS) / len(PAIRS)
        spent = seconds(lambda: [detect_fast(text, **told) for text in texts])
        figures |= {"resiliparse_accuracy": as_is, "resiliparse_told_the_languages": helped}
        figures |= {"resiliparse_sentences_per_s": len(texts) / spent}
    report("languages", languages=len(SENTENCES), sentences=len(PAIRS), **figures)


def pages_of(mess: Mess, count: int, *, seed: int) -> dict[str, tuple[str, Words]]:
    """Label and words of every page of a site that has a text of its own, by path."""
    site = render_town(town.pages(count, seed=seed), seed=seed, mess=mess)
    found = {}
    for path, label in site.labels.items():
        response = site.responses[path]
        if label in OWN_TEXT and response.status == 200:
            text = extract_text(response.body, content_type=response.headers["Content-Type"])
            found[path] = (label, split_words(text))
    return found


def judge_classifiers(
    name: str, pages: dict[str, tuple[str, Words]], judges: dict[str, TextClassifier]
) -> None:
    """Precision and recall at probability 0.5, with Wilson's 95 % intervals."""
    for judge, label in [("toxicity", "toxic"), ("spam", "spam"), ("quality", "poor")]:
        rule = partial(classifier_filter, classifier=judges[judge], label=label)
        dropped = {path for path, (_, words) in pages.items() if not rule(words)}
        wanted = {p for p, (is_, _) in pages.items() if is_ == label}
        if judge == "quality":
            wanted = {p for p, (is_, _) in pages.items() if is_ not in AUTHORED}
        say(f"{name}: {judge}", dropped, wanted)
    dropped = {p for p, (_, words) in pages.items() if not language_filter(words)}
    foreign = {p for p, (is_, _) in pages.items() if is_ == "foreign"}
    gibberish = {p for p, (is_, _) in pages.items() if is_ == "gibberish"}
    say(f"{name}: foreign by language", dropped - gibberish, foreign)


def say(name: str, dropped: set[str], wanted: set[str]) -> None:
    score = precision_recall(dropped, wanted)
    low, high = score.precision_interval
    figures = {"precision": score.precision, "precision_low": low, "precision_high": high}
    low, high = score.recall_interval
    figures |= {"recall": score.recall, "recall_low": low, "recall_high": high}
    report(name, **figures, hits=score.hits, dropped=score.dropped, wanted=score.wanted)


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1800
    judge_languages()
    labelled = labelled_texts(LABELLED, seed=0)
    texts = [split_words(text) for text, _ in labelled]
    toxic = ["toxic" if label == "toxic" else "other" for _, label in labelled]
    spent = seconds(lambda: TextClassifier.train(texts, toxic), runs=1)
    tuned = pages_of(TUNING, count, seed=0)
    with tempfile.TemporaryDirectory() as folder:
        judges = train_classifiers(labelled, folder, seed=0)
    pages = [words for _, words in tuned.values()]
    one = seconds(lambda: [judges["spam"].predict(page) for page in pages])
    wanted = {"spam": "spam", "toxicity": "toxic", "quality": "poor"}
    rules = [partial(classifier_filter, classifier=judges[n], label=wanted[n]) for n in wanted]
    three = seconds(lambda: [[rule(page) for rule in rules] for page in pages])
    language = seconds(lambda: [language_filter(page) for page in pages])
    split = seconds(lambda: [split_words(page.text).words for page in pages])
    report(
        "documents a second",
        training=len(texts) / spent,
        prediction=len(pages) / one,
        three_classifier_filters=len(pages) / three,
        language_filter=len(pages) / language,
        splitting_into_words=len(pages) / split,
    )
    judge_classifiers("tuned", tuned, judges)
    judge_classifiers("kept", pages_of(KEPT, count, seed=1), judges)


if __name__ == "__main__":
    main()
