"""Generation: cached equals uncached, batched equals one by one, and it stops where it must."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from common.generate import generate, generate_batch, generate_stream
from common.model import ModelConfig, TransformerLM
from common.samplers import greedy

SIZES = {"vocab_size": 20, "context_length": 24, "d_model": 32, "num_layers": 2, "num_heads": 4}
CONFIGS = [ModelConfig(**SIZES, num_kv_heads=2), ModelConfig.gpt2_small(**SIZES)]
PROMPTS = [[1, 2, 3], [4], [5, 6, 7, 8, 9, 1, 2], [3, 3], [9, 8, 7], [10] * 12]


def make(config: ModelConfig = CONFIGS[0]) -> TransformerLM:
    """Sharper logits than an untrained model's, in float64: no two tokens are nearly tied."""
    model = TransformerLM(config, generator=torch.Generator().manual_seed(0)).double()
    with torch.no_grad():
        model.token_embeddings.weight.mul_(50)
        model.lm_head.weight.mul_(1 if config.tie_embeddings else 50)
        if config.positions == "learned":
            model.position_embeddings.weight.mul_(50)
    return model


@torch.no_grad()
def recompute_greedy(model: TransformerLM, ids: list[int], max_new_tokens: int) -> list[int]:
    """The slow twin: no cache, no batch, the whole sequence again for every token."""
    new: list[int] = []
    while len(new) < max_new_tokens and len(ids) + len(new) < model.config.context_length:
        logits = model(torch.tensor([ids + new]))[0, -1]
        new.append(greedy(logits).item())
    return new


@pytest.mark.parametrize("config", CONFIGS)
def test_generate_with_cache_equals_recomputing(config):
    model = make(config)
    ids = torch.tensor([[1, 2, 3], [4, 5, 6]])
    out = generate(model, ids, 10, temperature=0)
    assert [row[3:] for row in out.tolist()] == [
        recompute_greedy(model, row, 10) for row in ids.tolist()
    ]


@pytest.mark.parametrize("config", CONFIGS)
@pytest.mark.parametrize("batch_size", [1, 4, 64])
def test_generate_batch_equals_one_by_one(config, batch_size):
    model = make(config)
    expected = [recompute_greedy(model, prompt, 8) for prompt in PROMPTS]
    assert generate_batch(model, PROMPTS, 8, batch_size=batch_size) == expected
    assert len({tuple(new) for new in expected}) > 3  # the prompts matter


@settings(max_examples=10, deadline=None)
@given(
    prompts=st.lists(
        st.lists(st.integers(0, 19), min_size=1, max_size=23), min_size=1, max_size=5
    ),
    stop_id=st.integers(0, 19),
)  # fmt: skip
def test_generate_batch_rows_stop_alone(prompts, stop_id):
    model = make()
    expected = []
    for prompt in prompts:
        new = recompute_greedy(model, prompt, 30)
        expected.append(new[: new.index(stop_id)] if stop_id in new else new)
    assert generate_batch(model, prompts, 30, stop_ids={stop_id}) == expected


def test_generate_stream_equals_generate_for_the_same_seed():
    model = make()
    options = {"temperature": 0.8, "top_k": 10, "top_p": 0.95, "min_p": 0.01}
    out = generate(
        model, torch.tensor([[1, 2]]), 9, generator=torch.Generator().manual_seed(3), **options
    )
    stream = generate_stream(
        model, [1, 2], 9, generator=torch.Generator().manual_seed(3), **options
    )
    assert list(stream) == out[0, 2:].tolist()


def test_generate_is_reproduced_by_the_seed():
    model, ids = make(), torch.tensor([[1, 2]] * 8)
    first, again, other = (
        generate(model, ids, 5, generator=torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_generate_stream_works_while_it_is_read():
    model = make()
    calls = []
    model.register_forward_hook(lambda *_: calls.append("forward"))
    model.ln_final.register_forward_hook(lambda *_: calls.append("hidden"))
    stream = generate_stream(model, [1, 2], 20)
    next(stream)
    assert calls == ["hidden"]


def test_generate_stream_ends_before_a_stop_token():
    model = make()
    new = recompute_greedy(model, [1, 2, 3], 8)
    stop = new[4]
    assert (
        list(generate_stream(model, [1, 2, 3], 8, temperature=0, stop_ids=[stop]))
        == (new[: new.index(stop)])
    )


def test_generate_fills_finished_rows_with_eos_and_ends_with_the_last():
    model = make()
    rows = [recompute_greedy(model, [first], 12) for first in (1, 2, 3)]
    eos = next(t for t in rows[0] if sum(t in row for row in rows) >= 2)
    out = generate(model, torch.tensor([[1], [2], [3]]), 12, temperature=0, eos_id=eos)
    ends = [row.index(eos) + 1 if eos in row else 12 for row in rows]
    assert out.shape[1] == 1 + max(ends)
    for row, written, end in zip(rows, out[:, 1:].tolist(), ends, strict=True):
        assert written[:end] == row[:end]
        assert set(written[end:]) <= {eos}


def test_generate_repetition_penalty_avoids_the_prompt_and_itself():
    model, ids = make(), torch.tensor([[1, 2, 3]])
    out = generate(model, ids, 10, temperature=0, repetition_penalty=1e6)[0].tolist()
    assert len(set(out)) == len(out)
    plain = generate(model, ids, 10, temperature=0)[0].tolist()
    assert len(set(plain)) < len(plain)


@pytest.mark.parametrize("config", CONFIGS)
def test_generation_stops_where_the_context_is_full(config):
    model = make(config)
    assert generate(model, torch.zeros(2, 20, dtype=torch.int64), 50).shape == (2, 24)
    assert len(list(generate_stream(model, [0] * 23, 50))) == 1
    assert [len(new) for new in generate_batch(model, [[0], [0] * 20], 50)] == [23, 4]


def test_generate_zero_new_tokens_returns_the_prompt():
    ids = torch.tensor([[1, 2]])
    assert torch.equal(generate(make(), ids, 0), ids)
    assert generate_batch(make(), [[1, 2]], 0) == [[]]
    assert generate_batch(make(), [], 5) == []


def test_generation_records_no_gradients():
    model = make()
    hidden = []
    model.ln_final.register_forward_hook(lambda _m, _i, out: hidden.append(out))
    generate(model, torch.tensor([[1]]), 2)
    assert not any(h.requires_grad for h in hidden)
    assert torch.is_grad_enabled()
    stream = generate_stream(model, [1], 2)
    next(stream)
    assert torch.is_grad_enabled()  # also between two tokens of a stream


@pytest.mark.parametrize("length", [24, 30])
def test_a_prompt_that_leaves_no_room_is_refused(length):
    message = f"a prompt of {length} tokens leaves no room in context_length 24"
    with pytest.raises(ValueError, match=message):
        generate(make(), torch.zeros(1, length, dtype=torch.int64), 1)
    with pytest.raises(ValueError, match=message):
        next(generate_stream(make(), [0] * length, 1))
    with pytest.raises(ValueError, match=message):
        generate_batch(make(), [[0], [0] * length], 1)


def test_an_empty_prompt_is_refused():
    with pytest.raises(ValueError, match="a prompt needs at least 1 token, got 0"):
        generate_batch(make(), [[1], []], 1)


def test_a_negative_number_of_tokens_is_refused():
    with pytest.raises(ValueError, match="max_new_tokens must be at least 0, got -1"):
        generate(make(), torch.tensor([[1]]), -1)


def test_generate_batch_with_a_repetition_penalty_equals_one_by_one():
    model = make()
    options = {"temperature": 0, "repetition_penalty": 1.5}
    expected = [
        generate(model, torch.tensor([prompt]), 8, **options)[0, len(prompt) :].tolist()
        for prompt in PROMPTS
    ]
    assert generate_batch(model, PROMPTS, 8, **options) == expected
    plain = generate_batch(model, PROMPTS, 8)
    assert plain != expected  # the penalty changes something


def test_nan_weights_are_refused_when_a_token_is_chosen():
    model = make()
    with torch.no_grad():
        model.ln_final.weight[0] = torch.nan
    with pytest.raises(ValueError, match="a row of logits holds NaN"):
        generate(model, torch.tensor([[1]]), 3)


@pytest.mark.parametrize("bad", [-1, 20, 999])
def test_token_ids_outside_the_vocabulary_are_refused(bad):
    message = rf"token ids must be in 0\.\.19 \(vocab_size 20\), got {bad}"
    with pytest.raises(ValueError, match=message):
        generate(make(), torch.tensor([[1, bad]]), 2)
    with pytest.raises(ValueError, match=message):
        generate(make(), torch.tensor([[1]]), 2, eos_id=bad)
    with pytest.raises(ValueError, match=message):
        next(generate_stream(make(), [1, bad], 2))
    with pytest.raises(ValueError, match=message):
        next(generate_stream(make(), [1], 2, stop_ids=[bad]))
    with pytest.raises(ValueError, match=message):
        generate_batch(make(), [[1], [1, bad]], 2)
    with pytest.raises(ValueError, match=message):
        generate_batch(make(), [[1]], 2, stop_ids={bad})


@pytest.mark.parametrize("ids", [torch.tensor([1, 2]), torch.tensor([[1.0]]), torch.ones(1, 1, 1)])
def test_ids_of_another_shape_or_dtype_are_refused(ids):
    with pytest.raises(ValueError, match=r"ids must be \(B, T\) int64, got"):
        generate(make(), ids, 2)


def test_an_empty_prompt_is_refused_by_every_function():
    for call in (
        lambda: generate(make(), torch.zeros(1, 0, dtype=torch.int64), 2),
        lambda: next(generate_stream(make(), [], 2)),
    ):
        with pytest.raises(ValueError, match="a prompt needs at least 1 token, got 0"):
            call()


def test_generate_batch_refuses_a_batch_size_of_zero():
    with pytest.raises(ValueError, match="batch_size must be at least 1, got 0"):
        generate_batch(make(), [[1]], 1, batch_size=0)
