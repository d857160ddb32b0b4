"""What a notebook rests on: its hash follows the modules it imports, however indirectly."""

from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tools.sources import (
    book_notebooks,
    is_lesson,
    modules_hash,
    plan_hash,
    rests_on,
    source_hash,
    without_magics,
)


def tree(root: Path) -> Path:
    files = {
        "common/__init__.py": "",
        "common/model.py": "from .layers import Linear",
        "common/layers.py": "import torch",
        "common/data/__init__.py": "",
        "common/data/batches.py": "def f():\n    from ..layers import Linear",
        "common/other.py": "",
        "common/notebook.py": "from . import other",
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def test_a_chapter_ends_with_its_exercises_and_solutions(tmp_path: Path) -> None:
    names = ["ch02_b/01_x", "ch01_a/solutions", "ch01_a/02_y", "ch01_a/exercises", "ch01_a/01_x"]
    for name in [*names, "ch01_a/notes", "other/exercises", "ch01_a/.ipynb_checkpoints/01_x"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / f"{name}.ipynb").write_text("{}")
    found = [path.relative_to(tmp_path).with_suffix("") for path in book_notebooks(tmp_path)]
    assert [path.as_posix() for path in found] == [
        "ch01_a/01_x",
        "ch01_a/02_y",
        "ch01_a/exercises",
        "ch01_a/solutions",
        "ch02_b/01_x",
    ]
    assert [is_lesson(path) for path in found] == [True, True, False, False, True]


def test_modules_hash_follows_the_checks_of_exercises(tmp_path: Path) -> None:
    root = tree(tmp_path)
    checks = root / "common" / "exercises" / "ch01_a.py"
    checks.parent.mkdir()
    checks.write_text("from ..layers import Linear")
    code = "from common.exercises import ch01_a as checks"
    notebook = new_notebook(cells=[new_code_cell(code)])
    before = modules_hash(notebook, root)
    checks.write_text("from ..layers import Linear  # a better hint")
    assert modules_hash(notebook, root) != before
    assert rests_on(notebook, root) >= {"common/exercises/ch01_a.py", "common/layers.py"}


def test_rests_on_follows_imports_and_leaves_scaffolding_out(tmp_path: Path) -> None:
    root = tree(tmp_path)
    notebook = new_notebook(
        cells=[
            new_code_cell("try:\n    import common\nexcept ImportError:\n    %pip install x"),
            new_code_cell("from common import notebook\nfrom common.data import batches"),
        ]
    )
    assert rests_on(notebook, root) == {
        "common/__init__.py",
        "common/data/__init__.py",
        "common/data/batches.py",
        "common/layers.py",
    }


def test_modules_hash_follows_indirect_imports_only(tmp_path: Path) -> None:
    root = tree(tmp_path)
    notebook = new_notebook(cells=[new_code_cell("from common.model import TransformerLM")])
    before = modules_hash(notebook, root)
    (root / "common" / "other.py").write_text("changed = 1")
    assert modules_hash(notebook, root) == before
    (root / "common" / "layers.py").write_text("import torch  # changed")
    assert modules_hash(notebook, root) != before


def test_source_hash_is_of_the_code_alone() -> None:
    code = new_code_cell("1 + 1")
    plain = source_hash(new_notebook(cells=[code]))
    assert source_hash(new_notebook(cells=[new_markdown_cell("text"), code])) == plain
    assert source_hash(new_notebook(cells=[new_code_cell("1 + 2")])) != plain


def test_without_magics_keeps_lines_and_indentation() -> None:
    assert without_magics("if x:\n    %pip install y\n!ls") == "if x:\n    pass\npass"


@dataclass(frozen=True)
class Plan:
    """A plan with two fields, one of them behind a property."""

    steps: int
    pages: int

    @property
    def warmup(self) -> int:
        return self.steps // 10


@pytest.mark.parametrize(
    ("code", "follows_steps", "follows_pages"),
    [
        ("steps = book.plan.steps", True, False),
        ("plan = book.plan\nplan.warmup", True, False),
        ("plan = book.plan\nshow(plan)", True, True),
        ("plan = dict(steps=3)", False, False),
    ],
)
def test_plan_hash_follows_what_is_read(
    code: str, follows_steps: bool, follows_pages: bool
) -> None:
    notebook, plan = new_notebook(cells=[new_code_cell(code)]), Plan(steps=100, pages=7)
    before = plan_hash(notebook, plan)
    assert (plan_hash(notebook, replace(plan, steps=200)) != before) == follows_steps
    assert (plan_hash(notebook, replace(plan, pages=8)) != before) == follows_pages
