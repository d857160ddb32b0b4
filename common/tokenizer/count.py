"""Count the pieces of a text: how often each word, number or run of signs occurs.

No merge crosses a piece, so these counts are all that BPE needs to know about a text, however large
it is. The work is done in parts of some MB, cut where no piece goes on: between texts, at a special
token, before a space that follows a letter or digit. Any process may count any part, and the counts
of the parts add up to those of the whole. Workers read their parts of a file themselves; only
counts travel back.

Taught in ch02_tokenizer/02_learn_bpe.ipynb.
Needs: patterns.py, reading.py, special.py, tqdm.
"""

import os
import re
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from .patterns import GPT2_PATTERN, GPT4_PATTERN, Splitter
from .reading import read_text
from .special import SpecialTokens, stream_segments

_PART_SIZE = 1 << 21  # bytes of a file or characters of texts that are counted at a time
_BLOCK_SIZE = 1 << 18  # of those, what is split at a time, which bounds memory
_WINDOW_SIZE = 1 << 16  # how far to look for a place to cut

_FilePart = tuple[Path, int, int]  # from one byte offset to another
_Part = _FilePart | list[str]  # or texts

# In these patterns a letter or digit and a space behind it are never in one piece.
_SPACE_BEGINS_A_PIECE = (GPT2_PATTERN, GPT4_PATTERN)


def count_pieces(
    input_path_or_texts: str | os.PathLike[str] | Iterable[str],
    special_tokens: Sequence[str] = (),
    *,
    pattern: str = GPT2_PATTERN,
    num_workers: int = 1,
    progress: bool = False,
) -> Counter[str]:
    """How often each piece occurs; special tokens are left out and are borders.

    input_path_or_texts: a UTF-8 file, which may exceed memory, or texts, which may be a generator.
    num_workers: processes; more than one needs an importable main module, that is
    `if __name__ == "__main__":` in a script. With a pattern other than GPT-2's and GPT-4's, a file
    or a long text is shared among them only if special tokens separate its documents.
    progress: a bar on standard error, in bytes of the file or characters of the texts.

    Raises ValueError for an empty or duplicate special token, fewer than one worker, a text that is
    no string, a path that is no regular file, and invalid UTF-8 (with its byte offset).
    Cost: about 10 MB/s a worker. Memory: the distinct pieces, and some MB for each worker.

    >>> count_pieces(["low low lower<|end|>low"], ["<|end|>"])
    Counter({'low': 2, ' low': 1, ' lower': 1})
    """
    from tqdm import tqdm  # here, since worker processes import this module and need no bar

    if num_workers < 1:
        raise ValueError(f"num_workers {num_workers} must be at least 1")
    specials = SpecialTokens(special_tokens)
    cutter = _Cutter(pattern, specials)
    if isinstance(input_path_or_texts, (str, os.PathLike)):
        path = Path(input_path_or_texts)
        parts, total, unit = _parts_of_file(path, cutter), path.stat().st_size, "B"
    else:
        parts, unit = _parts_of_texts(input_path_or_texts, cutter), " characters"
        total = _total_characters(input_path_or_texts)
    count_part = partial(_count_part, pattern=pattern, special_tokens=specials.tokens)
    counts: Counter[str] = Counter()
    with tqdm(total=total, unit=unit, unit_scale=True, desc="count", disable=not progress) as bar:
        for size, part_counts in _map_in_order(count_part, parts, num_workers):
            counts.update(part_counts)
            bar.update(size)
    return counts


def _map_in_order(
    work: Callable[[_Part], tuple[int, Counter[str]]], parts: Iterable[_Part], num_workers: int
) -> Iterator[tuple[int, Counter[str]]]:
    """`work` on each part, by several processes if there is more than one worker."""
    if num_workers == 1:
        yield from map(work, parts)
        return
    running = deque()
    with ProcessPoolExecutor(num_workers, mp_context=get_context("spawn")) as pool:
        try:
            for part in parts:
                running.append(pool.submit(work, part))
                if len(running) > 2 * num_workers:  # reading no further ahead bounds memory
                    yield running.popleft().result()
            while running:
                yield running.popleft().result()
        except BrokenProcessPool as error:
            raise RuntimeError(
                "a worker process died: either memory ran out, or this is a script that does not "
                'start its work under `if __name__ == "__main__":`'
            ) from error


def _count_part(
    part: _Part, *, pattern: str, special_tokens: Sequence[str]
) -> tuple[int, Counter[str]]:
    """How many bytes or characters the part has, and its counts."""
    splitter, specials = Splitter(pattern), SpecialTokens(special_tokens)
    if isinstance(part, tuple):
        texts, size = [read_text(*part)], part[2] - part[1]
    else:
        texts, size = map(_blocks, part), sum(map(len, part))
    counts: Counter[str] = Counter()
    for text in texts:
        for segment, is_special in stream_segments(text, splitter, specials):
            if not is_special:
                counts.update(splitter.pieces(segment))
    return size, counts


def _blocks(text: str) -> Iterator[str]:
    return (text[at : at + _BLOCK_SIZE] for at in range(0, len(text), _BLOCK_SIZE))


class _Cutter:
    """Finds places where a text may be cut so that both sides split alone as they do together."""

    def __init__(self, pattern: str, specials: SpecialTokens) -> None:
        self._tokens = specials.tokens
        self._reach = max(map(len, self._tokens), default=1)
        places = [re.escape(token) for token in self._tokens]
        if pattern in _SPACE_BEGINS_A_PIECE:
            places.append(r"(?<=[^\W_]) ")
        self._places = re.compile("|".join(places) or r"(?!)")

    def find(self, window: str) -> int | None:
        """The first place in a window of the text to cut at, or None.

        The window may begin anywhere, also inside a special token: a place where any special token
        reaches from one side to the other is left alone.
        """
        for place in self._places.finditer(window, self._reach, len(window) - self._reach):
            cut = place.start()
            if not any(
                token in window[cut - len(token) + 1 : cut + len(token) - 1]
                for token in self._tokens
            ):
                return cut
        return None


def _parts_of_file(path: Path, cutter: _Cutter) -> Iterator[_FilePart]:
    """The file in parts of about _PART_SIZE bytes."""
    if not path.is_file():
        raise ValueError(f"{path} is not a regular file")
    with open(path, "rb") as file:

        def find(offset: int) -> int | None:
            file.seek(offset)
            window = file.read(_WINDOW_SIZE).decode("utf-8", "surrogateescape")
            cut = cutter.find(window)  # in characters
            return cut and offset + len(window[:cut].encode("utf-8", "surrogateescape"))

        for start, stop in _spans(path.stat().st_size, find):
            yield path, start, stop


def _parts_of_texts(texts: Iterable[str], cutter: _Cutter) -> Iterator[list[str]]:
    """Texts, long ones in spans, in lists of about _PART_SIZE characters."""
    part, size = [], 0
    for index, text in enumerate(texts):
        if not isinstance(text, str):
            raise ValueError(f"text {index} must be a string, not {type(text).__name__}")

        def find(at: int, text: str = text) -> int | None:
            cut = cutter.find(text[at : at + _WINDOW_SIZE])
            return cut and at + cut

        for start, stop in _spans(len(text), find):
            part.append(text[start:stop])
            size += stop - start
            if size >= _PART_SIZE:
                yield part
                part, size = [], 0
    yield part


def _spans(size: int, find: Callable[[int], int | None]) -> Iterator[tuple[int, int]]:
    """Cut `size` bytes or characters into spans of about _PART_SIZE, where `find` finds places."""
    start, at = 0, _PART_SIZE
    while at < size:
        cut = find(at)
        if cut:
            yield start, cut
            start = at = cut
        at += _PART_SIZE
    yield start, size


def _total_characters(texts: Iterable[str]) -> int | None:
    """What the bar counts up to; None, unknown, for a generator."""
    if isinstance(texts, Sequence):
        return sum(len(text) for text in texts if isinstance(text, str))
    return None
