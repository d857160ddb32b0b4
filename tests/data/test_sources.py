import datetime
import json
from decimal import Decimal
from random import Random

import pytest

from common.data import _members
from common.data.document import Damage, Document, read_jsonl, write_jsonl
from common.data.site import Response, serve
from common.data.sources import (
    read_documents,
    read_fineweb_edu,
    read_gutenberg,
    read_records,
    read_text,
    read_tinystories,
    read_wet,
)
from tests.data.mutants import HANG_S, Watch, gzipped, mutate

BOOK = """The Project Gutenberg eBook of The Goose of the Mayor

Title: The Goose of the Mayor,
        or, Thirty Feathers
Author: A. Nobody

Language: English

*** START OF THE PROJECT GUTENBERG EBOOK THE GOOSE OF THE
MAYOR ***

Produced by two volunteers and
a machine

CHAPTER I

“Who,” she asked, “counts geese?” *** Nobody.

*** END OF THE PROJECT GUTENBERG EBOOK THE GOOSE OF THE MAYOR ***

Updated editions will replace the previous one.
"""
CHAPTER = "CHAPTER I\n\n“Who,” she asked, “counts geese?” *** Nobody."


def _wet(number: int, text: str, kind: str = "conversion") -> bytes:
    body = text.encode()
    head = (
        f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Target-URI: http://x/{number}\r\n"
        f"WARC-Date: 2026-01-02T03:04:05Z\r\nWARC-Record-ID: <urn:uuid:00-{number}>\r\n"
        f"WARC-Identified-Content-Language: eng,deu\r\nContent-Type: text/plain\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body + b"\r\n\r\n"


def _texts(documents) -> list[str]:
    return [document.text for document in documents]


@pytest.mark.parametrize("zipped", [True, False])
def test_read_wet_gives_the_conversions_of_a_file(tmp_path, zipped):
    records = [_wet(0, "software: x", "warcinfo"), _wet(1, "Eine Gans.\n"), _wet(2, "")]
    path = tmp_path / "a.warc.wet"
    path.write_bytes(b"".join(gzipped(r) if zipped else r for r in records))
    meta = {"date": "2026-01-02T03:04:05Z", "languages": "eng,deu"}
    assert list(read_wet(path)) == [
        Document("00-1", "http://x/1", "Eine Gans.\n", meta),
        Document("00-2", "http://x/2", "", meta),
    ]


def test_read_wet_mutants_cost_no_neighbour(tmp_path):
    units = [gzipped(_wet(n, f"Goose {n}. " * n)) for n in range(6)]
    whole, dice, watch = b"".join(units), Random(0), Watch()
    for _ in range(300):
        mutant, begin, end = mutate(dice, whole)
        (tmp_path / "a.wet").write_bytes(mutant)
        damage: list[Damage] = []
        with watch:
            texts = _texts(read_wet(tmp_path / "a.wet", damage=damage))
        places = [sum(map(len, units[:n])) for n in range(7)]
        far = [n for n in range(6) if places[n + 1] <= begin or places[n] >= end]
        wanted = [f"Goose {n}. " * n for n in far]
        assert [text for text in texts if text in wanted] == wanted
    assert watch.slowest < HANG_S


def test_read_wet_names_a_conversion_without_an_address(tmp_path):
    path = tmp_path / "a.wet"
    path.write_bytes(_wet(1, "a").replace(b"WARC-Target-URI", b"WARC-Targets-URI") + _wet(2, "b"))
    damage = []
    assert _texts(read_wet(path, damage=damage)) == ["b"]
    assert damage == [Damage(0, "a conversion has no WARC-Target-URI")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_read_text_gives_one_document_in_any_encoding(tmp_path, encoding, newline):
    path = tmp_path / "note.txt"
    path.write_bytes("“Zoë”\n\ncounts.".replace("\n", newline).encode(encoding))
    [document] = read_text(path)
    assert (document.text, document.url) == ("“Zoë”\n\ncounts.", "note.txt")


def test_read_text_names_a_zipped_file_that_is_cut_off(tmp_path):
    (tmp_path / "note.txt.gz").write_bytes(gzipped(b"geese" * 99)[:-9])
    with pytest.raises(ValueError, match=r"note\.txt\.gz is damaged or cut off"):
        list(read_text(tmp_path / "note.txt.gz"))


def test_read_records_takes_any_fields(tmp_path):
    path = tmp_path / "a.jsonl"
    rows = [{"content": "a", "source": "s", "id": 7}, {"content": "b\ud800", "url": None}]
    path.write_text("\n".join(map(json.dumps, rows)))
    assert list(read_records(path, text_field="content")) == [
        Document("7", "", "a", {"source": "s"}),
        Document("2", "", "b\ufffd", {}),
    ]


def test_readers_number_what_has_no_id_and_nothing_else(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow.parquet import write_table

    rows = [{"text": "a", "id": None}, {"text": "b", "id": 0}, {"text": "c"}]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    write_table(pyarrow.table({"text": ["a", "b"], "id": [None, 0]}), tmp_path / "a.parquet")
    assert [one.id for one in read_records(tmp_path / "a.jsonl")] == ["1", "0", "3"]
    assert [one.id for one in read_fineweb_edu(tmp_path / "a.parquet")] == ["1", "0"]


def test_read_records_lists_lines_without_text(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "a"}\n{"text": 3}\n{"txt": "b"}\nnonsense\n{"text": "c"}')
    damage = []
    assert _texts(read_records(path, damage=damage)) == ["a", "c"]
    assert [found.offset for found in damage] == [14, 26, 39]
    with pytest.raises(ValueError, match=r"a\.jsonl line 2 .*: its text is 3, not a string"):
        list(read_records(path))


def test_read_records_mutants_cost_no_other_line(tmp_path):
    lines = [json.dumps({"text": f"Goose {n} " * n}).encode() + b"\n" for n in range(8)]
    whole, dice = b"".join(lines), Random(1)
    for _ in range(300):
        mutant, begin, end = mutate(dice, whole)
        (tmp_path / "a.jsonl").write_bytes(mutant)
        texts = _texts(read_records(tmp_path / "a.jsonl", damage=[]))
        places = [sum(map(len, lines[:n])) for n in range(9)]
        # A newline that goes costs the line behind it as well.
        far = [n for n in range(8) if places[n + 1] <= begin or places[n] > end]
        wanted = [f"Goose {n} " * n for n in far]
        assert [text for text in texts if text in wanted] == wanted


@pytest.mark.parametrize("reader", [read_text, read_gutenberg])
def test_readers_of_text_unfold_no_bomb(tmp_path, reader):
    path = tmp_path / "note.txt.gz"
    path.write_bytes(gzipped(b" " * 1001))
    with pytest.raises(ValueError, match=r"note\.txt\.gz has more than max_bytes 1000"):
        list(reader(path, max_bytes=1000))
    assert [document.text for document in read_text(path, max_bytes=1001)] == [" " * 1001]
    path.write_bytes(gzipped(b" " * 50_000_001, 1))
    with pytest.raises(ValueError, match="has more than max_bytes 50000000"):
        list(reader(path))


def test_read_gutenberg_gives_the_book_without_what_stands_around_it(tmp_path):
    (tmp_path / "1.txt").write_text(BOOK, encoding="utf-8")
    [book] = read_gutenberg(tmp_path / "1.txt")
    assert book.text == CHAPTER
    assert book.meta == {
        "title": "The Goose of the Mayor,",
        "author": "A. Nobody",
        "language": "English",
    }


@pytest.mark.parametrize(
    ("begin", "end"),
    [
        (
            "***START OF THIS PROJECT GUTENBERG EBOOK X***",
            "***END OF THIS PROJECT GUTENBERG EBOOK X***",
        ),
        ("*** START OF THIS PROJECT GUTENBERG ETEXT X ***", "End of Project Gutenberg's X"),
        (
            "*END*THE SMALL PRINT! FOR PUBLIC DOMAIN*Ver.04.29.93*END*",
            "End of the Project Gutenberg",
        ),
    ],
)
def test_read_gutenberg_knows_the_lines_of_older_books(tmp_path, begin, end):
    path = tmp_path / "1.txt"
    path.write_bytes(f"Licence\r\n\r\n{begin}\r\n\r\nThe book.\r\n\r\n{end}\r\nLicence".encode())
    assert _texts(read_gutenberg(path)) == ["The book."]


@pytest.mark.parametrize("missing", ["START", "END"])
def test_read_gutenberg_refuses_a_book_without_both_lines(tmp_path, missing):
    (tmp_path / "1.txt").write_text(BOOK.replace(f"*** {missing} OF", ""), encoding="utf-8")
    with pytest.raises(ValueError, match=rf"1\.txt has no line '\*\*\* {missing} OF THE PROJECT"):
        list(read_gutenberg(tmp_path / "1.txt"))


def test_read_tinystories_splits_a_text_file_across_pieces(tmp_path, monkeypatch):
    monkeypatch.setattr("common.data.sources._PIECE_BYTES", 7)
    path = tmp_path / "a.txt"
    path.write_text("Zoë ran.\n<|endoftext|>\n\n<|endoftext|>\n“Geese!”\n", encoding="utf-8")
    assert _texts(read_tinystories(path)) == ["Zoë ran.", "“Geese!”"]


def test_read_tinystories_refuses_a_file_that_is_no_such_thing(tmp_path, monkeypatch):
    monkeypatch.setattr("common.data.sources._MAX_PART_CHARS", 100)
    (tmp_path / "a.txt").write_text("x" * 101)
    with pytest.raises(ValueError, match=r"a\.txt has no <\|endoftext\|> in 100 characters"):
        list(read_tinystories(tmp_path / "a.txt"))


@pytest.fixture
def parquet(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow.parquet import write_table

    columns = {
        "text": ["Why do geese fly?", "Tides."],
        "id": ["<urn:uuid:1>", "<urn:uuid:2>"],
        "url": ["http://x/1", "http://x/2"],
        "score": [3.25, 4.5],
        "int_score": [3, 5],
    }
    write_table(pyarrow.table(columns), tmp_path / "000.parquet")
    return tmp_path / "000.parquet"


def test_read_fineweb_edu_gives_text_address_and_scores(parquet):
    first, second = read_fineweb_edu(parquet)
    meta = {"score": 3.25, "int_score": 3}
    assert first == Document("<urn:uuid:1>", "http://x/1", "Why do geese fly?", meta)
    assert second.text == "Tides."
    assert _texts(read_tinystories(parquet)) == [first.text, second.text]


def test_read_fineweb_edu_gives_columns_that_json_can_hold(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow.parquet import write_table

    moment = datetime.datetime(2024, 5, 1, 12, 30, tzinfo=datetime.UTC)
    meta = {"crawled": moment, "day": moment.date(), "digest": b"\x01\xff", "cost": Decimal("1.5")}
    row = {"text": "a", **meta, "links": [{"seen": moment}], "score": 2.5, "is_new": True}
    write_table(
        pyarrow.table({name: [value] for name, value in row.items()}), tmp_path / "a.parquet"
    )
    (document,) = read_fineweb_edu(tmp_path / "a.parquet")
    assert document.meta == {
        "crawled": "2024-05-01T12:30:00+00:00",
        "day": "2024-05-01",
        "digest": "01ff",
        "cost": "1.5",
        "links": [{"seen": "2024-05-01T12:30:00+00:00"}],
        "score": 2.5,
        "is_new": True,
    }
    write_jsonl([document], tmp_path / "a.jsonl")
    assert list(read_jsonl(tmp_path / "a.jsonl")) == [document]


def test_read_fineweb_edu_names_a_file_that_is_damaged(parquet):
    data, dice, watch = parquet.read_bytes(), Random(2), Watch()
    for _ in range(300):
        parquet.write_bytes(mutate(dice, data)[0])
        with watch:
            try:
                count = len(list(read_fineweb_edu(parquet)))
            except ValueError as error:
                assert "000.parquet cannot be read as Parquet after" in str(error)
            else:
                assert count <= 2  # a footer that says so in other words cannot be told
    assert watch.slowest < HANG_S


def test_read_fineweb_edu_names_a_row_without_text(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow.parquet import write_table

    write_table(pyarrow.table({"text": ["a", None]}), tmp_path / "a.parquet")
    with pytest.raises(
        ValueError, match=r"a\.parquet .* after 2 documents: row 2 has the text None"
    ):
        list(read_fineweb_edu(tmp_path / "a.parquet"))


def test_read_records_joins_a_line_of_thousands_of_gzip_members_in_one_pass(tmp_path):
    zipped = [gzipped(part) for part in (b'{"text": "', b"x", b'"}')]
    (tmp_path / "a.jsonl.gz").write_bytes(zipped[0] + zipped[1] * 100_000 + zipped[2])
    watch = Watch()
    with watch:
        texts = _texts(read_records(tmp_path / "a.jsonl.gz"))
    assert texts == ["x" * 100_000]
    assert watch.slowest < HANG_S


@pytest.mark.parametrize("what", [b"\0", b"\n"], ids=["zeros", "empty lines"])
def test_read_records_does_not_unfold_a_flood_of_bombs(tmp_path, what):
    good, bomb = gzipped(b'{"text": "good"}\n'), gzipped(what * 6_000_000)
    cut = bomb[:-9] * (1_000_000 // len(bomb))
    (tmp_path / "a.jsonl.gz").write_bytes(good + cut + good)
    damage, watch = [], Watch()
    with watch:
        texts = _texts(read_records(tmp_path / "a.jsonl.gz", damage=damage))
    assert texts == ["good"] * 2
    assert damage
    assert watch.slowest < HANG_S


def test_read_records_takes_lines_that_are_zipped_to_a_hundredth_for_no_bomb(tmp_path, monkeypatch):
    monkeypatch.setattr(_members, "_BOMB_BYTES", 400_000)
    line = b'{"text": "' + b"x" * 300_000 + b'"}\n'
    for zipped in (gzipped(line * 20), gzipped(line) * 20):
        (tmp_path / "a.jsonl.gz").write_bytes(zipped)
        assert len(list(read_records(tmp_path / "a.jsonl.gz"))) == 20


def test_read_documents_goes_by_the_end_of_the_name(tmp_path, parquet):
    write_jsonl([Document("1", "u", "lines")], tmp_path / "a.jsonl.gz")
    (tmp_path / "b.TXT").write_text("text")
    (tmp_path / "c.warc.wet").write_bytes(_wet(1, "wet"))
    names = ["a.jsonl.gz", "b.TXT", "c.warc.wet", "000.parquet"]
    texts = [next(read_documents(tmp_path / name)).text for name in names]
    assert texts == ["lines", "text", "wet", "Why do geese fly?"]


def test_read_documents_says_what_it_knows():
    with pytest.raises(ValueError, match=r"a\.pdf is none of \.jsonl, \.ndjson"):
        read_documents("http://x.example/a.pdf?page=3")


def test_readers_take_an_address(tmp_path, parquet):
    files = {
        "/a.jsonl.gz": gzipped(b'{"text": "lines"}'),
        "/b.txt": b"text",
        "/c.wet": _wet(1, "wet"),
        "/d.parquet": parquet.read_bytes(),
    }
    with serve(lambda path: Response(200, {}, files[path])) as base_url:
        documents = [next(read_documents(base_url + path)) for path in files]
    assert _texts(documents) == ["lines", "text", "wet", "Why do geese fly?"]
    assert documents[1].url == f"{base_url}/b.txt"
