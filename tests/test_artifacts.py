"""The artefact store: whole or not at all, and never mixed up."""

import errno
import json
from pathlib import Path

import pytest

from common.artifacts import ArtifactError, ArtifactStore


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    """A store with the chain tokenizer -> shards -> base."""
    store = ArtifactStore(tmp_path, "book")
    write(store, "tokenizer", "a b c")
    write(store, "shards", "0 1 2", inputs=["tokenizer"])
    write(store, "base", "weights", inputs=["shards"])
    return store


def write(store: ArtifactStore, name: str, text: str, inputs: tuple[str, ...] = ()) -> None:
    with store.create(name, inputs) as folder:
        (folder / "parts").mkdir()
        (folder / "parts" / "data.txt").write_text(text)


def test_create_then_path_gives_the_files(store: ArtifactStore) -> None:
    assert (store.path("base") / "parts" / "data.txt").read_text() == "weights"


def test_create_replaces_the_older_artefact_and_leaves_nothing_else(store: ArtifactStore) -> None:
    write(store, "base", "better weights", inputs=["shards"])
    assert (store.path("base") / "parts" / "data.txt").read_text() == "better weights"
    names = sorted(p.name for p in (store.root / "book").iterdir())
    assert names == ["base", "shards", "tokenizer"]


def test_create_that_fails_keeps_the_older_artefact(store: ArtifactStore) -> None:
    with pytest.raises(KeyError), store.create("base", ["shards"]) as folder:
        (folder / "data.txt").write_text("half")
        raise KeyError("training failed")
    assert (store.path("base") / "parts" / "data.txt").read_text() == "weights"
    assert len(list((store.root / "book").iterdir())) == 3


def test_digest_depends_on_content_only(tmp_path: Path) -> None:
    first, second = ArtifactStore(tmp_path / "a", "book"), ArtifactStore(tmp_path / "b", "book")
    write(first, "x", "same")
    write(second, "x", "same")
    assert first.digest("x") == second.digest("x")
    write(second, "x", "other")
    assert first.digest("x") != second.digest("x")


def test_seed_is_recorded(tmp_path: Path) -> None:
    seeded = ArtifactStore(tmp_path, "book", seed=7)
    write(seeded, "x", "text")
    assert json.loads((seeded.path("x") / "manifest.json").read_text())["seed"] == 7


def damage_truncate(folder: Path) -> None:
    (folder / "parts" / "data.txt").write_text("0 1")


def damage_flip(folder: Path) -> None:
    (folder / "parts" / "data.txt").write_text("0 1 3")


def damage_lose(folder: Path) -> None:
    (folder / "parts" / "data.txt").unlink()


def damage_manifest(folder: Path) -> None:
    text = (folder / "manifest.json").read_text()
    (folder / "manifest.json").write_text(text[: len(text) // 2])


def damage_keys(folder: Path) -> None:
    (folder / "manifest.json").write_text("[]")


def damage_version(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["versions"]["common"] = "0.0.0"
    (folder / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (damage_truncate, r"parts/data.txt has 3 bytes instead of 5"),
        (damage_flip, r"parts/data.txt was changed"),
        (damage_lose, r"lacks its file parts/data.txt"),
        (damage_manifest, r"no readable manifest"),
        (damage_keys, r"no readable manifest"),
        (damage_version, r"written by version 0.0.0"),
    ],
)
def test_path_names_the_damage_and_so_does_everything_downstream(
    store: ArtifactStore, damage, message: str
) -> None:
    damage(store.path("shards"))
    with pytest.raises(ArtifactError, match=r"'shards' \(book\).*" + message):
        store.path("shards")
    with pytest.raises(ArtifactError, match=r"'base' \(book\) rests on .*'shards'.*" + message):
        store.path("base")
    assert store.path("tokenizer").is_dir()


def test_path_of_nothing_says_missing(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"'corpus' \(smoke\) is missing"):
        ArtifactStore(tmp_path, "smoke").path("corpus")


def test_path_refuses_what_was_made_from_another_input(store: ArtifactStore) -> None:
    write(store, "tokenizer", "x y z")
    with pytest.raises(ArtifactError, match="'shards' .* was made from another 'tokenizer'"):
        store.path("base")
    write(store, "tokenizer", "a b c")
    assert store.path("base").name == "base"


def test_path_refuses_a_copy_under_another_budget(store: ArtifactStore, tmp_path: Path) -> None:
    (tmp_path / "book").rename(tmp_path / "smoke")
    with pytest.raises(ArtifactError, match=r"was written as 'tokenizer' \(book\)"):
        ArtifactStore(tmp_path, "smoke").path("tokenizer")


def test_search_takes_the_first_sound_one_and_keeps_the_chain_consistent(
    store: ArtifactStore, tmp_path: Path
) -> None:
    small = ArtifactStore(tmp_path, "smoke", search=("book", "smoke"))
    assert small.path("tokenizer") == tmp_path / "book" / "tokenizer"
    damage_truncate(store.path("tokenizer"))
    write(small, "tokenizer", "a b")
    assert small.path("tokenizer") == tmp_path / "smoke" / "tokenizer"
    # The shards and the model at the book budget belong to the damaged tokenizer.
    with pytest.raises(ArtifactError, match="'base' .* 'shards' .* made from another 'tokenizer'"):
        small.path("base")


def test_create_refuses_an_unsound_input(store: ArtifactStore) -> None:
    damage_lose(store.path("shards"))
    with pytest.raises(ArtifactError, match="lacks its file"):
        write(store, "base", "weights", inputs=["shards"])


def test_create_refuses_an_empty_artefact(tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path, "book")
    with pytest.raises(ArtifactError, match="'base' was left empty"), store.create("base"):
        pass


def test_create_says_that_the_disk_is_full_and_loses_nothing(store: ArtifactStore) -> None:
    with (
        pytest.raises(ArtifactError, match="'base' .*No space left on device; what stood"),
        store.create("base", ["shards"]),
    ):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert (store.path("base") / "parts" / "data.txt").read_text() == "weights"


def test_create_passes_other_errors_on(store: ArtifactStore) -> None:
    with pytest.raises(FileNotFoundError, match="no-such"), store.create("base", ["shards"]):
        open("no-such-file")


def test_create_says_that_the_folder_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    store = ArtifactStore(tmp_path / "file", "book")
    with pytest.raises(ArtifactError, match="cannot write artefact 'base'"), store.create("base"):
        pass


def test_remove_partial_takes_leftovers_only(store: ArtifactStore) -> None:
    leftover = store.root / "book" / ".base-abc123"
    leftover.mkdir()
    (leftover / "half.bin").write_bytes(b"\0")
    store.remove_partial()
    assert not leftover.exists()
    assert store.path("base").is_dir()
