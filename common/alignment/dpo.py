"""Direct preference optimisation: learn from pairs of answers which of the two people prefer.

With r(x, y) = beta * (log pi(y|x) - log ref(y|x)), the implicit reward, the loss of a pair is
-log sigmoid(r(x, chosen) - r(x, rejected)): a Bradley-Terry model (1952) in which the policy is its own reward
model. Rafailov et al. 2023, "Direct Preference Optimization", arXiv:2305.18290, equation 7. The reference is
the model as it was before the first step: its log-probabilities are computed once and kept.

Shapes: N pairs; log-probabilities are sums over an answer's tokens, in nats.
Taught in ch07_alignment/02_dpo.ipynb.
Needs: chat.py, sft.py (and the optimizers and `train` of this package, for `dpo` itself).
"""

import torch
import torch.nn.functional as F
from torch import Tensor


def implicit_rewards(policy: Tensor, reference: Tensor, *, beta: float) -> Tensor:
    """The reward beta * (log pi - log ref) that a policy gives its answers, in nats, any shape.

    Zero where the policy is the reference; positive for an answer that became more likely.

    >>> implicit_rewards(torch.tensor([-2.0]), torch.tensor([-5.0]), beta=0.1)
    tensor([0.3000])
    """
    return beta * (policy - reference)


def dpo_loss(
    policy_chosen: Tensor, policy_rejected: Tensor, ref_chosen: Tensor, ref_rejected: Tensor, *, beta: float
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
