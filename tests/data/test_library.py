import getpass
import http.client
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from common.data.crawl import crawl
from common.data.library import serve_library

SECRET = "planted-secret-7d1f0c"
# Pages that have printed the environment, paths or the machine in some version of Python.
NOSY = ["/os.html", "/posix.html", "/sys.html", "/platform.html", "/site.html", "/sysconfig.html"]
NOSY += [
    "/get?key=os",
    "/topic?key=os",
    "/topic?key=os.environ",
    "/os.environ.html",
    "/search?key=os",
]


@pytest.fixture(scope="module")
def pages():
    os.environ["LIBRARY_TEST_TOKEN"] = SECRET
    try:
        with serve_library() as base_url:
            got = {
                page.url.removeprefix(base_url): page.body
                for page in crawl(f"{base_url}/topics.html", max_pages=40)
            }
            connection = http.client.HTTPConnection(base_url.removeprefix("http://"))
            for path in [
                *NOSY,
                "/index.html",
                "/tempfile.html",
                "/shutil.html",
                "/subprocess.html",
            ]:
                connection.request("GET", path)
                got[path] = connection.getresponse().read()
            connection.close()
    finally:
        del os.environ["LIBRARY_TEST_TOKEN"]
    return got


def test_serve_library_never_shows_the_environment(pages):
    everything = b"\n".join(pages.values())
    assert SECRET.encode() not in everything
    assert b"LIBRARY_TEST_TOKEN" not in everything


def test_serve_library_names_neither_this_machine_nor_its_folders(pages):
    everything = b"\n".join(pages.values())
    for private in {sys.base_prefix, sys.prefix, str(Path.home()), os.getcwd()} - {"/", "/usr"}:
        assert private.encode() not in everything
    assert not re.search(rb"\b0x[0-9a-f]{6,16}\b", everything)
    if len(socket.gethostname()) > 7:
        assert socket.gethostname().encode() not in everything
    if len(getpass.getuser()) > 7:
        assert getpass.getuser().encode() not in everything


def test_serve_library_refuses_the_pages_that_print_the_process(pages):
    assert {path: pages[path] for path in NOSY} == dict.fromkeys(NOSY, b"not served here")


def test_serve_library_starts_python_isolated_and_without_the_environment(monkeypatch):
    started = []

    def record(command, **settings):
        started.append((command, settings))
        raise RuntimeError("not started")

    monkeypatch.setattr(subprocess, "Popen", record)
    with pytest.raises(RuntimeError, match="not started"), serve_library():
        raise AssertionError("the library is served")
    command, settings = started[0]
    assert command[1:3] == ["-I", "-S"]
    assert settings["env"].keys() <= {"SYSTEMROOT"}
    assert settings["cwd"] != os.getcwd()


def test_serve_library_serves_the_language_reference_and_modules(pages):
    assert b"debugging assertions" in pages["/topic?key=ASSERTION"]
    assert b"Index of Modules" in pages["/index.html"]
    assert b"TemporaryDirectory" in pages["/tempfile.html"]


def test_serve_library_ends_with_its_block():
    with serve_library() as base_url:
        address = base_url.removeprefix("http://")
    with pytest.raises(ConnectionRefusedError):
        http.client.HTTPConnection(address).request("GET", "/")


def test_serve_library_gives_the_same_bytes_from_every_process():
    """A page that showed where something lies in memory would change every artefact built on it."""

    def page() -> bytes:
        with serve_library() as base_url:
            connection = http.client.HTTPConnection(base_url.removeprefix("http://"))
            connection.request("GET", "/ctypes.html")
            return connection.getresponse().read()

    first = page()
    assert b"PyDLL" in first
    assert first == page()
