"""The readable file format and GPT-2's alphabet of bytes."""

import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers.convert_slow_tokenizer import bytes_to_unicode

from common.tokenizer.storage import invisible, load_json, read_json, visible, write_json


def test_visible_is_the_alphabet_of_gpt2():
    assert {byte: visible(bytes([byte])) for byte in range(256)} == bytes_to_unicode()


@given(st.binary())
def test_invisible_undoes_visible(token):
    assert invisible(visible(token)) == token
    assert " " not in visible(token)


def test_invisible_refuses_a_character_without_a_byte():
    with pytest.raises(ValueError, match="'日' in 'a日' stands for no byte"):
        invisible("a日")


def test_read_json_gives_back_what_was_written(tmp_path):
    content = {"merges": ["Ġ t", "h e"], "vocab": {"Ġt": 256}}
    write_json(content, tmp_path / "file.json")
    assert read_json(tmp_path / "file.json") == content
    assert '"Ġ t"' in (tmp_path / "file.json").read_text(encoding="utf-8"), "people can read it"
    assert os.listdir(tmp_path) == ["file.json"]


def test_write_json_keeps_the_old_file_when_it_fails(tmp_path, monkeypatch):
    write_json({"a": 1}, tmp_path / "file.json")

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        write_json({"a": 2}, tmp_path / "file.json")
    assert read_json(tmp_path / "file.json") == {"a": 1}
    assert os.listdir(tmp_path) == ["file.json"]


def test_read_json_refuses_a_file_cut_off_anywhere(tmp_path):
    path = tmp_path / "file.json"
    write_json({"merges": ["Ġ t", "h e"]}, path)
    whole = path.read_bytes()
    for size in range(len(whole.rstrip())):
        path.write_bytes(whole[:size])
        with pytest.raises(ValueError, match="file.json is damaged or cut off"):
            read_json(path)


def test_load_json_refuses_a_key_that_is_there_twice(tmp_path):
    path = tmp_path / "vocab.json"
    path.write_text('{"a": 1, "b": {"c": 2, "d": 3, "c": 4}}')
    with pytest.raises(ValueError, match="vocab.json has the key 'c' twice"):
        load_json(path)


def test_load_json_refuses_what_is_nested_too_deep(tmp_path):
    path = tmp_path / "config.json"
    path.write_bytes(b'{"a": ' + b"[" * 100_000)
    with pytest.raises(ValueError, match="config.json is damaged"):
        load_json(path)


def test_load_json_refuses_bytes_that_are_no_utf8(tmp_path):
    path = tmp_path / "vocab.json"
    path.write_bytes(b'{"a": "\xff"}')
    with pytest.raises(ValueError, match="vocab.json is damaged or cut off, .* 0xff"):
        load_json(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([1, 2], "must hold a JSON object, not a list"),
        ({}, "must have the format 'byte-level BPE, version 1', but has None"),
        ({"format": "other"}, "but has 'other'"),
    ],
)
def test_read_json_refuses_another_format(tmp_path, content, message):
    (tmp_path / "file.json").write_text(json.dumps(content))
    with pytest.raises(ValueError, match=message):
        read_json(tmp_path / "file.json")


def test_read_json_notices_a_changed_letter(tmp_path):
    path = tmp_path / "file.json"
    write_json({"merges": ["Ġ t", "h e"]}, path)
    path.write_text(path.read_text(encoding="utf-8").replace("h e", "h o"), encoding="utf-8")
    with pytest.raises(ValueError, match="file.json is damaged: .* sha256"):
        read_json(path)
