"""run_processes: what travels, what is refused, and what a failing rank leaves behind."""

import math
import subprocess
import tempfile
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

from common.model import ModelConfig, TransformerLM
from common.parallel import DDP, ShardedOptimizer, groups
from common.parallel.groups import _read_values, _write_values, run_processes
from common.training.adamw import AdamW


def share_of(weights):
    return all_ranks_sum(weights * (dist.get_rank() + 1))


def all_ranks_sum(tensor):
    dist.all_reduce(tensor)
    return tensor


def exchange(weights: torch.Tensor, settings: Path) -> dict[str, object]:
    total = share_of(weights)
    assert_close(total, total)
    print("rank", dist.get_rank(), "é")
    return {"total": total, "settings": settings, "threads": torch.get_num_threads()}


def test_run_processes_returns_results_by_rank_and_prints_in_order(capsys) -> None:
    weights = torch.tensor([1.0, 2.0], dtype=torch.float64)
    results = run_processes(exchange, 2, weights=weights, settings={"lr": math.inf, "tensor": None})
    for result in results:
        assert torch.equal(result["total"], 3 * weights), "1 + 2 times the weights"
        assert result["settings"] == {"lr": math.inf, "tensor": None}
        assert result["threads"] == 1
    assert capsys.readouterr().out == "rank 0 é\nrank 1 é\n"


def fail_on_one_rank() -> None:
    print("rank", dist.get_rank(), flush=True)
    if dist.get_rank() == 1:
        raise KeyError("the batch of rank 1")
    dist.all_reduce(torch.zeros(1))  # waits for a partner that never comes


def test_run_processes_names_the_rank_that_failed_first(capsys) -> None:
    with pytest.raises(RuntimeError, match="failed in rank 1:\nTraceback.*") as caught:
        run_processes(fail_on_one_rank, 2)
    message = str(caught.value)
    assert 'raise KeyError("the batch of rank 1")' in message, "shows the line"
    assert message.endswith("KeyError: 'the batch of rank 1'\n")
    assert "rank 1" in capsys.readouterr().out, "what was printed before is not lost"


def break_off() -> None:
    import os

    if dist.get_rank() == 1:
        os._exit(3)
    dist.all_reduce(torch.zeros(1))


def test_run_processes_tells_a_broken_process_from_its_victims() -> None:
    with pytest.raises(RuntimeError, match="failed in rank 1, which ended with exit code 3"):
        run_processes(break_off, 2)


def train_briefly(steps: int) -> float:
    config = ModelConfig(400, 64, d_model=32, num_layers=2, num_heads=2, tie_embeddings=True)
    model = DDP(TransformerLM(config), bucket_size_mb=0.3)
    optimizer = ShardedOptimizer(model.parameters(), AdamW, lr=1e-3)
    for _ in range(steps):
        loss = model(torch.randint(400, (2, 32))).square().mean()
        loss.backward()
        model.finish_gradient_synchronization()
        optimizer.step()
        optimizer.zero_grad()
    return loss.item()


def test_run_processes_ends_in_peace_after_asynchronous_messages() -> None:
    """Left to itself, Python's exit races with gloo's threads: every second launch aborted."""
    for _ in range(5):
        assert len(run_processes(train_briefly, 2, steps=8)) == 2


def wait_forever() -> None:
    import time

    time.sleep(1000)


def test_run_processes_leaves_nobody_behind_after_a_timeout(monkeypatch) -> None:
    started = []

    class Recorded(subprocess.Popen):
        def __init__(self, *arguments, **keywords):
            super().__init__(*arguments, **keywords)
            started.append(self)

    monkeypatch.setattr(groups.subprocess, "Popen", Recorded)
    with pytest.raises(TimeoutError, match="2 processes took longer than timeout_s 0.3; a rank"):
        run_processes(wait_forever, 2, timeout_s=0.3)
    assert len(started) == 2 and all(process.returncode is not None for process in started)


LEARNING_RATE = 0.1


def step(w):
    return w - LEARNING_RATE


def test_run_processes_refuses_values_that_are_not_passed() -> None:
    local = 3

    def closure():
        return [math.pi + local for _ in range(2)]

    def relies_on_step():
        return step(1.0)

    with pytest.raises(ValueError, match=r"closure relies on \['local'\], .*; pass values as arg"):
        run_processes(closure, 2)
    with pytest.raises(ValueError, match=r"step relies on \['LEARNING_RATE'\], which cannot"):
        run_processes(relies_on_step, 2)


@pytest.mark.parametrize("function", [lambda: 1, torch.nn.Linear, "hello"])
def test_run_processes_refuses_what_is_not_made_with_def(function) -> None:
    with pytest.raises(ValueError, match="run_processes needs a function made with def, got"):
        run_processes(function, 2)


def test_run_processes_refuses_wrong_numbers_and_arguments() -> None:
    with pytest.raises(ValueError, match="num_processes must be at least 1, got 0"):
        run_processes(wait_forever, 0)
    with pytest.raises(TypeError, match="unexpected keyword argument 'seconds'"):
        run_processes(wait_forever, 2, seconds=1)
    with pytest.raises(TypeError, match="not JSON serializable"):
        run_processes(exchange, 2, weights=object(), settings={})


def recursive(n):
    return 1 if n == 0 else n * other(n - 1)


def other(n):
    return recursive(n)


def test_source_travels_with_what_it_uses_once() -> None:
    script = groups._source_with_surroundings(share_of)
    assert script.splitlines()[:2] == [
        "from __future__ import annotations",
        "import torch.distributed as dist",
    ]
    assert script.count("def all_ranks_sum") == 1
    script = groups._source_with_surroundings(recursive)
    assert script.count("def recursive") == script.count("def other") == 1


leaves = st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False)
keys = st.text() | st.integers()
nests = st.recursive(leaves, lambda part: st.lists(part) | st.dictionaries(keys, part))


@settings(max_examples=40, deadline=None)
@given(nests)
def test_values_come_back_as_they_were(value) -> None:
    with tempfile.TemporaryDirectory() as folder:
        _write_values(value, Path(folder), "value")
        assert _read_values(Path(folder), "value") == value


def test_values_keep_tensors_to_the_bit(tmp_path: Path) -> None:
    tensors = [torch.randn(3, 4).T, torch.tensor(7), torch.zeros(0, 2), torch.ones(2).bfloat16()]
    _write_values((tensors, "tensor:0"), tmp_path, "value")  # the string is no reference
    back, text = _read_values(tmp_path, "value")
    assert text == "tensor:0"
    for ours, theirs in zip(back, tensors, strict=True):
        assert ours.dtype == theirs.dtype and torch.equal(ours, theirs)
