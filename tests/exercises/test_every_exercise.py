"""Each chapter's solutions pass, stubs say so, and an answer that returns nothing is told so."""

import ast
from pathlib import Path

import pytest

from common.exercises import ch01_data, ch02_tokenizer, ch03_attention, ch04_model
from tests.exercises.cells import solution, stub

CHECKS = {"ch01_data": ch01_data, "ch02_tokenizer": ch02_tokenizer}
CHECKS |= {"ch03_attention": ch03_attention, "ch04_model": ch04_model}


def names(chapter: str) -> list[str]:
    """The checks of a chapter: the public functions that its module defines."""
    tree = ast.parse(Path(CHECKS[chapter].__file__).read_text(encoding="utf-8"))
    functions = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    return [name for name in functions if not name.startswith("_")]


each_exercise = pytest.mark.parametrize(
    ("chapter", "name"), [(chapter, name) for chapter in CHECKS for name in names(chapter)]
)


def test_every_chapter_with_checks_is_listed() -> None:
    folder = Path(ch02_tokenizer.__file__).parent
    assert {file.stem for file in folder.glob("ch*.py")} == set(CHECKS)


@each_exercise
def test_solution_passes(chapter: str, name: str) -> None:
    check = getattr(CHECKS[chapter], name)
    assert check(solution(chapter, name)) is None


@each_exercise
def test_stub_says_how_much_there_is_to_write(chapter: str, name: str) -> None:
    with pytest.raises(NotImplementedError, match=r"^about \d+ lines$"):
        getattr(CHECKS[chapter], name)(stub(chapter, name))


@each_exercise
def test_answer_without_return_is_told_so(chapter: str, name: str) -> None:
    with pytest.raises(AssertionError, match="None"):
        getattr(CHECKS[chapter], name)(lambda *arguments: None)
