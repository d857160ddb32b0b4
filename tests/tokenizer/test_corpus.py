"""How a corpus is split into what trains a model and what is held out."""

import json
from types import SimpleNamespace

import pytest

from common.tokenizer.corpus import write_corpus_shards
from common.tokenizer.encode import BPETokenizer
from common.tokenizer.shards import open_shard

SMALL = BPETokenizer({i: bytes([i]) for i in range(256)}, [], ["<|endoftext|>"])


def documents(prefix: str, count: int) -> list[SimpleNamespace]:
    return [SimpleNamespace(id=f"{prefix}{i}", text=f"{prefix} {i}") for i in range(count)]


def split_documents(path) -> list[str]:
    return SMALL.decode(open_shard(path).tolist()).split("<|endoftext|>")[:-1]


def test_write_corpus_shards_splits_every_source(tmp_path):
    infos = write_corpus_shards(
        documents("town", 100),
        documents("library", 30),
        SMALL,
        tmp_path,
        valid_fraction=0.02,
        seed=0,
    )
    train, valid = split_documents(tmp_path / "train.bin"), split_documents(tmp_path / "valid.bin")
    assert (infos["train"].documents, infos["valid"].documents) == (127, 3)
    assert sorted(text.split()[0] for text in valid) == ["library", "town", "town"]
    everything = [doc.text for doc in documents("town", 100) + documents("library", 30)]
    assert sorted(train + valid) == sorted(everything)
    assert json.loads((tmp_path / "shard.json").read_text())["train.bin"]["documents"] == 127


def test_write_corpus_shards_shuffles_by_the_seed_alone(tmp_path):
    orders = {}
    for name, seed, town in [
        ("same", 0, documents("town", 50)),
        ("reversed", 0, documents("town", 50)[::-1]),
        ("other", 1, documents("town", 50)),
    ]:
        (tmp_path / name).mkdir()
        write_corpus_shards(
            town, documents("library", 50), SMALL, tmp_path / name, valid_fraction=0.1, seed=seed
        )
        orders[name] = split_documents(tmp_path / name / "train.bin")
    assert orders["same"] == orders["reversed"] != orders["other"]
    assert len({text.split()[0] for text in orders["same"][:20]}) == 2, "the sources are mixed"


@pytest.mark.parametrize("share", [0.0, 0.05, 0.3, 1.0])
def test_write_corpus_shards_keeps_the_share_of_the_library(tmp_path, share):
    sources = documents("town", 200), documents("library", 200)
    write_corpus_shards(*sources, SMALL, tmp_path, valid_fraction=0.1, seed=0, library_share=share)
    texts = split_documents(tmp_path / "train.bin") + split_documents(tmp_path / "valid.bin")
    size = {name: sum(len(t) for t in texts if t.startswith(name)) for name in ("town", "library")}
    assert size["town"] == sum(len(document.text) for document in sources[0])
    part = size["library"] / (size["library"] + size["town"])
    assert share - 0.01 < part <= share if share < 1 else len(texts) == 400


def test_write_corpus_shards_refuses_a_part_without_documents(tmp_path):
    with pytest.raises(ValueError, match="valid_fraction 1 must lie between 0 and 1"):
        write_corpus_shards([], [], SMALL, tmp_path, valid_fraction=1, seed=0)
    with pytest.raises(ValueError, match="library_share 5 must lie between 0 and 1"):
        write_corpus_shards([], [], SMALL, tmp_path, valid_fraction=0.1, seed=0, library_share=5)
    with pytest.raises(ValueError, match="the train part has no documents"):
        write_corpus_shards(documents("a", 1), [], SMALL, tmp_path, valid_fraction=0.1, seed=0)


def test_write_corpus_shards_with_two_workers_gives_the_same_files(tmp_path):
    for folder, workers in (("one", 1), ("two", 2)):
        (tmp_path / folder).mkdir()
        write_corpus_shards(
            documents("town", 30),
            documents("library", 9),
            SMALL,
            tmp_path / folder,
            valid_fraction=0.1,
            seed=0,
            num_workers=workers,
        )
    for name in ("train.bin", "valid.bin", "shard.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
