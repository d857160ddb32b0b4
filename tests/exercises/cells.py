"""Functions as they stand in the notebooks of exercises and solutions, and what is told of one."""

import ast
from collections.abc import Callable
from functools import cache

import pytest

from tests.contracts.reading import ROOT, notebook_trees
from tools.sources import read_notebook


def stub(chapter: str, name: str) -> Callable:
    """What the reader finds in the notebook of exercises."""
    return _functions(f"{chapter}/exercises.ipynb")[name]


def solution(chapter: str, name: str) -> Callable:
    """What the notebook of solutions gives for it."""
    return _functions(f"{chapter}/solutions.ipynb")[name]


def assert_told(check: Callable[[Callable], None], wrong: Callable, hint: str) -> None:
    """Assert that the wrong answer gets this hint."""
    with pytest.raises(AssertionError) as caught:
        check(wrong)
    assert hint in str(caught.value)


@cache
def _functions(path: str) -> dict[str, Callable]:
    """Everything that the notebook's imports and functions define; nothing else is run."""
    trees = notebook_trees(read_notebook(ROOT / path))
    kinds = (ast.Import, ast.ImportFrom, ast.FunctionDef)
    body = [node for tree in trees for node in tree.body if isinstance(node, kinds)]
    names: dict[str, Callable] = {}
    exec(compile(ast.Module(body, []), path, "exec"), names)
    return names
