"""Remove what a corpus says twice: lines, documents, and files that are near copies of another.

Everything works in two passes: the first sketches each document or line in a few bytes, the second
copies what stays. Source: Lee et al. 2022, "Deduplicating Training Data Makes Language Models
Better", arXiv:2107.06499; the file interface is that of Stanford's CS336 (2025), assignment 4.

Taught in ch01_data/05_near_duplicates.ipynb.
Needs: minhash.py, lsh.py.
"""

import contextlib
import os
import re
import shutil
import tempfile
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from pathlib import Path

import numpy as np

from .lsh import (
    connected_components,
    find_copies,
    first_of_each,
    lsh_candidate_pairs,
    match_probability,
    near_duplicates,
)
from .minhash import Sketch, jaccard, minhash_signature, shingles, sketch

__all__ = [
    "Sketch",
    "connected_components",
    "exact_line_dedup",
    "find_copies",
    "first_of_each",
    "jaccard",
    "line_hashes",
    "lsh_candidate_pairs",
    "match_probability",
    "minhash_dedup",
    "minhash_signature",
    "near_duplicates",
    "remove_lines",
    "repeated_lines",
    "shingles",
    "sketch",
    "text_digest",
]


def exact_line_dedup(input_paths: Iterable[str | Path], output_dir: str | Path) -> int:
    """Write every file into `output_dir` without the lines that occur twice or more in all of them.

    Such a line goes everywhere, its first occurrence too, and so do blank lines. Every input gives
    an output of the same name, an empty one if nothing is left. Line ends do not count as part of a
    line and are kept. Returns the number of lines removed. The outputs appear when all are written;
    a failure leaves what was there. In `output_dir` may stand what a run on the same files wrote,
    which goes, and nothing else. Memory: about 26 bytes a line, and the longest line. Two different
    lines of n are taken for one with a chance of n^2 / 2^65.

    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "a.txt").write_text("Home\\nA kite.\\n")
    >>> _ = (folder / "b.txt").write_text("Home\\n")
    >>> exact_line_dedup([folder / "a.txt", folder / "b.txt"], folder / "out")
    2
    >>> (folder / "out" / "a.txt").read_text(), (folder / "out" / "b.txt").read_text()
    ('A kite.\\n', '')
    """
    inputs = _checked(input_paths, output_dir)
    hashes = [_hashes_of_file(path) for path in inputs]
    repeated = _frequent(hashes, 2)
    removed = 0
    with _appearing_together(output_dir) as folder:
        for path, lines in zip(inputs, hashes, strict=True):
            gone = _among(lines, repeated)
            removed += int(np.count_nonzero(gone))
            with open(path, "rb") as source, open(folder / path.name, "xb") as target:
                pairs = zip(source, gone, strict=True)
                target.writelines(line for line, goes in pairs if not goes)
    return removed


def minhash_dedup(
    input_paths: Iterable[str | Path],
    output_dir: str | Path,
    *,
    num_hashes: int = 120,
    num_bands: int = 20,
    ngrams: int = 5,
    jaccard_threshold: float = 0.8,
    seed: int = 0,
    scores: Sequence[float] | None = None,
) -> int:
    """Copy into `output_dir` one file of each cluster of near copies, byte for byte.

    Files are UTF-8 text, one document each; bytes that are not UTF-8 are compared as U+FFFD. The
    first of a cluster, in the order given, stays, or the one with the highest of `scores` (one for
    each file). Returns the number of files left out. The outputs appear when all are written; a
    failure leaves what was there. In `output_dir` may stand what a run on the same files wrote,
    which goes, and nothing else: it would look like a file that stays. See `find_copies` for the
    rest. Memory: the `Sketch` of each file, and one file at a time.

    >>> folder = Path(tempfile.mkdtemp())
    >>> for name, text in zip("abc", ["One kite, two.", "Bread.", "ONE kite; two"]):
    ...     _ = (folder / f"{name}.txt").write_text(text)
    >>> minhash_dedup([folder / f"{name}.txt" for name in "abc"], folder / "out")
    1
    >>> sorted(path.name for path in (folder / "out").iterdir())
    ['a.txt', 'b.txt']
    """
    inputs = _checked(input_paths, output_dir)
    keeper, _ = near_duplicates(
        (path.read_text(encoding="utf-8", errors="replace") for path in inputs),
        num_hashes=num_hashes,
        num_bands=num_bands,
        ngrams=ngrams,
        jaccard_threshold=jaccard_threshold,
        seed=seed,
        scores=scores,
    )
    staying = np.flatnonzero(keeper == np.arange(len(inputs)))
    with _appearing_together(output_dir) as folder:
        for i in staying:
            shutil.copyfile(inputs[i], folder / inputs[i].name)
    return len(inputs) - len(staying)


def text_digest(text: str) -> bytes:
    """16 bytes that two texts share when they are the same to the letter (BLAKE2b of the UTF-8).

    >>> first_of_each(map(text_digest, ["A kite.", "A hat.", "A kite."])).tolist()
    [0, 1, 0]
    """
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def line_hashes(text: str) -> np.ndarray:
    """A text's lines without surrounding white space as sorted distinct hashes, (L,) uint64.

    Blank lines do not count. Cost: about a microsecond a line.

    >>> line_hashes("Home\\n\\n A kite.\\nHome ").shape
    (2,)
    """
    return np.unique(_hashes(filter(None, _stripped(text))))


def repeated_lines(hashes: Iterable[np.ndarray], *, min_pages: int) -> np.ndarray:
    """Lines that stand on at least `min_pages` pages, (R,) uint64, sorted.

    hashes: for each page its `line_hashes`, so a line that one page repeats counts once. Memory:
    about 26 bytes for each line of each page.

    >>> pages = ["Home\\n\\nA kite.", "Home\\n\\nA hat.", "Nest"]
    >>> repeated_lines(map(line_hashes, pages), min_pages=2) == line_hashes("Home")
    array([ True])
    """
    if min_pages < 2:
        raise ValueError(f"min_pages must be at least 2, not {min_pages}: every line stands on one")
    return _frequent(hashes, min_pages)


def remove_lines(text: str, lines: np.ndarray) -> tuple[str, int]:
    """The text without the lines whose hashes are among `lines`, and how many went.

    lines: sorted, from `repeated_lines`. Paragraphs stay apart by one blank line where lines went;
    a text that has none of them comes back as it was.

    >>> menu = line_hashes("Home\\nShare")
    >>> remove_lines("Home\\n\\nA kite.\\n\\nShare\\n\\nA hat.", menu)
    ('A kite.\\n\\nA hat.', 2)
    """
    gone = _among(_hashes(_stripped(text)), lines)
    removed = int(np.count_nonzero(gone))
    if not removed:
        return text, 0
    kept = [line for line, goes in zip(text.split("\n"), gone, strict=True) if not goes]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip("\n"), removed


def _stripped(text: str) -> Iterator[bytes]:
    return (line.strip().encode("utf-8", "surrogatepass") for line in text.split("\n"))


def _hashes_of_file(path: Path) -> np.ndarray:
    with open(path, "rb") as stream:
        return _hashes(line.rstrip(b"\r\n") for line in stream)


def _hashes(lines: Iterable[bytes]) -> np.ndarray:
    digests = (blake2b(line, digest_size=8).digest() for line in lines)
    return np.fromiter((int.from_bytes(digest, "little") for digest in digests), np.uint64)


def _frequent(hashes: Iterable[np.ndarray], count: int) -> np.ndarray:
    """The values that occur at least `count` times in all arrays together, sorted."""
    every = np.concatenate([np.empty(0, np.uint64), *hashes])
    every.sort()
    last = every[count - 1 :]
    return np.unique(last[last == every[: len(last)]])  # in order, so all between are equal too


def _among(values: np.ndarray, ordered: np.ndarray) -> np.ndarray:
    """Which of `values` are in `ordered`, which is sorted: one binary search each."""
    place = np.searchsorted(ordered, values)
    found = place < len(ordered)
    found[found] = ordered[place[found]] == values[found]
    return found


def _checked(input_paths: Iterable[str | Path], output_dir: str | Path) -> list[Path]:
    """The inputs as paths; ValueError where an output would overwrite or join something else."""
    if isinstance(input_paths, (str, Path)):
        one = str(input_paths)
        raise ValueError(f"input_paths must be several, such as a list, got the one {one!r}")
    inputs, folder = [Path(path) for path in input_paths], Path(output_dir)
    names: dict[str, list[str]] = defaultdict(list)
    for path in inputs:
        names[_folded(path.name)].append(path.name)
    for same in names.values():
        if len(same) > 1:
            called = " or ".join(dict.fromkeys(same))
            raise ValueError(
                f"{len(same)} inputs are called {called}: their outputs would overwrite"
            )
    for path in inputs:
        if path.resolve().parent == folder.resolve():
            raise ValueError(f"output_dir {folder.name} holds the input {path.name}")
    for path in sorted(folder.iterdir()) if folder.exists() else ():
        if _folded(path.name) not in names or not path.is_file():
            raise ValueError(
                f"output_dir {folder.name} holds {path.name}, which is no output for these inputs: "
                "delete it or take another folder"
            )
    return inputs


def _folded(name: str) -> str:
    """Some disks take names for the same that differ in case, or in how an accent is written."""
    return unicodedata.normalize("NFC", name).casefold()


@contextlib.contextmanager
def _appearing_together(output_dir: str | Path) -> Iterator[Path]:
    """A folder that takes the place of `output_dir` on success, and vanishes on failure."""
    target = Path(output_dir).resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as temporary:
        new, old = Path(temporary, "new"), Path(temporary, "old")
        new.mkdir()
        yield new
        if target.exists():
            os.replace(target, old)
        os.replace(new, target)
