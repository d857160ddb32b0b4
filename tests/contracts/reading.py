"""What the contracts read: modules of common, notebooks, tests, and the project's settings."""

import ast
import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath

from nbformat import NotebookNode

from tools.sources import ROOT, book_notebooks, code_cells, read_notebook, without_magics

# Scaffolding of the book rather than a subject of it: no notebook teaches these, every notebook
# stands on them. chain.py composes what all the notebooks teach.
UNTAUGHT = {"common/notebook.py", "common/artifacts.py", "common/chain.py"}
# The checks of the exercises are scaffolding as well; their docstring names the two notebooks.
CHECKS = "common/exercises/ch*.py"

TEXT_SUFFIXES = {".py", ".md", ".ipynb", ".toml", ".yml", ".yaml", ".txt", ".sh", ""}
SKIPPED_FOLDERS = {".git", ".venv", "artifacts", "build", "dist", "__pycache__"}


def holds_checks(path: str) -> bool:
    return PurePosixPath(path).match(CHECKS)


@dataclass(frozen=True)
class Module:
    """A module of common: its path from the root, its source and its syntax tree."""

    path: str
    source: str
    tree: ast.Module

    @property
    def docstring(self) -> str:
        return ast.get_docstring(self.tree) or ""

    @property
    def public(self) -> list[ast.FunctionDef | ast.ClassDef]:
        """Functions and classes that other projects may import: no underscore on the way."""
        if any(part.startswith("_") for part in Path(self.path).parts):
            return []
        kinds = (ast.FunctionDef, ast.ClassDef)
        nodes = [node for node in self.tree.body if isinstance(node, kinds)]
        return [node for node in nodes if not node.name.startswith("_")]


def parse(path: str, source: str) -> Module:
    return Module(path, source, ast.parse(source))


@cache
def modules() -> list[Module]:
    files = sorted((ROOT / "common").rglob("*.py"))
    return [parse(f.relative_to(ROOT).as_posix(), f.read_text(encoding="utf-8")) for f in files]


@cache
def files_of_tests() -> list[Module]:
    files = sorted((ROOT / "tests").rglob("*.py"))
    return [parse(f.relative_to(ROOT).as_posix(), f.read_text(encoding="utf-8")) for f in files]


@cache
def notebooks() -> dict[str, NotebookNode]:
    """The book's notebooks by their path from the root."""
    return {p.relative_to(ROOT).as_posix(): read_notebook(p) for p in book_notebooks()}


def notebook_trees(notebook: NotebookNode) -> list[ast.Module]:
    """The syntax tree of each code cell, magics left out."""
    return [ast.parse(without_magics(source)) for source in code_cells(notebook)]


@cache
def pyproject() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def address() -> str:
    """Where the repository lives; pyproject.toml is the one place that decides."""
    return pyproject()["project"]["urls"]["Repository"]


def requirement_name(requirement: str) -> str:
    """The package in `name[extra]>=1.2; marker`, in lower case with hyphens."""
    name = re.match(r"[\w.-]+", requirement)[0]
    return re.sub(r"[-_.]+", "-", name).lower()


def dependencies(*extras: str) -> set[str]:
    """Names of the direct dependencies, with those of the extras; the project itself left out."""
    project = pyproject()["project"]
    found = list(project["dependencies"])
    for extra in extras:
        found += project["optional-dependencies"][extra]
    return {requirement_name(text) for text in found} - {project["name"]}


def text_files() -> dict[str, str]:
    """Every text file of the repository by its path."""
    found = {}
    for path in sorted(ROOT.rglob("*")):
        relative = path.relative_to(ROOT)
        skipped = any(p in SKIPPED_FOLDERS or p.endswith(".egg-info") for p in relative.parts)
        if not skipped and path.suffix in TEXT_SUFFIXES and path.is_file():
            found[relative.as_posix()] = path.read_text(encoding="utf-8", errors="replace")
    return found
