import hashlib
import io
import itertools
import re
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from warcio.archiveiterator import ArchiveIterator
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from common.data._unzipped import Unzipped
from common.data.warc import WarcPage, read_warc, write_warc
from tests.data.mutants import HANG_S, Watch, gzipped

PAGES = [
    WarcPage("http://town.example/a?b=c", 200, {"content-type": "text/html"}, bytes(range(256))),
    WarcPage("http://town.example/empty", 200, {}, b""),
]


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
    path.write_bytes(gzipped(b"hello"))
    with pytest.raises(ValueError, match=r"crawl\.warc\.gz cannot be read as WARC after 0 pages"):
        list(read_warc(path))


HTTP = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n%s\r\n%s"
GIVEN = "application/http; msgtype=response"


def _record(block, *, kind="response", url="http://x/", length=None, version="1.0", extra=""):
    length = len(block) if length is None else length
    head = (
        f"WARC/{version}\r\nWARC-Type: {kind}\r\nWARC-Record-ID: <urn:uuid:1>\r\n"
        f"WARC-Target-URI: {url}\r\nWARC-Date: 2026-01-02T03:04:05Z\r\n{extra}"
        f"Content-Type: {GIVEN}\r\nContent-Length: {length}\r\n\r\n"
    )
    return head.encode() + block + b"\r\n\r\n"


def _answer(body, *headers):
    return HTTP % (b"".join(header + b"\r\n" for header in headers), body)


def _read(tmp_path, data, **options):
    """Pages and damage of a file with these bytes."""
    (tmp_path / "crawl.warc").write_bytes(data)
    damage = []
    return list(read_warc(tmp_path / "crawl.warc", damage=damage, **options)), damage


def _bodies(tmp_path, data, **options):
    pages, damage = _read(tmp_path, data, **options)
    return [page.body for page in pages], [found.reason for found in damage]


GOOD = _record(_answer(b"good"), url="http://x/good")


def test_read_warc_agrees_with_warcio_on_what_warcio_writes(tmp_path):
    body = b"abc" * 500
    for name in ("crawl.warc", "crawl.warc.gz"):
        with open(tmp_path / name, "wb") as stream:
            writer = WARCWriter(stream, gzip=name.endswith(".gz"))
            writer.write_record(writer.create_warcinfo_record(name, {"software": "test"}))
            for kind in ("request", "response", "metadata", "response"):
                http = StatusAndHeaders("200 OK", [("Content-Type", "text/html")], "HTTP/1.1")
                record = writer.create_warc_record(
                    "http://x/", kind, payload=io.BytesIO(body), http_headers=http
                )
                writer.write_record(record)
        page = WarcPage("http://x/", 200, {"content-type": "text/html"}, body)
        assert list(read_warc(tmp_path / name)) == [page, page]


@pytest.mark.parametrize("layout", ["one member", "cut anywhere"])
def test_read_warc_reads_files_zipped_in_other_ways(tmp_path, layout):
    write_warc(PAGES * 3, tmp_path / "crawl.warc")
    data = (tmp_path / "crawl.warc").read_bytes()
    cuts = [0, len(data)] if layout == "one member" else [0, 1, 99, 500, 501, 1200, len(data)]
    zipped = [gzipped(data[a:b]) for a, b in itertools.pairwise(cuts)]
    assert _read(tmp_path, b"".join(zipped) + bytes(1000)) == (PAGES * 3, [])


@pytest.mark.parametrize("size", [1_000_000, 1_048_576, 3_000_000, 9_000_001])
@pytest.mark.parametrize("name", ["crawl.warc", "crawl.warc.gz"])
def test_read_warc_reads_on_after_a_page_that_unfolds_to_megabytes(tmp_path, size, name):
    pages = [WarcPage(f"http://x/{n}", 200, {}, b"la " * (n % 2 * size // 3)) for n in range(5)]
    write_warc(pages, tmp_path / name)
    assert list(read_warc(tmp_path / name)) == pages


@pytest.mark.parametrize("end", [b"\r\n\r\n", b"\n\n", b"", b"\r\n\r\n\r\n", b"\r\n"])
def test_read_warc_forgives_other_numbers_of_newlines_between_records(tmp_path, end):
    data = (GOOD[:-4] + end) * 2 + GOOD
    assert _bodies(tmp_path, data) == ([b"good"] * 3, [])


def test_read_warc_forgives_bare_newlines_in_headers(tmp_path):
    data = _record(_answer(b"good").replace(b"\r\n", b"\n")).replace(b"\r\n", b"\n")
    assert _bodies(tmp_path, data * 2) == ([b"good"] * 2, [])


def test_read_warc_reads_names_in_any_case_folded_headers_and_wrapped_addresses(tmp_path):
    block = b"HTTP/1.0 404\r\nX-Long: one\r\n  two\r\nBroken line\r\nCONTENT-type:a/b\r\n\r\nx"
    data = _record(block, url="<http://x/>").replace(b"WARC-Type", b"warc-TYPE")
    headers = {"x-long": "one two", "content-type": "a/b"}
    assert _read(tmp_path, data) == ([WarcPage("http://x/", 404, headers, b"x")], [])


@pytest.mark.parametrize("value", ["Zoë", "Zo\xeb"])
def test_read_warc_reads_header_bytes_as_utf8_or_latin1(tmp_path, value):
    coded = value.encode("latin-1" if value == "Zo\xeb" else "utf-8")
    pages, _ = _read(tmp_path, _record(_answer(b"", b"X-Name: " + coded)))
    assert pages[0].headers["x-name"] == value


def test_read_warc_keeps_a_page_that_quotes_a_warc_file(tmp_path):
    body = b"See:\r\n\r\n" + GOOD + b"and so on"
    assert _bodies(tmp_path, _record(_answer(body)) + GOOD) == ([body, b"good"], [])


def _chunked(body, size=700):
    parts = [body[i : i + size] for i in range(0, len(body), size)]
    return b"".join(b"%x;a=b\r\n%s\r\n" % (len(p), p) for p in parts) + b"0\r\nT: x\r\n\r\n"


def _raw_deflate(body):
    deflater = zlib.compressobj(wbits=-15)
    return deflater.compress(body) + deflater.flush()


BODY = b"<p>The mayor counts her geese twice. " * 90


@pytest.mark.parametrize(
    ("headers", "wrapped"),
    [
        ([b"Content-Encoding: gzip"], gzipped(BODY)),
        ([b"Content-Encoding: X-GZIP"], gzipped(BODY[:99]) + gzipped(BODY[99:])),
        ([b"Content-Encoding: deflate"], zlib.compress(BODY)),
        ([b"Content-Encoding: deflate"], _raw_deflate(BODY)),
        ([b"Content-Encoding: deflate, gzip"], gzipped(zlib.compress(BODY))),
        ([b"Content-Encoding: identity"], BODY),
        ([b"Transfer-Encoding: chunked"], _chunked(BODY)),
        ([b"Transfer-Encoding: gzip, chunked"], _chunked(gzipped(BODY))),
        (
            [b"Transfer-Encoding: chunked", b"Content-Encoding: gzip"],
            _chunked(gzipped(BODY)) + b"more",
        ),
        # Headers that lie: the body is what a reader would want already.
        ([b"Content-Encoding: gzip"], BODY),
        ([b"Content-Encoding: br"], BODY),
        ([b"Transfer-Encoding: chunked"], BODY),
    ],
)
def test_read_warc_unwraps_bodies(tmp_path, headers, wrapped):
    pages, damage = _read(tmp_path, _record(_answer(wrapped, *headers)))
    assert ([page.body for page in pages], damage) == ([BODY], [])
    names = [name for name in pages[0].headers if name.endswith("-encoding")]
    assert names
    assert all(name.startswith("x-crawl-") for name in names)
    write_warc(pages, tmp_path / "again.warc")
    assert list(read_warc(tmp_path / "again.warc")) == pages


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (_record(_answer(gzipped(BODY)[:-9], b"Content-Encoding: gzip")), "body is cut off"),
        (_record(_answer(b"\x1f\x8b\x08junk", b"Content-Encoding: gzip")), "gzip body is broken"),
        (_record(_answer(b"\x78\x9c\xff\xff", b"Content-Encoding: deflate")), "deflate body is br"),
        (
            _record(_answer(b"\x0bjunk", b"Content-Encoding: br")),
            "'br' is not one that can",
        ),
        (
            _record(_answer(b"3\r\nabc\r\n9\r\nabc", b"Transfer-Encoding: chunked")),
            "chunked body",
        ),
        (_record(b"HTTP/1.1 200 OK\r\nA: b\r\n"), "its HTTP headers do not end"),
        (_record(b"no answer"), "it holds no HTTP answer"),
        (_record(_answer(b""), url=""), "no WARC-Target-URI"),
        (_record(_answer(b""), url="htxp://x/"), "has the WARC-Target-URI 'htxp://x/'"),
        (_record(_answer(b""), extra="Broken\r\n"), "a line in the headers of a record is no"),
        (_record(_answer(b""), extra="A: b\0\r\n"), "a line in the headers of a record is no"),
        (_record(_answer(b""), extra="Content-Length: 3\r\n"), "has once stands there twice"),
        (_record(_answer(b""), kind="respons"), "has the WARC-Type 'respons'"),
        (_record(_answer(b"")).replace(b"WARC-Type", b"WARC-Typo"), "has the WARC-Type ''"),
        (_record(_answer(b"x"), length="12a"), "has the Content-Length '12a'"),
        (_record(_answer(b"x"), length="-3"), "has the Content-Length '-3'"),
        (_record(_answer(b"x"), length=""), "has the Content-Length ''"),
        (_record(_answer(b"x"), length=9), "no record begins where one"),
        (_record(_answer(b"x"), length=400), "no record begins where one"),
        (_record(_answer(b"x"), length=90_000), "the file is cut off inside a record"),
        (_record(_answer(b"x"), length=10**14), "a record of 100000000000000 bytes is over max_b"),
        (_record(_answer(b"x"), length=10**40), "has the Content-Length '1000"),
        (_record(_answer(b"x"), length=2 * len(GOOD)), "no record begins where one"),
        (b"WARC/1.0\r\n" + b"A: b\r\n" * 20_000, "the headers of a record do not end"),
        (b"what is this?\r\n\r\n", "no WARC record begins here"),
        (_record(_answer(b"x")).replace(b"Content-Length", b"Content-Width "), "Content-Length ''"),
    ],
)
@pytest.mark.parametrize("zipped", [True, False], ids=["zipped", "plain"])
def test_read_warc_names_what_is_wrong_and_keeps_the_neighbours(tmp_path, record, reason, zipped):
    parts = [GOOD, record, GOOD, GOOD]
    data = b"".join(gzipped(part) if zipped else part for part in parts)
    pages, damage = _read(tmp_path, data)
    assert [page.body for page in pages] == [b"good"] * 3
    place = len(gzipped(GOOD)) if zipped else len(GOOD)
    assert [found.offset for found in damage] == [place]
    if zipped and "begins where one" in reason or "cut off inside" in reason:
        reason = "begins where one|longer than its gzip member|cut off inside"
    assert re.search(reason, damage[0].reason)
    with pytest.raises(ValueError, match=rf"crawl\.warc .* after 1 pages, at byte {place}: "):
        list(read_warc(tmp_path / "crawl.warc"))


@pytest.mark.parametrize(
    ("digest", "is_read"),
    [
        ("sha1:{:x}", True),
        ("SHA1:{:X}", True),
        ("md5:0", True),
        ("sha1:AAAA", False),
        ("sha1:***", False),
    ],
)
def test_read_warc_believes_the_digest_of_a_block_that_has_no_checksum(tmp_path, digest, is_read):
    block = _answer(b"page")
    true = int.from_bytes(hashlib.sha1(block).digest(), "big")
    record = _record(block, extra=f"WARC-Block-Digest: {digest.format(true)}\r\n")
    bodies, reasons = _bodies(tmp_path, record + GOOD)
    assert bodies == [b"page"] * is_read + [b"good"]
    assert [reason[-19:] for reason in reasons] == ["s WARC-Block-Digest"] * (not is_read)
    # gzip has a checksum of its own, and some crawlers write digests of something else.
    assert len(_bodies(tmp_path, gzipped(record))[0]) == 1


@pytest.mark.parametrize("kind", ["request", "metadata", "revisit", "resource", "conversion"])
def test_read_warc_passes_over_other_kinds_of_records(tmp_path, kind):
    assert _bodies(tmp_path, GOOD + _record(b"what", kind=kind) + GOOD) == ([b"good"] * 2, [])


def test_read_warc_passes_over_answers_of_other_protocols(tmp_path):
    record = _record(b"192.0.2.1", url="dns:x.example").replace(GIVEN.encode(), b"text/dns")
    assert _bodies(tmp_path, GOOD + record) == ([b"good"], [])


def test_read_warc_bounds_what_a_body_unfolds_to(tmp_path):
    bomb = gzipped(bytes(5_000_000))
    data = GOOD + _record(_answer(bomb, b"Content-Encoding: gzip")) + GOOD
    bodies, reasons = _bodies(tmp_path, data, max_bytes=1_000_000)
    assert bodies == [b"good"] * 2
    assert reasons == ["its gzip body is over max_bytes 1000000 when unzipped"]
    assert len(_bodies(tmp_path, data, max_bytes=5_000_000)[0]) == 3


def test_read_warc_unwraps_a_body_of_thousands_of_gzip_members_in_one_pass(tmp_path):
    watch, body = Watch(), gzipped(b"x") * 100_000
    with watch:
        bodies, _ = _bodies(tmp_path, _record(_answer(body, b"Content-Encoding: gzip")))
    assert bodies == [b"x" * 100_000]
    assert watch.slowest < HANG_S


@pytest.mark.parametrize("before", [0, 1], ids=["first", "later"])
def test_read_warc_does_not_unfold_a_bomb_of_a_gzip_member(tmp_path, before, monkeypatch):
    bomb = gzipped(_record(_answer(bytes(100_000_000))), 1)
    unfolded = []
    more = Unzipped.more
    monkeypatch.setattr(Unzipped, "more", lambda s, p: more(s, p) and not unfolded.append(s.size))
    data = gzipped(GOOD) * before + bomb + gzipped(GOOD)
    bodies, reasons = _bodies(tmp_path, data, max_bytes=10_000_000)
    assert bodies == [b"good"] * (before + 1)
    assert ["is over max_bytes 10000000" in reason for reason in reasons] == [True]
    assert unfolded[-1] < 20_000_000


def test_read_warc_finds_what_follows_a_record_over_max_bytes_in_the_same_member(tmp_path):
    data = gzipped(GOOD + _record(_answer(bytes(9_000_000))) + GOOD)
    bodies, reasons = _bodies(tmp_path, data, max_bytes=1_000_000)
    assert bodies == [b"good"] * 2
    assert len(reasons) == 1


def test_read_warc_tells_which_record_of_a_member_with_a_wrong_checksum_is_wrong(tmp_path):
    write_warc(
        [WarcPage(f"http://x/{n}", 200, {}, b"page %d" % n) for n in range(3)], tmp_path / "a"
    )
    data = (tmp_path / "a").read_bytes()
    zipped = zlib.compressobj(0, zlib.DEFLATED, 31)
    stored = zipped.compress(data) + zipped.flush()
    bodies, reasons = _bodies(tmp_path, stored.replace(b"page 1", b"page X") + gzipped(GOOD))
    assert bodies == [b"page 0", b"page 2", b"good"]
    assert [reason[:20] for reason in reasons] == ["the bytes of a recor", "a gzip member is bro"]


@pytest.mark.parametrize("name", ["crawl.warc", "crawl.warc.gz"])
def test_read_warc_in_parts_gives_what_it_gives_in_one(tmp_path, name):
    pages = [WarcPage(f"http://x/{n}", 200, {}, bytes(n)) for n in range(40)]
    path = tmp_path / name
    write_warc(pages, path)
    size = path.stat().st_size
    for parts in (1, 2, 3, 7, 50):
        cuts = [size * i // parts for i in range(parts)] + [None]
        shares = [list(read_warc(path, start=a, end=b)) for a, b in itertools.pairwise(cuts)]
        assert list(itertools.chain(*shares)) == pages
        assert parts == 1 or sum(map(bool, shares)) > 1


def test_read_warc_leaves_a_whole_member_to_the_part_in_which_it_begins(tmp_path):
    path = tmp_path / "crawl.warc.gz"
    path.write_bytes(gzipped(GOOD * 40))
    assert len(list(read_warc(path, end=1))) == 40
    assert list(read_warc(path, start=1)) == []


def test_write_warc_refuses_what_it_could_not_read_back(tmp_path):
    with pytest.raises(ValueError, match="'dns:x' is no address of the web"):
        write_warc([WarcPage("dns:x", 200, {}, b"")], tmp_path / "a.warc")
    with pytest.raises(ValueError, match="a header must be one line"):
        write_warc([WarcPage("http://x/", 200, {"a": "b\r\nc: d"}, b"")], tmp_path / "a.warc")


@pytest.mark.parametrize("junk", [b"XARC", b"\x1f\x8c\x08", b"\0", b""])
def test_read_warc_takes_a_file_with_a_broken_beginning_for_what_comes_first_in_it(tmp_path, junk):
    for part in (GOOD, gzipped(GOOD)):
        bodies, reasons = _bodies(tmp_path, junk + part[len(junk) :] + part * 2)
        assert bodies == [b"good"] * (2 + (not junk))
        assert len(reasons) == bool(junk)


def test_read_warc_believes_no_record_alone_in_a_member_with_a_wrong_checksum(tmp_path):
    zipped = zlib.compressobj(0, zlib.DEFLATED, 31)
    stored = zipped.compress(GOOD) + zipped.flush()
    bodies, reasons = _bodies(tmp_path, stored.replace(b"good", b"goof", 1) + stored)
    assert (len(bodies), reasons) == (1, ["a gzip member is broken (incorrect data check)"])


@pytest.mark.parametrize("zipped", [True, False], ids=["zipped", "plain"])
def test_read_warc_sees_a_length_that_ends_where_another_record_ends(tmp_path, zipped):
    block = _answer(b"long")
    digest = f"WARC-Block-Digest: sha1:{hashlib.sha1(block).hexdigest()}\r\n"
    length = len(block) + len(b"\r\n\r\n") + len(GOOD) - len(b"\r\n\r\n")
    long = _record(block, length=length, extra="" if zipped else digest)
    parts = [long, GOOD, GOOD]
    data = b"".join(gzipped(part) if zipped else part for part in parts)
    bodies, reasons = _bodies(tmp_path, data)
    assert (bodies, len(reasons)) == ([b"good"] * 2, 1)


@pytest.mark.parametrize("missing", [1, 2, 3, 4])
def test_read_warc_gives_a_last_page_without_its_newlines_and_says_so(tmp_path, missing):
    pages, damage = _read(tmp_path, (GOOD + GOOD)[:-missing])
    assert [page.body for page in pages] == [b"good"] * 2
    assert [found.reason for found in damage] == ["the file is cut off behind its last record"]
    with pytest.raises(ValueError, match="after 2 pages, .* cut off behind its last record"):
        list(read_warc(tmp_path / "crawl.warc"))
