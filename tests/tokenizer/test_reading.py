"""Text files in blocks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.tokenizer import reading
from common.tokenizer.reading import read_text


@given(st.text(), st.integers(1, 7))
def test_read_text_joined_is_the_file(tmp_path_factory, text, block_bytes):
    path = tmp_path_factory.mktemp("text") / "text.txt"
    path.write_bytes(text.encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "_BLOCK_BYTES", block_bytes)
        blocks = list(read_text(path))
    assert "".join(blocks) == text
    assert all(0 < len(block) <= block_bytes + 3 for block in blocks)


@pytest.mark.parametrize("block_bytes", [1, 2, 3, 4, 100])
@pytest.mark.parametrize(
    ("data", "offset", "reason"),
    [
        (b"abc\xffdef", 3, "invalid start byte"),
        ("日".encode() + b"\xe6\x97", 3, "unexpected end of data"),
        (b"ab\xe6\x97cd", 2, "invalid continuation byte"),
        (b"\xed\xa0\x80", 0, "invalid continuation byte"),  # a surrogate
    ],
)
def test_read_text_names_the_offset_of_what_is_not_utf8(
    tmp_path, monkeypatch, block_bytes, data, offset, reason
):
    monkeypatch.setattr(reading, "_BLOCK_BYTES", block_bytes)
    (tmp_path / "bad.txt").write_bytes(data)
    with pytest.raises(ValueError, match=f"bad.txt is not UTF-8: {reason} at offset {offset}$"):
        list(read_text(tmp_path / "bad.txt"))


def test_read_text_of_an_empty_file_is_no_block(tmp_path):
    (tmp_path / "empty.txt").write_bytes(b"")
    assert list(read_text(tmp_path / "empty.txt")) == []
