"""Token shards: what is on disk, how it is checked, how it is written and read in parts."""

import hashlib
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.tokenizer.encode import BPETokenizer
from common.tokenizer.shards import ShardInfo, open_shard, open_shards, write_shard, write_shards
from tests.tokenizer.samples import tokenizer

BYTES = {i: bytes([i]) for i in range(256)}
SMALL = BPETokenizer(BYTES, [], ["<|endoftext|>"])


def info_of(path, *, tokens: int, documents: int, text_bytes: int, dtype: str) -> ShardInfo:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return ShardInfo(tokens, documents, text_bytes, dtype, digest)


def test_write_shard_ends_every_document_with_the_separator(tmp_path):
    path = tmp_path / "a.bin"
    info = write_shard(["ab", "é"], SMALL, path)
    assert open_shard(path).tolist() == [97, 98, 256, 0xC3, 0xA9, 256]
    assert info == info_of(path, tokens=6, documents=2, text_bytes=4, dtype="uint16")
    assert path.read_bytes()[:6] == b"a\x00b\x00\x00\x01", "little-endian uint16"


def test_write_shard_of_a_file_equals_that_of_its_text(tmp_path):
    text = "Wörter,  and\r\n more of them. " * 40_000  # several blocks
    (tmp_path / "text.txt").write_bytes(text.encode())
    from_text = write_shard([text], tokenizer(), tmp_path / "a.bin")
    assert write_shard(tmp_path / "text.txt", tokenizer(), tmp_path / "b.bin") == from_text
    assert write_shard(str(tmp_path / "text.txt"), tokenizer(), tmp_path / "c.bin") == from_text
    ids = open_shard(tmp_path / "b.bin").tolist()
    assert ids == [*tokenizer().encode(text), tokenizer().special_id("<|endoftext|>")]


def test_write_shard_counts_the_bytes_of_text_alone(tmp_path):
    info = write_shard(["é<|end|>", ""], tokenizer(), tmp_path / "a.bin")
    assert (info.documents, info.text_bytes) == (2, 9)


def test_write_shard_keeps_a_typed_separator_as_text(tmp_path):
    write_shard(["a<|endoftext|>b"], SMALL, tmp_path / "a.bin")
    assert open_shard(tmp_path / "a.bin").tolist().count(256) == 1


def test_write_shard_splits_a_file_at_the_separators_that_it_is_told_of(tmp_path):
    end = "<|endoftext|>"
    (tmp_path / "many.txt").write_text(f"one{end}two{end}", encoding="utf-8")
    path = tmp_path / "a.bin"
    info = write_shard(tmp_path / "many.txt", SMALL, path, allow_separator=True)
    assert info == info_of(path, tokens=8, documents=2, text_bytes=6, dtype="uint16")
    assert SMALL.decode(open_shard(path).tolist()) == f"one{end}two{end}"
    assert write_shard(tmp_path / "many.txt", SMALL, path).documents == 1


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


@pytest.mark.parametrize(
    ("manifest", "problem"),
    [
        ("[]", r"must hold an object, not \[\]"),
        ('{"a.bin": 7}', "at 'a.bin': it must have tokens, documents, text_bytes, .*but has 7"),
        ('{"a.bin": {"tokens": 4}}', "at 'a.bin': .* but has {'tokens': 4}"),
    ],
)
def test_open_shard_refuses_a_manifest_that_says_nothing_sensible(tmp_path, manifest, problem):
    (tmp_path / "a.bin").write_bytes(b"")
    (tmp_path / "shard.json").write_text(manifest)
    with pytest.raises(ValueError, match=f"shard.json is damaged.*{problem}"):
        open_shard(tmp_path / "a.bin")


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        ("tokens", -4, r"must be counts, not \(-4, 1, 3\)"),
        ("tokens", "4", r"must be counts, not \('4', 1, 3\)"),
        ("documents", True, r"must be counts, not \(4, True, 3\)"),
        ("dtype", "float64", "dtype must be uint16 or uint32, not 'float64'"),
        ("sha256", None, "sha256 must be a string, not None"),
    ],
)
def test_open_shard_refuses_a_manifest_with_a_wrong_value(tmp_path, key, value, problem):
    write_shard(["abc"], SMALL, tmp_path / "a.bin")
    manifest = tmp_path / "shard.json"
    entries = json.loads(manifest.read_text())
    entries["a.bin"][key] = value
    manifest.write_text(json.dumps(entries))
    with pytest.raises(ValueError, match=f"shard.json is damaged at 'a.bin': .*{problem}"):
        open_shard(tmp_path / "a.bin")
    with pytest.raises(ValueError, match="shard.json is damaged"):
        write_shard(["abc"], SMALL, tmp_path / "b.bin")


def test_open_shard_names_a_shard_that_is_gone(tmp_path):
    write_shard(["abc"], SMALL, tmp_path / "a.bin")
    (tmp_path / "a.bin").unlink()
    with pytest.raises(ValueError, match=r"a.bin is missing: .* promises 8 bytes \(4 tokens"):
        open_shard(tmp_path / "a.bin")


def test_open_shard_verifies_every_byte_when_asked(tmp_path):
    path = tmp_path / "a.bin"
    write_shard(["abc"], SMALL, path)
    assert open_shard(path, verify=True).tolist() == [97, 98, 99, 256]
    data = bytearray(path.read_bytes())
    data[2] ^= 1
    path.write_bytes(data)
    assert open_shard(path).tolist() == [97, 99, 99, 256], "the size alone tells nothing"
    with pytest.raises(ValueError, match="a.bin is damaged: its sha256 must be"):
        open_shard(path, verify=True)


@pytest.mark.parametrize("source", ["texts", "file"])
def test_write_shard_that_fails_keeps_what_was_there(tmp_path, source):
    folder = tmp_path / "shards"
    folder.mkdir()
    write_shard(["old"], SMALL, folder / "a.bin")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    (tmp_path / "bad.txt").write_bytes(b"new\xff")
    bad = ["new", "\ud800"] if source == "texts" else tmp_path / "bad.txt"
    for write in (write_shard, lambda *args: write_shards(*args, max_tokens=2)):
        with pytest.raises(ValueError, match="lone surrogate|invalid start byte at offset 3"):
            write(bad, SMALL, folder / "a.bin")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def crash_after(calls: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let os.replace work so many times."""
    really_replace, left = os.replace, iter(range(calls))

    def replace(source, target):
        if next(left, None) is None:
            raise OSError("the power is gone")
        really_replace(source, target)

    monkeypatch.setattr(os, "replace", replace)


@pytest.mark.parametrize("calls_before_crash", [1, 2])
def test_write_shard_that_crashes_while_replacing_leaves_no_mixture(
    tmp_path, monkeypatch, calls_before_crash
):
    path = tmp_path / "a.bin"
    write_shard(["old"], SMALL, path)
    crash_after(calls_before_crash, monkeypatch)
    with pytest.raises(OSError, match="the power is gone"):
        write_shard(["new"], SMALL, path)
    with pytest.raises(ValueError, match="does not mention a.bin"):
        open_shard(path)


@pytest.mark.parametrize("calls_before_crash", [1, 2, 3])
def test_write_shards_that_crash_while_replacing_leave_no_mixture(
    tmp_path, monkeypatch, calls_before_crash
):
    path = tmp_path / "a.bin"
    write_shards(["old text"], SMALL, path, max_tokens=4)
    crash_after(calls_before_crash, monkeypatch)
    with pytest.raises(OSError, match="the power is gone"):
        write_shards(["new one!"], SMALL, path, max_tokens=4)
    with pytest.raises(ValueError, match="does not mention a-00000.bin"):
        open_shards(path)
    assert not list(tmp_path.glob("*.tmp"))


@settings(max_examples=40)
@given(st.lists(st.text("ab ", max_size=9), max_size=6), st.integers(1, 12))
def test_write_shards_joined_are_the_one_shard(tmp_path_factory, texts, max_tokens):
    folder = tmp_path_factory.mktemp("shards")
    one = write_shard(texts, SMALL, folder / "a.bin")
    infos = write_shards(texts, SMALL, folder / "a.bin", max_tokens=max_tokens)
    parts = open_shards(folder / "a.bin", verify=True)
    assert np.concatenate(parts).tolist() == open_shard(folder / "a.bin").tolist()
    assert all(len(part) == max_tokens for part in parts[:-1])
    assert 0 < len(parts[-1]) <= max_tokens or one.tokens == 0
    for name in ("tokens", "documents", "text_bytes"):
        assert sum(getattr(info, name) for info in infos.values()) == getattr(one, name)


def test_write_shards_replace_a_longer_set_and_nothing_else(tmp_path):
    path = tmp_path / "train.bin"
    write_shard(["valid"], SMALL, tmp_path / "valid.bin")
    write_shard(["one file"], SMALL, path)
    write_shards(["abcdefg"], SMALL, path, max_tokens=3)
    infos = write_shards(["abc"], SMALL, path, max_tokens=3)
    assert list(infos) == ["train-00000.bin", "train-00001.bin"]
    left = ["shard.json", "train-00000.bin", "train-00001.bin", "train.bin", "valid.bin"]
    assert sorted(os.listdir(tmp_path)) == left
    assert sorted(json.loads((tmp_path / "shard.json").read_text())) == left[1:]
    assert [ids.tolist() for ids in open_shards(path)] == [[97, 98, 99], [256]]


def test_open_shards_refuses_a_set_with_a_gap(tmp_path):
    path = tmp_path / "a.bin"
    write_shards(["abcdefg"], SMALL, path, max_tokens=3)
    entries = json.loads((tmp_path / "shard.json").read_text())
    del entries["a-00001.bin"]
    (tmp_path / "shard.json").write_text(json.dumps(entries))
    with pytest.raises(ValueError, match="shard.json does not mention a-00001.bin"):
        open_shards(path)


def test_write_shards_refuses_empty_files(tmp_path):
    with pytest.raises(ValueError, match="max_tokens 0 must be at least 1"):
        write_shards(["a"], SMALL, tmp_path / "a.bin", max_tokens=0)


MEMORY_PROBE = """
import sys
from pathlib import Path
from common.tokenizer import BPETokenizer
from common.tokenizer.shards import write_shard
tokenizer = BPETokenizer({i: bytes([i]) for i in range(256)}, [], ["<|endoftext|>"])
write_shard(sys.argv[1], tokenizer, sys.argv[1] + ".bin")
assert "torch" not in sys.modules
status = Path("/proc/self/status").read_text()
print(int(status.split("VmHWM:")[1].split()[0]) / 1024)
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="only Linux tells the peak")
def test_write_shard_of_a_large_file_needs_little_memory(tmp_path):
    peaks = []
    for megabytes in (2, 10):
        path = tmp_path / f"{megabytes}.txt"
        lines = (f"word{i % 50_000} ☕ and\n" for i in range(megabytes * 60_000))  # 2 bytes a char
        path.write_text("".join(lines), encoding="utf-8")
        command = [sys.executable, "-c", MEMORY_PROBE, path]
        run = subprocess.run(command, check=True, capture_output=True, text=True)
        peaks.append(float(run.stdout))
        assert path.stat().st_size > 0.9e6 * megabytes
    assert peaks[1] < 200, "MiB; the ids of 10 MB alone would take as much as a list"
    assert peaks[1] < peaks[0] + 12, "MiB: it must not grow with the file"
