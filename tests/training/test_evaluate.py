"""Losses count every token once; Kneser-Ney equals the formula written with dictionaries."""

import math
from collections import Counter, defaultdict

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from common.model import ModelConfig, TransformerLM
from common.training.evaluate import (
    bits_per_byte,
    document_nats,
    evaluate_loss,
    ngram_loss,
    perplexity,
)


def bigram_table(vocab_size: int = 11) -> nn.Embedding:
    """A model that looks at one token only: its loss does not depend on windows."""
    weight = torch.randn(vocab_size, vocab_size, generator=torch.Generator().manual_seed(0))
    return nn.Embedding.from_pretrained(weight)


def table_nats(model: nn.Embedding, ids: list[int]) -> float:
    log_p = model.weight.double().log_softmax(-1)
    return -sum(log_p[a, b].item() for a, b in zip(ids, ids[1:], strict=False))


def random_tokens(n: int, vocab_size: int = 11, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(vocab_size, size=n)


def tiny_transformer() -> TransformerLM:
    torch.manual_seed(0)
    return TransformerLM(ModelConfig(11, 16, d_model=8, num_layers=2, num_heads=2))


def test_perplexity_and_bits_known_answers():
    assert perplexity(math.log(50)) == pytest.approx(50)
    assert bits_per_byte(8 * math.log(2), 4) == pytest.approx(2)
    with pytest.raises(ValueError, match="num_bytes must be at least 1, got 0"):
        bits_per_byte(1.0, 0)


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 70), st.integers(1, 20), st.integers(1, 5))
def test_evaluate_loss_counts_every_token_but_the_first_once(n, context_length, batch_size):
    model, tokens = bigram_table(), random_tokens(n)
    loss = evaluate_loss(model, tokens, context_length, batch_size=batch_size)
    assert loss == pytest.approx(table_nats(model, tokens.tolist()) / (n - 1), rel=1e-5)


def test_evaluate_loss_uses_the_context():
    model, tokens = tiny_transformer(), random_tokens(65)
    rows = torch.from_numpy(np.stack([tokens[s : s + 17] for s in range(0, 64, 16)]))
    logits = model(rows[:, :-1])
    expected = nn.functional.cross_entropy(logits.flatten(0, 1), rows[:, 1:].flatten()).item()
    assert evaluate_loss(model, tokens, 16) == pytest.approx(expected, rel=1e-5)
    assert evaluate_loss(model, tokens, 4) != pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("training", [True, False])
def test_evaluate_loss_switches_dropout_off_and_the_mode_back(training):
    model = nn.Sequential(bigram_table(), nn.Dropout(0.5)).train(training)
    tokens = random_tokens(40)
    assert evaluate_loss(model, tokens, 8) == evaluate_loss(model, tokens, 8)
    assert model.training is training


def test_evaluate_loss_refuses_a_single_token():
    with pytest.raises(ValueError, match="needs at least 2 tokens, got 1"):
        evaluate_loss(bigram_table(), np.array([3]), 8)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 60), min_size=1, max_size=6), st.sampled_from([4, 6, 16]))
def test_document_nats_counts_every_token_once(lengths, context_length):
    model = bigram_table()
    documents = [random_tokens(n, seed=i).tolist() for i, n in enumerate(lengths)]
    nats = document_nats(model, documents, context_length, prompt=[5, 3], batch_size=2)
    expected = [table_nats(model, [3, *document]) for document in documents]
    np.testing.assert_allclose(nats, expected, rtol=1e-5)


def test_document_nats_padding_changes_nothing():
    model = tiny_transformer()
    documents = [random_tokens(n, seed=n).tolist() for n in (3, 30, 16, 9)]
    together = document_nats(model, documents, 16, prompt=[0])
    alone = [document_nats(model, [d], 16, prompt=[0])[0] for d in documents]
    np.testing.assert_allclose(together, alone, rtol=1e-5)


def test_document_nats_of_a_long_document_sees_half_a_window_at_least():
    model, document = tiny_transformer(), random_tokens(29).tolist()
    ids, expected = [0, *document], 0.0
    for target in range(1, 30):
        begin = 0 if target <= 16 else (target - 1) // 8 * 8 - 8
        logits = model(torch.tensor([ids[begin:target]]))[0, -1].detach()
        expected -= logits.log_softmax(-1)[ids[target]].item()
    assert document_nats(model, [document], 16, prompt=[0])[0] == pytest.approx(expected, rel=1e-5)


def test_document_nats_names_the_empty_document():
    with pytest.raises(ValueError, match="document 1 is empty"):
        document_nats(bigram_table(), [[1], []], 8, prompt=[0])
    with pytest.raises(ValueError, match="context_length must be even and positive, got 7"):
        document_nats(bigram_table(), [[1]], 7, prompt=[0])
    for prompt in ([], [0] * 5):
        with pytest.raises(ValueError, match=f"prompt must have 1..4 tokens, got {len(prompt)}"):
            document_nats(bigram_table(), [[1]], 8, prompt=prompt)


def test_document_nats_reads_the_prompt_and_does_not_count_it():
    model = tiny_transformer()
    logits = model(torch.tensor([[4, 7, 2, 9]]))[0].detach().log_softmax(-1)
    expected = -(logits[1, 2] + logits[2, 9] + logits[3, 1]).item()
    nats = document_nats(model, [[2, 9, 1]], 16, prompt=[4, 7])
    assert nats[0] == pytest.approx(expected, rel=1e-5)


def kneser_ney(train: list[int], order: int, vocab_size: int):
    """Chen and Goodman's equation with dictionaries; gives p(w | history)."""
    levels = [Counter(tuple(train[i : i + order]) for i in range(len(train) - order + 1))]
    for _ in range(order - 1):
        levels.append(Counter(gram[1:] for gram in levels[-1]))
    levels.reverse()
    discounts = []
    for table in levels:
        n = Counter(table.values())
        d = [0, 0.5, 0.5, 0.5]
        if n[1] and n[2] and n[3]:
            y = n[1] / (n[1] + 2 * n[2])
            d[1:] = [k - (k + 1) * y * n[k + 1] / n[k] for k in (1, 2, 3)]
            d = [0] + [min(max(d[k], 0.1), k) for k in (1, 2, 3)]
        discounts.append(d)
    followers = []
    for table in levels:
        by_history = defaultdict(dict)
        for gram, count in table.items():
            by_history[gram[:-1]][gram[-1]] = count
        followers.append(by_history)

    def p(w: int, history: tuple[int, ...], level: int) -> float:
        lower = p(w, history[1:], level - 1) if level else 1 / vocab_size
        seen, d = followers[level].get(history), discounts[level]
        if seen is None:
            return lower
        total = sum(seen.values())
        freed = sum(d[min(c, 3)] for c in seen.values())
        own = seen[w] - d[min(seen[w], 3)] if w in seen else 0
        return (own + freed * lower) / total

    return p


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 4), st.integers(2, 8), st.integers(0, 100))
def test_ngram_loss_equals_the_formula(order, vocab_size, seed):
    rng = np.random.default_rng(seed)
    train, valid = (rng.geometric(0.4, n) % vocab_size for n in (120, 30))
    p = kneser_ney(train.tolist(), order, vocab_size)
    nats = 0.0
    for i in range(1, 30):
        length = min(order, i + 1)
        nats -= math.log(p(int(valid[i]), tuple(valid[i - length + 1 : i].tolist()), length - 1))
    assert ngram_loss(train, valid, order, vocab_size) == pytest.approx(nats / 29, rel=1e-9)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_ngram_probabilities_sum_to_one(order):
    train = random_tokens(200, vocab_size=6)
    history = [2, 5]
    total = 0.0
    for w in range(6):
        both = ngram_loss(train, np.array([*history, w]), order, 6) * 2
        total += math.exp(-(both - ngram_loss(train, np.array(history), order, 6)))
    assert total == pytest.approx(1.0)


def test_ngram_loss_falls_with_order_where_order_matters():
    rng = np.random.default_rng(0)
    tokens = [0, 1]
    for _ in range(20_000):  # the next token is the sum of the last two, nine times out of ten
        tokens.append((tokens[-1] + tokens[-2]) % 7 if rng.random() < 0.9 else rng.integers(7))
    train, valid = np.array(tokens[:15_000]), np.array(tokens[15_000:])
    losses = [ngram_loss(train, valid, order, 7) for order in (1, 2, 3)]
    floor = -(0.9 + 0.1 / 7) * math.log(0.9 + 0.1 / 7) - 6 * (0.1 / 7) * math.log(0.1 / 7)
    assert losses[0] == pytest.approx(math.log(7), abs=0.01)
    assert losses[2] < losses[1] + 0.01 < losses[0] + 0.02
    assert losses[2] == pytest.approx(floor, abs=0.03)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1, 2, 9], [1, 2], 2, 9), r"ids 1..9 must lie in 0..8"),
        (([1, 2], [1], 1, 9), "needs at least 2 tokens, got 1"),
        (([1, 2], [1, 2], 0, 9), "order 0 of vocab_size 9 does not fit"),
        (([1, 2], [1, 2], 5, 50257), "order 5 of vocab_size 50257 does not fit 63 bits"),
    ],
)
def test_ngram_loss_refuses_what_it_cannot_count(arguments, message):
    train, valid, order, vocab_size = arguments
    with pytest.raises(ValueError, match=message):
        ngram_loss(np.array(train), np.array(valid), order, vocab_size)
