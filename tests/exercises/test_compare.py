"""What every check stands on: equality that is not fooled, and differences told so as to help."""

import pytest
import torch

from common.exercises._compare import compare, demand, refuse, same
from common.exercises._memory import LargestKept


def said(got: object, right: object, mistakes=()) -> str:
    with pytest.raises(AssertionError) as caught:
        compare("f(x)", got, right, mistakes)
    return str(caught.value)


@pytest.mark.parametrize(
    ("got", "right"),
    [
        ([1], (1,)),
        (1.0, 1),
        (torch.tensor([1.0]), torch.tensor(1.0)),
        (torch.tensor([1.0]), torch.tensor([1.0], dtype=torch.float64)),
        (torch.tensor([1.0]), torch.tensor([1.001])),
        ([1.0], torch.tensor([1.0])),
    ],
)
def test_same_tells_types_shapes_dtypes_and_values_apart(got: object, right: object) -> None:
    assert not same(got, right)
    assert same(right, right)


def test_compare_gives_the_hint_of_the_mistake_it_recognises() -> None:
    mistakes = [([3], "Too much."), ([4], "Far too much.")]
    assert said([4], [5], mistakes) == "f(x) gives [4], not [5]. Far too much."
    assert said([6], [5], mistakes) == "f(x) gives [6], not [5]."
    assert compare("f(x)", [5], [5], mistakes) is None


@pytest.mark.parametrize(
    ("got", "right", "text"),
    [
        (None, 3, "f(x) returns None. Does your function end with return?"),
        ((x for x in [1]), [1], "f(x) returns a generator."),
        (list(range(99)), list(range(98)), "f(x) has 99 entries, not 98."),
        ([*range(98), 7], list(range(99)), "f(x) has 7 at place 98, not 98."),
        (torch.ones(2), torch.ones(3), "f(x) has the shape (2,), not (3,)."),
        (torch.ones(2), torch.ones(2) > 0, "f(x) has the dtype torch.float32, not torch.bool."),
        (torch.tensor([1.0, torch.nan]), torch.ones(2), "f(x) holds 1 NaN among 2 entries."),
        (torch.tensor([1 / 3]), torch.ones(1), "f(x) gives [0.3333], not [1.0]."),
    ],
)
def test_compare_says_what_differs(got: object, right: object, text: str) -> None:
    assert said(got, right).startswith(text)


def test_compare_names_the_entry_that_is_furthest_off() -> None:
    right = torch.zeros(4, 5)
    right[0, 1] = -torch.inf
    got = right.clone()
    got[2, 3], got[3, 0] = 0.5, 0.25
    assert said(got, right) == "f(x) has 0.5 in entry (2, 3), not 0.0."


def test_demand_and_refuse_raise_where_they_should() -> None:
    with pytest.raises(AssertionError, match="Mind the step"):
        demand(False, "Mind the step")
    with pytest.raises(AssertionError, match=r"int\('3'\) gives 3, not a ValueError. No letters."):
        refuse("int('3')", lambda: int("3"), "No letters.")
    assert refuse("int('x')", lambda: int("x"), "No letters.") is None


def test_largest_kept_counts_copies_and_not_views() -> None:
    x, y = torch.ones(10, 10), torch.ones(10, 10, requires_grad=True)
    with LargestKept() as kept:
        product = x.T.expand(50, 10, 10)[0] @ y
    assert kept.numel == 100 and product.requires_grad
    with LargestKept() as kept:
        product = x.repeat(3, 1) @ y
    assert kept.numel == 300 and product.requires_grad
