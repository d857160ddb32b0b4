"""The unzipped bytes of a file, and what is known of the members that they come from.

Needs: _members.py, _source.py.
"""

import bisect
import re
from typing import NamedTuple

from ._members import Members, Piece, Window, plain_pieces
from ._source import GZIP_MAGIC

MAGIC = b"WARC/"
_RECORD = re.compile(rb"WARC/\d\.\d[ \t]*\r?\n[!-9;-~]+:")  # its name alone can be anywhere
_SNIFFED_BYTES = 1 << 20


class Break(NamedTuple):
    """A place in the unzipped bytes at which something is missing."""

    position: int
    piece: Piece


def is_zipped(window: Window) -> bool:
    """Whether a file is gzipped: what it begins with says so, or what comes first in it."""
    if window.at(window.base, len(GZIP_MAGIC)) == GZIP_MAGIC:
        return True
    plain = _RECORD.search(window.at(window.base, _SNIFFED_BYTES))
    if plain and not plain.start():
        return False
    members = Members(window)
    member = members.find(window.base, within=_SNIFFED_BYTES, head=MAGIC)
    if member is None and not plain:
        member = members.find(window.base, within=_SNIFFED_BYTES)
    return member is not None and not (plain and plain.start() < member - window.base)


class Unzipped:
    """Unzipped bytes from a moving point on, and what is known of the members they come from.

    A position counts unzipped bytes from the beginning, an offset bytes of the file.
    """

    def __init__(self, window: Window, zipped: bool) -> None:
        self.source = Members(window, MAGIC) if zipped else None
        self.pieces = iter(self.source or plain_pieces(window))
        self.zipped, self.start = zipped, window.base
        self.data, self.base, self.kept = b"", 0, 0
        self.members: list[tuple[int, int]] = []  # position and offset of each that begins
        self.breaks: list[Break] = []
        self.end_of_member = -1  # where the last one ended that ended well
        self.is_at_end = False

    @property
    def size(self) -> int:
        return self.base + len(self.data)

    def forget(self, position: int) -> None:
        """Whatever stands before `position` will not be asked for again."""
        self.kept = position
        del self.members[: max(self.count_members(position) - 1, 0)]

    def more(self, position: int) -> bool:
        """Read on to `position`, to a break or to a member that may begin with a record.

        False at the end of the file.
        """
        if self.is_at_end:
            return False
        if self.kept > self.base:
            self.data, self.base = self.data[self.kept - self.base :], self.kept
        size, parts = self.size, [self.data] if self.data else []
        ahead = max(position, size + len(self.data) // 8)  # so no byte is copied often
        for piece in self.pieces:
            is_new = not self.members or self.members[-1][1] != piece.offset
            if is_new:
                self.members.append((size, piece.offset))
            parts.append(piece.data)
            size += len(piece.data)
            if piece.broken:
                self.breaks.append(Break(size, piece))
            if piece.ends:
                self.end_of_member = size
            head = piece.data[: len(MAGIC)] if is_new else b""
            if size >= ahead or piece.broken or (head and MAGIC.startswith(head)):
                self.data = parts[0] if len(parts) == 1 else b"".join(parts)
                return True
        self.data, self.is_at_end = b"".join(parts), True
        return size >= position

    def reach(self, position: int) -> bool:
        """Whether the bytes before `position` are there, once they are read."""
        while self.size < position:
            if not self.more(position):
                return False
        return True

    def starts_with(self, what: bytes, position: int) -> bool:
        self.reach(position + len(what))
        return self.data.startswith(what, position - self.base)

    def count_members(self, position: int) -> int:
        """How many of the members that are known begin at `position` or before."""
        return bisect.bisect_right(self.members, position, key=_place)

    def begins_member(self, position: int) -> bool:
        count = self.count_members(position)
        return count > 0 and self.members[count - 1][0] == position

    def broken_before(self, position: int) -> Piece | None:
        if self.breaks and self.breaks[0].position < position:
            return self.breaks[0].piece
        return None

    def offset(self, position: int) -> int:
        """The byte of the file at which `position` stands, or its member begins."""
        if not self.zipped:
            return self.start + position
        return self.members[self.count_members(position) - 1][1]


def _place(member: tuple[int, int]) -> int:
    return member[0]
