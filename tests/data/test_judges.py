from functools import partial

import pytest

from common.data import town
from common.data.classifier import classifier_filter
from common.data.extract import extract_text
from common.data.judges import load_classifiers, train_classifiers
from common.data.labelled import labelled_texts
from common.data.site import render_town
from common.data.verdict import split_words

WANTED = {"quality": "poor", "spam": "spam", "toxicity": "toxic"}
OF_ITS_OWN = {"clean", "pii", "near_copy", "mirror", "spam", "toxic", "gibberish", "foreign"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("classifiers")
    train_classifiers(labelled_texts(300, seed=0), folder, seed=0)
    return folder


@pytest.fixture(scope="module")
def pages():
    """Labels and texts of a site that no label was taken from; pages without text left out."""
    site = render_town(town.pages(200, seed=7), seed=7)
    found = []
    for path, label in site.labels.items():
        response = site.responses[path]
        if label in OF_ITS_OWN and response.status == 200:
            text = extract_text(response.body, content_type=response.headers["Content-Type"])
            found.append((label, split_words(text)))
    return found


@pytest.mark.parametrize(("judge", "label"), [("spam", "spam"), ("toxicity", "toxic")])
def test_judges_find_their_kind_and_no_other_on_another_site(folder, pages, judge, label):
    rule = partial(classifier_filter, classifier=load_classifiers(folder)[judge], label=label)
    found = [(page_label == label, not rule(page)) for page_label, page in pages]
    wanted = sum(truth for truth, _ in found)
    hits = sum(truth and said for truth, said in found)
    assert wanted >= 6
    assert hits / wanted >= 0.95
    assert hits / max(1, sum(said for _, said in found)) >= 0.9


def test_quality_keeps_good_pages_and_drops_nearly_all_others(folder, pages):
    judge = load_classifiers(folder)["quality"]
    good = {"clean", "pii", "near_copy", "mirror"}
    rule = partial(classifier_filter, classifier=judge, label="poor")
    said = [(label in good, rule(page).keep) for label, page in pages]
    assert all(keeps for is_good, keeps in said if is_good)
    dropped = [not keeps for is_good, keeps in said if not is_good]
    assert sum(dropped) / len(dropped) >= 0.9


def test_folder_holds_what_was_trained(folder):
    names = {path.stem: path.suffix for path in folder.iterdir()}
    assert names == dict.fromkeys(WANTED, ".safetensors")
    assert {name: WANTED[name] in load_classifiers(folder)[name].labels for name in names} == (
        dict.fromkeys(WANTED, True)
    )


def test_same_pages_and_seed_give_the_same_bytes(folder, tmp_path):
    train_classifiers(labelled_texts(300, seed=0), tmp_path, seed=0)
    for path in folder.iterdir():
        assert path.read_bytes() == (tmp_path / path.name).read_bytes()


def test_label_that_a_judge_does_not_name_is_the_other_thing(tmp_path):
    texts = {"clean": "a red kite", "pii": "ring me up", "spam": "buy it now", "toxic": "you toad"}
    judges = train_classifiers([(t, label) for label, t in texts.items()] * 9, tmp_path, seed=0)
    said = {name: [judge.predict(t)[0] for t in texts.values()] for name, judge in judges.items()}
    assert said == {
        "quality": ["good", "poor", "poor", "poor"],
        "spam": ["other", "other", "spam", "other"],
        "toxicity": ["other", "other", "other", "toxic"],
    }


def test_another_seed_learns_in_another_order(tmp_path):
    pages = [("a red kite", "clean"), ("buy it now", "spam"), ("you rotten toad", "toxic")] * 9
    first, second = (
        train_classifiers(pages, tmp_path, seed=seed)["quality"].weights for seed in (0, 1)
    )
    assert (first != second).any()


def test_train_refuses_pages_of_one_kind(tmp_path):
    with pytest.raises(ValueError, match="spam needs pages labelled spam and others"):
        train_classifiers([("a kite", "clean"), ("you toad", "toxic")], tmp_path, seed=0)


def test_load_names_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="quality.safetensors"):
        load_classifiers(tmp_path)


def test_judges_ask_for_their_folder_before_they_learn(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no folder .*none to write"):
        train_classifiers(iter(()), tmp_path / "none", seed=0)
