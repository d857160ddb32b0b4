"""The loop is gradient descent as written by hand, and resuming gives the same bits."""

import math
from dataclasses import replace

import pytest
import torch
from torch import nn

from common.data.batches import BatchSampler
from common.model import ModelConfig, TransformerLM
from common.training.adamw import AdamW
from common.training.checkpoint import CheckpointError, load_checkpoint
from common.training.loop import TrainConfig, TrainRecord, next_token_loss, train
from common.training.muon import Muon, split_parameters
from common.training.schedule import cosine_lr

TOKENS = torch.arange(2000).numpy() * 7 % 19
MODEL = ModelConfig(19, 16, d_model=16, num_layers=1, num_heads=2, tie_embeddings=True)
CONFIG = TrainConfig(12, warmup_steps=3, report_every=5, checkpoint_every=4)


class WithDropout(nn.Module):
    """A model whose training draws random numbers, so that resuming must restore them."""

    def __init__(self) -> None:
        super().__init__()
        self.lm, self.dropout = TransformerLM(MODEL), nn.Dropout(0.1)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.dropout(self.lm(ids))


def build(seed: int = 0):
    torch.manual_seed(seed)
    model = WithDropout()
    matrices, rest = split_parameters(model.lm)
    optimizers = [Muon(matrices, lr=0.02), AdamW(rest, lr=0.01)]
    return model, BatchSampler(TOKENS, 2, 16), optimizers


def quiet(record: TrainRecord) -> None:
    """Report nowhere."""


def bits(model: nn.Module) -> list[torch.Tensor]:
    return [p.detach().clone() for p in model.parameters()]


def same(a: list[torch.Tensor], b: list[torch.Tensor]) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


def losses(records: list[TrainRecord]) -> list[tuple]:
    return [(r.step, r.loss, r.valid_loss, r.grad_norm, r.lr_factor) for r in records]


def test_train_equals_the_loop_written_by_hand():
    model, sampler, optimizers = build()
    train(model, sampler, CONFIG, optimizers=optimizers, report=quiet)

    by_hand, sampler, optimizers = build()
    peaks = [0.02, 0.01]
    for step in range(1, 13):
        inputs, targets = sampler.next_batch()
        loss = nn.functional.cross_entropy(by_hand(inputs).flatten(0, 1), targets.flatten())
        loss.backward()
        nn.utils.clip_grad_norm_(by_hand.parameters(), 1.0)
        factor = cosine_lr(step, max_lr=1.0, min_lr=0.05, warmup_steps=3, total_steps=12)
        for optimizer, peak in zip(optimizers, peaks, strict=True):
            optimizer.param_groups[0]["lr"] = peak * factor
            optimizer.step()
            optimizer.zero_grad()
    for a, b in zip(bits(model), bits(by_hand), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


def test_train_learns_the_sequence():
    torch.manual_seed(0)
    model = TransformerLM(MODEL)
    matrices, rest = split_parameters(model)
    records = train(
        model,
        BatchSampler(TOKENS, 4, 16),
        TrainConfig(60, warmup_steps=5, report_every=20),
        optimizers=[Muon(matrices, lr=0.02), AdamW(rest, lr=0.05)],
        report=quiet,
    )
    assert records[0].loss == pytest.approx(math.log(19), abs=0.15)
    assert records[-1].loss < 0.1  # 19 tokens follow one another in a fixed order


@pytest.mark.parametrize("killed_after", [3, 4, 7, 11])
def test_train_resumes_to_the_same_bits(tmp_path, killed_after):
    def evaluate(model: nn.Module) -> float:
        return torch.rand(()).item()  # draws from the random state too

    straight, sampler, optimizers = build()
    whole = train(straight, sampler, CONFIG, optimizers=optimizers, evaluate=evaluate, report=quiet)

    class Killed(Exception):
        pass

    def dying_loss(model, batch):
        if sampler.step > killed_after:
            raise Killed
        return next_token_loss(model, batch)

    arguments = dict(evaluate=evaluate, report=quiet, checkpoint_dir=tmp_path)
    model, sampler, optimizers = build()
    with pytest.raises(Killed):
        train(model, sampler, CONFIG, optimizers=optimizers, loss_fn=dying_loss, **arguments)
    model, sampler, optimizers = build(seed=99 if killed_after >= 4 else 0)
    resumed = train(model, sampler, CONFIG, optimizers=optimizers, **arguments)
    assert same(bits(model), bits(straight))
    assert losses(resumed) == losses(whole)
    assert load_checkpoint(tmp_path).step == 12


def test_train_of_a_finished_run_changes_nothing_and_reports_again(tmp_path):
    model, sampler, optimizers = build()
    arguments = dict(optimizers=optimizers, checkpoint_dir=tmp_path)
    first = train(model, sampler, CONFIG, report=quiet, **arguments)
    before, seen = bits(model), []
    again = train(model, sampler, CONFIG, report=seen.append, **arguments)
    assert same(bits(model), before)
    assert first == again == seen


def test_train_reports_the_mean_loss_since_the_last_report():
    model, sampler, optimizers = build()
    every = []

    def watched(model, batch):
        loss = next_token_loss(model, batch)
        every.append(loss.item())
        return loss

    seen = []
    records = train(
        model, sampler, CONFIG, optimizers=optimizers, loss_fn=watched, report=seen.append
    )
    assert [r.step for r in records] == [1, 5, 10, 12]
    assert records == seen
    spans = [every[:1], every[1:5], every[5:10], every[10:]]
    assert [r.loss for r in records] == pytest.approx([sum(s) / len(s) for s in spans])


def test_train_scales_every_peak_by_one_schedule_and_puts_it_back():
    model, sampler, optimizers = build()
    seen = []

    def watched(model, batch):
        seen.append([o.param_groups[0]["lr"] for o in optimizers])
        return next_token_loss(model, batch)

    train(model, sampler, CONFIG, optimizers=optimizers, loss_fn=watched, report=quiet)
    assert seen[1] == pytest.approx([0.02 / 3, 0.01 / 3])  # left from the first step
    assert seen[3] == pytest.approx([0.02, 0.01])
    assert [o.param_groups[0]["lr"] for o in optimizers] == [0.02, 0.01]


@pytest.mark.parametrize(
    "change",
    [
        {"warmup_steps": 0},
        {"final_lr_fraction": 1.0},
        {"max_grad_norm": 0.01},
        {"total_steps": 14},
        {"compute_dtype": "bfloat16"},
    ],
)
def test_train_options_change_the_result(change):
    results = []
    for config in (CONFIG, replace(CONFIG, **change)):
        model, sampler, optimizers = build()
        train(model, sampler, config, optimizers=optimizers, report=quiet)
        results.append(bits(model))
    assert not same(*results)


def test_train_in_bfloat16_keeps_float32_weights_and_nearly_the_loss():
    final = []
    for dtype in ("float32", "bfloat16"):
        model, sampler, optimizers = build()
        config = replace(CONFIG, compute_dtype=dtype)
        final.append(train(model, sampler, config, optimizers=optimizers, report=quiet)[-1].loss)
        assert all(p.dtype == torch.float32 for p in model.parameters())
    assert final[0] == pytest.approx(final[1], rel=0.02)


@pytest.mark.parametrize("bad_step", [1, 6])
def test_train_stops_before_a_loss_that_is_not_finite_touches_a_weight(tmp_path, bad_step):
    model, sampler, optimizers = build()
    before = []

    def exploding(model, batch):
        before[:] = bits(model)
        factor = math.inf if sampler.step == bad_step else 1.0
        return next_token_loss(model, batch) * factor

    with pytest.raises(FloatingPointError, match=f"the loss of step {bad_step} is inf: no weight"):
        train(
            model,
            sampler,
            CONFIG,
            optimizers=optimizers,
            loss_fn=exploding,
            report=quiet,
            checkpoint_dir=tmp_path,
        )
    assert same(bits(model), before)
    assert bad_step == 1 or load_checkpoint(tmp_path).step == 4


def test_train_stops_at_a_gradient_that_is_not_finite():
    w = nn.Parameter(torch.zeros(()))
    model = nn.ParameterList([w])
    with pytest.raises(FloatingPointError, match="the gradient norm of step 1 is nan"):
        train(
            model,
            BatchSampler(TOKENS, 1, 4),
            TrainConfig(3),
            optimizers=[AdamW([w])],
            loss_fn=lambda model, batch: model[0].abs().sqrt() * 0,
            report=quiet,
        )
    assert w.item() == 0


def test_train_refuses_the_checkpoint_of_another_run(tmp_path):
    model, sampler, optimizers = build()
    train(model, sampler, CONFIG, optimizers=optimizers, report=quiet, checkpoint_dir=tmp_path)
    before = bits(model)
    optimizers[0].param_groups[0]["lr"] = 0.5
    with pytest.raises(CheckpointError) as error:
        train(
            model,
            sampler,
            replace(CONFIG, total_steps=20),
            optimizers=optimizers,
            report=quiet,
            checkpoint_dir=tmp_path,
        )
    assert "total_steps 12 (here 20), peak_lrs [0.02, 0.01] (here [0.5, 0.01])" in str(error.value)
    assert same(bits(model), before)


def test_train_ignores_gradients_left_from_before():
    results = []
    for leftover in (False, True):
        model, sampler, optimizers = build()
        if leftover:
            for p in model.parameters():
                p.grad = torch.ones_like(p)
        train(model, sampler, CONFIG, optimizers=optimizers, report=quiet)
        results.append(bits(model))
    assert same(*results)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"total_steps": 0}, "total_steps must be at least 1, got 0"),
        ({"warmup_steps": 13}, r"warmup_steps 13 must lie in 0..total_steps 12"),
        ({"final_lr_fraction": 1.5}, r"final_lr_fraction 1.5 must lie in 0..1"),
        ({"max_grad_norm": 0.0}, "max_grad_norm 0.0 must be positive"),
        ({"compute_dtype": "float16"}, "compute_dtype must be float32 or bfloat16, got float16"),
    ],
)
def test_train_config_refuses_settings_out_of_range(change, message):
    with pytest.raises(ValueError, match=message):
        replace(CONFIG, **change)
