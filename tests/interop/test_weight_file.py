"""The safetensors format: parity with the library, and files that lie."""

import json
import os
import pickle
import struct
from pathlib import Path

import pytest
import safetensors
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from common.interop.weight_file import WeightFile, write_weights

TENSORS = {
    "a": torch.arange(6.0).view(2, 3),
    "b.half": torch.tensor([1.5, -2.0], dtype=torch.bfloat16),
    "c": torch.tensor(7),
    "empty": torch.empty(0, 4),
    "flags": torch.tensor([True, False, True]),
    "after an odd size": torch.tensor([3.25], dtype=torch.float64),
}


def file_of(path: Path, header: object, data: bytes = b"") -> Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return path


def entry(start: int, stop: int, shape: list | None = None, dtype: str = "F32") -> dict:
    size = [(stop - start) // 4] if shape is None else shape
    return {"dtype": dtype, "shape": size, "data_offsets": [start, stop]}


def test_weight_file_reads_what_the_library_writes(tmp_path):
    path = tmp_path / "model.safetensors"
    save_file(TENSORS, path)
    file = WeightFile(path)
    assert file.entries.keys() == TENSORS.keys()
    for name, tensor in TENSORS.items():
        assert file.tensor(name).dtype == tensor.dtype
        assert torch.equal(file.tensor(name), tensor), name


def test_write_weights_writes_what_the_library_reads(tmp_path):
    path = tmp_path / "model.safetensors"
    write_weights(path, TENSORS)
    for name, tensor in load_file(path).items():
        assert tensor.dtype == TENSORS[name].dtype
        assert torch.equal(tensor, TENSORS[name]), name
    with safetensors.safe_open(path, "pt") as stream:
        assert stream.metadata() == {"format": "pt"}
    file = WeightFile(path)  # the last tensor begins at an odd address
    assert torch.equal(file.tensor("after an odd size"), TENSORS["after an odd size"])


@given(st.lists(st.lists(st.integers(0, 3), max_size=3), max_size=4))
def test_weight_file_gives_back_any_shapes(tmp_path_factory, shapes):
    path = tmp_path_factory.mktemp("weights") / "model.safetensors"
    tensors = {str(i): torch.randn(shape) for i, shape in enumerate(shapes)}
    write_weights(path, tensors)
    file = WeightFile(path)
    assert list(file.entries) == list(tensors)
    for name, tensor in tensors.items():
        assert torch.equal(file.tensor(name), tensor)


def test_weight_file_reads_again_after_release(tmp_path):
    path = tmp_path / "model.safetensors"
    write_weights(path, TENSORS)
    file = WeightFile(path)
    tensor = file.tensor("a")
    assert tensor.sum() == 15
    file.release()
    assert tensor.sum() == 15


def test_write_weights_refuses_another_shape_than_announced(tmp_path):
    layout = {"a": torch.empty(2, device="meta")}
    with pytest.raises(ValueError, match=r"must be \(\(2,\), .* got \(\(3,\)"):
        write_weights(tmp_path / "model.safetensors", layout, [torch.ones(3)])


@pytest.mark.parametrize("kept", range(0, 140, 7))
def test_weight_file_refuses_every_truncation(tmp_path, kept):
    path = tmp_path / "model.safetensors"
    write_weights(path, {"a": torch.ones(10)})
    whole = path.read_bytes()
    assert len(whole) > kept
    path.write_bytes(whole[:kept])
    with pytest.raises(ValueError, match="is truncated"):
        WeightFile(path)


@pytest.mark.parametrize(
    "header, data, message",
    [
        (
            {"a": entry(0, 8)},
            b"\0" * 9,
            "bytes that no tensor owns: its header describes 77 bytes, it has 78",
        ),
        ({"a": entry(0, 8), "b": entry(4, 12)}, b"\0" * 12, "b begins at byte .* ends at"),
        ({"a": entry(0, 4), "b": entry(8, 12)}, b"\0" * 12, "b begins at byte .* ends at"),
        ({"a": entry(0, 8, [3])}, b"\0" * 8, r"8 bytes cannot hold \(3,\) of F32"),
        ({"a": entry(0, 8, [-2])}, b"\0" * 8, "must be whole numbers"),
        ({"a": entry(0, 8, [2.0])}, b"\0" * 8, "must be whole numbers"),
        ({"a": entry(8, 0, [0])}, b"\0" * 8, "cannot hold"),
        ({"a": entry(0, 8, dtype="F99")}, b"\0" * 8, "dtype 'F99' must be one of F64, F32"),
        ({"a": {"shape": [2]}}, b"\0" * 8, "damaged header"),
        ({"a": 7}, b"", "damaged header"),
        ([], b"", "damaged header"),
        (b"{not json", b"", "damaged header"),
        (b"[" * 100_000, b"", "damaged header: .*recursion"),
        (b"\xff\xfe", b"", "damaged header"),
        (b'{"a": {}, "a": {}}', b"", "a name occurs twice"),
    ],
)
def test_weight_file_refuses_headers_that_lie(tmp_path, header, data, message):
    path = file_of(tmp_path / "model.safetensors", header, data)
    with pytest.raises(ValueError, match=f"model.safetensors .*{message}"):
        WeightFile(path)


@pytest.mark.parametrize("length", [100_000_001, 2**63, 2**64 - 1])
def test_weight_file_refuses_oversized_headers_unread(tmp_path, length):
    path = tmp_path / "model.safetensors"
    path.write_bytes(struct.pack("<Q", length) + b"{}" * 8)
    with pytest.raises(ValueError, match=f"it has 24 bytes and a header of {length}"):
        WeightFile(path)


def test_weight_file_refuses_a_longer_header_than_the_format_allows(tmp_path):
    """The file has room for it: a file of holes, which takes no space on disk."""
    path = tmp_path / "model.safetensors"
    path.write_bytes(struct.pack("<Q", 100_000_001))
    os.truncate(path, 100_000_100)
    with pytest.raises(ValueError, match="a header of 100000001 .at most 100000000"):
        WeightFile(path)


def test_weight_file_takes_no_length_for_a_pickle(tmp_path):
    """640 is 80 02 in bytes, little end first, as a pickle begins; 896, 1152 and 1408 as well."""
    for length in [*range(8, 2001), 66_176]:
        path = file_of(tmp_path / "model.safetensors", b"{}".ljust(length))
        assert WeightFile(path).entries == {}
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ValueError, match="is truncated .* it has 1000 bytes and a header of 66176"):
        WeightFile(path)


@pytest.mark.parametrize("start", [b"PK\x03\x04", b"\x80\x02", b"\x80\x04"])
def test_weight_file_refuses_pickles(tmp_path, start):
    path = tmp_path / "model.safetensors"
    path.write_bytes(start + b"\0" * 100)
    with pytest.raises(ValueError, match="is a pickle, not safetensors"):
        WeightFile(path)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_weight_file_refuses_what_pickle_and_torch_write(tmp_path, protocol):
    path = tmp_path / "model.safetensors"
    for content in (pickle.dumps(value, protocol) for value in (None, {}, "{" * 9, list(TENSORS))):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="is a pickle, not safetensors"):
            WeightFile(path)
    for zipped in (True, False):
        torch.save(TENSORS, path, pickle_protocol=protocol, _use_new_zipfile_serialization=zipped)
        with pytest.raises(ValueError, match="is a pickle, not safetensors"):
            WeightFile(path)
