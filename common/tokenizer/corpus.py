"""Which documents of a corpus train a model, which are held out, and in which order they stand.

Both are decided by a hash of the document's id and a seed: the same on every machine, whatever the
order in which the documents come.

Taught in ch02_tokenizer/04_ids_to_vectors.ipynb.
Needs: encode.py, shards.py.
"""

import hashlib
import math
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from .encode import BPETokenizer
from .shards import ShardInfo, write_shard


class _Document(Protocol):
    id: str
    text: str


def write_corpus_shards(
    town_docs: Iterable[_Document],
    library_docs: Iterable[_Document],
    tokenizer: BPETokenizer,
    folder: str | os.PathLike[str],
    *,
    valid_fraction: float,
    seed: int,
    library_share: float = 1.0,
    num_workers: int = 1,
) -> dict[str, ShardInfo]:
    """Write train.bin and valid.bin: {"train": ..., "valid": ...}.

    Documents are put in the order of a hash of their id and `seed`: a shuffle that is the same on
    every machine. Of each source the first `valid_fraction`, rounded up, are held out. In that
    order, library documents are left out that would take more than `library_share` of all bytes.
    num_workers: processes that encode; for any number the files are the same.

    Raises ValueError when a fraction is not between 0 and 1, or a part has no documents.

    >>> import tempfile
    >>> from types import SimpleNamespace
    >>> documents = [SimpleNamespace(id=str(i), text="some text") for i in range(100)]
    >>> tokenizer = BPETokenizer({i: bytes([i]) for i in range(256)}, [], ["<|endoftext|>"])
    >>> folder = tempfile.mkdtemp()
    >>> infos = write_corpus_shards(documents, [], tokenizer, folder, valid_fraction=0.02, seed=0)
    >>> infos["train"].documents, infos["valid"].documents
    (98, 2)
    """
    if not 0 < valid_fraction < 1:
        raise ValueError(f"valid_fraction {valid_fraction} must lie between 0 and 1")
    if not 0 <= library_share <= 1:
        raise ValueError(f"library_share {library_share} must lie between 0 and 1")

    def order(document: _Document) -> bytes:
        return hashlib.sha256(f"{seed}:{document.id}".encode()).digest()

    town = sorted(town_docs, key=order)
    library = _share(sorted(library_docs, key=order), town, library_share)
    parts: dict[str, list[_Document]] = {"train": [], "valid": []}
    for documents in (town, library):
        held_out = math.ceil(valid_fraction * len(documents))
        parts["valid"] += documents[:held_out]
        parts["train"] += documents[held_out:]
    infos = {}
    for name, documents in parts.items():
        if not documents:
            raise ValueError(f"the {name} part has no documents: give more than one a source")
        texts = (document.text for document in sorted(documents, key=order))
        path = Path(folder) / f"{name}.bin"
        infos[name] = write_shard(texts, tokenizer, path, num_workers=num_workers)
    return infos


def _share(library: list[_Document], town: list[_Document], share: float) -> list[_Document]:
    """The documents of `library` that fit, in order, into `share` of the bytes of both."""
    if share == 1:
        return library
    room = share / (1 - share) * sum(len(document.text.encode()) for document in town)
    chosen = []
    for document in library:
        if (size := len(document.text.encode())) <= room:
            chosen.append(document)
            room -= size
    return chosen
