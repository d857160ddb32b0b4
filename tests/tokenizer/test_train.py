"""The BPE trainer: known merges, slow oracle, ties, special tokens, files, workers, bad input."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.tokenizer import train
from common.tokenizer.patterns import GPT2_PATTERN, GPT4_PATTERN
from common.tokenizer.train import train_bpe
from tests.tokenizer.oracle import train_slow
from tests.tokenizer.samples import SPECIALS, TEXTS

SENNRICH = ["low"] * 5 + ["lower"] * 2 + ["newest"] * 6 + ["widest"] * 3


def test_train_bpe_learns_the_merges_of_the_example_in_sennrich():
    _, merges = train_bpe(SENNRICH, 256 + 6)
    # 9 x "es" and "st" tie, the greater wins; then "est", and so on (worked out by hand)
    assert merges[:4] == [(b"s", b"t"), (b"e", b"st"), (b"o", b"w"), (b"l", b"ow")]
    assert merges[4:] == [(b"w", b"est"), (b"n", b"e")]


def test_train_bpe_orders_ids_as_bytes_merges_specials():
    vocab, merges = train_bpe(SENNRICH, 256 + 2 + 2, ["<b>", "<a>"])
    assert [vocab[i] for i in range(256)] == [bytes([i]) for i in range(256)]
    assert [vocab[256 + i] for i in range(2)] == [left + right for left, right in merges]
    assert [vocab[258], vocab[259]] == [b"<b>", b"<a>"]
    assert list(vocab) == list(range(260))


def test_train_bpe_gives_ties_to_the_greatest_pair():
    assert train_bpe(["ac", "ab"], 257)[1] == [(b"a", b"c")]
    assert train_bpe(["ab", "ba"], 257)[1] == [(b"b", b"a")]
    assert train_bpe(["a\u00ff", "az"], 257)[1] == [(b"\xc3", b"\xbf")]
    # (ab, c) against (a, x): b"ab" > b"a" although "c" < "x"
    assert train_bpe(["ab"] * 9 + ["abc", "ax"], 258)[1] == [(b"a", b"b"), (b"ab", b"c")]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.text("aab b<s>'é\n", max_size=30), min_size=1, max_size=6),
    st.integers(0, 40),
    st.sampled_from([[], ["<s>"], ["<s>", "a<s>"]]),
    st.sampled_from([GPT2_PATTERN, GPT4_PATTERN]),
)
def test_train_bpe_equals_the_oracle(texts, num_merges, specials, pattern):
    expected = train_slow(texts, num_merges, specials, pattern)
    if any(texts) and any(part for text in texts for part in re.split("a?<s>", text)):
        _, merges = train_bpe(texts, 256 + len(expected) + len(specials), specials, pattern=pattern)
        assert merges == expected
    else:
        assert expected == []


@pytest.mark.parametrize("pattern", [GPT2_PATTERN, GPT4_PATTERN])
def test_train_bpe_equals_the_oracle_on_many_languages(pattern):
    vocab, merges = train_bpe(TEXTS, 420, SPECIALS, pattern=pattern)
    assert merges == train_slow(TEXTS, 420 - 256 - len(SPECIALS), SPECIALS, pattern)
    assert len(set(vocab.values())) == 420, "no two merges make the same token"


def test_train_bpe_never_merges_across_a_special_token():
    text = "ab<|end|>ab<|end|>" * 20
    assert train_bpe([text], 258, ["<|end|>"])[1] == [(b"a", b"b")]
    with pytest.raises(ValueError, match="only 1 pairs to merge, 2 were asked for"):
        train_bpe([text], 259, ["<|end|>"])


def test_train_bpe_never_merges_across_texts():
    with pytest.raises(ValueError, match="only 0 pairs"):
        train_bpe(["a", "b", "a", "b"], 257)


@pytest.mark.parametrize("block", [3, 50, 1 << 18])
def test_train_bpe_reads_a_file_in_blocks_as_one_text(tmp_path, monkeypatch, block):
    text = "".join(TEXTS) + "<|endoftext|>" + "".join(TEXTS)
    (tmp_path / "text.txt").write_bytes(text.encode())
    expected = train_bpe([text], 400, ["<|endoftext|>"])
    monkeypatch.setattr(train, "_BLOCK_CHARS", block)
    assert train_bpe(tmp_path / "text.txt", 400, ["<|endoftext|>"]) == expected
    assert train_bpe(str(tmp_path / "text.txt"), 400, ["<|endoftext|>"]) == expected


def test_train_bpe_learns_the_same_with_two_workers():
    assert train_bpe(TEXTS, 400, SPECIALS, num_workers=2) == train_bpe(TEXTS, 400, SPECIALS)


def test_count_pieces_shares_the_text_among_tasks(monkeypatch):
    monkeypatch.setattr(train, "_TASK_CHARS", 60)
    tasks = list(train._tasks(TEXTS))
    assert len(tasks) > 3
    assert [text for task in tasks for text in task] == TEXTS


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((["text"], 257, ["<a>", "<b>"]), "vocab_size 257 must be at least 258"),
        ((["text"], 300, ["<a>", "<a>"]), "special token '<a>' is given twice"),
        ((["text"], 300, [""]), "a special token must be a non-empty string, not ''"),
        (([], 300), "the corpus is empty"),
        ((["", "<a>"], 300, ["<a>"]), "the corpus is empty"),
        ((["abc"], 300), "only 2 pairs to merge, 44 were asked for.*lower vocab_size by 42"),
    ],
)
def test_train_bpe_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        train_bpe(*arguments)


def test_train_bpe_refuses_zero_workers():
    with pytest.raises(ValueError, match="num_workers 0 must be at least 1"):
        train_bpe(["text"], 256, num_workers=0)


@pytest.mark.parametrize("block", [1, 4, 1 << 18])
def test_train_bpe_names_the_offset_of_invalid_utf8(tmp_path, monkeypatch, block):
    monkeypatch.setattr(train, "_BLOCK_CHARS", block)
    path = Path(tmp_path / "bad.txt")
    path.write_bytes("naïve ".encode() + b"\xc3(")
    with pytest.raises(ValueError, match="bad.txt is not UTF-8: invalid byte at offset 7"):
        train_bpe(path, 260)
    path.write_bytes(b"cut off \xe2\x82")
    with pytest.raises(ValueError, match="invalid byte at offset 8"):
        train_bpe(path, 260)
