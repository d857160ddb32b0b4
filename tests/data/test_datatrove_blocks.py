"""The whole chain in datatrove's local executor leaves what it leaves in one process."""

import gzip
import json
from collections.abc import Mapping
from functools import partial

import dill
import pytest
from datatrove.data import Document as TroveDocument
from datatrove.executor import LocalPipelineExecutor, SlurmPipelineExecutor
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.writers import JsonlWriter

from common.data import town
from common.data._describe import describe
from common.data.collect import TOWN_URL
from common.data.corpus import town_steps
from common.data.datatrove_blocks import SourceReader, _from_trove, datatrove_passes
from common.data.document import Document, write_jsonl
from common.data.extract import extract_documents
from common.data.judges import train_classifiers
from common.data.labelled import labelled_texts
from common.data.pii import mask_emails
from common.data.pipeline import (
    Receipt,
    clean,
    edit_step,
    exact_duplicates_step,
    near_duplicates_step,
    read_receipts,
    repeated_lines_step,
    rules_step,
)
from common.data.quality import gopher_quality_filter, phrase_filter
from common.data.run import run_pipeline
from common.data.site import render_town
from common.data.warc import WarcPage, read_warc, write_warc

STEPS = {
    "prose": rules_step(partial(gopher_quality_filter, min_words=40, min_stop_words=1)),
    "lines": repeated_lines_step(min_pages=12),
    "phrases": rules_step(phrase_filter),
    "exact": exact_duplicates_step(),
    "near": near_duplicates_step(jaccard_threshold=0.7),
    "mask": edit_step("masked", mask_emails),
}


def run_locally(steps, reader, folder, *, tasks: int) -> None:
    """One executor after another, each with two workers at most."""
    writer = JsonlWriter(str(folder / "survivors"))
    executor = None
    passes = datatrove_passes(steps, reader, folder / "run", writer, tasks=tasks)
    for i, (blocks, count) in enumerate(passes):
        executor = LocalPipelineExecutor(
            blocks,
            tasks=count,
            workers=min(2, count),
            logging_dir=str(folder / "logs" / str(i)),
            depends=executor,
        )
    executor.run()


def survivors_of(folder) -> dict[str, tuple[str, str, Mapping]]:
    """What datatrove's writer wrote: by id the address, the text and what else is known."""
    found = {}
    for path in sorted((folder / "survivors").glob("*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as stream:
            for line in stream:
                entry = json.loads(line)
                meta = entry["metadata"]
                meta.pop("file_path", None)
                found[entry["id"]] = (meta.pop("url"), entry["text"], meta)
    return found


def by_id(documents: list[Document]) -> dict[str, tuple[str, str, Mapping]]:
    return {d.id: (d.url, d.text, d.meta) for d in documents}


def key(receipt: Receipt) -> tuple[str, str]:
    return receipt.stage, receipt.document_id


@pytest.fixture(scope="module")
def crawl(tmp_path_factory):
    """A messy town as one WARC file, in no order."""
    site = render_town(town.pages(60, seed=3), seed=3)
    pages = [
        WarcPage(TOWN_URL + path, r.status, dict(r.headers), r.body)
        for path, r in sorted(site.responses.items())
        if len(r.body) < 1_000_000  # as a crawler would stop
    ]
    path = tmp_path_factory.mktemp("crawl") / "town.warc.gz"
    write_warc(pages, path)
    return path


@pytest.fixture(scope="module")
def judges(tmp_path_factory):
    folder = tmp_path_factory.mktemp("judges")
    train_classifiers(labelled_texts(150, seed=0), folder, seed=0)
    return folder


def test_chain_of_the_book_leaves_the_same_survivors(crawl, judges, tmp_path):
    steps = {"lines": repeated_lines_step(min_pages=12), **town_steps(judges)}
    documents = list(extract_documents(read_warc(crawl)))
    survivors, receipts = clean(documents, steps)
    assert len({receipt.stage for receipt in receipts}) >= 5
    reader = SourceReader([crawl], split_bytes=crawl.stat().st_size // 8)
    run_locally(steps, reader, tmp_path, tasks=3)
    assert survivors_of(tmp_path) == by_id(survivors)
    assert list(read_receipts(tmp_path / "run" / "receipts.jsonl.gz")) == receipts
    rows = json.loads((tmp_path / "run" / "funnel.json").read_text())
    assert (rows[0]["left"], rows[-1]["left"]) == (len(documents), len(survivors))


def test_chain_with_datatroves_reader_leaves_the_same_survivors(crawl, tmp_path):
    """Five files for three tasks: the tasks have another order, but copies know that of the files.

    datatrove's readers pass over documents without text.
    """
    documents = [document for document in extract_documents(read_warc(crawl)) if document.text]
    survivors, receipts = clean(documents, STEPS)
    (tmp_path / "in").mkdir()
    for i in range(5):
        part = documents[len(documents) * i // 5 : len(documents) * (i + 1) // 5]
        write_jsonl(part, tmp_path / "in" / f"{i}.jsonl.gz")
    run_locally(STEPS, JsonlReader(str(tmp_path / "in")), tmp_path, tasks=3)
    assert survivors_of(tmp_path) == by_id(survivors)
    found = read_receipts(tmp_path / "run" / "receipts.jsonl.gz")
    assert sorted(found, key=key) == sorted(receipts, key=key)


def test_passes_have_one_task_where_all_documents_must_be_known(tmp_path):
    passes = datatrove_passes(STEPS, JsonlReader("in"), tmp_path, JsonlWriter("out"), tasks=7)
    names = [([block.name for block in blocks][-1], tasks) for blocks, tasks in passes]
    assert [tasks for _, tasks in names] == [7, 1, 7, 1, 7, 1, 7, 1]
    assert names[1] == ("decide", 1)
    assert names[-1] == ("join", 1)


def test_passes_are_what_a_cluster_is_sent(tmp_path, judges):
    """The Slurm executors of the README: one job after another, pickled as datatrove does."""
    passes = datatrove_passes(
        town_steps(judges), JsonlReader("in"), tmp_path / "run", JsonlWriter("out"), tasks=7
    )
    job = None
    for i, (blocks, tasks) in enumerate(passes):
        logs = str(tmp_path / str(i))
        job = SlurmPipelineExecutor(
            blocks, tasks, time="04:00:00", partition="cpu", logging_dir=logs, depends=job
        )
        job.save_executor_as_json()
        again = dill.loads(dill.dumps(blocks))
        assert [block.name for block in again] == [block.name for block in blocks]
        for block, sent in zip(blocks, again, strict=True):
            if hasattr(block, "work"):
                assert describe(sent.work.passes) == describe(block.work.passes)
    assert job.depends.depends.tasks == 1  # the last decision


def test_damage_that_our_reader_meets_is_listed_and_logged(tmp_path):
    """As run_pipeline lists it, whichever task met it."""
    sources = []
    for name, lines in {
        "a": ['{"text": "One."}', "{"],
        "b": ["[]", "7", '{"text": "Two."}'],
    }.items():
        sources.append(tmp_path / f"{name}.jsonl")
        sources[-1].write_text("\n".join(lines))
    run_locally({}, SourceReader(sources, split_bytes=7), tmp_path, tasks=3)
    run_pipeline(sources, {}, tmp_path / "alone")
    found, alone = (
        json.loads((tmp_path / folder / "run.json").read_text()) for folder in ("run", "alone")
    )
    assert found["documents"] == alone["documents"] == [2, 2]
    assert found["damage"] == alone["damage"]
    places = [(entry["source"], entry["offset"]) for entry in found["damage"]]
    assert places == [("a.jsonl", 17), ("b.jsonl", 0), ("b.jsonl", 3)]
    assert [source["name"] for source in found["sources"]] == ["a.jsonl", "b.jsonl"]
    logs = "".join(path.read_text() for path in (tmp_path / "logs" / "0" / "logs").iterdir())
    assert all(f"{source}, byte {offset}: " in logs for source, offset in places)


def blocks_run(passes) -> None:
    """Passes without an executor and what it remembers."""
    for blocks, tasks in passes:
        for rank in range(tasks):
            data = None
            for block in blocks:
                data = block.run(data, rank, tasks)
            list(data)


def test_decisions_on_documents_that_are_read_again_are_made_again(tmp_path):
    """The same copies in another order: the second run is killed before it joins, too."""
    steps = {"copies": exact_duplicates_step()}
    for texts in ("ABA", "AAB"):
        pages = [Document(str(i), f"http://x/{i}", text) for i, text in enumerate(texts)]
        write_jsonl(pages, tmp_path / "pages.jsonl")
        writer = JsonlWriter(str(tmp_path / "out"), compression=None)
        reader = SourceReader([tmp_path / "pages.jsonl"])
        passes = datatrove_passes(steps, reader, tmp_path / "run", writer, tasks=2)
        blocks_run(passes[:3])
        writer.close()
    lines = (tmp_path / "out" / "00001.jsonl").read_text().splitlines()
    assert [json.loads(line)["text"] for line in lines] == ["A", "B"]


@pytest.mark.parametrize("number", [1, 3])
def test_work_that_other_steps_left_is_refused(tmp_path, number):
    """As after an edit of the steps, when the executor remembers that the first tasks are done."""
    write_jsonl([Document("a", "", "One."), Document("b", "", "One.")], tmp_path / "pages.jsonl")
    reader, writer = SourceReader([tmp_path / "pages.jsonl"]), JsonlWriter(str(tmp_path / "out"))
    first, second = (
        datatrove_passes(
            {"copies": exact_duplicates_step(), **more}, reader, tmp_path / "run", writer, tasks=1
        )
        for more in ({}, {"mask": edit_step("masked", mask_emails)})
    )
    blocks_run(first[:number])
    with pytest.raises(ValueError, match="run holds work on task 0 with other steps"):
        blocks_run(second[number:])


def test_blocks_take_what_any_jsonl_says_of_its_documents():
    metadata = {"url": None, "meta": "a note", "score": 3}
    trove = TroveDocument("One.", "7", metadata=metadata)
    assert _from_trove(trove) == Document("7", "", "One.", {"meta": "a note", "score": 3})


def test_numbers_for_ids_are_ids_as_a_run_over_files_gives_them(tmp_path):
    (tmp_path / "in").mkdir()
    lines = [
        json.dumps({"id": i, "text": f"Text {i % 4}.", "url": f"http://x/{i}"}) for i in range(6)
    ]
    (tmp_path / "in" / "a.jsonl").write_text("\n".join(lines))
    reader = JsonlReader(str(tmp_path / "in"))
    run_locally({"copies": exact_duplicates_step()}, reader, tmp_path, tasks=1)
    assert [*survivors_of(tmp_path)] == ["0", "1", "2", "3"]


def test_passes_need_a_task(tmp_path):
    with pytest.raises(ValueError, match="tasks 0 must be positive"):
        datatrove_passes({}, SourceReader([]), tmp_path, JsonlWriter(str(tmp_path)), tasks=0)
    with pytest.raises(ValueError, match=r"sources must be several, .* got the one 'a\.jsonl'"):
        SourceReader("a.jsonl")
