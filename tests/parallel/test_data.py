"""DDP: two processes with half of the batch each are one process with the whole batch."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from common.parallel.data import DDP, _fill_buckets
from common.parallel.groups import run_processes
from tests.tolerances import TOLERANCE

BUCKETS = [None, 0.002, 1.0]


def train_and_probe(bucket_sizes):
    """Train a small transformer with each bucket size; then look at parameters nobody used."""
    import torch
    import torch.distributed as dist
    from torch import nn

    from common.model import ModelConfig, TransformerLM
    from common.parallel import DDP
    from common.training.adamw import AdamW
    from common.training.loop import next_token_loss

    def new_model(seed):
        config = ModelConfig(11, 8, d_model=8, num_layers=2, num_heads=2, tie_embeddings=True)
        model = TransformerLM(config, generator=torch.Generator().manual_seed(seed)).double()
        model.layers[0].ln1.weight.requires_grad_(False)
        return model

    def train(model, finish, rows):
        trainable = [p for p in model.parameters() if p.requires_grad]
        optimizer = AdamW(trainable, lr=0.01)
        ids = torch.randint(11, (4, 6, 9), generator=torch.Generator().manual_seed(5))
        for batch in ids[:, rows]:
            optimizer.zero_grad()
            next_token_loss(model, (batch[:, :-1], batch[:, 1:])).backward()
            finish()
            optimizer.step()

    all_reduce = dist.all_reduce

    def counted(messages):
        def send(tensor, **how):
            messages.append(tensor.numel())
            return all_reduce(tensor, **how)

        return send

    rank = dist.get_rank()
    whole = new_model(seed=0)
    train(whole, lambda: None, slice(0, 6))
    runs = []
    for bucket_size_mb in bucket_sizes:
        messages = []
        dist.all_reduce = counted(messages)
        ddp = DDP(new_model(seed=rank), bucket_size_mb=bucket_size_mb)
        start = [tensor.clone() for tensor in ddp.module.state_dict().values()]
        train(ddp, ddp.finish_gradient_synchronization, slice(3 * rank, 3 * rank + 3))
        dist.all_reduce = all_reduce
        runs.append([start, list(ddp.module.state_dict().values()), messages])

    class Choosy(nn.Module):
        def __init__(self):
            super().__init__()
            self.both, self.one, self.nobody = (nn.Parameter(torch.ones(2)) for _ in range(3))
            self.register_buffer("place", torch.tensor(float(rank)))

        def forward(self, x):
            return (x * self.both).sum() + ((x * self.one).sum() if rank == 0 else 0)

    choosy = DDP(Choosy(), bucket_size_mb=1.0)
    module = choosy.module
    grads = []
    for _ in range(2):  # the second time on top of the first
        choosy(torch.full((2,), rank + 1.0)).backward()
        choosy.finish_gradient_synchronization()
        grads.append([module.both.grad.clone(), module.one.grad.clone()])
    choosy.finish_gradient_synchronization()  # without a backward: all gradients stand
    return {
        "whole": list(whole.state_dict().values()),
        "fresh": list(new_model(seed=0).state_dict().values()),
        "runs": runs,
        "grads": grads,
        "kept": module.both.grad,
        "nobody": module.nobody.grad,
        "place": module.place,
        "bytes": sum(8 * p.numel() for p in whole.parameters() if p.requires_grad),
        "trainable": sum(p.requires_grad for p in whole.parameters()),
    }


@pytest.fixture(scope="module")
def ranks() -> list[dict]:
    return run_processes(train_and_probe, 2, bucket_sizes=BUCKETS)


@pytest.mark.parametrize("run", range(len(BUCKETS)), ids=map(str, BUCKETS))
def test_ddp_two_halves_equal_the_whole(ranks: list[dict], run: int) -> None:
    whole = ranks[0]["whole"]
    moved = [not torch.equal(a, b) for a, b in zip(whole, ranks[0]["fresh"], strict=True)]
    assert sum(moved) >= len(moved) - 1, "only the frozen parameter stands still"
    for rank in ranks:
        for ours, theirs in zip(rank["runs"][run][1], whole, strict=True):
            torch.testing.assert_close(ours, theirs, **TOLERANCE[torch.float64])
    for one, other in zip(ranks[0]["runs"][run][1], ranks[1]["runs"][run][1], strict=True):
        assert torch.equal(one, other), "the copies are equal to the bit"


def test_ddp_starts_from_the_weights_of_rank_0(ranks: list[dict]) -> None:
    for rank in ranks:
        for ours, theirs in zip(rank["runs"][0][0], rank["fresh"], strict=True):
            assert torch.equal(ours, theirs)
        assert rank["place"] == 0.0, "buffers too"


def test_ddp_sends_each_trainable_parameter_once(ranks: list[dict]) -> None:
    trainable, num_bytes = ranks[0]["trainable"], ranks[0]["bytes"]
    alone, small, large = (messages for _, _, messages in ranks[0]["runs"])
    assert len(alone) == 4 * trainable, "one message a parameter and step; tied ones once"
    assert 4 < len(small) < len(alone)
    assert len(large) == 4
    for messages in (alone, small, large):  # one number a parameter says whether it was used
        assert sum(messages) == 4 * (num_bytes // 8 + trainable)


def test_ddp_counts_an_unused_parameter_as_zero(ranks: list[dict]) -> None:
    for rank in ranks:
        both, one = rank["grads"][0]
        assert both.tolist() == [1.5, 1.5], "(1 + 2) / 2"
        assert one.tolist() == [0.5, 0.5], "(1 + 0) / 2: rank 1 did not use it"
        assert rank["nobody"] is None


def test_ddp_accumulates_gradients_that_are_not_cleared(ranks: list[dict]) -> None:
    for rank in ranks:
        both, one = rank["grads"][1]
        assert both.tolist() == [3.0, 3.0] and one.tolist() == [1.0, 1.0]
        assert rank["kept"].tolist() == [3.0, 3.0]


def test_ddp_alone_changes_nothing(alone: None) -> None:
    layer, x = nn.Linear(3, 2), torch.randn(4, 3)
    layer(x).square().sum().backward()
    expected = [p.grad.clone() for p in layer.parameters()]
    layer.zero_grad()
    ddp = DDP(layer)
    assert torch.equal(ddp(input=x), layer(x))
    ddp(x).square().sum().backward()
    ddp.finish_gradient_synchronization()
    for p, grad in zip(layer.parameters(), expected, strict=True):
        assert torch.equal(p.grad, grad)


def test_ddp_notices_a_forgotten_finish(alone: None) -> None:
    ddp = DDP(nn.Linear(3, 2))
    ddp(torch.ones(1, 3)).sum().backward()
    with pytest.raises(RuntimeError, match="finish_gradient_synchronization once after each"):
        ddp(torch.ones(1, 3)).sum().backward()


def test_ddp_refuses_bad_buckets_and_a_missing_group() -> None:
    with pytest.raises(ValueError, match="bucket_size_mb must be greater than 0, got 0"):
        DDP(nn.Linear(1, 1), bucket_size_mb=0)
    with pytest.raises(RuntimeError, match="DDP needs a process group"):
        DDP(nn.Linear(1, 1))


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 60), st.booleans(), st.booleans()), min_size=1, max_size=12),
    st.none() | st.integers(1, 400),
)
def test_buckets_hold_each_trainable_parameter_once(params, limit_bytes) -> None:
    dtypes = {True: torch.float64, False: torch.float32}
    module = nn.ParameterList(
        nn.Parameter(torch.zeros(size, dtype=dtypes[wide]), requires_grad=trainable)
        for size, wide, trainable in params
    )
    buckets = _fill_buckets(module, None if limit_bytes is None else limit_bytes / 1e6)
    sent = [p for bucket in buckets for p in bucket]
    assert [id(p) for p in reversed(sent)] == [id(p) for p in module if p.requires_grad]
    for bucket in buckets:
        assert len({p.dtype for p in bucket}) == 1
        num_bytes = sum(p.numel() * p.element_size() for p in bucket)
        assert len(bucket) == 1 or num_bytes <= (limit_bytes or 0)
