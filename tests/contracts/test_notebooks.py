"""Contracts on notebooks: their shape, what they may define, what they may show."""

import ast
import re
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tests.contracts.discarded import discarded
from tests.contracts.reading import address, holds_checks, modules, notebook_trees, notebooks
from tools.readme import stale_readmes
from tools.sources import code_cells, is_lesson, source_hash


@dataclass(frozen=True)
class Limits:
    """What a notebook may hold: cells, lines of a code cell, words of prose for each line of code.

    Nine of ten code cells have at most `usual_lines`.
    """

    min_cells: int = 25
    max_cells: int = 60
    median_lines: int = 5
    usual_lines: int = 15
    most_lines: int = 30
    code_cells_in_a_row: int = 3
    words_per_line: float = 5


LESSON = Limits()
# Every other code cell is a stub, whose docstring is the specification, or a line that tries it.
EXERCISES = Limits(min_cells=15, median_lines=8, usual_lines=20)
# A solution stands whole in one cell; what it explains was asked in the notebook of exercises.
SOLUTIONS = Limits(median_lines=12, usual_lines=20, words_per_line=3)

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


def limits_of(path: str) -> Limits:
    return {"exercises": EXERCISES, "solutions": SOLUTIONS}.get(Path(path).stem, LESSON)


def over_budget(notebook: NotebookNode, limits: Limits = LESSON) -> list[str]:
    """What breaks the limits on cells, lines and words."""
    cells = [cell for cell in notebook.cells if cell.source.strip()]
    lines = [len(source.strip().splitlines()) for source in code_cells(notebook)]
    prose = " ".join(cell.source for cell in cells if cell.cell_type == "markdown")
    kinds = "".join("c" if cell.cell_type == "code" else "m" for cell in cells)
    usual = sum(count <= limits.usual_lines for count in lines) / len(lines)
    in_a_row = max(map(len, re.findall("c+", kinds)))
    ratio = len(prose.split()) / sum(lines)
    fewest, most = limits.min_cells, limits.max_cells
    checks = [
        (fewest <= len(cells) <= most, f"{len(cells)} cells, not {fewest}-{most}"),
        (
            median(lines) <= limits.median_lines,
            f"the median code cell has {median(lines)} lines",
        ),
        (usual >= 0.9, f"only {usual:.0%} of code cells have at most {limits.usual_lines} lines"),
        (max(lines) <= limits.most_lines, f"a code cell has {max(lines)} lines"),
        (
            in_a_row <= limits.code_cells_in_a_row,
            f"{in_a_row} code cells in a row without prose",
        ),
        (
            ratio >= limits.words_per_line,
            f"{ratio:.1f} words of prose for each line of code",
        ),
    ]
    return [problem for kept, problem in checks if not kept]


def badly_opened(notebook: NotebookNode, path: str) -> list[str]:
    """What is wrong with the first two cells: title, badge, setup."""
    repository = address().removeprefix("https://github.com/")
    title, setup = notebook.cells[0].source, notebook.cells[1].source
    chapter, name = int(path[2:4]), Path(path).stem
    if is_lesson(path):
        first, called = rf"# Chapter {chapter}\.{int(name[:2])}: .+\?$", "N.M: <question>?"
    else:
        first, called = rf"# Chapter {chapter}: {name}$", f"N: {name}"
    checks = [
        (re.match(first, title.splitlines()[0]), f"cell 1 lacks '# Chapter {called}'"),
        (BADGE.format(repository=repository, path=path) in title, "cell 1 lacks its Colab badge"),
        (
            re.search(r"(?i)\bminutes?\b|\bseconds?\b", title),
            "cell 1 does not say how long it runs",
        ),
        (setup.strip() == SETUP.format(address=address()), "cell 2 is not the setup cell"),
    ]
    return [problem for kept, problem in checks if not kept]


SIZE = re.compile(r"raise NotImplementedError\('about (\d+) lines?'\)")


def functions(notebook: NotebookNode, names: list[str]) -> dict[str, tuple[ast.FunctionDef, int]]:
    """The functions of these names in the order they stand, and the lines of code in their bodies.

    Docstrings, comments and empty lines do not count.
    """
    found = {}
    for source, tree in zip(code_cells(notebook), notebook_trees(notebook), strict=True):
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and node.name in names:
                body = node.body[1:] if ast.get_docstring(node) is not None else node.body
                first = body[0].lineno if body else node.end_lineno + 1
                lines = source.splitlines()[first - 1 : node.end_lineno]
                written = [x for x in lines if x.strip() and not x.strip().startswith("#")]
                found[node.name] = (node, len(written))
    return found


def calls(notebook: NotebookNode) -> list[str]:
    """The calls that stand alone on a line of a cell, as source."""
    statements = [node for tree in notebook_trees(notebook) for node in tree.body]
    return [ast.unparse(node) for node in statements if isinstance(node, ast.Expr)]


def badly_posed(exercises: NotebookNode, names: list[str]) -> list[str]:
    """Checks that the notebook of exercises does not use as all do: stub, then attempt."""
    stubs, used = functions(exercises, names), calls(exercises)
    problems = [f"{name} has no stub" for name in names if name not in stubs]
    if not problems and list(stubs) != names:
        problems.append(f"the stubs stand in another order than their checks: {list(stubs)}")
    for name, (node, lines) in stubs.items():
        if not ast.get_docstring(node):
            problems.append(f"{name} has no docstring that says what to write")
        if lines != 1 or not SIZE.search(ast.unparse(node.body[-1])):
            problems.append(f"{name} must only raise NotImplementedError('about N lines')")
        if f"notebook.attempt(checks.{name}, {name})" not in used:
            problems.append(f"{name} is not tried with notebook.attempt(checks.{name}, {name})")
    return problems


def badly_solved(solutions: NotebookNode, exercises: NotebookNode, names: list[str]) -> list[str]:
    """Checks that the notebook of solutions does not use as all do, and sizes that are not true."""
    solved, used = functions(solutions, names), calls(solutions)
    problems = [f"{name} has no solution" for name in names if name not in solved]
    if not problems and list(solved) != names:
        problems.append(f"the solutions stand in another order than their checks: {list(solved)}")
    said = {
        name: int(SIZE.search(ast.unparse(node))[1])
        for name, (node, _) in functions(exercises, names).items()
        if SIZE.search(ast.unparse(node))
    }
    for name, (_, lines) in solved.items():
        if f"checks.{name}({name})" not in used:
            problems.append(f"{name} is not checked with checks.{name}({name})")
        if not any(call.startswith(f"notebook.attempt(checks.{name}, ") for call in used):
            problems.append(f"no wrong answer shows what checks.{name} says")
        if name in said and abs(lines - said[name]) > max(1, said[name] // 3):
            problems.append(f"{name} has {lines} lines, its stub says about {said[name]}")
    return problems


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
    graduates = [module for module in modules() if not holds_checks(module.path)]
    names = {node.name for module in graduates for node in module.public}
    assert not (problems := redefined(notebooks()[path], names)), "\n".join(problems)


@each_notebook
def test_notebook_keeps_its_budget(path: str) -> None:
    assert not (problems := over_budget(notebooks()[path], limits_of(path))), "\n".join(problems)


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


CHECKED = {Path(m.path).stem: m for m in modules() if holds_checks(m.path)}


@pytest.mark.parametrize("chapter", CHECKED)
def test_every_check_has_its_exercise_and_its_solution(chapter: str) -> None:
    names = [node.name for node in CHECKED[chapter].public]
    exercises = notebooks()[f"{chapter}/exercises.ipynb"]
    solutions = notebooks()[f"{chapter}/solutions.ipynb"]
    problems = badly_posed(exercises, names) + badly_solved(solutions, exercises, names)
    assert not problems, "\n".join(problems)


def test_exercises_and_solutions_have_checks() -> None:
    after = {Path(path).parent.name for path in notebooks() if not is_lesson(path)}
    assert after == set(CHECKED)


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


def test_limits_follow_the_kind_of_notebook() -> None:
    assert limits_of("ch01_data/02_rules.ipynb") == LESSON
    solution = shaped(*[-60, 18] * 15)
    assert over_budget(solution, LESSON) != []
    assert over_budget(solution, limits_of("ch01_data/solutions.ipynb")) != []
    assert over_budget(shaped(*[-40, 12] * 15), limits_of("ch01_data/solutions.ipynb")) == []
    assert over_budget(shaped(*[-50, 8] * 9), limits_of("ch01_data/exercises.ipynb")) == []


STUB = 'def halve(x):\n    """Half."""\n    raise NotImplementedError("about 2 lines")'
TRY = "notebook.attempt(checks.halve, halve)"
SOLVED = 'def halve(x):\n    """Half."""\n    # no remainder\n    half = x / 2\n\n    return half'
SHOWN = "checks.halve(halve)\nnotebook.attempt(checks.halve, floored)"


@pytest.mark.parametrize(
    ("cells", "problem"),
    [
        ([STUB, TRY], None),
        ([TRY], "halve has no stub"),
        ([STUB], "halve is not tried with notebook.attempt(checks.halve, halve)"),
        ([STUB.replace('"""Half."""', "pass"), TRY], "halve has no docstring"),
        ([STUB.replace("about ", ""), TRY], "halve must only raise"),
        ([STUB.replace("raise", "return"), TRY], "halve must only raise"),
        ([SOLVED, TRY], "halve must only raise"),
    ],
)
def test_badly_posed_sees(cells: list[str], problem: str | None) -> None:
    problems = badly_posed(book_of(*cells), ["halve"])
    assert problems == [] if problem is None else problems[0].startswith(problem)


@pytest.mark.parametrize(
    ("cells", "problem"),
    [
        ([SOLVED, SHOWN], None),
        ([SHOWN], "halve has no solution"),
        ([SOLVED, TRY], "halve is not checked with checks.halve(halve)"),
        ([SOLVED, "checks.halve(halve)"], "no wrong answer shows what checks.halve says"),
        ([SOLVED + "\n\n    x += 1" * 2, SHOWN], "halve has 4 lines, its stub says about 2"),
    ],
)
def test_badly_solved_sees(cells: list[str], problem: str | None) -> None:
    problems = badly_solved(book_of(*cells), book_of(STUB), ["halve"])
    assert problems == [] if problem is None else problem in problems


def test_exercises_in_another_order_than_their_checks_are_seen() -> None:
    stubs = [STUB.replace("halve", name) for name in ("b", "a")]
    assert "another order" in badly_posed(book_of(*stubs), ["a", "b"])[0]
    solved = [SOLVED.replace("halve", name) for name in ("b", "a")]
    assert "another order" in badly_solved(book_of(*solved), book_of(*stubs), ["a", "b"])[0]


def opened(title: str = "# Chapter 1.2: Why?", path: str = "ch01_data/02_rules.ipynb"):
    repository = address().removeprefix("https://github.com/")
    badge = BADGE.format(repository=repository, path=path)
    text = f"{title}\n\nAbout 2 minutes on a laptop.\n\n{badge}"
    return new_notebook(
        cells=[new_markdown_cell(text), new_code_cell(SETUP.format(address=address()))]
    )


def test_badly_opened_knows_exercises() -> None:
    path = "ch01_data/exercises.ipynb"
    assert badly_opened(opened("# Chapter 1: exercises", path), path) == []
    assert badly_opened(opened("# Chapter 1.1: exercises?", path), path) == [
        "cell 1 lacks '# Chapter N: exercises'"
    ]


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
