"""Chapter 2's checks: solutions pass, stubs say so, and each typical mistake gets its own hint."""

import codecs
import re
from collections.abc import Callable
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from common.exercises import ch02_tokenizer as checks
from common.tokenizer import CHAT_SPECIAL_TOKENS
from tests.exercises.cells import assert_told, solution

CHAPTER = "ch02_tokenizer"


def split_utf8(code: int, size: int, *, mark: int = 0x80) -> bytes:
    lead = {1: 0, 2: 0xC0, 3: 0xE0, 4: 0xF0}[size] | code >> 6 * (size - 1)
    return bytes([lead, *(mark | code >> 6 * i & 0x3F for i in reversed(range(size - 1)))])


def size_of(code: int, *, off_by: int = 0) -> int:
    return 1 + sum(code >= limit + off_by for limit in (0x80, 0x800, 0x10000))


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (lambda code: split_utf8(code, size_of(code), mark=0), "start with the bits 10"),
        (
            lambda code: bytes([code >> 6 * (size_of(code) - 1)]) + chr(code).encode()[1:],
            "The first of several bytes says how many there are",
        ),
        (lambda code: chr(code).encode()[::-1], "The bits that weigh most come first"),
        (lambda code: split_utf8(code, size_of(code, off_by=1)), "is the comparison < or <=?"),
        (lambda code: split_utf8(code, size_of(code, off_by=-1)), "is the comparison < or <=?"),
        (lambda code: bytes([code]) if code < 256 else b"", "bytes of the number itself"),
        (lambda code: list(chr(code).encode()), "make them bytes with bytes([...])"),
        (
            lambda code: chr(code).encode("utf-8", "surrogatepass"),
            "Surrogates, 0xD800 to 0xDFFF",
        ),
    ],
)
def test_utf8_bytes_knows_the_mistake(wrong: Callable, hint: str) -> None:
    assert_told(checks.utf8_bytes, wrong, hint)


def merge_and_drop_the_last(ids, pair, new_id):
    merged, place = [], 0
    while place < len(ids) - 1:
        found = (ids[place], ids[place + 1]) == pair
        merged.append(new_id if found else ids[place])
        place += 2 if found else 1
    return merged


def merge_only_once(ids, pair, new_id):
    for place, two in enumerate(pairwise(ids)):
        if two == pair:
            return ids[:place] + [new_id] + ids[place + 2 :]
    return ids


def merge_in_place(ids, pair, new_id):
    for place in range(len(ids) - 1):
        if tuple(ids[place : place + 2]) == pair:
            ids[place : place + 2] = [new_id]
    return ids


def merge_overlapping(ids, pair, new_id):
    found = {place for place, two in enumerate(pairwise(ids)) if two == pair}
    kept = [place for place in range(len(ids)) if place in found or place - 1 not in found]
    return [new_id if place in found else ids[place] for place in kept]


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (merge_overlapping, "An id is used in two pairs that overlap"),
        (merge_only_once, "Only the first occurrence is merged"),
        (merge_in_place, "has changed the list it was given"),
        (merge_and_drop_the_last, "The last id is missing"),
        (
            lambda ids, pair, new: merge_rightmost(ids, pair, new),
            "go from left to right",
        ),
        (
            lambda ids, pair, new: [
                new if tuple(ids[i : i + 2]) == pair else x for i, x in enumerate(ids)
            ],
            "The second half of the pair is still there",
        ),
    ],
)
def test_merge_pair_knows_the_mistake(wrong: Callable, hint: str) -> None:
    assert_told(checks.merge_pair, wrong, hint)


def merge_rightmost(ids, pair, new_id):
    back = solution(CHAPTER, "merge_pair")(ids[::-1], pair[::-1], new_id)
    return back[::-1]


def encode_leftmost(word, ranks):
    tokens, place = [word[i : i + 1] for i in range(len(word))], 0
    while place < len(tokens) - 1:
        if (tokens[place], tokens[place + 1]) in ranks:
            tokens[place : place + 2] = [tokens[place] + tokens[place + 1]]
            place = -1
        place += 1
    return tokens


def encode_longest(word, ranks):
    known, tokens = {left + right for left, right in ranks}, []
    while word:
        size = max(n for n in range(1, len(word) + 1) if n == 1 or word[:n] in known)
        tokens.append(word[:size])
        word = word[size:]
    return tokens


def encode_one_merge(word, ranks):
    tokens = [word[i : i + 1] for i in range(len(word))]
    pairs = [pair for pair in pairwise(tokens) if pair in ranks]
    if pairs:
        place = list(pairwise(tokens)).index(min(pairs, key=ranks.get))
        tokens[place : place + 2] = [tokens[place] + tokens[place + 1]]
    return tokens


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (encode_leftmost, "You merge the leftmost pair that has a rank"),
        (encode_longest, "That takes the longest token that fits"),
        (encode_one_merge, "You stop after one merge"),
        (
            lambda word, ranks: solution(CHAPTER, "encode_word")(
                word, {pair: -rank for pair, rank in ranks.items()}
            ),
            "Rank 0 was learned first",
        ),
        (lambda word, ranks: list(word), "Indexing bytes gives numbers"),
        (lambda word, ranks: [word[i : i + 1] for i in range(len(word))], "Nothing is merged"),
    ],
)
def test_encode_word_knows_the_mistake(wrong: Callable, hint: str) -> None:
    assert_told(checks.encode_word, wrong, hint)


def split_with(specials, text, *, escape=re.escape, brackets=True, empty=False):
    pattern = "|".join(map(escape, specials))
    parts = re.split(f"({pattern})" if brackets else pattern, text)
    return [part for part in parts if part or empty]


def longest_first(specials):
    return sorted(specials, key=len, reverse=True)


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (lambda text, specials: split_with(specials, text), "the longest wins"),
        (
            lambda text, specials: split_with(longest_first(specials), text, escape=str),
            "use re.escape on each special token",
        ),
        (
            lambda text, specials: split_with(longest_first(specials), text, brackets=False),
            "re.split keeps what stands in round brackets",
        ),
        (
            lambda text, specials: split_with(longest_first(specials), text, empty=True),
            "Leave empty parts out",
        ),
        (
            lambda text, specials: split_with(longest_first(specials), text),
            "an empty pattern fits between any two characters",
        ),
        (
            lambda text, specials: solution(CHAPTER, "split_at_specials")(text, specials) or [""],
            "an empty text has none at all",
        ),
    ],
)
def test_split_at_specials_knows_the_mistake(wrong: Callable, hint: str) -> None:
    assert_told(checks.split_at_specials, wrong, hint)


def rendered(messages, prepare=str) -> str:
    return "".join(f"<|{r}|>{prepare(text)}<|end|>" for r, text in messages) + "<|assistant|>"


def strip_specials(text: str) -> str:
    for name in CHAT_SPECIAL_TOKENS:
        text = text.replace(name, "")
    return text


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (
            lambda tokenizer, messages: tokenizer.encode(rendered(messages)),
            "Control tokens that the user typed have become control tokens",
        ),
        (
            lambda tokenizer, messages: tokenizer.encode(rendered(messages), allowed_special=()),
            "Now nothing is a control token",
        ),
        (
            lambda tokenizer, messages: tokenizer.encode(rendered(messages, strip_specials)),
            "Part of the user's text is gone",
        ),
        (
            lambda tokenizer, messages: solution(CHAPTER, "chat_prompt")(tokenizer, messages)[:-1],
            "it is the model's turn",
        ),
    ],
)
def test_chat_prompt_knows_the_mistake(wrong: Callable, hint: str) -> None:
    assert_told(checks.chat_prompt, wrong, hint)


def test_chat_prompt_sees_a_token_forged_out_of_what_a_filter_left() -> None:
    def filter_where_it_helps(tokenizer, messages):
        if "<|e<|" in messages[0][1]:
            return tokenizer.encode(rendered(messages, strip_specials))
        return solution(CHAPTER, "chat_prompt")(tokenizer, messages)

    assert_told(checks.chat_prompt, filter_where_it_helps, "what was left closed up to a new one")


def decode_when_valid(tokens):
    shown, held = [], b""
    for token in tokens:
        held += token
        try:
            shown.append(held.decode())
            held = b""
        except UnicodeDecodeError:
            shown.append("")
    return [*shown, held.decode(errors="replace")]


def decode_by_codec(tokens, *, last=True):
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    return [decoder.decode(token) for token in tokens] + [decoder.decode(b"", last) if last else ""]


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (
            lambda tokens: [token.decode(errors="replace") for token in tokens] + [""],
            "Half a character became U+FFFD",
        ),
        (
            lambda tokens: [token.decode(errors="ignore") for token in tokens] + [""],
            "Half characters are thrown away",
        ),
        (
            lambda tokens: [""] * len(tokens) + [b"".join(tokens).decode(errors="replace")],
            "Nothing is shown before the end",
        ),
        (decode_when_valid, "You keep the whole buffer while its end is incomplete"),
        (lambda tokens: decode_by_codec(tokens, last=False), "Half a character is left at the end"),
        (lambda tokens: decode_by_codec(tokens)[:-1], "One string is missing at the end"),
        (lambda tokens: (text for text in decode_by_codec(tokens)), "returns a generator"),
    ],
)
def test_stream_decode_knows_the_mistake(wrong: Callable, hint: str) -> None:
    assert_told(checks.stream_decode, wrong, hint)


def test_stream_decode_accepts_the_standard_librarys_decoder() -> None:
    assert checks.stream_decode(decode_by_codec) is None


@given(st.lists(st.binary(max_size=6)))
def test_stream_decode_solution_loses_and_invents_nothing(tokens: list[bytes]) -> None:
    shown = solution(CHAPTER, "stream_decode")(tokens)
    assert len(shown) == len(tokens) + 1
    assert "".join(shown) == b"".join(tokens).decode(errors="replace")


@given(st.text(), st.lists(st.integers(1, 5)))
def test_stream_decode_solution_waits_no_longer_than_it_must(text: str, sizes: list[int]) -> None:
    tokens, rest = [], text.encode()
    for size in sizes:
        tokens.append(rest[:size])
        rest = rest[size:]
    assert solution(CHAPTER, "stream_decode")(tokens) == decode_by_codec(tokens)


@given(st.integers(0, 0x10FFFF))
def test_utf8_bytes_solution_is_pythons(code: int) -> None:
    if 0xD800 <= code <= 0xDFFF:
        with pytest.raises(ValueError, match="is no character"):
            solution(CHAPTER, "utf8_bytes")(code)
    else:
        assert solution(CHAPTER, "utf8_bytes")(code) == chr(code).encode()


def scattered(ids, grad, vocab_size, *, add: bool):
    table = torch.zeros(vocab_size, grad.shape[-1])
    table[ids] = table[ids] + grad if add else grad
    return table


def mean_of_rows(ids, grad, vocab_size):
    counts = ids.flatten().bincount(minlength=vocab_size).clamp(min=1)
    return solution(CHAPTER, "embedding_backward")(ids, grad, vocab_size) / counts[:, None]


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (lambda ids, grad, size: scattered(ids, grad, size, add=True), "use index_add_, a loop"),
        (lambda ids, grad, size: scattered(ids, grad, size, add=False), "write one of them only"),
        (mean_of_rows, "You take the mean"),
        (lambda ids, grad, size: grad, "a row for each id that was looked up"),
    ],
)
def test_embedding_backward_knows_the_mistake(wrong: Callable, hint: str) -> None:
    assert_told(checks.embedding_backward, wrong, hint)


def test_embedding_backward_accepts_a_product_with_one_hot_rows() -> None:
    def product(ids, grad, vocab_size):
        one_hot = torch.nn.functional.one_hot(ids.flatten(), vocab_size).to(grad.dtype)
        return one_hot.T @ grad.flatten(0, -2)

    assert checks.embedding_backward(product) is None
