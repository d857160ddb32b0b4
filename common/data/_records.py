"""Bytes to WARC records; what is no record is named and passed over, and its neighbours stay.

A record (ISO 28500:2017) is a version line, headers, an empty line, as many bytes as Content-Length
says, two empty lines. A length can be wrong, so a record counts only when another one begins where
it ends, or the file or its gzip member ends there. If not, the search goes on one byte further.

Needs: _http_answer.py, _lines.py, _members.py, _source.py, _unzipped.py.
"""

import contextlib
import hashlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple, TypeVar

from ._http_answer import find_blank_line, parse_headers
from ._lines import Damage
from ._members import TRY_BYTES, Piece, Window
from ._source import name_of, open_source
from ._unzipped import MAGIC, Break, Unzipped, is_zipped

T = TypeVar("T")

_VERSION = re.compile(rb"WARC/\d{1,3}\.\d{1,3}[ \t]*\r?\n")
_VERSION_BYTES = 20
_HEADER = re.compile(rb"[^\r\n]+(?:\r?\n(?:[!-9;-~]+[ \t]*:|[ \t])[^\r\n\0]*)+")
_TWICE = re.compile(  # the last header that comes again
    rb"[^\0]*\n(WARC-Record-ID|WARC-Target-URI|Content-Length)\b[^\0]*\n\1\b", re.IGNORECASE
)
_LENGTH = re.compile(r"\d{1,15}")
# From the digits of RFC 4648 to those of int(): many times faster than base64.b32decode.
_BASE32_DIGITS = str.maketrans(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", "0123456789abcdefghijklmnopqrstuv"
)
_NEWLINES = b"\r\n\r\n"
_MAX_NEWLINES = 8
_MAX_HEADER_BYTES = 1 << 16
_HELD_BYTES = 1 << 20  # of a member that holds no record, before it is left
_HASHED, _SHORT_BYTES = 256, 1 << 14  # how often each byte is hashed for nothing, and what still is


class Record(NamedTuple):
    """Headers of a record, its block data[begin:end], and its byte (its member's) in the file."""

    headers: dict[str, str]
    data: bytes
    begin: int
    end: int
    offset: int


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
    return iter(_Reader(Unzipped(window, zipped), max_bytes))


def has_digest(block: bytes | memoryview, headers: dict[str, str]) -> bool:
    """Whether a block is the one of which its WARC-Block-Digest tells, if it tells in SHA-1."""
    name, _, digest = headers.get("warc-block-digest", "").partition(":")
    if name.lower() != "sha1":
        return True
    try:
        told = int(digest, 16) if len(digest) == 40 else int(digest.translate(_BASE32_DIGITS), 32)
    except ValueError:
        return False
    return told == int.from_bytes(hashlib.sha1(block).digest(), "big")


class _Reader:
    """Records one after the other, each tried before it is believed."""

    def __init__(self, bytes_: Unzipped, max_bytes: int) -> None:
        self.bytes, self.max_bytes = bytes_, max_bytes
        # Whether each member holds one record; None before that is known.
        self.one_a_member: bool | None = None if bytes_.zipped else False
        if bytes_.source:
            bytes_.source.spent = -max_bytes  # a record may be as long, whatever it is zipped to
        self.left = -1
        self.next_blank = 0  # no headers end between the last place that was tried and here
        self.next_try = 0  # where, if the record at a place is none, the next one could begin
        self.headless = -1  # at the members from the place that is tried to here no record begins
        self.wrong_end = self.hashed = 0  # of records with wrong digests: how far, how many bytes

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
                at = self.next_start(self.after_failure(at))
                continue
            if gap:
                yield gap
                gap = None
            yield record
            if bytes_.source:
                bytes_.source.spent -= end - at
            at = end
        if gap:
            yield gap

    def record(self, at: int) -> tuple[Record, int]:
        """The record at a position, and where the next one should begin."""
        bytes_, self.next_try = self.bytes, at
        bytes_.reach(at + _VERSION_BYTES)
        if not _VERSION.match(bytes_.data, at - bytes_.base):
            raise _Unreadable("no WARC record begins here")
        cut, begin = self.header_end(at)
        headers = self.headers(at, cut)
        length = headers.get("content-length", "")
        if not _LENGTH.fullmatch(length):
            raise _Unreadable(f"a record has the Content-Length {length[:40]!r}")
        if int(length) > self.max_bytes:
            raise _Unreadable(f"a record of {length} bytes is over max_bytes {self.max_bytes}")
        end = begin + int(length)
        self.read_block(at, end)
        following, is_proved = self.following(at, end)
        begin, end = begin - bytes_.base, end - bytes_.base
        if not is_proved:
            self.check_digest(at, memoryview(bytes_.data)[begin:end], headers)
        return Record(headers, bytes_.data, begin, end, bytes_.offset(at)), following

    def header_end(self, at: int) -> tuple[int, int]:
        """Where the headers of a record end, and its block begins; no byte is searched twice."""
        bytes_, limit = self.bytes, at + _MAX_HEADER_BYTES
        while True:
            base, start = bytes_.base, max(at, self.next_blank)
            cut, begin = find_blank_line(bytes_.data, start - base, limit - base)
            if cut >= 0:
                self.next_blank = base + cut
                return base + cut, base + begin
            self.next_blank = max(start, min(limit, bytes_.size) - len(_NEWLINES) + 1)
            if bytes_.size >= limit or not bytes_.more(bytes_.size + 1):
                lost = bytes_.breaks[0].piece.broken if bytes_.breaks else ""
                raise _Unreadable(lost or "the headers of a record do not end")

    def headers(self, at: int, cut: int) -> dict[str, str]:
        """The headers of a record, of which none may stand in ruins: they say what a record is.

        What begins among them has the same block: if that is wrong, it is no record either.
        """
        head = self.bytes.data[at - self.bytes.base : cut - self.bytes.base]
        good = _HEADER.match(head)
        if not good or good.end() < len(head):
            self.next_try = at + (good.end() if good else 1)
            raise _Unreadable("a line in the headers of a record is no header")
        headers = parse_headers(head)
        if len(headers) != head.count(b"\n") and (twice := _TWICE.match(head)):
            self.next_try = at + twice.start(1)
            raise _Unreadable("a header that a record has once stands there twice")
        self.next_try = cut
        return headers

    def read_block(self, at: int, end: int) -> None:
        """Read on to the end of a record, unless the file breaks or another record comes first."""
        bytes_ = self.bytes
        while True:
            if piece := bytes_.broken_before(end):
                self.next_try = min(self.next_try, bytes_.breaks[0].position)
                raise _Unreadable(piece.broken)
            for place, _ in bytes_.members[bytes_.count_members(max(at, self.headless)) :]:
                if place >= end:
                    break
                if bytes_.starts_with(MAGIC, place):
                    self.next_try = min(self.next_try, place)
                    raise _Unreadable("a record is longer than its gzip member")
                self.headless = place
            if bytes_.size >= end:
                return
            if not bytes_.more(end) and not bytes_.broken_before(end):
                raise _Unreadable("the file is cut off inside a record")

    def following(self, at: int, end: int) -> tuple[int, bool]:
        """Where the next record should begin, after one that stands at [at, end).

        Behind its newlines there must be another one, or its member or the file must end; four of
        them will do, in case that the other one is damaged. Also returned: whether its length and a
        checksum of its member prove its bytes.
        """
        bytes_, zipped = self.bytes, self.bytes.zipped
        alone = bytes_.begins_member(at)
        tail = bytes_.data[end - bytes_.base : end - bytes_.base + len(_NEWLINES)]
        place = end + len(_NEWLINES)
        if tail == _NEWLINES:
            if place == bytes_.end_of_member == bytes_.size:
                self.one_a_member = alone and self.one_a_member is not False
                return place, True
            if not zipped and bytes_.data.startswith(MAGIC, place - bytes_.base):
                return place, False
        place = self.skip_newlines(end)
        if piece := bytes_.broken_before(place + 1):
            # Who is alone in a member whose checksum is wrong is wrong; of several one is.
            if piece.suspect and alone and self.one_a_member is not False:
                raise _Unreadable(piece.broken)
        elif not bytes_.reach(place + 1):
            if not zipped and place < end + len(_NEWLINES) and tail[:2] != b"\n\n":
                lost = Piece(b"", bytes_.start, broken="the file is cut off behind its last record")
                bytes_.breaks.append(Break(place, lost))
        elif bytes_.begins_member(place):
            self.one_a_member = alone and self.one_a_member is not False
            return place, True
        elif bytes_.starts_with(MAGIC, place):
            self.one_a_member = False
            return place, zipped and bytes_.end_of_member >= place
        elif tail != _NEWLINES:
            raise _Unreadable(f"no record begins where one of {end - at} bytes should end")
        return place, False

    def check_digest(self, at: int, block: memoryview, headers: dict[str, str]) -> None:
        """In a flood of wrong records inside of wrong ones only short ones are hashed at last."""
        is_flood = at < self.wrong_end and self.hashed > _HASHED * (_HELD_BYTES + at)
        if is_flood and len(block) > _SHORT_BYTES and "warc-block-digest" in headers:
            raise _Unreadable("a long record stands inside of many with wrong WARC-Block-Digests")
        if not has_digest(block, headers):
            self.wrong_end = max(self.wrong_end, at + len(block))
            self.hashed += len(block)
            raise _Unreadable("the bytes of a record are not those of its WARC-Block-Digest")

    def skip_newlines(self, place: int) -> int:
        bytes_, last = self.bytes, place + _MAX_NEWLINES
        while place < last and bytes_.reach(place + 1) and not bytes_.broken_before(place + 1):
            if bytes_.data[place - bytes_.base] not in b"\r\n":
                break
            place += 1
        return place

    def after_failure(self, at: int) -> int:
        """From where on to search for the next record; in a flood that is the next member."""
        bytes_, place = self.bytes, max(at + 1, self.next_try)
        if bytes_.source:
            bytes_.source.spent += TRY_BYTES
            if bytes_.source.is_flooded():
                later = bytes_.members[bytes_.count_members(at) :]
                return later[0][0] if later else max(place, bytes_.size)
        return place

    def next_start(self, at: int) -> int:
        """Where the next version line begins, or the end of the file."""
        bytes_ = self.bytes
        while True:
            found = bytes_.data.find(MAGIC, at - bytes_.base)
            if found >= 0:
                at = bytes_.base + found
                bytes_.reach(at + _VERSION_BYTES)
                if _VERSION.match(bytes_.data, at - bytes_.base):
                    return at
                at += 1
                continue
            at = max(at, bytes_.size - len(MAGIC) + 1)
            bytes_.forget(at)
            self.leave_what_has_no_end()
            if not bytes_.more(bytes_.size + 1):
                return bytes_.size

    def leave_what_has_no_end(self) -> None:
        """A bomb: a member that unfolds without end, where each should hold one record."""
        if self.one_a_member is False or not self.bytes.members:
            return
        place, offset = self.bytes.members[-1]
        limit = _HELD_BYTES if self.one_a_member else self.max_bytes
        if self.bytes.size - place > limit and offset != self.left:
            self.left = offset
            self.bytes.source.leave()
