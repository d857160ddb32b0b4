"""The same ids as tiktoken and Hugging Face, on 100,000 texts made of what tokenizers get wrong.

The three use three regex engines, and each engine brings the Unicode tables of its own release. As
of regex 2026.11, tiktoken 0.14 and tokenizers 0.23 the last two know Unicode 16 and the first knows
letters added since. A character that is newer than an engine is "no letter" to it, so it is cut off
from its neighbours there. None of them is wrong, but ids depend on it: what matters for a model is
the table that its training data was cut with. All agree on every character that is assigned in
Unicode 16, which the last test checks one by one.
"""

import unicodedata

import pytest
import regex
import tiktoken
from tokenizers import Regex, normalizers

from common.tokenizer.encode import BPETokenizer
from common.tokenizer.patterns import GPT2_PATTERN, GPT4_PATTERN
from common.tokenizer.train import train_bpe
from tests.tokenizer.samples import PLAIN_SPECIALS, TEXTS, generated_texts

COUNT = 100_000
KINDS = {
    "combining mark": r"\p{L}\p{M}",
    "emoji sequence": "\u200d|\ufe0f",
    "flag": r"[\U0001f1e6-\U0001f1ff]{2}",
    "control character": r"\p{Cc}",
    "contraction": "(?i:'(?:ll|re|ve|[sdmt]))",
    "digit run": r"\p{Nd}{4}",
    "white space run": r"\s{3}",
    "special token": regex.escape("<|end|>"),
}


@pytest.fixture(scope="module")
def texts() -> list[str]:
    return generated_texts(COUNT, seed=20, specials=PLAIN_SPECIALS)


@pytest.fixture(scope="module", params=[GPT2_PATTERN, GPT4_PATTERN], ids=["GPT-2", "GPT-4"])
def ours(request, texts) -> BPETokenizer:
    """Trained on such texts too, so that odd bytes have merges."""
    learned_from = TEXTS * 20 + texts[:4000]
    vocab, merges = train_bpe(learned_from, 2000, PLAIN_SPECIALS, pattern=request.param)
    return BPETokenizer(vocab, merges, PLAIN_SPECIALS, pattern=request.param)


@pytest.fixture(scope="module")
def ids(ours, texts) -> list[list[int]]:
    return ours.encode_batch(texts)


def assert_equal(ours: list, theirs: list, texts: list[str], who: str) -> None:
    assert len(ours) == len(theirs) == COUNT
    wrong = [i for i in range(COUNT) if ours[i] != theirs[i]]
    if wrong:
        i = min(wrong, key=lambda i: len(texts[i]))
        pytest.fail(f"{len(wrong)} are not {who}; {texts[i]!r}: {ours[i]}, not {theirs[i]}")


def test_generated_texts_hold_every_plane_and_kind(texts):
    assert {ord(char) >> 16 for text in texts for char in text} == set(range(17))
    for kind, pattern in KINDS.items():
        find = regex.compile(pattern).search
        assert sum(find(text) is not None for text in texts) > 5000, kind
    assert texts[:50] == generated_texts(50, seed=20, specials=PLAIN_SPECIALS)


def test_encode_gives_the_ids_of_tiktoken_and_hugging_face(ours, texts, ids):
    openai, hugging_face = ours.to_tiktoken(), ours.to_huggingface()
    theirs = [openai.encode(text, allowed_special="all") for text in texts]
    assert_equal(ids, theirs, texts, "tiktoken's ids")
    theirs = [encoding.ids for encoding in hugging_face.encode_batch_fast(texts)]
    assert_equal(ids, theirs, texts, "Hugging Face's ids")


def test_decode_gives_the_bytes_of_tiktoken_and_hugging_face(ours, texts, ids):
    openai, hugging_face = ours.to_tiktoken(), ours.to_huggingface()
    data = [text.encode() for text in texts]
    assert_equal([ours.decode_bytes(i) for i in ids], data, texts, "the text's bytes")
    assert_equal([openai.decode_bytes(i) for i in ids], data, texts, "tiktoken's bytes")
    decoded = hugging_face.decode_batch(ids, skip_special_tokens=False)
    assert_equal(decoded, texts, texts, "Hugging Face's text")


def test_encode_of_typed_text_gives_the_ids_of_tiktoken(ours, texts):
    """Special tokens as text, which Hugging Face's `encode` knows only for tokens it lacks."""
    ids = ours.encode_batch(texts, allowed_special=())
    openai = ours.to_tiktoken()
    assert_equal(ids, [openai.encode_ordinary(text) for text in texts], texts, "tiktoken's ids")
    assert not set(ours.special_tokens.values()) & {i for text_ids in ids for i in text_ids}


@pytest.mark.parametrize("char_class", [r"\p{L}", r"\p{N}", r"\s"])
def test_engines_agree_on_every_assigned_character(char_class):
    every = "".join(map(chr, [*range(0xD800), *range(0xE000, 0x40000), *range(0xE0000, 0xF0000)]))
    ranks = {bytes([byte]): byte for byte in range(256)}
    engine = tiktoken.Encoding("x", pat_str=char_class, mergeable_ranks=ranks, special_tokens={})
    in_tiktoken = set(engine.decode(engine.encode_ordinary(every)))
    rest = normalizers.Replace(Regex(char_class), "").normalize_str(every)
    assert in_tiktoken == set(every) - set(rest), "the two peers have the same tables"
    for char in set(regex.findall(char_class, every)) ^ in_tiktoken:
        assert unicodedata.category(char) == "Cn", f"U+{ord(char):04X} is not that new"
