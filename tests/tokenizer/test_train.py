"""The BPE trainer: slow oracle, order of ids, special tokens, files, workers, bad input."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.tokenizer import count
from common.tokenizer.patterns import GPT2_PATTERN, GPT4_PATTERN
from common.tokenizer.train import train_bpe
from tests.tokenizer.oracle import train_slow
from tests.tokenizer.samples import SPECIALS, TEXTS, random_texts

SENNRICH = ["low"] * 5 + ["lower"] * 2 + ["newest"] * 6 + ["widest"] * 3


def test_train_bpe_orders_ids_as_bytes_merges_specials():
    vocab, merges = train_bpe(SENNRICH, 256 + 2 + 2, ["<b>", "<a>"])
    assert merges == [(b"s", b"t"), (b"e", b"st")]
    assert [vocab[i] for i in range(256)] == [bytes([i]) for i in range(256)]
    assert [vocab[256 + i] for i in range(2)] == [b"st", b"est"]
    assert [vocab[258], vocab[259]] == [b"<b>", b"<a>"]
    assert list(vocab) == list(range(260))


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
@pytest.mark.parametrize("seed", range(25))
def test_train_bpe_equals_the_oracle_on_random_corpora(seed, pattern):
    texts = list(random_texts(30, seed=seed, specials=SPECIALS))
    expected = train_slow(texts, 50, SPECIALS, pattern)
    vocab_size = 256 + len(expected) + len(SPECIALS)
    assert train_bpe(texts, vocab_size, SPECIALS, pattern=pattern)[1] == expected


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


def test_train_bpe_learns_the_same_from_a_file_and_with_more_workers(tmp_path, monkeypatch):
    monkeypatch.setattr(count, "_PART_SIZE", 400)
    path = tmp_path / "text.txt"
    path.write_bytes("<|endoftext|>".join(TEXTS).encode())
    expected = train_bpe(TEXTS, 400, SPECIALS)
    for source in (path, str(path), TEXTS, iter(TEXTS)):
        assert train_bpe(source, 400, SPECIALS) == expected
    for num_workers in (2, 3):
        assert train_bpe(path, 400, SPECIALS, num_workers=num_workers) == expected
        assert train_bpe(TEXTS, 400, SPECIALS, num_workers=num_workers) == expected


def test_train_bpe_shows_progress_only_when_asked(capsys):
    train_bpe(TEXTS, 300)
    assert capsys.readouterr() == ("", "")
    train_bpe(TEXTS, 300, progress=True)
    out, err = capsys.readouterr()
    assert out == "" and "count: 100%" in err and "merge: 100%" in err


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


def test_train_bpe_refuses_an_empty_file_and_zero_workers(tmp_path):
    (tmp_path / "empty.txt").touch()
    with pytest.raises(ValueError, match="the corpus is empty"):
        train_bpe(tmp_path / "empty.txt", 300)
    with pytest.raises(ValueError, match="num_workers 0 must be at least 1"):
        train_bpe(["text"], 256, num_workers=0)


@pytest.mark.parametrize("num_workers", [1, 2])
def test_train_bpe_names_the_offset_of_invalid_utf8(tmp_path, num_workers):
    (tmp_path / "bad.txt").write_bytes("naïve ".encode() + b"\xc3(")
    with pytest.raises(ValueError, match="not UTF-8: invalid continuation byte at offset 7"):
        train_bpe(tmp_path / "bad.txt", 260, num_workers=num_workers)
