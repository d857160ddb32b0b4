"""Slow twins of the trainer and the encoder, short enough to be checked by eye."""

from collections import Counter

import regex


def split_slow(text: str, special_tokens: list[str]) -> list[tuple[str, bool]]:
    """(text, is_special) parts, scanning character by character; the longest special token wins."""
    parts: list[tuple[str, bool]] = []
    ordinary, at = "", 0
    while at < len(text):
        here = [token for token in special_tokens if text.startswith(token, at)]
        if here:
            token = max(here, key=len)
            parts += [(ordinary, False), (token, True)]
            ordinary, at = "", at + len(token)
        else:
            ordinary, at = ordinary + text[at], at + 1
    return [part for part in [*parts, (ordinary, False)] if part[0]]


def merge_slow(tokens: list[bytes], pair: tuple[bytes, bytes]) -> list[bytes]:
    merged, at = [], 0
    while at < len(tokens):
        if tuple(tokens[at : at + 2]) == pair:
            merged.append(tokens[at] + tokens[at + 1])
            at += 2
        else:
            merged.append(tokens[at])
            at += 1
    return merged


def count_slow(texts: list[str], special_tokens: list[str], pattern: str) -> Counter[str]:
    """How often each piece occurs."""
    return Counter(
        piece
        for text in texts
        for part, is_special in split_slow(text, special_tokens)
        if not is_special
        for piece in regex.findall(pattern, part)
    )


def train_slow(
    texts: list[str], num_merges: int, special_tokens: list[str], pattern: str
) -> list[tuple[bytes, bytes]]:
    """Count every pair anew for every merge."""
    words = [
        [bytes([b]) for b in piece.encode()]
        for text in texts
        for part, is_special in split_slow(text, special_tokens)
        if not is_special
        for piece in regex.findall(pattern, part)
    ]
    merges = []
    for _ in range(num_merges):
        counts = Counter(pair for word in words for pair in zip(word, word[1:], strict=False))
        if not counts:
            break
        pair = max(counts, key=lambda pair: (counts[pair], pair))
        merges.append(pair)
        words = [merge_slow(word, pair) for word in words]
    return merges


def encode_slow(
    text: str,
    vocab: dict[int, bytes],
    merges: list[tuple[bytes, bytes]],
    special_tokens: list[str],
    pattern: str,
) -> list[int]:
    """Apply every merge in order to every piece."""
    ids = {token: index for index, token in vocab.items()}
    out = []
    for part, is_special in split_slow(text, special_tokens):
        if is_special:
            out.append(ids[part.encode()])
            continue
        for piece in regex.findall(pattern, part):
            tokens = [bytes([b]) for b in piece.encode()]
            for pair in merges:
                tokens = merge_slow(tokens, pair)
            out += [ids[token] for token in tokens]
    return out
