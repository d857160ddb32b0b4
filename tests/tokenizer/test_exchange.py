"""tiktoken's and GPT-2's files: through the packages themselves, by hand, and damaged."""

import json
import sys
import types
from pathlib import Path

import pytest
import tiktoken.load
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import ByteLevelBPETokenizer
from transformers.convert_slow_tokenizer import bytes_to_unicode

from common.tokenizer.encode import BPETokenizer
from common.tokenizer.exchange import (
    merges_from_ranks,
    parts_from_ranks,
    read_gpt2_files,
    read_ranks,
    write_gpt2_files,
    write_ranks,
)
from common.tokenizer.parts import TokenizerParts
from common.tokenizer.patterns import GPT2_PATTERN, GPT4_PATTERN
from common.tokenizer.train import train_bpe
from tests.tokenizer.samples import PLAIN_SPECIALS, TEXTS, random_texts, tokenizer

BYTES = {bytes([byte]): byte for byte in range(256)}
ENDOFTEXT = "<|endoftext|>"
PLAIN = random_texts(300, seed=8, specials=PLAIN_SPECIALS)


@pytest.fixture(scope="module")
def ours() -> BPETokenizer:
    return tokenizer(GPT2_PATTERN, (ENDOFTEXT,))


@pytest.fixture
def gpt2_files(tmp_path, ours) -> tuple[Path, Path]:
    paths = tmp_path / "encoder.json", tmp_path / "vocab.bpe"
    write_gpt2_files(ours.parts, *paths)
    return paths


@pytest.fixture
def ranks_file(tmp_path, ours) -> Path:
    write_ranks(ours.parts.ranks, tmp_path / "small.tiktoken")
    return tmp_path / "small.tiktoken"


def gpt2_sized() -> TokenizerParts:
    """The layout of GPT-2: bytes in the order of its alphabet, 50,000 merges, one special token."""
    alphabet = {character: byte for byte, character in bytes_to_unicode().items()}
    tokens = [bytes([alphabet[character]]) for character in sorted(alphabet)]
    # First "ta", then "tato": consonant and vowel, so that each token can be made in one way only.
    pairs = [(bytes([c]), bytes([v])) for c in b" tnshrdlcmfwpgbvkjqx" for v in b"aeiouyAEIOUY"]
    twos = [left + right for left, right in pairs]
    merges = (pairs + [(left, right) for left in twos for right in twos])[:50_000]
    tokens += [left + right for left, right in merges]
    ranks = {token: index for index, token in enumerate(tokens)}
    return TokenizerParts(ranks, merges, {ENDOFTEXT: 50_256}, GPT2_PATTERN)


# tiktoken


def test_merges_from_ranks_gives_back_the_merges_that_were_learned(ours):
    assert merges_from_ranks(ours.parts.ranks) == ours.merges


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text("ab c", min_size=1, max_size=40), min_size=1, max_size=4), st.data())
def test_merges_from_ranks_undoes_the_loss_of_any_training(corpus, data):
    most = 0
    try:
        train_bpe(corpus, 10_000)
    except ValueError as error:
        most = int(str(error).split("only ")[1].split()[0])
    vocab, merges = train_bpe(corpus, 256 + data.draw(st.integers(0, most)))
    assert merges_from_ranks({token: index for index, token in vocab.items()}) == merges


def test_merges_from_ranks_takes_what_lower_ranks_leave():
    ranks = BYTES | {b"bc": 256, b"ab": 257, b"abc": 258}
    assert merges_from_ranks(ranks) == [(b"b", b"c"), (b"a", b"b"), (b"a", b"bc")]


@pytest.mark.parametrize("pattern", [GPT2_PATTERN, GPT4_PATTERN])
def test_from_ranks_equals_tiktoken_with_special_tokens_in_gaps_and_beyond(pattern):
    """As in p50k_base, whose ranks leave out the id of a special token, and cl100k_base."""
    trained = tokenizer(pattern, ())
    shifted = {t: i + (i >= 300) for t, i in trained.parts.ranks.items()}
    specials = {"<s>": 300, "<|end|>": 1000}
    encoding = tiktoken.Encoding(
        "x", pat_str=pattern, mergeable_ranks=shifted, special_tokens=specials
    )
    ours = BPETokenizer.from_ranks(shifted, specials, pattern=pattern)
    assert ours.special_tokens == specials
    for text in random_texts(1000, seed=4, specials=list(specials)):
        ids = ours.encode(text)
        assert ids == encoding.encode(text, allowed_special="all"), repr(text)
        assert ours.decode_bytes(ids) == encoding.decode_bytes(ids) == text.encode()


def test_read_ranks_reads_what_tiktoken_writes(tmp_path, monkeypatch, ours):
    blobfile = types.SimpleNamespace(BlobFile=open)  # what tiktoken writes local files with
    monkeypatch.setitem(sys.modules, "blobfile", blobfile)
    tiktoken.load.dump_tiktoken_bpe(ours.parts.ranks, str(tmp_path / "file"))
    assert read_ranks(tmp_path / "file") == ours.parts.ranks


def test_write_ranks_writes_what_tiktoken_reads(monkeypatch, ranks_file, ours):
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", "")
    sha256 = write_ranks(ours.parts.ranks, ranks_file)
    assert tiktoken.load.load_tiktoken_bpe(str(ranks_file), expected_hash=sha256) == ours._ranks
    assert read_ranks(ranks_file, sha256=sha256) == ours._ranks


def test_read_ranks_with_its_sum_refuses_a_file_cut_off_anywhere(ranks_file, ours):
    sha256, whole = write_ranks(ours.parts.ranks, ranks_file), ranks_file.read_bytes()
    for size in range(0, len(whole), 37):
        ranks_file.write_bytes(whole[:size])
        with pytest.raises(ValueError, match=f"small.tiktoken is damaged or cut off.* {sha256}"):
            read_ranks(ranks_file, sha256=sha256)


def test_read_ranks_refuses_a_file_cut_inside_a_line(ranks_file):
    """Without a sum, whole lines may be missing; half a line never passes for a rank of its own."""
    whole = ranks_file.read_bytes()
    for size in range(len(whole) - 60, len(whole) - 2):
        if b"\n" not in whole[size - 1 : size + 1]:
            ranks_file.write_bytes(whole[:size])
            with pytest.raises(ValueError, match="small.tiktoken, line"):
                read_ranks(ranks_file)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "small.tiktoken is empty"),
        (b"YQ== 0\nYg==\n", "line 2: must be a token in base64, .* not b'Yg=='"),
        (b"YQ== 0\n!!!! 1\n", "line 2: must be"),
        (b"YQ== 0\nYg== one\n", "line 2: must be"),
        (b"YQ== -1\n", "line 1: must be"),
        (b"YQ== 1_0\n", "line 1: must be"),
        (b'{"a": 1}\n', "line 1: must be"),
        (b"YQ== 0\nYQ== 1\n", "line 2: the token b'a' is empty or there a second time"),
        (b"YQ== 0\nYg== 0\n", "line 2: b'a' and b'b' both have rank 0"),
    ],
)
def test_read_ranks_refuses(ranks_file, content, message):
    ranks_file.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_ranks(ranks_file)


@pytest.mark.parametrize(
    ("ranks", "specials", "message"),
    [
        ({**BYTES, b"abc": 256}, (), r"b'abc' of rank 256 must be .* it falls into 3"),
        ({**BYTES, b"ab": 257}, (), "no token has the id 256, 1 are unused"),
        ({**BYTES, b"ab": 255}, (), "id 255 stands for two tokens, b'.xff' and b'ab'"),
        ({**BYTES, b"ab": 256}, {"<s>": 256}, "id 256 stands for two tokens, b'ab' and '<s>'"),
        ({b"a": 0, b"b": 1}, (), "all 256 single bytes must be there, b'.x00' is not"),
        (BYTES, ["<s>", "<s>"], "'<s>' is given twice"),
        (BYTES, [""], "must be a non-empty string"),
    ],
)
def test_from_ranks_refuses(ranks, specials, message):
    with pytest.raises(ValueError, match=message):
        BPETokenizer.from_ranks(ranks, specials)


def test_to_tiktoken_refuses_merges_that_it_would_read_differently():
    merges = [(b"b", b"c"), (b"a", b"b"), (b"ab", b"c")]
    vocab = {i: t for t, i in BYTES.items()} | {256: b"bc", 257: b"ab", 258: b"abc"}
    with pytest.raises(ValueError, match="say b'a' . b'bc' where the merges say b'ab' . b'c'"):
        BPETokenizer(vocab, merges).to_tiktoken()
    swapped = vocab | {256: b"ab", 257: b"bc"}
    with pytest.raises(ValueError, match="say b'a' . b'b' where the merges say b'b' . b'c'"):
        BPETokenizer(swapped, merges[:2] + [(b"a", b"bc")]).to_tiktoken()


def test_to_tiktoken_refuses_special_tokens_that_begin_alike():
    """tiktoken tries them in the order of a hash table: of six nested ones it finds the wrong."""
    nested = {"a" * n: 300 + n for n in range(1, 7)}
    theirs = tiktoken.Encoding(
        "x", pat_str=GPT2_PATTERN, mergeable_ranks=BYTES, special_tokens=nested
    )
    ours = BPETokenizer.from_ranks(BYTES, nested)
    assert ours.encode("aaaaaa") == [306], "the longest wins"
    assert theirs.encode("aaaaaa", allowed_special="all") != [306]
    with pytest.raises(ValueError, match="special token 'aa' begins with 'a'"):
        ours.to_tiktoken()


# GPT-2


def test_gpt2_files_have_the_layout_of_the_published_ones(gpt2_files, ours):
    vocab = json.loads(gpt2_files[0].read_text(encoding="utf-8"))
    lines = gpt2_files[1].read_text(encoding="utf-8").splitlines()
    assert lines[0] == "#version: 0.2"
    assert len(lines) == 1 + len(ours.merges)
    assert list(vocab.values()) == list(range(ours.vocab_size))
    assert vocab["Ġ"] == 32 and vocab[ENDOFTEXT] == ours.special_id(ENDOFTEXT)


def test_from_gpt2_files_gives_back_what_was_written(gpt2_files, ours):
    again = BPETokenizer.from_gpt2_files(*gpt2_files)
    assert again.parts == ours.parts
    assert again.vocab == ours.vocab


def test_gpt2_files_are_read_alike_by_hugging_face(gpt2_files, ours):
    theirs = ByteLevelBPETokenizer.from_file(*map(str, gpt2_files))
    for text in PLAIN:
        assert ours.encode_ordinary(text) == theirs.encode(text).ids, repr(text)


def test_from_gpt2_files_reads_the_full_size_with_bytes_in_another_order(tmp_path):
    parts, paths = gpt2_sized(), (tmp_path / "encoder.json", tmp_path / "vocab.bpe")
    write_gpt2_files(parts, *paths)
    ours = BPETokenizer.from_gpt2_files(*paths)
    assert ours.vocab_size == 50_257
    assert ours.special_tokens == {ENDOFTEXT: 50_256}
    assert ours.encode("!") == [0] and ours.encode(" ") == [220], "as in GPT-2 itself"
    encoding = tiktoken.Encoding(
        "gpt2", pat_str=GPT2_PATTERN, mergeable_ranks=parts.ranks, special_tokens={ENDOFTEXT: 50256}
    )
    theirs = ByteLevelBPETokenizer.from_file(*map(str, paths))
    for text in [
        *TEXTS,
        "tonino tato",
        "a banana",
        *random_texts(300, seed=6, specials=[ENDOFTEXT]),
    ]:
        ids = ours.encode(text)
        assert ids == encoding.encode(text, allowed_special="all"), repr(text)
        assert ours.encode_ordinary(text) == theirs.encode(text).ids, repr(text)
        assert ours.decode(ids) == text
    assert merges_from_ranks(parts.ranks) == parts.merges


def test_read_gpt2_files_takes_special_tokens_by_name(tmp_path):
    ours = tokenizer(GPT4_PATTERN, PLAIN_SPECIALS)
    paths = tmp_path / "vocab.json", tmp_path / "merges.txt"
    write_gpt2_files(ours.parts, *paths)
    again = read_gpt2_files(*paths, special_tokens=PLAIN_SPECIALS, pattern=GPT4_PATTERN)
    assert again == ours.parts


def test_read_gpt2_files_refuses_files_cut_off_anywhere(gpt2_files):
    for path in gpt2_files:
        whole = path.read_bytes()
        for size in range(0, len(whole) - 2, 97):
            path.write_bytes(whole[:size])
            with pytest.raises(ValueError, match=path.name):
                read_gpt2_files(*gpt2_files)
        path.write_bytes(whole)


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        (1, lambda t: t.replace("0.2", "0.3", 1), "must begin with '#version: 0.2', not .* 0.3'"),
        (1, lambda t: t.split("\n", 1)[1], "must begin with '#version: 0.2'"),
        (1, lambda t: t + "Ġ\n", "a merge must be two tokens, not .'Ġ'."),
        (1, lambda t: t + "Ġ 日\n", "'日' in '日' stands for no byte"),
        (1, lambda t: t + t.split("\n")[1] + "\n", "a second time"),
        (1, lambda t: t + "Ġ Ġq\n", "uses a token that no merge before it makes"),
        (1, lambda t: t + "Q Q\n", "makes b'QQ', which has no id"),
        (1, lambda t: t.rstrip("\n").rsplit("\n", 1)[0], "1 tokens, .* are merges missing"),
        (0, lambda t: t.replace('"!": 33', '"!": 34'), "id 34 stands for two tokens"),
        (0, lambda t: t.replace('"!": 33', '"!": 999'), "no token has the id 33, "),
        (0, lambda t: t.replace('"!": 33', '"!": -33'), "id -33 of b'!' is below 0"),
        (0, lambda t: t.replace('"!": 33', '"!": "33"'), "id of '!' must be a whole number"),
        (0, lambda t: t.replace('"!": 33', '"!": true'), "id of '!' must be a whole number"),
        (0, lambda t: t.replace('"!": 33', '"#": 33'), "encoder.json has the key '#' twice"),
        (0, lambda t: t.replace('"!": 33,', ""), "all 256 single bytes must be there, b'!' is not"),
        (0, lambda t: t.replace(ENDOFTEXT, "<eot>"), "special token '<.endoftext.>' has no id"),
        (0, lambda t: "[1, 2]", "encoder.json must hold a JSON object, not a list"),
    ],
)
def test_read_gpt2_files_refuses(gpt2_files, file, change, message):
    path = gpt2_files[file]
    text = path.read_text(encoding="utf-8")
    path.write_text(change(text), encoding="utf-8")
    with pytest.raises(ValueError, match=message) as error:
        read_gpt2_files(*gpt2_files)
    assert path.name in str(error.value)


def test_read_gpt2_files_refuses_merges_that_are_no_utf8(gpt2_files):
    gpt2_files[1].write_bytes(gpt2_files[1].read_bytes() + b"\xff a\n")
    with pytest.raises(ValueError, match="vocab.bpe is damaged, it is not UTF-8: .* 0xff"):
        read_gpt2_files(*gpt2_files)


def test_writers_refuse_a_special_token_written_like_another_token(tmp_path):
    parts = parts_from_ranks(BYTES | {b" t": 256}, ["Ġt"])
    with pytest.raises(ValueError, match="'Ġt' is written like another token"):
        write_gpt2_files(parts, tmp_path / "encoder.json", tmp_path / "vocab.bpe")
    assert list(tmp_path.iterdir()) == []
