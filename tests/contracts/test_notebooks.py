"""Contracts on notebooks: their shape, what they may define, what they may show."""

import ast
import re
from statistics import median

import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tests.contracts.discarded import discarded
from tests.contracts.reading import address, modules, notebook_trees, notebooks
from tools.readme import stale_readmes
from tools.sources import code_cells, source_hash

MIN_CELLS, MAX_CELLS = 25, 60
MEDIAN_LINES, USUAL_LINES, MOST_LINES = 5, 15, 30
CODE_CELLS_IN_A_ROW = 3
WORDS_PER_LINE = 5

SETUP = """try:
    import common
except ModuleNotFoundError:  # a fresh Colab machine: fetch the package once
    %pip install --quiet "llm-from-scratch-companion @ git+{address}"
from common import notebook

book = notebook.start()"""
BADGE = (
    "[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]"
    "(https://colab.research.google.com/github/{repository}/blob/main/{path})"
)
LOCAL_PATH = re.compile(
    r"(?<![\w.:/-])/(?:home|root|Users|tmp|usr|opt|work|content)/\w|\b[A-Z]:\\\w|site-packages"
)
IMAGE = re.compile(r"!\[[^\]]*\]\((https?:[^)\s]+)|<img[^>]+src=[\"']?(https?:[^\"'\s>]+)")


def redefined(notebook: NotebookNode, names: set[str]) -> list[str]:
    """Functions, classes and lambdas that take a public name of common."""
    found = []
    for node in (node for tree in notebook_trees(notebook) for node in ast.walk(tree)):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found.append(node.name)
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Lambda):
            found += [target.id for target in node.targets if isinstance(target, ast.Name)]
    return [f"defines {name}, a public name of common" for name in found if name in names]


def over_budget(notebook: NotebookNode) -> list[str]:
    """What breaks the limits on cells, lines and words."""
    cells = [cell for cell in notebook.cells if cell.source.strip()]
    lines = [len(source.strip().splitlines()) for source in code_cells(notebook)]
    prose = " ".join(cell.source for cell in cells if cell.cell_type == "markdown")
    kinds = "".join("c" if cell.cell_type == "code" else "m" for cell in cells)
    usual = sum(count <= USUAL_LINES for count in lines) / len(lines)
    in_a_row = max(map(len, re.findall("c+", kinds)))
    ratio = len(prose.split()) / sum(lines)
    checks = [
        (MIN_CELLS <= len(cells) <= MAX_CELLS, f"{len(cells)} cells, not {MIN_CELLS}-{MAX_CELLS}"),
        (median(lines) <= MEDIAN_LINES, f"the median code cell has {median(lines)} lines"),
        (usual >= 0.9, f"only {usual:.0%} of code cells have at most {USUAL_LINES} lines"),
        (max(lines) <= MOST_LINES, f"a code cell has {max(lines)} lines"),
        (in_a_row <= CODE_CELLS_IN_A_ROW, f"{in_a_row} code cells in a row without prose"),
        (ratio >= WORDS_PER_LINE, f"{ratio:.1f} words of prose for each line of code"),
    ]
    return [problem for kept, problem in checks if not kept]


def badly_opened(notebook: NotebookNode, path: str) -> list[str]:
    """What is wrong with the first two cells: title, badge, setup."""
    repository = address().removeprefix("https://github.com/")
    title, setup = notebook.cells[0].source, notebook.cells[1].source
    number = rf"# Chapter {int(path[2:4])}\.{int(path.split('/')[1][:2])}: .+\?$"
    checks = [
        (re.match(number, title.splitlines()[0]), "cell 1 lacks '# Chapter N.M: <question>?'"),
        (BADGE.format(repository=repository, path=path) in title, "cell 1 lacks its Colab badge"),
        (
            re.search(r"(?i)\bminutes?\b|\bseconds?\b", title),
            "cell 1 does not say how long it runs",
        ),
        (setup.strip() == SETUP.format(address=address()), "cell 2 is not the setup cell"),
    ]
    return [problem for kept, problem in checks if not kept]


def machine_bound(notebook: NotebookNode) -> list[str]:
    """Paths of one machine, in sources or outputs, and images that a reader offline cannot see."""
    texts = [cell.source for cell in notebook.cells]
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            texts += [output.get("text", ""), data.get("text/plain", ""), data.get("text/html", "")]
            texts += [data.get("text/markdown", "")]
    problems = [
        f"names a path of one machine: {text[max(0, m.start() - 20) : m.end() + 30]!r}"
        for text in texts
        for m in LOCAL_PATH.finditer(text)
    ]
    images = {"".join(pair) for text in texts for pair in IMAGE.findall(text)}
    badge = "https://colab.research.google.com/assets/colab-badge.svg"
    return problems + [f"shows the remote image {url}" for url in sorted(images - {badge})]


def stale(notebook: NotebookNode) -> list[str]:
    """Signs that the outputs are not those of this code, run from top to bottom."""
    book = notebook.metadata.get("book", {})
    if book.get("source_hash") != source_hash(notebook):
        return ["its outputs are not those of its code: make book outputs"]
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    if [cell.execution_count for cell in code] != list(range(1, len(code) + 1)):
        return ["its cells were not run once each, in order"]
    failed = [out for cell in code for out in cell.outputs if out.output_type == "error"]
    return ["a cell shows an error; catch it and print what it says"] if failed else []


def wasted(notebook: NotebookNode) -> list[str]:
    """Results computed and thrown away: a comparison that is neither asserted nor shown."""
    problems = []
    for tree in notebook_trees(notebook):
        last = tree.body[-1] if tree.body else None
        problems += [text for node, text in discarded(tree) if node is not last]
    return problems


each_notebook = pytest.mark.parametrize("path", notebooks())


@each_notebook
def test_notebook_defines_no_public_name(path: str) -> None:
    names = {node.name for module in modules() for node in module.public}
    assert not (problems := redefined(notebooks()[path], names)), "\n".join(problems)


@each_notebook
def test_notebook_keeps_its_budget(path: str) -> None:
    assert not (problems := over_budget(notebooks()[path])), "\n".join(problems)


@each_notebook
def test_notebook_opens_as_all_do(path: str) -> None:
    assert not (problems := badly_opened(notebooks()[path], path)), "\n".join(problems)


@each_notebook
def test_notebook_is_bound_to_no_machine(path: str) -> None:
    assert not (problems := machine_bound(notebooks()[path])), "\n".join(problems)


@each_notebook
def test_notebook_shows_current_outputs(path: str) -> None:
    assert not (problems := stale(notebooks()[path])), "\n".join(problems)


@each_notebook
def test_notebook_wastes_no_result(path: str) -> None:
    assert not (problems := wasted(notebooks()[path])), "\n".join(problems)


def test_readme_tables_are_current() -> None:
    assert not (stale := [path.parent.name for path in stale_readmes()]), f"make readme: {stale}"


def book_of(*sources: str) -> NotebookNode:
    return new_notebook(cells=[new_code_cell(source) for source in sources])


@pytest.mark.parametrize(
    "source",
    ["def softmax(x): ...", "softmax = lambda x: x", "if 1:\n    class softmax: ..."],
)
def test_redefined_sees(source: str) -> None:
    assert redefined(book_of(source), {"softmax"}) == ["defines softmax, a public name of common"]
    assert redefined(book_of(source, "softmax = 3"), {"softplus"}) == []


def shaped(*cells: int) -> NotebookNode:
    """A notebook by its shape: 2 is a code cell of 2 lines, -20 is prose of 20 words."""
    return new_notebook(
        cells=[
            new_code_cell("x\n" * size) if size > 0 else new_markdown_cell("word " * -size)
            for size in cells
        ]
    )


GOOD_SHAPE = [-20, 2] * 15


@pytest.mark.parametrize(
    ("shape", "problem"),
    [
        (GOOD_SHAPE[:20], "20 cells, not 25-60"),
        (GOOD_SHAPE * 3, "90 cells, not 25-60"),
        ([-200, 31, *GOOD_SHAPE], "a code cell has 31 lines"),
        ([-200, 16, 16, *GOOD_SHAPE], "only 88% of code cells have at most 15 lines"),
        ([*GOOD_SHAPE, 1, 1, 1], "4 code cells in a row without prose"),
        ([-9, 2] * 15, "4.5 words of prose for each line of code"),
        ([-40, 6] * 15, "the median code cell has 6 lines"),
    ],
)
def test_over_budget_sees(shape: list[int], problem: str) -> None:
    assert over_budget(shaped(*GOOD_SHAPE)) == []
    assert over_budget(shaped(*shape)) == [problem]


def opened(title: str = "# Chapter 1.2: Why?", path: str = "ch01_data/02_rules.ipynb"):
    repository = address().removeprefix("https://github.com/")
    badge = BADGE.format(repository=repository, path=path)
    text = f"{title}\n\nAbout 2 minutes on a laptop.\n\n{badge}"
    return new_notebook(
        cells=[new_markdown_cell(text), new_code_cell(SETUP.format(address=address()))]
    )


def test_badly_opened_sees() -> None:
    path = "ch01_data/02_rules.ipynb"
    assert badly_opened(opened(), path) == []
    assert badly_opened(opened("# Rules"), path) == ["cell 1 lacks '# Chapter N.M: <question>?'"]
    assert badly_opened(opened(path="x.ipynb"), path) == ["cell 1 lacks its Colab badge"]
    other = opened()
    other.cells[0].source = other.cells[0].source.replace("2 minutes", "a while")
    other.cells[1].source += "\nbook.seed = 1"
    assert badly_opened(other, path) == [
        "cell 1 does not say how long it runs",
        "cell 2 is not the setup cell",
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("open('/home/ada/corpus.txt')", "names a path of one machine"),
        (r"open('C:\Users\ada')", "names a path of one machine"),
        ("lib/python3.11/site-packages/torch", "names a path of one machine"),
        (
            "![figure](https://example.com/a.png)",
            "shows the remote image https://example.com/a.png",
        ),
        ('<img src="http://example.com/a.png">', "shows the remote image http://example.com/a.png"),
        ("http://127.0.0.1:8000/usr/page.html and ![x](figure.png)", None),
    ],
)
def test_machine_bound_sees(text: str, problem: str | None) -> None:
    shown = new_code_cell("show()", outputs=[new_output("stream", text=text)])
    for notebook in (new_notebook(cells=[new_markdown_cell(text)]), new_notebook(cells=[shown])):
        problems = machine_bound(notebook)
        assert problems == [] if problem is None else problems[0].startswith(problem)


def test_stale_sees() -> None:
    notebook = book_of("1 + 1")
    assert stale(notebook) == ["its outputs are not those of its code: make book outputs"]
    notebook.metadata["book"] = {"source_hash": source_hash(notebook)}
    assert stale(notebook) == ["its cells were not run once each, in order"]
    notebook.cells[0].execution_count = 1
    assert stale(notebook) == []
    notebook.cells[0].outputs = [new_output("error", ename="ValueError", evalue="", traceback=[])]
    assert stale(notebook) == ["a cell shows an error; catch it and print what it says"]
    notebook.cells[0].source = "1 + 2"
    assert stale(notebook) != []


def test_wasted_sees_all_but_what_a_cell_shows() -> None:
    assert wasted(book_of("x = 1\nx == 2")) == []
    assert wasted(book_of("x == 2\nx = 1")) == ["line 1 discards x == 2"]
