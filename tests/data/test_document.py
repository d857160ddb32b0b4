import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st
from warcio.archiveiterator import ArchiveIterator

from common.data.document import (
    Document,
    WarcPage,
    read_jsonl,
    read_warc,
    write_jsonl,
    write_warc,
)

DOCUMENTS = [
    Document("a", "http://town.example/a", "Ein Café.\n\n\u2028“Two”", {"label": "clean", "n": 3}),
    Document("b", "http://town.example/b", ""),
]
PAGES = [
    WarcPage("http://town.example/a?b=c", 200, {"content-type": "text/html"}, bytes(range(256))),
    WarcPage("http://town.example/empty", 200, {}, b""),
]


@pytest.mark.parametrize("name", ["docs.jsonl", "docs.jsonl.gz"])
def test_jsonl_gives_back_what_was_written(tmp_path, name):
    assert write_jsonl(iter(DOCUMENTS), tmp_path / name) == 2
    assert list(read_jsonl(tmp_path / name)) == DOCUMENTS


def test_jsonl_is_one_plain_json_object_a_line(tmp_path):
    write_jsonl(DOCUMENTS[1:], tmp_path / "docs.jsonl")
    expected = b'{"id": "b", "url": "http://town.example/b", "text": "", "meta": {}}\n'
    assert (tmp_path / "docs.jsonl").read_bytes() == expected


@pytest.mark.parametrize("name", ["docs.jsonl", "docs.jsonl.gz"])
def test_jsonl_same_documents_give_the_same_bytes(tmp_path, name):
    (tmp_path / "other").mkdir()
    write_jsonl(DOCUMENTS, tmp_path / name)
    write_jsonl(DOCUMENTS, tmp_path / "other" / name)
    assert (tmp_path / name).read_bytes() == (tmp_path / "other" / name).read_bytes()


def test_write_jsonl_puts_neither_time_nor_name_into_the_gzip_header(tmp_path):
    write_jsonl(DOCUMENTS, tmp_path / "docs.jsonl.gz")
    header = (tmp_path / "docs.jsonl.gz").read_bytes()[:10]
    assert (header[3], header[4:8]) == (0, bytes(4))


def test_write_jsonl_failing_half_way_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "docs.jsonl.gz"
    write_jsonl(DOCUMENTS, path)

    def failing():
        yield DOCUMENTS[0]
        raise RuntimeError("the crawl broke")

    with pytest.raises(RuntimeError, match="the crawl broke"):
        write_jsonl(failing(), path)
    assert list(read_jsonl(path)) == DOCUMENTS
    assert [file.name for file in tmp_path.iterdir()] == ["docs.jsonl.gz"]


@pytest.mark.parametrize("line", ["not json", '{"id": "a"}', "[1, 2]", '{"id": 1, "zzz": 2}'])
def test_read_jsonl_names_file_and_line_of_what_is_no_document(tmp_path, line):
    path = tmp_path / "docs.jsonl"
    write_jsonl(DOCUMENTS, path)
    path.write_text(path.read_text(encoding="utf-8") + line, encoding="utf-8")
    with pytest.raises(ValueError, match=r"docs\.jsonl line 3 is not a document"):
        list(read_jsonl(path))


def test_read_jsonl_names_a_file_that_is_cut_off(tmp_path):
    path = tmp_path / "docs.jsonl.gz"
    write_jsonl(DOCUMENTS, path)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(ValueError, match=r"docs\.jsonl\.gz breaks off after line"):
        list(read_jsonl(path))


@pytest.mark.parametrize("name", ["crawl.warc", "crawl.warc.gz"])
def test_warc_gives_back_what_was_written(tmp_path, name):
    assert write_warc(iter(PAGES), tmp_path / name) == 2
    assert list(read_warc(tmp_path / name)) == PAGES


@given(st.binary(max_size=300), st.sampled_from([200, 404, 500]))
def test_warc_keeps_any_body_and_status(tmp_path_factory, body, status):
    path = tmp_path_factory.mktemp("warc") / "one.warc.gz"
    page = WarcPage("http://town.example/", status, {"content-type": "text/html"}, body)
    write_warc([page], path)
    assert next(read_warc(path)) == page


def test_write_warc_is_valid_for_warcio_with_digests_that_match(tmp_path):
    write_warc(PAGES, tmp_path / "crawl.warc.gz", date="2026-01-02T03:04:05Z")
    with open(tmp_path / "crawl.warc.gz", "rb") as stream:
        dates = []
        for record in ArchiveIterator(stream, check_digests="raise"):
            record.content_stream().read()
            dates.append(record.rec_headers.get_header("WARC-Date"))
    assert dates == ["2026-01-02T03:04:05Z"] * 2


def test_write_warc_same_pages_give_the_same_bytes(tmp_path):
    write_warc(PAGES, tmp_path / "a.warc.gz")
    write_warc(PAGES, tmp_path / "b.warc.gz")
    assert (tmp_path / "a.warc.gz").read_bytes() == (tmp_path / "b.warc.gz").read_bytes()


def test_read_warc_undoes_chunked_transfer(tmp_path):
    http = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    head = (
        b"WARC/1.0\r\nWARC-Type: response\r\nWARC-Record-ID: <urn:uuid:1>\r\n"
        b"WARC-Target-URI: http://x/\r\nWARC-Date: 2026-01-02T03:04:05Z\r\n"
        b"Content-Type: application/http; msgtype=response\r\nContent-Length: %d\r\n\r\n"
    )
    (tmp_path / "one.warc").write_bytes(head % len(http) + http + b"\r\n\r\n")
    assert [page.body for page in read_warc(tmp_path / "one.warc")] == [b"abcde"]


def test_read_warc_passes_over_records_that_are_no_response(tmp_path):
    path = tmp_path / "crawl.warc"
    write_warc(PAGES[:1], path)
    info = (
        b"WARC/1.0\r\nWARC-Type: warcinfo\r\nWARC-Record-ID: <urn:uuid:1>\r\n"
        b"WARC-Date: 2026-01-02T03:04:05Z\r\nContent-Length: 4\r\n\r\nabcd\r\n\r\n"
    )
    http = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    request = info.replace(b"warcinfo", b"request").replace(b": 4", b": %d" % len(http))
    request = request.replace(
        b"\r\n\r\nabcd",
        b"\r\nWARC-Target-URI: http://x/\r\nContent-Type: application/http\r\n\r\n" + http,
    )
    path.write_bytes(info + request + path.read_bytes())
    assert list(read_warc(path)) == PAGES[:1]


@pytest.mark.parametrize("cut", [0.3, 0.7, 0.99])
@pytest.mark.parametrize("name", ["crawl.warc", "crawl.warc.gz"])
def test_read_warc_names_a_file_that_is_cut_off(tmp_path, name, cut):
    path = tmp_path / name
    write_warc(PAGES, path)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * cut)])
    with pytest.raises(ValueError, match=r"crawl\.warc.* cannot be read as WARC after \d pages"):
        list(read_warc(path))


def test_read_warc_names_a_file_that_is_no_warc(tmp_path):
    path = tmp_path / "crawl.warc.gz"
    path.write_bytes(gzip.compress(b"hello"))
    with pytest.raises(ValueError, match=r"crawl\.warc\.gz cannot be read as WARC after 0 pages"):
        list(read_warc(path))
