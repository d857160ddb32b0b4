"""Encode many documents, or one that is larger than memory, to arrays of ids in several processes.

One process reads and cuts the text where a cut changes nothing (`stream_segments`), the others
encode, and the arrays come back in the order of the text. So the ids do not depend on the number of
processes, and no more than a few million characters are in memory at a time.

Taught in ch02_tokenizer/04_ids_to_vectors.ipynb.
Needs: encode.py, patterns.py, special.py.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np

from .encode import BPETokenizer
from .patterns import Splitter
from .special import SpecialTokens, stream_segments

_BLOCK_CHARS = 1 << 18  # longer texts are cut; shorter chunks are joined
_TASK_CHARS = 1 << 20  # what a worker gets at a time: enough to forget what handing it over costs

_Segments = list[str | None]  # ordinary text, and None for the end of a document
_Task = tuple[int, int, _Segments]  # document and character at which the segments begin


def encode_documents(
    documents: Iterable[str | Iterable[str]],
    tokenizer: BPETokenizer,
    *,
    separator: str = "<|endoftext|>",
    dtype: str = "uint32",
    allow_separator: bool = False,
    num_workers: int = 1,
) -> Iterator[np.ndarray]:
    """Yield the ids of `documents` in order, each ended by `separator`, in arrays of any length.

    documents: each a text, or an iterable of its chunks, cut anywhere (see `read_text`).
    allow_separator: whether a separator in the text ends a document, as in files that hold many; if
    not, it is text like any other. No document begins after one at the very end.
    num_workers: more than one starts that many processes. They import the main module again, so a
    script needs `if __name__ == "__main__":`, and best under it whatever is heavy to import.

    Raises ValueError for an unknown separator, a dtype too small, fewer than one worker, and text
    without UTF-8 bytes (a lone surrogate), with its document.
    Memory: about ten million characters, or the longest piece of the pattern if that is longer.

    >>> tokenizer = BPETokenizer({i: bytes([i]) for i in range(256)}, [], ["<|endoftext|>"])
    >>> [ids.tolist() for ids in encode_documents(["ab", ["c", "d"]], tokenizer)]
    [[97, 98, 256, 99, 100, 256]]
    """
    end_id, greatest = tokenizer.special_id(separator), np.iinfo(dtype).max
    if tokenizer.vocab_size > greatest + 1:
        raise ValueError(
            f"vocab_size {tokenizer.vocab_size} does not fit {dtype}, which ends at {greatest}"
        )
    if num_workers < 1:
        raise ValueError(f"num_workers {num_workers} must be at least 1")
    segments = _segments(documents, tokenizer.pattern, separator if allow_separator else None)
    if num_workers == 1:
        return map(_Encoder(tokenizer, end_id, dtype), _tasks(segments))
    parts = (tokenizer.vocab, tokenizer.merges, tokenizer.pattern)
    return _in_processes(_tasks(segments), (*parts, end_id, dtype), num_workers)


class _Encoder:
    """Encodes one task after the other."""

    def __init__(self, tokenizer: BPETokenizer, end_id: int, dtype: str) -> None:
        self.tokenizer, self.end_id = tokenizer, end_id
        self.dtype = np.dtype(dtype).newbyteorder("<")

    def __call__(self, task: _Task) -> np.ndarray:
        document, character, segments = task
        ids: list[int] = []
        for segment in segments:
            if segment is None:
                ids.append(self.end_id)
                document, character = document + 1, 0
                continue
            try:
                ids += self.tokenizer.encode_ordinary(segment)
            except ValueError as error:
                place = f"document {document}, from character {character} on"
                raise ValueError(f"{place}: {error}") from None
            character += len(segment)
        return np.array(ids, dtype=self.dtype)


def _in_processes(tasks: Iterable[_Task], parts: tuple, num_workers: int) -> Iterator[np.ndarray]:
    """The array of each task, in order; tasks are read only a little ahead of the workers."""
    running = deque()
    spawn = get_context("spawn")
    with ProcessPoolExecutor(
        num_workers, mp_context=spawn, initializer=_start_worker, initargs=parts
    ) as pool:
        for task in tasks:
            running.append(pool.submit(_work, task))
            if len(running) > 2 * num_workers:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()


def _start_worker(
    vocab: dict[int, bytes],
    merges: list[tuple[bytes, bytes]],
    pattern: str,
    end_id: int,
    dtype: str,
) -> None:
    global _encoder  # a worker's own: rebuilding the tokenizer for each task would cost too much
    _encoder = _Encoder(BPETokenizer(vocab, merges, pattern=pattern), end_id, dtype)


def _work(task: _Task) -> np.ndarray:
    return _encoder(task)


def _segments(
    documents: Iterable[str | Iterable[str]], pattern: str, separator: str | None
) -> Iterator[str | None]:
    """Ordinary text that can be encoded segment by segment, and None where a document ends."""
    splitter, specials = Splitter(pattern), SpecialTokens([separator] if separator else [])
    for document in documents:
        if isinstance(document, str) and len(document) <= _BLOCK_CHARS and separator is None:
            yield from (document, None)
            continue
        ended = False
        for segment, is_separator in stream_segments(_blocks(document), splitter, specials):
            yield None if is_separator else segment
            ended = is_separator
        if not ended:
            yield None


def _blocks(chunks: str | Iterable[str]) -> Iterator[str]:
    """The same text in chunks of about _BLOCK_CHARS."""
    waiting, size = [], 0
    for chunk in [chunks] if isinstance(chunks, str) else chunks:
        for start in range(0, len(chunk), _BLOCK_CHARS):
            waiting.append(chunk[start : start + _BLOCK_CHARS])
            size += len(waiting[-1])
            if size >= _BLOCK_CHARS:
                yield "".join(waiting)
                waiting, size = [], 0
    yield "".join(waiting)


def _tasks(segments: Iterable[str | None]) -> Iterator[_Task]:
    """Segments in lists of about _TASK_CHARS characters, with the place where each begins."""
    task: _Segments = []
    size, document, character = 0, 0, 0
    start = (document, character)
    for segment in segments:
        task.append(segment)
        if segment is None:
            size, document, character = size + 1, document + 1, 0
        else:
            size, character = size + len(segment), character + len(segment)
        if size >= _TASK_CHARS:
            yield *start, task
            task, size, start = [], 0, (document, character)
    if task or start == (0, 0):  # no documents are one empty array
        yield *start, task
