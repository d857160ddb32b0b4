"""Contracts on tests: each one can fail."""

import ast

import pytest

from tests.contracts.discarded import discarded
from tests.contracts.reading import Module, files_of_tests, modules, parse


def toothless(module: Module) -> list[str]:
    """Test functions that assert nothing, or something that is always true."""
    problems = []
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            if not any(asserts(inner) for inner in ast.walk(node)):
                problems.append(f"{module.path}: {node.name} asserts nothing")
        if isinstance(node, ast.Assert) and isinstance(node.test, (ast.Constant, ast.Tuple)):
            problems.append(f"{module.path}: line {node.lineno} asserts what is always true")
    return problems


def asserts(node: ast.AST) -> bool:
    """An assert statement, pytest.raises or warns, or a call to something named assert_..."""
    if isinstance(node, ast.Call):
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        return name.startswith("assert_") or name in {"raises", "warns"}
    return isinstance(node, ast.Assert)


@pytest.mark.parametrize("module", files_of_tests(), ids=lambda module: module.path)
def test_every_test_asserts_and_wastes_nothing(module: Module) -> None:
    problems = toothless(module) + [f"{module.path}: {text}" for _, text in discarded(module.tree)]
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.path)
def test_no_module_wastes_a_result(module: Module) -> None:
    problems = [f"{module.path}: {text}" for _, text in discarded(module.tree)]
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("def test_a():\n    run()", "tests/x.py: test_a asserts nothing"),
        (
            "class TestA:\n    def test_b(self):\n        x == 1",
            "tests/x.py: test_b asserts nothing",
        ),
        ("def test_a():\n    assert True", "tests/x.py: line 2 asserts what is always true"),
        ("def test_a():\n    assert (x, 'text')", "tests/x.py: line 2 asserts what is always true"),
    ],
)
def test_toothless_sees(source: str, problem: str) -> None:
    assert problem in toothless(parse("tests/x.py", source))


@pytest.mark.parametrize(
    "body",
    [
        "assert x",
        "with pytest.raises(ValueError):\n        f()",
        "torch.testing.assert_close(a, b)",
        "assert_same(a, b)",
    ],
)
def test_toothless_accepts(body: str) -> None:
    assert toothless(parse("tests/x.py", f"def test_a():\n    {body}")) == []


@pytest.mark.parametrize(
    "statement",
    [
        "x.shape == y.shape",
        "torch.allclose(a, b)",
        "not x",
        "x + 1",
        "a == b and c == d",
        "x.shape",
        "scores.masked_fill(mask, 0)",
        "x[0]",
    ],
)
def test_discarded_sees(statement: str) -> None:
    source = f"def f():\n    for x in y:\n        {statement}"
    assert [text for _, text in discarded(ast.parse(source))] == [f"line 3 discards {statement}"]


@pytest.mark.parametrize(
    "source",
    [
        '"""A docstring."""',
        "scores.masked_fill_(mask, 0)",
        "model.to(device)",
        "with pytest.raises(IndexError):\n    x[9]",
        "def f():\n    yield x\n    ...",
        "assert torch.allclose(a, b)",
    ],
)
def test_discarded_accepts(source: str) -> None:
    assert list(discarded(ast.parse(source))) == []
