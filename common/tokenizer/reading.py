"""Read a text file that may be larger than memory, in blocks, and say where it is not UTF-8.

A block ends at any byte; a character cut in two waits for its other half. Line ends stay as they
are, so that the blocks joined are the file.

Taught in ch02_tokenizer/04_ids_to_vectors.ipynb.
Needs: nothing but the standard library.
"""

import codecs
import os
from collections.abc import Iterator

_BLOCK_BYTES = 1 << 18


def read_text(
    path: str | os.PathLike[str], start: int = 0, stop: int | None = None
) -> Iterator[str]:
    r"""Yield the text of the UTF-8 file `path` in blocks of at most 262,144 characters.

    start, stop: byte offsets between characters; by default the whole file.

    Raises ValueError with the byte offset of what is not UTF-8, and for a file that ends before
    `stop`. Memory: one block.

    >>> import tempfile
    >>> from pathlib import Path
    >>> path = Path(tempfile.mkdtemp(), "text.txt")
    >>> _ = path.write_bytes("sœur\r\n".encode())
    >>> list(read_text(path))
    ['sœur\r\n']
    >>> _ = path.write_bytes(b"fine\xff")
    >>> list(read_text(path))
    Traceback (most recent call last):
    ValueError: ...text.txt is not UTF-8: invalid start byte at offset 4
    """
    decoder, offset = codecs.getincrementaldecoder("utf-8")(), start
    with open(path, "rb") as file:
        file.seek(start)
        while stop is None or offset < stop:
            block = file.read(_BLOCK_BYTES if stop is None else min(_BLOCK_BYTES, stop - offset))
            if not block and stop is not None:
                raise ValueError(f"{path} ends at offset {offset}, before {stop}: has it shrunk?")
            last = not block or offset + len(block) == stop
            waiting = len(decoder.getstate()[0])  # bytes of a character that was cut in two
            try:
                text = decoder.decode(block, final=last)
            except UnicodeDecodeError as error:
                at = offset - waiting + error.start
                message = f"{path} is not UTF-8: {error.reason} at offset {at}"
                raise ValueError(message) from error
            if text:
                yield text
            if last:
                return
            offset += len(block)
