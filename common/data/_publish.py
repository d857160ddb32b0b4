"""Join what the splits of a run left behind: receipts, scores, funnel, and the record of the run.

Needs: document.py, receipt.py, _passes.py, _work.py.
"""

import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ._charts import is_minimum
from ._passes import funnel_rows
from ._work import Work, read_json, write_json
from .document import write_jsonl
from .receipt import Receipt, read_receipts

_NUM_BINS = 40
_TAIL = 0.005  # of the values at either end are counted in the outermost bins


def publish(work: Work, plan: dict[str, Any]) -> None:
    """Write receipts.jsonl.gz, funnel.json, scores.json, and when all are there run.json."""
    folder, splits = work.folder, range(len(work.splits))
    summaries = [
        [work.summary(number, split) for split in splits] for number in range(len(work.passes))
    ]
    dropped: Counter[str] = Counter()
    write_jsonl(_receipts(work, dropped), folder / "receipts.jsonl.gz")
    given = sum(summary["given"] for summary in summaries[0])
    left = sum(summary["left"] for summary in summaries[-1])
    assert given == left + dropped.total(), (
        f"{given} documents came in, {left} survive and {dropped.total()} have receipts"
    )
    write_json(funnel_rows(given, dropped, plan["steps"]), folder / "funnel.json", indent=1)
    write_json(_histograms(work, summaries), folder / "scores.json", indent=1)
    everything = [summary for row in summaries for summary in row]
    edited = _total(summary["edited"] for summary in everything)
    outcome = {
        "documents": [given, left],
        "characters": [
            sum(summary["characters"][0] for summary in summaries[0]),
            sum(summary["characters"][1] for summary in summaries[-1]),
        ],
        "edited": {stage: edited[stage] for stage in plan["steps"] if edited[stage]},
        "masked": dict(sorted(_total(summary["masked"] for summary in everything).items())),
        "damage": [damage for summary in summaries[0] for damage in summary["damage"]],
    }
    write_json(plan | outcome, folder / "run.json", indent=1)


def finished_run(folder: str | Path) -> dict[str, Any]:
    """What run.json says; ValueError when the run did not finish, or that is of something else."""
    path = Path(folder) / "run.json"
    if not path.exists():
        raise ValueError(f"{folder} holds no finished run: run.json is missing")
    try:
        run = read_json(path)
    except ValueError:
        run = None
    if not isinstance(run, dict) or "documents" not in run:
        raise ValueError(f"{path} is not what a run left there")
    return run


def _receipts(work: Work, dropped: Counter[str]) -> Iterator[Receipt]:
    """All receipts by stage, then in the order of documents; counted by stage on the way."""
    for number, this in enumerate(work.passes):
        stages = [stage for stage, _ in this.stages]
        for stage in [this.first[0], *stages] if this.first else stages:
            for split in range(len(work.splits)):
                for receipt in read_receipts(work.file(number, split, "receipts.jsonl")):
                    if receipt.stage == stage:
                        dropped[stage] += 1
                        yield receipt


def _histograms(work: Work, summaries: list[list[dict]]) -> list[dict[str, Any]]:
    """For each stage and rule a histogram of what was measured, in the order of the stages."""
    found = []
    for number, this in enumerate(work.passes):
        thresholds: dict[str, float] = {}
        for summary in summaries[number]:
            thresholds |= summary["thresholds"]
        order = {stage: i for i, (stage, _) in enumerate(this.stages)}
        for key in sorted(thresholds, key=lambda key: order[key.split("\t")[0]]):
            parts = []
            for split in range(len(work.splits)):
                with np.load(work.file(number, split, "scores.npz")) as arrays:
                    parts += [arrays[key]] if key in arrays.files else []
            stage, rule = key.split("\t", 1)
            entry = histogram(np.concatenate(parts), rule, thresholds[key])
            found.append({"stage": stage, "rule": rule} | entry)
    return found


def histogram(values: np.ndarray, rule: str, threshold: float) -> dict[str, Any]:
    """Counts in equal bins; the tails, and values that are not finite, are in the outermost.

    The threshold lies between two bins, so that a bin is either kept or dropped.
    """
    values = np.nan_to_num(values.astype(np.float64), posinf=1e38, neginf=-1e38)
    edge = np.float32(threshold)  # as the values were stored
    edge = float(edge if is_minimum(rule) else np.nextafter(edge, np.float32(np.inf)))
    low, high = np.quantile(values, [_TAIL, 1 - _TAIL]).tolist()
    reach = max(high - low, abs(high))
    # A threshold far away is left out: it would squeeze the values into one bin.
    if math.isfinite(edge) and (low == high or low - reach <= edge <= high + reach):
        low, high = min(low, edge), max(high, edge)
    if high - low < 1e-6 * max(1, abs(low)):
        low, high = low - max(0.5, abs(low) / 2), high + max(0.5, abs(low) / 2)
    bounds = np.linspace(low, high, _NUM_BINS + 1)
    if low <= edge <= high:
        step = (high - low) / (_NUM_BINS - 1)
        below = math.ceil((edge - low) / step)
        bounds = edge + step * (np.arange(_NUM_BINS + 1) - below)
    counts, _ = np.histogram(np.clip(values, bounds[0], bounds[-1]), bounds)
    return {
        "threshold": threshold,
        "documents": len(values),
        "low": float(bounds[0]),
        "high": float(bounds[-1]),
        "counts": counts.tolist(),
    }


def _total(counts: Iterator[dict[str, int]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for part in counts:
        total.update(part)
    return total
