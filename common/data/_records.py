"""Bytes to WARC records; what is no record is named and passed over, and its neighbours stay.

A record (ISO 28500:2017) is a version line, headers, an empty line, as many bytes as Content-Length
says, two empty lines. A length can be wrong, so a record counts only when another one begins where
it ends, or the file or its gzip member ends there. If not, the search goes on one byte further.

Needs: _http_answer.py, _lines.py, _members.py, _source.py.
"""

import contextlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple, TypeVar

from ._http_answer import find_blank_line, parse_headers
from ._lines import Damage
from ._members import Members, Piece, Window, plain_pieces
from ._source import name_of, open_source

T = TypeVar("T")

_MAGIC = b"WARC/"
_VERSION = re.compile(rb"WARC/\d{1,3}\.\d{1,3}[ \t]*\r?\n")
_VERSION_BYTES = 20
_LENGTH = re.compile(r"\d{1,15}")
_NEWLINES = b"\r\n\r\n"
_MAX_NEWLINES = 8
_MAX_HEADER_BYTES = 1 << 16
_PLAIN_BYTES = 1 << 20


class Record(NamedTuple):
    """Headers of a record, its block data[begin:end], and its byte (its member's) in the file."""

    headers: dict[str, str]
    data: bytes
    begin: int
    end: int
    offset: int
    zipped: bool


class _Break(NamedTuple):
    """A place in the unzipped bytes at which something is missing."""

    position: int
    piece: Piece


class _Unreadable(Exception):
    """Why no record can be read where one is expected."""


def converted_records(
    path_or_url: str | Path,
    convert: Callable[[Record], T | None],
    *,
    damage: list[Damage] | None,
    max_bytes: int,
    start: int,
    end: int | None,
) -> Iterator[T]:
    """What `convert` makes of each record that begins in bytes [start, end); None is left out.

    A record of which it raises ValueError is damage. Without a list damage raises ValueError.
    """
    count = 0
    for item in _share(path_or_url, max_bytes, start, end):
        try:
            made = item if isinstance(item, Damage) else convert(item)
        except ValueError as error:
            made = Damage(item.offset, str(error))
        if isinstance(made, Damage):
            if damage is None:
                raise ValueError(
                    f"{name_of(path_or_url)} cannot be read as WARC after {count} pages, "
                    f"at byte {made.offset}: {made.reason}"
                )
            damage.append(made)
        elif made is not None:
            count += 1
            yield made


def _share(
    path_or_url: str | Path, max_bytes: int, start: int, end: int | None
) -> Iterator[Record | Damage]:
    """The records that begin in [start, end), each with the damage behind it."""
    with contextlib.ExitStack() as opened:
        window = Window(opened.enter_context(open_source(path_or_url)), 0)
        zipped = is_zipped(window)
        if start:
            window = Window(opened.enter_context(open_source(path_or_url, start=start)), start)
        is_inside = not start  # what comes before the first record belongs to whom it follows
        for item in read_records(window, zipped=zipped, max_bytes=max_bytes):
            if isinstance(item, Record):
                if end is not None and item.offset >= end:
                    return
                is_inside = True
            if is_inside:
                yield item


def read_records(window: Window, *, zipped: bool, max_bytes: int) -> Iterator[Record | Damage]:
    """All records from the window's beginning on, and what is damaged between them, in order.

    A window that begins inside something begins with damage.
    """
    source = Members(window) if zipped else plain_pieces(window)
    return iter(_Reader(_Unzipped(source, zipped, window.base), max_bytes))


def is_zipped(window: Window) -> bool:
    """Whether a file is gzipped: what it begins with says so, or what comes first in it."""
    head = window.at(window.base, 5)
    if head == _MAGIC or head[:3] == b"\x1f\x8b\x08":
        return head != _MAGIC
    plain = window.at(window.base, _PLAIN_BYTES).find(_MAGIC)
    member = Members(window).find(window.base, within=_PLAIN_BYTES)
    return member is not None and not 0 <= plain < member - window.base


class _Unzipped:
    """Unzipped bytes from a moving point on, and what is known of the members they come from.

    A position counts unzipped bytes from the beginning, an offset bytes of the file.
    """

    def __init__(self, source: Members | Iterator[Piece], zipped: bool, start: int) -> None:
        self.source, self.pieces = source, iter(source)
        self.zipped, self.start = zipped, start
        self.data, self.base, self.kept = b"", 0, 0
        self.members: list[tuple[int, int]] = []  # position and offset of each that begins
        self.breaks: list[_Break] = []
        self.end_of_member = -1  # where the last one ended that ended well

    @property
    def size(self) -> int:
        return self.base + len(self.data)

    def forget(self, position: int) -> None:
        """Whatever stands before `position` will not be asked for again."""
        self.kept = position
        while len(self.members) > 1 and self.members[1][0] <= position:
            del self.members[0]

    def more(self, position: int) -> bool:
        """Read on to `position`, to a break or to the next member; False at the end of the file."""
        if self.kept > self.base:
            self.data, self.base = self.data[self.kept - self.base :], self.kept
        size, parts, before = self.size, [self.data] if self.data else [], len(self.members)
        for piece in self.pieces:
            if not self.members or self.members[-1][1] != piece.offset:
                self.members.append((size, piece.offset))
            parts.append(piece.data)
            size += len(piece.data)
            if piece.broken:
                self.breaks.append(_Break(size, piece))
            if piece.ends:
                self.end_of_member = size
            if size >= position or piece.broken or len(self.members) > before:
                self.data = parts[0] if len(parts) == 1 else b"".join(parts)
                return True
        self.data = b"".join(parts)
        return False

    def reach(self, position: int) -> bool:
        """Whether the bytes before `position` are there, once they are read."""
        while self.size < position:
            if not self.more(position):
                return False
        return True

    def starts_with(self, what: bytes, position: int) -> bool:
        self.reach(position + len(what))
        return self.data.startswith(what, position - self.base)

    def begins_member(self, position: int) -> bool:
        return any(place == position for place, _ in self.members)

    def broken_before(self, position: int) -> Piece | None:
        if self.breaks and self.breaks[0].position < position:
            return self.breaks[0].piece
        return None

    def offset(self, position: int) -> int:
        """The byte of the file at which `position` stands, or its member begins."""
        if not self.zipped:
            return self.start + position
        return next(offset for place, offset in reversed(self.members) if place <= position)


class _Reader:
    """Records one after the other, each tried before it is believed."""

    def __init__(self, bytes_: _Unzipped, max_bytes: int) -> None:
        self.bytes, self.max_bytes = bytes_, max_bytes
        # Whether each member holds one record; None before that is known.
        self.one_a_member: bool | None = None if bytes_.zipped else False
        self.left = -1

    def __iter__(self) -> Iterator[Record | Damage]:
        bytes_, at, gap = self.bytes, 0, None
        if not bytes_.reach(1) and not bytes_.breaks:
            yield Damage(bytes_.start, "the file is empty")
        while True:
            bytes_.forget(at)
            is_there = bytes_.reach(at + 1)
            while bytes_.breaks and bytes_.breaks[0].position <= at:
                place, piece = bytes_.breaks.pop(0)
                offset = piece.offset if bytes_.zipped else bytes_.offset(place)
                gap = gap or Damage(offset, piece.broken)
            if not is_there:
                break
            try:
                record, end = self.record(at)
            except _Unreadable as reason:
                gap = gap or Damage(bytes_.offset(at), str(reason))
                at = self.next_start(at + 1)
                continue
            if gap:
                yield gap
                gap = None
            yield record
            at = end
        if gap:
            yield gap

    def record(self, at: int) -> tuple[Record, int]:
        """The record at a position, and where the next one should begin."""
        bytes_ = self.bytes
        bytes_.reach(at + _VERSION_BYTES)
        if not _VERSION.match(bytes_.data, at - bytes_.base):
            raise _Unreadable("no WARC record begins here")
        cut, begin = self.header_end(at)
        headers = parse_headers(bytes_.data[at - bytes_.base : cut - bytes_.base])
        length = headers.get("content-length", "")
        if not _LENGTH.fullmatch(length):
            raise _Unreadable(f"a record has the Content-Length {length[:40]!r}")
        if int(length) > self.max_bytes:
            raise _Unreadable(f"a record of {length} bytes is over max_bytes {self.max_bytes}")
        end = begin + int(length)
        self.read_block(at, end)
        following = self.following(at, end)
        base = bytes_.base
        offset = bytes_.offset(at)
        record = Record(headers, bytes_.data, begin - base, end - base, offset, bytes_.zipped)
        return record, following

    def header_end(self, at: int) -> tuple[int, int]:
        bytes_ = self.bytes
        while True:
            base = bytes_.base
            cut, begin = find_blank_line(bytes_.data, at - base, at - base + _MAX_HEADER_BYTES)
            if cut >= 0:
                return base + cut, base + begin
            if bytes_.size >= at + _MAX_HEADER_BYTES or not bytes_.more(bytes_.size + 1):
                raise _Unreadable("the headers of a record do not end")

    def read_block(self, at: int, end: int) -> None:
        """Read on to the end of a record, unless the file breaks or another record comes first."""
        bytes_ = self.bytes
        while True:
            if piece := bytes_.broken_before(end):
                raise _Unreadable(piece.broken)
            for place, _ in bytes_.members:
                if at < place < end and bytes_.starts_with(_MAGIC, place):
                    raise _Unreadable("a record is longer than its gzip member")
            if bytes_.size >= end:
                return
            if not bytes_.more(end) and not bytes_.broken_before(end):
                raise _Unreadable("the file is cut off inside a record")

    def following(self, at: int, end: int) -> int:
        """Where the next record should begin, after one that stands at [at, end).

        Behind its newlines there must be another one, or its member or the file must end.
        """
        bytes_ = self.bytes
        alone = bytes_.begins_member(at)
        tail = bytes_.data[end - bytes_.base : end - bytes_.base + len(_NEWLINES)]
        place = end + len(_NEWLINES)
        if tail == _NEWLINES and place == bytes_.end_of_member == bytes_.size:
            self.one_a_member = alone and self.one_a_member is not False
            return place
        place = self.skip_newlines(end)
        if piece := bytes_.broken_before(place + 1):
            # Who is alone in a member whose checksum is wrong is wrong; of several one is.
            if piece.suspect and alone and self.one_a_member is not False:
                raise _Unreadable(piece.broken)
        elif not bytes_.reach(place + 1):
            if not bytes_.zipped and place < end + len(_NEWLINES) and tail[:2] != b"\n\n":
                lost = Piece(b"", bytes_.start, broken="the file is cut off behind its last record")
                bytes_.breaks.append(_Break(place, lost))
        elif bytes_.begins_member(place):
            self.one_a_member = alone and self.one_a_member is not False
        elif bytes_.starts_with(_MAGIC, place):
            self.one_a_member = False
        else:
            raise _Unreadable(f"no record begins where one of {end - at} bytes should end")
        return place

    def skip_newlines(self, place: int) -> int:
        bytes_, last = self.bytes, place + _MAX_NEWLINES
        while place < last and bytes_.reach(place + 1) and not bytes_.broken_before(place + 1):
            if bytes_.data[place - bytes_.base] not in b"\r\n":
                break
            place += 1
        return place

    def next_start(self, at: int) -> int:
        """Where the next version line begins, or the end of the file."""
        bytes_ = self.bytes
        while True:
            found = bytes_.data.find(_MAGIC, at - bytes_.base)
            if found >= 0:
                at = bytes_.base + found
                bytes_.reach(at + _VERSION_BYTES)
                if _VERSION.match(bytes_.data, at - bytes_.base):
                    return at
                at += 1
                continue
            at = max(at, bytes_.size - len(_MAGIC) + 1)
            bytes_.forget(at)
            self.leave_what_has_no_end()
            if not bytes_.more(bytes_.size + 1):
                return bytes_.size

    def leave_what_has_no_end(self) -> None:
        """A bomb: a member that unfolds without end, where each should hold one record."""
        if self.one_a_member is False or not self.bytes.members:
            return
        place, offset = self.bytes.members[-1]
        limit = _PLAIN_BYTES if self.one_a_member else self.max_bytes
        if self.bytes.size - place > limit and offset != self.left:
            self.left = offset
            self.bytes.source.leave()
