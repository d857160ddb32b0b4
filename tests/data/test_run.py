"""Runs over files: the same as in memory, for any split and number of processes, crash or not."""

import gzip
import json
import os
import pickle
import random
import re
import signal
import subprocess
import sys
import tracemalloc
from collections import Counter
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.data import _publish
from common.data._ragged import Ragged, write_ragged
from common.data._splits import read_split, split_source
from common.data.document import Document, read_jsonl, write_jsonl
from common.data.extract import extract_documents
from common.data.pii import mask_emails
from common.data.pipeline import (
    clean,
    edit_step,
    exact_duplicates_step,
    funnel,
    near_duplicates_step,
    read_receipts,
    repeated_lines_step,
    rules_step,
)
from common.data.quality import stop_word_filter
from common.data.run import read_survivors, run_pipeline
from common.data.verdict import Verdict
from common.data.warc import WarcPage, read_warc, write_warc
from tests.data.killing import kill_at
from tests.data.mutants import gzipped

WORDS = "the and hat bell kite bread mill river lamp cart stone bird road tower garden".split()
STEPS = {
    "lines": repeated_lines_step(min_pages=8),
    "words": rules_step(partial(stop_word_filter, min_stop_words=2)),
    "exact": exact_duplicates_step(),
    "near": near_duplicates_step(jaccard_threshold=0.6),
    "mask": edit_step("masked", mask_emails),
}


def text(i: int) -> str:
    """Page i: a menu and words; every fifth is a copy, every seventh has no stop words."""
    number = i - 1 if i % 5 == 4 else i
    words = random.Random(number).choices(WORDS if number % 7 else WORDS[2:], k=40)
    tail = " once more" if i % 10 == 9 else ""
    return f"Home\n{' '.join(words)}{tail}\n\nWrite to p{number}@town.example."


def documents(count: int) -> list[Document]:
    return [Document(f"id{i}", f"http://town/{i}", text(i), {"n": i}) for i in range(count)]


@pytest.fixture
def three_files(tmp_path) -> list[Path]:
    pages = documents(40)
    paths = [tmp_path / name for name in ("a.jsonl", "b.jsonl.gz", "c.jsonl")]
    for path, part in zip(paths, (pages[:25], pages[25:30], pages[30:]), strict=True):
        write_jsonl(part, path)
    return paths


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("split_bytes", [200, 1000, 2**24])
def test_run_gives_survivors_and_receipts_of_clean(three_files, tmp_path, split_bytes):
    rows = run_pipeline(three_files, STEPS, tmp_path / "out", split_bytes=split_bytes)
    survivors, receipts = clean(documents(40), STEPS)
    assert {receipt.stage for receipt in receipts} == {"words", "exact", "near"}
    assert list(read_survivors(tmp_path / "out")) == survivors
    assert list(read_receipts(tmp_path / "out" / "receipts.jsonl.gz")) == receipts
    assert rows == funnel(40, receipts, STEPS)
    assert rows == json.loads((tmp_path / "out" / "funnel.json").read_text())


def test_run_leaves_complete_files_and_nothing_else(three_files, tmp_path):
    run_pipeline(three_files, STEPS, tmp_path / "out", split_bytes=1000)
    names = list(contents(tmp_path / "out"))
    count = sum(len(split_source(str(path), 1000)) for path in three_files)
    assert count > 5
    assert names == [
        *(f"documents/{i:05d}.jsonl.gz" for i in range(count)),
        "funnel.json",
        "receipts.jsonl.gz",
        "run.json",
        "scores.json",
    ]
    assert not (tmp_path / "out" / "work").exists()


def test_two_processes_write_the_bytes_of_one(three_files, tmp_path):
    for workers in (1, 2):
        folder = tmp_path / str(workers)
        run_pipeline(three_files, STEPS, folder, split_bytes=1000, num_workers=workers)
    assert contents(tmp_path / "1") == contents(tmp_path / "2")


def test_run_writes_down_sources_settings_counts(three_files, tmp_path):
    run_pipeline(three_files, STEPS, tmp_path / "out", split_bytes=1000)
    run = json.loads((tmp_path / "out" / "run.json").read_text())
    survivors, _ = clean(documents(40), STEPS)
    assert run["sources"][0]["name"] == "a.jsonl"
    assert run["sources"][0]["bytes"] == three_files[0].stat().st_size
    assert len(run["sources"][2]["sha256"]) == 64
    assert run["steps"]["near"]["jaccard_threshold"] == 0.6
    assert run["steps"]["words"]["rules"][0]["min_stop_words"] == 2
    assert run["documents"] == [40, len(survivors)]
    assert run["characters"] == [
        sum(len(document.text) for document in documents(40)),
        sum(len(document.text) for document in survivors),
    ]
    assert run["masked"] == {"EMAIL_ADDRESS": len(survivors)}
    assert run["edited"]["lines"] == 40
    assert run["damage"] == []


def test_scores_count_every_document_that_a_rule_saw(three_files, tmp_path):
    run_pipeline(three_files, STEPS, tmp_path / "out", split_bytes=1000)
    (score,) = json.loads((tmp_path / "out" / "scores.json").read_text())
    assert (score["stage"], score["rule"]) == ("words", "stop_words.min_stop_words")
    assert score["documents"] == sum(score["counts"]) == 40
    assert score["threshold"] == 2
    _, receipts = clean(documents(40), {"words": STEPS["words"]})
    assert score["counts"][0] == len(receipts) > 0


PAGES = [
    WarcPage(
        f"http://town/{i}",
        200,
        {"content-type": "text/html"},
        f"<html><body><main>{text(i)}</main></body></html>".encode(),
    )
    for i in range(30)
]


@pytest.mark.parametrize("name", ["crawl.warc", "crawl.warc.gz"])
def test_one_crawl_is_shared_by_several_splits(tmp_path, name):
    path = tmp_path / name
    write_warc(PAGES, path)
    expected = clean(extract_documents(read_warc(path)), STEPS)
    rows = run_pipeline([path], STEPS, tmp_path / "out", split_bytes=path.stat().st_size // 7)
    found = tmp_path / "out"
    assert sum(1 for d in (found / "documents").iterdir() if list(read_jsonl(d))) > 5
    assert list(read_survivors(found)) == expected[0]
    assert list(read_receipts(found / "receipts.jsonl.gz")) == expected[1]
    assert rows[0]["left"] == 30


def test_damage_is_written_down_and_costs_no_neighbour(tmp_path):
    path = tmp_path / "crawl.warc.gz"
    write_warc(PAGES, path)
    data = bytearray(path.read_bytes())
    begins = [m.start() for m in re.finditer(rb"\x1f\x8b\x08", data)]
    assert len(begins) == 30
    data[begins[3] + 40 : begins[3] + 60] = bytes(20)
    path.write_bytes(data)
    run_pipeline([path], {}, tmp_path / "out", split_bytes=len(data) // 4)
    survivors = [document.url for document in read_survivors(tmp_path / "out")]
    assert survivors == [page.url for page in PAGES if page.url != "http://town/3"]
    (damage,) = json.loads((tmp_path / "out" / "run.json").read_text())["damage"]
    assert damage["source"] == "crawl.warc.gz"
    assert damage["offset"] == begins[3]


@settings(max_examples=60)
@given(
    st.lists(st.text(alphabet="ab\u00e9\u2028", max_size=9), max_size=8),
    st.integers(1, 300),
    st.booleans(),
)
def test_splits_of_lines_hold_every_document_once(tmp_path_factory, texts, split_bytes, newline):
    path = tmp_path_factory.mktemp("lines") / "x.jsonl"
    pages = [Document(str(i), "", text) for i, text in enumerate(texts)]
    write_jsonl(pages, path)
    if not newline:
        path.write_bytes(path.read_bytes().removesuffix(b"\n"))
    damage = []
    parts = [list(read_split(s, damage)) for s in split_source(str(path), split_bytes)]
    assert [document for part in parts for document in part] == pages
    assert damage == []


def test_bad_line_is_damage_and_costs_no_neighbour(tmp_path):
    path = tmp_path / "x.jsonl"
    write_jsonl(documents(3), path)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + b'{"id": 7\n' + lines[1] + b"\xff\xfe\n" + lines[2])
    run_pipeline([path], {}, tmp_path / "out", split_bytes=50)
    assert list(read_survivors(tmp_path / "out")) == documents(3)
    damage = json.loads((tmp_path / "out" / "run.json").read_text())["damage"]
    assert [entry["offset"] for entry in damage] == [
        len(lines[0]),
        len(lines[0]) + 9 + len(lines[1]),
    ]


def test_lines_of_other_projects_are_documents_with_the_rest_in_meta(tmp_path):
    lines = ['{"text": "One.", "id": 7, "score": 3}', '{"text": "Two \\ud800", "url": null}']
    lines += ["[]", "7", "null", '"text"']  # of which none is an object
    found = []
    for name in ("x.jsonl", "x.jsonl.gz", "x.ndjson"):
        path, data = tmp_path / name, "\n".join(lines).encode()
        path.write_bytes(gzipped(data) if name.endswith("gz") else data)
        (split,), damage = split_source(str(path), 10**6), []
        found.append(list(read_split(split, damage)))
        assert [d.reason for d in damage] == ["it is no JSON object"] * 4
        assert damage[0].offset == len(lines[0]) + len(lines[1]) + 2
    second = Document(str(len(lines[0]) + 1), "", "Two \ufffd")
    assert found == [[Document("7", "", "One.", {"score": 3}), second]] * 3


def test_line_with_half_a_letter_or_a_null_costs_no_run(tmp_path):
    path = tmp_path / "x.jsonl"
    lines = ['{"text": "A.", "url": "http://x/\\ud83d", "title": "\\ud83d"}', '{"text": "A."}']
    path.write_text("\n".join([*lines, '{"text": "B.", "id": null}']))
    run_pipeline([path], {"copies": exact_duplicates_step()}, tmp_path / "out")
    first, last = read_survivors(tmp_path / "out")
    assert (first.url, first.meta) == ("http://x/\ud83d", {"title": "\ud83d"})
    assert last.id == str(len("\n".join(lines)) + 1)
    [receipt] = read_receipts(tmp_path / "out" / "receipts.jsonl.gz")
    assert receipt.note == first.url


def test_line_without_end_is_damage(tmp_path, monkeypatch):
    monkeypatch.setattr("common.data._lines._MAX_LINE_BYTES", 100)
    path = tmp_path / "x.jsonl"
    path.write_text('{"text": "a"}\n{"text": "' + "b" * 350 + '"}\n{"text": "c"}\n')
    for split_bytes in (10**6, 90, 40):
        damage = []
        parts = [read_split(split, damage) for split in split_source(str(path), split_bytes)]
        assert [document.text for part in parts for document in part] == ["a", "c"]
        assert [(d.offset, d.reason) for d in damage] == [(14, "a line is over 100 bytes")]


def test_run_without_documents_is_a_run(tmp_path):
    (tmp_path / "none.jsonl").write_text("")
    rows = run_pipeline([tmp_path / "none.jsonl"], STEPS, tmp_path / "out")
    assert rows[0]["left"] == rows[-1]["left"] == 0
    assert list(read_survivors(tmp_path / "out")) == []


# A run that is killed. The step kills its process when it sees a certain document for the first
# time; a file remembers that it did.


def killing_steps(folder: Path, number: int, *, parent: bool = False) -> dict:
    """STEPS with one that kills after `number` documents: this process, or the one above it."""
    mark = str(folder / "killed")
    return STEPS | {"kill": partial(kill_at, name=f"id{number}", mark=mark, parent=parent)}


def run_elsewhere(folder: Path, number: int, workers: int, *, parent: bool = False):
    """run_pipeline in a process of its own; comes back when it and all its workers are gone."""
    steps = folder / "steps.pickle"
    steps.write_bytes(pickle.dumps(killing_steps(folder, number, parent=parent)))
    command = [sys.executable, "-m", "tests.data.killing", str(folder), str(workers)]
    root = Path(__file__).parents[2]
    environment = os.environ | {"PYTHONPATH": str(root)}
    return subprocess.run(
        command, cwd=root, env=environment, capture_output=True, text=True, timeout=120
    )


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("undisturbed")
    write_jsonl(documents(40), folder / "pages.jsonl")
    (folder / "killed").touch()
    run_pipeline(
        [folder / "pages.jsonl"], killing_steps(folder, 0), folder / "out", split_bytes=999
    )
    found = contents(folder / "out")
    return {name: data for name, data in found.items() if name != "run.json"}


def finished(folder: Path) -> dict[str, bytes]:
    found = contents(folder / "out")
    assert found.pop("run.json")
    return found


@pytest.mark.parametrize("number", [1, 20, 38])
def test_killed_run_goes_on_to_the_same_bytes(tmp_path, undisturbed, number):
    write_jsonl(documents(40), tmp_path / "pages.jsonl")
    first = run_elsewhere(tmp_path, number, 1)
    assert first.returncode == -signal.SIGKILL
    half = contents(tmp_path / "out")
    assert "run.json" not in half
    assert any(name.startswith("work/") for name in half)
    second = run_elsewhere(tmp_path, number, 1)
    assert (second.returncode, second.stderr) == (0, "")
    assert finished(tmp_path) == undisturbed
    seen = Counter((tmp_path / "killed.seen").read_text().split())
    again = [name for name, count in seen.items() if count > 1]
    assert f"id{number}" in again  # what its split had begun
    assert len(again) <= 8  # and no more than one split holds


def test_killed_worker_ends_the_run_which_then_goes_on(tmp_path, undisturbed):
    write_jsonl(documents(40), tmp_path / "pages.jsonl")
    steps = killing_steps(tmp_path, 20)
    call = partial(run_pipeline, [tmp_path / "pages.jsonl"], steps, tmp_path / "out")
    with pytest.raises(RuntimeError, match="a worker process died.*the same call goes on"):
        call(split_bytes=999, num_workers=2)
    assert list((tmp_path / "out" / "work").rglob("*.done.json"))
    call(split_bytes=999, num_workers=2)
    assert finished(tmp_path) == undisturbed


def test_killed_run_takes_its_workers_along(tmp_path, undisturbed):
    write_jsonl(documents(40), tmp_path / "pages.jsonl")
    first = run_elsewhere(tmp_path, 20, 2, parent=True)
    # A worker that stayed would hold this pipe open, and `run` would not have come back.
    assert first.returncode == -signal.SIGKILL
    assert run_elsewhere(tmp_path, 20, 2, parent=True).returncode == 0
    assert finished(tmp_path) == undisturbed


def test_finished_work_is_not_done_again(tmp_path):
    write_jsonl(documents(40), tmp_path / "pages.jsonl")
    run_pipeline([tmp_path / "pages.jsonl"], STEPS, tmp_path / "out", split_bytes=999)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*")}
    rows = run_pipeline([tmp_path / "pages.jsonl"], STEPS, tmp_path / "out", split_bytes=999)
    assert rows[0]["left"] == 40
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*")} == before


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"steps": STEPS | {"near": near_duplicates_step()}}, "steps"),
        ({"split_bytes": 998}, "split_bytes"),
        ({"sources": "other"}, "sources"),
    ],
)
def test_folder_of_another_run_is_refused(tmp_path, change, what):
    write_jsonl(documents(9), tmp_path / "pages.jsonl")
    write_jsonl(documents(8), tmp_path / "other.jsonl")
    run_pipeline([tmp_path / "pages.jsonl"], STEPS, tmp_path / "out", split_bytes=999)
    source = tmp_path / f"{change.pop('sources', 'pages')}.jsonl"
    settings = {"steps": STEPS, "split_bytes": 999} | change
    with pytest.raises(ValueError, match=f"holds a run with other {what}: delete it"):
        run_pipeline([source], out_folder=tmp_path / "out", **settings)


def test_run_of_an_edited_rule_is_refused(tmp_path):
    """What the rule of a run that broke off had answered does not go with the new one's answers."""
    write_jsonl(documents(40), tmp_path / "pages.jsonl")
    steps = [{"rule": edited_rule(limit)} for limit in (9, 8)]
    call = partial(run_pipeline, [tmp_path / "pages.jsonl"], out_folder=tmp_path / "out")
    with pytest.raises(ZeroDivisionError):
        call(steps[0] | {"fails": partial(fail_at, name="id20")}, split_bytes=999)
    with pytest.raises(ValueError, match="holds a run with other steps: delete it"):
        call(steps[1] | {"fails": partial(fail_at, name="id20")}, split_bytes=999)


def edited_rule(limit: int):
    """What a module's function is before and after somebody wrote another number into it."""
    found: dict = {}
    exec(f"def rule(document): return document if len(document.text) > {limit} else None", found)
    return found["rule"]


def test_run_of_an_edited_library_is_refused(tmp_path, monkeypatch):
    write_jsonl(documents(9), tmp_path / "pages.jsonl")
    run_pipeline([tmp_path / "pages.jsonl"], STEPS, tmp_path / "out")
    monkeypatch.setattr("common.data._describe._hash_of_sources", lambda _: "another")
    with pytest.raises(ValueError, match="holds a run with other code: delete it"):
        run_pipeline([tmp_path / "pages.jsonl"], STEPS, tmp_path / "out")


def test_folder_with_documents_of_somebody_else_is_refused(tmp_path):
    (tmp_path / "documents").mkdir()
    (tmp_path / "documents" / "letter.txt").touch()
    with pytest.raises(ValueError, match="holds letter.txt, which no run left there"):
        run_pipeline([], STEPS, tmp_path)


def test_memory_holds_a_split_and_not_the_corpus(tmp_path):
    """Three times the documents, in splits of the same size, need hardly more memory."""
    steps = {"exact": STEPS["exact"], "mask": STEPS["mask"]}
    peaks, sizes = [], []
    for count in (300, 1000):  # more than is read at once
        path = tmp_path / f"{count}.jsonl"
        write_jsonl((Document(str(i), "", f"the and {i} " * 400) for i in range(count)), path)
        tracemalloc.start()
        run_pipeline([path], steps, tmp_path / f"out{count}", split_bytes=40_000)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        sizes.append(path.stat().st_size)
    assert sizes[1] - sizes[0] > 3_000_000
    assert peaks[1] - peaks[0] < 500_000


def test_lost_receipt_is_noticed(tmp_path, monkeypatch):
    write_jsonl(documents(40), tmp_path / "pages.jsonl")
    whole = _publish.read_receipts
    monkeypatch.setattr(_publish, "read_receipts", lambda path: list(whole(path))[1:])
    with pytest.raises(AssertionError, match="40 documents came in, 27 survive and 10 have rec"):
        run_pipeline([tmp_path / "pages.jsonl"], STEPS, tmp_path / "out")
    assert not (tmp_path / "out" / "run.json").exists()


def test_error_in_a_step_says_where(tmp_path):
    write_jsonl(documents(9), tmp_path / "pages.jsonl")
    steps = {"fails": partial(fail_at, name="id4")}
    with pytest.raises(ZeroDivisionError) as caught:
        run_pipeline([tmp_path / "pages.jsonl"], steps, tmp_path / "out")
    (note,) = caught.value.__notes__
    assert re.search(r"while cleaning Split\(source='.*pages.jsonl'.* after 5 documents", note)


def fail_at(document: Document, *, name: str) -> Document:
    return 1 / 0 if document.id == name else document


def test_steps_that_cannot_travel_are_named_before_anything_starts(tmp_path):
    write_jsonl(documents(1), tmp_path / "pages.jsonl")
    call = partial(run_pipeline, [tmp_path / "pages.jsonl"], {"x": lambda document: document})
    with pytest.raises(ValueError, match="2 processes cannot share these steps: .*lambda"):
        call(tmp_path / "two", num_workers=2)
    assert call(tmp_path / "one")[-1]["left"] == 1


@pytest.mark.parametrize("numbers", [{"num_workers": 0}, {"split_bytes": 0}])
def test_run_refuses_numbers_that_are_not_positive(tmp_path, numbers):
    with pytest.raises(ValueError, match="must be positive"):
        run_pipeline([], STEPS, tmp_path, **numbers)


def test_unknown_format_is_named(tmp_path):
    (tmp_path / "pages.doc").write_text("x")
    with pytest.raises(ValueError, match=r"pages\.doc is none of \.warc, \.wet, \.jsonl"):
        run_pipeline([tmp_path / "pages.doc"], STEPS, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_format_of_an_address_is_that_of_its_path(monkeypatch):
    pages = [WarcPage("http://x/", 200, {"content-type": "text/html"}, b"<p>One.")]
    monkeypatch.setattr("common.data._splits.read_warc", lambda *_, **__: iter(pages))
    [split] = split_source("https://x.example/A.WARC.gz?download=true", 1)
    assert [document.text for document in read_split(split, [])] == ["One."]


def test_run_inside_of_a_run_leaves_its_work_alone(tmp_path):
    """Two runs in one process, of which one begins and ends while the other works."""
    write_jsonl(documents(9), tmp_path / "pages.jsonl")
    inner = partial(run_pipeline, [tmp_path / "pages.jsonl"], {}, tmp_path / "inner")

    def step(document: Document) -> Document:
        inner()
        return document

    run_pipeline([tmp_path / "pages.jsonl"], {"x": step}, tmp_path / "out", split_bytes=300)
    assert list(read_survivors(tmp_path / "out")) == documents(9)


def test_read_survivors_refuses_a_run_of_which_a_file_is_gone(tmp_path):
    write_jsonl(documents(9), tmp_path / "pages.jsonl")
    run_pipeline([tmp_path / "pages.jsonl"], {}, tmp_path / "out", split_bytes=999)
    (tmp_path / "out" / "documents" / "00001.jsonl.gz").unlink()
    with pytest.raises(ValueError, match="out holds 6 documents of the 9 that its run left"):
        list(read_survivors(tmp_path / "out"))


def test_read_survivors_refuses_an_unfinished_run(tmp_path):
    with pytest.raises(ValueError, match="holds no finished run"):
        list(read_survivors(tmp_path))


ROWS = st.lists(st.tuples(st.binary(max_size=5), st.integers(0, 3)), max_size=6)


@given(st.lists(ROWS, max_size=3))
def test_ragged_gives_back_every_row(tmp_path_factory, files):
    folder = tmp_path_factory.mktemp("ragged")
    rows = []
    for number, file in enumerate(files):
        part = [
            {"url": np.frombuffer(url, np.uint8), "hashes": np.arange(count, dtype=np.uint64)}
            for url, count in file
        ]
        write_ragged(part, folder / f"{number}.npz")
        rows += part
    found = Ragged([folder / f"{i}.npz" for i in range(len(files))], folder / "joined")
    assert len(found) == len(rows)
    for row, expected in zip(found, rows, strict=True):
        assert row.keys() == expected.keys()
        for name, values in expected.items():
            np.testing.assert_array_equal(row[name], values)
            assert row[name].dtype == values.dtype


def test_documents_are_gzipped_without_a_time(three_files, tmp_path):
    run_pipeline(three_files, STEPS, tmp_path / "out")
    for path in (tmp_path / "out" / "documents").iterdir():
        assert path.read_bytes()[4:8] == bytes(4)
        with gzip.open(path) as stream:
            assert stream.read() is not None


class Lengths:
    """A step of somebody's own, whose sketches are made by a function."""

    def __init__(self, made):
        self.made = made

    def sketch(self, document):
        return self.made(int(document.id.removeprefix("id")))

    def decide(self, sketches):
        return [None for _ in sketches]

    def apply(self, document, decision):
        return document


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (lambda i: {"n": np.array([i if i < 6 else i + 0.5])}, "n is float64 .* and int64 in ano"),
        (lambda i: {"n": np.array(["x" * (i + 1)])}, "n is <U. in one sketch and <U. in another"),
        (lambda i: {"n": np.zeros((1, 2))}, r"n of a sketch must have one dimension, not \(1, 2\)"),
        (lambda i: {"n": np.zeros(1)} if i else {"m": np.zeros(1)}, "the same names"),
        (lambda i: {}, "sketches need the same names"),
    ],
)
@pytest.mark.parametrize("split_bytes", [300, 10**6])
def test_sketches_that_cannot_be_joined_are_refused(tmp_path, made, message, split_bytes):
    """Else bytes of one type would be read as another, where a split of their own holds them."""
    write_jsonl(documents(9), tmp_path / "pages.jsonl")
    call = partial(run_pipeline, [tmp_path / "pages.jsonl"], {"own": Lengths(made)})
    with pytest.raises(ValueError, match=message):
        call(tmp_path / "out", split_bytes=split_bytes)


def test_sketches_of_one_type_in_each_split_but_not_in_all_are_refused(tmp_path):
    for name, values in (("0", [1, 2]), ("1", [1.5, 2.5])):
        write_ragged([{"n": np.array([value])} for value in values], tmp_path / name)
    with pytest.raises(ValueError, match="n is float64 in one sketch and int64 in another"):
        Ragged([tmp_path / "0", tmp_path / "1"], tmp_path / "joined")


def numpy_rule(words) -> Verdict:
    return Verdict(bool(len(words.text) % 2), "own.max_x", np.float32(0.5), np.int64(0))


def test_numbers_of_numpy_are_evidence(tmp_path):
    write_jsonl(documents(9), tmp_path / "pages.jsonl")
    run_pipeline([tmp_path / "pages.jsonl"], {"own": rules_step(numpy_rule)}, tmp_path / "out")
    receipts = list(read_receipts(tmp_path / "out" / "receipts.jsonl.gz"))
    assert {(r.value, r.threshold) for r in receipts} == {(0.5, 0)}
    assert receipts == clean(documents(9), {"own": rules_step(numpy_rule)})[1]


def test_rule_may_be_called_anything(tmp_path):
    write_jsonl(documents(1), tmp_path / "pages.jsonl")
    steps = {"own/\u00e9": rules_step(lambda words: Verdict(False, "a\tb/\u00e9", 1, 2))}
    run_pipeline([tmp_path / "pages.jsonl"], steps, tmp_path / "out")
    [score] = json.loads((tmp_path / "out" / "scores.json").read_text(encoding="utf-8"))
    assert (score["stage"], score["rule"]) == ("own/\u00e9", "a\tb/\u00e9")


class UnpicklableError(Exception):
    def __init__(self, one, two):
        super().__init__(f"{one} and {two}")


def raise_unpicklable(document: Document) -> Document:
    raise UnpicklableError("bread", "salt")


def test_error_that_cannot_be_pickled_is_not_the_death_of_a_worker(tmp_path):
    write_jsonl(documents(1), tmp_path / "pages.jsonl")
    call = partial(run_pipeline, [tmp_path / "pages.jsonl"], {"own": raise_unpicklable})
    with pytest.raises(RuntimeError, match="^UnpicklableError: bread and salt$"):
        call(tmp_path / "out", num_workers=2)


def write_again(document: Document, *, path: Path) -> Document:
    path.write_bytes(path.read_bytes() + b"\n")
    return document


def test_source_that_changes_while_it_is_read_is_named(tmp_path):
    write_jsonl(documents(1), path := tmp_path / "pages.jsonl")
    with pytest.raises(ValueError, match=r"pages\.jsonl changed while it was read"):
        run_pipeline([path], {"own": partial(write_again, path=path)}, tmp_path / "out")
    assert not (tmp_path / "out" / "run.json").exists()


def test_one_source_is_not_taken_for_many(tmp_path):
    with pytest.raises(ValueError, match=r"several, such as a list, got the one 'pages\.jsonl'"):
        run_pipeline("pages.jsonl", STEPS, tmp_path / "out")


@pytest.mark.parametrize("name", ["receipts.jsonl.gz", "funnel.json", "scores.json", "run.json"])
def test_file_of_somebody_else_is_not_overwritten(tmp_path, name):
    (tmp_path / name).write_text("[]")
    with pytest.raises(ValueError, match=f"{name}(, which no run| is not what a run) left there"):
        run_pipeline([], STEPS, tmp_path)
    assert (tmp_path / name).read_text() == "[]"


def test_survivors_of_the_split_100000_come_after_those_of_99999(tmp_path):
    write_jsonl(documents(6), tmp_path / "pages.jsonl")
    run_pipeline([tmp_path / "pages.jsonl"], {}, tmp_path / "out", split_bytes=999)
    first, second = sorted((tmp_path / "out" / "documents").iterdir())
    first.rename(first.with_name("99999.jsonl.gz"))
    second.rename(second.with_name("100000.jsonl.gz"))
    assert list(read_survivors(tmp_path / "out")) == documents(6)


@pytest.mark.parametrize(
    ("steps", "error", "message"),
    [
        ([STEPS["words"]], TypeError, "steps must map names to steps, like a dict; got "),
        ({1: STEPS["words"]}, TypeError, "the name of a step must be a string, not 1"),
        ({"a\tb": STEPS["words"]}, ValueError, r"cannot hold a tab: 'a\\tb'"),
        ({"a": None}, TypeError, "step a must be a function or a CorpusStep, not None"),
    ],
)
def test_steps_that_are_none_are_named_before_anything_starts(tmp_path, steps, error, message):
    for call in (partial(run_pipeline, [], steps, tmp_path / "out"), partial(clean, [], steps)):
        with pytest.raises(error, match=message):
            call()
    assert not (tmp_path / "out").exists()
