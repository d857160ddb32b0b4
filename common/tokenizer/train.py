"""Learn a byte-level BPE vocabulary: count neighbouring tokens, merge the commonest pair, repeat.

Sennrich, Haddow and Birch (2016), "Neural Machine Translation of Rare Words with Subword Units",
arXiv:1508.07909; on bytes as in Radford et al. (2019). Two ideas make it fast. Every distinct piece
is kept once with its count. And a merge changes only the pairs beside it, so counts are updated,
never recounted, and a heap yields the commonest; its stale entries are corrected as they surface.

A piece is held as a string in which chr(id) is the token id: bytes are its first 256 characters,
a pair is two of them, and merging a pair is `str.split` and `str.join`, which run in C.

No two merges can make the same token: a token's span is merged as it would be alone, since nothing
ever crossed its two ends, and alone it has one derivation.

Taught in ch02_tokenizer/02_learn_bpe.ipynb.
Needs: patterns.py, special.py.
"""

import codecs
import os
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from heapq import heapify, heappop, heappush, heapreplace
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path

from .patterns import GPT2_PATTERN, Splitter
from .special import SpecialTokens, stream_segments

_BLOCK_CHARS = 1 << 18  # text is split this much at a time, which bounds memory
_TASK_CHARS = 1 << 22  # what a worker gets at a time
_INVERT = bytes(range(255, -1, -1))


def train_bpe(
    input_path_or_texts: str | os.PathLike[str] | Iterable[str],
    vocab_size: int,
    special_tokens: Sequence[str] = (),
    *,
    pattern: str = GPT2_PATTERN,
    num_workers: int = 1,
) -> tuple[dict[int, bytes], list[tuple[bytes, bytes]]]:
    """Learn (vocab, merges): ids 0-255 are the bytes, then the merges in order, then the specials.

    input_path_or_texts: a UTF-8 file (read in blocks, so it may exceed memory) or texts; no merge
    crosses from one text into the next, nor into a special token found in them.
    vocab_size: at least 256 + len(special_tokens). num_workers: processes that split and count;
    more than one needs an importable main module (`if __name__ == "__main__":` in scripts).
    Equal counts go to the lexicographically greatest pair of byte strings.

    Raises ValueError for a vocabulary that is too small, an empty or duplicate special token,
    invalid UTF-8 (with its byte offset), no text, and fewer possible merges than asked for.
    Cost: splitting, about 10 MB/s a worker, dominates; memory grows with the distinct pieces.

    >>> vocab, merges = train_bpe(["low low lower<|end|>"], 260, ["<|end|>"])
    >>> merges
    [(b'o', b'w'), (b'l', b'ow'), (b' ', b'low')]
    >>> vocab[258], vocab[259]
    (b' low', b'<|end|>')
    """
    specials = SpecialTokens(special_tokens)
    num_merges = vocab_size - 256 - len(specials.tokens)
    if num_merges < 0:
        raise ValueError(
            f"vocab_size {vocab_size} must be at least {256 + len(specials.tokens)}: 256 bytes and "
            f"{len(specials.tokens)} special tokens"
        )
    if num_workers < 1:
        raise ValueError(f"num_workers {num_workers} must be at least 1")
    if isinstance(input_path_or_texts, (str, os.PathLike)):
        texts = [_read_blocks(Path(input_path_or_texts))]
    else:
        texts = ([text] for text in input_path_or_texts)
    segments = (
        segment
        for text in texts
        for segment, is_special in stream_segments(_small(text), Splitter(pattern), specials)
        if not is_special
    )
    counts = _count_pieces(segments, pattern, num_workers)
    if not counts:
        raise ValueError("there is no text to learn from: the corpus is empty")
    merges = _learn_merges(counts, num_merges)
    tokens = [bytes([b]) for b in range(256)]
    tokens += [left + right for left, right in merges]
    tokens += [token.encode() for token in specials.tokens]
    return dict(enumerate(tokens)), merges


def _read_blocks(path: Path) -> Iterator[str]:
    """The text of a UTF-8 file in blocks; line ends stay as they are."""
    decoder, offset = codecs.getincrementaldecoder("utf-8")(), 0
    with open(path, "rb") as file:
        while True:
            block = file.read(_BLOCK_CHARS)
            pending = len(decoder.getstate()[0])
            try:
                yield decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                at = offset - pending + error.start
                raise ValueError(f"{path} is not UTF-8: invalid byte at offset {at}") from error
            if not block:
                return
            offset += len(block)


def _small(chunks: Iterable[str]) -> Iterator[str]:
    """The same text in chunks of at most _BLOCK_CHARS."""
    for chunk in chunks:
        for start in range(0, len(chunk), _BLOCK_CHARS):
            yield chunk[start : start + _BLOCK_CHARS]


def _count_pieces(segments: Iterable[str], pattern: str, num_workers: int) -> Counter[str]:
    """How often each piece occurs; the segments are shared among worker processes."""
    if num_workers == 1:
        return _count_task(segments, pattern)
    counts: Counter[str] = Counter()
    running = deque()
    with ProcessPoolExecutor(num_workers, mp_context=get_context("spawn")) as pool:
        for task in _tasks(segments):
            running.append(pool.submit(_count_task, task, pattern))
            if len(running) > 2 * num_workers:  # reading no further ahead bounds memory
                counts.update(running.popleft().result())
        for future in running:
            counts.update(future.result())
    return counts


def _tasks(segments: Iterable[str]) -> Iterator[list[str]]:
    """Segments in lists of about _TASK_CHARS characters."""
    task, size = [], 0
    for segment in segments:
        task.append(segment)
        size += len(segment)
        if size >= _TASK_CHARS:
            yield task
            task, size = [], 0
    yield task


def _count_task(segments: Iterable[str], pattern: str) -> Counter[str]:
    splitter, counts = Splitter(pattern), Counter()
    for segment in segments:
        counts.update(splitter.pieces(segment))
    return counts


def _learn_merges(piece_counts: dict[str, int], num_merges: int) -> list[tuple[bytes, bytes]]:
    """The merges in the order they are made."""
    tokens = [bytes([b]) for b in range(256)]
    order = [_reverse_order(token) for token in tokens]
    words = [piece.encode("utf-8").decode("latin-1") for piece in piece_counts]
    frequency = list(piece_counts.values())
    counts: defaultdict[str, int] = defaultdict(int)
    places: defaultdict[str, list[int]] = defaultdict(list)  # pair -> words that may hold it
    for index, word in enumerate(words):
        for left, right in pairwise(word):
            counts[left + right] += frequency[index]
            places[left + right].append(index)

    def entry(pair: str) -> tuple[int, str, str]:
        return -counts[pair], order[ord(pair[0])] + order[ord(pair[1])], pair

    heap = [entry(pair) for pair in counts]
    heapify(heap)
    merges = []
    while len(merges) < num_merges:
        while heap and -heap[0][0] != counts[heap[0][2]]:  # its count has fallen since
            pair = heap[0][2]
            heapreplace(heap, entry(pair)) if counts[pair] else heappop(heap)
        if not heap:
            raise ValueError(
                f"the corpus has only {len(merges)} pairs to merge, {num_merges} were asked for: "
                f"give more text or lower vocab_size by {num_merges - len(merges)}"
            )
        pair = heappop(heap)[2]
        left, right = tokens[ord(pair[0])], tokens[ord(pair[1])]
        merges.append((left, right))
        tokens.append(left + right)
        order.append(_reverse_order(left + right))
        for made in _merge_everywhere(pair, chr(len(tokens) - 1), words, frequency, counts, places):
            heappush(heap, entry(made))
    return merges


def _reverse_order(token: bytes) -> str:
    """A key that sorts byte strings from the greatest to the least, also inside a longer key."""
    return token.translate(_INVERT).decode("latin-1") + "\u0100"


def _merge_everywhere(
    pair: str,
    merged: str,
    words: list[str],
    frequency: list[int],
    counts: dict[str, int],
    places: dict[str, list[int]],
) -> list[str]:
    """Replace `pair` by `merged` in every word and correct counts and places; the new pairs."""
    first, second = pair
    before: defaultdict[str, list[int]] = defaultdict(list)  # neighbour -> words where it stands
    after: defaultdict[str, list[int]] = defaultdict(list)
    twice: list[int] = []  # words where the pair follows itself
    for index in places.pop(pair):
        parts = words[index].split(pair)  # one occurrence of the pair between each two parts
        words[index] = merged.join(parts)
        for left, right in pairwise(parts):
            before[left[-1:]].append(index)
            after[right[:1]].append(index)
        twice += [index] * parts[1:-1].count("")
    changes = [(char + first, char + merged, where) for char, where in before.items() if char]
    changes += [(second + char, merged + char, where) for char, where in after.items() if char]
    changes += [(second + first, merged + merged, twice)] if twice else []
    for old, new, where in changes:
        count = sum([frequency[index] for index in where])
        counts[old] -= count
        counts[new] += count
        places[new] += where
    return [new for _, new, _ in changes]
