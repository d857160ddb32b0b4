from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.data import town
from common.data.decontaminate import EvalIndex, contamination_filter, decontaminate
from common.data.document import Document
from common.data.verdict import Verdict, split_words

STORY = (
    "On Sunday Mia found a red kite behind the mill. She asked everyone in the lane whose it was, "
    "and nobody knew. So she hung it in the window of the bakery, where its owner saw it at last."
)


def share(text, eval_text=STORY, *, ngram=5):
    index = EvalIndex.build([eval_text], ngram=ngram)
    return contamination_filter(text, index, max_overlap=1).value


def test_contamination_filter_drops_page_that_holds_the_text():
    index = EvalIndex.build(["Something else stands here, nothing of it is known.", STORY], ngram=8)
    verdict = contamination_filter(f"Stories, part 4\n\n{STORY}\n\nBye.", index)
    assert verdict == Verdict(False, "contamination.max_overlap", 1.0, 0.7, "evaluation text 1")


def test_eval_index_refuses_an_evaluation_without_texts():
    with pytest.raises(ValueError, match="eval_texts is empty: every document would pass"):
        EvalIndex.build([])


def test_contamination_filter_keeps_page_that_shares_nothing():
    verdict = contamination_filter("A hat is no kite.", EvalIndex.build([STORY]))
    assert verdict == Verdict(True, "contamination.max_overlap", 0.0, 0.7, "")


def test_share_is_of_the_words_in_shared_ngrams():
    # Of eight words, the first five stand in two shared 4-grams and the last three in none.
    assert share("a b c d e x f g h", "a b c d e f g h", ngram=4) == 5 / 8


def test_one_changed_word_costs_no_more_than_its_ngrams():
    words = STORY.split()
    words[20] = "soldier"
    assert share(" ".join(words)) == (len(words) - 1) / len(words)


def test_words_shared_in_another_order_do_not_count():
    assert share(" ".join(reversed(STORY.split()))) == 0


@pytest.mark.parametrize(
    "changed",
    [
        STORY.upper(),
        STORY.replace(" ", "\n"),
        STORY.replace(",", " --").replace(".", "!"),
        STORY.replace("Mia", "Mía"),
        STORY.replace("red", "re\u0301d"),
    ],
)
def test_case_spaces_punctuation_and_accents_hide_nothing(changed):
    assert share(changed) == 1


def test_apostrophes_hide_nothing():
    assert share("It wasn’t Mia’s own kite.", "It wasn't Mia's own kite", ngram=4) == 1


def test_two_ways_to_write_a_letter_hide_nothing():
    assert share("die STRASSE am Fluß", "Die Straße am FLUSS", ngram=4) == 1
    assert share("the ﬁrst ½ of it", "The first 1⁄2 of it", ngram=4) == 1


def test_words_that_were_split_before_give_the_same_verdict():
    index = EvalIndex.build([STORY], ngram=8)
    assert contamination_filter(split_words(STORY), index) == contamination_filter(STORY, index)


def test_max_overlap_0_drops_for_a_single_ngram():
    index = EvalIndex.build([STORY], ngram=5)
    shared = "there was a red kite behind the mill today"
    assert contamination_filter(shared, index).keep
    assert not contamination_filter(shared, index, max_overlap=0).keep
    assert contamination_filter("there was a red kite", index, max_overlap=0).keep


def test_first_of_equally_contaminated_texts_is_named():
    index = EvalIndex.build(["one two three four", STORY, STORY], ngram=3)
    assert contamination_filter(STORY, index).note == "evaluation text 1"


def covered_slowly(text, eval_text, ngram):
    text, eval_text = text.split(), eval_text.split()
    there = [text[i : i + ngram] for i in range(len(text) - ngram + 1)]
    marked = [False] * len(eval_text)
    for i in range(len(eval_text) - ngram + 1):
        if eval_text[i : i + ngram] in there:
            marked[i : i + ngram] = [True] * ngram
    return sum(marked) / len(marked)


few_words = st.lists(st.sampled_from("ab"), min_size=3, max_size=20).map(" ".join)


@given(few_words, few_words, st.integers(1, 3))
def test_share_equals_marking_word_by_word(text, eval_text, ngram):
    assert share(text, eval_text, ngram=ngram) == covered_slowly(text, eval_text, ngram)


def test_decontaminate_answers_for_every_document_in_order():
    documents = [Document(str(i), "", STORY if i % 3 == 0 else f"Page {i}.") for i in range(9)]
    answers = list(decontaminate(documents, [STORY]))
    dropped = [i for i, answer in enumerate(answers) if isinstance(answer, Verdict)]
    assert dropped == [0, 3, 6]
    assert [a for a in answers if isinstance(a, Document)] == [
        document for i, document in enumerate(documents) if i % 3
    ]


def test_decontaminate_reads_one_document_at_a_time():
    def documents():
        yield Document("a", "", "One.")
        raise RuntimeError("read too far")

    assert next(decontaminate(documents(), [STORY])).id == "a"


def test_decontaminate_tells_planted_stories_from_stories_that_are_made_alike():
    stories = [story.text for story in town.heldout_stories(100, seed=3)]
    pages = ["\n\n".join(page.paragraphs) for page in town.pages(120, seed=3)]
    planted = [f"{page}\n\n{story}" for page, story in zip(pages, stories, strict=False)]
    documents = [Document(str(i), "", text) for i, text in enumerate(pages + planted)]
    answers = list(decontaminate(documents, stories))
    dropped = [i for i, answer in enumerate(answers) if isinstance(answer, Verdict)]
    assert dropped == list(range(len(pages), len(documents)))
    strict = decontaminate(documents[: len(pages)], stories, max_overlap=0)
    assert sum(isinstance(answer, Verdict) for answer in strict) > 20


@given(st.lists(st.sampled_from("abc"), min_size=2, max_size=12))
def test_index_places_are_where_the_ngrams_stand(words):
    index = EvalIndex.build([" ".join(words)], ngram=2)
    there = [(pair, first) for first, pair in enumerate(pairwise(words))]
    assert index.lengths == [len(words)]
    assert there == sorted(
        ((run, first) for run, places in index.places.items() for _, first in places),
        key=lambda item: item[1],
    )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: EvalIndex.build([STORY, "It was the wall"]),
            "evaluation text 1 has 4 words, fewer than ngram 13: join it with its question",
        ),
        (lambda: EvalIndex.build([STORY], ngram=0), "ngram must be at least 1, got 0"),
        (
            lambda: contamination_filter("a", EvalIndex.build([STORY]), max_overlap=70),
            "max_overlap 70 must lie in 0..1",
        ),
        (
            lambda: contamination_filter("a", EvalIndex.build([STORY]), max_overlap=-0.1),
            "max_overlap -0.1 must lie in 0..1",
        ),
    ],
)
def test_error_says_the_rule_and_the_numbers(call, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        call()


def test_decontaminate_refuses_bad_settings_at_once():
    """Not when the first document is asked for, days later."""
    for texts, settings, message in (
        (["too short"], {}, "evaluation text 0 has 2 words, fewer than ngram 13"),
        (["a b c"], {"ngram": 2, "max_overlap": 7}, r"max_overlap 7 must lie in 0\.\.1"),
        ("a b c", {"ngram": 1}, "eval_texts must be several texts, got the one 'a b c'"),
    ):
        with pytest.raises(ValueError, match=message):
            decontaminate([], texts, **settings)
