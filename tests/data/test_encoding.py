import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.data.encoding import decode_html
from tests.data.mutants import HANG_S, Watch

LATIN = "Ça coûte 5 € – déjà vu, “naïve” Müller"


@pytest.mark.parametrize("name", ["iso-8859-1", "Latin1", "windows-1252", "ASCII"])
def test_decode_html_reads_latin_labels_as_windows_1252(name):
    text, encoding = decode_html(LATIN.encode("cp1252"), content_type=f"text/html; charset={name}")
    assert (text, encoding) == (LATIN, "cp1252")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_decode_html_believes_the_byte_order_mark_over_the_header(encoding):
    text, _ = decode_html(LATIN.encode(encoding), content_type="text/html; charset=windows-1252")
    assert text == LATIN


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_decode_html_takes_the_byte_order_mark_off(encoding):
    # Chinese, so that no zero byte gives UTF-16 away.
    assert decode_html("\ufeff中文".encode(encoding)) == ("中文", encoding)


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
    for page in ("café", "cafés"):  # of an even and of an odd number of bytes
        assert decode_html(f"<meta charset={name}>{page}".encode("cp1252"))[0].endswith(page)


ODD = ["", "utf-8", "utf-16", "big5", "shift_jis", "iso-2022-jp", "gb18030", "hz", "utf-7"]
ODD += [
    "idna",
    "punycode",
    "undefined",
    "unicode_escape",
    "zip",
    "rot13",
    "x" * 5000,
    "ｕｔｆ-8",
    "\0",
]


@given(st.binary(max_size=200), st.sampled_from(ODD), st.booleans())
def test_decode_html_never_raises(data, charset, in_page):
    if in_page:
        text, encoding = decode_html(f"<meta charset='{charset}'>".encode() + data)
    else:
        text, encoding = decode_html(data, content_type=f"text/html; charset={charset}")
    assert isinstance(text, str)
    assert codecs.lookup(encoding)._is_text_encoding


@pytest.mark.parametrize(
    ("label", "text", "encoding"),
    [
        ("x-sjis", "①日本語", "cp932"),
        ("GB2312", "中文鎔€", "gb18030"),
        ("ks_c_5601-1987", "한국어뢔", "cp949"),
        ("iso-8859-9", "Şişli – “a”", "cp1254"),
        ("iso88592", "Łódź ąę", "iso8859-2"),
        ("TIS-620", "ภาษาไทย", "cp874"),
        ("big5", "中文", "big5hkscs"),
        ("x-cp1251", "Привет", "cp1251"),
        ("koi8-ru", "Привет", "koi8-u"),
        ("unicode-1-1-utf-8", "naïve", "utf-8"),
    ],
)
def test_decode_html_reads_the_names_that_the_web_uses(label, text, encoding):
    data = text.encode(encoding)
    assert decode_html(data, content_type=f"text/html; charset={label}") == (text, encoding)
    assert decode_html(f"<meta charset={label}>".encode() + data)[0].endswith(text)
    shouted = f"TEXT/HTML; CHARSET = {label.upper()}"
    assert decode_html(data, content_type=shouted) == (text, encoding)


def test_decode_html_reads_the_declaration_of_xml():
    page = '<?xml version="1.0" encoding="iso-8859-2"?><p>Łódź'
    assert decode_html(page.encode("iso8859-2")) == (page, "iso8859-2")


@pytest.mark.parametrize("charset", ["utf-8", "iso-8859-1", ""])
def test_decode_html_reads_a_page_cut_off_inside_a_letter(charset):
    data = ("Ça coûte cher. " * 20 + "é").encode()[:-1]
    text, encoding = decode_html(data, content_type=f"text/html; charset={charset}")
    assert (text, encoding) == ("Ça coûte cher. " * 20 + "\ufffd", "utf-8")


def test_decode_html_takes_one_broken_letter_in_a_declared_encoding():
    data = ("日本語" * 20).encode("euc_jp") + b"\xff" + "日本語".encode("euc_jp")
    text, encoding = decode_html(data, content_type="text/html; charset=x-euc-jp")
    assert (text, encoding) == ("日本語" * 20 + "\ufffd日本語", "euc_jp")
    data = ("naïve " * 60).encode() + b"\xff"
    assert decode_html(data) == ("naïve " * 60 + "\ufffd", "utf-8")


def test_decode_html_weighs_broken_letters_against_those_beyond_ascii():
    page = "A long page of plain letters. " * 50 + "café"
    header = "text/html; charset=utf-8"
    assert decode_html(page.encode("cp1252"), content_type=header) == (page, "cp1252")


def test_decode_html_looks_for_a_declaration_in_the_first_2048_bytes():
    for space, encoding in [(1900, "koi8-r"), (2048, "cp1252")]:
        page = b" " * space + "<meta charset=koi8-r>Привет".encode("koi8-r")
        assert decode_html(page)[1] == encoding


def test_decode_html_does_not_take_windows_1252_for_broken_utf8():
    data = (LATIN + " Ã©").encode("cp1252")
    assert decode_html(data) == (LATIN + " Ã©", "cp1252")
    assert decode_html("café".encode("cp1252")) == ("café", "cp1252")
    mojibake = "Ã©Ã©Ã©Ã©Ã© – –"  # of which most letters are valid UTF-8
    assert decode_html(mojibake.encode("cp1252")) == (mojibake, "cp1252")


@pytest.mark.parametrize("data", [bytes(1000), b"\0", b"<p>a\0b</p>" * 300])
def test_decode_html_keeps_zero_bytes_that_are_not_utf16(data):
    text, encoding = decode_html(data)
    assert encoding == "utf-8"
    assert text.replace("\0", "") == data.replace(b"\0", b"").decode()


@pytest.mark.parametrize("cut", [1, 2, 3])
def test_decode_html_reads_utf16_that_is_cut_off(cut):
    text, encoding = decode_html(("Every word. – " * 9).encode("utf-16-le")[:-cut])
    assert encoding == "utf-16-le"
    assert text.startswith("Every word. – " * 8)


def test_decode_html_looks_for_a_declaration_in_time_linear_in_the_header():
    watch = Watch()
    with watch:
        for space in [" " * 60_000, "'" * 60_000, "charset=" * 20_000]:
            decode_html(b"caf\xe9", content_type=f"text/html; charset={space}!")
            decode_html(f"<meta charset={space}!>caf".encode() + b"\xe9")
    assert watch.slowest < HANG_S


@given(st.text("aé€𝄞 \n", max_size=50), st.sampled_from(["utf-8-sig", "utf-16", "utf-32"]))
def test_decode_html_inverts_encodings_with_a_mark(text, encoding):
    assert decode_html(text.encode(encoding))[0] == text


@pytest.mark.parametrize("name", ["utf-16", "UTF-16LE", "utf-16be", "ucs-2", "utf-32"])
@pytest.mark.parametrize("word", ["at", "déjà"])
def test_decode_html_takes_no_page_without_zero_bytes_for_utf16(name, word):
    page = f"<p>The tide comes in {word} night".encode("cp1252")
    page += b" " * (-len(page) % 4)  # a number of bytes that UTF-32 can have, too
    text, _ = decode_html(page, content_type=f"text/html; charset={name}")
    assert text == page.decode("cp1252")
    wide = codecs.lookup("utf-16" if name == "ucs-2" else name).encode(f"<p>{word}")[0]
    assert decode_html(wide, content_type=f"text/html; charset={name}")[0] == f"<p>{word}"
