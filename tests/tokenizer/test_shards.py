"""Token shards: what is on disk, how it is checked, how a corpus is split."""

import json
import os
from types import SimpleNamespace

import numpy as np
import pytest

from common.tokenizer.encode import BPETokenizer
from common.tokenizer.shards import ShardInfo, open_shard, write_corpus_shards, write_shard

BYTES = {i: bytes([i]) for i in range(256)}
SMALL = BPETokenizer(BYTES, [], ["<|endoftext|>"])


def documents(prefix: str, count: int) -> list[SimpleNamespace]:
    return [SimpleNamespace(id=f"{prefix}{i}", text=f"{prefix} {i}") for i in range(count)]


def split_documents(path) -> list[str]:
    return SMALL.decode(open_shard(path).tolist()).split("<|endoftext|>")[:-1]


def test_write_shard_ends_every_document_with_the_separator(tmp_path):
    info = write_shard(["ab", "é"], SMALL, tmp_path / "a.bin")
    assert open_shard(tmp_path / "a.bin").tolist() == [97, 98, 256, 0xC3, 0xA9, 256]
    assert info == ShardInfo(tokens=6, documents=2, text_bytes=4, dtype="uint16")
    assert (tmp_path / "a.bin").read_bytes()[:6] == b"a\x00b\x00\x00\x01", "little-endian uint16"


def test_write_shard_in_batches_equals_one_batch(tmp_path, monkeypatch):
    texts = [f"document {i}" for i in range(20)]
    whole = write_shard(texts, SMALL, tmp_path / "a.bin")
    monkeypatch.setattr("common.tokenizer.shards._BATCH_IDS", 25)
    assert write_shard(texts, SMALL, tmp_path / "b.bin") == whole
    assert (tmp_path / "a.bin").read_bytes() == (tmp_path / "b.bin").read_bytes()


def test_write_shard_keeps_a_typed_separator_as_text(tmp_path):
    write_shard(["a<|endoftext|>b"], SMALL, tmp_path / "a.bin")
    assert open_shard(tmp_path / "a.bin").tolist().count(256) == 1


def test_write_shard_takes_the_dtype_that_the_vocabulary_needs(tmp_path):
    big = BPETokenizer(BYTES | {65536: b"<|endoftext|>"}, [], ["<|endoftext|>"])
    assert write_shard(["a"], big, tmp_path / "a.bin").dtype == "uint32"
    assert open_shard(tmp_path / "a.bin").tolist() == [97, 65536]
    assert write_shard(["a"], SMALL, tmp_path / "b.bin", dtype="uint32").dtype == "uint32"
    with pytest.raises(ValueError, match="vocab_size 65537 does not fit uint16, .* 65535"):
        write_shard(["a"], big, tmp_path / "c.bin", dtype="uint16")
    with pytest.raises(ValueError, match="dtype must be uint16 or uint32, not 'int8'"):
        write_shard(["a"], SMALL, tmp_path / "c.bin", dtype="int8")


def test_write_shard_refuses_an_unknown_separator(tmp_path):
    with pytest.raises(ValueError, match="'<eos>' is no special token"):
        write_shard(["a"], SMALL, tmp_path / "a.bin", separator="<eos>")


def test_write_shard_that_fails_leaves_nothing(tmp_path):
    with pytest.raises(ValueError, match="lone surrogate"):
        write_shard(["fine", "\ud800"], SMALL, tmp_path / "a.bin")
    assert os.listdir(tmp_path) == []


def test_open_shard_maps_the_file_read_only(tmp_path):
    write_shard(["abc"], SMALL, tmp_path / "a.bin")
    ids = open_shard(tmp_path / "a.bin")
    assert isinstance(ids, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        ids[0] = 1


def test_open_shard_of_no_documents_is_empty(tmp_path):
    write_shard([], SMALL, tmp_path / "a.bin")
    assert open_shard(tmp_path / "a.bin").shape == (0,)


def test_open_shard_refuses_a_file_cut_off(tmp_path):
    path = tmp_path / "a.bin"
    write_shard(["abc"], SMALL, path)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match=r"must have 8 bytes \(4 tokens of uint16\), but has 7"):
        open_shard(path)


def test_open_shard_refuses_a_shard_without_its_manifest(tmp_path):
    write_shard(["abc"], SMALL, tmp_path / "a.bin")
    (tmp_path / "a.bin").rename(tmp_path / "b.bin")
    with pytest.raises(ValueError, match="does not mention b.bin"):
        open_shard(tmp_path / "b.bin")
    (tmp_path / "shard.json").write_text("{")
    with pytest.raises(ValueError, match="shard.json is damaged or cut off"):
        open_shard(tmp_path / "b.bin")
    (tmp_path / "shard.json").unlink()
    with pytest.raises(ValueError, match="shard.json is missing"):
        open_shard(tmp_path / "b.bin")


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
