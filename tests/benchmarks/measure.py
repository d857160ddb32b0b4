"""What every benchmark shares: CPU seconds of the best of a few runs, and one line of JSON."""

import json
import time
from collections.abc import Callable

import torch

torch.set_num_threads(1)


def seconds(work: Callable[[], object], *, runs: int = 3) -> float:
    """CPU seconds of the fastest run, so that other work on the core does not spoil the figure."""
    costs = []
    for _ in range(runs):
        start = time.process_time()
        work()
        costs.append(time.process_time() - start)
    return min(costs)


def report(name: str, **figures: float) -> None:
    """Print the figures, rounded to three digits, as one line of JSON."""
    rounded = {key: float(f"{value:.3g}") for key, value in figures.items()}
    print(json.dumps({"benchmark": name} | rounded), flush=True)
