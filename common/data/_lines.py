"""Files of one JSON object a line, gzipped or not, and what of them cannot be read.

Needs: _members.py, _source.py.
"""

import dataclasses
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from ._members import Members, Window, plain_pieces
from ._source import GZIP_MAGIC, name_of, open_source

_MAX_LINE_BYTES = 50_000_000
T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class Damage:
    """A stretch of a file that could not be read: the byte at which it begins, and why.

    In a gzipped WARC file the byte is that of a gzip member; in JSONL, that of a line, unzipped.

    >>> Damage(1042, "a gzip member is broken (incorrect data check)").offset
    1042
    """

    offset: int
    reason: str


def converted_lines(
    path_or_url: str | Path,
    convert: Callable[[int, dict], T],
    *,
    damage: list[Damage] | None,
) -> Iterator[T]:
    """What `convert` makes of the number and the object of each line; empty lines are passed over.

    A line of which it raises ValueError or TypeError is damage. Without a list that is ValueError.
    """
    number = 0
    for offset, line in _lines(path_or_url):
        number += 1
        try:
            if isinstance(line, Damage):
                number -= 1
                raise _BreaksOff(line.reason)
            if not line.strip():
                continue
            made = convert(number, _object(line))
        except (ValueError, TypeError, RecursionError, _BreaksOff) as error:
            if damage is None:
                is_off = isinstance(error, _BreaksOff)
                where = "breaks off after line {}" if is_off else "line {} is not a document"
                message = f"{name_of(path_or_url)} {where.format(number)}: {error}"
                raise ValueError(message) from error
            damage.append(Damage(offset, str(error)))
        else:
            yield made


class _BreaksOff(Exception):
    """A file that cannot be read on where it should go on."""


def _object(line: bytes) -> dict:
    made = json.loads(line)
    if not isinstance(made, dict):
        raise ValueError("it is no JSON object")
    return made


def _lines(path_or_url: str | Path) -> Iterator[tuple[int, bytes | Damage]]:
    """Unzipped offset of each line, and the line, or why there is none."""
    rest, offset, is_too_long = b"", 0, False
    with open_source(path_or_url) as stream:
        window = Window(stream, 0)
        zipped = window.at(0, 3) == GZIP_MAGIC
        for piece in Members(window) if zipped else plain_pieces(window):
            *lines, rest = (rest + piece.data).split(b"\n")
            for line in lines:
                if not is_too_long:
                    yield offset, line
                offset, is_too_long = offset + len(line) + 1, False
            if is_too_long or len(rest) > _MAX_LINE_BYTES:
                if not is_too_long:
                    yield offset, Damage(offset, f"a line is over {_MAX_LINE_BYTES} bytes")
                offset, rest, is_too_long = offset + len(rest), b"", True
            if piece.broken:
                yield offset, Damage(offset, piece.broken)
                offset, rest = offset + len(rest), b""
        if rest:
            yield offset, rest
