import hashlib
import pickle
import random
import string
import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.data.minhash import jaccard, minhash_signature, shingles, sketch

WORDS = "kite lamp apple river mill baker hat stone bread door garden bell".split()


def ngrams_slow(text: str, n: int) -> set[tuple[str, ...]]:
    words = text.split()
    n = min(n, len(words))
    return {tuple(words[i : i + n]) for i in range(len(words) - n + 1)} if words else set()


def changed(words: list[str], share: float, rng: random.Random) -> list[str]:
    return [f"w{rng.random()}" if rng.random() < share else word for word in words]


@given(st.lists(st.sampled_from(WORDS[:4]), max_size=30), st.integers(1, 6))
def test_shingles_counts_distinct_ngrams_as_slow_twin_does(words, n):
    assert len(shingles(" ".join(words), ngrams=n)) == len(ngrams_slow(" ".join(words), n))


@given(*[st.lists(st.sampled_from(WORDS[:3]), max_size=20)] * 2)
def test_shingles_intersect_as_slow_twin_does(a, b):
    a, b = " ".join(a), " ".join(b)
    fast = set(shingles(a, ngrams=3).tolist()) & set(shingles(b, ngrams=3).tolist())
    assert len(fast) == len(ngrams_slow(a, 3) & ngrams_slow(b, 3))


def test_shingles_differ_when_words_change_places():
    a, b = shingles("one two three", ngrams=3), shingles("three two one", ngrams=3)
    assert a.tolist() != b.tolist()


@pytest.mark.parametrize(
    "other",
    [
        "THE cafe, by the mill",
        "the  café\n\tby the mill",
        "the cafe\u0301 by the mill!",
        "«the café by the mill»",
    ],
)
def test_shingles_normalise_case_accents_punctuation_space(other):
    assert shingles(other).tolist() == shingles("the café by the mill").tolist()


@pytest.mark.parametrize("text", ["", " \n", "?!", "…"])
def test_shingles_of_text_without_words_are_empty(text):
    assert shingles(text).size == 0


def test_shingles_accept_lone_surrogates():
    assert shingles("a \udc80b c", ngrams=1).size == 3


def test_jaccard_by_hand():
    assert jaccard({1, 2, 3}, {2, 3, 4}) == 0.5
    assert jaccard(set(), {1}) == 0.0
    assert jaccard(set(), set()) == 1.0


def test_signature_known_answer_holds_on_every_machine():
    signature = minhash_signature(
        "The quick brown fox jumps over the lazy dog", num_hashes=16, seed=7
    )
    digest = hashlib.sha256(signature.astype("<u4").tobytes()).hexdigest()
    assert digest[:16] == "3ebb767999e69b47"


def test_signature_is_minimum_over_the_set():
    # The signature of a union of n-gram sets is the minimum of the signatures, place by place.
    a, b = "one two three four", "five six seven eight"
    both = minhash_signature(f"{a} {b}", ngrams=1)
    parts = minhash_signature(a, ngrams=1), minhash_signature(b, ngrams=1)
    assert (both == np.minimum(*parts)).all()


def test_signature_changes_with_seed():
    text = "One kite and two hats."
    assert (minhash_signature(text, seed=1) != minhash_signature(text, seed=2)).all()


@pytest.mark.parametrize("share", [0.02, 0.05, 0.1])
def test_signature_agreement_estimates_jaccard(share):
    rng = random.Random(0)
    errors = []
    for seed in range(60):
        words = [f"w{rng.randrange(10**6)}" for _ in range(300)]
        a, b = " ".join(words), " ".join(changed(words, share, rng))
        true = jaccard(ngrams_slow(a, 5), ngrams_slow(b, 5))
        same = minhash_signature(a, seed=seed) == minhash_signature(b, seed=seed)
        errors.append(same.mean() - true)
    # One estimate has standard error <= sqrt(0.25 / 120) = 0.046, the mean of 60 has 0.006.
    assert abs(np.mean(errors)) < 4 * 0.006


@given(st.text(alphabet=string.printable + "\x00\x1c\x1f", max_size=40))
def test_shingles_are_the_same_on_the_path_of_ascii_and_of_all_unicode(text):
    # A combining accent is dropped, so it changes nothing but the path.
    assert shingles(f"{text}\u0301", ngrams=2).tolist() == shingles(text, ngrams=2).tolist()


@given(st.text(st.characters() | st.sampled_from(" \u3000\udc80\u0301ΣςßÅ"), max_size=60))
def test_shingles_accept_every_character_and_fold_as_slow_twin_does(text):
    letters = (c for c in unicodedata.normalize("NFD", text) if c.isalnum() or c.isspace())
    words = "".join(letters).casefold().split()
    assert len(shingles(text, ngrams=1)) == len(set(words))


@given(st.text(st.characters() | st.sampled_from("ᾳÅé각"), max_size=30))
def test_shingles_are_the_same_for_letters_in_one_piece_and_in_several(text):
    composed, pieces = (unicodedata.normalize(form, text) for form in ("NFC", "NFD"))
    assert shingles(composed).tolist() == shingles(pieces).tolist()


@pytest.mark.parametrize(("upper", "lower"), [("ΟΔΟΣ", "οδος"), ("STRASSE", "straße")])
def test_shingles_fold_letters_that_have_two_lower_cases(upper, lower):
    assert shingles(upper).tolist() == shingles(lower).tolist()


def test_shingles_of_a_run_of_accents_need_no_sorting():
    # Canonical order, as NFD gives it, would take minutes for these.
    assert shingles("e" + "\u0301\u0327" * 500_000).tolist() == shingles("e").tolist()


def test_shingles_of_one_word_are_one_hash():
    assert shingles("Kite").tolist() == shingles("kite!", ngrams=9).tolist()
    assert shingles("kite").size == 1


def test_shingles_drop_nul_and_control_characters():
    assert shingles("a\x00b c\x07", ngrams=1).tolist() == shingles("ab c", ngrams=1).tolist()


def test_shingles_of_a_line_of_megabytes_equal_those_of_its_period():
    line = "one two three four five six seven " * 30_000
    assert shingles(line, ngrams=3).tolist() == shingles(line[:340], ngrams=3).tolist()


def test_signature_of_a_long_text_is_minimum_of_its_parts():
    # More n-grams than are permuted at once: the parts are below that number.
    words = [f"w{i}" for i in range(9000)]
    whole = minhash_signature(" ".join(words), ngrams=1)
    parts = [minhash_signature(" ".join(words[i : i + 3000]), ngrams=1) for i in (0, 3000, 6000)]
    assert (whole == np.minimum.reduce(parts)).all()


def test_sketch_holds_shingles_and_signature():
    made = sketch("One kite and two hats.", num_hashes=16, ngrams=2, seed=5)
    assert made.shingles.tolist() == shingles("One kite and two hats.", ngrams=2).tolist()
    signature = minhash_signature("One kite and two hats.", num_hashes=16, ngrams=2, seed=5)
    assert made.signature.tolist() == signature.tolist()


def test_sketch_travels_between_processes_in_few_bytes():
    made = sketch(" ".join(f"w{i}" for i in range(300)))
    sent = pickle.dumps(made)
    assert len(sent) < 8 * 296 + 4 * 120 + 500
    assert pickle.loads(sent).shingles.tolist() == made.shingles.tolist()


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"ngrams": 0}, "ngrams must be at least 1, not 0"),
        ({"num_hashes": 0}, "num_hashes must be at least 1, not 0"),
    ],
)
def test_sketch_refuses_bad_settings(kwargs, message):
    with pytest.raises(ValueError, match=message):
        sketch("a b c", **kwargs)
