"""The same steps beyond one machine: as blocks of datatrove, which knows clusters.

datatrove (Penedo et al. 2024, github.com/huggingface/datatrove) runs a list of blocks as many
tasks: on this machine, as an array of Slurm jobs or on Ray. `datatrove_passes` makes such lists of
the steps of a pipeline. Readers and writers are datatrove's; the steps, the receipts and what is
left in `folder` are ours, and so are the survivors. On Slurm:

    passes = datatrove_passes(steps, JsonlReader("s3://crawl"), "/shared/run", JsonlWriter(...),
                              tasks=500)
    job = None
    for i, (blocks, tasks) in enumerate(passes):
        job = SlurmPipelineExecutor(blocks, tasks, time="04:00:00", partition="cpu",
                                    logging_dir=f"/shared/logs/{i}", depends=job)
    job.run()

and on Ray, after `ray.init()`:

        job = RayPipelineExecutor(blocks, tasks, logging_dir=f"/shared/logs/{i}", depends=job)

Taught in ch01_data/06_corpus.ipynb.
Needs: datatrove (extra scale), document.py, steps.py, and beside them _decide.py, _describe.py,
_passes.py, _publish.py, _splits.py, _work.py.
"""

import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from ._decide import decide
from ._describe import describe_run, digest
from ._passes import split_passes
from ._publish import publish
from ._splits import Split, named_damage, read_split, source_names, split_source, title
from ._work import Shift, Work, read_json, write_json
from .document import Document, write_jsonl
from .steps import Step

try:
    from datatrove.data import Document as TroveDocument
    from datatrove.pipeline.base import PipelineStep
    from datatrove.utils.logging import logger
except ImportError as error:
    raise ImportError(
        'these blocks need datatrove: pip install "llm-from-scratch-companion[scale]"'
    ) from error

_Data = Iterable[TroveDocument] | None


def datatrove_passes(
    steps: Mapping[str, Step],
    reader: PipelineStep,
    folder: str | Path,
    writer: PipelineStep,
    *,
    tasks: int,
) -> list[tuple[list[PipelineStep], int]]:
    """What executors must run, one after another: each entry is a list of blocks and its tasks.

    reader: any reader of datatrove; its documents go through `steps` and what survives to `writer`.
    folder: an empty one that every machine sees; receipts.jsonl.gz, funnel.json, scores.json and
    run.json are in it at the end, as `run_pipeline` writes them. Where all documents must be known,
    an entry with a single task decides. Documents are compared in the order of the reader's files
    (`file_path`, which datatrove's readers put into the metadata), whatever the number of tasks.
    ValueError from the tasks that decide and join when others were done with other steps.

    >>> from datatrove.pipeline.readers import JsonlReader
    >>> from datatrove.pipeline.writers import JsonlWriter
    >>> from .pipeline import exact_duplicates_step
    >>> steps = {"copies": exact_duplicates_step()}
    >>> passes = datatrove_passes(steps, JsonlReader("in"), "run", JsonlWriter("out"), tasks=8)
    >>> [(blocks[-1].name if tasks == 1 else "clean", tasks) for blocks, tasks in passes]
    [('clean', 8), ('decide', 1), ('clean', 8), ('join', 1)]
    """
    if tasks < 1:
        raise ValueError(f"tasks {tasks} must be positive")
    splits = tuple(Split(f"task {rank}") for rank in range(tasks))
    is_ours = isinstance(reader, SourceReader)
    names = map(title, reader.sources) if is_ours else [repr(reader)]
    plan = describe_run([{"name": name} for name in names], steps) | {"tasks": tasks}
    work = Work(Path(folder), tuple(split_passes(steps)), splits, digest(plan))
    lists: list[tuple[list[PipelineStep], int]] = []
    for number in range(len(work.passes)):
        if number:
            lists.append(([_Decide(work, number)], 1))
        first = [reader] if number == 0 else []
        last = [writer] if number == len(work.passes) - 1 else []
        lists.append(([*first, _Clean(work, number, *first), *last], tasks))
    return [*lists, ([_Join(work, plan)], 1)]


class SourceReader(PipelineStep):
    """A reader of WARC, WET, JSONL, text and parquet files, as `run_pipeline` reads them.

    Each task reads its part of the splits. Unlike datatrove's readers it gives empty documents,
    too, and the main text of HTML pages. What cannot be read is a warning in the task's log; with
    `datatrove_passes` all of it is also listed in run.json.

    >>> SourceReader(["crawl.jsonl.gz"]).name
    'sources'
    """

    type, name = "READER", "sources"

    def __init__(self, sources: Iterable[str | Path], *, split_bytes: int = 2**24) -> None:
        super().__init__()
        self.sources, self.split_bytes = source_names(sources), split_bytes
        self.damage: list[dict] = []  # of the task that runs here, as far as it has come

    def run(
        self, data: _Data = None, rank: int = 0, world_size: int = 1
    ) -> Iterator[TroveDocument]:
        splits = [s for source in self.sources for s in split_source(source, self.split_bytes)]
        first, end = (len(splits) * r // world_size for r in (rank, rank + 1))
        self.damage = []
        for split in splits[first:end]:
            for document in read_split(split, found := []):
                self.update_doc_stats(trove := _to_trove(document))
                yield trove
            for entry in named_damage(split, found):
                self.damage.append(entry)
                self.stat_update("damage")
                logger.warning("{source}, byte {offset}: {reason}", **entry)


class _Clean(PipelineStep):
    """One pass over the documents of a task; all but the last pass leave theirs in the folder.

    reader: in the first pass, the block that reads them.
    """

    type, name = "FILTER", "clean"

    def __init__(self, work: Work, number: int, reader: PipelineStep | None = None) -> None:
        super().__init__()
        self.work, self.number, self.reader = work, number, reader

    def run(self, data: _Data, rank: int = 0, world_size: int = 1) -> Iterator[TroveDocument]:
        shift = Shift(self.work, self.number, rank)
        survivors = shift.survivors(shift.given() if self.number else map(_from_trove, data))
        left = 0
        if self.number == len(self.work.passes) - 1:
            for document in survivors:
                left += 1
                yield _to_trove(document)
        else:
            origins: list[str] = []
            left = write_jsonl(_noted(survivors, origins), self.work.documents(self.number, rank))
            write_json(origins, self.work.file(self.number, rank, "origins.json"))
        shift.damage += getattr(self.reader, "damage", [])
        shift.save(left)
        self.stat_update("total", value=shift.count)
        for stage, count in Counter(receipt.stage for receipt in shift.receipts).items():
            self.stat_update(f"dropped by {stage}", value=count)


class _Decide(PipelineStep):
    """The decisions of a step that must know all documents; a single task."""

    type, name = "DEDUP", "decide"

    def __init__(self, work: Work, number: int) -> None:
        super().__init__()
        self.work, self.number = work, number

    def run(
        self, data: _Data = None, rank: int = 0, world_size: int = 1
    ) -> Iterator[TroveDocument]:
        origins = [
            origin
            for task in range(len(self.work.splits))
            for origin in read_json(self.work.file(self.number - 1, task, "origins.json"))
        ]
        decide(self.work, self.number, sorted(range(len(origins)), key=origins.__getitem__))
        yield from ()


class _Join(PipelineStep):
    """Receipts, funnel and scores of all tasks; a single task."""

    type, name = "WRITER", "join"

    def __init__(self, work: Work, plan: dict) -> None:
        super().__init__()
        self.work, self.plan = work, plan

    def run(
        self, data: _Data = None, rank: int = 0, world_size: int = 1
    ) -> Iterator[TroveDocument]:
        publish(self.work, self.plan)
        shutil.rmtree(self.work.folder / "work", ignore_errors=True)
        yield from ()


def _noted(documents: Iterable[Document], origins: list[str]) -> Iterator[Document]:
    for document in documents:
        origins.append(str(document.meta.get("file_path", "")))
        yield document


def _from_trove(document: TroveDocument) -> Document:
    """Our document; what our own JSONL files say of it was put one level down by the reader."""
    meta = dict(document.metadata)
    url, inner = str(meta.pop("url", None) or ""), meta.pop("meta", {})
    inner = inner if isinstance(inner, dict) else {"meta": inner}
    return Document(str(document.id), url, document.text, {**inner, **meta})


def _to_trove(document: Document) -> TroveDocument:
    return TroveDocument(
        document.text, document.id, metadata={"url": document.url, **document.meta}
    )
