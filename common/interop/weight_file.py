"""The safetensors format, read through a memory map and written one tensor at a time.

A file is 8 bytes with the length of a header, the header, and the numbers of all tensors, one after
the other. The header is JSON: name -> dtype, shape, and where the bytes begin and end. Nothing in
it is code, so a stranger's file can be read. It can still lie, and is believed only when all of it
fits the file: https://github.com/huggingface/safetensors, "Format".

A map makes the file look like memory. The system reads a page when it is touched, and `release`
gives the pages back, so that a tensor can be copied without the file being in memory as well.

Taught in ch04_model/06_exchange.ipynb.
Needs: nothing but torch.
"""

import json
import math
import mmap
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

_DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
    "F8_E4M3": torch.float8_e4m3fn,
    "F8_E5M2": torch.float8_e5m2,
}
_NAMES = {dtype: name for name, dtype in _DTYPES.items()}
_LONGEST_HEADER = 100_000_000  # bytes, the format's own limit
_PICKLE_STARTS = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")


@dataclass(frozen=True)
class _Entry:
    """Where a tensor lies in its file: bytes start..stop, counted from the file's beginning."""

    dtype: torch.dtype
    shape: tuple[int, ...]
    start: int
    stop: int


class WeightFile:
    """A safetensors file, its header checked against its size, its tensors mapped into memory.

    entries: name -> dtype, shape, start and stop. ValueError, naming the file and both numbers, for
    a file that is truncated, has bytes too many, or a header that is oversized, damaged or overlaps
    itself; a pickle under this name is refused unread.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "model.safetensors")
    >>> write_weights(path, {"w": torch.tensor([1.0, 2.0])})
    >>> WeightFile(path).tensor("w")
    tensor([1., 2.])
    >>> _ = path.write_bytes(path.read_bytes()[:-1])
    >>> WeightFile(path)
    Traceback (most recent call last):
    ValueError: ...model.safetensors is truncated: its header describes 104 bytes, it has 103
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        with self.path.open("rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            self.entries = self._read_header(stream.read(8), stream, size)
            # A private map: writing to it would change this process's copy, never the file.
            self._map = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_COPY)

    def tensor(self, name: str) -> Tensor:
        """The tensor as a view of the file: no byte is read before it is used."""
        entry = self.entries[name]
        nbytes = entry.stop - entry.start
        if not nbytes:
            return torch.empty(entry.shape, dtype=entry.dtype)
        if entry.start % entry.dtype.itemsize:  # the format does not promise whole addresses
            raw = torch.frombuffer(self._map, dtype=torch.uint8, count=nbytes, offset=entry.start)
            return raw.clone().view(entry.dtype).view(entry.shape)
        count = nbytes // entry.dtype.itemsize
        flat = torch.frombuffer(self._map, dtype=entry.dtype, count=count, offset=entry.start)
        return flat.view(entry.shape)

    def release(self) -> None:
        """Give back the memory of what was read; touching it again reads the file again."""
        if hasattr(mmap, "MADV_DONTNEED"):  # not on Windows, which drops pages by itself
            self._map.madvise(mmap.MADV_DONTNEED)

    def _read_header(self, first: bytes, stream: Any, size: int) -> dict[str, _Entry]:
        length = int.from_bytes(first, "little")
        # Some lengths begin like a pickle, 640 with 80 02: the brace of a header tells them apart.
        is_header = length <= _LONGEST_HEADER and stream.read(1) == b"{"
        if first.startswith(_PICKLE_STARTS) and not is_header:
            raise ValueError(f"{self.path} is a pickle, not safetensors: reading it could run code")
        if size < 8 or length > min(size - 8, _LONGEST_HEADER):
            raise ValueError(
                f"{self.path} is truncated or no safetensors file: it has {size} bytes and a "
                f"header of {length} (at most {_LONGEST_HEADER})"
            )
        stream.seek(8)
        try:
            content = json.loads(stream.read(length), object_pairs_hook=_no_name_twice)
            content.pop("__metadata__", None)
            entries = {name: _entry_of(value, 8 + length) for name, value in content.items()}
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ValueError(f"{self.path} has a damaged header: {error}") from None
        end = 8 + length
        for name, entry in sorted(entries.items(), key=lambda item: item[1].start):
            if entry.start != end:
                raise ValueError(
                    f"{self.path} has a damaged header: {name} begins at byte {entry.start}, "
                    f"what comes before it ends at {end}"
                )
            end = entry.stop
        if size != end:
            what = "is truncated" if size < end else "has bytes that no tensor owns"
            raise ValueError(f"{self.path} {what}: its header describes {end} bytes, it has {size}")
        return entries


def _no_name_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(content := dict(pairs)) < len(pairs):
        raise ValueError(f"a name occurs twice among {len(pairs)}")
    return content


def _entry_of(value: dict[str, Any], data_start: int) -> _Entry:
    shape, (start, stop) = tuple(value["shape"]), value["data_offsets"]
    if value["dtype"] not in _DTYPES:
        raise ValueError(f"dtype {value['dtype']!r} must be one of {', '.join(_DTYPES)}")
    dtype = _DTYPES[value["dtype"]]
    if any(type(number) is not int or number < 0 for number in (*shape, start, stop)):
        raise ValueError(f"sizes and offsets must be whole numbers, got {value}")
    if stop - start != math.prod(shape) * dtype.itemsize:
        raise ValueError(f"{stop - start} bytes cannot hold {shape} of {value['dtype']}")
    return _Entry(dtype, shape, data_start + start, data_start + stop)


def write_weights(
    path: str | os.PathLike[str],
    layout: Mapping[str, Tensor],
    tensors: Iterable[Tensor] | None = None,
) -> None:
    """Write a safetensors file, on the disk when this returns.

    layout: name -> a tensor of the dtype and shape; on the "meta" device it has no numbers.
    tensors: the numbers in the order of `layout`, made one at a time, so that no more than one is
    in memory; None takes those of `layout`.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "model.safetensors")
    >>> write_weights(path, {"w": torch.empty(2, device="meta")}, iter([torch.ones(2)]))
    >>> path.read_bytes()[8:].startswith(b'{"__metadata__":{"format":"pt"},"w":{"dtype":"F32"')
    True
    """
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}  # transformers asks for it
    end = 0
    for name, tensor in layout.items():
        start, end = end, end + tensor.numel() * tensor.dtype.itemsize
        shape = list(tensor.shape)
        header[name] = {"dtype": _NAMES[tensor.dtype], "shape": shape, "data_offsets": [start, end]}
    data = json.dumps(header, separators=(",", ":")).encode()
    data += b" " * (-len(data) % 8)  # so that the first tensor begins at a multiple of 8
    with Path(path).open("wb") as stream:
        stream.write(len(data).to_bytes(8, "little") + data)
        for wanted, tensor in zip(layout.values(), tensors or layout.values(), strict=True):
            if tensor.shape != wanted.shape or tensor.dtype != wanted.dtype:
                expected, got = ((tuple(t.shape), t.dtype) for t in (wanted, tensor))
                raise ValueError(f"a tensor must be {expected} as in the header, got {got}")
            raw = tensor.detach().cpu().contiguous().flatten().view(torch.uint8)
            stream.write(memoryview(raw.numpy()))
        stream.flush()
        os.fsync(stream.fileno())
