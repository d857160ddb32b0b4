"""Beam search: keep the few likeliest texts instead of one, and extend them all.

Greedy choice takes the likeliest token and may miss the likeliest text, whose first token can be
second best. Beam search keeps num_beams texts, looks at every extension of each, and keeps the best
num_beams of those. A text that has ended keeps its place. Scores are sums of log-probabilities
divided by length ** length_penalty, the simple form of Wu et al. 2016, arXiv:1609.08144, section 7:
without it, every token more makes a text less likely. Sums are float32 for 16-bit models too.

Shapes: W num_beams, T tokens of the prompt, V vocab_size.
Taught in ch04_model/05_generation.ipynb.
Needs: generate.py, model.py, samplers.py (and what they need).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .generate import _check_ids, _room
from .model import TransformerLM
from .samplers import keep_top_k


@dataclass(frozen=True)
class Beam:
    """A text that the search kept: its new tokens, the stop token included, and how likely.

    >>> Beam(ids=(5, 7), log_probability=-3.0).score(length_penalty=1.0)
    -1.5
    """

    ids: tuple[int, ...]
    log_probability: float  # nats, the sum over ids

    def score(self, length_penalty: float) -> float:
        return self.log_probability / max(1, len(self.ids)) ** length_penalty


@torch.no_grad()
def beam_search(
    model: TransformerLM,
    prompt: Sequence[int],
    max_new_tokens: int,
    *,
    num_beams: int = 4,
    length_penalty: float = 1.0,
    eos_id: int | None = None,
) -> list[Beam]:
    """The best continuations found, best score first: num_beams of them, or all there are if fewer.

    length_penalty 0 compares sums, 1 means per token; above, longer texts win. Texts end at eos_id,
    at max_new_tokens, or where the context is full. num_beams 1 is greedy choice; with as many
    beams as there are texts, the search is exhaustive. Cost a token: one pass over num_beams whole
    texts, since a cache would have to follow the beams around. ValueError as in `generate`, and for
    num_beams below 1.

    >>> from .model_config import ModelConfig
    >>> config = ModelConfig(vocab_size=10, context_length=8, d_model=4, num_layers=1, num_heads=2)
    >>> len(beam_search(TransformerLM(config), [1, 2, 3], 2, num_beams=3))
    3
    """
    if num_beams < 1:
        raise ValueError(f"num_beams must be at least 1, got {num_beams}")
    room = _room(model, len(prompt), max_new_tokens)
    device = model.token_embeddings.weight.device
    ids = torch.tensor([list(prompt)], dtype=torch.int64, device=device)  # (live, T + new)
    _check_ids(model, ids, () if eos_id is None else (eos_id,))
    live, ended = [Beam((), 0.0)], []
    for _ in range(room):
        logits = model.lm_head(model.hidden(ids)[:, -1])  # (live, V)
        best = _best_extensions(live, logits, num_beams - len(ended))
        ended += [beam for beam, _ in best if beam.ids[-1] == eos_id]
        going_on = [(beam, row) for beam, row in best if beam.ids[-1] != eos_id]
        live = [beam for beam, _ in going_on]
        if not live:
            break
        rows = torch.tensor([row for _, row in going_on], device=device)
        last = torch.tensor([[beam.ids[-1]] for beam in live], device=device)
        ids = torch.cat([ids[rows], last], dim=1)
    return sorted(live + ended, key=lambda beam: -beam.score(length_penalty))


def _best_extensions(live: list[Beam], logits: Tensor, count: int) -> list[tuple[Beam, int]]:
    """The likeliest `count` texts that are one token longer, each with the row it extends.

    As in `greedy`, the first of equals wins.
    """
    if not logits.isfinite().all():
        raise ValueError("cannot rank texts: the logits hold NaN or infinity")
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    so_far = logits.new_tensor([beam.log_probability for beam in live])[:, None]
    totals = (so_far + logits.log_softmax(dim=-1)).flatten()  # (live * V,)
    best = keep_top_k(totals, count).isfinite().nonzero().flatten()
    best = best[totals[best].argsort(descending=True, stable=True)]
    extensions = []
    for total, index in zip(totals[best].tolist(), best.tolist(), strict=True):
        row, token = divmod(index, logits.shape[-1])
        extensions.append((Beam((*live[row].ids, token), total), row))
    return extensions
