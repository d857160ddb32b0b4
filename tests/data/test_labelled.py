from collections import Counter

import pytest

from common.data import town
from common.data.labelled import labelled_texts
from common.data.site import render_town


def test_labelled_texts_has_the_announced_share_of_each_label():
    found = Counter(label for _, label in labelled_texts(100, seed=0))
    assert found == {
        "clean": 40,
        "spam": 15,
        "toxic": 15,
        "gibberish": 12,
        "foreign": 8,
        "boilerplate": 5,
        "soft_error": 5,
    }


def test_labelled_texts_same_seed_gives_the_same_list_and_another_does_not():
    assert labelled_texts(30, seed=1) == labelled_texts(30, seed=1)
    assert labelled_texts(30, seed=1) != labelled_texts(30, seed=2)


def test_labelled_texts_holds_no_page_of_the_town_with_that_seed():
    site = render_town(town.pages(60, seed=0), seed=0)
    ours = {text for text in site.texts.values() if len(text) > 500}
    assert not ours & {text for text, _ in labelled_texts(150, seed=0)}


def test_labelled_texts_are_read_as_the_crawl_is():
    texts = dict((label, text) for text, label in labelled_texts(40, seed=0))
    assert "Question:" in texts["clean"] or "." in texts["clean"]
    assert all("<p" not in text for text in texts.values())


@pytest.mark.parametrize(("count", "clean"), [(20, 8), (33, 12), (50, 20)])
def test_labelled_texts_gives_as_many_as_asked(count, clean):
    labels = Counter(label for _, label in labelled_texts(count, seed=0))
    assert labels.total() == count
    assert labels["clean"] == clean  # takes what rounding leaves
    assert len(labels) == 7


def test_labelled_texts_are_shuffled():
    labels = [label for _, label in labelled_texts(60, seed=0)]
    assert len(set(labels[:10])) > 2
    assert labels[:24] != ["clean"] * 24


def test_labelled_texts_refuses_too_few():
    with pytest.raises(ValueError, match="count must be at least 20, .* got 19"):
        labelled_texts(19, seed=0)
