"""Which notebooks make up the book, what their code is, and which modules they rest on."""

import ast
import hashlib
import inspect
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parents[1]
# The plan, not the text, of chain.py matters to a notebook: see plan_hash.
SCAFFOLDING = {"common/notebook.py", "common/artifacts.py", "common/chain.py"}

AFTER_THE_LESSONS = ("exercises", "solutions")


def book_notebooks(root: Path = ROOT) -> list[Path]:
    """Each chapter's numbered notebooks in reading order, then its exercises and its solutions."""
    found = [
        path
        for pattern in ("[0-9][0-9]_*", *AFTER_THE_LESSONS)
        for path in root.glob(f"ch[0-9][0-9]_*/{pattern}.ipynb")
    ]
    return sorted(found)  # digits come before letters, exercises before solutions


def is_lesson(path: str | Path) -> bool:
    """Whether this is one of the numbered notebooks, which ask one question each."""
    return Path(path).stem not in AFTER_THE_LESSONS


def read_notebook(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


def code_cells(notebook: nbformat.NotebookNode) -> list[str]:
    """The sources of the code cells that hold anything."""
    return [c.source for c in notebook.cells if c.cell_type == "code" and c.source.strip()]


def without_magics(source: str) -> str:
    """The cell as plain Python: each line of IPython syntax becomes `pass`."""
    lines = source.splitlines()
    plain = [
        line[: len(line) - len(line.lstrip())] + "pass" if line.lstrip()[:1] in set("%!") else line
        for line in lines
    ]
    return "\n".join(plain)


def source_hash(notebook: nbformat.NotebookNode) -> str:
    """Changes when, and only when, the code of the notebook does."""
    return hashlib.sha256(json.dumps(code_cells(notebook)).encode()).hexdigest()[:16]


def modules_hash(notebook: nbformat.NotebookNode, root: Path = ROOT) -> str:
    """Changes when the source of any module of common that the notebook rests on does."""
    total = hashlib.sha256()
    for file in sorted(rests_on(notebook, root)):
        total.update(file.encode() + b"\0" + (root / file).read_bytes())
    return total.hexdigest()[:16]


def rests_on(notebook: nbformat.NotebookNode, root: Path = ROOT) -> set[str]:
    """Files of common that the notebook imports, directly or not, scaffolding left out."""
    todo = [file for tree in _trees(notebook) for file in _imports(tree, "", root)]
    found: set[str] = set()
    while todo:
        file = todo.pop()
        if file not in found and file not in SCAFFOLDING:
            found.add(file)
            tree = ast.parse((root / file).read_text(encoding="utf-8"))
            todo.extend(_imports(tree, file, root))
    return found


def plan_hash(notebook: nbformat.NotebookNode, plan: object) -> str:
    """Changes when a part of the budget's plan that the notebook reads does.

    Parts are recognised by name, `plan.<name>`; a plan that is passed on whole counts whole.
    """
    nodes = [node for tree in _trees(notebook) for node in ast.walk(tree)]
    named = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    passed = [arg for node in nodes if isinstance(node, ast.Call) for arg in node.args]
    if any(getattr(arg, "attr", getattr(arg, "id", "")) == "plan" for arg in passed):
        used = [repr(plan)]
    elif "plan" in named:
        used = _parts(plan, {name for name in named if hasattr(plan, name)})
    else:
        used = []
    return hashlib.sha256("\n".join(used).encode()).hexdigest()[:16]


def _parts(plan: object, names: set[str]) -> list[str]:
    """Values of the named fields; for methods and properties their source and what that reads."""
    found, todo = {}, sorted(names)
    while todo:
        name = todo.pop()
        if name in found:
            continue
        member = getattr(type(plan), name, None)
        if name not in vars(plan) and (callable(member) or isinstance(member, property)):
            found[name] = inspect.getsource(getattr(member, "fget", member))
            read = re.findall(r"self\.(\w+)", found[name])
            todo += [other for other in read if hasattr(plan, other)]
        else:
            found[name] = repr(getattr(plan, name))
    return [f"{name}={found[name]}" for name in sorted(found)]


def _trees(notebook: nbformat.NotebookNode) -> list[ast.Module]:
    return [ast.parse(without_magics(source)) for source in code_cells(notebook)]


def _imports(tree: ast.Module, file: str, root: Path) -> Iterator[str]:
    """Files of common that this source imports, wherever in it the import stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _files(alias.name.split("."), (), root)
        elif isinstance(node, ast.ImportFrom):
            package = Path(file).parent.parts
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = (node.module or "").split(".") if node.module else []
            yield from _files([*base, *module], [alias.name for alias in node.names], root)


def _files(module: Iterable[str], names: Iterable[str], root: Path) -> Iterator[str]:
    """The files behind `import module` or `from module import names`, if they are ours."""
    parts = tuple(module)
    if not parts or parts[0] != "common":
        return
    for depth in range(1, len(parts) + 1):
        yield from _file(parts[:depth], root)
    for name in names:
        yield from _file((*parts, name), root)


def _file(parts: tuple[str, ...], root: Path) -> Iterator[str]:
    for candidate in (Path(*parts).with_suffix(".py"), Path(*parts) / "__init__.py"):
        if (root / candidate).is_file():
            yield candidate.as_posix()
