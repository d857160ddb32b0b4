"""Direct preference optimisation: learn from pairs of answers which of the two people prefer.

With r(x, y) = beta * (log pi(y|x) - log ref(y|x)), the implicit reward, the loss of a pair is
-log sigmoid(r(x, chosen) - r(x, rejected)): a Bradley-Terry model (1952) in which the policy is its
own reward model. Rafailov et al. 2023, "Direct Preference Optimization", arXiv:2305.18290, equation
7. The reference is the model as it was before the first step: its log-probabilities are computed
once and kept.

Shapes: N pairs; log-probabilities are sums over an answer's tokens, in nats.
Taught in ch07_alignment/02_dpo.ipynb.
Needs: batches.py, chat.py, sft.py, ../model.py, ../training/ (adamw.py, loop.py).
"""

import random
from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from ..model import TransformerLM
from ..training.adamw import AdamW
from ..training.loop import TrainConfig, TrainRecord, train
from .batches import collate
from .chat import ChatTemplate
from .sft import response_log_probs


class _Pair(Protocol):
    """A prompt, the answer that people prefer and the one that they do not."""

    prompt: str
    chosen: str
    rejected: str


def implicit_rewards(policy: Tensor, reference: Tensor, *, beta: float) -> Tensor:
    """The reward beta * (log pi - log ref) that a policy gives its answers, in nats, any shape.

    Zero where the policy is the reference; positive for an answer that became more likely.

    >>> implicit_rewards(torch.tensor([-2.0]), torch.tensor([-5.0]), beta=0.1)
    tensor([0.3000])
    """
    return beta * (policy - reference)


def dpo_loss(
    policy_chosen: Tensor,
    policy_rejected: Tensor,
    ref_chosen: Tensor,
    ref_rejected: Tensor,
    *,
    beta: float,
) -> Tensor:
    """Mean over pairs of -log sigmoid(r_chosen - r_rejected), a scalar in nats; equation 7.

    All four are (N,) log-probabilities summed over the tokens of an answer; the references need no
    gradient. The loss is log 2 while the policy equals its reference. Finite for any finite input.
    Raises ValueError for a beta that is not positive.

    >>> zero = torch.zeros(1)
    >>> dpo_loss(zero, zero, zero, zero, beta=0.1)
    tensor(0.6931)
    """
    if not beta > 0:
        raise ValueError(f"beta must be greater than 0, got {beta}")
    chosen = implicit_rewards(policy_chosen, ref_chosen, beta=beta)
    rejected = implicit_rewards(policy_rejected, ref_rejected, beta=beta)
    return -F.logsigmoid(chosen - rejected).mean()


class PreferenceBatches:
    """An endless, resumable stream of batches of pairs, with the reference's log-probabilities.

    `reference` is run once over all pairs, without gradients, and not kept. A batch is (input_ids,
    labels, reference): (2B, T), (2B, T) and (2B,), the B chosen answers first, then the B rejected
    ones in the same order. Every epoch is shuffled from (seed, epoch); what does not fill a batch
    waits for the next epoch. Raises ValueError when there are fewer pairs than `batch_size`.

    >>> from common.data.town import preferences
    >>> from common.model import ModelConfig
    >>> from common.tokenizer.encode import BPETokenizer
    >>> from common.tokenizer.special import CHAT_SPECIAL_TOKENS
    >>> tokenizer = BPETokenizer({i: bytes([i]) for i in range(256)}, [], CHAT_SPECIAL_TOKENS)
    >>> model = TransformerLM(ModelConfig(261, 256, d_model=8, num_layers=1, num_heads=2))
    >>> batches = PreferenceBatches(model, tokenizer, preferences(8, seed=0), batch_size=2)
    >>> [len(part) for part in batches.next_batch()]
    [4, 4, 4]
    """

    def __init__(
        self,
        reference: TransformerLM,
        tokenizer,
        pairs: Sequence[_Pair],
        *,
        batch_size: int,
        seed: int = 0,
    ) -> None:
        if not 1 <= batch_size <= len(pairs):
            raise ValueError(f"batch_size {batch_size} must lie in 1 .. {len(pairs)} pairs")
        self.template = ChatTemplate(tokenizer)
        self.pairs = list(pairs)
        self.batch_size, self.seed, self.step = batch_size, seed, 0
        self.reference = self.log_probs(reference)  # (2, N): chosen, rejected

    def next_batch(self) -> tuple[Tensor, Tensor, Tensor]:
        """The next batch of `batch_size` pairs."""
        epoch, position = divmod(self.step, len(self.pairs) // self.batch_size)
        order = list(range(len(self.pairs)))
        random.Random(f"{self.seed}/{epoch}").shuffle(order)
        self.step += 1
        rows = order[position * self.batch_size : (position + 1) * self.batch_size]
        return *self._batch(rows), self.reference[:, rows].flatten()

    def state_dict(self) -> dict[str, int]:
        """Where the stream stands."""
        return {"step": self.step}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Continue where `state` was taken."""
        self.step = state["step"]

    @torch.no_grad()
    def log_probs(self, model: TransformerLM) -> Tensor:
        """log p(answer | prompt) under `model` of every pair, (2, N): chosen, rejected."""
        columns = []
        for start in range(0, len(self.pairs), 64):
            ids, labels = self._batch(range(start, min(start + 64, len(self.pairs))))
            columns.append(response_log_probs(model, ids, labels).sum(-1).view(2, -1))
        return torch.cat(columns, dim=1)

    def _batch(self, rows: Sequence[int]) -> tuple[Tensor, Tensor]:
        pairs = [self.pairs[row] for row in rows]
        render = self.template.render_exchange
        rendered = [render(pair.prompt, pair.chosen) for pair in pairs]
        rendered += [render(pair.prompt, pair.rejected) for pair in pairs]
        return collate(rendered, pad_id=self.template.end_id)


def preference_margins(model: TransformerLM, batches: PreferenceBatches, *, beta: float) -> Tensor:
    """r_chosen - r_rejected of every pair, (N,) in nats: how strongly `model` has come to prefer.

    The share of positive margins is the preference accuracy. All are 0 for the reference itself.

    >>> from common.data.town import preferences
    >>> from common.model import ModelConfig
    >>> from common.tokenizer.encode import BPETokenizer
    >>> from common.tokenizer.special import CHAT_SPECIAL_TOKENS
    >>> tokenizer = BPETokenizer({i: bytes([i]) for i in range(256)}, [], CHAT_SPECIAL_TOKENS)
    >>> model = TransformerLM(ModelConfig(261, 256, d_model=8, num_layers=1, num_heads=2))
    >>> batches = PreferenceBatches(model, tokenizer, preferences(3, seed=0), batch_size=1)
    >>> preference_margins(model, batches, beta=0.1)
    tensor([0., 0., 0.])
    """
    chosen, rejected = implicit_rewards(batches.log_probs(model), batches.reference, beta=beta)
    return chosen - rejected


def dpo(
    model: TransformerLM,
    tokenizer,
    pairs: Sequence[_Pair],
    *,
    steps: int,
    lr: float,
    beta: float,
    batch_size: int,
    seed: int = 0,
    report: Callable[[TrainRecord], None] = print,
) -> list[TrainRecord]:
    """Train `model` in place to prefer the chosen answers; the model as given is the reference.

    Returns about ten records. Raises ValueError as `PreferenceBatches` and `dpo_loss` do.

    AdamW at a small `lr`, a short warm-up, a cosine. Cost per step: a forward and backward pass
    over 2 `batch_size` answers; once before the run, a forward pass over all pairs.

    >>> from common.data.town import preferences
    >>> from common.model import ModelConfig
    >>> from common.tokenizer.encode import BPETokenizer
    >>> from common.tokenizer.special import CHAT_SPECIAL_TOKENS
    >>> tokenizer = BPETokenizer({i: bytes([i]) for i in range(256)}, [], CHAT_SPECIAL_TOKENS)
    >>> model = TransformerLM(ModelConfig(261, 256, d_model=8, num_layers=1, num_heads=2))
    >>> pairs = preferences(8, seed=0)
    >>> records = dpo(model, tokenizer, pairs, steps=2, lr=1e-4, beta=0.1, batch_size=4)
    step    1/2  loss 0.6931 ...
    step    2/2  loss ...
    """
    batches = PreferenceBatches(model, tokenizer, pairs, batch_size=batch_size, seed=seed)
    return train(
        model,
        batches,
        TrainConfig(total_steps=steps, warmup_steps=steps // 10, report_every=max(1, steps // 10)),
        optimizers=[AdamW(model.parameters(), lr=lr, weight_decay=0.0)],
        loss_fn=partial(_pair_loss, beta=beta),
        report=report,
    )


def _pair_loss(model: TransformerLM, batch: tuple[Tensor, Tensor, Tensor], beta: float) -> Tensor:
    input_ids, labels, reference = batch
    policy = response_log_probs(model, input_ids, labels).sum(-1)  # (2B,)
    return dpo_loss(*policy.chunk(2), *reference.chunk(2), beta=beta)
