"""Texts and tokenizers that several tokenizer tests share."""

import random
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache

from hypothesis import strategies as st

from common.tokenizer.encode import BPETokenizer
from common.tokenizer.patterns import GPT2_PATTERN
from common.tokenizer.train import train_bpe

# Two of these begin with another, which tiktoken cannot tell apart; the others are PLAIN_SPECIALS.
SPECIALS = ["<|endoftext|>", "<|user|>", "<|end|>", "<|end|><|user|>", "<s>", "<s> <s>"]
PLAIN_SPECIALS = ("<|endoftext|>", "<|user|>", "<|end|>", "<s>")
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
            rng.choice(fragments) if rng.random() < 0.8 else _character(rng)
            for _ in range(rng.randrange(12))
        )


# What generated_texts is made of: a kind is chosen first, then one of its makers' texts.
MARKS = [chr(c) for c in range(0x110000) if unicodedata.category(chr(c)) in ("Mn", "Mc", "Me")]
CONTROLS = [chr(c) for c in [*range(32), *range(127, 160), 0xAD, 0x200B, 0x200D, 0x2060, 0xFEFF]]
SPACES = " " * 6 + "\t\n\r\v\f\x1c\x85\xa0\u1680\u2003\u2028\u2029\u202f\u3000"
ZEROS = [ord(c) for c in "0000٠०০๐０𝟎𑄶𞥐"]
EMOJI = [
    "😀", "👍🏽", "👩‍👩‍👧‍👦", "🏳️‍🌈", "👩🏿‍🚀", "❤️‍🔥",
    "☕\ufe0f", "☕\ufe0e", "1️⃣", "#️⃣", "👩\u200d", "\ufe0f", "🏽",
    "🏴" + "".join(chr(0xE0000 + ord(c)) for c in "gbeng\x7f"),
]  # fmt: skip
WORDS = sorted({word for text in TEXTS for word in text.split(" ") if word}) + [" the", " and"]


def generated_texts(count: int, *, seed: int, specials: Sequence[str]) -> list[str]:
    """Short texts of what tokenizers get wrong, from every plane of Unicode; the same every time.

    Left out are unassigned characters of planes that have assigned ones: engines that know
    different versions of Unicode disagree on them (test_parity.py shows which).
    """
    rng = random.Random(seed)
    makers = [
        lambda: _character(rng),
        lambda: rng.choice("aeoAé가か") + "".join(rng.choices(MARKS, k=rng.randrange(1, 4))),
        lambda: rng.choice(EMOJI),
        lambda: "".join(chr(0x1F1E6 + rng.randrange(26)) for _ in range(rng.randrange(1, 5))),
        lambda: rng.choice(CONTROLS),
        lambda: rng.choice("''’") + rng.choice(["s", "S", "ſ", "t", "ll", "lL", "VE", "re", "x"]),
        lambda: _digits(rng),
        lambda: "".join(rng.choices(SPACES, k=rng.randrange(1, 6))),
        lambda: rng.choice(specials),
        lambda: _broken(rng.choice(specials), rng),
        lambda: rng.choice(WORDS),
        lambda: " " + rng.choice(WORDS),
    ]
    return [
        "".join(make() for make in rng.choices(makers, k=rng.randrange(10))) for _ in range(count)
    ]


def _character(rng: random.Random) -> str:
    """Any character that engines agree on, from any plane, from the first more often."""
    while True:
        plane = rng.choice([0, rng.randrange(17)])
        char = chr(plane << 16 | rng.randrange(rng.choice([0x100, 0x3000, 0x10000])))
        category = unicodedata.category(char)
        if category != "Cs" and (category != "Cn" or 4 <= plane <= 13):
            return char


def _digits(rng: random.Random) -> str:
    zero = rng.choice(ZEROS)
    return "".join(chr(zero + rng.randrange(10)) for _ in range(rng.randrange(1, 9)))


def _broken(token: str, rng: random.Random) -> str:
    """A special token that lacks its beginning or its end."""
    cut = rng.randrange(1, len(token))
    return rng.choice([token[:cut], token[cut:]])


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
def tokenizer(
    pattern: str = GPT2_PATTERN, specials: Sequence[str] = tuple(SPECIALS)
) -> BPETokenizer:
    vocab, merges = train_bpe(TEXTS, 414 + len(specials), specials, pattern=pattern)
    return BPETokenizer(vocab, merges, specials, pattern=pattern)
