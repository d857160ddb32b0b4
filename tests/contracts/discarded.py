"""Statements that compute a result and throw it away, so that nothing can fail or change."""

import ast
from collections.abc import Iterator

# Calls that only answer a question, and tensor methods that return a new tensor.
QUESTIONS = {"allclose", "equal", "isclose", "array_equal", "isfinite", "isnan", "is_refusal"}
NEW_TENSORS = {
    "masked_fill",
    "clamp",
    "reshape",
    "view",
    "transpose",
    "permute",
    "contiguous",
    "squeeze",
    "unsqueeze",
    "softmax",
    "log_softmax",
    "detach",
    "exp",
    "log",
}


def discarded(tree: ast.AST) -> Iterator[tuple[ast.Expr, str]]:
    """Expression statements that do nothing, each with a sentence about it.

    A statement whose error is the point, the body of `with pytest.raises(...)`, is left alone.
    """
    if isinstance(tree, ast.With) and any("raises" in ast.unparse(i) for i in tree.items):
        return
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, ast.Expr) and _does_nothing(child.value):
            yield child, f"line {child.lineno} discards {ast.unparse(child)}"
        yield from discarded(child)


def _does_nothing(value: ast.expr) -> bool:
    if isinstance(value, ast.Call):
        name = getattr(value.func, "attr", getattr(value.func, "id", ""))
        return name in QUESTIONS | NEW_TENSORS
    pure = (ast.Compare, ast.BoolOp, ast.BinOp, ast.UnaryOp, ast.Attribute, ast.Subscript, ast.Name)
    return isinstance(value, pure)
