"""Many short arrays on disk: all values one after another, and where each array ends.

Needs: nothing but numpy.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

_ENDS = ".ends"


def write_ragged(rows: Sequence[Mapping[str, np.ndarray]], path: Path) -> None:
    """Write dictionaries of one-dimensional arrays to one file.

    ValueError unless all have the same names, at least one, and under each arrays of one type.
    """
    arrays: dict[str, np.ndarray] = {}
    names = list(rows[0]) if rows else []
    for row in rows:
        _check_names(row, names)
    for name in names:
        parts = [np.asarray(row[name]) for row in rows]
        for part in parts:
            if part.ndim != 1:
                raise ValueError(f"{name} of a sketch must have one dimension, not {part.shape}")
            _check_type(name, part.dtype, parts[0].dtype)
        arrays[name] = np.concatenate(parts)
        arrays[name + _ENDS] = np.cumsum([len(part) for part in parts], dtype=np.int64)
    with open(path, "wb") as stream:
        np.savez(stream, **arrays)


def _check_names(names: Iterable[str], first: Iterable[str]) -> None:
    if not names or set(names) != set(first):
        raise ValueError(f"sketches need the same names: one holds {[*first]}, one {[*names]}")


def _check_type(name: str, dtype: np.dtype, first: np.dtype) -> None:
    if dtype != first:
        raise ValueError(f"{name} is {dtype} in one sketch and {first} in another: one for all")


class Ragged(Sequence):
    """The rows of several such files, in order; values stay on disk until they are looked at."""

    def __init__(self, paths: Iterable[Path], folder: Path) -> None:
        """Copy the values of all files into `folder`, one file for each name, and map those."""
        folder.mkdir(exist_ok=True)
        lengths: dict[str, list[np.ndarray]] = {}
        types: dict[str, np.dtype] = {}
        streams = {}
        for path in paths:
            with np.load(path) as arrays:
                names = [key for key in arrays.files if not key.endswith(_ENDS)]
                if names:
                    _check_names(names, streams or names)
                for name in names:
                    values = arrays[name]
                    if name not in streams:
                        streams[name] = open(folder / name, "wb")
                        types[name], lengths[name] = values.dtype, []
                    _check_type(name, values.dtype, types[name])
                    streams[name].write(values.tobytes())
                    lengths[name].append(np.diff(arrays[name + _ENDS], prepend=0))
        for stream in streams.values():
            stream.close()
        self._bounds = {
            name: np.cumsum(np.concatenate(([0], *parts))).tolist()
            for name, parts in lengths.items()
        }
        self._values = {
            name: np.memmap(folder / name, types[name], "r")
            if bounds[-1]
            else np.empty(0, types[name])
            for name, bounds in self._bounds.items()
        }

    def __len__(self) -> int:
        return max((len(bounds) - 1 for bounds in self._bounds.values()), default=0)

    def __getitem__(self, i: int) -> dict[str, np.ndarray]:
        if not 0 <= i < len(self):
            raise IndexError(i)
        return {
            name: np.asarray(self._values[name][bounds[i] : bounds[i + 1]])
            for name, bounds in self._bounds.items()
        }
