"""What a notebook rests on: its hash follows the modules it imports, however indirectly."""

from pathlib import Path

from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tools.sources import modules_hash, rests_on, source_hash, without_magics


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
