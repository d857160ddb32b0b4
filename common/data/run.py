"""Clean files of any size: in shards, by several processes, and going on after a crash.

The steps of pipeline.py, over files instead of lists. Sources are cut into splits of a few
megabytes; a process streams one split at a time through all steps that need one document only.
Where a step must know all documents, the processes leave sketches, one of them decides, and a
second pass applies what was decided. A file appears when it is complete and holds the same bytes on
every run, so whatever is there after a crash is used: the run goes on with what is missing. What
another rule had made is never used: a run knows its sources, settings and code (_describe.py).

Taught in ch01_data/06_corpus.ipynb.
Needs: tqdm, document.py, steps.py, and beside them _decide.py, _describe.py, _passes.py,
_pool.py, _publish.py, _source.py, _splits.py, _work.py.
"""

import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ._decide import decide
from ._describe import describe_run
from ._passes import split_passes
from ._pool import Do, Map, shared
from ._publish import finished_run, publish
from ._source import is_url
from ._splits import describe_source, source_names, split_source
from ._work import Work, read_json, write_json
from .document import Document, read_jsonl
from .steps import Step


def run_pipeline(
    sources: Iterable[str | Path],
    steps: Mapping[str, Step],
    out_folder: str | Path,
    *,
    num_workers: int = 1,
    split_bytes: int = 2**24,
    progress: bool = False,
) -> list[dict[str, str | int]]:
    """Clean the documents of `sources` into `out_folder`; return the rows of the funnel.

    sources: paths or URLs, in order: .warc, .wet, .jsonl, .txt and .parquet, also .gz. WARC, WET
    and plain JSONL files are cut into splits of about `split_bytes`; others are one split each.
    num_workers: processes; more than one needs an importable main module, that is `if __name__ ==
    "__main__":` in a script, and steps made of functions that modules define.

    Writes documents/00000.jsonl.gz and so on (one a split, in order; perhaps empty),
    receipts.jsonl.gz (by stage, then in order), scores.json (a histogram of what each rule
    measured), funnel.json, and when all is done run.json (sources, settings, code, versions,
    damage, counts). The same survivors and receipts as `clean`, the same bytes for any number of
    processes. Killed at any moment and called again it goes on with what is missing.

    Raises ValueError when the folder holds a run of other sources, steps, code or versions, or
    files of somebody else where a run writes, and when a source changed while it was read;
    RuntimeError when a worker process died. Memory: in each process one split's receipts and
    sketches, whatever the number of splits; where near copies are decided, 2 kB a document.

    >>> import tempfile
    >>> from .pipeline import exact_duplicates_step, read_receipts
    >>> from .document import write_jsonl
    >>> folder = Path(tempfile.mkdtemp())
    >>> twins = [Document("a", "http://x/1", "A kite."), Document("b", "http://x/2", "A kite.")]
    >>> write_jsonl(twins, folder / "two.jsonl")
    2
    >>> run_pipeline([folder / "two.jsonl"], {"copies": exact_duplicates_step()}, folder / "out")[1]
    {'stage': 'copies', 'dropped': 1, 'left': 1}
    >>> [receipt.note for receipt in read_receipts(folder / "out" / "receipts.jsonl.gz")]
    ['http://x/1']
    """
    if num_workers < 1 or split_bytes < 1:
        raise ValueError(
            f"num_workers {num_workers} and split_bytes {split_bytes} must be positive"
        )
    folder, names = Path(out_folder), source_names(sources)
    passes = tuple(split_passes(steps))
    splits = tuple(split for name in names for split in split_source(name, split_bytes))
    work = Work(folder, passes, splits)
    with shared(work, num_workers) as (pool_map, do):
        stamps = _stamps(names)
        described = list(pool_map(describe_source, names))
        plan = describe_run(described, steps) | {"split_bytes": split_bytes}
        if not _resume(folder, plan):
            for number in range(len(passes)):
                _run_pass(work, number, pool_map, do, progress)
                if number == 0 and (changed := _stamps(names).items() - stamps.items()):
                    raise ValueError(f"{min(changed)[0]} changed while it was read")
            publish(work, plan)
    shutil.rmtree(folder / "work", ignore_errors=True)
    for part in (*folder.glob(".*.part"), *(folder / "documents").glob(".*.part")):
        part.unlink()  # what killed processes had begun to write
    return read_json(folder / "funnel.json")


def read_survivors(folder: str | Path) -> Iterator[Document]:
    """The documents that a finished run left, in the order of its sources.

    ValueError when the run did not finish, and at the end when some are not there any more.

    >>> list(read_survivors("nowhere"))
    Traceback (most recent call last):
    ValueError: nowhere holds no finished run: run.json is missing
    """
    _, left = finished_run(folder)["documents"]
    count = 0
    paths = (Path(folder) / "documents").glob("*.jsonl.gz")
    for path in sorted(paths, key=lambda path: (len(path.name), path.name)):  # 99999, 100000
        for document in read_jsonl(path):
            count += 1
            yield document
    if count != left:
        raise ValueError(f"{folder} holds {count} documents of the {left} that its run left")


def _resume(folder: Path, plan: dict[str, Any]) -> bool:
    """Whether the run is finished; ValueError if the folder holds something else than this run."""
    started, finished = folder / "work" / "plan.json", folder / "run.json"
    known = finished if finished.exists() else started
    if not known.exists():
        for name in ("receipts.jsonl.gz", "scores.json", "funnel.json"):
            if (folder / name).exists():
                raise ValueError(f"{folder} holds {name}, which no run left there")
        for name in ("work", "documents"):
            (folder / name).mkdir(parents=True, exist_ok=True)
            if strange := [p.name for p in (folder / name).iterdir() if p.suffix != ".part"]:
                raise ValueError(f"{folder / name} holds {strange[0]}, which no run left there")
        write_json(plan, started, indent=1)
        return False
    before = finished_run(folder) if known == finished else read_json(started)
    if other := [key for key in plan if before.get(key) != plan[key]]:
        raise ValueError(
            f"{folder} holds a run with other {', '.join(other)}: delete it or take another folder"
        )
    return known == finished


def _stamps(names: Iterable[str]) -> dict[str, tuple[int, int]]:
    """The size of each file, and when it was last written to."""
    found = {name: Path(name).stat() for name in names if not is_url(name)}
    return {name: (stat.st_size, stat.st_mtime_ns) for name, stat in found.items()}


def _run_pass(work: Work, number: int, pool_map: Map, do: Do, progress: bool) -> None:
    from tqdm import tqdm  # here, since worker processes import this module and need no bar

    if number:
        decide(work, number)
    count = len(work.splits)
    label = f"pass {number + 1} of {len(work.passes)}"
    with tqdm(total=count, unit=" splits", desc=label, disable=not progress) as bar:
        for _ in pool_map(do, [number] * count, range(count)):
            bar.update()
    if number:  # the documents before this pass are not needed any more
        for split in range(count):
            work.documents(number - 1, split).unlink(missing_ok=True)
