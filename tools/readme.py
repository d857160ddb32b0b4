"""Write the tables of the READMEs: each chapter's notebooks, what they make, how long they run.

    python -m tools.readme            write
    python -m tools.readme --check    say which READMEs are out of date

A table stands between `<!-- table:begin -->` and `<!-- table:end -->`. Questions come from the
notebooks' titles, modules from the docstrings that say where they are taught, running times from
the notebooks' metadata: nothing in a table is typed by hand.
"""

import ast
import re
import sys
from collections import defaultdict
from pathlib import Path

from nbformat import NotebookNode

from .sources import ROOT, book_notebooks, is_lesson, read_notebook

TITLE = re.compile(r"^# Chapter \d+(?:\.\d+)?: (.+)$", re.MULTILINE)
TAUGHT = re.compile(r"Taught in\s+(ch\d\d_\w+/\d\d_\w+\.ipynb)")


def question(notebook: NotebookNode) -> str:
    """The question in the notebook's title: `# Chapter 1.2: What makes a page bad?`.

    Of `# Chapter 1: exercises` it is "Exercises".
    """
    match = TITLE.search(notebook.cells[0].source)
    if match is None:
        raise ValueError(
            "the first cell has no line '# Chapter N.M: <question>?' or '# Chapter N: ...'"
        )
    title = match[1].strip()
    return title[0].upper() + title[1:]


def taught_in(root: Path = ROOT) -> dict[str, list[str]]:
    """Modules by the notebook that their docstring names; a private module names none."""
    taught = defaultdict(list)
    for file in sorted((root / "common").rglob("*.py")):
        docstring = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
        for notebook in TAUGHT.findall(docstring):
            taught[notebook].append(file.relative_to(root).as_posix())
    return taught


def table(notebooks: list[Path], folder: Path, root: Path = ROOT) -> str:
    """One row a notebook, with links relative to `folder`."""
    taught = taught_in(root)
    rows = ["| | question | graduates to | time |", "|---|---|---|---|"]
    total = 0
    up = "" if folder == root else "../"
    for path in notebooks:
        notebook = read_notebook(path)
        number = str(int(path.parent.name[2:4]))
        if is_lesson(path):
            number += f".{int(path.name[:2])}"
        link = path.relative_to(folder).as_posix()
        files = taught[path.relative_to(root).as_posix()]
        modules = ", ".join(f"[{Path(file).stem}]({up}{file})" for file in files)
        seconds = notebook.metadata.get("book", {}).get("seconds")
        total = None if seconds is None or total is None else total + seconds
        rows.append(
            f"| {number} | [{question(notebook)}]({link}) | {modules} | {running_time(seconds)} |"
        )
    rows.append(f"| | together | | {running_time(total)} |")
    return "\n".join(rows)


def running_time(seconds: float | None) -> str:
    """Under two minutes in seconds, above in minutes; nothing when it was never measured."""
    if seconds is None:
        return ""
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def between(text: str, marker: str, body: str) -> str:
    """`text` with what stands between the marker's two comments replaced by `body`.

    Raises:
        ValueError: the comments do not stand there exactly once, in order.
    """
    first, last = f"<!-- {marker}:begin -->", f"<!-- {marker}:end -->"
    before, begin, rest = text.partition(first)
    _, end, after = rest.partition(last)
    if not begin or not end or first in rest or last in after:
        raise ValueError(f"needs {first} and {last} once each, in this order")
    return f"{before}{first}\n{body}\n{last}{after}"


def stale_readmes(root: Path = ROOT) -> dict[Path, str]:
    """READMEs whose table is not current, each with the text it should have.

    Raises:
        ValueError: naming a README without markers.
    """
    notebooks = book_notebooks(root)
    chapters = sorted({path.parent for path in notebooks})
    wanted = {root: notebooks} | {c: [p for p in notebooks if p.parent == c] for c in chapters}
    stale = {}
    for folder, paths in wanted.items():
        readme = folder / "README.md"
        if not readme.is_file():
            raise ValueError(f"{readme.relative_to(root)} is missing")
        text = readme.read_text(encoding="utf-8")
        try:
            fresh = between(text, "table", table(paths, folder, root))
        except ValueError as error:
            raise ValueError(f"{readme.relative_to(root)}: {error}") from None
        if fresh != text:
            stale[readme] = fresh
    return stale


def main() -> int:
    """Write the tables, or with --check only say which ones are out of date."""
    stale = stale_readmes()
    if "--check" in sys.argv[1:]:
        for readme in stale:
            print(f"{readme.relative_to(ROOT)} is out of date: make readme")
        return bool(stale)
    for readme, text in stale.items():
        readme.write_text(text, encoding="utf-8", newline="\n")
        print(f"{readme.relative_to(ROOT)} written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
