"""The library: the documentation that every Python carries, served as a web site by itself.

`pydoc`, part of the standard library, renders every module's documentation as HTML. It is real text
with real boilerplate, real near-duplicates and real "soft errors" (an error page with status 200).

`pydoc` also prints what it finds in the process that runs it: environment variables, file paths,
memory addresses. So it runs here in a process of its own which inherits no environment, sees no
installed packages (`-I -S`) and starts in an empty folder; the modules whose pages list the
environment are not served; and paths and addresses are replaced before a page leaves the process.

Taught in ch01_data/01_web_as_bytes.ipynb.
Needs: nothing but the standard library.
"""

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator

# Runs in the child. Modules that print the process's state, act when imported, or are not prose.
_SERVER = r"""
import http.server, io, os, pydoc, re, sys, warnings

warnings.simplefilter("ignore")
HIDDEN = {"posix", "nt", "os", "sys", "site", "sysconfig", "platform", "sitecustomize", "__main__",
          "antigravity", "this", "idlelib", "turtle", "turtledemo", "tkinter", "test", "lib2to3",
          "usercustomize", "getpass", "webbrowser", "ensurepip", "pydoc", "socket", "_socket"}
PATHS = sorted({p for p in [sys.prefix, sys.base_prefix, sys.exec_prefix, os.getcwd(), *sys.path]
                if len(p) > 1}, key=len, reverse=True)
TOPICS = {*pydoc.Helper.topics, *pydoc.Helper.keywords}
ROBOTS = "User-agent: *\n" + "".join(f"Disallow: /{name}.html\n" for name in sorted(HIDDEN))
pydoc.platform.platform = lambda **_: "a computer"
respond = sys.stdout
sys.stdout = sys.stderr = io.StringIO()  # what modules print while they are imported


def clean(page):
    for path in PATHS:
        page = page.replace(path, "/python").replace(path.replace("\\", "/"), "/python")
    return re.sub(r"\b(0x|handle )[0-9a-f]{6,16}\b", r"\g<1>0", page)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    timeout = 5  # one connection is served at a time: an idle one gives way

    def do_GET(self):
        topic = self.path.removeprefix("/topic?key=")
        module = re.fullmatch(r"/(\w*)[\w.]*", self.path)
        status, kind = 200, "text/html; charset=UTF-8"
        if self.path == "/robots.txt":
            body, kind = ROBOTS, "text/plain"
        elif topic in TOPICS or module and module[1] not in HIDDEN:
            body = clean(pydoc._url_handler(self.path, "text/html"))
        else:
            status, body = 403, "not served here"
        data = body.encode("utf-8", "replace")
        self.send_response_only(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args):
        pass


with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
    print(server.server_port, file=respond, flush=True)
    server.serve_forever()
"""


@contextlib.contextmanager
def serve_library() -> Iterator[str]:
    """Serve the standard library's documentation on 127.0.0.1 and give its base address.

    The server takes one connection at a time and ends with the `with` block. About 50 pages a
    second; `/topics.html` links the language reference, `/index.html` every module. The text
    differs between Python versions, and so do the addresses that it answers.

    >>> with serve_library() as base_url:
    ...     base_url.startswith("http://127.0.0.1:")
    True
    """
    # Windows cannot open a socket without SYSTEMROOT; everything else of the environment stays out.
    environment = {key: os.environ[key] for key in ["SYSTEMROOT"] if key in os.environ}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as empty_folder:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _SERVER],
            cwd=empty_folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            port = process.stdout.readline().strip()
            if not port:
                raise RuntimeError(f"the library server ended with code {process.wait()}")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait()
            process.stdout.close()
