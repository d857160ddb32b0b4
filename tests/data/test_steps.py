import dataclasses
import pickle
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.data.dedup import near_duplicates, remove_lines
from common.data.document import Document
from common.data.pii import mask_emails
from common.data.pipeline import clean
from common.data.quality import (
    Verdict,
    gopher_quality_filter,
    phrase_filter,
    stop_word_filter,
)
from common.data.steps import (
    CorpusStep,
    edit_step,
    exact_duplicates_step,
    near_duplicates_step,
    repeated_lines_step,
    rules_step,
)


def document(name, text="", **meta):
    return Document(name, f"http://town/{name}", text, meta)


def answers(step, documents):
    decisions = step.decide([step.sketch(document) for document in documents])
    return [step.apply(*pair) for pair in zip(documents, decisions, strict=True)]


def drop_short(words):
    return Verdict.at_least("length", len(words.text), 3)


def test_rules_step_stops_at_first_rule_and_splits_words_once():
    seen = []

    def remember(words):
        seen.append(words)
        return Verdict(len(seen) < 2, "remember", 0, 0)

    outcome = rules_step(remember, remember, drop_short)(document("a", "text"))
    assert outcome.rule == "remember"
    assert len(seen) == 2
    assert seen[0] is seen[1]


def test_rules_step_shows_the_evidence_of_every_check_that_was_worked_out():
    step = rules_step(gopher_quality_filter, drop_short)
    rules = [v.rule for v in step.verdicts(document("a", "the hat and the bell " * 20))]
    assert rules[-1] == "length"
    assert "gopher_quality.min_words" in rules
    assert "gopher_quality.min_stop_words" in rules
    assert len(set(rules)) == len(rules) == 10
    (verdict,) = step.verdicts(document("b", "Hm"))
    assert (verdict.rule, verdict.keep) == ("gopher_quality.min_words", False)


def test_rules_step_without_rules_keeps():
    assert rules_step()(document("a")) == document("a")


def test_rules_accept_settings_through_partial():
    step = rules_step(partial(gopher_quality_filter, min_words=1), phrase_filter)
    outcome = step(document("a", "Buy now the hat of the baker and mind the price."))
    assert outcome.rule == "phrases.max_per_100_words"


def test_edit_step_counts_in_meta_and_leaves_other_documents_alone():
    step = edit_step("masked", mask_emails, mask_emails)
    mail, nothing = document("a", "x@y.com", old=1), document("b", "nothing")
    assert step(mail) == document("a", "|||EMAIL_ADDRESS|||", old=1, masked=1)
    assert step(nothing) is nothing
    assert mail.meta == {"old": 1}


def test_exact_duplicates_step_keeps_the_first_to_the_letter():
    documents = [document(*pair) for pair in zip("abcd", ("x", "X", "x", "x"), strict=True)]
    outcomes = answers(exact_duplicates_step(), documents)
    assert outcomes[:2] == documents[:2]
    assert [outcome.note for outcome in outcomes[2:]] == ["http://town/a"] * 2
    assert {(o.rule, o.value, o.threshold) for o in outcomes[2:]} == {
        ("exact_duplicates.max_copies", 2, 1)
    }


WORDS = [f"w{i}" for i in range(200)]
ORIGINAL, COPY = " ".join(WORDS), " ".join([*WORDS[:100], "new", *WORDS[101:]])


def test_near_duplicates_step_names_the_page_that_stays():
    documents = [document("a", ORIGINAL), document("b", "something else"), document("c", COPY)]
    first, other, copy = answers(near_duplicates_step(), documents)
    assert [first, other] == documents[:2]
    assert copy.note == "http://town/a"
    assert copy.value == pytest.approx(191 / 201)
    assert answers(near_duplicates_step(jaccard_threshold=0.99), documents) == documents


def test_near_duplicates_step_keeps_the_best_scored_copy():
    documents = [document("a", COPY, good=1), document("b", ORIGINAL, good=2)]
    step = near_duplicates_step(score=lambda document: document.meta["good"])
    dropped, kept = answers(step, documents)
    assert kept == documents[1]
    assert dropped.note == "http://town/b"


@given(st.lists(st.text(alphabet="ab \n", max_size=12), max_size=12))
def test_near_duplicates_step_agrees_with_the_function_on_texts(texts):
    documents = [document(str(i), text) for i, text in enumerate(texts)]
    step = near_duplicates_step(ngrams=2)
    decisions = list(step.decide([step.sketch(document) for document in documents]))
    keeper, _ = near_duplicates(texts, ngrams=2)
    assert [decision is None for decision in decisions] == [
        k == i for i, k in enumerate(keeper.tolist())
    ]


def test_repeated_lines_step_removes_what_many_pages_say():
    texts = ["Menu\n\nA kite.\nA hat.", "Menu\n\nA hat.", "Menu\n\nA bell.", "Alone."]
    documents = [document(str(i), text) for i, text in enumerate(texts)]
    outcomes = answers(repeated_lines_step(min_pages=3), documents)
    assert [o.text for o in outcomes] == ["A kite.\nA hat.", "A hat.", "A bell.", "Alone."]
    assert [o.meta for o in outcomes] == [{"removed_lines": 1}] * 3 + [{}]


@given(st.lists(st.lists(st.sampled_from(["x", "y", " z "]), max_size=4), max_size=6))
def test_repeated_lines_step_decides_for_each_page_what_all_pages_together_decide(pages):
    documents = [document(str(i), "\n".join(lines)) for i, lines in enumerate(pages)]
    step = repeated_lines_step(min_pages=2)
    outcomes = answers(step, documents)
    stripped = [{line.strip() for line in lines} for lines in pages]
    often = {line for line in "xyz" if sum(line in page for page in stripped) >= 2}
    for lines, outcome in zip(pages, outcomes, strict=True):
        left = [line for line in lines if line.strip() not in often]
        assert [line for line in outcome.text.split("\n") if line] == [s for s in left if s]


def test_repeated_lines_step_refuses_to_remove_every_line():
    with pytest.raises(ValueError, match="min_pages must be at least 2, not 1"):
        repeated_lines_step(min_pages=1)


STEPS = {
    "rules": rules_step(partial(stop_word_filter, min_stop_words=1)),
    "edits": edit_step("masked", mask_emails),
    "exact": exact_duplicates_step(),
    "near": near_duplicates_step(),
    "lines": repeated_lines_step(min_pages=2),
}


@pytest.mark.parametrize("name", STEPS)
def test_steps_travel_to_other_processes_and_stay_the_same(name):
    step = pickle.loads(pickle.dumps(STEPS[name]))
    one = document("a", "the mail of a@b.org\nthe mail of a@b.org")
    if isinstance(step, CorpusStep):
        for key, array in step.sketch(one).items():
            assert array.ndim == 1
            np.testing.assert_array_equal(array, STEPS[name].sketch(one)[key])
    else:
        assert step(one) == STEPS[name](one)


def test_steps_are_of_two_kinds():
    kinds = {name: isinstance(step, CorpusStep) for name, step in STEPS.items()}
    assert kinds == {"rules": False, "edits": False, "exact": True, "near": True, "lines": True}
    assert callable(STEPS["rules"]) and callable(STEPS["edits"])


def test_remove_lines_is_what_the_step_applies():
    step = repeated_lines_step(min_pages=2)
    one = document("a", "x\ny")
    lines = step.sketch(document("b", "x"))["lines"]
    edited = step.apply(one, lines.tolist())
    assert (edited.text, edited.meta["removed_lines"]) == remove_lines(one.text, lines)
    assert dataclasses.replace(edited, text=one.text, meta={}) == one


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"num_bands": 7}, "num_bands 7 must divide num_hashes 120"),
        ({"jaccard_threshold": 1.5}, r"jaccard_threshold must lie in \(0, 1\], not 1.5"),
        ({"ngrams": 0}, "ngrams must be at least 1, not 0"),
        ({"num_hashes": 0}, "num_hashes must be at least 1, not 0"),
    ],
)
def test_near_duplicates_step_refuses_settings_before_a_document_is_read(settings, message):
    with pytest.raises(ValueError, match=message):
        near_duplicates_step(**settings)


def test_rules_step_refuses_what_is_no_function():
    with pytest.raises(TypeError, match="each rule must be a function, not \\["):
        rules_step([stop_word_filter])
    with pytest.raises(TypeError, match="each edit must be a function, not 'mask'"):
        edit_step("masked", "mask")


def test_rules_step_names_the_rule_that_gives_no_verdict():
    def foreign(words):
        return False, "too short"

    with pytest.raises(TypeError, match="foreign at .* must answer with a Verdict, not \\(False"):
        rules_step(foreign)(Document("a", "", "One kite."))


@pytest.mark.parametrize("step", [exact_duplicates_step(), near_duplicates_step()])
def test_note_of_a_copy_is_the_id_where_there_is_no_address(step):
    twins = [Document("first", "", "A kite."), Document("second", "", "A kite.")]
    _, [receipt] = clean(twins, {"copies": step})
    assert receipt.note == "first"


def test_step_that_gives_no_text_is_named():
    step = {"own": lambda document: Document(document.id, "", None)}
    with pytest.raises(ValueError, match="own gave document a the text None"):
        clean([Document("a", "", "One kite.")], step)


@pytest.mark.parametrize("made", ["AB", ("A", 1, 2), (None, 1), ()])
def test_edit_step_names_the_edit_that_gives_no_text_and_count(made):
    def foreign(text):
        return made

    with pytest.raises(TypeError, match="foreign at .* must answer with a text and a count, not"):
        edit_step("own", foreign)(Document("a", "", "ab"))


def test_edit_step_counts_in_numbers_that_json_can_hold():
    edited = edit_step("own", lambda text: (text, np.int64(2)))(Document("a", "", "ab"))
    assert type(edited.meta["own"]) is int


def test_settings_that_are_no_whole_numbers_are_refused_at_once():
    with pytest.raises(TypeError):
        repeated_lines_step(min_pages=2.5)
    with pytest.raises(TypeError):
        near_duplicates_step(ngrams=2.5)
