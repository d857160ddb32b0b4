"""What a loss means: held-out loss, bits per byte, perplexity, and n-gram models to compare with.

    perplexity    exp(nats per token): the number of equally likely tokens that is as surprising
    bits per byte nats / ln 2 / bytes of text: comparable between tokenizers

A loss without reference lines says nothing. `ngram_loss` gives the loss of counting: interpolated
Kneser-Ney with three discounts, the strongest of the classic smoothing methods (Chen and Goodman
1998, "An empirical study of smoothing techniques for language modeling", TR-10-98, eq. 26):

    p(w | h) = max(c(h w) - D, 0) / c(h) + lambda(h) p(w | h without its first token)

where c counts occurrences for the longest n-gram, and distinct left neighbours for shorter ones; D
is D1, D2 or D3 for c = 1, 2 or more; and lambda(h) is what the discounts took away from h.
Taught in ch05_pretraining/02_pretrain.ipynb.
Needs: nothing but torch and numpy.
"""

from collections.abc import Sequence
from math import exp, log

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn


def perplexity(nats_per_token: float) -> float:
    """exp of a loss: between how many equally likely tokens the model hesitates.

    >>> round(perplexity(6.9315))
    1024
    """
    return exp(nats_per_token)


def bits_per_byte(total_nats: float, num_bytes: int) -> float:
    """The summed loss of a text as bits for each of its UTF-8 bytes. ValueError for 0 bytes.

    >>> bits_per_byte(log(2) * 120, num_bytes=60)
    2.0
    """
    if num_bytes < 1:
        raise ValueError(f"num_bytes must be at least 1, got {num_bytes}")
    return total_nats / log(2) / num_bytes


@torch.no_grad()
def evaluate_loss(
    model: nn.Module, tokens: np.ndarray, context_length: int, *, batch_size: int = 32
) -> float:
    """Mean nats per token over fixed windows that cover `tokens`: the same number at every call.

    Windows of context_length follow one another, so a token sees between 1 and context_length
    tokens before it; every token but the first is predicted once. The model is put in eval mode and
    back. `tokens` is a 1-D integer array. ValueError for fewer than 2. Cost: a forward pass.

    >>> knows_nothing = nn.Embedding.from_pretrained(torch.zeros(1024, 1024))
    >>> round(evaluate_loss(knows_nothing, np.arange(1000), context_length=64), 4)
    6.9315
    """
    if len(tokens) < 2:
        raise ValueError(f"a loss needs at least 2 tokens, got {len(tokens)}")
    rows = [
        tokens[start : start + context_length + 1]
        for start in range(0, len(tokens) - 1, context_length)
    ]
    last = rows.pop() if len(rows[-1]) <= context_length else None  # the short one
    batches = [np.stack(rows[i : i + batch_size]) for i in range(0, len(rows), batch_size)]
    if last is not None:
        batches.append(last[None])
    device = next(model.parameters()).device
    was_training = model.training
    model.eval()
    total = 0.0
    for batch in batches:
        ids = torch.from_numpy(batch.astype(np.int64)).to(device)  # (B, T + 1)
        total += _summed_loss(model(ids[:, :-1]), ids[:, 1:])
    model.train(was_training)
    return total / (len(tokens) - 1)


@torch.no_grad()
def document_nats(
    model: nn.Module,
    documents: Sequence[Sequence[int]],
    context_length: int,
    *,
    prompt: Sequence[int],
    batch_size: int = 32,
) -> np.ndarray:
    """Nats of each document's tokens, read after `prompt`: float64 array (num_documents,).

    The prompt is what stands before a document of this kind, at least the separator; its own tokens
    do not count. A document that does not fit context_length with its prompt is read in windows
    that overlap by half, so that every token but the first ones has at least context_length / 2
    tokens before it. Documents of similar length share a batch; padding follows the text, where
    causal attention cannot see it. The model is put in eval mode and back. ValueError for an empty
    document or prompt, for an odd context_length, and for a prompt longer than half of it.

    >>> knows_nothing = nn.Embedding.from_pretrained(torch.zeros(1024, 1024))
    >>> document_nats(knows_nothing, [[5, 6], [7]], context_length=64, prompt=[0, 3]).round(4)
    array([13.8629,  6.9315])
    """
    if context_length < 2 or context_length % 2:
        raise ValueError(f"context_length must be even and positive, got {context_length}")
    half = context_length // 2
    if not 1 <= len(prompt) <= half:
        raise ValueError(f"the prompt must have 1..{half} tokens, got {len(prompt)}")
    windows = []  # (document, ids, how many of the last targets count)
    for number, document in enumerate(documents):
        if not len(document):
            raise ValueError(f"document {number} is empty")
        ids = [*prompt, *document]
        piece = ids[: context_length + 1]
        windows.append((number, piece, len(piece) - len(prompt)))
        for begin in range(half, len(ids) - 1 - half, half):
            piece = ids[begin : begin + context_length + 1]
            windows.append((number, piece, len(piece) - 1 - half))
    windows.sort(key=lambda window: len(window[1]))
    device = next(model.parameters()).device
    was_training = model.training
    model.eval()
    nats = np.zeros(len(documents))
    for i in range(0, len(windows), batch_size):
        numbers, pieces, counted = zip(*windows[i : i + batch_size], strict=True)
        longest = max(map(len, pieces))
        ids = torch.zeros(len(pieces), longest, dtype=torch.int64)
        targets = torch.full((len(pieces), longest - 1), -100)
        for row, (piece, count) in enumerate(zip(pieces, counted, strict=True)):
            ids[row, : len(piece)] = torch.tensor(piece)
            first = len(piece) - 1 - count
            targets[row, first : len(piece) - 1] = ids[row, first + 1 : len(piece)]
        logits = model(ids[:, :-1].to(device)).float()  # (B, T, V)
        losses = F.cross_entropy(logits.mT, targets.to(device), reduction="none").sum(1)
        np.add.at(nats, list(numbers), losses.double().cpu().numpy())
    model.train(was_training)
    return nats


def _summed_loss(logits: Tensor, targets: Tensor) -> float:
    flat = logits.float().flatten(0, 1)
    return F.cross_entropy(flat, targets.flatten(), reduction="sum").item()


def ngram_loss(
    train_tokens: np.ndarray, valid_tokens: np.ndarray, order: int, vocab_size: int
) -> float:
    """Mean of `ngram_nats`: the line to draw beside a model's loss on the same tokens.

    >>> tokens = np.arange(10_000) % 7
    >>> round(ngram_loss(tokens, tokens, order=1, vocab_size=7), 3)  # log 7
    1.946
    >>> ngram_loss(tokens, tokens, order=2, vocab_size=7) < 0.01  # the next one is certain
    True
    """
    return float(ngram_nats(train_tokens, valid_tokens, order, vocab_size).mean())


def ngram_nats(
    train_tokens: np.ndarray, valid_tokens: np.ndarray, order: int, vocab_size: int
) -> np.ndarray:
    """Surprise of an interpolated Kneser-Ney model at every token of `valid_tokens` but the first.

    Both arrays are 1-D token ids; the answer is float64 (len(valid_tokens) - 1,), in nats. Order 1,
    2, 3 is uni-, bi-, trigram. Cost: `order` sorts of the training tokens, under a second for each
    million. ValueError for ids outside the vocabulary, or n-grams that do not fit 63 bits.

    >>> ngram_nats(np.array([0, 1] * 500), np.array([0, 1, 1]), order=2, vocab_size=2).round(1)
    array([0. , 7.6])
    """
    if order < 1 or vocab_size**order >= 2**63:
        raise ValueError(f"order {order} of vocab_size {vocab_size} does not fit 63 bits")
    train = _checked_ids(train_tokens, vocab_size, order)
    valid = _checked_ids(valid_tokens, vocab_size, 2)
    grams, counts = np.unique(_ngrams(train, order, vocab_size), return_counts=True)
    tables = [(grams, counts)]
    for length in range(order - 1, 0, -1):  # shorter n-grams: how many left neighbours each has
        tables.append(np.unique(tables[-1][0] % vocab_size**length, return_counts=True))

    p = np.full(len(valid) - 1, 1 / vocab_size)  # for valid[1:]; each order refines the one before
    for length, (grams, counts) in enumerate(reversed(tables), start=1):
        skipped = max(0, length - 2)  # the first tokens have too little before them
        queries = _ngrams(valid, length, vocab_size)[1 if length == 1 else 0 :]
        p[skipped:] = _interpolate(grams, counts, queries, p[skipped:], vocab_size)
    return -np.log(p)


def _checked_ids(tokens: np.ndarray, vocab_size: int, at_least: int) -> np.ndarray:
    tokens = np.asarray(tokens).astype(np.int64)
    if len(tokens) < at_least:
        raise ValueError(f"needs at least {at_least} tokens, got {len(tokens)}")
    if tokens.min() < 0 or tokens.max() >= vocab_size:
        raise ValueError(f"ids {tokens.min()}..{tokens.max()} must lie in 0..{vocab_size - 1}")
    return tokens


def _ngrams(tokens: np.ndarray, length: int, vocab_size: int) -> np.ndarray:
    """Every n-gram of `length` as one number: its tokens are the digits in base vocab_size."""
    keys = np.zeros(len(tokens) - length + 1, dtype=np.int64)
    for i in range(length):
        keys = keys * vocab_size + tokens[i : len(tokens) - length + 1 + i]
    return keys


def _interpolate(
    grams: np.ndarray, counts: np.ndarray, queries: np.ndarray, lower: np.ndarray, vocab_size: int
) -> np.ndarray:
    """One order of Kneser-Ney: p of the queried n-grams, given p without their first token."""
    discounts = _discounts(counts)[np.minimum(counts, 3)]  # of each n-gram
    histories, first = np.unique(grams // vocab_size, return_index=True)  # grams are sorted
    totals = np.add.reduceat(counts, first)
    freed = np.add.reduceat(discounts, first)

    found, gram = _look_up(grams, queries)
    discounted = np.where(found, counts[gram] - discounts[gram], 0)
    known, history = _look_up(histories, queries // vocab_size)
    refined = (discounted + freed[history] * lower) / totals[history]
    return np.where(known, refined, lower)


def _discounts(counts: np.ndarray) -> np.ndarray:
    """D for counts 0, 1, 2 and 3 or more, estimated from how many n-grams occur 1 to 4 times."""
    n1, n2, n3, n4 = (np.count_nonzero(counts == k) for k in (1, 2, 3, 4))
    if not (n1 and n2 and n3):
        return np.array([0, 0.5, 0.5, 0.5])  # too few n-grams to estimate from
    y = n1 / (n1 + 2 * n2)
    d = np.array([0, 1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3])
    return np.clip(d, [0, 0.1, 0.1, 0.1], [0, 1, 2, 3])  # never 0: the unseen stays possible


def _look_up(table: np.ndarray, keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(whether each key is in the sorted table, where)."""
    index = np.searchsorted(table, keys).clip(max=len(table) - 1)
    return table[index] == keys, index
