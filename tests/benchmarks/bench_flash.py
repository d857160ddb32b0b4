"""Tiled attention beside the written-out formula and torch's fused kernel: CPU seconds, memory.

One batch element, 6 heads of 64 numbers, causal, float32, one thread. Memory is what a run adds to
the resident memory of the process at its peak: inputs not counted, answer and gradients counted.
At T = 16384 memory only, and not of the formula, whose weights alone would take 6.4 GB.

    python -m tests.benchmarks.bench_flash [--short]
"""

import argparse
import ctypes
import math
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from common.attention import causal_mask
from common.flash import flash_attention
from tests.benchmarks.measure import report, seconds

HEADS, HEAD_DIM = 6, 64
RESET = Path("/proc/self/clear_refs")  # Linux: forgets the peak of the resident memory


def naive(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    scores = q @ k.mT / math.sqrt(HEAD_DIM)
    return scores.masked_fill(~causal_mask(*scores.shape[-2:]), -math.inf).softmax(-1) @ v


ours = partial(flash_attention, is_causal=True)
sdpa = partial(F.scaled_dot_product_attention, is_causal=True)


def run(attention: Callable[..., Tensor], num_tokens: int, backward: bool) -> Callable[[], None]:
    """One pass on fresh random inputs, which exist before it starts."""
    shape = (1, HEADS, num_tokens, HEAD_DIM)
    q, k, v = (torch.randn(shape, requires_grad=backward) for _ in range(3))

    def work() -> None:
        out = attention(q, k, v)
        if backward:
            out.backward(torch.ones_like(out))
            q.grad = k.grad = v.grad = None

    return work


def peak_mb(work: Callable[[], None]) -> float:
    """MB that `work` adds to the resident memory at its peak; NaN where Linux cannot be asked."""
    if not RESET.exists():
        return math.nan
    ctypes.CDLL(None).malloc_trim(0)  # give back what is free, or it would be used again unseen
    RESET.write_text("5")
    before = status_mb("VmRSS")
    work()
    return status_mb("VmHWM") - before


def status_mb(key: str) -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(key):
            return int(line.split()[1]) * 1024 / 1e6
    raise ValueError(f"/proc/self/status has no {key}")


def compare(num_tokens: int, backward: bool, contestants: dict, *, timed: bool, runs: int) -> None:
    works = {name: run(attention, num_tokens, backward) for name, attention in contestants.items()}
    figures = {}
    if timed:
        figures |= {f"{name}_s": seconds(work, runs=runs) for name, work in works.items()}
    figures |= {f"{name}_mb": peak_mb(work) for name, work in works.items()}
    for name in contestants.keys() - {"sdpa"}:
        for unit in ("s", "mb") if timed else ("mb",):
            figures[f"{name}/sdpa_{unit}"] = figures[f"{name}_{unit}"] / figures[f"sdpa_{unit}"]
    passes = "forward+backward" if backward else "forward"
    report(f"flash {passes}, T {num_tokens}", **dict(sorted(figures.items())))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--short", action="store_true", help="T = 512 and 1024 only, one run each")
    short = parser.parse_args().short
    torch.manual_seed(0)
    for attention in (ours, naive, sdpa):
        run(attention, 256, backward=True)()  # loads the kernels before any peak is taken
    everyone = {"ours": ours, "naive": naive, "sdpa": sdpa}
    for num_tokens in (512, 1024) if short else (1024, 4096, 8192):
        for backward in (False, True):
            compare(num_tokens, backward, everyone, timed=True, runs=1 if short else 3)
    if not short:
        compare(16384, True, {"ours": ours, "sdpa": sdpa}, timed=False, runs=0)
