"""Writing text: feed the model, choose a token, append it, repeat; the KV cache remembers the past.

One loop (`_steps`) serves the three ways to call it: a rectangular batch, a stream for a person
who waits, and many ragged prompts at once. The prompt goes through the model in one pass; from the
second token on a `Decoder` takes over where that pays for laying it out. A sequence never passes
the model's context_length: a prompt that leaves no room for one more token raises ValueError, and
generation stops where the context is full. Nothing here records gradients.

Every function takes a TransformerLM, or a Decoder that was made of one and can be used again.
Shapes: B batch, T prompt tokens, S tokens so far, V vocab_size.
Taught in ch04_model/05_generation.ipynb.
Needs: decode.py, kv_cache.py, model.py (and what they need), samplers.py.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from .decode import Decoder
from .kv_cache import KVCache
from .model import TransformerLM
from .samplers import penalise_repetition, sample

# Laying the weights out takes the time of some ten tokens, which a Decoder wins back in twice that.
_TOKENS_WORTH_A_DECODER = 32


def generate(
    model: TransformerLM | Decoder,
    ids: Tensor,
    max_new_tokens: int,
    *,
    eos_id: int | None = None,
    **sampling: Any,
) -> Tensor:
    """Continue ids (B, T) int64 by at most max_new_tokens tokens: (B, T + new) int64.

    sampling: temperature (default 1.0; 0 is greedy), top_k, top_p, min_p and generator as in
    `samplers.sample`, and repetition_penalty (default 1.0). A row that has written eos_id is
    filled with eos_id, and generation ends when all rows have. It also ends when the context is
    full. Cost a token: one forward pass of B tokens that reads every weight once.

    ValueError for ids that are no (B, T) int64 tensor or outside the vocabulary, for an empty
    prompt or one that fills the context, and for logits that no token can be drawn from.

    >>> from .model_config import ModelConfig
    >>> config = ModelConfig(vocab_size=10, context_length=8, d_model=4, num_layers=1, num_heads=2)
    >>> generate(TransformerLM(config), torch.tensor([[1, 2, 3]]), 4).shape
    torch.Size([1, 7])
    """
    _check_ids(model, ids, () if eos_id is None else (eos_id,))
    out = [ids]
    done = torch.zeros(ids.shape[0], dtype=torch.bool, device=ids.device)
    for token in _steps(model, ids, max_new_tokens, **sampling):  # (B,)
        if eos_id is not None:
            token = token.masked_fill(done, eos_id)
            done |= token == eos_id
        out.append(token[:, None])
        if done.all():
            break
    return torch.cat(out, dim=1)


def generate_stream(
    model: TransformerLM | Decoder,
    ids: Sequence[int],
    max_new_tokens: int,
    *,
    stop_ids: Collection[int] = (),
    **sampling: Any,
) -> Iterator[int]:
    """Yield the new tokens one at a time, as they are chosen; a stop token ends and is not yielded.

    sampling: as in `generate`. The same seed gives the same tokens as `generate`.

    >>> from .model_config import ModelConfig
    >>> config = ModelConfig(vocab_size=10, context_length=8, d_model=4, num_layers=1, num_heads=2)
    >>> len(list(generate_stream(TransformerLM(config), [1, 2, 3], 4)))
    4
    """
    prompt = torch.tensor(
        [list(ids)], dtype=torch.int64, device=model.token_embeddings.weight.device
    )
    _check_ids(model, prompt, stop_ids)
    for token in _steps(model, prompt, max_new_tokens, **sampling):
        if token.item() in stop_ids:
            return
        yield token.item()


def generate_batch(
    model: TransformerLM | Decoder,
    prompts: Sequence[Sequence[int]],
    max_new_tokens: int,
    *,
    stop_ids: Collection[int] = (),
    temperature: float = 0.0,
    batch_size: int = 64,
    **sampling: Any,
) -> list[list[int]]:
    """The new tokens for each prompt, in the order of the prompts, without the stop token.

    Prompts of similar length run together, padded on the left; padding is masked and does not count
    as a position, so the answers are those of one prompt at a time, up to rounding. A batch ends
    when all its rows have stopped or filled their context. batch_size: prompts that run together;
    it bounds the memory of the cache. sampling and errors: as in `generate`.

    >>> from .model_config import ModelConfig
    >>> config = ModelConfig(vocab_size=10, context_length=8, d_model=4, num_layers=1, num_heads=2)
    >>> [len(new) for new in generate_batch(TransformerLM(config), [[1, 2, 3], [4], [1] * 6], 3)]
    [3, 3, 2]
    """
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, got {batch_size}")
    rooms = [_room(model, len(prompt), max_new_tokens) for prompt in prompts]
    if isinstance(model, TransformerLM) and max(rooms, default=0) >= _TOKENS_WORTH_A_DECODER:
        model = Decoder(model)  # once for all batches
    results: list[list[int]] = [[] for _ in prompts]
    order = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
    for start in range(0, len(order), batch_size):
        rows = order[start : start + batch_size]
        ids, pads = _pad_left([prompts[i] for i in rows], model.token_embeddings.weight.device)
        _check_ids(model, ids, stop_ids)
        running = {i for i in rows if rooms[i] > 0}
        steps = _steps(model, ids, max_new_tokens, pads=pads, temperature=temperature, **sampling)
        for tokens in steps:
            for i, token in zip(rows, tokens.tolist(), strict=True):
                if i in running and token not in stop_ids:
                    results[i].append(token)
                if token in stop_ids or len(results[i]) == rooms[i]:
                    running.discard(i)
            if not running:
                break
    return results


@torch.no_grad()
def _steps(
    model: TransformerLM | Decoder,
    ids: Tensor,
    max_new_tokens: int,
    *,
    pads: Tensor | None = None,
    temperature: float = 1.0,
    repetition_penalty: float = 1.0,
    **filters: Any,
) -> Iterator[Tensor]:
    """Yield the next token of every row, (B,), until the longest prompt's row has no room.

    pads (B,): how many ids at the left of each row are padding. With pads the rows are ragged, and
    generation goes on until the shortest prompt's row has no room.
    """
    decoder, model = (model, model.model) if isinstance(model, Decoder) else (None, model)
    batch_size, width = ids.shape
    shortest = width if pads is None else width - int(pads.max())
    room = _room(model, shortest, max_new_tokens)
    cache = model.new_cache(batch_size, width + room)
    new = ids
    for step in range(room):
        positions = None if pads is None else _positions(model, pads, cache.length, new)
        if step == 1 and decoder is None and room >= _TOKENS_WORTH_A_DECODER:
            decoder = Decoder(model)
        if step == 0 or decoder is None:
            logits = _last_logits(model, new, cache, positions)  # (B, V)
        else:
            logits = decoder.step(new[:, 0], cache, positions)
        if repetition_penalty != 1.0:
            logits = penalise_repetition(logits, ids, repetition_penalty)
        token = sample(logits, temperature=temperature, **filters)
        yield token
        new = token[:, None]  # (B, 1)
        if repetition_penalty != 1.0:
            ids = torch.cat([ids, new], dim=1)


def _last_logits(
    model: TransformerLM, ids: Tensor, cache: KVCache, positions: Tensor | None
) -> Tensor:
    """Logits (B, V) after ids (B, T), in pieces where a window's cache takes no more at once."""
    for start in range(0, ids.shape[1], cache.chunk_tokens):
        piece = slice(start, start + cache.chunk_tokens)
        places = None if positions is None else positions[:, piece]
        hidden = model.hidden(ids[:, piece], cache, positions=places)
    return model.lm_head(hidden[:, -1])


def _positions(model: TransformerLM, pads: Tensor, start: int, ids: Tensor) -> Tensor:
    """(B, T) positions of ids that begin at column `start`, negative where they are padding."""
    columns = torch.arange(start, start + ids.shape[1], device=ids.device)
    # Rows that are full go on at the last position: their tokens are thrown away.
    return (columns - pads[:, None]).clamp(max=model.config.context_length - 1)


def _room(model: TransformerLM | Decoder, prompt_tokens: int, max_new_tokens: int) -> int:
    """How many tokens can follow the prompt: at most max_new_tokens, and what the context holds."""
    longest = model.config.context_length
    if prompt_tokens < 1:
        raise ValueError("a prompt needs at least 1 token, got 0")
    if prompt_tokens >= longest:
        raise ValueError(
            f"a prompt of {prompt_tokens} tokens leaves no room in context_length {longest}"
        )
    if max_new_tokens < 0:
        raise ValueError(f"max_new_tokens must be at least 0, got {max_new_tokens}")
    return min(max_new_tokens, longest - prompt_tokens)


def _pad_left(prompts: list[Sequence[int]], device: torch.device) -> tuple[Tensor, Tensor]:
    """Prompts as one tensor (B, T), filled up at the left, and by how much each row was, (B,).

    A row is filled with its own first token: padding is hidden from the model, whatever it is, and
    so a repetition penalty, which looks at ids, counts no token that the prompt does not have.
    """
    width = max(len(prompt) for prompt in prompts)
    pads = [width - len(prompt) for prompt in prompts]
    rows = [[prompt[0]] * pad + list(prompt) for pad, prompt in zip(pads, prompts, strict=True)]
    return torch.tensor(rows, dtype=torch.int64, device=device), torch.tensor(pads, device=device)


def _check_ids(model: TransformerLM | Decoder, ids: Tensor, stop_ids: Collection[int]) -> None:
    """One look before the first token: what the model chooses later is in its vocabulary."""
    if ids.dim() != 2 or ids.dtype != torch.int64:
        raise ValueError(f"ids must be (B, T) int64, got {tuple(ids.shape)} {ids.dtype}")
    vocab_size = model.config.vocab_size
    extremes = torch.stack(ids.aminmax()).tolist() if ids.numel() else []
    for token in (*extremes, *stop_ids):
        if not 0 <= token < vocab_size:
            raise ValueError(
                f"token ids must be in 0..{vocab_size - 1} (vocab_size {vocab_size}), got {token}"
            )
