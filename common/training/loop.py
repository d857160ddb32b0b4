"""The training loop: batch, loss, gradient, clip, schedule, update; at times a report and a save.

The same loop pretrains, fine-tunes and aligns. What differs is the sampler, which makes batches,
and `loss_fn(model, batch)`, which says what is to become small. Run it again after a crash with the
same arguments and it continues from the last checkpoint, to the same bits as if nothing had
happened.
Taught in ch05_pretraining/01_training_step.ipynb.
Needs: checkpoint.py, clip.py, schedule.py, ../numerics.py.
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Any, Literal, Protocol

import torch
from torch import Tensor, nn

from ..numerics import cross_entropy
from .checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from .clip import clip_grad_norm_
from .schedule import cosine_lr


@dataclass(frozen=True)
class TrainConfig:
    """How long to train, and when to look up. Counted in optimizer steps.

    >>> TrainConfig(total_steps=100, warmup_steps=200)
    Traceback (most recent call last):
    ValueError: warmup_steps 200 must lie in 0..total_steps 100
    """

    total_steps: int
    warmup_steps: int = 0  # the learning rate rises linearly over these
    final_lr_fraction: float = 0.05  # of the peak, at the last step
    max_grad_norm: float = 1.0  # gradients are scaled down to this joint norm
    report_every: int = 250  # steps between reports; the first and the last step report too
    checkpoint_every: int = 250  # steps between saves, for a run with a checkpoint_dir
    compute_dtype: Literal["float32", "bfloat16"] = "float32"  # of matrix products in the loss

    def __post_init__(self) -> None:
        for name in ("total_steps", "report_every", "checkpoint_every"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if not 0 <= self.warmup_steps <= self.total_steps:
            raise ValueError(
                f"warmup_steps {self.warmup_steps} must lie in 0..total_steps {self.total_steps}"
            )
        if not 0 <= self.final_lr_fraction <= 1:
            raise ValueError(f"final_lr_fraction {self.final_lr_fraction} must lie in 0..1")
        if not self.max_grad_norm > 0:
            raise ValueError(f"max_grad_norm {self.max_grad_norm} must be positive")
        if self.compute_dtype not in ("float32", "bfloat16"):
            raise ValueError(f"compute_dtype must be float32 or bfloat16, got {self.compute_dtype}")


@dataclass(frozen=True)
class TrainRecord:
    """One report: losses in nats, `seconds` spent in training and evaluation so far.

    >>> print(TrainRecord(10, 100, 3.25, 3.5, 0.75, 1.0, 5.0))
    step   10/100  loss 3.2500  valid 3.5000  gradient 0.75  lr x 1.000      5 s,    45 s to go
    """

    step: int
    total_steps: int
    loss: float  # mean over the steps since the last report
    valid_loss: float | None
    grad_norm: float  # before clipping, at this step
    lr_factor: float  # of the peak learning rate, at this step
    seconds: float

    def __str__(self) -> str:
        width = len(str(self.total_steps))
        valid = "" if self.valid_loss is None else f"  valid {self.valid_loss:.4f}"
        to_go = self.seconds * (self.total_steps - self.step) / self.step
        return (
            f"step {self.step:>{width + 2}}/{self.total_steps}  loss {self.loss:.4f}{valid}  "
            f"gradient {self.grad_norm:.2f}  lr x {self.lr_factor:.3f}  "
            f"{self.seconds:5.0f} s, {to_go:5.0f} s to go"
        )


class _Sampler(Protocol):
    """What `train` needs of a source of batches; `BatchSampler` is one."""

    def next_batch(self) -> Any: ...
    def state_dict(self) -> dict[str, Any]: ...
    def load_state_dict(self, state: dict[str, Any]) -> None: ...


def next_token_loss(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    """Mean nats to predict each target from the tokens up to it; batch is (inputs, targets) (B, T).

    >>> knows_nothing = lambda ids: torch.zeros(*ids.shape, 1024)
    >>> next_token_loss(knows_nothing, (torch.tensor([[1, 2]]), torch.tensor([[2, 3]])))  # log 1024
    tensor(6.9315)
    """
    inputs, targets = batch
    logits = model(inputs).float()  # (B, T, V); mixed precision hands them over in 16 bits
    return cross_entropy(logits, targets)


def train(
    model: nn.Module,
    sampler: _Sampler,
    config: TrainConfig,
    *,
    optimizers: Sequence[torch.optim.Optimizer],
    loss_fn: Callable[[nn.Module, Any], Tensor] = next_token_loss,
    evaluate: Callable[[nn.Module], float] | None = None,
    report: Callable[[TrainRecord], None] = print,
    checkpoint_dir: str | Path | None = None,
) -> list[TrainRecord]:
    """Train `model` in place for config.total_steps steps; return one record per report.

    Every optimizer's learning rate is its peak; one schedule, `cosine_lr` with a peak of 1, scales
    them all, and the peaks are put back at the end. `evaluate(model)` gives the validation loss of
    each report. With a `checkpoint_dir` the run saves itself there every checkpoint_every steps and
    at the end, and continues from what it finds there.

    CheckpointError when checkpoint_dir holds a run with other settings. FloatingPointError, before
    any weight is touched, when a loss or gradient is not finite; the last checkpoint still stands.

    >>> import numpy as np
    >>> from common.data.batches import BatchSampler
    >>> model = nn.Embedding(10, 10)  # a table of logits: the next token from this one
    >>> sampler = BatchSampler(np.arange(1000) % 10, batch_size=4, context_length=8)
    >>> optimizer = torch.optim.Adam(model.parameters(), lr=0.3)
    >>> records = train(model, sampler, TrainConfig(60), optimizers=[optimizer], report=lambda r: 0)
    >>> records[0].loss > 1, records[-1].loss < 0.2
    (True, True)
    """
    peaks = [group["lr"] for optimizer in optimizers for group in optimizer.param_groups]
    run = {"config": asdict(config), "peak_lrs": peaks}
    state = dict(model=model, optimizers=optimizers, sampler=sampler)
    done, records, losses, seconds = 0, [], [], 0.0
    if checkpoint_dir is not None and (Path(checkpoint_dir) / "state.json").exists():
        done, records, losses, seconds = _resume(checkpoint_dir, run, **state)
    for record in records:
        report(record)
    groups = [group for optimizer in optimizers for group in optimizer.param_groups]
    params = [p for group in groups for p in group["params"]]
    device, mixed = params[0].device.type, config.compute_dtype == "bfloat16"
    start = time.perf_counter() - seconds
    model.train()

    for step in range(done + 1, config.total_steps + 1):
        for optimizer in optimizers:
            optimizer.zero_grad(set_to_none=True)
        with torch.autocast(device, torch.bfloat16, enabled=mixed):
            loss = loss_fn(model, sampler.next_batch())
        losses.append(_finite(loss, "loss", step))
        loss.backward()
        grad_norm = _finite(clip_grad_norm_(params, config.max_grad_norm), "gradient norm", step)

        lr_factor = _lr_factor(step, config)
        for group, peak in zip(groups, peaks, strict=True):
            group["lr"] = peak * lr_factor
        for optimizer in optimizers:
            optimizer.step()

        last = step == config.total_steps
        if step == 1 or step % config.report_every == 0 or last:
            valid_loss = evaluate(model) if evaluate else None
            seconds, mean_loss = time.perf_counter() - start, fmean(losses)
            record = TrainRecord(
                step, config.total_steps, mean_loss, valid_loss, grad_norm, lr_factor, seconds
            )
            report(record)
            records.append(record)
            losses = []
        if checkpoint_dir is not None and (step % config.checkpoint_every == 0 or last):
            seconds = time.perf_counter() - start
            progress = dict(run=run, records=list(map(asdict, records)), losses=losses)
            save_checkpoint(
                checkpoint_dir, step=step, extra=progress | {"seconds": seconds}, **state
            )

    for group, peak in zip(groups, peaks, strict=True):
        group["lr"] = peak
    return records


def _lr_factor(step: int, config: TrainConfig) -> float:
    return cosine_lr(
        step,
        max_lr=1.0,
        min_lr=config.final_lr_fraction,
        warmup_steps=config.warmup_steps,
        total_steps=config.total_steps,
    )


def _finite(value: Tensor, name: str, step: int) -> float:
    number = value.item()
    if not math.isfinite(number):
        raise FloatingPointError(f"the {name} of step {step} is {number}: no weight was changed")
    return number


def _resume(
    folder: str | Path, run: dict[str, Any], **objects: Any
) -> tuple[int, list[TrainRecord], list[float], float]:
    theirs = load_checkpoint(folder).extra.get("run", {})
    ours = run["config"] | {"peak_lrs": run["peak_lrs"]}
    saved = theirs.get("config", {}) | {"peak_lrs": theirs.get("peak_lrs")}
    different = [f"{k} {saved.get(k)} (here {v})" for k, v in ours.items() if saved.get(k) != v]
    if different:
        raise CheckpointError(
            f"{folder} holds another run, with {', '.join(different)}: "
            "delete it or choose another checkpoint_dir"
        )
    found = load_checkpoint(folder, restore_random=True, **objects)
    records = [TrainRecord(**record) for record in found.extra["records"]]
    return found.step, records, found.extra["losses"], found.extra["seconds"]
