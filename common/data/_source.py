"""Where bytes come from and go to: a path or an address to read, a file that appears when whole.

Needs: nothing but the standard library.
"""

import contextlib
import gzip
import http.client
import io
import os
import urllib.request
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

GZIP_MAGIC = b"\x1f\x8b\x08"
_AGENT = "llm-from-scratch-companion"
_TIMEOUT_S = 30.0
_RETRIES = 3


def is_url(path_or_url: str | Path) -> bool:
    return str(path_or_url).startswith(("http://", "https://"))


def name_of(path_or_url: str | Path) -> str:
    """The last part of a path or address: what an error calls the file."""
    path = urlsplit(path_or_url).path if is_url(path_or_url) else str(path_or_url)
    return path.rstrip("/").replace("\\", "/").rpartition("/")[2] or str(path_or_url)


def open_source(path_or_url: str | Path, *, start: int = 0) -> BinaryIO:
    """The bytes of a file or an http(s) address from `start` on, to be read once, in order."""
    if is_url(path_or_url):
        return io.BufferedReader(_Download(str(path_or_url), start), 1 << 18)
    stream = open(path_or_url, "rb")
    stream.seek(start)
    return stream


@contextlib.contextmanager
def open_unzipped(path_or_url: str | Path) -> Iterator[BinaryIO]:
    """The bytes of a source, unzipped if they are gzipped; ValueError names one that breaks off."""
    with open_source(path_or_url) as raw:
        zipped = raw.peek(3)[:3] == GZIP_MAGIC
        try:
            yield gzip.GzipFile(fileobj=raw) if zipped else raw
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise ValueError(f"{name_of(path_or_url)} is damaged or cut off: {error}") from error


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file beside `path` that takes its place on success and vanishes on failure."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with open(part, "wb") as stream:
            yield stream
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


class _Download(io.RawIOBase):
    """The body at an address. A connection that breaks is taken up again where it broke."""

    def __init__(self, url: str, start: int) -> None:
        self.url, self.at, self.retries = url, start, _RETRIES
        self.response: http.client.HTTPResponse | None = None
        self._open()

    def _open(self) -> None:
        # Whoever zips on the way may not: what is counted here are bytes of the file itself.
        headers = {"User-Agent": _AGENT, "Accept-Encoding": "identity"}
        if self.at:
            headers["Range"] = f"bytes={self.at}-"
        request = urllib.request.Request(self.url, headers=headers)
        self.response = urllib.request.urlopen(request, timeout=_TIMEOUT_S)
        if self.at and self.response.status != 206:
            self.response.close()
            raise OSError("the server cannot give a part of a file")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:
        while True:
            try:
                count = self.response.readinto(buffer)
                if not count and self.response.length:
                    raise OSError(f"the server closed {self.response.length} bytes before the end")
                self.at += count
                return count
            except (OSError, http.client.HTTPException) as error:
                self._open_again(error)

    def _open_again(self, error: Exception) -> None:
        self.response.close()
        while self.retries:
            self.retries -= 1
            try:
                return self._open()
            except (OSError, http.client.HTTPException) as another:
                error = another
        raise OSError(f"{self.url} broke off at byte {self.at}: {error}") from error

    def close(self) -> None:
        if self.response:  # not if the first request failed
            self.response.close()
        super().close()
