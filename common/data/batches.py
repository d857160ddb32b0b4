"""Cut training batches out of one long array of token ids.

A row of a batch is a window of context_length + 1 consecutive tokens: the inputs are all but the
last and the targets all but the first, so targets[i] is the token that follows inputs[i].

`get_batch` draws windows anywhere, with replacement. `BatchSampler` shuffles non-overlapping
windows and sees each one once an epoch, which wastes no token of a small corpus (drawing with
replacement misses a share 1/e = 37 % of it in the time of one epoch). Its batch number n is a pure
function of (seed, n), so its whole state is one integer and it can resume anywhere.
Shapes: tokens (num_tokens,), inputs and targets (B, T) int64.
Taught in ch05_pretraining/01_training_step.ipynb.
Needs: nothing but torch and numpy.
"""

import numpy as np
import torch
from torch import Tensor


def get_batch(
    tokens: np.ndarray,
    batch_size: int,
    context_length: int,
    device: str | torch.device = "cpu",
    generator: torch.Generator | None = None,
) -> tuple[Tensor, Tensor]:
    """Draw (inputs, targets), each (batch_size, context_length) int64, uniformly over all starts.

    `tokens` is a 1-D integer array, a memory map included: only the drawn windows are read.
    ValueError when not a single window fits, and for tokens of another shape or kind.

    >>> inputs, targets = get_batch(np.arange(100), batch_size=2, context_length=4)
    >>> inputs.shape, bool((targets == inputs + 1).all())
    (torch.Size([2, 4]), True)
    """
    num_starts = _count_starts(tokens, batch_size, context_length)
    starts = torch.randint(num_starts, (batch_size,), generator=generator)
    return _cut_windows(tokens, starts.numpy(), context_length, device)


class BatchSampler:
    """An endless, resumable stream of batches: every window once an epoch, in shuffled order.

    Epoch e shifts the grid of windows by a random offset below context_length and shuffles it; both
    come from (seed, e). Tokens that do not fill a window or a batch wait for the next epoch's grid.
    `batches_per_epoch` says how many batches that makes.

    >>> sampler = BatchSampler(np.arange(1000), batch_size=2, context_length=8, seed=0)
    >>> inputs, targets = sampler.next_batch()
    >>> inputs.shape, sampler.batches_per_epoch
    (torch.Size([2, 8]), 61)
    >>> sampler.state_dict()["step"]
    1
    """

    def __init__(
        self,
        tokens: np.ndarray,
        batch_size: int,
        context_length: int,
        *,
        seed: int = 0,
        device: str | torch.device = "cpu",
    ) -> None:
        """ValueError when `tokens` cannot fill one batch of non-overlapping windows."""
        _count_starts(tokens, batch_size, context_length)
        self.tokens, self.device, self.step = tokens, device, 0
        self.batch_size, self.context_length, self.seed = batch_size, context_length, seed
        self.num_windows = (len(tokens) - 1) // context_length - 1  # the shift may cost one window
        self.batches_per_epoch = self.num_windows // batch_size
        if self.batches_per_epoch < 1:
            raise ValueError(
                f"a batch needs {(batch_size + 1) * context_length + 1} tokens for {batch_size} "
                f"windows of {context_length}, got {len(tokens)}"
            )
        self._epoch, self._starts = -1, np.empty(0, dtype=np.int64)

    def next_batch(self) -> tuple[Tensor, Tensor]:
        """Return the next (inputs, targets), each (batch_size, context_length) int64."""
        epoch, index = divmod(self.step, self.batches_per_epoch)
        if epoch != self._epoch:
            self._epoch, self._starts = epoch, self._shuffle(epoch)
        self.step += 1
        starts = self._starts[index * self.batch_size : (index + 1) * self.batch_size]
        return _cut_windows(self.tokens, starts, self.context_length, self.device)

    def _shuffle(self, epoch: int) -> np.ndarray:
        rng = np.random.default_rng([self.seed, epoch])
        offset = rng.integers(self.context_length)
        return offset + self.context_length * rng.permutation(self.num_windows)

    def state_dict(self) -> dict[str, int]:
        """The position, and what must be equal for it to mean the same: plain integers."""
        names = ("step", "seed", "batch_size", "context_length")
        return {name: getattr(self, name) for name in names} | {"num_tokens": len(self.tokens)}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Continue where `state` was taken. ValueError when it is of another stream of batches."""
        ours = self.state_dict()
        different = [
            f"{name} {state.get(name)} (here {ours[name]})"
            for name in ours
            if name != "step" and state.get(name) != ours[name]
        ]
        if different:
            raise ValueError("the saved sampler has " + ", ".join(different))
        if not isinstance(step := state.get("step"), int) or step < 0:
            raise ValueError(f"the saved sampler's step must be 0 or more, not {step}")
        self.step = step


def _count_starts(tokens: np.ndarray, batch_size: int, context_length: int) -> int:
    if batch_size < 1 or context_length < 1:
        raise ValueError(
            f"batch_size {batch_size} and context_length {context_length} must be positive"
        )
    if np.ndim(tokens) != 1 or not np.issubdtype(np.asarray(tokens[:1]).dtype, np.integer):
        raise ValueError(
            f"tokens must be integers of one dimension, not {np.asarray(tokens[:1]).dtype} "
            f"of shape {np.shape(tokens)}"
        )
    if len(tokens) <= context_length:
        raise ValueError(
            f"a window of context_length {context_length} needs {context_length + 1} tokens, "
            f"got {len(tokens)}"
        )
    return len(tokens) - context_length


def _cut_windows(
    tokens: np.ndarray, starts: np.ndarray, context_length: int, device: str | torch.device
) -> tuple[Tensor, Tensor]:
    rows = np.stack([tokens[s : s + context_length + 1] for s in starts.tolist()])  # (B, T + 1)
    windows = torch.from_numpy(rows.astype(np.int64)).to(device)
    return windows[:, :-1], windows[:, 1:]
