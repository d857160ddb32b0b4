"""A linear map and a table of rows equal their formulas and torch's layers."""

import pytest
import torch
from torch import nn

from common.layers import Embedding, Linear
from tests.tensors import normal, randomised
from tests.tolerances import TOLERANCE

FLOAT64 = TOLERANCE[torch.float64]


def test_linear_known_answer():
    layer = Linear(2, 3, bias=True)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]))
        layer.bias.copy_(torch.tensor([0.0, 0.0, 10.0]))
    assert layer(torch.tensor([1.0, 10.0])).tolist() == [21.0, 43.0, 75.0]


def test_linear_equals_torch():
    ours = randomised(Linear(6, 4, bias=True).double())
    theirs = nn.Linear(6, 4).double()
    theirs.load_state_dict(ours.state_dict())
    x = normal(2, 3, 6)
    torch.testing.assert_close(ours(x), theirs(x), **FLOAT64)


@pytest.mark.parametrize("d_in", [64, 1024])
def test_linear_keeps_a_variance_of_one_at_any_width(d_in):
    torch.manual_seed(1)
    out = Linear(d_in, 512)(normal(64, d_in, dtype=torch.float32))
    assert out.std().item() == pytest.approx(1, abs=0.03)


def test_embedding_reads_rows():
    table = Embedding(5, 3)
    ids = torch.tensor([[4, 0], [4, 1]])
    assert torch.equal(table(ids), table.weight[ids])


def test_embedding_rows_start_small():
    torch.manual_seed(0)
    assert Embedding(1000, 64).weight.std().item() == pytest.approx(0.02, rel=0.02)


def test_embedding_refuses_an_id_outside_the_table():
    with pytest.raises(IndexError, match="out of range"):
        Embedding(5, 3)(torch.tensor([5]))
