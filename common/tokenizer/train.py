"""Train a byte-level BPE tokenizer: count the pieces of a text, then learn merges from the counts.

Taught in ch02_tokenizer/02_learn_bpe.ipynb.
Needs: count.py, learn.py, patterns.py.
"""

import os
from collections.abc import Iterable, Sequence

from .count import count_pieces
from .patterns import GPT2_PATTERN


def train_bpe(
    input_path_or_texts: str | os.PathLike[str] | Iterable[str],
    vocab_size: int,
    special_tokens: Sequence[str] = (),
    *,
    pattern: str = GPT2_PATTERN,
    num_workers: int = 1,
    progress: bool = False,
) -> tuple[dict[int, bytes], list[tuple[bytes, bytes]]]:
    """Learn (vocab, merges): ids 0-255 are the bytes, then the merges in order, then the specials.

    input_path_or_texts: a UTF-8 file (it may exceed memory) or texts (maybe a generator); no merge
    crosses from one text into the next, nor into a special token found in them.
    vocab_size: at least 256 + len(special_tokens). num_workers: processes that split and count;
    more than one needs an importable main module (`if __name__ == "__main__":` in scripts).
    progress: bars on standard error, first bytes or characters counted, then merges.
    Equal counts go to the lexicographically greatest pair of byte strings.

    Raises ValueError for a vocabulary that is too small, an empty or duplicate special token,
    invalid UTF-8 (with its byte offset), no text, and fewer possible merges than asked for.
    Cost: counting, about 10 MB/s a worker, then less than a tenth of a millisecond a merge. Memory
    grows with the distinct pieces.

    >>> vocab, merges = train_bpe(["low low lower<|end|>"], 260, ["<|end|>"])
    >>> merges
    [(b'o', b'w'), (b'l', b'ow'), (b' ', b'low')]
    >>> vocab[258], vocab[259]
    (b' low', b'<|end|>')
    """
    from .learn import learn_merges  # here, since worker processes import this module, not NumPy

    num_merges = vocab_size - 256 - len(special_tokens)
    if num_merges < 0:
        raise ValueError(
            f"vocab_size {vocab_size} must be at least {256 + len(special_tokens)}: 256 bytes and "
            f"{len(special_tokens)} special tokens"
        )
    counts = count_pieces(
        input_path_or_texts,
        special_tokens,
        pattern=pattern,
        num_workers=num_workers,
        progress=progress,
    )
    if not counts:
        raise ValueError("there is no text to learn from: the corpus is empty")
    merges = learn_merges(counts, num_merges, progress=progress)
    tokens = [bytes([byte]) for byte in range(256)]
    tokens += [left + right for left, right in merges]
    tokens += [token.encode() for token in special_tokens]
    return dict(enumerate(tokens)), merges
