"""The same verdicts as datatrove's filters, on real documents; tests/benchmarks compares 4,000."""

import pytest

pytest.importorskip("datatrove")
pytest.importorskip("spacy")

from common.data.quality import remove_c4_lines
from tests.benchmarks.beside_datatrove import OURS, Theirs, why_they_differ
from tests.benchmarks.documents import real_documents

DOCUMENTS = 200
ODD = [
    "x",
    "Read more",
    " \n x \n",
    "\nx\n\nx\n",
    "the of " * 60,
    "漢字。" * 40,
    "- a\n" * 60,
    "...\n",
]


@pytest.fixture(scope="module")
def texts() -> list[str]:
    return [text[:3000] for text in real_documents(DOCUMENTS)]


@pytest.mark.parametrize("name", OURS)
def test_verdicts_agree_on_real_documents(name, texts):
    theirs = Theirs(name)
    different = {}
    kept = 0
    for text in texts:
        answer = theirs(text)
        kept += answer[0]
        if OURS[name](text).keep != answer[0]:
            different[text[:40]] = why_they_differ(name, text, answer)
    assert 0 < kept < len(texts)
    assert len(different) <= 0.005 * len(texts) + 1, different
    assert "unexplained" not in different.values(), different


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize("text", ODD)
def test_verdicts_and_reasons_agree_on_odd_documents(name, text):
    keep, reason, _ = Theirs(name)(text)
    verdict = OURS[name](text)
    assert verdict.keep == keep
    assert keep or verdict.rule.split(".")[1] == reason


def test_lines_that_c4_leaves_agree(texts):
    theirs = Theirs("c4_quality")
    answers = [theirs(text) for text in texts]
    pairs = [(text, left) for text, (keep, _, left) in zip(texts, answers, strict=True) if keep]
    assert len(pairs) > 50
    for text, left in pairs:
        assert remove_c4_lines(text, min_words_per_line=3)[0] == left
