import json
import random
import struct
from itertools import pairwise
from pathlib import Path
from zlib import crc32

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file

from common.data import _ngram_hits, classifier
from common.data._ngram_hits import cut
from common.data.classifier import TextClassifier, classifier_filter
from common.data.verdict import split_words

KIND = "the kind baker gave a warm loaf to every child near the old mill by the river"
RUDE = "you rotten lying toad nobody wants your filthy bread get out of our lovely town"
BUCKETS = 2**12


def texts_of(count: int, seed: int) -> tuple[list[str], list[str]]:
    """Sentences of twelve words: seven from one list and five from either."""
    dice = random.Random(seed)
    texts, labels = [], []
    for i in range(count):
        own = (KIND if i % 2 else RUDE).split()
        words = dice.choices(own, k=7) + dice.choices((KIND + " " + RUDE).split(), k=5)
        texts.append(" ".join(dice.sample(words, len(words))))
        labels.append("kind" if i % 2 else "rude")
    return texts, labels


@pytest.fixture(scope="module")
def model() -> TextClassifier:
    return TextClassifier.train(*texts_of(300, seed=0), num_buckets=BUCKETS)


def test_learns_to_tell_texts_it_has_not_seen(model):
    texts, labels = texts_of(400, seed=1)
    found = [model.predict(text)[0] for text in texts]
    assert np.mean([a == b for a, b in zip(found, labels, strict=True)]) > 0.9


def test_predicts_the_most_probable_label(model):
    for text in texts_of(20, seed=2)[0]:
        chances = model.probabilities(text)
        assert model.predict(text) == max(chances.items(), key=lambda item: item[1])
        assert sum(chances.values()) == pytest.approx(1, abs=2e-6)


@pytest.mark.parametrize("text", ["you rotten you", f"{KIND} {RUDE} {KIND}"])
def test_scores_by_hand(model, text):
    words = text.split()
    grams = words + [" ".join(pair) for pair in pairwise(words)]
    counts: dict[int, int] = {}
    for gram in grams:
        counts[bucket_slow(gram)] = counts.get(bucket_slow(gram), 0) + 1
    by_hand = model.bias.astype(np.float64)
    for bucket, count in counts.items():
        by_hand = by_hand + (count / len(grams)) ** 0.5 * model.weights[bucket].astype(np.float64)
    np.testing.assert_allclose(model.scores(text), by_hand, rtol=1e-12)


def bucket_slow(gram: str) -> int:
    """The bucket of a word or of a pair, with Python's integers."""
    odd = (0x9E3779B97F4A7C15, 0xD1B54A32D192ED03)
    hashes = [crc32(word.encode()) for word in gram.split()]
    mixed = sum(h * o for h, o in zip(hashes, odd, strict=False)) % 2**64
    mixed = (mixed ^ mixed >> 31) * 0xBF58476D1CE4E5B9 % 2**64
    return mixed >> 64 - 12


def test_probabilities_are_softmax_of_scores_over_temperature(model):
    scores = model.scores(KIND) / model.temperature
    expected = np.exp(scores) / np.exp(scores).sum()
    assert list(model.probabilities(KIND).values()) == pytest.approx(expected.tolist(), abs=1e-6)
    hotter = TextClassifier(model.labels, model.weights, model.bias, 4 * model.temperature)
    assert hotter.predict(KIND)[0] == model.predict(KIND)[0]
    assert hotter.predict(KIND)[1] < model.predict(KIND)[1]


def test_same_seed_same_weights_other_seed_others(model):
    again = TextClassifier.train(*texts_of(300, seed=0), num_buckets=BUCKETS)
    other = TextClassifier.train(*texts_of(300, seed=0), num_buckets=BUCKETS, seed=1)
    assert (again.weights == model.weights).all() and again.temperature == model.temperature
    assert (other.weights != model.weights).any()


def test_weights_lie_on_the_grid(model):
    assert model.weights.dtype == np.float32
    for numbers in (model.weights, model.bias):
        assert (numbers * 2**12 == np.round(numbers * 2**12)).all()
        assert (numbers * 2**11 != np.round(numbers * 2**11)).any()


def test_unknown_text_gets_the_shares_of_the_labels():
    texts, labels = texts_of(100, seed=0)
    model = TextClassifier.train(texts + ["quiet"] * 300, labels + ["none"] * 300, seed=3)
    chances = TextClassifier(model.labels, model.weights, model.bias).probabilities("zzz qqq")
    assert chances == pytest.approx({"kind": 0.125, "none": 0.75, "rude": 0.125}, abs=1e-3)


@pytest.fixture
def lessons(monkeypatch):
    """What `train` hands to the descent and to the fit of the temperature, which it then skips."""
    seen = {}

    def descend(weights, bias, examples, epochs, learning_rate, dice):
        seen.update(examples=examples, epochs=epochs, learning_rate=learning_rate)

    def fit(scores, targets):
        seen.update(scores=scores, targets=targets)
        return 7.0

    monkeypatch.setattr(classifier, "_descend", descend)
    monkeypatch.setattr(classifier, "fit_temperature", fit)
    return seen


def test_train_learns_from_windows_side_by_side_and_calibrates_on_other_pages(lessons):
    """Twenty pages of 31 words: 16 make two windows each to learn from, four stay for the fit."""
    pages = [f"{name} " * 31 for name in ["kite"] * 10 + ["toad"] * 10]
    model = TextClassifier.train(pages, ["a"] * 10 + ["b"] * 10, num_buckets=BUCKETS, seed=2)
    assert (lessons["epochs"], lessons["learning_rate"]) == (2, 4.0)
    learned = [target for *_, target in lessons["examples"]]
    fitted = lessons["targets"].tolist()
    assert (len(learned), len(fitted), len(lessons["scores"])) == (32, 8, 8)
    assert learned.count(0) + fitted.count(0) == learned.count(1) + fitted.count(1) == 20
    assert {*fitted} == {0, 1}  # drawn from all pages, whatever their order
    assert model.temperature == 7.0


def test_train_takes_the_settings_it_is_given(lessons):
    settings = {"window_words": 3, "epochs": 5, "learning_rate": 0.5, "calibration_share": 0.5}
    TextClassifier.train(["a b c d e f g"] * 4, list("xyxy"), num_buckets=BUCKETS, **settings)
    assert (lessons["epochs"], lessons["learning_rate"]) == (5, 0.5)
    assert len(lessons["examples"]) == len(lessons["targets"]) == 2 * 3


def test_temperature_is_fitted_on_the_labels_of_its_own_scores(monkeypatch):
    seen = []
    monkeypatch.setattr(classifier, "fit_temperature", lambda *pair: seen.append(pair) or 1.0)
    TextClassifier.train(["red kite"] * 9 + ["old toad"] * 9, ["a"] * 9 + ["b"] * 9, num_buckets=64)
    ((scores, targets),) = seen
    assert {*targets.tolist()} == {0, 1}
    assert scores.argmax(1).tolist() == targets.tolist()


def test_evidence_is_against_the_mean_of_the_other_labels():
    weights = np.tile(np.float32([4.0, 1.0, 2.0]), (64, 1))
    model = TextClassifier(("a", "b", "c"), weights, np.zeros(3, np.float32))
    assert model.evidence("kite", label="a") == [("kite", 4.0 - (1.0 + 2.0) / 2)]
    assert model.evidence("kite", label="b") == [("kite", 1.0 - (4.0 + 2.0) / 2)]
    # What speaks alike stands in the order of the alphabet.
    assert [gram for gram, _ in model.evidence("b a", label="a")] == ["a", "b", "b a"]


def test_many_labels():
    texts = [f"{word} and {word} again" for word in ["kite", "lamp", "mill", "door"]] * 20
    model = TextClassifier.train(texts, list("abcd") * 20, num_buckets=BUCKETS)
    assert [model.predict(text)[0] for text in texts[:4]] == list("abcd")


def test_one_step_is_one_step_down_the_gradient():
    # One window of one word: x = 1, so the weights move by rate * (target - softmax(bias)).
    ((ids, values),) = cut(["kite"], 9, 9, BUCKETS).split()
    weights, bias = np.zeros((BUCKETS, 2)), np.log([0.25, 0.75])
    classifier._descend(weights, bias, [(ids, values, 0)], 1, 2.0, random.Random(0))
    np.testing.assert_allclose(weights[ids[0]], [2 * 0.75, -2 * 0.75], rtol=1e-12)
    assert np.count_nonzero(weights) == 2


def test_step_is_as_long_as_the_hits_that_led_to_it():
    # Three n-grams, so x = sqrt(1/3) each; even odds, so the error is 1/2 for either label.
    ((ids, values),) = cut(["red", "kite"], 9, 9, BUCKETS).split()
    weights = np.zeros((BUCKETS, 2))
    classifier._descend(weights, np.zeros(2), [(ids, values, 1)], 1, 2.0, random.Random(0))
    np.testing.assert_allclose(weights[ids], [[-((1 / 3) ** 0.5), (1 / 3) ** 0.5]] * 3, rtol=1e-12)


def test_examples_come_in_an_order_that_the_dice_say():
    ((ids, values),) = cut(["kite"], 9, 9, BUCKETS).split()
    examples = [(ids, values, i // 5) for i in range(10)]
    found = []
    for seed in (0, 1):
        weights = np.zeros((BUCKETS, 2))
        classifier._descend(weights, np.zeros(2), examples, 2, 2.0, random.Random(seed))
        found.append(weights[ids[0], 0])
    assert found[0] != found[1]


def test_scores_of_a_thousand_nats_do_not_overflow():
    bias = np.float32([1000, 1000 - np.log(3), -1000])
    model = TextClassifier(("a", "b", "c"), np.zeros((64, 3), np.float32), bias)
    assert model.probabilities("kite") == pytest.approx({"a": 0.75, "b": 0.25, "c": 0}, abs=1e-4)


def test_learning_rate_falls_to_zero():
    ((ids, values),) = cut(["kite"], 9, 9, BUCKETS).split()
    weights, steps = np.zeros((BUCKETS, 2)), []
    for epochs in (1, 2):
        weights[:] = 0
        classifier._descend(
            weights, np.zeros(2), [(ids, values, 0)], epochs, 1e-6, random.Random(0)
        )
        steps.append(weights[ids[0], 0])
    assert steps[1] == pytest.approx(1.5 * steps[0], rel=1e-5)  # 1, then 1 + 1/2


def test_windows_cover_every_word_once():
    words = [f"w{i}" for i in range(23)]
    windows = cut(words, 10, 10, 2**20).split()
    assert len(windows) == 3
    assert [round(float((v**2).sum()), 9) for _, v in windows] == [1, 1, 1]
    expected = [cut(words[i : i + 10], 10, 10, 2**20).split()[0] for i in (0, 10, 20)]
    for (ids, values), (own_ids, own_values) in zip(windows, expected, strict=True):
        assert (ids == own_ids).all() and (values == own_values).all()


@pytest.mark.parametrize(
    ("count", "starts"), [(3, [0]), (10, [0]), (11, [0, 5]), (23, range(0, 18, 5))]
)
def test_stretches_overlap_by_half_and_reach_the_end(count, starts):
    words = [f"w{i}" for i in range(count)]
    stretches = cut(words, 10, 5, 2**20).split()
    own = [cut(words[i : i + 10], 10, 10, 2**20).split()[0] for i in starts]
    assert [ids.tolist() for ids, _ in stretches] == [ids.tolist() for ids, _ in own]


def test_windows_of_a_page_without_words_is_one_without_hits():
    ((ids, values),) = cut([], 10, 10, BUCKETS).split()
    assert len(ids) == len(values) == 0


def test_highest_finds_a_rude_half_behind_a_kind_one(model):
    page = f"{KIND} {KIND} {KIND} {RUDE}"
    assert model.predict(page)[0] == "kind"
    worst = model.highest(page, "rude", window_words=16)
    assert worst > 0.5 > model.probabilities(page)["rude"]
    words = page.split()
    each = [model.probabilities(" ".join(words[i : i + 16]))["rude"] for i in range(0, 57, 8)]
    assert worst == max(each)


def test_highest_of_a_short_page_is_its_probability(model):
    assert model.highest(RUDE, "rude") == model.probabilities(RUDE)["rude"]
    assert model.highest("", "rude") == model.probabilities("")["rude"]
    with pytest.raises(ValueError, match="window_words must be at least 2 to overlap, not 1"):
        model.highest(RUDE, "rude", window_words=1)


def test_evidence_names_the_ngrams_and_adds_up(model):
    text = "rotten bread"
    evidence = dict(model.evidence(text, label="rude", top=99))
    assert set(evidence) == {"rotten", "bread", "rotten bread"}
    rude = model.labels.index("rude")
    margin = (model.scores(text) - model.bias)[rude] - (model.scores(text) - model.bias)[1 - rude]
    assert sum(evidence.values()) == pytest.approx(margin, rel=1e-9)
    assert evidence["rotten"] > evidence["bread"]


def test_evidence_is_for_the_predicted_label_and_sorted(model):
    evidence = model.evidence(KIND, top=3)
    assert evidence == model.evidence(KIND, label="kind", top=99)[:3]
    assert [nats for _, nats in evidence] == sorted((n for _, n in evidence), reverse=True)


@given(st.text(max_size=80))
@settings(max_examples=60)
def test_any_text_is_judged_and_words_are_judged_the_same(model, text):
    label, probability = model.predict(text)
    assert label in model.labels and 0.5 <= probability <= 1
    assert model.predict(split_words(text)) == (label, probability)
    assert len(model.evidence(text)) <= 10


def test_two_models_on_one_page_do_not_mix_up_their_hits(model):
    other = TextClassifier.train(*texts_of(60, seed=5), num_buckets=2**6)
    page, second = split_words(KIND), split_words(RUDE)
    expected = [m.predict(text) for text in (KIND, RUDE) for m in (model, other)]
    assert [m.predict(p) for p in (page, second) for m in (model, other)] == expected


def test_page_is_hashed_once_for_all_classifiers(model, monkeypatch):
    calls = []
    monkeypatch.setattr(_ngram_hits, "cut", lambda *args: calls.append(args[1:]) or cut(*args))
    page = split_words(f"{KIND} {RUDE} " * 20)
    chances = [model.highest(page, label, window_words=16) for label in model.labels * 2]
    assert chances[:2] == chances[2:]
    assert calls == [(16, 8, BUCKETS)]


def test_half_a_surrogate_is_a_word_like_others(model):
    assert model.predict("\ud800 rotten \udfff toad")[0] == "rude"


def test_saved_and_loaded_is_the_same_and_so_are_the_bytes(model, tmp_path):
    model.save(tmp_path / "a.safetensors")
    loaded = TextClassifier.load(tmp_path / "a.safetensors")
    loaded.save(tmp_path / "b.safetensors")
    assert (loaded.labels, loaded.temperature) == (model.labels, model.temperature)
    assert loaded.probabilities(RUDE) == model.probabilities(RUDE)
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.safetensors", "b.safetensors"]


def test_failed_save_leaves_nothing_behind(model, tmp_path):
    (tmp_path / "a.safetensors").mkdir()  # no file can take its place
    with pytest.raises(OSError):
        model.save(tmp_path / "a.safetensors")
    assert [path.name for path in tmp_path.iterdir()] == ["a.safetensors"]


def test_file_begins_with_a_header_of_json(model, tmp_path):
    model.save(tmp_path / "a.safetensors")
    raw = (tmp_path / "a.safetensors").read_bytes()
    (size,) = struct.unpack("<Q", raw[:8])
    header = json.loads(raw[8 : 8 + size])
    assert json.loads(header["__metadata__"]["classifier"])["labels"] == ["kind", "rude"]


@pytest.mark.parametrize("content", [b"", b"junk that is no tensor file", b"\x80\x04K\x01."])
def test_load_refuses_another_file(tmp_path, content):
    path = Path(tmp_path, "x.safetensors")
    path.write_bytes(content)
    with pytest.raises(ValueError, match="x.safetensors is no text classifier 1"):
        TextClassifier.load(path)


def test_load_refuses_tensors_of_something_else(tmp_path):
    path = Path(tmp_path, "x.safetensors")
    save_file({"weights": np.zeros((4, 2), np.float32)}, path)
    with pytest.raises(ValueError, match="x.safetensors is no text classifier 1: 'classifier'"):
        TextClassifier.load(path)


@pytest.mark.parametrize(
    ("header", "num_labels", "num_biases", "message"),
    [
        ({}, 1, 2, r"2 labels for weights of shape \(4, 1\)"),
        ({}, 2, 1, r"2 labels for weights of shape \(4, 2\)"),
        ({"labels": ["one"]}, 2, 2, r"1 labels for weights of shape \(4, 2\)"),
        ({"format": "text classifier 2"}, 2, 2, "its format is 'text classifier 2'"),
    ],
)
def test_load_refuses_what_does_not_fit(tmp_path, header, num_labels, num_biases, message):
    path = Path(tmp_path, "x.safetensors")
    header = {"format": "text classifier 1", "labels": ["a", "b"], "temperature": 2.0} | header
    tensors = {
        "weights": np.zeros((4, num_labels), np.float32),
        "bias": np.zeros(num_biases, np.float32),
    }
    save_file(tensors, path, metadata={"classifier": json.dumps(header)})
    with pytest.raises(ValueError, match=f"x.safetensors is no text classifier 1: {message}"):
        TextClassifier.load(path)


@pytest.mark.parametrize(
    ("texts", "labels", "settings", "message"),
    [
        (["a"], ["x", "y"], {}, "1 texts do not fit 2 labels"),
        (["a", "b"], ["x", "x"], {}, "needs two labels or more, not 1"),
        (["a", "b"], ["x", "y"], {"num_buckets": 1000}, "must be a power of two, not 1000"),
        (["a", "b"], ["x", "y"], {"num_buckets": 1}, "must be a power of two, not 1"),
        (["a", "b"], ["x", "y"], {"window_words": 0}, "window_words must be at least 1, not 0"),
        (["a", "b"], ["x", "y"], {"epochs": 0}, "epochs must be at least 1, not 0"),
        (["a"] * 4, list("xyxy"), {"calibration_share": 1.0}, r"lies in \[0, 1\), not at 1.0"),
    ],
)
def test_train_refuses(texts, labels, settings, message):
    with pytest.raises(ValueError, match=message):
        TextClassifier.train(texts, labels, **settings)


def test_unknown_label_is_refused(model):
    with pytest.raises(ValueError, match="label 'spam' must be one of kind, rude"):
        model.evidence(KIND, label="spam")
    with pytest.raises(ValueError, match="label 'spam' must be one of kind, rude"):
        classifier_filter(KIND, model, label="spam")


def test_filter_compares_the_label_with_its_threshold(model):
    verdict = classifier_filter(RUDE, model, label="rude")
    assert (verdict.keep, verdict.rule) == (False, "rude.max_probability")
    assert verdict.value == model.highest(RUDE, "rude")
    assert not classifier_filter(f"{KIND} " * 3 + RUDE, model, label="rude", window_words=16)
    assert classifier_filter(f"{KIND} " * 3 + RUDE, model, label="rude", window_words=999)
    assert classifier_filter(RUDE, model, label="rude", max_probability=verdict.value).keep
    assert classifier_filter(RUDE, model, label="kind").keep


def test_filter_asks_for_half_of_the_probability_in_200_words(model):
    even = TextClassifier(("no", "yes"), np.zeros((64, 2), np.float32), np.float32([0, 0]))
    assert classifier_filter("a kite", even, label="yes").keep
    surer = TextClassifier(("no", "yes"), even.weights, np.float32([0, 0.1]))
    assert not classifier_filter("a kite", surer, label="yes").keep
    page = f"{KIND} " * 40 + f"{RUDE} " * 12
    worst = model.highest(page, "rude", window_words=200)
    assert (
        model.highest(page, "rude") == classifier_filter(page, model, label="rude").value == worst
    )
    assert worst > model.highest(page, "rude", window_words=2000)


def test_probabilities_have_six_digits(model):
    for chance in model.probabilities("a warm filthy loaf").values():
        assert chance == round(chance, 6)


@pytest.mark.parametrize("shares", [0.0, 0.5])
def test_calibration_share_zero_leaves_the_temperature_at_one(shares):
    texts, labels = texts_of(80, seed=0)
    model = TextClassifier.train(texts, labels, num_buckets=BUCKETS, calibration_share=shares)
    assert (model.temperature == 1.0) == (shares == 0.0)


@pytest.mark.parametrize("rate", [0.0, -4.0, float("nan"), float("inf")])
def test_train_refuses_a_rate_that_learns_nothing(rate):
    with pytest.raises(ValueError, match=f"learning_rate must be positive and finite, not {rate}"):
        TextClassifier.train(["a", "b"], ["x", "y"], learning_rate=rate, calibration_share=0)


def test_train_refuses_to_hold_back_every_text():
    with pytest.raises(ValueError, match="calibration_share 0.9 of 2 texts is all"):
        TextClassifier.train(["a", "b"], ["x", "y"], calibration_share=0.9)


@pytest.mark.parametrize(
    ("header", "tensors"),
    [
        ([1], {}),
        ({"temperature": None}, {}),
        ({"temperature": 0}, {}),
        ({"temperature": float("nan")}, {}),
        ({"labels": 5}, {}),
        ({}, {"weights": np.zeros(2, np.float32)}),
        ({}, {"weights": np.full((4, 2), np.nan, np.float32)}),
    ],
)
def test_load_refuses_a_model_that_would_judge_nothing(tmp_path, header, tensors):
    good = {"format": "text classifier 1", "labels": ["x", "y"], "temperature": 1.0}
    header = good | header if isinstance(header, dict) else header
    zeros = {"weights": np.zeros((4, 2), np.float32), "bias": np.zeros(2, np.float32)}
    path = tmp_path / "model"
    save_file(zeros | tensors, path, metadata={"classifier": json.dumps(header)})
    with pytest.raises(ValueError, match="model is no text classifier 1"):
        TextClassifier.load(path)


def test_save_names_the_folder_that_is_not_there(tmp_path):
    model = TextClassifier.train(["a", "b"], ["x", "y"], num_buckets=4)
    with pytest.raises(FileNotFoundError, match="there is no folder .*none to save in"):
        model.save(tmp_path / "none" / "model")
