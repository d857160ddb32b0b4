import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.data import lsh
from common.data.lsh import (
    connected_components,
    find_copies,
    first_of_each,
    lsh_candidate_pairs,
    match_probability,
    near_duplicates,
)
from common.data.minhash import jaccard, sketch
from tests.data.test_minhash import WORDS, changed, ngrams_slow


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


@pytest.mark.parametrize("kind", [np.uint32, np.int64, np.int32])
def test_lsh_candidate_pairs_of_signed_integers_lose_no_digit(kind):
    signatures = np.array([[-7, 2], [-7, 3]]).astype(kind)
    assert len(lsh_candidate_pairs(signatures, 1)) == 0
    assert lsh_candidate_pairs(signatures, 2).tolist() == [[0, 1]]


@pytest.mark.parametrize("signatures", [np.ones((2, 2)), np.ones(4, np.uint32)])
def test_lsh_candidate_pairs_refuses_what_are_no_signatures(signatures):
    with pytest.raises(ValueError, match=r"must be integers of shape \(N, K\), not .* of shape"):
        lsh_candidate_pairs(signatures, 2)


@pytest.mark.parametrize("pair", [(0, 3), (-1, 0)])
def test_connected_components_refuses_pairs_of_others(pair):
    with pytest.raises(ValueError, match=r"pairs lie in 0\.\.2, not in"):
        connected_components(3, np.array([pair]))


@pytest.mark.parametrize("settings", [(1.5, 20, 6), (float("nan"), 20, 6), (0.5, 0, 6)])
def test_match_probability_refuses_what_gives_none(settings):
    with pytest.raises(ValueError, match=r"must lie in 0\.\.1|must be positive"):
        match_probability(*settings)


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


def test_first_of_each_by_hand():
    assert first_of_each("abcab").tolist() == [0, 1, 2, 0, 1]
    assert first_of_each([]).tolist() == []


def near_texts(seed: int, count: int) -> list[str]:
    rng = random.Random(seed)
    bases = [[rng.choice(WORDS) for _ in range(40)] for _ in range(2)]
    return [" ".join(changed(rng.choice(bases), 0.03, rng)) for _ in range(count)]


@given(st.integers(0, 1000), st.integers(1, 8))
def test_find_copies_equals_components_of_all_verified_candidates(seed, num_bands):
    # The slow twin: every candidate pair is compared. find_copies leaves out what is joined.
    sketches = [sketch(text, num_hashes=8 * num_bands) for text in near_texts(seed, 12)]
    signatures = np.stack([made.signature for made in sketches])
    sets = [set(made.shingles.tolist()) for made in sketches]
    candidates = lsh_candidate_pairs(signatures, num_bands)
    near = [pair for pair in candidates.tolist() if jaccard(*(sets[i] for i in pair)) >= 0.6]
    expected = connected_components(len(sets), np.array(near, np.int64).reshape(-1, 2))
    keeper, similarity = find_copies(sketches, num_bands=num_bands, jaccard_threshold=0.6)
    assert keeper.tolist() == expected.tolist()
    assert similarity.tolist() == [jaccard(sets[i], sets[k]) for i, k in enumerate(keeper)]


def test_find_copies_keeps_highest_score_and_first_of_equals():
    texts = ["a b c d e f", "x y", "A b c d e f", "a b c d e, f"]
    for scores, stays in [((1, 0, 2, 2), 2), ((0, 9, 0, 0), 0), ((-1, 0, -2, 5), 3)]:
        keeper, similarity = near_duplicates(texts, scores=scores)
        assert keeper.tolist() == [stays, 1, stays, stays]
        assert similarity.tolist() == [1.0] * 4


@given(st.integers(0, 1000), st.lists(st.integers(0, 3), min_size=12, max_size=12))
def test_find_copies_scores_choose_within_the_same_clusters(seed, scores):
    sketches = [sketch(text) for text in near_texts(seed, 12)]
    first, _ = find_copies(sketches, jaccard_threshold=0.5)
    best, _ = find_copies(sketches, jaccard_threshold=0.5, scores=scores)
    for i, keeper in enumerate(best.tolist()):
        cluster = np.flatnonzero(first == first[i]).tolist()
        assert keeper == max(cluster, key=lambda member: (scores[member], -member))


@pytest.fixture
def compared(monkeypatch):
    """The pairs of shingle counts that are compared, in order."""
    pairs = []
    similarity = lsh._similarity

    def counting(a, b, **kwargs):
        pairs.append((len(a), len(b)))
        return similarity(a, b, **kwargs)

    monkeypatch.setattr(lsh, "_similarity", counting)
    return pairs


def test_find_copies_of_a_thousand_mirrors_compares_no_pair(compared):
    assert find_copies([sketch("one red kite and more")] * 1000)[0].tolist() == [0] * 1000
    assert compared == []


def test_find_copies_compares_no_pair_that_a_chain_joins(compared):
    words = [f"w{i}" for i in range(400)]
    texts = [" ".join([*words[:i], "new", *words[i + 1 :]]) for i in range(0, 400, 20)]
    assert near_duplicates(texts)[0].tolist() == [0] * 20
    # 19 joins, and 19 similarities to the one that stays; all pairs are 190.
    assert len(compared) == 38


def test_find_copies_of_a_crowd_of_near_copies_looks_at_no_pair_twice(monkeypatch):
    """A template filled in 1,000 times: twenty bands of a million pairs are not to be listed."""
    words, looks, root = [f"w{i}" for i in range(300)], [], lsh._root
    monkeypatch.setattr(lsh, "_root", lambda parent, i: (looks.append(i), root(parent, i))[1])
    texts = [" ".join([*words, f"number{i}"]) for i in range(1000)]
    assert near_duplicates(texts)[0].tolist() == [0] * 1000
    assert len(looks) < 30 * 1000


def test_find_copies_compares_a_pair_once_however_many_bands_it_shares(compared):
    a, b = [f"a{i}" for i in range(100)], [f"b{i}" for i in range(40)]
    sketches = [sketch(" ".join(a)), sketch(" ".join(a[:70] + b))]  # J = 66 / 136
    assert find_copies(sketches, num_bands=120, jaccard_threshold=0.5)[0].tolist() == [0, 1]
    assert compared == [(96, 106)]


@pytest.mark.parametrize("threshold", [0.07, 0.55, 0.7])
def test_find_copies_counts_a_part_that_is_exactly_the_threshold(threshold):
    # 0.55 * 100 is more than 55 in floating point: the sizes must be compared as a quotient.
    words = [f"w{i}" for i in range(100)]
    sketches = [
        sketch(" ".join(part), ngrams=1) for part in (words, words[: round(100 * threshold)])
    ]
    keeper, similarity = find_copies(sketches, num_bands=120, jaccard_threshold=threshold)
    assert keeper.tolist() == [0, 0]
    assert similarity[1] == threshold


def test_find_copies_makes_no_union_of_a_pair_below_the_threshold():
    a, b = [f"a{i}" for i in range(100)], [f"b{i}" for i in range(40)]
    sketches = [sketch(" ".join(a)), sketch(" ".join(a[:70] + b))]  # J = 66 / 136
    assert find_copies(sketches, num_bands=120, jaccard_threshold=0.5)[0].tolist() == [0, 1]
    assert find_copies(sketches, num_bands=120, jaccard_threshold=0.48)[0].tolist() == [0, 0]


def test_find_copies_refuses_sketches_of_two_sizes():
    sketches = [sketch("a b c", num_hashes=8), sketch("d e f", num_hashes=16)]
    with pytest.raises(ValueError, match="sketches of 8 and of 16 hashes cannot be compared"):
        find_copies(sketches, num_bands=4)


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        ([1.0], "1 scores for 2 texts: one for each is needed"),
        ([1.0, float("nan")], "score 1 is not a number"),
    ],
)
def test_find_copies_refuses_bad_scores(scores, message):
    with pytest.raises(ValueError, match=message):
        near_duplicates(["a b c", "d e f"], scores=scores)


def test_near_duplicates_is_what_sketches_made_elsewhere_give():
    texts = near_texts(4, 10)
    expected = near_duplicates(texts, num_hashes=60, num_bands=10, ngrams=3, seed=2)
    sketches = (sketch(text, num_hashes=60, ngrams=3, seed=2) for text in texts)
    found = find_copies(sketches, num_bands=10)
    assert [column.tolist() for column in found] == [column.tolist() for column in expected]


def test_near_duplicates_finds_every_altered_pair_that_the_curve_promises():
    # 200 pairs at J about 0.85, where 20 bands of 6 meet with P > 0.9997; others share nothing.
    rng = random.Random(1)
    pages = [[f"w{rng.randrange(10**6)}" for _ in range(300)] for _ in range(200)]
    texts = [" ".join(page) for page in pages]
    texts += [" ".join(changed(page, 0.015, rng)) for page in pages]
    keeper, similarity = near_duplicates(texts, jaccard_threshold=0.7)
    true = [jaccard(*(ngrams_slow(t, 5) for t in texts[i::200])) for i in range(200)]
    expected = [i if value >= 0.7 else i + 200 for i, value in enumerate(true)]
    assert keeper[:200].tolist() == list(range(200))
    assert keeper[200:].tolist() == expected
