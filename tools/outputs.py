"""Put the outputs of the last `make book` into the notebooks that are committed.

The text of a notebook stays as it is in the tree; only code cells get outputs. Everything that
would differ from run to run for no reason (cell ids, timings, kernel details) is made the same.
"""

import hashlib
import sys
from collections import Counter
from pathlib import Path

import nbformat

from common.notebook import artifacts_root

from .book import Record, Runner
from .figure import FIGURE, draw_chain
from .readme import between
from .report import evaluation_report
from .sources import ROOT, book_notebooks, read_notebook, source_hash

KERNEL = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


class OutputsError(Exception):
    """The outputs at hand do not belong to the notebooks in the tree."""


def with_outputs(
    notebook: nbformat.NotebookNode, executed: nbformat.NotebookNode, record: Record
) -> nbformat.NotebookNode:
    """The notebook with the outputs of its executed copy, in canonical form.

    Raises:
        OutputsError: the code changed after the run.
    """
    if source_hash(notebook) != source_hash(executed):
        raise OutputsError("its code is not what was run; make book first")
    outputs = iter([c for c in executed.cells if c.cell_type == "code" and c.source.strip()])
    seen: Counter[str] = Counter()
    count = 0
    cells = []
    for cell in notebook.cells:
        if cell.cell_type == "code" and not cell.source.strip():
            continue
        kept = {"tags": list(cell.metadata.tags)} if "tags" in cell.metadata else {}
        fresh = nbformat.from_dict(
            {"cell_type": cell.cell_type, "id": "", "metadata": kept, "source": cell.source}
        )
        if cell.cell_type == "code":
            count += 1
            fresh.execution_count = count
            fresh.outputs = [_plain(output, count) for output in next(outputs).outputs]
        digest = hashlib.sha256(cell.source.encode()).hexdigest()[:8]
        seen[digest] += 1
        fresh.id = digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"
        cells.append(fresh)
    book = {
        "source_hash": source_hash(notebook),
        "seconds": max(1, round(record.seconds)),
        "peak_mib": round(record.peak_mib / 10) * 10,
    }
    return nbformat.from_dict(
        {"cells": cells, "metadata": {**KERNEL, "book": book}, "nbformat": 4, "nbformat_minor": 5}
    )


def _plain(output: nbformat.NotebookNode, count: int) -> nbformat.NotebookNode:
    output = nbformat.from_dict(output)
    output.pop("transient", None)
    if "metadata" in output:
        output.metadata = nbformat.from_dict({})
    if "execution_count" in output:
        output.execution_count = count
    return output


def main(root: Path = ROOT) -> int:
    """Refresh every notebook and the README's result, or nothing if a run is stale or missing."""
    runner = Runner(root, "book", None)
    fresh = {}
    for path in book_notebooks(root):
        record = runner.record(path)
        copy = artifacts_root() / "book" / "notebooks" / path.relative_to(root)
        if record is None or not copy.is_file():
            print(f"{path.relative_to(root)} was not run at the book budget; make book first.")
            return 1
        try:
            fresh[path] = with_outputs(read_notebook(path), read_notebook(copy), record)
        except OutputsError as error:
            print(f"{path.relative_to(root)}: {error}.")
            return 1
    readme = root / "README.md"
    report = f"```\n{evaluation_report(runner.store.path('evaluation'))}\n```"
    texts = {path: nbformat.writes(nb).rstrip("\n") + "\n" for path, nb in fresh.items()}
    texts[readme] = between(readme.read_text(encoding="utf-8"), "result", report)
    for path, text in texts.items():
        path.write_text(text, encoding="utf-8", newline="\n")
    draw_chain(runner.store, root / FIGURE)
    print(f"{len(fresh)} notebooks now show the outputs of the last make book.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
