"""Masked loss, masked reductions, joined turns and resumable batches of common/alignment/sft.py."""

import math
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import GPT2Config, GPT2LMHeadModel

from common.alignment.evaluate import reply_all
from common.alignment.sft import (
    IGNORE_INDEX,
    ChatBatches,
    collate,
    join_turns,
    masked_mean,
    masked_normalize,
    response_log_probs,
    sft,
    sft_loss,
    tokenize_prompt_and_output,
)
from common.model import ModelConfig, TransformerLM
from common.tokenizer.encode import BPETokenizer
from common.tokenizer.special import CHAT_SPECIAL_TOKENS
from tests.tolerances import TOLERANCE

TOKENIZER = BPETokenizer({i: bytes([i]) for i in range(256)}, [], CHAT_SPECIAL_TOKENS)


class Letters:
    """a = 1, b = 2, ...: a tokenizer that can be checked by eye."""

    def encode(self, text: str, *, allowed_special: tuple[str, ...]) -> list[int]:
        assert allowed_special == ()
        return [ord(letter) - 96 for letter in text]


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


conversations_strategy = st.lists(
    st.lists(st.booleans(), min_size=2, max_size=9).map(
        lambda mask: (list(range(len(mask))), mask)
    ),
    min_size=1,
    max_size=40,
)


def test_tokenize_prompt_and_output_known_answer() -> None:
    batch = tokenize_prompt_and_output(["abc", "a"], ["d", "yz"], Letters(), pad_id=0)
    assert batch["input_ids"].tolist() == [[1, 2, 3], [1, 25, 26]]
    assert batch["labels"].tolist() == [[2, 3, 4], [25, 26, 0]]
    assert batch["response_mask"].tolist() == [[False, False, True], [True, True, False]]


def test_tokenize_prompt_and_output_unequal_lists_are_refused() -> None:
    with pytest.raises(ValueError, match="got 2 prompts and 1 outputs"):
        tokenize_prompt_and_output(["a", "b"], ["c"], Letters(), pad_id=0)


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


def test_collate_known_answer() -> None:
    rows = [([1, 2, 3, 4], [False, False, True, True]), ([5, 6], [False, True])]
    ids, labels = collate(rows, pad_id=9)
    assert ids.tolist() == [[1, 2, 3], [5, 6, 9]]
    assert labels.tolist() == [[IGNORE_INDEX, 3, 4], [6, IGNORE_INDEX, IGNORE_INDEX]]


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


@settings(max_examples=50, deadline=None)
@given(conversations_strategy, st.integers(1, 4), st.integers(0, 9))
def test_join_turns_keeps_every_conversation_once_and_fits(conversations, max_turns, seed) -> None:
    joined = join_turns(conversations, context_length=12, max_turns=max_turns, seed=seed)
    assert all(len(ids) == len(mask) <= 12 for ids, mask in joined)
    starts = [
        sum(1 for i in ids if i == 0) for ids, _ in joined
    ]  # every strategy row begins with id 0
    assert sum(starts) == len(conversations) and max(starts) <= max_turns
    assert sum(len(ids) for ids, _ in joined) == sum(len(ids) for ids, _ in conversations)
    assert sum(map(sum, (mask for _, mask in joined))) == sum(
        map(sum, (mask for _, mask in conversations))
    )


def test_join_turns_max_turns_changes_how_many_are_joined() -> None:
    conversations = [([0, 1], [False, True])] * 60
    single = join_turns(conversations, context_length=20, max_turns=1, seed=0)
    several = join_turns(conversations, context_length=20, max_turns=5, seed=0)
    assert len(single) == 60 and len(several) < 40


def test_join_turns_refuses_what_the_context_cannot_hold() -> None:
    with pytest.raises(ValueError, match="conversation of 3 tokens does not fit context_length 2"):
        join_turns([([1, 2, 3], [False] * 3)], context_length=2, max_turns=1, seed=0)


@settings(max_examples=50, deadline=None)
@given(conversations_strategy, st.integers(8, 40))
def test_chat_batches_epoch_shows_every_conversation_once(conversations, max_tokens) -> None:
    batches = ChatBatches(conversations, max_tokens=max_tokens, pad_id=-1, seed=3)
    learned, rows = 0, 0
    while batches.epoch == 0 and rows < len(conversations):
        ids, labels = batches.next_batch()
        assert ids.numel() <= max_tokens and ids.shape == labels.shape
        assert ((labels == IGNORE_INDEX) | (ids >= 0)).all()  # padding is never a label
        rows, learned = rows + len(ids), learned + int((labels != IGNORE_INDEX).sum())
    assert rows == len(conversations)
    assert learned == sum(sum(mask[1:]) for _, mask in conversations)


def test_chat_batches_of_similar_length_waste_little() -> None:
    generator = torch.Generator().manual_seed(0)
    lengths = torch.randint(4, 190, (600,), generator=generator).tolist()
    batches = ChatBatches(
        [([1] * n, [True] * n) for n in lengths], max_tokens=1152, pad_id=0, seed=0
    )
    shown, useful = 0, 0
    while batches.epoch == 0:
        ids, labels = batches.next_batch()
        shown, useful = shown + ids.numel(), useful + int((labels != IGNORE_INDEX).sum())
    assert 0.9 < useful / shown <= 1


def test_chat_batches_resume_with_the_same_bits() -> None:
    conversations = [
        ([i, i + 1, i + 2][: 2 + i % 2], [False, True, True][: 2 + i % 2]) for i in range(20)
    ]
    stream = ChatBatches(conversations, max_tokens=6, pad_id=0, seed=5)
    for _ in range(13):
        stream.next_batch()
    state = stream.state_dict()
    expected = [stream.next_batch() for _ in range(15)]  # runs into the next epoch
    resumed = ChatBatches(conversations, max_tokens=6, pad_id=0, seed=5)
    resumed.load_state_dict(state)
    for ids, labels in expected:
        got_ids, got_labels = resumed.next_batch()
        assert torch.equal(ids, got_ids) and torch.equal(labels, got_labels)
    assert stream.epoch > state["epoch"]


def test_chat_batches_seed_changes_the_order() -> None:
    conversations = [([i, i + 1], [False, True]) for i in range(30)]
    first, second = (
        [
            ChatBatches(conversations, max_tokens=4, pad_id=0, seed=s).next_batch()[0].tolist()
            for s in (s,)
        ]
        for s in (0, 1)
    )
    assert first != second


def test_chat_batches_refuse_a_conversation_longer_than_a_batch() -> None:
    with pytest.raises(
        ValueError, match="max_tokens 2 must hold the longest conversation of 3 tokens"
    ):
        ChatBatches([([1, 2, 3, 4], [True] * 4)], max_tokens=2, pad_id=0, seed=0)


def test_sft_teaches_the_answers() -> None:
    config = ModelConfig(TOKENIZER.vocab_size, 32, d_model=32, num_layers=1, num_heads=2)
    model = TransformerLM(config, generator=torch.Generator().manual_seed(0))
    examples = [SimpleNamespace(prompt=p, answer=a) for p, a in (("one", "1"), ("two", "2"))]
    records = sft(
        model, TOKENIZER, examples * 20, steps=150, lr=0.02, batch_tokens=128, report=lambda _: None
    )
    assert records[-1].loss < 0.1 * records[0].loss
    assert reply_all(model, TOKENIZER, ["one", "two"]) == ["1", "2"]
