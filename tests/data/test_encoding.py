import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.data.encoding import decode_html

LATIN = "Ça coûte 5 € – déjà vu, “naïve” Müller"


@pytest.mark.parametrize("name", ["iso-8859-1", "Latin1", "windows-1252", "ASCII"])
def test_decode_html_reads_latin_labels_as_windows_1252(name):
    text, encoding = decode_html(LATIN.encode("cp1252"), content_type=f"text/html; charset={name}")
    assert (text, encoding) == (LATIN, "cp1252")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_decode_html_believes_the_byte_order_mark_over_the_header(encoding):
    text, _ = decode_html(LATIN.encode(encoding), content_type="text/html; charset=windows-1252")
    assert text == LATIN


def test_decode_html_prefers_valid_utf8_to_a_false_header():
    text, encoding = decode_html(LATIN.encode(), content_type="text/html; charset=iso-8859-1")
    assert (text, encoding) == (LATIN, "utf-8")


def test_decode_html_prefers_valid_utf8_to_another_declaration_that_fits():
    page = "Привет".encode()
    assert decode_html(page, content_type="text/html; charset=koi8-r") == ("Привет", "utf-8")


def test_decode_html_falls_back_when_the_header_falsely_says_utf8():
    text, encoding = decode_html(LATIN.encode("cp1252"), content_type="text/html; charset=utf-8")
    assert (text, encoding) == (LATIN, "cp1252")


def test_decode_html_header_wins_over_meta_and_meta_over_nothing():
    page = '<meta charset="koi8-r">Привет'.encode("koi8-r")
    assert decode_html(page)[1] == "koi8-r"
    assert decode_html(page, content_type="text/html; charset=cp866")[1] == "cp866"


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_decode_html_finds_utf16_without_a_mark_or_a_declaration(encoding):
    page = '<meta charset="utf-8"><p>No mark, no header'
    assert decode_html(page.encode(encoding)) == (page, encoding)


def test_decode_html_reads_seven_bit_encodings_as_declared():
    page = "日本語".encode("iso-2022-jp")
    assert decode_html(page, content_type="text/html; charset=iso-2022-jp")[0] == "日本語"


@pytest.mark.parametrize("name", ["nonsense", "rot13", "hex", "utf-16"])
def test_decode_html_passes_over_encodings_that_are_unknown_or_cannot_be(name):
    assert decode_html(f"<meta charset={name}>café".encode())[0].endswith("café")


@given(st.binary(max_size=200), st.sampled_from(["", "utf-8", "utf-16", "big5", "idna", "zip"]))
def test_decode_html_never_raises(data, charset):
    text, encoding = decode_html(data, content_type=f"text/html; charset={charset}")
    assert isinstance(text, str)
    assert codecs.lookup(encoding)._is_text_encoding


@given(st.text("aé€𝄞 \n", max_size=50), st.sampled_from(["utf-8-sig", "utf-16", "utf-32"]))
def test_decode_html_inverts_encodings_with_a_mark(text, encoding):
    assert decode_html(text.encode(encoding))[0] == text
