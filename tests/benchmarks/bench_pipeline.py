"""The pipeline: documents a second of each stage on one core, and wall clock on one and two.

The town's pages with all their mess, as one gzipped WARC. Each stage alone reads documents and
writes survivors, k times the same file (for a stage that compares documents, with their words
shuffled), so that starting two processes (half a second each) does not matter; the whole chain
reads the WARC, which the two processes share. What one process must decide alone limits the ratio.

BENCH_PAGES (default 6000) says how many clean pages there are, BENCH_SECONDS (default 20) how long
a stage should take on one process.
"""

import dataclasses
import os
import random
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from common.data import town
from common.data.collect import TOWN_URL
from common.data.corpus import town_steps
from common.data.document import Document, write_jsonl
from common.data.extract import extract_documents
from common.data.judges import train_classifiers
from common.data.labelled import labelled_texts
from common.data.pipeline import CorpusStep, Step, repeated_lines_step
from common.data.run import run_pipeline
from common.data.site import render_town
from common.data.warc import WarcPage, read_warc, write_warc

# What a stage should take on one process, so that starting another does not matter.
SECONDS_ALONE = float(os.environ.get("BENCH_SECONDS", "20"))


# measure.py imports torch; a worker process imports this file again, and must not wait for that.
def report(name: str, **figures: float) -> None:
    from tests.benchmarks import measure

    measure.report(name, **figures)


def seconds(work: Callable[[], object], *, runs: int = 3) -> float:
    from tests.benchmarks import measure

    return measure.seconds(work, runs=runs)


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "classifiers").mkdir()
        train_classifiers(labelled_texts(1200, seed=0), folder / "classifiers", seed=0)
        steps = town_steps(folder / "classifiers")
        steps = {"lines": repeated_lines_step(min_pages=3), **steps}
        pages = save_town(folder / "town.warc.gz", int(os.environ.get("BENCH_PAGES", "6000")))
        documents = list(extract_documents(read_warc(folder / "town.warc.gz")))
        write_jsonl(documents, folder / "town.jsonl")
        megabytes = sum(len(page.body) for page in pages) / 1e6
        spent = seconds(lambda: list(extract_documents(pages)))
        report("extract", documents_per_s=len(pages) / spent, mb_per_s=megabytes / spent)
        for stage, step in steps.items():
            measure_stage(stage, step, documents)
        for stage, step in steps.items():
            source = folder / "town.jsonl"
            once = wall_clock([source], {stage: step}, folder, 1)
            times = max(1, round(SECONDS_ALONE / once))
            sources = [source] * times
            if isinstance(step, CorpusStep):
                sources = [save_shuffled(documents, folder / f"{i}.jsonl", i) for i in range(times)]
            compare(stage, sources, {stage: step}, folder, len(documents) * times)
        compare("whole chain", [folder / "town.warc.gz"], steps, folder, len(documents))


def save_town(path: Path, count: int) -> list[WarcPage]:
    """The town's site as its server would answer, in one WARC file."""
    site = render_town(town.pages(count, seed=0), seed=0)
    pages = [
        WarcPage(TOWN_URL + address, answer.status, dict(answer.headers), answer.body)
        for address, answer in site.responses.items()
    ]
    write_warc(pages, path)
    return pages


def save_shuffled(documents: list[Document], path: Path, seed: int) -> Path:
    """The documents with the words of each line in another order: no copies of one another."""
    dice = random.Random(seed)
    if not path.exists():
        shuffled = (
            "\n".join(
                " ".join(dice.sample(words, len(words)))
                for words in map(str.split, document.text.split("\n"))
            )
            for document in documents
        )
        pairs = zip(documents, shuffled, strict=True)
        write_jsonl((dataclasses.replace(d, text=text) for d, text in pairs), path)
    return path


def measure_stage(stage: str, step: Step, documents: list[Document]) -> None:
    """Documents a second on one core, without reading and writing."""
    count = len(documents)
    if not isinstance(step, CorpusStep):
        spent = seconds(lambda: [step(document) for document in documents])
        report(f"stage {stage}", documents_per_s=count / spent)
        return
    sketched = seconds(lambda: [step.sketch(document) for document in documents], runs=2)
    sketches = [step.sketch(document) for document in documents]
    decided = seconds(lambda: list(step.decide(sketches)), runs=2)
    decisions = list(step.decide(sketches))
    applied = seconds(lambda: list(map(step.apply, documents, decisions)), runs=2)
    report(
        f"stage {stage}",
        documents_per_s=count / (sketched + decided + applied),
        sketched_per_s=count / sketched,
        decided_per_s=count / decided,
        applied_per_s=count / applied,
    )


def compare(
    name: str, sources: list[Path], steps: Mapping[str, Step], folder: Path, count: int
) -> None:
    """Wall clock on one process and on two, starting and reading and writing included."""
    one, two = (wall_clock(sources, steps, folder, workers) for workers in (1, 2))
    report(f"processes {name}", one_s=one, two_s=two, ratio=one / two, documents_per_s=count / one)


def wall_clock(
    sources: list[Path], steps: Mapping[str, Step], folder: Path, num_workers: int
) -> float:
    size = sum(source.stat().st_size for source in sources)
    with tempfile.TemporaryDirectory(dir=folder) as out:
        start = time.perf_counter()
        run_pipeline(
            sources, steps, Path(out, "run"), num_workers=num_workers, split_bytes=1 + size // 24
        )
        return time.perf_counter() - start


if __name__ == "__main__":
    main()
