import hashlib
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.data.minhash import (
    connected_components,
    jaccard,
    lsh_candidate_pairs,
    match_probability,
    minhash_signature,
    near_duplicates,
    shingles,
)

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


@given(st.integers(1, 12), st.sampled_from([1, 2, 4]), st.integers(1, 3), st.integers(0, 2**32 - 1))
def test_lsh_candidate_pairs_equal_brute_force(count, num_bands, rows, seed):
    signatures = np.random.default_rng(seed).integers(0, 3, (count, num_bands * rows), np.uint32)
    bands = signatures.reshape(count, num_bands, rows)
    expected = [
        [i, j]
        for i in range(count)
        for j in range(i + 1, count)
        if (bands[i] == bands[j]).all(axis=1).any()
    ]
    assert lsh_candidate_pairs(signatures, num_bands).tolist() == expected


def test_lsh_candidate_pairs_of_nothing_is_empty():
    assert lsh_candidate_pairs(np.empty((0, 6), np.uint32), 2).shape == (0, 2)


def test_lsh_candidate_pairs_refuses_uneven_bands():
    with pytest.raises(ValueError, match="num_bands 7 must divide num_hashes 120"):
        lsh_candidate_pairs(np.empty((2, 120), np.uint32), 7)


@given(st.integers(1, 20), st.data())
def test_connected_components_equal_flooding(count, data):
    node = st.integers(0, count - 1)
    pairs = data.draw(st.lists(st.tuples(node, node), max_size=20))
    label = list(range(count))
    for _ in range(count):
        for a, b in pairs:
            label[a] = label[b] = min(label[a], label[b])
    array = np.array(pairs, np.int64).reshape(-1, 2)
    assert connected_components(count, array).tolist() == label


def test_match_probability_measured_on_signatures():
    # Signatures whose places agree independently with probability 0.7: what the S-curve assumes.
    rng = np.random.default_rng(0)
    agree = rng.random((4000, 10, 4)) < 0.7
    measured = agree.all(axis=2).any(axis=1).mean()
    assert measured == pytest.approx(match_probability(0.7, 10, 4), abs=0.02)


def test_match_probability_ends():
    assert match_probability(0.0, 20, 6) == 0.0
    assert match_probability(1.0, 20, 6) == 1.0


def test_near_duplicates_keeps_first_of_cluster_and_reports_similarity():
    rng = random.Random(3)
    words = [f"w{rng.randrange(10**6)}" for _ in range(400)]
    other = " ".join(f"v{i}" for i in range(400))
    copy = " ".join(words[:200] + ["new"] + words[201:])
    keeper, similarity = near_duplicates([" ".join(words), other, copy, other.upper()])
    assert keeper.tolist() == [0, 1, 0, 1]
    # 396 n-grams each, the five around the new word differ: 391 shared of 401.
    assert similarity.tolist() == [1.0, 1.0, 391 / 401, 1.0]


def test_near_duplicates_links_a_copy_of_a_copy():
    words = [f"w{i}" for i in range(200)]
    chain = [" ".join(words[start : start + 150]) for start in (0, 14, 28)]
    keeper, similarity = near_duplicates(chain, num_hashes=256, num_bands=128)
    assert keeper.tolist() == [0, 0, 0]
    assert similarity[2] < 0.8 < similarity[1]


@settings(max_examples=25)
@given(st.integers(0, 1000), st.floats(0.3, 0.95))
def test_near_duplicates_equal_all_pairs_when_every_pair_is_a_candidate(seed, threshold):
    rng = random.Random(seed)
    base = [rng.choice(WORDS) for _ in range(40)]
    texts = [" ".join(changed(base, 0.05, rng)) for _ in range(6)]
    sets = [ngrams_slow(text, 2) for text in texts]
    near = [
        (i, j) for i in range(6) for j in range(i + 1, 6) if jaccard(sets[i], sets[j]) >= threshold
    ]
    expected = connected_components(6, np.array(near, np.int64).reshape(-1, 2))
    keeper, _ = near_duplicates(
        texts, num_hashes=400, num_bands=400, ngrams=2, jaccard_threshold=threshold
    )
    assert keeper.tolist() == expected.tolist()


def test_near_duplicates_of_empty_texts_and_of_none():
    assert near_duplicates(["", "a", " "])[0].tolist() == [0, 1, 0]
    assert near_duplicates([])[0].tolist() == []


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"jaccard_threshold": 0.0}, r"jaccard_threshold must lie in \(0, 1\], not 0.0"),
        ({"ngrams": 0}, "ngrams must be at least 1, not 0"),
        ({"num_hashes": 0}, "num_hashes must be at least 1, not 0"),
        ({"num_bands": 0}, "num_bands 0 must divide num_hashes 120"),
    ],
)
def test_near_duplicates_refuses_bad_settings(kwargs, message):
    with pytest.raises(ValueError, match=message):
        near_duplicates(["a b c", "d e f"], **kwargs)
