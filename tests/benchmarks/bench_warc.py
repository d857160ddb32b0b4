"""WARC: MB of pages a CPU second beside warcio and fastwarc, and the memory that a big file takes.

    python -m tests.benchmarks.bench_warc [MEGABYTES]

The file is a crawl of the town, zipped record by record, repeated up to so many MB (1000 unless
said: the file on disk, which unfolds to more than twice as much); a plain file beside it is a tenth
of that. Each reader runs in a process of its own, once, and gives address, status, headers and body
of every page. peak_mb is what the process held at most, beyond what it held after its imports.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import psutil

from common.data import town
from common.data.site import render_town
from common.data.warc import WarcPage, read_warc, write_warc
from tests.benchmarks.measure import report

Answer = tuple[str, int, dict[str, str], bytes]


def ours(path: str) -> Iterator[Answer]:
    for page in read_warc(path):
        yield page.url, page.status, page.headers, page.body


def ours_with_damage(path: str) -> Iterator[Answer]:
    for page in read_warc(path, damage=[]):
        yield page.url, page.status, page.headers, page.body


def warcio(path: str) -> Iterator[Answer]:
    from warcio.archiveiterator import ArchiveIterator

    with open(path, "rb") as stream:
        for record in ArchiveIterator(stream):
            if record.rec_type == "response":
                headers = {name.lower(): value for name, value in record.http_headers.headers}
                status = int(record.http_headers.get_statuscode())
                url = record.rec_headers.get_header("WARC-Target-URI")
                yield url, status, headers, record.content_stream().read()


def fastwarc(path: str) -> Iterator[Answer]:
    from fastwarc.warc import ArchiveIterator, WarcRecordType

    with open(path, "rb") as stream:
        for record in ArchiveIterator(stream, record_types=WarcRecordType.response):
            headers = {name.lower(): value for name, value in record.http_headers.astuples()}
            url = record.headers["WARC-Target-URI"]
            yield url, record.http_headers.status_code, headers, record.reader.read()


READERS = {"ours": ours, "ours_with_damage": ours_with_damage, "warcio": warcio}
READERS |= {"fastwarc": fastwarc} if find_spec("fastwarc") else {}


def write_crawl(path: Path, megabytes: int) -> None:
    """A crawl of 600 pages and their mess, as often as it takes; each copy is the same bytes."""
    site = render_town(town.pages(600, seed=0), seed=0)
    pages = [
        WarcPage(f"http://town.example{url}", found.status, found.headers, found.body)
        for url, found in site.responses.items()
    ]
    write_warc(pages, path)
    data = path.read_bytes()
    with open(path, "wb") as stream:
        for _ in range(megabytes * 1_000_000 // len(data) + 1):
            stream.write(data)


def damage(path: Path) -> None:
    """Turn one bit in every tenth of a megabyte."""
    with open(path, "r+b") as stream:
        for place in range(50_000, path.stat().st_size, 100_000):
            stream.seek(place)
            bit = stream.read(1)[0] ^ 1
            stream.seek(place)
            stream.write(bytes([bit]))


def measure(name: str, path: str) -> str:
    """Run in a process of its own: pages, bytes of bodies, CPU seconds and peak of memory."""
    reader: Callable[[str], Iterator[Answer]] = READERS[name]
    process = psutil.Process()
    before = peak = process.memory_info().rss
    pages = size = 0
    start = time.process_time()
    for _, _, _, body in reader(path):
        pages, size = pages + 1, size + len(body)
        if pages % 200 == 0:
            peak = max(peak, process.memory_info().rss)
    return f"{pages} {size} {time.process_time() - start} {max(0, peak - before)}"


def compare(kind: str, path: Path, readers: list[str]) -> None:
    figures: dict[str, float] = {"file_mb": path.stat().st_size / 1e6}
    speeds = {}
    for name in readers:
        command = [sys.executable, "-m", "tests.benchmarks.bench_warc", name, str(path)]
        run = subprocess.run(command, capture_output=True, text=True, check=True)
        pages, size, spent, peak = map(float, run.stdout.split())
        speeds[name] = size / 1e6 / spent
        figures |= {f"{name}_mb_per_s": speeds[name], f"{name}_peak_mb": peak / 1e6}
        figures["pages"] = pages
    for name in readers[1:]:
        figures[f"ours_over_{name}"] = speeds[readers[0]] / speeds[name]
    report(kind, **figures)


def main(megabytes: int) -> None:
    if "fastwarc" not in READERS:
        print("fastwarc is not installed: no comparison with it")
    others = [name for name in READERS if not name.startswith("ours")]
    with tempfile.TemporaryDirectory() as folder:
        plain, zipped = Path(folder, "plain.warc"), Path(folder, "crawl.warc.gz")
        write_crawl(plain, megabytes // 10)
        compare("read a plain WARC file", plain, ["ours", *others])
        plain.unlink()
        write_crawl(zipped, megabytes)
        compare("read a zipped WARC file", zipped, ["ours", *others])
        damage(zipped)
        compare("the same with damage in every 0.1 MB", zipped, ["ours_with_damage"])


if __name__ == "__main__":
    if len(sys.argv) == 3:
        print(measure(*sys.argv[1:]))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
