"""Files broken on purpose, the same ones every time: what a disk, a network or a crawler does."""

import gzip
import time
from random import Random

# What a piece of hostile input may cost, in CPU seconds: ten times what the slowest of them needs.
HANG_S = 1.0

# How often each kind of damage is done.
KINDS = ["flip", "byte", "cut_out", "insert", "repeat", "zeros", "end", "swap", "digit"]


def mutate(dice: Random, data: bytes) -> tuple[bytes, int, int]:
    """A mutant of some bytes, and the bytes [begin, end) of the original that it does not keep."""
    kind, begin = dice.choice(KINDS), dice.randrange(len(data))
    size = min(dice.choice([1, 2, 5, 20, 100, 500]), len(data) - begin)
    end, old = begin + size, data[begin : begin + size]
    if kind == "flip":
        old, end = data[begin : begin + 1], begin + 1
        new = bytes([old[0] ^ 1 << dice.randrange(8)])
    elif kind == "byte":
        new, end = dice.randbytes(1), begin + 1
    elif kind == "cut_out":
        new = b""
    elif kind == "insert":
        new, end = dice.choice([dice.randbytes(size), b"\r\n" * size, b"\0" * size]), begin
    elif kind == "repeat":
        new = old + old
    elif kind == "zeros":
        new = bytes(size)
    elif kind == "end":
        new, end = b"", len(data)
    elif kind == "swap":
        new = old[::-1]
    else:  # a length that says something else
        begin = next((i for i in range(begin, len(data)) if data[i : i + 1].isdigit()), begin)
        new, end = b"%d" % dice.choice([0, 7, 42, 999, 10 ** dice.randrange(18)]), begin + 1
    return data[:begin] + new + data[end:], begin, max(end, begin + 1)


def gzipped(data: bytes, level: int = 9) -> bytes:
    """A gzip member without the time in its header: the same bytes at any moment."""
    return gzip.compress(data, level, mtime=0)


class Watch:
    """The CPU seconds of the slowest piece of work: a busy machine is not a hang."""

    def __init__(self) -> None:
        self.slowest = 0.0

    def __enter__(self) -> None:
        self.start = time.process_time()

    def __exit__(self, *error: object) -> None:
        self.slowest = max(self.slowest, time.process_time() - self.start)
