"""Shards: memory and speed of tokenising one large file, with one worker and with two.

    python -m tests.benchmarks.bench_shards [MEGABYTES]

The file, 100 MB unless said, is generated: Python source with invented words in it, so that new
pieces keep coming as in a real corpus, and documents of about 10 kB. Each run is a process of its
own; its memory is the most that it and its workers hold together (every shared page counted anew
for each process), asked for every 20 ms. Wall-clock seconds need two idle cores; the CPU seconds of
the busiest process are what they would be there.
"""

import filecmp
import os
import random
import sys
import sysconfig
import tempfile
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import psutil

from common.tokenizer import BPETokenizer, train_bpe
from common.tokenizer.shards import open_shard, write_shard

if __name__ == "__main__":  # the worker processes import this file too, and can do without torch
    from tests.benchmarks.measure import report

SEPARATOR = "<|endoftext|>"
SYLLABLES = [c + v for c in "bcdfghklmnprstvz" for v in ("a", "e", "i", "o", "u", "ai", "ou")]


def write_text(path: Path, max_bytes: int) -> None:
    """Lines of the standard library, one of its files after the other, and then again."""
    rng = random.Random(0)
    files = sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py"))
    lines = [line for file in files for line in file.read_text("utf-8", "ignore").splitlines()]
    size = 0
    with open(path, "w", encoding="utf-8", newline="\n") as out:
        while size < max_bytes:
            start = rng.randrange(len(lines))
            words = ["".join(rng.choices(SYLLABLES, k=4)) for _ in range(20)]
            text = "\n".join([*lines[start : start + 250], " ".join(words), SEPARATOR])
            size += out.write(text)


def tokenise(text: Path, tokenizer_file: Path, shard: Path, num_workers: int) -> float:
    """Wall-clock seconds."""
    start = time.perf_counter()
    tokenizer = BPETokenizer.load(tokenizer_file)
    write_shard(text, tokenizer, shard, allow_separator=True, num_workers=num_workers)
    return time.perf_counter() - start


def watch(root: psutil.Process, stop: threading.Event) -> dict[str, float]:
    """Of a process and its descendants until `stop` is set: the most memory that they held
    together, and the CPU seconds of the busiest."""
    peak, cpu = 0, {}
    while not stop.wait(0.02):
        held = 0
        for process in [root, *root.children(recursive=True)]:
            try:
                held += process.memory_info().rss
                cpu[process.pid] = sum(process.cpu_times()[:2])
            except psutil.NoSuchProcess:
                continue
        peak = max(peak, held)
    return {"peak_mb": peak / 1e6, "busiest_cpu_s": max(cpu.values())}


def measured(*arguments: object) -> dict[str, float]:
    """What `tokenise` costs in a fresh process."""
    stop = threading.Event()
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        root = psutil.Process(pool.submit(os.getpid).result())
        with ThreadPoolExecutor(1) as thread:
            watching = thread.submit(watch, root, stop)
            try:
                seconds = pool.submit(tokenise, *arguments).result()
            finally:
                stop.set()
        return {"wall_s": seconds} | watching.result()


def main(megabytes: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        text = Path(folder, "text.txt")
        write_text(text, int(megabytes * 1e6))
        sample = text.open(encoding="utf-8").read(4_000_000)
        tokenizer_file = Path(folder, "tokenizer.json")
        BPETokenizer(*train_bpe([sample], 8192, [SEPARATOR]), [SEPARATOR]).save(tokenizer_file)
        runs = {}
        for workers in (1, 2):
            shard = Path(folder, f"{workers}.bin")
            runs[workers] = measured(text, tokenizer_file, shard, workers)
            size = text.stat().st_size / 1e6
            report(
                f"{size:.0f} MB to a shard, workers: {workers}",
                **runs[workers],
                mb_per_s=size / runs[workers]["wall_s"],
                tokens=len(open_shard(shard)),
            )
        report(
            "two workers to one",
            wall_ratio=runs[1]["wall_s"] / runs[2]["wall_s"],
            cpu_ratio=runs[1]["busiest_cpu_s"] / runs[2]["busiest_cpu_s"],
            same_bytes=filecmp.cmp(Path(folder, "1.bin"), Path(folder, "2.bin"), shallow=False),
        )


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 100)
