"""Run the whole book: every notebook that is not up to date, in order, in a fresh kernel each.

    make book                      at the book budget
    make book BOOK_BUDGET=smoke    in seconds a notebook

Executed copies and a record of each go to `artifacts/<budget>/notebooks/`, never into the tree. A
notebook is up to date when its code, the modules it imports, the plan of its budget and the
artefacts it used are what they were, so an interrupted run goes on where it stopped.
"""

import json
import os
import shutil
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

import nbformat

from common.artifacts import ArtifactError, ArtifactStore
from common.notebook import Book, artifacts_root

from .execute import NotebookFailed, execute
from .report import evaluation_report
from .sources import ROOT, book_notebooks, modules_hash, plan_hash, read_notebook, source_hash


class BookFailed(Exception):
    """The book cannot go on; the message is one clear sentence."""


@dataclass(frozen=True)
class Record:
    """What a notebook was run from, what it made, and what that cost.

    Attributes:
        source, modules, plan: hashes of its code, of the modules it imports, of what it reads of
            the budget's plan.
        needs, creates: digest of each artefact it used or made.
        seconds: wall time.
        peak_mib: highest resident memory in MiB.
    """

    source: str
    modules: str
    plan: str
    needs: dict[str, str] = field(default_factory=dict)
    creates: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    peak_mib: float = 0.0


class Runner:
    """Runs the notebooks of the tree at `root` that are not up to date.

    Args:
        root: the repository.
        budget: smoke or book.
        plan: the sizes of that budget (common/chain.py).
    """

    def __init__(self, root: Path, budget: str, plan: object) -> None:
        self.root = root
        self.store = ArtifactStore(artifacts_root(), budget)
        self.copies = artifacts_root() / budget / "notebooks"
        self.plan = plan
        self.notebooks = book_notebooks(root)

    def run(self) -> int:
        """Run what has to be run and return how many notebooks that was.

        Raises:
            BookFailed: a notebook failed or nothing can be written.
            KeyboardInterrupt: what was finished before is kept.
        """
        if not self.notebooks:
            raise BookFailed(f"there are no notebooks under {self.root}")
        self._writable()
        self.store.remove_partial()
        ran = 0
        for number, path in enumerate(self.notebooks, start=1):
            if not self.up_to_date(path):
                self._run_one(path, f"[{number:2}/{len(self.notebooks)}] {self._name(path)}")
                ran += 1
        return ran

    def up_to_date(self, path: Path) -> bool:
        """Whether running the notebook again would change nothing."""
        record = self.record(path)
        if record is None or not self._copy(path, ".ipynb").is_file():
            return False
        if any(getattr(record, name) != value for name, value in self._hashes(path).items()):
            return False
        try:
            used = record.needs | record.creates
            return all(self.store.digest(name) == digest for name, digest in used.items())
        except ArtifactError:
            return False

    def record(self, path: Path) -> Record | None:
        """The record of the notebook's last run to the end, if there is a readable one."""
        try:
            return Record(**json.loads(self._copy(path, ".json").read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def _run_one(self, path: Path, title: str) -> None:
        expected = self._expected_seconds(path)
        hint = f" (expected: {_duration(expected)})" if expected else ""
        live = sys.stdout.isatty()

        def tick(seconds: float) -> None:
            if live:
                print(f"\r{title}: {_duration(seconds)}{hint} ", end="", flush=True)

        print(f"{title}{hint} ...", end="", flush=True)
        with tempfile.TemporaryDirectory() as folder:
            trace = Path(folder) / "trace.jsonl"
            os.environ["BOOK_TRACE"] = str(trace)
            try:
                run = execute(path, on_tick=tick)
            except NotebookFailed as error:
                print(" failed", flush=True)
                raise BookFailed(f"{error}") from None
            lines = trace.read_text(encoding="utf-8").splitlines() if trace.is_file() else []
        used = {"needs": {}, "creates": {}}
        for event in map(json.loads, lines):
            used[event["event"]][event["name"]] = event["digest"]
            if event["budget"] != self.store.budget:
                raise BookFailed(
                    f"{self._name(path)} needs the artefact {event['name']!r}, "
                    f"which no notebook before it makes at the {self.store.budget} budget"
                )
        used["needs"] = {k: v for k, v in used["needs"].items() if k not in used["creates"]}
        costs = {"seconds": run.seconds, "peak_mib": run.peak_mib}
        record = Record(**self._hashes(path), **used, **costs)
        self._keep(path, run.notebook, record)
        done = f"{title}: {_duration(run.seconds)}{hint}, {run.peak_mib:.0f} MiB"
        print(f"\r{done}   " if live else f" {_duration(run.seconds)}, {run.peak_mib:.0f} MiB")

    def _keep(self, path: Path, notebook: nbformat.NotebookNode, record: Record) -> None:
        """Write the executed copy, then the record that vouches for it."""
        for suffix, text in [
            (".ipynb", nbformat.writes(notebook)),
            (".json", json.dumps(asdict(record), indent=1) + "\n"),
        ]:
            target = self._copy(path, suffix)
            target.parent.mkdir(parents=True, exist_ok=True)
            partial = target.with_name(target.name + ".partial")
            partial.write_text(text, encoding="utf-8")
            partial.replace(target)

    def _hashes(self, path: Path) -> dict[str, str]:
        notebook = read_notebook(path)
        return {
            "source": source_hash(notebook),
            "modules": modules_hash(notebook, self.root),
            "plan": plan_hash(notebook, self.plan),
        }

    def _expected_seconds(self, path: Path) -> float | None:
        """From the last run here, else what the committed notebook says of the book budget."""
        if record := self.record(path):
            return record.seconds
        if self.store.budget == "book":
            return read_notebook(path).metadata.get("book", {}).get("seconds")
        return None

    def _copy(self, path: Path, suffix: str) -> Path:
        return (self.copies / path.relative_to(self.root)).with_suffix(suffix)

    def _name(self, path: Path) -> str:
        return path.relative_to(self.root).with_suffix("").as_posix()

    def _writable(self) -> None:
        try:
            self.copies.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.copies):
                pass
        except OSError as error:
            raise BookFailed(f"cannot write to {self.copies}: {error.strerror}") from None
        if (free := shutil.disk_usage(self.copies).free) < 200 * 2**20:
            raise BookFailed(
                f"only {free // 2**20} MiB are free under {self.copies}; the book needs 200 MiB"
            )


def main() -> int:
    """Run the book at BOOK_BUDGET and print what the model at the end can do."""
    start = time.monotonic()
    try:
        book = _book()
        runner = Runner(ROOT, book.budget, book.plan)
        ran = runner.run()
        print(_summary(runner, ran, time.monotonic() - start) + "\n")
        print(evaluation_report(runner.store.path("evaluation")))
    except KeyboardInterrupt:
        print("\nStopped. What was finished is kept; the same command goes on from here.")
        return 130
    except (BookFailed, ArtifactError, OSError) as error:
        print(f"\n{error}", file=sys.stderr)
        print("What was finished is kept; the same command goes on from here.", file=sys.stderr)
        return 1
    return 0


def _book() -> Book:
    try:
        return Book(os.environ.get("BOOK_BUDGET", "book"), seed=0)
    except ValueError as error:
        raise BookFailed(str(error)) from None


def _summary(runner: Runner, ran: int, seconds: float) -> str:
    count, budget = len(runner.notebooks), runner.store.budget
    if ran:
        return f"\n{ran} of {count} notebooks run at the {budget} budget in {_duration(seconds)}."
    cost = sum(runner.record(path).seconds for path in runner.notebooks)
    return (
        f"Everything is up to date: {count} notebooks at the {budget} budget, "
        f"made in {_duration(cost)}. Nothing was run."
    )


def _duration(seconds: float) -> str:
    """Seconds as a reader says them: 7 s, 3 min 20 s."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


if __name__ == "__main__":
    sys.exit(main())
