"""What make outputs commits: outputs that belong to the code, and nothing that varies by itself."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tools.book import Record
from tools.outputs import OutputsError, with_outputs
from tools.sources import source_hash

RECORD = Record("s", "m", "p", seconds=41.6, peak_mib=517.0)


def notebook(text: str = "# Title") -> nbformat.NotebookNode:
    return new_notebook(cells=[new_markdown_cell(text), new_code_cell("2 + 2")])


def executed() -> nbformat.NotebookNode:
    run = notebook()
    result = new_output("execute_result", {"text/plain": "4"}, execution_count=7, metadata={"x": 1})
    run.cells[1].outputs = [result]
    run.cells[1].metadata["execution"] = {"iopub.execute_input": "2026-01-01"}
    run.metadata["language_info"] = {"version": "3.11.7"}
    return run


def test_outputs_come_over_and_text_stays() -> None:
    fresh = with_outputs(notebook("# Better title"), executed(), RECORD)
    assert fresh.cells[0].source == "# Better title"
    assert fresh.cells[1].outputs[0].data["text/plain"] == "4"
    assert fresh.cells[1].outputs[0].execution_count == fresh.cells[1].execution_count == 1
    nbformat.validate(fresh)


def test_tags_stay_and_other_cell_metadata_goes() -> None:
    tagged = notebook()
    tagged.cells[1].metadata = nbformat.from_dict({"tags": ["slow"], "collapsed": True})
    assert with_outputs(tagged, executed(), RECORD).cells[1].metadata == {"tags": ["slow"]}


def test_two_runs_give_the_same_bytes() -> None:
    first, second = (nbformat.writes(with_outputs(notebook(), executed(), RECORD)) for _ in "ab")
    assert first == second
    assert "2026-01-01" not in first
    assert "3.11.7" not in first


def test_equal_cells_get_different_ids() -> None:
    twice = new_notebook(cells=[new_markdown_cell("same"), new_markdown_cell("same")])
    ids = [cell.id for cell in with_outputs(twice, twice, RECORD).cells]
    assert len(set(ids)) == 2


def test_metadata_says_what_was_run_and_what_it_cost() -> None:
    book = with_outputs(notebook(), executed(), RECORD).metadata.book
    assert book == {"source_hash": source_hash(notebook()), "seconds": 42, "peak_mib": 520}


def test_outputs_of_other_code_are_refused() -> None:
    changed = new_notebook(cells=[new_code_cell("2 + 3")])
    with pytest.raises(OutputsError, match="not what was run"):
        with_outputs(changed, executed(), RECORD)
