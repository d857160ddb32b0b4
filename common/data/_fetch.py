"""One request after the other to one server, none of which costs more than its share.

Needs: _http_answer.py.
"""

import http.client
import io
import socket
import time
from urllib.parse import urlsplit, urlunsplit

from ._http_answer import unwrap

Answer = tuple[int, dict[str, str], bytes]


class Skip(Exception):
    """Why a page is left out."""


class NoAnswer(Skip):
    """The server failed: it stalled, closed, or spoke something else than HTTP."""


class Fetcher:
    """Asks one site for pages over one connection, within limits of bytes and seconds."""

    def __init__(
        self, site: tuple[str, str], *, timeout_s: float, user_agent: str, delay_s: float
    ) -> None:
        self.timeout_s, self.user_agent, self.delay_s = timeout_s, user_agent, delay_s
        self.headers = {"User-Agent": user_agent, "Accept-Encoding": "identity"}
        self.next_request = 0.0
        kinds = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}
        self.connection = kinds[site[0]](site[1], timeout=timeout_s)
        self.connection.response_class = _Response

    def __enter__(self) -> "Fetcher":
        return self

    def __exit__(self, *error: object) -> None:
        self.connection.close()

    def fetch(self, url: str, *, max_bytes: int, cut: bool = False) -> Answer:
        """Status, headers and body; a connection that the server closed meanwhile is reopened.

        A body over `max_bytes` is skipped, or cut there if `cut`.
        """
        if (early := self.next_request - time.monotonic()) > 0:
            time.sleep(early)
        self.next_request = time.monotonic() + self.delay_s
        is_fresh = self.connection.sock is None
        try:
            return self._request(url, max_bytes, cut)
        except (http.client.HTTPException, OSError, ValueError, LookupError) as error:
            self.connection.close()
            if isinstance(error, TimeoutError):
                raise NoAnswer(f"no answer within {self.timeout_s} s") from error
            if is_fresh:
                raise NoAnswer(f"the connection broke: {type(error).__name__}") from error
        except Skip:
            self.connection.close()
            raise
        return self.fetch(url, max_bytes=max_bytes, cut=cut)

    def _request(self, url: str, max_bytes: int, cut: bool) -> Answer:
        parts = urlsplit(url)
        if self.connection.sock is not None:
            self.connection.sock.settimeout(self.timeout_s)
        target = urlunsplit(("", "", parts.path, parts.query, ""))
        self.connection.request("GET", target, headers=self.headers)
        response = self.connection.getresponse()
        announced = response.length
        if announced is not None and announced > max_bytes and not cut:
            raise Skip(f"a body of {announced} bytes is over max_bytes {max_bytes}")
        body = response.read(max_bytes + 1)
        if len(body) > max_bytes:
            self.connection.close()
            if not cut:
                raise Skip(f"the body is over max_bytes {max_bytes}")
        elif announced is not None and len(body) < announced:
            raise NoAnswer(f"the server closed after {len(body)} of {announced} bytes")
        response.close()
        # A value that was folded over several lines is one line from here on.
        headers = {name.lower(): " ".join(v.split()) for name, v in response.getheaders()}
        if response.chunked:
            headers["x-crawl-transfer-encoding"] = headers.pop("transfer-encoding")
        try:
            return response.status, headers, unwrap(headers, body[:max_bytes], max_bytes=max_bytes)
        except ValueError as error:
            raise Skip(str(error)) from error


class _Response(http.client.HTTPResponse):
    """An answer that must be complete within the socket's timeout, however slowly it drips."""

    def __init__(self, sock: socket.socket, *args: object, **kwargs: object) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp.close()
        self.fp = io.BufferedReader(Deadline(sock))

    def begin(self) -> None:
        super().begin()
        while self.status < 200:  # a 103 tells what is to come; what was asked for comes after it
            self.headers = None
            super().begin()

    def _read_next_chunk_size(self) -> int:
        if (size := super()._read_next_chunk_size()) < 0:  # -1 would read without end
            raise ValueError(f"a chunk of {size} bytes")
        return size


class Deadline(io.RawIOBase):
    """Reads from a socket; its timeout counts from now, not from the last byte received."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.raw = sock.makefile("rb", buffering=0)
        self.deadline = time.monotonic() + sock.gettimeout()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer is not complete in time")
        self.sock.settimeout(left)
        return self.raw.readinto(buffer)

    def close(self) -> None:
        self.raw.close()
        super().close()
