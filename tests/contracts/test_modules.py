"""Contracts on common: taught, documented, honest about what a module needs."""

import ast
import re
import sys
from pathlib import PurePosixPath

import pytest
from nbformat.v4 import new_code_cell, new_notebook

from tests.contracts.reading import (
    ROOT,
    UNTAUGHT,
    Module,
    dependencies,
    holds_checks,
    modules,
    notebook_trees,
    notebooks,
    parse,
)

NAMED_FILE = re.compile(r"ch\d\d_\w+/\w+\.ipynb|tests/[\w/]+\.py")
TAUGHT = re.compile(r"Taught in\s+(ch\d\d_\w+/\w+\.ipynb(?:\s*(?:,|and)\s*ch\d\d_\w+/\w+\.ipynb)*)")
NEEDS = re.compile(r"^Needs: (.+?)(?:\n\s*\n|\nTaught|\Z)", re.MULTILINE | re.DOTALL)
CHAIN = "common/chain.py"
ALWAYS_THERE = {"torch", "numpy"}


def names_used(trees: list[ast.Module]) -> set[str]:
    nodes = [node for tree in trees for node in ast.walk(tree)]
    names = {node.id for node in nodes if isinstance(node, ast.Name)}
    return names | {node.attr for node in nodes if isinstance(node, ast.Attribute)}


def untaught(module: Module, used_in: dict[str, set[str]]) -> list[str]:
    """Public names that the notebook named in the module's docstring does not use."""
    if not module.public:
        return []
    taught = [nb for text in TAUGHT.findall(module.docstring) for nb in NAMED_FILE.findall(text)]
    if not taught:
        return [f"{module.path}: its docstring lacks 'Taught in chXX_name/NN_title.ipynb.'"]
    used = set().union(*(used_in.get(notebook, set()) for notebook in taught))
    return [
        f"{module.path}: {node.name} is not used in {' or '.join(taught)}"
        for node in module.public
        if node.name not in used
    ]


def unnamed(module: Module) -> list[str]:
    """The two notebooks of a chapter's checks that the module's docstring does not name."""
    chapter = PurePosixPath(module.path).stem
    named = [f"{chapter}/exercises.ipynb", f"{chapter}/solutions.ipynb"]
    return [f"{module.path}: its docstring lacks {n}" for n in named if n not in module.docstring]


def missing_files(module: Module, exists) -> list[str]:
    """Notebooks and tests that the module's docstrings name and that are not there."""
    kinds = (ast.Module, ast.FunctionDef, ast.ClassDef)
    docs = [ast.get_docstring(n) or "" for n in ast.walk(module.tree) if isinstance(n, kinds)]
    named = sorted({name for text in docs for name in NAMED_FILE.findall(text)})
    return [f"{module.path} names {name}, which is not there" for name in named if not exists(name)]


def without_example(module: Module) -> list[str]:
    """Public functions and classes whose docstring shows no example to run."""
    return [
        f"{module.path}: {node.name} has no doctest example in its docstring"
        for node in module.public
        if ">>>" not in (ast.get_docstring(node) or "") and not is_exception(node)
    ]


def is_exception(node: ast.FunctionDef | ast.ClassDef) -> bool:
    bases = [ast.unparse(base) for base in getattr(node, "bases", [])]
    return any(base.endswith(("Error", "Exception")) for base in bases)


def imported(module: Module) -> tuple[set[str], set[str], list[str]]:
    """Sibling files and outside packages that a module imports, and absolute imports of common."""
    siblings, packages, absolute = set(), set(), []
    here = PurePosixPath(module.path).parent
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            packages |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            packages.add(node.module.split(".")[0])
        elif isinstance(node, ast.ImportFrom):
            base = here
            for _ in range(node.level - 1):
                base = base.parent
            base = base.joinpath(*(node.module or "").split("."))
            for alias in node.names:
                inner = [f"{base / alias.name}.py", f"{base / alias.name}/__init__.py"]
                outer = [f"{base}.py", f"{base}/__init__.py"]
                there = [file for file in inner + outer if (ROOT / file).is_file()]
                siblings |= set(there[:1])
    if "common" in packages:
        absolute.append(f"{module.path} imports common by name; inside it imports are relative")
    return siblings, packages - {"common"}, absolute


def at_the_top(module: Module) -> Module:
    """The imports without which the module cannot be imported: not in a function, if or try."""
    statements = [n for n in module.tree.body if isinstance(n, (ast.Import, ast.ImportFrom))]
    return Module(module.path, module.source, ast.Module(statements, []))


def undeclared(module: Module) -> list[str]:
    """Differences between what a module imports and what its header declares."""
    siblings, packages, problems = imported(module)
    match = NEEDS.search(module.docstring)
    if match is None:
        return [*problems, f"{module.path}: its docstring lacks a line 'Needs: ...'"]
    named = set(re.findall(r"\w+(?:\.py|/(?=[\s,;.)]|$))", match[1]))
    imports = {short_name(s) for s in siblings if s != "common/__init__.py"}
    outside = packages - ALWAYS_THERE - set(sys.stdlib_module_names)
    problems += [f"{module.path} imports {s}: name it after 'Needs:'" for s in imports - named]
    problems += [
        f"{module.path} needs {file} but never imports it"
        for file in named - imports
        if file.endswith(".py")
    ]
    problems += [
        f"{module.path} imports {package}: name it after 'Needs:'"
        for package in outside
        if not re.search(rf"\b{package}\b", match[1], re.IGNORECASE)
    ]
    return sorted(problems)


def short_name(file: str) -> str:
    """How a header names a file: `rope.py`, or `town/` for a package."""
    path = PurePosixPath(file)
    return f"{path.parent.name}/" if path.name == "__init__.py" else path.name


def is_copied_alone(module: Module) -> bool:
    """Whether people copy it by name: private modules and package doors travel with others."""
    name = PurePosixPath(module.path).name
    return not name.startswith("_") and module.path != CHAIN


@pytest.fixture(scope="module")
def used_in() -> dict[str, set[str]]:
    return {name: names_used(notebook_trees(nb)) for name, nb in notebooks().items()}


each_module = pytest.mark.parametrize("module", modules(), ids=lambda module: module.path)


@each_module
def test_public_names_are_taught(module: Module, used_in: dict[str, set[str]]) -> None:
    if holds_checks(module.path):
        assert not (problems := unnamed(module)), "\n".join(problems)
    elif module.path in UNTAUGHT:
        assert not TAUGHT.search(module.docstring), "it is taught: remove it from UNTAUGHT"
    else:
        assert not (problems := untaught(module, used_in)), "\n".join(problems)


@each_module
def test_docstrings_name_files_that_exist(module: Module) -> None:
    problems = missing_files(module, lambda name: (ROOT / name).is_file())
    assert not problems, "\n".join(problems)


# The steps of chain.py take seconds each and need each other's results: make book runs them. A
# check's example would be the solution, and the notebook of solutions runs it.
EXAMPLES = [m for m in modules() if m.path != CHAIN and not holds_checks(m.path)]


@pytest.mark.parametrize("module", EXAMPLES, ids=lambda module: module.path)
def test_public_names_have_an_example(module: Module) -> None:
    assert not (problems := without_example(module)), "\n".join(problems)


@each_module
def test_header_declares_what_is_imported(module: Module) -> None:
    problems = undeclared(module) if is_copied_alone(module) else imported(module)[2]
    assert not problems, "\n".join(problems)


def test_outside_packages_are_dependencies() -> None:
    always = set().union(*(imported(at_the_top(module))[1] for module in modules()))
    somewhere = set().union(*(imported(module)[1] for module in modules()))
    ours = set(sys.stdlib_module_names) | {"IPython"}
    assert always - ours <= dependencies(), "import only what pyproject.toml installs"
    wanted = dependencies("test", "gpu", "scale", "sources")
    assert somewhere - ours <= wanted, "what a function imports must at least be in an extra"


def test_at_the_top_leaves_out_what_is_imported_when_needed() -> None:
    source = "import torch\ndef f():\n    import triton\ntry:\n    import tokenizers\nexcept X: ..."
    module = parse("common/x.py", source)
    assert imported(module)[1] == {"torch", "triton", "tokenizers"}
    assert imported(at_the_top(module))[1] == {"torch"}


def test_map_of_data_names_what_is_there() -> None:
    folder = ROOT / "common/data"
    there = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    there |= {f"{path.parent.name}/" for path in folder.glob("*/__init__.py")}
    docstring = parse(
        "common/data/__init__.py", (folder / "__init__.py").read_text("utf-8")
    ).docstring
    rows = re.findall(r"^ {4}.{22}(.+)$", docstring, re.MULTILINE)
    names = re.findall(r"\w+/?", " ".join(rows))
    assert sorted(names) == sorted(there), "each file once, in the docstring of common/data"


def test_untaught_modules_exist() -> None:
    assert {path for path in UNTAUGHT if (ROOT / path).is_file()} == UNTAUGHT


HEADER = '"""Title.\n\nTaught in ch03_attention/03_masks_and_heads.ipynb.\nNeeds: {}\n"""\n'


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        (HEADER + "def rope(): ...", "rope is not used in ch03_attention/03_masks_and_heads.ipynb"),
        ('"""Title."""\ndef attend(): ...', "lacks 'Taught in"),
    ],
)
def test_untaught_sees(source: str, problem: str) -> None:
    notebook = new_notebook(cells=[new_code_cell("%matplotlib inline\nattend(x)\nlayer.heads")])
    used = {"ch03_attention/03_masks_and_heads.ipynb": names_used(notebook_trees(notebook))}
    assert problem in untaught(parse("common/x.py", source), used)[0]
    taught = parse("common/x.py", HEADER + "def attend(): ...\nclass heads: ...")
    assert untaught(taught, used) == []


def test_unnamed_sees() -> None:
    source = '"""Checks of ch01_data/exercises.ipynb."""\ndef f(): ...'
    assert unnamed(parse("common/exercises/ch01_data.py", source)) == [
        "common/exercises/ch01_data.py: its docstring lacks ch01_data/solutions.ipynb"
    ]


def test_missing_files_sees() -> None:
    source = HEADER + 'def f():\n    """See tests/test_f.py."""'
    assert missing_files(parse("common/x.py", source), lambda name: False) == [
        "common/x.py names ch03_attention/03_masks_and_heads.ipynb, which is not there",
        "common/x.py names tests/test_f.py, which is not there",
    ]


def test_without_example_sees() -> None:
    source = 'def f():\n    """>>> 1\n    1"""\ndef g():\n    """No."""\ndef _h(): ...'
    assert without_example(parse("common/x.py", source)) == [
        "common/x.py: g has no doctest example in its docstring"
    ]


@pytest.mark.parametrize(
    ("needs_line", "body", "problem"),
    [
        ("nothing but torch.", "from .artifacts import ArtifactStore", "artifacts.py: name it"),
        ("artifacts.py", "import torch", "artifacts.py but never imports it"),
        ("nothing but torch.", "def f():\n    import lxml.html", "imports lxml: name it"),
        ("nothing.", "from common.artifacts import ArtifactStore", "it imports are relative"),
    ],
)
def test_undeclared_sees(needs_line: str, body: str, problem: str) -> None:
    module = parse("common/x.py", HEADER.format(needs_line) + body)
    assert problem in undeclared(module)[0]


@pytest.mark.parametrize(
    ("path", "needs_line", "body"),
    [
        ("common/x.py", "lxml, artifacts.py.", "import lxml\nfrom . import artifacts"),
        ("common/data/x.py", "../artifacts.py.", "from ..artifacts import ArtifactStore"),
        ("common/x.py", "nothing but torch.", "import torch\nimport numpy as np"),
    ],
)
def test_undeclared_accepts(path: str, needs_line: str, body: str) -> None:
    assert undeclared(parse(path, HEADER.format(needs_line) + body)) == []
