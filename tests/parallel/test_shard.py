"""ShardedOptimizer: the same updates as one process, to the last bit, and the state divided."""

import pytest
import torch

from common.parallel.groups import run_processes
from common.parallel.shard import ShardedOptimizer
from common.training.adamw import AdamW

CASES = ["AdamW", "Muon", "torch"]


def train_twice(cases):
    """Each optimizer sharded and whole, on equal gradients, with a schedule and two groups."""
    import copy

    import torch
    import torch.distributed as dist

    from common.parallel import ShardedOptimizer
    from common.training.adamw import AdamW
    from common.training.muon import Muon

    classes = {"AdamW": AdamW, "Muon": Muon, "torch": torch.optim.AdamW}
    shapes = [(6, 4), (4, 6), (6, 4), (6, 4), (3, 5)]  # three of one shape: Muon stacks them

    def new_groups():
        generator = torch.Generator().manual_seed(1)
        params = [torch.nn.Parameter(torch.randn(s, generator=generator)) for s in shapes]
        return [{"params": params[:2]}, {"params": params[2:], "lr": 0.3}]

    def train(optimizer, steps, seed):
        generator = torch.Generator().manual_seed(seed)
        params = [p for group in optimizer.param_groups for p in group["params"]]
        for step in range(steps):
            for group in optimizer.param_groups:
                group["lr"] *= 0.9
            for i, p in enumerate(params):
                grad = torch.randn(p.shape, generator=generator)
                p.grad = None if step == 0 and i == 2 else grad
            optimizer.step()
        return [p.detach().clone() for p in params]

    results = {}
    for name in cases:
        whole, sharded = classes[name](new_groups()), ShardedOptimizer(new_groups(), classes[name])
        result = {
            "lr": [[group["lr"] for group in o.param_groups] for o in (whole, sharded)],
            "weights": [train(optimizer, 4, seed=2) for optimizer in (whole, sharded)],
            "numbers": sharded.state_numbers(),
            "state_keys": sorted(sharded.state_dict()["state"]),
        }
        tensors = [v for s in whole.state.values() for v in s.values() if torch.is_tensor(v)]
        result["whole_numbers"] = sum(v.numel() for v in tensors)

        # Load the state of the whole into a new sharded optimizer, and the shard into another.
        for key, state in [("from_whole", whole), ("from_part", sharded)]:
            groups = new_groups()
            params = [p for group in groups for p in group["params"]]
            for p, value in zip(params, result["weights"][0], strict=True):
                p.data.copy_(value)
            resumed = ShardedOptimizer(groups, classes[name])
            resumed.load_state_dict(copy.deepcopy(state.state_dict()))
            result[key] = train(resumed, 3, seed=3)
            result[f"{key}_numbers"] = resumed.state_numbers()
        result["continued"] = train(whole, 3, seed=3)
        results[name] = result | {"rank": dist.get_rank()}
    return results


@pytest.fixture(scope="module")
def ranks() -> list[dict]:
    return run_processes(train_twice, 2, cases=CASES)


def assert_same_bits(ours: list[torch.Tensor], theirs: list[torch.Tensor]) -> None:
    for one, other in zip(ours, theirs, strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("case", CASES)
def test_sharded_optimizer_has_the_bits_of_one_process(ranks: list[dict], case: str) -> None:
    for rank in ranks:
        whole, sharded = rank[case]["weights"]
        assert_same_bits(sharded, whole)


@pytest.mark.parametrize("case", CASES)
def test_sharded_optimizer_divides_the_state(ranks: list[dict], case: str) -> None:
    numbers = [rank[case]["numbers"] for rank in ranks]
    assert sum(numbers) == ranks[0][case]["whole_numbers"]
    assert max(numbers) <= 0.6 * sum(numbers), "about half each"
    keys = [rank[case]["state_keys"] for rank in ranks]
    assert sorted(keys[0] + keys[1]) == [0, 1, 2, 3, 4], "the indices that one process would use"


@pytest.mark.parametrize("case", CASES)
def test_sharded_optimizer_resumes_to_the_same_bits(ranks: list[dict], case: str) -> None:
    for rank in ranks:
        result = rank[case]
        for key in ("from_whole", "from_part"):
            assert_same_bits(result[key], result["continued"])
            assert result[f"{key}_numbers"] == result["numbers"], "a rank keeps its part only"


@pytest.mark.parametrize("case", CASES)
def test_sharded_optimizer_shows_the_settings_that_count(ranks: list[dict], case: str) -> None:
    for rank in ranks:
        whole, sharded = rank[case]["lr"]
        assert sharded == whole, "the default learning rate is visible, a group's own stays"


def test_sharded_optimizer_alone_is_the_optimizer(alone: None) -> None:
    w = torch.nn.Parameter(torch.tensor([1.0, -2.0]))
    optimizer = ShardedOptimizer([w], AdamW, lr=0.1, weight_decay=0.0)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = (w * torch.tensor([0.5, 300.0])).sum()
        loss.backward()
        return loss

    assert optimizer.step(closure).item() == pytest.approx(-599.5)
    torch.testing.assert_close(w.detach(), torch.tensor([0.9, -2.1]))
    assert optimizer.state_numbers() == 4


def test_sharded_optimizer_needs_a_group() -> None:
    with pytest.raises(RuntimeError, match="ShardedOptimizer needs a process group"):
        ShardedOptimizer([torch.nn.Parameter(torch.zeros(1))], AdamW)
