"""The learning rate's course: linear warm-up, then half a cosine down to a floor.

    warm-up   lr = max_lr * step / warmup_steps
    cosine    lr = min_lr + (max_lr - min_lr) * (1 + cos(pi * progress)) / 2

with progress = (step - warmup_steps) / (total_steps - warmup_steps). Loshchilov and Hutter 2016,
arXiv 1608.03983, eq. 5, with one cycle and no restart.
Taught in ch05_pretraining/01_training_step.ipynb.
Needs: nothing but the standard library.
"""

from math import cos, pi


def cosine_lr(
    step: int, *, max_lr: float, min_lr: float, warmup_steps: int, total_steps: int
) -> float:
    """Learning rate of update `step`: 0 at 0, max_lr at warmup_steps, min_lr from total_steps on.

    Without warm-up (0) step 0 has max_lr. ValueError for a negative step, for warmup_steps outside
    0..total_steps, or for min_lr above max_lr.

    >>> plan = dict(max_lr=1.0, min_lr=0.1, warmup_steps=10, total_steps=110)
    >>> [round(cosine_lr(step, **plan), 3) for step in (0, 5, 10, 60, 110, 500)]
    [0.0, 0.5, 1.0, 0.55, 0.1, 0.1]
    """
    if step < 0:
        raise ValueError(f"step {step} must not be negative")
    if not 0 <= warmup_steps <= total_steps:
        raise ValueError(f"warmup_steps {warmup_steps} must lie in 0..total_steps {total_steps}")
    if not 0 <= min_lr <= max_lr:
        raise ValueError(f"min_lr {min_lr} must lie in 0..max_lr {max_lr}")
    if step < warmup_steps:
        return max_lr * step / warmup_steps
    if step >= total_steps:
        return min_lr
    progress = (step - warmup_steps) / (total_steps - warmup_steps)
    return min_lr + (max_lr - min_lr) * (1 + cos(pi * progress)) / 2
