"""What every notebook shares: budget, seed, artefacts, plot style, source display, exercises.

`book = notebook.start()` opens each notebook. The environment variable BOOK_BUDGET ("smoke" or
"book") says how much work a notebook does; BOOK_ARTIFACTS moves the artefact store. This is the
only module of the package that knows about notebooks.

This is scaffolding of the book, not a subject of it: no notebook teaches it.
Needs: artifacts.py, matplotlib, IPython; chain.py when a notebook asks for its plan or lacks an
artefact.
"""

import inspect
import json
import os
import platform
import random
import re
import textwrap
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import matplotlib.pyplot as plt
import numpy as np
import torch
from IPython.display import Markdown, display
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .artifacts import ArtifactError, ArtifactStore

if TYPE_CHECKING:
    from .chain import Plan

T = TypeVar("T")

BUDGETS = ("smoke", "book")
PLOT_STYLE = {
    "figure.dpi": 110,
    "figure.constrained_layout.use": True,
    "axes.grid": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.alpha": 0.3,
    "font.size": 9,
    "legend.frameon": False,
}
_PACKAGE_PARENT = Path(__file__).resolve().parents[1]


class Book:
    """One notebook's view of the book: how much to compute, with which seed, from which artefacts.

    `budget` and `seed` are plain attributes. Use `start`, which also seeds the random generators.

    >>> Book("smoke", seed=0).pick(smoke=10, book=2000)
    10
    """

    def __init__(self, budget: str, *, seed: int) -> None:
        if budget not in BUDGETS:
            raise ValueError(f"BOOK_BUDGET must be one of {', '.join(BUDGETS)}, not {budget!r}")
        self.budget = budget
        self.seed = seed
        # Where an artefact is missing at this budget, a small one is built beside it, at the smoke
        # budget, from what is there. What a notebook creates goes under its own budget.
        search = dict.fromkeys((budget, "smoke"))
        self.store = ArtifactStore(artifacts_root(), budget, seed=seed, search=tuple(search))
        self._small = ArtifactStore(artifacts_root(), "smoke", seed=seed, search=tuple(search))

    def pick(self, *, smoke: T, book: T) -> T:
        """The value for the budget."""
        return {"smoke": smoke, "book": book}[self.budget]

    @property
    def plan(self) -> "Plan":
        """The sizes of the whole chain at this budget (common/chain.py)."""
        from . import chain

        return chain.PLANS[self.budget]

    def generator(self, offset: int = 0) -> torch.Generator:
        """A CPU generator seeded with `seed + offset`: one for each use of randomness."""
        return torch.Generator().manual_seed(self.seed + offset)

    def need(self, name: str) -> Path:
        """The folder of an artefact; if there is none, says so and builds a small one.

        What is built goes under the smoke budget, with whatever it needs itself, and never replaces
        what a notebook made.

        Raises:
            ArtifactError: the disk refuses.
        """
        try:
            folder = self.store.path(name)
        except ArtifactError as error:
            print(f"{error}; building a small one at the smoke budget, a few seconds a step:")
            folder = self._build(name)
        _trace("needs", name, budget=folder.parent.name, digest=self.store.digest(name))
        return folder

    @contextmanager
    def create(self, name: str, inputs: Sequence[str] = ()) -> Iterator[Path]:
        """Write the artefact that this notebook owns: yields an empty folder to fill.

        Args:
            name: the artefact.
            inputs: the artefacts it is made from, asked for with `need` before.

        Raises:
            ArtifactError: an input is missing, nothing was written, or the disk refuses.
        """
        with self.store.create(name, inputs) as folder:
            yield folder
        _trace("creates", name, budget=self.budget, digest=self.store.digest(name))

    def _build(self, name: str) -> Path:
        from . import chain

        for source in chain.INPUTS[name]:
            try:
                self._small.path(source)
            except ArtifactError:
                self._build(source)
        print(f"  {name} ...", end="", flush=True)
        start = time.perf_counter()
        chain.BUILDERS[name](self._small, chain.PLANS["smoke"])
        print(f" {time.perf_counter() - start:.0f} s", flush=True)
        return self._small.path(name)


def start(seed: int = 0) -> Book:
    """Open a notebook: seed every generator, set the plot style, say what the settings are.

    Seeds `random`, `numpy.random` and torch, so that a notebook run from top to bottom in a fresh
    kernel gives the same numbers again. The budget comes from the environment variable BOOK_BUDGET.

    Raises:
        ValueError: BOOK_BUDGET is neither smoke nor book.

    >>> start().seed
    Budget: ... Seed: 0. ...
    0
    """
    book = Book(os.environ.get("BOOK_BUDGET", "book"), seed=seed)
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    plt.rcParams.update(PLOT_STYLE)
    print(
        f"Budget: {book.budget}. Seed: {seed}. "
        f"Python {platform.python_version()}, torch {torch.__version__}."
    )
    return book


def artifacts_root() -> Path:
    """Where artefacts live: BOOK_ARTIFACTS, or `artifacts/` beside the package in a checkout.

    Where the package was installed without a checkout (Colab), in the working folder. A relative
    BOOK_ARTIFACTS counts from the same place, not from the folder of each notebook.

    >>> artifacts_root().is_absolute()
    True
    """
    checkout = (_PACKAGE_PARENT / "pyproject.toml").is_file()
    base = _PACKAGE_PARENT if checkout else Path.cwd()
    return base / os.environ.get("BOOK_ARTIFACTS", "artifacts")


def show_source(obj: object, *, lines: tuple[int, int] | None = None) -> None:
    """Display the source of a function, class or module from its file, and where it stands.

    Args:
        obj: what to show.
        lines: first and last line to show, counted from 1 at the start of `obj`; all unless given.

    Raises:
        ValueError: `lines` lies outside the source.

    >>> show_source(artifacts_root, lines=(1, 1))
    <IPython.core.display.Markdown object>
    """
    target = inspect.unwrap(obj) if callable(obj) else obj
    source, first = inspect.getsourcelines(target)
    first = max(first, 1)
    start, stop = lines or (1, len(source))
    if not 1 <= start <= stop <= len(source):
        raise ValueError(f"lines {start} to {stop} lie outside the source of {len(source)} lines")
    file = Path(inspect.getsourcefile(target)).resolve().relative_to(_PACKAGE_PARENT).as_posix()
    shown = textwrap.dedent("".join(source[start - 1 : stop])).rstrip()
    where = f"`{file}`, lines {first + start - 1} to {first + stop - 1}"
    display(Markdown(f"{where}\n\n```python\n{shown}\n```"))


def progress(iterable: Iterable[T], label: str, total: int | None = None) -> Iterator[T]:
    """Yield from `iterable`, printing at most ten lines on how far it is and how long it will take.

    Args:
        iterable: anything; `len` is used when it has one and `total` is not given.
        label: what is counted, for example "steps".
        total: the number of items. Without it only the last line is printed.

    >>> sum(progress(range(5), "numbers"))
    numbers: 5 of 5 in 0 s
    10
    """
    if total is None and hasattr(iterable, "__len__"):
        total = len(iterable)
    start = shown = time.perf_counter()
    count, tenth = 0, 0
    for item in iterable:
        yield item
        count += 1
        now = time.perf_counter()
        # A line for each tenth, but not for the last, and not within two seconds of another.
        if total and tenth < 10 * count // total < 10 and now - shown >= 2:
            tenth, shown = 10 * count // total, now
            left = (now - start) * (total - count) / count
            print(f"{label}: {count} of {total} in {now - start:.0f} s, about {left:.0f} s to go")
    print(
        f"{label}: {count} of {total or count} in {time.perf_counter() - start:.0f} s", flush=True
    )


def attempt(check: Callable[[T], None], answer: T) -> None:
    """Run the check of an exercise on what the reader wrote and print what it says; never raises.

    Args:
        check: raises AssertionError with a hint when the answer is wrong.
        answer: the reader's function; its stub raises NotImplementedError("about N lines").

    >>> def triple(function):
    ...     assert function(2) == 6, f"three times 2 is 6, not {function(2)}: did you square it?"
    >>> attempt(triple, lambda x: x * x)
    not yet: three times 2 is 6, not 4: did you square it?
    >>> attempt(triple, lambda x: 3 * x)
    passed: triple
    """
    try:
        check(answer)
    except Exception as error:
        print(_verdict(error, answer))
    else:
        print(f"passed: {check.__name__}")


def _verdict(error: Exception, answer: object) -> str:
    """What an attempt is told: a stub its size, a wrong answer its hint, a crash its line."""
    if isinstance(error, NotImplementedError) and re.fullmatch(r"about \d+ lines?", str(error)):
        return f"not written yet ({error})"
    code = getattr(answer, "__code__", None)
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if code and frame.filename == code.co_filename]
    if isinstance(error, AssertionError) and frames[-1] not in own:  # the check's, not the reader's
        return f"not yet: {error}"
    said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    where = f", in line {own[-1].lineno} of your cell: {own[-1].line}" if own else ""
    return f"not yet: {said}{where}"


def figure(width: float = 7.0, height: float = 3.2) -> tuple[Figure, Axes]:
    """A figure with one pair of axes, `width` by `height` inches, in the book's style.

    >>> _, axes = figure(4, 2)
    >>> axes.figure.get_size_inches().tolist()
    [4.0, 2.0]
    """
    return plt.subplots(figsize=(width, height))


def _trace(event: str, name: str, **details: str) -> None:
    """Append what this notebook needed or created to the file BOOK_TRACE, for tools/book.py."""
    if file := os.environ.get("BOOK_TRACE"):
        with Path(file).open("a", encoding="utf-8") as stream:
            stream.write(json.dumps({"event": event, "name": name} | details) + "\n")
