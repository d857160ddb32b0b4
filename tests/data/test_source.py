"""Reading from an address when the network is bad."""

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from common.data import _source
from common.data._source import name_of, open_source
from common.data.sources import read_text
from common.data.warc import WarcPage, read_warc, write_warc

DATA = bytes(range(256)) * 40


@contextmanager
def _server(data: bytes, breaks: list[int], *, gives_parts: bool = True) -> Iterator[str]:
    """Answers each request with the rest of `data`, of which it sends so many bytes and closes."""
    listener = socket.create_server(("127.0.0.1", 0))

    def run() -> None:
        for count in breaks:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                asked = re.search(rb"bytes=(\d+)-", connection.recv(65536))
                begin = int(asked[1]) if asked and gives_parts else 0
                status = b"206 Partial Content" if asked and gives_parts else b"200 OK"
                head = b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n" % (status, len(data) - begin)
                connection.sendall(head + data[begin : begin + count])

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/data.bin"
    finally:
        listener.close()


@pytest.mark.parametrize("start", [0, 100])
def test_open_source_takes_a_broken_download_up_where_it_broke(start):
    with _server(DATA, [3000, 0, 5000, 10**6]) as url, open_source(url, start=start) as stream:
        assert stream.read() == DATA[start:]


def test_open_source_gives_up_after_three_times():
    with _server(DATA, [1000] * 9) as url, open_source(url) as stream:
        with pytest.raises(
            OSError, match=r"data\.bin broke off at byte 4000: the server closed 62"
        ):
            stream.read()


def test_open_source_never_takes_the_beginning_for_the_rest():
    with _server(DATA, [1000] * 9, gives_parts=False) as url, open_source(url) as stream:
        with pytest.raises(OSError, match="broke off at byte 1000: the server cannot give a part"):
            stream.read()


def test_open_source_gives_up_on_a_server_that_stalls(monkeypatch):
    monkeypatch.setattr(_source, "_TIMEOUT_S", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        with pytest.raises(OSError, match="timed out"):
            open_source(url)


@pytest.mark.parametrize("name", ["crawl.warc", "crawl.warc.gz"])
def test_read_warc_keeps_the_pages_that_arrived_before_a_download_broke(tmp_path, name):
    pages = [WarcPage(f"http://x/{n}", 200, {}, bytes(100)) for n in range(9)]
    write_warc(pages, tmp_path / name)
    data = (tmp_path / name).read_bytes()
    with _server(data, [len(data) // 2] * 4, gives_parts=False) as url:
        damage = []
        given = list(read_warc(url, damage=damage))
    assert given == pages[: len(given)]
    assert len(given) >= 3
    assert "broke off at byte" in damage[-1].reason


def test_read_text_passes_on_that_a_download_broke():
    with _server(DATA, [1000] * 4, gives_parts=False) as url:
        with pytest.raises(OSError, match="broke off at byte 1000"):
            list(read_text(url))


@pytest.mark.parametrize(
    "path", ["a/b.txt", r"C:\a\b.txt", "http://x.example/a/b.txt?c=/d", "b.txt/"]
)
def test_name_of_is_the_last_part_without_the_query(path):
    assert name_of(path) == "b.txt"
