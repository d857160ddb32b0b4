"""The masked loss, masked reductions and the run of common/alignment/sft.py."""

import math
from types import SimpleNamespace

import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel

from common.alignment.batches import IGNORE_INDEX, collate
from common.alignment.evaluate import reply_all
from common.alignment.sft import (
    masked_mean,
    masked_normalize,
    response_log_probs,
    sft,
    sft_loss,
    start_control_tokens,
)
from common.model import ModelConfig, TransformerLM
from common.tokenizer.encode import BPETokenizer
from common.tokenizer.special import CHAT_SPECIAL_TOKENS
from tests.tolerances import TOLERANCE

TOKENIZER = BPETokenizer({i: bytes([i]) for i in range(256)}, [], CHAT_SPECIAL_TOKENS)


def reference_model() -> GPT2LMHeadModel:
    torch.manual_seed(0)
    config = GPT2Config(vocab_size=31, n_positions=16, n_embd=16, n_layer=1, n_head=2)
    return GPT2LMHeadModel(config).eval()


def tiny_model() -> TransformerLM:
    config = ModelConfig(31, context_length=16, d_model=16, num_layers=1, num_heads=2)
    return TransformerLM(config, generator=torch.Generator().manual_seed(0)).double()


def random_batch() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    ids = torch.randint(31, (3, 9), generator=generator)
    mask = torch.rand(3, 9, generator=generator) < 0.5
    return ids, mask


def test_response_log_probs_of_uniform_logits_is_minus_log_vocabulary() -> None:
    ids, labels = torch.zeros(2, 3, dtype=torch.int64), torch.ones(2, 3, dtype=torch.int64)
    got = response_log_probs(lambda x: torch.zeros(*x.shape, 8), ids, labels)
    assert torch.allclose(got, torch.full((2, 3), -math.log(8)))


def test_response_log_probs_accepts_logits_and_objects_with_logits() -> None:
    model, (ids, _) = reference_model(), random_batch()
    wrapped = response_log_probs(model, ids[:, :-1], ids[:, 1:])
    bare = response_log_probs(lambda x: model(x).logits, ids[:, :-1], ids[:, 1:])
    assert torch.equal(wrapped, bare)


def test_response_log_probs_of_ignored_labels_is_zero_with_zero_gradient() -> None:
    logits = torch.randn(1, 3, 5, requires_grad=True)
    labels = torch.tensor([[4, IGNORE_INDEX, 0]])
    got = response_log_probs(lambda _: logits, labels, labels)
    got.sum().backward()
    assert got[0, 1] == 0 and got[0, 0] < 0
    assert torch.equal(logits.grad[0, 1], torch.zeros(5)) and logits.grad[0, 0].abs().sum() > 0


def test_response_log_probs_of_bfloat16_logits_are_float32() -> None:
    logits = torch.randn(1, 2, 5).bfloat16()
    got = response_log_probs(lambda _: logits, torch.zeros(1, 2).long(), torch.zeros(1, 2).long())
    assert got.dtype == torch.float32
    assert torch.allclose(got, logits.float().log_softmax(-1)[..., 0], **TOLERANCE[torch.float32])


def test_sft_loss_equals_transformers_loss_with_ignored_labels() -> None:
    model, (ids, mask) = reference_model(), random_batch()
    labels = ids.masked_fill(~mask, IGNORE_INDEX)
    expected = model(ids, labels=labels).loss
    ours = SimpleNamespace(
        hidden=lambda x: model.transformer(x).last_hidden_state, lm_head=model.lm_head
    )
    got = sft_loss(ours, (ids[:, :-1], labels[:, 1:]))
    assert torch.allclose(got, expected, **TOLERANCE[torch.float32])


def test_sft_loss_equals_masked_mean_of_response_log_probs() -> None:
    model, (ids, mask) = tiny_model(), random_batch()
    labels = ids.masked_fill(~mask, IGNORE_INDEX)[:, 1:]
    log_probs = response_log_probs(model, ids[:, :-1], ids[:, 1:])
    got = sft_loss(model, (ids[:, :-1], labels))
    assert torch.allclose(got, -masked_mean(log_probs, mask[:, 1:]), **TOLERANCE[torch.float64])


def test_sft_loss_gradient_equals_that_of_all_logits() -> None:
    model, (ids, mask) = tiny_model(), random_batch()
    labels = ids.masked_fill(~mask, IGNORE_INDEX)[:, 1:]
    logits = model(ids[:, :-1]).flatten(0, 1)
    whole = torch.nn.functional.cross_entropy(logits, labels.flatten(), ignore_index=IGNORE_INDEX)
    expected = torch.autograd.grad(whole, list(model.parameters()))
    got = torch.autograd.grad(sft_loss(model, (ids[:, :-1], labels)), list(model.parameters()))
    for a, b in zip(got, expected, strict=True):
        assert torch.allclose(a, b, **TOLERANCE[torch.float64])


def test_sft_loss_of_padded_batch_equals_loss_of_its_rows() -> None:
    model = tiny_model()
    rows = [([3, 4, 5, 6, 7], [False, False, True, True, True]), ([8, 9], [False, True])]
    alone = [sft_loss(model, collate([row], pad_id=0)) * sum(row[1]) for row in rows]
    together = sft_loss(model, collate(rows, pad_id=0))
    assert torch.allclose(together, sum(alone) / 4, **TOLERANCE[torch.float64])


def test_masked_mean_known_answer_along_a_dimension() -> None:
    x = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    mask = torch.tensor([[True, True, False], [False, False, True]])
    assert masked_mean(x, mask, 1).tolist() == [1.5, 6.0]
    assert masked_mean(x, mask).item() == 3.0


def test_masked_mean_of_nothing_is_nan() -> None:
    got = masked_mean(torch.ones(2, 2), torch.tensor([[True, False], [False, False]]), 1)
    assert got[0] == 1 and got[1].isnan()


def test_masked_normalize_ignores_infinities_outside_the_mask() -> None:
    x = torch.tensor([[1.0, math.inf], [math.nan, 4.0]])
    mask = torch.tensor([[True, False], [False, True]])
    assert masked_normalize(x, mask, 10.0).item() == 0.5
    assert masked_normalize(x, mask, 2.0, 0).tolist() == [0.5, 2.0]


def test_sft_teaches_the_answers() -> None:
    config = ModelConfig(TOKENIZER.vocab_size, 32, d_model=32, num_layers=1, num_heads=2)
    model = TransformerLM(config, generator=torch.Generator().manual_seed(0))
    examples = [SimpleNamespace(prompt=p, answer=a) for p, a in (("one", "1"), ("two", "2"))]
    records = sft(
        model, TOKENIZER, examples * 20, steps=150, lr=0.02, batch_tokens=128, report=lambda _: None
    )
    assert records[-1].loss < 0.1 * records[0].loss
    assert reply_all(model, TOKENIZER, ["one", "two"]) == ["1", "2"]


@pytest.mark.parametrize("tied", [True, False])
def test_start_control_tokens_takes_the_rows_of_words_that_stood_in_their_place(tied) -> None:
    config = ModelConfig(
        TOKENIZER.vocab_size, 32, d_model=8, num_layers=1, num_heads=2, tie_embeddings=tied
    )
    model = TransformerLM(config, generator=torch.Generator().manual_seed(0))
    before = model.token_embeddings.weight.detach().clone()
    start_control_tokens(model, TOKENIZER)
    for rows in (model.token_embeddings.weight, model.lm_head.weight):
        assert torch.equal(rows[TOKENIZER.special_id("<|end|>")], rows[ord("\n")])
        user, assistant = (TOKENIZER.special_id(f"<|{name}|>") for name in ("user", "assistant"))
        expected = rows[list(b"Answer:")].mean(dim=0)
        assert torch.allclose(rows[assistant], expected) and not torch.equal(rows[user], expected)
    assert torch.equal(model.token_embeddings.weight[:256], before[:256])
