"""Merging inside a piece, and remembering pieces."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.tokenizer import merge
from common.tokenizer.merge import PieceIds
from tests.tokenizer.oracle import merge_slow

BYTES = {bytes([byte]): byte for byte in range(256)}
# "ab", "bc" and "abc" exist, but "abc" is made of "ab" and "c": what is merged first decides
MERGES = [(b"b", b"c"), (b"a", b"b"), (b"ab", b"c"), (b"a", b"a")]


def piece_ids(merges: list[tuple[bytes, bytes]]) -> PieceIds:
    return PieceIds(
        BYTES | {left + right: 256 + i for i, (left, right) in enumerate(merges)}, merges
    )


@pytest.mark.parametrize(
    ("piece", "ids"),
    [("abc", [97, 256]), ("ab", [257]), ("aaab", [259, 257]), ("aaa", [259, 97]), ("", [])],
)
def test_merge_takes_the_lowest_rank_and_then_the_leftmost(piece, ids):
    assert piece_ids(MERGES)[piece] == ids


def test_merge_forgets_a_pair_whose_second_half_was_merged_away():
    assert piece_ids([(b"b", b"c"), (b"a", b"b"), (b"a", b"bc")])["abc"] == [258]


@given(st.text("abc", max_size=30))
def test_merge_equals_every_merge_in_order(piece):
    merges = [*MERGES, (b"bc", b"a"), (b"aa", b"bc"), (b"c", b"c"), (b"aa", b"aa")]
    made = piece_ids(merges)
    tokens = [bytes([byte]) for byte in piece.encode()]
    for pair in merges:
        tokens = merge_slow(tokens, pair)
    ids = BYTES | {left + right: 256 + i for i, (left, right) in enumerate(merges)}
    assert made[piece] == [ids[token] for token in tokens]


def test_merge_of_a_long_piece_is_not_quadratic():
    """200,000 bytes: ten seconds of an n log n merge would be a day of an n squared one."""
    ids = piece_ids([(b"a", b"a"), (b"aa", b"aa")]).merge(b"a" * 200_000)
    assert ids == [257] * 50_000


def test_piece_ids_remembers_a_bounded_number_of_short_pieces(monkeypatch):
    monkeypatch.setattr(merge, "_MAX_REMEMBERED", 2)
    made = piece_ids(MERGES)
    pieces = ["a" * 33, "ab", "aab", "abc", "aab"]
    first = [made[piece] for piece in pieces]
    assert list(made) == ["ab", "aab"]
    assert first == [made[piece] for piece in pieces]
