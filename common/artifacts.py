"""The store that hands each chapter's result to the next one, whole or not at all.

An artefact is a folder `root/<budget>/<name>/` with a `manifest.json` that lists its files (bytes
and SHA-256), the seed, the versions and the hashes of the artefacts it was made from. It appears
under its name only when it is complete, and it is checked whenever it is opened, with everything
upstream of it: a model is of no use with a tokenizer it was not trained on.

This is scaffolding of the book, not a subject of it: no notebook teaches it.
Needs: nothing but the standard library.
"""

import errno
import hashlib
import json
import platform
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

from . import __version__

MANIFEST = "manifest.json"
_CANNOT_WRITE = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG}


class ArtifactError(Exception):
    """An artefact is missing, damaged, out of date or cannot be written; the message says which."""


class ArtifactStore:
    """Artefacts of one budget under `root`.

    Args:
        root: the folder that holds one folder a budget.
        budget: "smoke" or "book"; part of the path and of every manifest.
        seed: recorded in the manifests of what is created.
        search: the budgets in which `path` looks, the best first; `create` writes under `budget`.
            Only `budget` unless given.

    >>> with tempfile.TemporaryDirectory() as folder:
    ...     store = ArtifactStore(folder, "smoke")
    ...     with store.create("numbers") as numbers:
    ...         _ = (numbers / "primes.txt").write_text("2 3 5 7")
    ...     (store.path("numbers") / "primes.txt").read_text()
    '2 3 5 7'
    """

    def __init__(
        self,
        root: str | Path,
        budget: str,
        *,
        seed: int = 0,
        search: Sequence[str] | None = None,
    ) -> None:
        self.root = Path(root)
        self.budget = budget
        self.seed = seed
        self.search = tuple(search or (budget,))
        self._digests: dict[tuple[str, int, int], str] = {}

    def path(self, name: str) -> Path:
        """The folder of a sound artefact.

        Sound means: complete, unchanged since it was written, written by this version, and made
        from the artefacts that the store holds now, which are sound themselves. Costs one SHA-256
        pass over its files and those upstream the first time; later calls compare sizes and times.

        Raises:
            ArtifactError: naming the artefact and what is wrong with it.
        """
        return self._sound(name)[0]

    def digest(self, name: str) -> str:
        """SHA-256 (hex) of the manifest of a sound artefact: equal content, equal digest.

        Raises:
            ArtifactError: as `path` does.
        """
        return self._sound(name)[1]

    @contextmanager
    def create(self, name: str, inputs: Sequence[str] = ()) -> Iterator[Path]:
        """Write an artefact: yields an empty folder, and puts it in place when the block ends well.

        If the block raises, or the process dies, whatever stood under the name before still stands.

        Args:
            name: the artefact.
            inputs: the artefacts it is made from; their digests go into the manifest.

        Raises:
            ArtifactError: an input is not sound, nothing was written, or the disk refuses.
        """
        digests = {name: self.digest(name) for name in inputs}
        parent = self.root / self.budget
        try:
            parent.mkdir(parents=True, exist_ok=True)
            partial = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=parent))
        except OSError as error:
            raise ArtifactError(
                f"cannot write artefact {name!r} under {parent}: {error.strerror}"
            ) from error
        try:
            yield partial
            self._seal(partial, name, digests)
            _replace(partial, parent / name)
        except OSError as error:
            if error.errno in _CANNOT_WRITE:
                raise ArtifactError(
                    f"cannot write artefact {name!r} under {parent}: {error.strerror}; "
                    "what stood there before is untouched"
                ) from error
            raise
        finally:
            shutil.rmtree(partial, ignore_errors=True)

    def remove_partial(self) -> None:
        """Delete what killed runs left half-written. Call it only when nothing else is writing.

        >>> ArtifactStore("/no/such/folder", "book").remove_partial()
        """
        for partial in (self.root / self.budget).glob(".*-*"):
            shutil.rmtree(partial, ignore_errors=True)

    def _seal(self, folder: Path, name: str, inputs: dict[str, str]) -> None:
        files = {
            file.relative_to(folder).as_posix(): {
                "bytes": file.stat().st_size,
                "sha256": self._sha256(file),
            }
            for file in sorted(folder.rglob("*"))
            if file.is_file()
        }
        if not files:
            raise ArtifactError(f"artefact {name!r} was left empty: write its files in the block")
        manifest = {
            "name": name,
            "budget": self.budget,
            "seed": self.seed,
            "versions": _versions(),
            "inputs": inputs,
            "files": files,
        }
        text = json.dumps(manifest, indent=1, sort_keys=True) + "\n"
        (folder / MANIFEST).write_text(text, encoding="utf-8")

    def _sound(self, name: str) -> tuple[Path, str]:
        """Folder and manifest digest of the first sound artefact of that name."""
        problems = []
        for budget in self.search:
            try:
                return self._check(name, budget)
            except ArtifactError as error:
                problems.append(error)
        raise problems[0]

    def _check(self, name: str, budget: str) -> tuple[Path, str]:
        folder = self.root / budget / name
        label = f"artefact {name!r} ({budget})"
        try:
            content = (folder / MANIFEST).read_bytes()
            manifest = json.loads(content)
            version, files = manifest["versions"]["common"], manifest["files"]
            inputs, written_as = manifest["inputs"], (manifest["name"], manifest["budget"])
            expected = {file: (entry["bytes"], entry["sha256"]) for file, entry in files.items()}
        except FileNotFoundError:
            raise ArtifactError(f"{label} is missing") from None
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ArtifactError(f"{label} has no readable manifest ({error})") from None
        if version != __version__:
            raise ArtifactError(f"{label} was written by version {version}, this is {__version__}")
        if written_as != (name, budget):
            raise ArtifactError(f"{label} was written as {written_as[0]!r} ({written_as[1]})")
        for file, (size, sha256) in expected.items():
            if not (folder / file).is_file():
                raise ArtifactError(f"{label} lacks its file {file}")
            if (found := (folder / file).stat().st_size) != size:
                raise ArtifactError(f"{label}: {file} has {found} bytes instead of {size}")
            if self._sha256(folder / file) != sha256:
                raise ArtifactError(f"{label}: {file} was changed after it was written")
        for source, digest in inputs.items():
            try:
                found = self.digest(source)
            except ArtifactError as error:
                raise ArtifactError(f"{label} rests on one that is not sound: {error}") from None
            if found != digest:
                raise ArtifactError(f"{label} was made from another {source!r}")
        return folder, hashlib.sha256(content).hexdigest()

    def _sha256(self, file: Path) -> str:
        status = file.stat()
        key = (str(file), status.st_size, status.st_mtime_ns)
        if key not in self._digests:
            with file.open("rb") as stream:
                self._digests[key] = hashlib.file_digest(stream, "sha256").hexdigest()
        return self._digests[key]


def _replace(partial: Path, target: Path) -> None:
    """Put a finished folder in the place of an older one."""
    if target.exists():
        old = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
        target.rename(old / target.name)
        partial.rename(target)
        shutil.rmtree(old, ignore_errors=True)
    else:
        partial.rename(target)


def _versions() -> dict[str, str]:
    return {
        "common": __version__,
        "python": platform.python_version(),
        "torch": metadata.version("torch"),
        "numpy": metadata.version("numpy"),
    }
