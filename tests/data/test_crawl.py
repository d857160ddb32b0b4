import re
import socket
import threading
import time
from contextlib import contextmanager

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from common.data import town
from common.data._fetch import Deadline
from common.data.crawl import crawl, normalize_url
from common.data.site import Response, render_town, serve
from common.data.warc import read_warc, write_warc
from tests.data.mutants import gzipped

HTML = {"Content-Type": "text/html"}


def _page(*links, status=200, **headers):
    anchors = "".join(f'<a href="{link}">x</a>' for link in links)
    return Response(status, HTML | headers, anchors.encode())


def _redirect(target):
    return Response(302, {"Location": target}, b"")


def _crawl(responses, **limits):
    """Paths given, {path: reason} skipped and paths asked for, of a crawl of these responses."""
    asked = []

    def answer(path):
        asked.append(path)
        return responses.get(path, Response(404, {}, b""))

    with serve(answer) as base_url:
        pages = crawl(f"{base_url}/", **({"max_pages": 100} | limits))
        given = [page.url.removeprefix(base_url) for page in pages]
    return given, {url.removeprefix(base_url): why for url, why in pages.skipped}, asked


@contextmanager
def _raw_server(*answers):
    """A server that sends raw bytes, one answer a connection; None sends nothing and holds on."""
    listener = socket.create_server(("127.0.0.1", 0))
    held = []

    def run():
        for answer in answers:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            held.append(connection)
            connection.recv(65536)
            if answer is not None:
                connection.sendall(answer)
                connection.shutdown(socket.SHUT_RDWR)

    threading.Thread(target=run, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    finally:
        for connection in [listener, *held]:
            connection.close()


def _ok(body):
    return b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n%s" % (
        len(body),
        body,
    )


CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n"
PARTS = b"HTTP/1.1 200 OK\r\nContent-Type: multipart/mixed; boundary"
NO_ROBOTS = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"


def test_crawl_goes_breadth_first_and_to_each_page_once():
    site = {
        "/": _page("/a", "b#top", "/a", "/"),
        "/a": _page("/c", "/"),
        "/b": _page("http://127.0.0.1/elsewhere", "mailto:a@b.c", "?q=1"),
        "/c": _page(),
        "/b?q=1": _page(),
    }
    assert _crawl(site)[0] == ["/", "/a", "/b", "/c", "/b?q=1"]


@pytest.mark.parametrize(
    ("limits", "given"),
    [
        ({"max_pages": 2}, ["/", "/a"]),
        ({"max_pages": 0}, []),
        ({"max_depth": 0}, ["/"]),
        ({"max_depth": 1}, ["/", "/a"]),
        ({}, ["/", "/a", "/b"]),
    ],
)
def test_crawl_stops_at_its_limits(limits, given):
    assert _crawl({"/": _page("/a"), "/a": _page("/b"), "/b": _page()}, **limits)[0] == given


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"max_pages": -1}, "max_pages must not be negative, got -1"),
        ({"max_depth": -1}, "max_depth must not be negative, got -1"),
        ({"max_bytes": -1}, "max_bytes must not be negative, got -1"),
        ({"delay_s": -0.5}, "delay_s must not be negative, got -0.5"),
        ({"timeout_s": 0}, "timeout_s must be positive, got 0"),
        ({"allowed_hosts": "127.0.0.1"}, "allowed_hosts must be several names, got the one '127"),
    ],
)
def test_crawl_refuses_settings_without_sense(settings, message):
    with pytest.raises(ValueError, match=message):
        crawl("http://127.0.0.1/", **{"max_pages": 1} | settings)


def test_crawl_asks_for_nothing_that_robots_txt_forbids():
    robots = b"User-agent: *\nDisallow: /private/\n\nUser-agent: guest\nDisallow: /\n"
    site = {
        "/robots.txt": Response(200, {}, robots),
        "/": _page("/private/a", "/b", "/to"),
        "/private/a": _page(),
        "/b": _page(),
        "/to": _redirect("/private/b"),
    }
    given, skipped, asked = _crawl(site)
    assert given == ["/", "/b"]
    assert skipped == dict.fromkeys(["/private/a", "/to"], "robots.txt forbids it")
    assert asked == ["/robots.txt", "/", "/b", "/to"]
    assert _crawl(site, user_agent="guest")[2] == ["/robots.txt"]


@pytest.mark.parametrize(
    ("status", "given"), [(404, ["/"]), (403, ["/"]), (500, []), (503, []), (304, []), (999, [])]
)
def test_crawl_reads_a_missing_robots_txt_as_yes_and_a_failing_one_as_no(status, given):
    found, skipped, _ = _crawl({"/robots.txt": Response(status, {}, b""), "/": _page()})
    assert found == given
    assert skipped == ({} if given else {"/": f"robots.txt: status {status}"})


def test_crawl_takes_the_longest_rule_of_robots_txt():
    robots = b"User-agent: *\nAllow: /\nDisallow: /private/\nDisallow: /*.cgi$\n"
    site = {
        "/robots.txt": Response(200, {}, robots),
        "/": _page("/private/a", "/x.cgi", "/x.cgi?a"),
    }
    given, skipped, asked = _crawl(site | {"/x.cgi?a": _page(), "/private/a": _page()})
    assert given == ["/", "/x.cgi?a"]
    assert asked == ["/robots.txt", "/", "/x.cgi?a"]


@pytest.mark.parametrize(
    ("robots", "reason"),
    [
        (
            Response(302, {"Location": "/robots.txt"}, b""),
            "redirects to {}/robots.txt, which is kn",
        ),
        (
            Response(302, {"Location": "//example.com/"}, b""),
            "redirects to another site: http://ex",
        ),
        (Response(200, {}, b"User-agent: *\nCrawl-delay: 86400\n"), "it asks for 86400 s between"),
        (Response(200, {}, b"User-agent: *\nCrawl-delay: 1" + b"0" * 500), "it asks for inf s be"),
    ],
)
def test_crawl_leaves_a_site_in_peace_whose_robots_txt_cannot_be_kept(robots, reason):
    given, skipped, asked = _crawl({"/robots.txt": robots, "/": _page()})
    assert (given, asked) == ([], ["/robots.txt"])
    assert re.match(r"robots\.txt: " + reason.format(r"http://[\d.:]+"), skipped["/"])


def test_crawl_follows_robots_txt_to_where_it_has_moved():
    site = {
        "/robots.txt": _redirect("/rules"),
        "/rules": Response(200, {}, b"User-agent: *\nDisallow: /b"),
        "/": _page("/b"),
    }
    assert _crawl(site)[2] == ["/robots.txt", "/rules", "/"]


def test_crawl_reads_the_beginning_of_an_endless_robots_txt():
    rules = b"User-agent: *\nDisallow: /b\n" + b"# nothing\n" * 100_000
    site = {"/robots.txt": Response(200, {}, rules), "/": _page("/a", "/b"), "/a": _page()}
    assert _crawl(site, max_bytes=500)[0] == ["/", "/a"]


@pytest.mark.parametrize(
    "rules", [b"\xff\xfe\0\0", b"<html>404: no such page", b":\n:::\n", b"\0" * 99]
)
def test_crawl_reads_a_broken_robots_txt_as_one_without_rules(rules):
    assert _crawl({"/robots.txt": Response(200, {}, rules), "/": _page()})[0] == ["/"]


def test_crawl_keeps_the_delay_that_robots_txt_asks_for(monkeypatch):
    naps = []
    monkeypatch.setattr(time, "sleep", naps.append)
    robots = Response(200, {}, b"User-agent: *\nCrawl-delay: 30\n")
    _crawl({"/robots.txt": robots, "/": _page("/a"), "/a": _page()}, delay_s=2)
    assert naps == pytest.approx([2, 30], abs=1)


def test_crawl_follows_redirects_to_their_end_once():
    site = {
        "/": _page("/one", "/two", "/end"),
        "/one": _redirect("/two"),
        "/two": _redirect("/new"),
        "/new": _page("/last"),
        "/end": _redirect("/new"),
        "/last": _page(),
    }
    given, skipped, asked = _crawl(site)
    assert given == ["/", "/new", "/last"]
    assert asked.count("/new") == 1
    assert set(skipped) == {"/one", "/end"}


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("/loop", "which is known already"),
        ("http://example.com/", "redirects to another site: http://example.com/"),
        ("//127.0.0.1:1/", "redirects to another site: http://127.0.0.1:1/"),
        ("file:///etc/passwd", "redirects to another site: None"),
    ],
)
def test_crawl_refuses_redirects_that_loop_or_leave(target, reason):
    given, skipped, _ = _crawl(
        {"/": _page("/loop", "/b"), "/loop": _redirect(target), "/b": _page()}
    )
    assert given == ["/", "/b"]
    assert reason in skipped["/loop"]


def test_crawl_gives_up_after_five_redirects():
    site = {f"/r{n}": _redirect(f"/r{n + 1}") for n in range(9)} | {"/": _page("/r0")}
    given, skipped, asked = _crawl(site)
    assert given == ["/"]
    assert skipped["/r0"] == "more than 5 redirects"
    assert asked[-1] == "/r5"


def test_crawl_follows_five_million_letters_of_a_page_s_links_and_says_so():
    folder = "/" + "a" * 1900 + "/"
    links = "".join(f"<a href={n}>" for n in range(3000))
    site = {"/": Response(200, HTML, f"<base href={folder}>{links}".encode())}
    given, skipped, asked = _crawl(site | {f"{folder}0": _page()}, max_pages=2)
    assert given == ["/", f"{folder}0"]
    assert skipped == {"/": "links of more than 5000000 letters"}


def test_crawl_names_what_it_leaves_out():
    site = {
        "/": _page("/gone", "/broken", "/picture", "/zip", "/bomb", "/big", "/edge"),
        "/broken": _page(status=500),
        "/picture": Response(200, {"Content-Type": "image/png"}, b"PNG"),
        "/zip": Response(200, HTML | {"Content-Encoding": "br"}, b"\x0b\x01"),
        "/bomb": Response(200, HTML | {"Content-Encoding": "gzip"}, gzipped(bytes(50_000))),
        "/big": Response(200, HTML, b"x" * 1001),
        "/edge": Response(200, HTML, b"x" * 1000),
    }
    given, skipped, _ = _crawl(site, max_bytes=1000)
    assert given == ["/", "/edge"]
    assert skipped == {
        "/gone": "status 404",
        "/broken": "status 500",
        "/picture": "content type image/png is not HTML",
        "/zip": "its content encoding 'br' is not one that can be undone",
        "/bomb": "its gzip body is over max_bytes 1000 when unzipped",
        "/big": "a body of 1001 bytes is over max_bytes 1000",
    }


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\0" * 1000,
        b"<div>" * 10_000,
        b"<a href=/" + b"x" * 900_000 + b">",
        b"<a href='" * 20_000,
        b"<a href=\xff\xfe://[:::]:x/>",
        b"<base href='http://[::1'><a href=//>" + bytes(range(256)),
    ],
    ids=["empty", "zeros", "nested", "one address", "unclosed", "no address", "bad base"],
)
def test_crawl_goes_on_after_a_page_without_sense(body):
    site = {"/": _page("/odd", "/b"), "/odd": Response(200, HTML, body), "/b": _page()}
    assert _crawl(site)[0] == ["/", "/odd", "/b"]


def test_crawl_unfolds_a_body_that_came_zipped_unasked():
    zipped = Response(200, HTML | {"Content-Encoding": "gzip"}, gzipped(b"<a href=/b>x</a>"))
    assert _crawl({"/": zipped, "/b": _page()})[0] == ["/", "/b"]


def test_crawl_stops_reading_a_body_without_announced_length():
    endless = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + b"x" * 5000
    with _raw_server(NO_ROBOTS, endless) as url:
        pages = crawl(url, max_pages=5, max_bytes=1000)
        assert list(pages) == []
    assert pages.skipped == [(url, "the body is over max_bytes 1000")]


def test_crawl_loses_one_page_to_a_stalled_server():
    home = _ok(b"<a href=/stall>x</a><a href=/b>x</a>")
    with _raw_server(NO_ROBOTS, home, None, _ok(b"b")) as url:
        pages = crawl(url, max_pages=5, timeout_s=0.2)
        assert [page.url for page in pages] == [url, f"{url}b"]
    assert pages.skipped == [(f"{url}stall", "no answer within 0.2 s")]


def test_crawl_leaves_a_server_in_peace_that_fails_five_times_in_a_row():
    home = _ok(b"".join(b"<a href=/%d>x</a>" % n for n in range(20)))
    with _raw_server(NO_ROBOTS, home, _ok(b"0"), *[b""] * 30) as url:
        pages = crawl(url, max_pages=50, timeout_s=1)
        assert [page.url for page in pages] == [url, f"{url}0"]
    reasons = [reason for _, reason in pages.skipped]
    assert reasons[:5] == ["the connection broke: RemoteDisconnected"] * 5
    assert reasons[5:] == ["the server failed 5 times in a row"] * 14


def test_crawl_leaves_a_server_in_peace_that_stalls_on_robots_txt():
    with _raw_server(None) as url:
        pages = crawl(url, max_pages=5, timeout_s=0.05)
        assert list(pages) == []
    assert pages.skipped == [(url, "robots.txt: no answer within 0.05 s")]


@pytest.mark.parametrize("early", [b"100 Continue", b"102 Processing", b"103 Early Hints"])
def test_crawl_reads_past_what_is_sent_before_an_answer(early):
    early = b"HTTP/1.1 " + early + b"\r\nLink: </style.css>; rel=preload\r\n\r\n"
    rules = early + _ok(b"User-agent: *\nDisallow: /b")
    home = early + early + _ok(b"<a href=/a>x</a><a href=/b>x</a>")
    with _raw_server(rules, home, early + _ok(b"a"), _ok(b"b")) as url:
        pages = crawl(url, max_pages=5, timeout_s=1)
        assert [(page.url, page.status) for page in pages] == [(url, 200), (f"{url}a", 200)]
    assert pages.skipped == [(f"{url}b", "robots.txt forbids it")]


def test_crawl_saves_what_bad_headers_leave_of_a_page(tmp_path):
    answer = (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nX-Folded: one\r\n\t two\r\n"
        b"X-Odd: caf\xe9 \x0b\x85\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"3;x=y\r\n<p>\r\n0\r\n\r\n"
    )
    with _raw_server(NO_ROBOTS, answer) as url:
        pages = list(crawl(url, max_pages=1))
    assert pages[0].body == b"<p>"
    assert pages[0].headers["x-folded"] == "one two"
    write_warc(pages, tmp_path / "a.warc.gz")
    assert list(read_warc(tmp_path / "a.warc.gz")) == pages


def test_crawl_gives_a_dripping_server_no_more_than_its_timeout():
    class Drip:
        """Answers like a socket whose peer sends one byte whenever it is asked."""

        def __init__(self):
            self.timeouts = []

        def gettimeout(self):
            return 0.05

        def settimeout(self, value):
            self.timeouts.append(value)

        def makefile(self, *args, **kwargs):
            return self

        def readinto(self, buffer):
            assert len(self.timeouts) < 1_000_000, "it would read for ever"
            buffer[:1] = b"x"
            return 1

        def close(self):
            pass

    sock = Drip()
    with pytest.raises(TimeoutError):
        Deadline(sock).readall()
    assert sock.timeouts == sorted(sock.timeouts, reverse=True)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"", "the connection broke: RemoteDisconnected"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 9\r\n\r\nhalf", "4 of 9"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "the connection broke: BadStatusLine"),
        (b"HTTP/1.1 99999 OK\r\n\r\n", "the connection broke: BadStatusLine"),
        (b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200, "the connection broke: HTTPException"),
        (b"HTTP/1.1 200 OK\r\nA: " + b"b" * 70_000, "the connection broke: LineTooLong"),
        (CHUNKED + b"xyz\r\n", "IncompleteRead"),
        (CHUNKED + b"9\r\nab", "IncompleteRead"),
        (CHUNKED + b"+9\r\nab", "IncompleteRead"),
        (CHUNKED + b" 9\r\nab", "IncompleteRead"),
        (CHUNKED + b"-5\r\nab", "IncompleteRead"),
        (CHUNKED + b"-1\r\nab", "IncompleteRead"),
        (CHUNKED + b"f" * 9999 + b"\r\nab", "IncompleteRead"),
        (b"HTTP/1.1 103 Early Hints\r\n\r\n", "the connection broke: RemoteDisconnected"),
        (b"HTTP/1.1 101 Switching\r\n\r\n\0\1\2\r\n", "the connection broke: BadStatusLine"),
        (PARTS + b"*=idna'en'%FF\r\n\r\n", "the connection broke: UnicodeError"),
        (PARTS + b"*" + b"9" * 5000 + b"=a\r\n\r\n", "the connection broke: ValueError"),
    ],
)
def test_crawl_loses_one_page_to_a_closing_server(answer, reason):
    home = _ok(b"<a href=/shut>x</a><a href=/b>x</a>")
    with _raw_server(NO_ROBOTS, home, answer, _ok(b"b")) as url:
        pages = crawl(url, max_pages=5, timeout_s=1)
        assert [page.url for page in pages] == [url, f"{url}b"]
    assert reason in dict(pages.skipped)[f"{url}shut"]


def test_crawl_reads_the_whole_town_and_nothing_private():
    site = render_town(town.pages(30, seed=0), seed=0)
    with serve(site) as base_url:
        pages = crawl(f"{base_url}/", max_pages=1000)
        bodies = {page.url.removeprefix(base_url): page.body for page in pages}
    wanted = {path for path, label in site.labels.items() if label not in ("private", "oversize")}
    assert bodies == {path: site.responses[path].body for path in wanted}
    assert "robots.txt forbids it" in dict(pages.skipped)[f"{base_url}/private/diary"]


def test_crawl_asks_nobody_but_its_own_site():
    links = ["http://example.com/", "//example.com/a", "http://127.0.0.1:1/", "http://localhost/"]
    links += ["https://127.0.0.1/", "http://[::1]/", "http://127.0.0.1.example.com/", "/b"]
    given, _, asked = _crawl({"/": _page(*links), "/b": _page()})
    assert (given, asked) == (["/", "/b"], ["/robots.txt", "/", "/b"])


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "http://127.0.0.1@example.com/",
        "http://127.0.0.1.example.com/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://[::1]/",
    ],
)
def test_crawl_refuses_a_start_off_the_allowed_hosts(url):
    with pytest.raises(ValueError, match=r"is not one of the allowed hosts 127\.0\.0\.1"):
        crawl(url, max_pages=1)


@pytest.mark.parametrize(
    ("link", "url"),
    [
        ("b", "http://h.example:8000/a/b"),
        ("/b?x=1&y=%20z#part", "http://h.example:8000/b?x=1&y=%20z"),
        ("../../c/./d", "http://h.example:8000/c/d"),
        ("//other.example", "http://other.example/"),
        ("HTTPS://Other.Example:443/é", "https://other.example/%C3%A9"),
        (" /spaced out ", "http://h.example:8000/spaced%20out"),
        ("http://[::1]:80/", "http://[::1]/"),
        ("javascript:void(0)", None),
        ("mailto:a@b.c", None),
        ("http://h:port/", None),
        ("http://[::1/", None),
        ("/" + "x" * 2000, None),
        ("/\ud800", None),
        ("http://127.0.0.1:0/", "http://127.0.0.1:0/"),
        ("/%7Etom/%2e%2e/%62%2Ehtml", "http://h.example:8000/b.html"),
        ("%2e%2e/b?x=%7e", "http://h.example:8000/b?x=~"),
        ("http://h.example/a/../b", "http://h.example/b"),
        ("/a%2fb%3fc%c3%a9", "http://h.example:8000/a%2Fb%3Fc%C3%A9"),
        ("/100%/%2", "http://h.example:8000/100%25/%252"),
    ],
)
def test_normalize_url_gives_one_spelling(link, url):
    assert normalize_url(link, "http://h.example:8000/a/index.html") == url


@example("/%2%65")  # an "e" that must not make a code of what stands before it
@given(st.text(max_size=40))
def test_normalize_url_is_idempotent_and_never_raises(link):
    url = normalize_url(link, "http://h.example/a/")
    assert url is None or normalize_url(url) == url


def test_crawl_undoes_chunks_once():
    inner = b"3\r\n<p>\r\n0\r\n\r\n"
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n"
    answer = head + b"%x\r\n%s\r\n0\r\n\r\n" % (len(inner), inner)
    with _raw_server(NO_ROBOTS, answer) as url:
        assert [page.body for page in crawl(url, max_pages=1)] == [inner]


def test_crawl_counts_failures_in_a_row_only():
    home = _ok(b"".join(b"<a href=/%d>x</a>" % n for n in range(9)))
    answers = [b""] * 4 + [_ok(b"4")] + [b""] * 4
    with _raw_server(NO_ROBOTS, home, *answers) as url:
        pages = crawl(url, max_pages=50, timeout_s=1)
        assert [page.url for page in pages] == [url, f"{url}4"]
    assert len(pages.skipped) == 8
    assert all("the connection broke" in reason for _, reason in pages.skipped)


@pytest.mark.parametrize(
    "start",
    [
        "127.0.0.1:8000",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "http://127.0.0.1:99999/",
        "nonsense",
        "",
    ],
)
def test_start_that_is_no_web_address_is_named(start):
    with pytest.raises(ValueError, match=f"the start '{start}' is no web address such as http"):
        crawl(start, max_pages=1)


@pytest.mark.parametrize("agent", ["", " ", "a\nX-Evil: 1", "\u0436"])
def test_user_agent_that_no_header_can_hold_is_refused(agent):
    with pytest.raises(ValueError, match="user_agent must be a line of printable ASCII, got"):
        crawl("http://127.0.0.1/", max_pages=1, user_agent=agent)
