"""Numbers for tests: drawn, yet the same every time."""

import torch
from torch import nn


def normal(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


@torch.no_grad()
def randomised(module: nn.Module) -> nn.Module:
    """Each parameter drawn anew, in place: no weight is 0 or 1 by luck."""
    for i, parameter in enumerate(module.parameters()):
        parameter.copy_(normal(*parameter.shape, seed=i))
    return module
