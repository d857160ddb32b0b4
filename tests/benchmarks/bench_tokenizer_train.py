"""Tokenizer: training beside Hugging Face's tokenizers and, where installed, rustbpe.

    python -m tests.benchmarks.bench_tokenizer_train [MEGABYTES]

The text is Python source, standard library and torch: 1, 5 and 20 MB unless said. Each training
runs in a process of its own, so that its peak memory can be told: MB above what the texts take, here
and not in workers. Seconds are CPU seconds. Only "wall" needs as many
idle cores as there are workers; on a busy machine read "critical_path_s" against "one_cpu_s", the
CPU seconds of the parent and of one worker of two.
"""

import importlib.util
import math
import os
import resource
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from common.tokenizer.patterns import GPT4_PATTERN
from common.tokenizer.train import train_bpe
from tests.benchmarks.corpus import load_texts

if __name__ == "__main__":  # the worker processes import this file too, and can do without torch
    from tests.benchmarks.measure import report

os.environ["RAYON_NUM_THREADS"] = "1"  # one core for Rust too

VOCAB_SIZES = (1024, 16_384)


def train_ours(texts: list[str], vocab_size: int, *, num_workers: int = 1) -> None:
    train_bpe(texts, vocab_size, pattern=GPT4_PATTERN, num_workers=num_workers)


def train_hugging_face(texts: list[str], vocab_size: int) -> None:
    from tokenizers import models, pre_tokenizers, trainers

    from tests.benchmarks.peers import hugging_face

    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size, show_progress=False, initial_alphabet=alphabet
    )
    hugging_face(models.BPE(), GPT4_PATTERN).train_from_iterator(iter(texts), trainer)


def train_rustbpe(texts: list[str], vocab_size: int) -> None:
    import rustbpe

    rustbpe.Tokenizer().train_from_iterator(iter(texts), vocab_size, pattern=GPT4_PATTERN)


def cost_of(train: Callable[[list[str], int], None], max_bytes: int, vocab_size: int) -> dict:
    """CPU seconds here and in workers, wall seconds, and MB of memory above the texts' own."""
    texts = load_texts(max_bytes)
    train(texts[:3], 257)  # imports are not training
    workers_before = cpu_of_workers()
    memory = peak_mb(reset=True)
    cpu, wall = time.process_time(), time.perf_counter()
    train(texts, vocab_size)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return {
        "cpu": cpu,
        "workers_cpu": cpu_of_workers() - workers_before,
        "wall": wall,
        "mb": peak_mb() - memory,
    }


def cpu_of_workers() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def peak_mb(*, reset: bool = False) -> float:
    """The most memory that this process has held since the last reset; only Linux tells."""
    if not Path("/proc/self/clear_refs").exists():
        return math.nan
    if reset:
        Path("/proc/self/clear_refs").write_text("5")
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def in_fresh_process(*arguments: object) -> dict:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(cost_of, *arguments).result()


def compare_with_peers(max_bytes: int) -> None:
    peers = {"hugging_face": train_hugging_face}
    if importlib.util.find_spec("rustbpe"):
        peers["rustbpe"] = train_rustbpe
    else:
        print("rustbpe is not installed: left out")
    for vocab_size in VOCAB_SIZES:
        ours = in_fresh_process(train_ours, max_bytes, vocab_size)
        figures = {"ours_s": ours["cpu"], "ours_mb": ours["mb"]}
        for name, train in peers.items():
            theirs = in_fresh_process(train, max_bytes, vocab_size)
            figures |= {f"{name}_s": theirs["cpu"], f"{name}_mb": theirs["mb"]}
            figures |= {f"ratio_to_{name}": ours["cpu"] / theirs["cpu"]}
        report(f"train {max_bytes / 1e6:g} MB, vocab {vocab_size}", **figures)


def compare_workers(max_bytes: int) -> None:
    one = in_fresh_process(train_ours, max_bytes, 1024)
    two = in_fresh_process(partial(train_ours, num_workers=2), max_bytes, 1024)
    critical_path = two["cpu"] + two["workers_cpu"] / 2
    report(
        f"two workers, {max_bytes / 1e6:g} MB, vocab 1024",
        one_wall_s=one["wall"],
        two_wall_s=two["wall"],
        speedup=one["wall"] / two["wall"],
        one_cpu_s=one["cpu"],
        parent_cpu_s=two["cpu"],
        workers_cpu_s=two["workers_cpu"],
        critical_path_s=critical_path,
        speedup_by_cpu=one["cpu"] / critical_path,
        parent_mb=two["mb"],
    )


if __name__ == "__main__":
    sizes = [float(size) for size in sys.argv[1:]] or [1, 5, 20]
    for size in sizes:
        compare_with_peers(int(size * 1e6))
    compare_workers(int(sizes[-1] * 1e6))
