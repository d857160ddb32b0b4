"""make book on small books of throw-away notebooks: what is run, what is kept, what is said."""

import json
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest

from tools.book import BookFailed, Runner, _duration

PLAN = SimpleNamespace(words=3)

# What common/notebook.py does, without loading torch into every kernel.
SETUP = """
import json, os
from common.artifacts import ArtifactStore
store = ArtifactStore(os.environ["BOOK_ARTIFACTS"], "smoke")

def trace(event, name):
    line = dict(event=event, name=name, budget="smoke", digest=store.digest(name))
    with open(os.environ["BOOK_TRACE"], "a") as stream:
        stream.write(json.dumps(line) + "\\n")
"""
MAKE = """
with store.create("corpus") as folder:
    _ = (folder / "text.txt").write_text("a b c")
trace("creates", "corpus")
"""
USE = """
trace("needs", "corpus")
(store.path("corpus") / "text.txt").read_text()
"""


def write_notebook(path: Path, *cells: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_markdown_cell("# Chapter 1.1: Why?")]
    notebook.cells += [nbformat.v4.new_code_cell(source) for source in cells]
    nbformat.write(notebook, path)
    return path


@pytest.fixture
def book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runner:
    """A book of two notebooks: the first makes a corpus, the second needs it."""
    monkeypatch.setenv("BOOK_ARTIFACTS", str(tmp_path / "artifacts"))
    monkeypatch.delenv("BOOK_TRACE", raising=False)
    write_notebook(tmp_path / "ch01_data" / "01_make.ipynb", SETUP, MAKE)
    write_notebook(tmp_path / "ch02_use" / "01_use.ipynb", SETUP, USE)
    return Runner(tmp_path, "smoke", PLAN)


def test_run_executes_in_order_and_then_nothing_until_something_changes(
    book: Runner, capsys: pytest.CaptureFixture
) -> None:
    first, second = book.notebooks
    before = [path.read_bytes() for path in book.notebooks]
    assert book.run() == 2
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("[ 1/2] ch01_data/01_make ...")
    assert lines[1].startswith("[ 2/2] ch02_use/01_use ...")
    assert lines[1].endswith(" MiB")
    assert [path.read_bytes() for path in book.notebooks] == before
    record = book.record(second)
    assert list(record.needs) == ["corpus"]
    assert 0 < record.seconds < 60
    assert 10 < record.peak_mib < 3000

    assert book.run() == 0

    # Other code, same artefact: what rests on the artefact stays up to date.
    write_notebook(first, SETUP, "# another comment", MAKE)
    assert not book.up_to_date(first)
    assert book.run() == 1
    assert "(expected: " in capsys.readouterr().out

    # Another artefact: what needs it is run again.
    write_notebook(first, SETUP, MAKE.replace("a b c", "x y z"))
    assert book.run() == 2
    copy = nbformat.read(book.copies / "ch02_use" / "01_use.ipynb", as_version=4)
    assert copy.cells[-1].outputs[-1].data["text/plain"] == "'x y z'"

    # A damaged artefact makes its maker and its users run again.
    (book.store.path("corpus") / "text.txt").write_text("x")
    assert not book.up_to_date(first)
    assert not book.up_to_date(second)


def test_run_goes_on_after_a_failure_where_it_stopped(
    book: Runner, capsys: pytest.CaptureFixture
) -> None:
    second = book.notebooks[1]
    write_notebook(second, SETUP, "1 / 0")
    with pytest.raises(BookFailed) as failure:
        book.run()
    assert str(failure.value) == (
        "ch02_use/01_use.ipynb, cell 3 of 3: ZeroDivisionError: division by zero"
    )
    write_notebook(second, SETUP, USE)
    assert book.run() == 1
    assert "[ 1/2]" not in capsys.readouterr().out.splitlines()[-1]


def test_a_dead_kernel_is_one_sentence(book: Runner) -> None:
    write_notebook(book.notebooks[0], SETUP, "import os\nos._exit(1)")
    with pytest.raises(BookFailed, match="01_make.ipynb, cell 3 of 3: the kernel died; is there"):
        book.run()


def test_an_artefact_nobody_made_is_named(book: Runner) -> None:
    write_notebook(book.notebooks[0], SETUP, MAKE)
    with pytest.raises(BookFailed, match="ch01_data/01_make needs the artefact 'corpus', which no"):
        Runner(book.root, "book", PLAN).run()


def test_a_changed_plan_or_record_is_not_up_to_date(book: Runner) -> None:
    first, second = book.notebooks
    write_notebook(first, "class book: plan = None\nwords = book.plan and book.plan.words")
    write_notebook(second, "1")
    book.run()
    other = Runner(book.root, "smoke", SimpleNamespace(words=4))
    assert (book.up_to_date(first), book.up_to_date(second)) == (True, True)
    assert (other.up_to_date(first), other.up_to_date(second)) == (False, True)
    record = book.copies / "ch01_data" / "01_make.json"
    record.write_text(record.read_text()[:20])
    assert not book.up_to_date(first)


def test_an_unwritable_place_is_one_sentence(
    book: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("BOOK_ARTIFACTS", str(tmp_path / "file"))
    with pytest.raises(BookFailed, match="cannot write to .*notebooks: Not a directory"):
        Runner(tmp_path, "smoke", PLAN).run()


def test_a_full_disk_is_one_sentence(book: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = type("usage", (), {"free": 5 * 2**20})
    monkeypatch.setattr("tools.book.shutil.disk_usage", lambda path: usage)
    with pytest.raises(BookFailed, match="only 5 MiB are free"):
        book.run()


def test_expected_seconds_come_from_the_committed_notebook(book: Runner) -> None:
    path = book.notebooks[0]
    notebook = json.loads(path.read_text())
    notebook["metadata"]["book"] = {"seconds": 42}
    path.write_text(json.dumps(notebook))
    assert Runner(book.root, "book", PLAN)._expected_seconds(path) == 42
    assert book._expected_seconds(path) is None


def test_duration_is_said_as_readers_do() -> None:
    assert [_duration(s) for s in (0.4, 59.6, 200)] == ["0 s", "1 min 00 s", "3 min 20 s"]
