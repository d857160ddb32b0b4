"""Beam search: greedy at width 1, exhaustive when wide enough, and honest about length."""

from itertools import product

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from common.beam import Beam, beam_search
from common.generate import generate
from common.model import TransformerLM
from common.model_config import ModelConfig

VOCAB = 4


def make(seed: int = 0, vocab_size: int = VOCAB) -> TransformerLM:
    """Logits that depend on the text, in float64."""
    config = ModelConfig(vocab_size, context_length=10, d_model=8, num_layers=1, num_heads=2)
    model = TransformerLM(config, generator=torch.Generator().manual_seed(seed)).double()
    with torch.no_grad():
        model.token_embeddings.weight.mul_(50)
        model.lm_head.weight.mul_(20)
    return model


@torch.no_grad()
def log_probability(model: TransformerLM, prompt: list[int], new: tuple[int, ...]) -> float:
    ids = torch.tensor([[*prompt, *new]])
    steps = model(ids)[0].log_softmax(-1)[len(prompt) - 1 : -1]
    return steps.gather(-1, ids[0, len(prompt) :, None]).sum().item()


def all_texts(length: int, eos_id: int | None) -> set[tuple[int, ...]]:
    """Every text that ends at its first eos_id, or at `length` tokens."""
    texts = set()
    for text in product(range(VOCAB), repeat=length):
        texts.add(text[: text.index(eos_id) + 1] if eos_id in text else text)
    return texts


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 50), eos_id=st.none() | st.integers(0, VOCAB - 1))
def test_beam_search_of_width_one_is_greedy(seed, eos_id):
    model = make(seed)
    (beam,) = beam_search(model, [1, 2], 6, num_beams=1, eos_id=eos_id)
    greedy = generate(model, torch.tensor([[1, 2]]), 6, temperature=0, eos_id=eos_id)
    assert list(beam.ids) == greedy[0, 2:].tolist()
    assert beam.log_probability == pytest.approx(log_probability(model, [1, 2], beam.ids))


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 50),
    eos_id=st.none() | st.integers(0, VOCAB - 1),
    length_penalty=st.sampled_from([0.0, 0.6, 1.0, 2.0]),
)
def test_beam_search_as_wide_as_all_texts_is_exhaustive(seed, eos_id, length_penalty):
    model, texts = make(seed), all_texts(4, eos_id)
    beams = beam_search(
        model, [1], 4, num_beams=VOCAB**4, length_penalty=length_penalty, eos_id=eos_id
    )
    expected = {text: log_probability(model, [1], text) for text in texts}
    assert {beam.ids for beam in beams} == texts
    for beam in beams:
        assert beam.log_probability == pytest.approx(expected[beam.ids])
    best = max(texts, key=lambda text: expected[text] / len(text) ** length_penalty)
    assert beams[0].ids == best


def test_beam_search_finds_what_greedy_choice_misses():
    found = 0
    for seed in range(30):
        model = make(seed)
        (greedy,) = beam_search(model, [1], 4, num_beams=1)
        best = beam_search(model, [1], 4, num_beams=16)[0]
        assert best.log_probability >= greedy.log_probability - 1e-12
        found += best.ids != greedy.ids
    assert found > 5


def test_beam_search_adds_up_in_float32_for_a_bfloat16_model():
    config = ModelConfig(512, context_length=40, d_model=32, num_layers=1, num_heads=2)
    model = TransformerLM(config, generator=torch.Generator().manual_seed(0)).bfloat16()
    (beam,) = beam_search(model, [1, 2], 30, num_beams=1)
    total, ids = 0.0, [1, 2]
    for token in beam.ids:
        with torch.no_grad():
            logits = model(torch.tensor([ids]))[0, -1].double()
        total += logits.log_softmax(-1)[token].item()
        ids.append(token)
    assert total < -100  # where bfloat16 knows steps of half a nat only
    assert beam.log_probability == pytest.approx(total, rel=1e-6)


def test_beam_search_takes_the_first_of_equals():
    model = make()
    with torch.no_grad():
        model.lm_head.weight.zero_()  # every token is as likely as any other
    beams = beam_search(model, [1], 2, num_beams=6)
    assert [beam.ids for beam in beams] == [(0, 0), (0, 1), (0, 2), (0, 3), (1, 0), (1, 1)]


def test_beam_search_keeps_no_more_than_num_beams_and_sorts_by_score():
    beams = beam_search(make(), [1], 5, num_beams=3, length_penalty=0.5, eos_id=0)
    scores = [beam.score(0.5) for beam in beams]
    assert len(beams) == 3 and scores == sorted(scores, reverse=True)
    assert all(0 not in beam.ids[:-1] for beam in beams)  # nothing follows the end


def test_length_penalty_decides_between_short_and_long():
    short, long = Beam((1,), -1.0), Beam((1, 2, 3), -2.4)
    assert short.score(0.0) > long.score(0.0)
    assert short.score(1.0) < long.score(1.0)


def test_beam_search_stops_where_the_context_is_full():
    assert len(beam_search(make(), [1] * 8, 50, num_beams=2)[0].ids) == 2
    assert beam_search(make(), [1], 0) == [Beam((), 0.0)]


@pytest.mark.parametrize(
    ("prompt", "options", "message"),
    [
        ([], {}, "a prompt needs at least 1 token, got 0"),
        ([1] * 10, {}, "a prompt of 10 tokens leaves no room in context_length 10"),
        ([4], {}, r"token ids must be in 0\.\.3 \(vocab_size 4\), got 4"),
        ([1], {"eos_id": 9}, r"token ids must be in 0\.\.3 \(vocab_size 4\), got 9"),
        ([1], {"num_beams": 0}, "num_beams must be at least 1, got 0"),
    ],
)
def test_beam_search_refuses(prompt, options, message):
    with pytest.raises(ValueError, match=message):
        beam_search(make(), prompt, 3, **options)


def test_beam_search_refuses_nan():
    model = make()
    with torch.no_grad():
        model.ln_final.weight[0] = torch.nan
    with pytest.raises(ValueError, match="the logits hold NaN or infinity"):
        beam_search(model, [1], 3)
