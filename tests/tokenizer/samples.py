"""Texts and tokenizers that several tokenizer tests share."""

import random
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache

from hypothesis import strategies as st

from common.tokenizer.encode import BPETokenizer
from common.tokenizer.patterns import GPT2_PATTERN
from common.tokenizer.train import train_bpe

SPECIALS = ["<|endoftext|>", "<|user|>", "<|end|>", "<|end|><|user|>", "<s>", "<s> <s>"]
TEXTS = [
    "The cat sat on the mat, didn't it? It'll sit there till 10:30, I'd say; we're all in.\n",
    "def main():\n    return [x ** 2 for x in range(1000)]\n\n\n\tif True:\r\n        pass  \n",
    "Größe, naïve café, Ελληνικά, русский, 日本語のテキスト, 한국어, עברית, हिन्दी 👩‍👩‍👧 🇫🇷 ☕️\n",
    "aaaaaaaaaaaaaaa abababababab     spaces\u00a0and\u2003wide ones \x1c\x00\x7f 12345678 ½ ²³\n",
] * 3


# Unassigned characters are left out: regex engines know different versions of Unicode.
CHARACTERS = st.characters(exclude_categories=("Cn", "Cs"))
FRAGMENTS = [
    "'ll", "'", "'Re", "don't", " ", "   ", "\n", "\r\n", " \n ", "\t", "the", " the", "1234",
    "\u00a0", "!", "...", "é", "e\u0301", "日本", "👩‍👩‍👧", "🇫🇷", "☕\ufe0f", "\x00", "\x1c",
    "\x85", "ſ", "İ", "\ufeff", "ß", "½", "٣٤٥", "हि", "\u2028",
    "\U000e0001", "<|", "|>", "<|end", "end|>",
]  # fmt: skip


def random_texts(count: int, *, seed: int, specials: Sequence[str] = ()) -> Iterator[str]:
    """Texts of fragments and of assigned characters from every plane, faster than hypothesis."""
    rng = random.Random(seed)
    fragments = [*FRAGMENTS, *specials]
    for _ in range(count):
        yield "".join(
            rng.choice(fragments) if rng.random() < 0.8 else _random_character(rng)
            for _ in range(rng.randrange(12))
        )


def _random_character(rng: random.Random) -> str:
    while True:
        char = chr(rng.randrange(rng.choice([0x100, 0x3000, 0x10000, 0x110000])))
        if unicodedata.category(char) not in ("Cn", "Cs"):
            return char


def texts(specials: list[str] | None = None) -> st.SearchStrategy[str]:
    """Texts of fragments where boundaries are likely to be got wrong, and of any characters."""
    parts = [
        st.sampled_from(FRAGMENTS),
        st.text(CHARACTERS, max_size=4),
        st.text("ab c'\n1", max_size=6),
    ]
    if specials:
        parts.append(st.sampled_from(specials))
    return st.lists(st.one_of(parts), max_size=12).map("".join)


@st.composite
def chunked(draw: st.DrawFn, specials: list[str] | None = None) -> list[str]:
    """A text cut at random places."""
    text = draw(texts(specials))
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=8)))
    return [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]


@cache
def tokenizer(pattern: str = GPT2_PATTERN) -> BPETokenizer:
    vocab, merges = train_bpe(TEXTS, 420, SPECIALS, pattern=pattern)
    return BPETokenizer(vocab, merges, SPECIALS, pattern=pattern)
