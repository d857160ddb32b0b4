"""A gzipped file as its members, one after the other, whatever state it is in.

A WARC file is zipped record by record: each record is a gzip member of its own (RFC 1952), so that
a reader can begin in the middle, and so that one broken member need not cost the next. A broken
member does not say where it ends: the decoder runs on into what follows. So the search for the next
one begins one byte after the broken one's start.

Needs: nothing but the standard library.
"""

import re
import zlib
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

_MEMBER = re.compile(rb"\x1f\x8b\x08(?=[\x00-\x1f])")  # the upper flags are reserved
_READ_BYTES = 1 << 18
_FEED_BYTES = (1 << 14, 1 << 16)  # zipped bytes for the decoder at once, at first and later
_PIECE_BYTES = (1 << 18, 1 << 10)  # unzipped bytes from it at once, and after many in vain
_PROBE_BYTES = 1 << 12
# How far a decoder can run beyond the end of a broken member before it notices, and then some.
LOOK_BACK_BYTES = 1 << 20
LOOK_AHEAD_BYTES = 1 << 23
_AGAIN_BYTES = 1 << 19  # that may be unzipped twice and more, and so many for each of the file
_OVERRUN_BYTES = 64
_BOMB_BYTES = 1 << 26  # that may be unzipped for nothing, and so many for each of the file:
_BOMB_RATIO = 100  # text is zipped to a tenth, and zeros to a thousandth
TRY_BYTES = 1000  # in the time that it takes to see that a line or a record is none


class Piece(NamedTuple):
    """Bytes in their order; `offset` is where the member that they come from begins in the file.

    ends: the member ends well with them. broken: why nothing more of it can be had, or "".
    suspect: what was unzipped before it broke may be wrong, too.
    """

    data: bytes
    offset: int
    ends: bool = False
    broken: str = ""
    suspect: bool = False


class Window:
    """A file read in order, which remembers what it has read from a moving point on."""

    def __init__(self, stream: BinaryIO, offset: int) -> None:
        self.stream, self.base, self.data = stream, offset, bytearray()
        self.is_at_end, self.error = False, ""

    def at(self, offset: int, size: int) -> bytes:
        """Up to `size` bytes from `offset` of the file; fewer at its end only."""
        while not self.is_at_end and self.base + len(self.data) < offset + size:
            self._read()
        begin = offset - self.base
        return bytes(memoryview(self.data)[begin : begin + size])

    def _read(self) -> None:
        try:
            data = self.stream.read1(_READ_BYTES)  # not read(): an error would lose what came
        except OSError as error:
            data, self.error = b"", str(error)
        self.is_at_end = not data
        self.data += data

    def forget(self, offset: int) -> None:
        """Whatever stands before `offset` will not be asked for again."""
        if offset - self.base > _READ_BYTES:
            del self.data[: offset - self.base]
            self.base = offset


def plain_pieces(window: Window) -> Iterator[Piece]:
    """A file that is not zipped, as pieces of one member."""
    start = at = window.base
    while data := window.at(at, _PIECE_BYTES[0]):
        at += len(data)
        window.forget(at)
        yield Piece(data, start)
    if window.error:
        yield Piece(b"", start, broken=window.error)


class Members:
    """The members of a gzipped file from a window's beginning on, as pieces.

    head: what most members begin with, unzipped.
    spent: what was unzipped so far; whoever finds something in it takes that off again.
    """

    def __init__(self, window: Window, head: bytes = b"") -> None:
        self.window, self.head, self.is_left = window, head, False
        self.size = self.reached = self.again = self.doubt = self.spent = self.at = 0

    def __iter__(self) -> Iterator[Piece]:
        offset = self.window.base
        if offset:
            offset = self.find(offset)  # the middle of a file is seldom where a member begins
        while offset is not None and self.window.at(offset, 1):
            end, is_whole = yield from self._inflate(offset)
            if is_whole:
                offset = self._skip_zeros(end)
                if (head := self.window.at(offset, 4)) and not _MEMBER.match(head):
                    yield Piece(b"", offset, broken="no gzip member begins where one ends")
                    offset = self.find(offset + 1)
            else:
                offset = self._after_broken(offset, end)
        if self.window.error:
            yield Piece(b"", self.window.base, broken=self.window.error)

    def is_flooded(self) -> bool:
        """Whether so much came of so few bytes, and for nothing, that no bomb may go on."""
        return self.spent > _BOMB_BYTES + _BOMB_RATIO * self.at

    def leave(self) -> None:
        """Go on with the next member that begins as records do, if there is one near."""
        self.is_left = True

    def find(self, offset: int, *, within: int = 0, head: bytes = b"") -> int | None:
        """Where the next member begins that can be unzipped, and whose bytes begin with `head`.

        Unless it is to be found `within` so many bytes, what was searched is forgotten.
        """
        window, limit = self.window, offset + within
        while data := window.at(offset, _READ_BYTES):
            for match in _MEMBER.finditer(data):
                if self._begins(offset + match.start(), head):
                    return offset + match.start()
            if len(data) < _READ_BYTES or (within and offset > limit):
                return None
            offset += len(data) - 3
            if not within:
                window.forget(offset)
        return None

    def _after_broken(self, offset: int, end: int) -> int | None:
        """Where to go on after a member that broke at `end`: a true one can begin inside of it.

        In a flood of false beginnings, each unfolding into the next, only those that begin as they
        should are tried from some point on, and later none inside of another.
        """
        if offset < self.reached:
            self.again += end - offset + self.size
        self.reached = max(self.reached, end)
        self.doubt = min(self.doubt + 1, self.again // (_AGAIN_BYTES + offset))
        back = LOOK_BACK_BYTES if self.doubt < 4 else _OVERRUN_BYTES
        return self.find(max(offset + 1, end - back), head=self.head if self.doubt else b"")

    def _inflate(self, offset: int) -> Iterator[Piece]:
        """Pieces of the member at `offset`; returns where it ends and whether that is its end."""
        window, at, self.size, self.is_left = self.window, offset, 0, False
        inflater = zlib.decompressobj(31)
        while True:
            fed = window.at(at, _FEED_BYTES[at > offset])
            if not fed:
                reason = window.error or "the file is cut off inside a gzip member"
                yield Piece(b"", offset, broken=reason)
                return at, False
            before = inflater.copy() if at > offset else zlib.decompressobj(31)
            try:
                data = inflater.decompress(fed, _PIECE_BYTES[self.is_flooded()])
            except zlib.error as error:
                reason = f"a gzip member is broken ({str(error).rpartition(': ')[2]})"
                data, used = _salvage(before, fed)
                yield Piece(data, offset, False, reason, suspect=True)
                self.size += len(data)
                return at + used, False
            # At the end of a member bytes can stand in both, if its output had a limit before.
            left = inflater.unused_data if inflater.eof else inflater.unconsumed_tail
            at, self.size = at + len(fed) - len(left), self.size + len(data)
            self.at, self.spent = at, self.spent + len(data)
            window.forget(max(offset, at - LOOK_BACK_BYTES))
            yield Piece(data, offset, inflater.eof)
            if inflater.eof:
                return at, True
            if self.size > _BOMB_RATIO * (at - offset) and self.is_flooded():
                yield Piece(b"", offset, broken="a gzip member unfolds to a flood of bytes")
                return at, False
            if self.is_left:
                self.is_left = False
                found = self.find(at, within=LOOK_AHEAD_BYTES, head=self.head)
                if found is not None:
                    return found, True

    def _begins(self, offset: int, head: bytes) -> bool:
        try:
            data = zlib.decompressobj(31).decompress(self.window.at(offset, _PROBE_BYTES), 64)
        except zlib.error:
            return False
        return data.startswith(head) and bool(data)

    def _skip_zeros(self, offset: int) -> int:
        """Tapes and some disks fill the end of a file with zeros."""
        while self.window.at(offset, 1) == b"\0":
            data = self.window.at(offset, _READ_BYTES)
            offset += len(data) - len(data.lstrip(b"\0"))
            self.window.forget(offset)
        return offset


def _salvage(inflater: "zlib._Decompress", fed: bytes) -> tuple[bytes, int]:
    """What can be unzipped of `fed` before the byte at which the decoder gives up, and that."""
    parts, at, size = [], 0, len(fed)
    while size > 1:
        size = max(1, size // 16)
        while at < len(fed):
            before = inflater.copy()
            try:
                parts.append(inflater.decompress(fed[at : at + size], _PIECE_BYTES[0]))
            except zlib.error:
                inflater = before
                break
            at += size
    return b"".join(parts), at
