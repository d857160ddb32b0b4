"""README tables: generated from notebooks and docstrings, and known to be stale when they are."""

from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_markdown_cell, new_notebook

from tools.readme import between, running_time, stale_readmes

BEGIN, END = "<!-- table:begin -->", "<!-- table:end -->"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A repository of one notebook and one module, its READMEs still without tables."""
    (tmp_path / "ch01_data").mkdir()
    (tmp_path / "common").mkdir()
    cells = [new_markdown_cell("# Chapter 1.2: Which pages are bad?\n\nText.")]
    notebook = new_notebook(cells=cells, metadata={"book": {"seconds": 42}})
    nbformat.write(notebook, tmp_path / "ch01_data" / "02_rules.ipynb")
    docstring = '"""Rules.\n\nTaught in ch01_data/02_rules.ipynb.\n"""\n'
    (tmp_path / "common" / "rules.py").write_text(docstring)
    for folder in (tmp_path, tmp_path / "ch01_data"):
        (folder / "README.md").write_text(f"# Title\n{BEGIN}\n{END}\nEnd.\n")
    return tmp_path


def test_tables_link_question_module_and_time(tree: Path) -> None:
    stale = stale_readmes(tree)
    root, chapter = stale[tree / "README.md"], stale[tree / "ch01_data" / "README.md"]
    row = "| 1.2 | [Which pages are bad?]({}) | [rules]({}) | 42 s |"
    assert row.format("ch01_data/02_rules.ipynb", "common/rules.py") in root
    assert row.format("02_rules.ipynb", "../common/rules.py") in chapter
    assert root.startswith("# Title\n") and root.endswith("\nEnd.\n")


def test_a_written_table_is_current_until_the_notebook_changes(tree: Path) -> None:
    for readme, text in stale_readmes(tree).items():
        readme.write_text(text)
    assert stale_readmes(tree) == {}
    path = tree / "ch01_data" / "02_rules.ipynb"
    path.write_text(path.read_text().replace("Which pages", "Which lines"))
    assert len(stale_readmes(tree)) == 2


def test_exercises_have_a_row_under_the_lessons(tree: Path) -> None:
    cells = [new_markdown_cell("# Chapter 1: exercises\n\nText.")]
    notebook = new_notebook(cells=cells, metadata={"book": {"seconds": 3}})
    nbformat.write(notebook, tree / "ch01_data" / "exercises.ipynb")
    stale = stale_readmes(tree)
    rows = stale[tree / "README.md"].splitlines()
    assert rows[5:7] == [
        "| 1 | [Exercises](ch01_data/exercises.ipynb) |  | 3 s |",
        "| | together | | 45 s |",
    ]
    assert "| 1 | [Exercises](exercises.ipynb) |" in stale[tree / "ch01_data" / "README.md"]


@pytest.mark.parametrize("text", ["", BEGIN, END + BEGIN, f"{BEGIN}{END}{BEGIN}{END}"])
def test_markers_must_stand_once_and_in_order(text: str) -> None:
    with pytest.raises(ValueError, match="once each, in this order"):
        between(text, "table", "rows")


def test_a_readme_without_markers_is_named(tree: Path) -> None:
    (tree / "ch01_data" / "README.md").write_text("# Title\n")
    with pytest.raises(ValueError, match=r"ch01_data/README.md: needs <!-- table:begin"):
        stale_readmes(tree)


def test_running_time_is_seconds_then_minutes() -> None:
    assert [running_time(s) for s in (None, 42.0, 119.0, 480.0)] == ["", "42 s", "119 s", "8 min"]
