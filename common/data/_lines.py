"""Files of one JSON object a line, gzipped or not, and what of them cannot be read.

Needs: _members.py, _source.py.
"""

import dataclasses
import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from ._members import TRY_BYTES, Members, Window, plain_pieces
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
    convert: Callable[[int, int, dict], T],
    *,
    damage: list[Damage] | None,
    start: int = 0,
    end: int | None = None,
    kind: str = "document",
) -> Iterator[T]:
    """What `convert` makes of each line's number, offset and object; empty lines are passed over.

    A line of which it raises ValueError or TypeError is damage. Without a list that is ValueError,
    which calls the line no `kind`. start, end: of a file that is not zipped, only the lines that
    begin in these bytes, counted from there.
    """
    number = 0
    for offset, line in _lines(path_or_url, start, math.inf if end is None else end):
        number += 1
        try:
            if isinstance(line, Damage):
                number -= 1
                raise _BreaksOff(line.reason)
            if not line.strip():
                continue
            made = convert(number, offset, _object(line))
        except (ValueError, TypeError, RecursionError, _BreaksOff) as error:
            if damage is None:
                is_off = isinstance(error, _BreaksOff)
                where = f"breaks off after line {number}"
                where = where if is_off else f"line {number} is not a {kind}"
                raise ValueError(f"{name_of(path_or_url)} {where}: {error}") from error
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


def _lines(path_or_url: str | Path, start: int, end: float) -> Iterator[tuple[int, bytes | Damage]]:
    """Unzipped offset of each line, and the line, or why there is none."""
    # A line that began before `start` is passed over: it belongs to whoever reads what is before.
    parts, size, offset, is_passing = [], 0, max(start - 1, 0), start > 0
    too_long = f"a line is over {_MAX_LINE_BYTES} bytes"
    with open_source(path_or_url, start=offset) as stream:
        window = Window(stream, offset)
        zipped = not start and window.at(0, 3) == GZIP_MAGIC
        members = Members(window) if zipped else None
        for piece in members or plain_pieces(window):
            *lines, rest = piece.data.split(b"\n")
            if lines:
                lines[0] = b"".join([*parts, lines[0]])
                parts, size = [], 0
            if members:
                objects = [len(line) for line in lines if line.startswith(b"{")]
                members.spent += TRY_BYTES * (len(lines) - len(objects)) - sum(objects)
            for line in lines:
                if offset >= end:
                    return
                if not is_passing:
                    is_short = len(line) <= _MAX_LINE_BYTES
                    yield offset, line if is_short else Damage(offset, too_long)
                offset, is_passing = offset + len(line) + 1, False
            if offset >= end:
                return
            parts.append(rest)
            size += len(rest)
            if is_passing or size > _MAX_LINE_BYTES:
                if not is_passing:
                    yield offset, Damage(offset, too_long)
                parts, size, offset, is_passing = [], 0, offset + size, True
            if piece.broken:
                yield offset, Damage(offset, piece.broken)
                parts, size, offset = [], 0, offset + size
        if size:
            yield offset, b"".join(parts)
