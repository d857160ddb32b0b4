"""A tiny model of bytes that learned the town in two seconds, and how well it reads what is new."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from common.data import town
from common.model import TransformerLM
from common.model_config import ModelConfig

CONTEXT = 64


def town_bytes(*, heldout: bool) -> Tensor:
    """The bytes (N,) of 50 pages of the town, or of 10 others."""
    pages = town.pages(60, seed=0)
    text = "\n".join(line for page in (pages[50:] if heldout else pages[:50])
                     for line in page.paragraphs)  # fmt: skip
    return torch.tensor(list(text.encode()))


def train_on_town(*, num_layers: int = 1, steps: int = 250) -> TransformerLM:
    """A model of about 2.4 bits per byte; an untrained one has 8."""
    generator = torch.Generator().manual_seed(0)
    config = ModelConfig(256, CONTEXT, d_model=64, num_layers=num_layers, num_heads=4, qk_norm=True)
    model, text = TransformerLM(config, generator=generator), town_bytes(heldout=False)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01, betas=(0.9, 0.95))
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = 0.01 * (1 - step / steps)
        starts = torch.randint(len(text) - CONTEXT, (8, 1), generator=generator)
        windows = text[starts + torch.arange(CONTEXT + 1)]  # (8, T + 1)
        loss = F.cross_entropy(model(windows[:, :-1]).flatten(0, 1), windows[:, 1:].flatten())
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    return model.eval()


@torch.no_grad()
def log2_probabilities(model: nn.Module) -> tuple[Tensor, Tensor]:
    """(64, T, 256) for every byte that could follow in 64 held-out windows, and those that do."""
    windows = town_bytes(heldout=True)[: 64 * (CONTEXT + 1)].view(64, CONTEXT + 1)
    return model(windows[:, :-1]).log_softmax(dim=-1) / math.log(2), windows[:, 1:, None]


def bits_per_byte(model: nn.Module) -> float:
    """The mean cost of a held-out byte."""
    scores, targets = log2_probabilities(model)
    return -scores.gather(-1, targets).mean().item()
