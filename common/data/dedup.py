"""Remove what a corpus says twice: repeated lines, and files that are near copies of one another.

Two passes over the files, bounded memory: the first counts or sketches, the second copies what
stays. Source: Lee et al. 2022, "Deduplicating Training Data Makes Language Models Better",
arXiv:2107.06499; the file interface is that of Stanford's CS336 (2025), assignment 4.

Taught in ch01_data/05_near_duplicates.ipynb.
Needs: minhash.py.
"""

import re
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from hashlib import blake2b
from pathlib import Path

from .minhash import (
    connected_components,
    jaccard,
    lsh_candidate_pairs,
    match_probability,
    minhash_signature,
    near_duplicates,
    shingles,
)

__all__ = [
    "connected_components",
    "exact_line_dedup",
    "jaccard",
    "lsh_candidate_pairs",
    "match_probability",
    "minhash_dedup",
    "minhash_signature",
    "near_duplicates",
    "remove_lines",
    "repeated_lines",
    "shingles",
]


def exact_line_dedup(input_paths: Iterable[str | Path], output_dir: str | Path) -> int:
    """Write every file into `output_dir` without the lines that occur twice or more in all of them.

    Such a line goes everywhere, its first occurrence too, and so do blank lines. Every input gives
    an output of the same name, an empty one if nothing is left. Line ends do not count as part of a
    line and are kept. Returns the number of lines removed. Memory: a 16-byte hash a distinct line.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "a.txt").write_text("Home\\nA kite.\\n")
    >>> _ = (folder / "b.txt").write_text("Home\\n")
    >>> exact_line_dedup([folder / "a.txt", folder / "b.txt"], folder / "out")
    2
    >>> (folder / "out" / "a.txt").read_text(), (folder / "out" / "b.txt").read_text()
    ('A kite.\\n', '')
    """
    outputs = _output_paths(input_paths, output_dir)
    counts = Counter(digest for path in outputs for _, digest in _hashed_lines(path))
    removed = 0
    for path, output in outputs.items():
        with open(output, "wb") as stream:
            for line, digest in _hashed_lines(path):
                if counts[digest] == 1:
                    stream.write(line)
                else:
                    removed += 1
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
) -> int:
    """Copy into `output_dir` one file of each cluster of near copies, byte for byte.

    Files are UTF-8 text, one document each; bytes that are not UTF-8 are compared as U+FFFD. The
    first of a cluster, in the order given, stays. Returns the number of files left out. See
    `near_duplicates` for the parameters. Memory: 8 bytes a distinct n-gram.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> for name, text in zip("abc", ["One kite, two.", "Bread.", "ONE kite; two"]):
    ...     _ = (folder / f"{name}.txt").write_text(text)
    >>> minhash_dedup([folder / f"{name}.txt" for name in "abc"], folder / "out")
    1
    >>> sorted(path.name for path in (folder / "out").iterdir())
    ['a.txt', 'b.txt']
    """
    outputs = _output_paths(input_paths, output_dir)
    keeper, _ = near_duplicates(
        (path.read_text(encoding="utf-8", errors="replace") for path in outputs),
        num_hashes=num_hashes,
        num_bands=num_bands,
        ngrams=ngrams,
        jaccard_threshold=jaccard_threshold,
        seed=seed,
    )
    staying = [pair for i, pair in enumerate(outputs.items()) if keeper[i] == i]
    for path, output in staying:
        shutil.copyfile(path, output)
    return len(outputs) - len(staying)


def repeated_lines(texts: Iterable[str], *, min_pages: int) -> frozenset[str]:
    """Lines, without surrounding white space, that stand on at least `min_pages` of the texts.

    Blank lines do not count, nor does a line that one text repeats.

    >>> repeated_lines(["Home\\n\\nA kite.", "Home\\n\\nA hat.", "Nest"], min_pages=2)
    frozenset({'Home'})
    """
    if min_pages < 2:
        raise ValueError(f"min_pages must be at least 2, not {min_pages}: every line stands on one")
    pages: Counter[str] = Counter()
    for text in texts:
        pages.update({line.strip() for line in text.split("\n")})
    return frozenset(line for line, count in pages.items() if line and count >= min_pages)


def remove_lines(text: str, lines: AbstractSet[str]) -> tuple[str, int]:
    """The text without these lines (compared without surrounding white space), and how many went.

    Paragraphs stay apart by one blank line where lines went; a text that has none of them comes
    back as it was.

    >>> remove_lines("Home\\n\\nA kite.\\n\\nShare\\n\\nA hat.", {"Home", "Share"})
    ('A kite.\\n\\nA hat.', 2)
    """
    old = text.split("\n")
    kept = [line for line in old if line.strip() not in lines]
    removed = len(old) - len(kept)
    if not removed:
        return text, 0
    return re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip("\n"), removed


def _hashed_lines(path: Path) -> Iterator[tuple[bytes, bytes]]:
    with open(path, "rb") as stream:
        for line in stream:
            yield line, blake2b(line.rstrip(b"\r\n"), digest_size=16).digest()


def _output_paths(input_paths: Iterable[str | Path], output_dir: str | Path) -> dict[Path, Path]:
    """Each input's place in `output_dir`; ValueError where two would overwrite something."""
    inputs: Sequence[Path] = [Path(path) for path in input_paths]
    folder = Path(output_dir)
    folder.mkdir(parents=True, exist_ok=True)
    for name, count in Counter(path.name for path in inputs).items():
        if count > 1:
            raise ValueError(f"{count} inputs are called {name}: their outputs would overwrite")
    for path in inputs:
        if path.resolve().parent == folder.resolve():
            raise ValueError(f"output_dir {folder.name} holds the input {path.name}")
    return {path: folder / path.name for path in inputs}
