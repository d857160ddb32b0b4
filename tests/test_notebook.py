"""What notebooks share: budgets, artefacts built on demand, sources shown from their files."""

import functools
import json
import linecache
import random
import sys
import types
from pathlib import Path

import numpy as np
import pytest
import torch

import common
from common import notebook
from common.artifacts import ArtifactError, ArtifactStore


@pytest.fixture
def chain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    """A chain of two artefacts in place of common/chain.py; `built` lists what was built."""
    fake = types.ModuleType("common.chain")
    fake.PLANS = {"smoke": "small plan", "book": "big plan"}
    fake.INPUTS = {"corpus": (), "tokenizer": ("corpus",)}
    fake.built = []

    def build(name: str):
        def builder(store: ArtifactStore, plan: str) -> None:
            fake.built.append(name)
            with store.create(name, fake.INPUTS[name]) as folder:
                (folder / "plan.txt").write_text(plan)

        return builder

    fake.BUILDERS = {name: build(name) for name in fake.INPUTS}
    monkeypatch.setitem(sys.modules, "common.chain", fake)
    monkeypatch.setattr(common, "chain", fake, raising=False)
    monkeypatch.setenv("BOOK_ARTIFACTS", str(tmp_path))
    monkeypatch.delenv("BOOK_BUDGET", raising=False)
    return fake


def test_start_seeds_every_generator(chain, capsys: pytest.CaptureFixture) -> None:
    def draws() -> list[float]:
        notebook.start(seed=3)
        return [random.random(), np.random.rand(), torch.rand(()).item()]

    assert draws() == draws()
    assert capsys.readouterr().out.startswith("Budget: book. Seed: 3. Python ")


def test_start_refuses_an_unknown_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOOK_BUDGET", "huge")
    with pytest.raises(ValueError, match="one of smoke, book, not 'huge'"):
        notebook.start()


def test_pick_follows_the_budget() -> None:
    picks = {b: notebook.Book(b, seed=0).pick(smoke=1, book=2) for b in notebook.BUDGETS}
    assert picks == {"smoke": 1, "book": 2}


def test_generator_offset_gives_another_stream() -> None:
    book = notebook.Book("smoke", seed=5)
    assert torch.rand((), generator=book.generator()) == torch.rand((), generator=book.generator())
    assert torch.rand((), generator=book.generator()) != torch.rand((), generator=book.generator(1))


def test_plan_is_the_budgets(chain) -> None:
    assert notebook.start().plan == "big plan"


def test_need_builds_what_is_missing_small_and_says_so(
    chain, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    book = notebook.start()
    assert book.need("tokenizer") == tmp_path / "smoke" / "tokenizer"
    assert chain.built == ["corpus", "tokenizer"]
    assert (tmp_path / "smoke" / "tokenizer" / "plan.txt").read_text() == "small plan"
    said = capsys.readouterr().out
    assert "'tokenizer' (book) is missing; building a small one at the smoke budget" in said
    assert "  corpus ... 0 s\n  tokenizer ... 0 s\n" in said
    book.need("tokenizer")
    assert chain.built == ["corpus", "tokenizer"]
    assert "building" not in capsys.readouterr().out


def test_need_uses_what_a_notebook_made(chain, tmp_path: Path) -> None:
    book = notebook.start()
    with book.create("corpus") as folder:
        (folder / "text.txt").write_text("long corpus")
    assert book.need("corpus") == tmp_path / "book" / "corpus"
    assert book.need("tokenizer") == tmp_path / "smoke" / "tokenizer"
    assert chain.built == ["tokenizer"]


def test_need_names_a_broken_artefact_and_builds_it_again(
    chain, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    book = notebook.start()
    with book.create("corpus") as folder:
        (folder / "text.txt").write_text("long corpus")
    (tmp_path / "book" / "corpus" / "text.txt").write_text("long")
    assert book.need("corpus") == tmp_path / "smoke" / "corpus"
    assert "text.txt has 4 bytes instead of 11; building a small one" in capsys.readouterr().out


def test_create_may_rest_on_a_small_input(chain, tmp_path: Path) -> None:
    book = notebook.start()
    book.need("corpus")
    with book.create("tokenizer", inputs=["corpus"]) as folder:
        (folder / "vocab.txt").write_text("a b c")
    assert book.need("tokenizer") == tmp_path / "book" / "tokenizer"
    with pytest.raises(ArtifactError, match=r"'corpus' \(book\) is missing"):
        ArtifactStore(tmp_path, "book").path("tokenizer")


def test_trace_lists_needs_and_creates(
    chain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOOK_TRACE", str(tmp_path / "trace.jsonl"))
    book = notebook.start()
    book.need("corpus")
    with book.create("tokenizer", inputs=["corpus"]) as folder:
        (folder / "vocab.txt").write_text("a b c")
    lines = [json.loads(x) for x in (tmp_path / "trace.jsonl").read_text().splitlines()]
    assert [(x["event"], x["name"], x["budget"]) for x in lines] == [
        ("needs", "corpus", "smoke"),
        ("creates", "tokenizer", "book"),
    ]
    assert lines[1]["digest"] == book.store.digest("tokenizer")


def test_show_source_shows_the_file_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = []
    monkeypatch.setattr(notebook, "display", shown.append)
    notebook.show_source(notebook.Book.pick, lines=(2, 3))
    text = Path(notebook.__file__).read_text(encoding="utf-8").splitlines()
    where, source = shown[0].data.split("\n\n", 1)
    assert where.startswith("`common/notebook.py`, lines ")
    first = int(where.split("lines ")[1].split()[0])
    assert source == f"```python\n{text[first - 1].strip()}\n{text[first].strip()}\n```"


def test_show_source_refuses_lines_outside() -> None:
    with pytest.raises(ValueError, match="lines 1 to 9999 lie outside the source of"):
        notebook.show_source(notebook.figure, lines=(1, 9999))


def test_progress_prints_at_most_ten_lines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    clock = iter(range(10_000))
    monkeypatch.setattr(notebook.time, "perf_counter", lambda: float(next(clock)))
    assert list(notebook.progress(range(300), "steps")) == list(range(300))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 10
    assert lines[0] == "steps: 30 of 300 in 30 s, about 270 s to go"
    assert lines[-1].startswith("steps: 300 of 300 in ")


def test_progress_of_quick_work_prints_one_line(capsys: pytest.CaptureFixture) -> None:
    assert len(list(notebook.progress(range(300), "steps"))) == 300
    assert capsys.readouterr().out == "steps: 300 of 300 in 0 s\n"


def test_progress_without_a_total_prints_the_count(capsys: pytest.CaptureFixture) -> None:
    assert list(notebook.progress((x for x in "abc"), "letters")) == ["a", "b", "c"]
    assert capsys.readouterr().out == "letters: 3 of 3 in 0 s\n"


def test_artifacts_root_does_not_depend_on_the_working_folder_in_a_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOOK_ARTIFACTS", "elsewhere")
    before = notebook.artifacts_root()
    monkeypatch.chdir(tmp_path)
    assert notebook.artifacts_root() == before
    assert before.name == "elsewhere"


def test_artifacts_root_without_a_checkout_is_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BOOK_ARTIFACTS", raising=False)
    monkeypatch.setattr(notebook, "_PACKAGE_PARENT", tmp_path / "site-packages")
    monkeypatch.chdir(tmp_path)
    assert notebook.artifacts_root() == tmp_path / "artifacts"


def check_first(function) -> None:
    """A check as the exercises have them: the first of a list, which may be of tensors."""
    if (got := function([3, 4])) != 3:
        raise AssertionError(f"the first of [3, 4] is 3, not {got}: do you count from 1?")


def written(source: str):
    """The reader's function from a cell of its own, known to linecache as a kernel's cells are."""
    name = f"<cell {abs(hash(source))}>"
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    names = {}
    exec(compile(source, name, "exec"), names)
    return names["first"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("return x[0]", "passed: check_first"),
        ("return x[1]", "not yet: the first of [3, 4] is 3, not 4: do you count from 1?"),
        ("raise NotImplementedError('about 1 line')", "not written yet (about 1 line)"),
        (
            "y = 1\n    return x[2]",
            "not yet: IndexError: list index out of range, in line 3 of your cell: return x[2]",
        ),
        ("assert not x", "not yet: AssertionError, in line 2 of your cell: assert not x"),
        (
            "raise NotImplementedError('no kernel for Half')",
            "not yet: NotImplementedError: no kernel for Half, in line 2 of your cell: "
            "raise NotImplementedError('no kernel for Half')",
        ),
    ],
)
def test_attempt_says_how_far_the_reader_is(
    body: str, said: str, capsys: pytest.CaptureFixture
) -> None:
    notebook.attempt(check_first, written(f"def first(x):\n    {body}\n"))
    assert capsys.readouterr().out == said + "\n"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (written("first = lambda: 3"), "takes 0 positional arguments but 1 was given"),
        (functools.partial(int, base=0), "int() can't convert non-string with explicit base"),
        (None, "'NoneType' object is not callable"),
    ],
)
def test_attempt_names_an_error_outside_the_readers_lines(
    answer, said: str, capsys: pytest.CaptureFixture
) -> None:
    notebook.attempt(check_first, answer)
    out = capsys.readouterr().out
    assert out.startswith("not yet: TypeError: ") and out.endswith(said + "\n")
