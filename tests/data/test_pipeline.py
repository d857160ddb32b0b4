import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.data.document import Document
from common.data.pipeline import (
    Receipt,
    clean,
    exact_duplicates_step,
    funnel,
    rules_step,
)
from common.data.quality import Verdict, stop_word_filter


def document(name, text="", **meta):
    return Document(name, f"http://town/{name}", text, meta)


def drop_short(words):
    return Verdict.at_least("length", len(words.text), 3)


def drop_vowels(words):
    return Verdict.at_most("vowels", sum(c in "aeiou" for c in words.text), 2)


@given(st.lists(st.text(alphabet="abcde", max_size=6), max_size=20))
def test_clean_accounts_for_every_document_once_and_in_order(texts):
    documents = [document(str(i), text) for i, text in enumerate(texts)]
    steps = {
        "a": rules_step(drop_short),
        "copies": exact_duplicates_step(),
        "b": rules_step(drop_vowels),
    }
    survivors, receipts = clean(documents, steps)
    assert sorted([d.id for d in survivors] + [r.document_id for r in receipts]) == sorted(
        d.id for d in documents
    )
    assert [d for d in documents if d in survivors] == survivors
    order = [list(steps).index(receipt.stage) for receipt in receipts]
    assert order == sorted(order)
    rows = funnel(len(documents), receipts, steps)
    assert rows[-1]["left"] == len(survivors)


def test_clean_writes_receipts_with_stage_rule_value_threshold_and_excerpt():
    steps = {"first": rules_step(stop_word_filter), "second": rules_step(drop_short)}
    _, receipts = clean([document("a", "the and"), document("b", "the")], steps)
    assert receipts == [
        Receipt("b", "http://town/b", "first", "stop_words.min_stop_words", 1, 2, excerpt="the")
    ]


def test_clean_judges_copies_among_what_earlier_steps_left():
    pages = [document("a", "the hat"), document("b", "the and"), document("c", "the and")]
    steps = {"words": rules_step(stop_word_filter), "copies": exact_duplicates_step()}
    survivors, receipts = clean(pages, steps)
    assert survivors == [pages[1]]
    assert [(r.document_id, r.stage, r.note) for r in receipts] == [
        ("a", "words", ""),
        ("c", "copies", "http://town/b"),
    ]


def test_clean_without_steps_keeps_everything():
    documents = [document("a"), document("b")]
    assert clean(iter(documents), {}) == (documents, [])


def test_clean_refuses_a_step_that_swaps_documents():
    with pytest.raises(ValueError, match="swap answered document a with b"):
        clean([document("a")], {"swap": lambda document: Document("b", "", "")})


def test_clean_refuses_a_step_that_decides_for_too_few():
    class Leak:
        def sketch(self, document):
            return {}

        def decide(self, sketches):
            return [None] * (len(sketches) - 1)

        def apply(self, document, decision):
            return document

    with pytest.raises(ValueError, match="leak gave 1 answers for 2 documents"):
        clean([document("a"), document("b")], {"leak": Leak()})


def test_funnel_by_hand():
    receipts = [Receipt(str(i), "", stage, "", 0, 0) for i, stage in enumerate("aacc")]
    assert funnel(10, receipts, "abc") == [
        {"stage": "crawled", "dropped": 0, "left": 10},
        {"stage": "a", "dropped": 2, "left": 8},
        {"stage": "b", "dropped": 0, "left": 8},
        {"stage": "c", "dropped": 2, "left": 6},
    ]


def test_funnel_refuses_receipts_of_other_stages():
    receipts = [Receipt(str(i), "", stage, "", 0, 0) for i, stage in enumerate("acc")]
    with pytest.raises(ValueError, match="2 of 3 receipts are of stages that are not given: c$"):
        funnel(10, receipts, "ab")


def test_funnel_refuses_more_receipts_than_documents():
    receipts = [Receipt(name, "", "spam", "phrases", 9.0, 1.0) for name in "ab"]
    with pytest.raises(ValueError, match="2 receipts are more than the 1 documents"):
        funnel(1, receipts, ["spam"])
