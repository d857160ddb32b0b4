"""common/rope_scaling.py: known numbers, transformers' frequencies, what each method keeps."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import LlamaConfig, modeling_rope_utils

from common.rope import RotaryEmbedding
from common.rope_scaling import (
    LinearScaling,
    Llama3Scaling,
    NTKScaling,
    RopeScaling,
    YarnScaling,
    rope_frequencies,
)

OLD = 2048  # the old context of the models below, in tokens
LLAMA3 = {"low_freq_factor": 1.0, "high_freq_factor": 4.0}
YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": OLD}
CASES = [
    (LinearScaling(4.0), {"rope_type": "linear", "factor": 4.0}),
    (
        Llama3Scaling(8.0, original_context=OLD),
        {"rope_type": "llama3", "factor": 8.0, "original_max_position_embeddings": OLD} | LLAMA3,
    ),
    (YarnScaling(4.0, OLD), YARN),
    (YarnScaling(4.0, OLD, truncate=False), YARN | {"truncate": False}),
    (YarnScaling(4.0, OLD, 16.0, 2.0), YARN | {"beta_fast": 16.0, "beta_slow": 2.0}),
    (YarnScaling(4.0, OLD, attention_factor=1.5), YARN | {"attention_factor": 1.5}),
    (
        YarnScaling(4.0, OLD, mscale=0.7, mscale_all_dim=1.2),
        YARN | {"mscale": 0.7, "mscale_all_dim": 1.2},
    ),
]
each_case = pytest.mark.parametrize("scaling, parameters", CASES, ids=lambda case: repr(case)[:50])
SCALINGS = [
    LinearScaling(4.0),
    NTKScaling(4.0),
    Llama3Scaling(4.0, original_context=OLD),
    YarnScaling(4.0, OLD),
]
each_scaling = pytest.mark.parametrize("scaling", SCALINGS, ids=lambda s: type(s).__name__)


def transformers_frequencies(
    parameters: dict, head_dim: int, theta: float, num_tokens: int | None = None
) -> tuple[torch.Tensor, float]:
    config = LlamaConfig(
        hidden_size=2 * head_dim,
        num_attention_heads=2,
        max_position_embeddings=OLD,
        rope_parameters=parameters | {"rope_theta": theta},
    )
    compute = modeling_rope_utils.ROPE_INIT_FUNCTIONS[parameters["rope_type"]]
    return compute(config, torch.device("cpu"), seq_len=num_tokens)


class WideTorch:
    """torch as seen by transformers' functions, which ask it for float and float32."""

    float = float32 = torch.float64

    def __getattr__(self, name: str) -> object:
        return getattr(torch, name)


@pytest.fixture
def in_float64(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make transformers compute frequencies in float64."""
    monkeypatch.setattr(modeling_rope_utils, "torch", WideTorch())


@each_case
@pytest.mark.parametrize("head_dim, theta", [(64, 10000.0), (128, 500000.0), (16, 10000.0)])
def test_frequencies_equal_transformers(
    scaling: RopeScaling, parameters: dict, head_dim: int, theta: float
) -> None:
    expected, expected_factor = transformers_frequencies(parameters, head_dim, theta)
    frequencies, factor = rope_frequencies(head_dim, theta, scaling)
    assert expected.dtype == torch.float32
    torch.testing.assert_close(frequencies.float(), expected, rtol=2e-6, atol=0)
    assert factor == pytest.approx(expected_factor, rel=1e-15)


@each_case
@pytest.mark.parametrize("head_dim, theta", [(64, 10000.0), (128, 500000.0), (16, 10000.0)])
def test_frequencies_equal_transformers_in_float64(
    scaling: RopeScaling, parameters: dict, head_dim: int, theta: float, in_float64: None
) -> None:
    expected, _ = transformers_frequencies(parameters, head_dim, theta)
    assert expected.dtype == torch.float64
    frequencies, _ = rope_frequencies(head_dim, theta, scaling)
    torch.testing.assert_close(frequencies, expected, rtol=1e-13, atol=0)


@pytest.mark.parametrize("num_tokens", [1, OLD, OLD + 1, 3 * OLD, 10 * OLD])
@pytest.mark.parametrize("factor", [1.0, 2.0])
def test_dynamic_ntk_equals_transformers(num_tokens: int, factor: float, in_float64: None) -> None:
    parameters = {"rope_type": "dynamic", "factor": factor}
    expected, _ = transformers_frequencies(parameters, 64, 10000.0, num_tokens)
    scaling = NTKScaling.dynamic(num_tokens, original_context=OLD, factor=factor)
    frequencies, _ = rope_frequencies(64, 10000.0, scaling)
    torch.testing.assert_close(frequencies, expected, rtol=1e-12, atol=0)


@pytest.mark.parametrize("length", [OLD, 4 * OLD])
def test_static_ntk_is_the_dynamic_one_of_a_full_context(length: int) -> None:
    parameters = {"rope_type": "dynamic", "factor": 1.0}
    expected, _ = transformers_frequencies(parameters, 64, 10000.0, length)
    frequencies, _ = rope_frequencies(64, 10000.0, NTKScaling(length / OLD))
    torch.testing.assert_close(frequencies.float(), expected, rtol=2e-6, atol=0)


@pytest.mark.parametrize(
    "context, theta",
    [
        (192, 10000.0),  # pair 0 makes 30 turns, fewer than beta_fast: the ramp is cut at pair 0
        (400, 7.4),  # the last pair makes 8 turns, more than beta_slow: the ramp is cut at D - 1
    ],
)
def test_ends_of_yarns_ramp_are_cut_as_in_transformers(
    context: int, theta: float, in_float64: None
) -> None:
    parameters = YARN | {"original_max_position_embeddings": context}
    expected, _ = transformers_frequencies(parameters, 64, theta)
    frequencies, _ = rope_frequencies(64, theta, YarnScaling(4.0, context))
    torch.testing.assert_close(frequencies, expected, rtol=1e-13, atol=0)


def test_no_scaling_is_the_formula_of_the_paper() -> None:
    frequencies, factor = rope_frequencies(6, 1000.0)
    assert frequencies.tolist() == pytest.approx([1.0, 0.1, 0.01], rel=1e-14) and factor == 1.0
    assert frequencies.dtype == torch.float64


def test_llama3_by_hand() -> None:
    """theta 100, D 4: pair 0 turns 1 radian a token, pair 1 a tenth of one."""
    context = 20 * math.pi * 2.5  # pair 0 makes 25 turns in it, pair 1 2.5: half of [1, 4]
    scaling = Llama3Scaling(8.0, original_context=context)
    frequencies, _ = rope_frequencies(4, 100.0, scaling)
    assert frequencies.tolist() == pytest.approx([1.0, 0.1 * (0.5 + 0.5 / 8)], rel=1e-12)


def test_yarn_by_hand() -> None:
    """theta 10 ** 4, D 16, so f_i = 10 ** (-i / 2); 2000 pi tokens hold 1000 f_i turns."""
    scaling = YarnScaling(4.0, 2000 * math.pi, beta_fast=10.0, beta_slow=0.1)
    # 10 turns at i = 4, 0.1 turns at i = 8: the ramp is (i - 4) / 4.
    frequencies, factor = rope_frequencies(
        16, 10000.0, YarnScaling(**vars(scaling) | {"truncate": False})
    )
    slowness = [0, 0, 0, 0, 0, 0.25, 0.5, 0.75]
    expected = [10 ** (-i / 2) * (1 - s + s / 4) for i, s in enumerate(slowness)]
    assert frequencies.tolist() == pytest.approx(expected, rel=1e-9)
    assert factor == pytest.approx(0.1 * math.log(4) + 1)


@each_scaling
def test_slow_pairs_span_the_old_angles_and_fast_ones_keep_up(scaling: RopeScaling) -> None:
    plain, _ = rope_frequencies(64, 10000.0)
    scaled, _ = rope_frequencies(64, 10000.0, scaling)
    assert scaled[-1].item() == pytest.approx(plain[-1].item() / 4, rel=1e-12)
    slower = 4.0 if isinstance(scaling, LinearScaling) else 1.0
    assert scaled[0].item() == pytest.approx(plain[0].item() / slower, rel=1e-12)


@given(
    which=st.sampled_from(SCALINGS),
    head_dim=st.integers(2, 64).map(lambda pairs: 2 * pairs),
    theta=st.floats(10.0, 1e6),
    factor=st.floats(1.0, 64.0),
)
def test_every_pair_slows_by_one_to_factor(
    which: RopeScaling, head_dim: int, theta: float, factor: float
) -> None:
    plain, _ = rope_frequencies(head_dim, theta)
    scaled, scale = rope_frequencies(
        head_dim, theta, type(which)(**vars(which) | {"factor": factor})
    )
    slower = plain / scaled
    assert slower.min() >= 1 - 1e-12 and slower.max() <= factor * (1 + 1e-12)
    assert (slower.diff() >= -1e-9 * factor).all(), "slow pairs slow down at least as much"
    assert (scaled.diff() < 0).all() and scale >= 1.0


@each_scaling
def test_factor_one_changes_nothing(scaling: RopeScaling) -> None:
    plain, _ = rope_frequencies(64, 10000.0)
    same, scale = rope_frequencies(64, 10000.0, type(scaling)(**vars(scaling) | {"factor": 1.0}))
    torch.testing.assert_close(same, plain, rtol=1e-14, atol=0)
    assert scale == 1.0


@pytest.mark.parametrize(
    "change",
    [
        {"original_context": 512},
        {"beta_fast": 8.0},
        {"beta_slow": 4.0},
        {"truncate": False},
        {"factor": 8.0},
    ],
)
def test_every_yarn_setting_changes_the_frequencies(change: dict) -> None:
    scaling = YarnScaling(4.0, OLD)
    before, _ = rope_frequencies(64, 10000.0, scaling)
    after, _ = rope_frequencies(64, 10000.0, YarnScaling(**vars(scaling) | change))
    assert not torch.equal(before, after)


def test_yarn_keeps_all_pairs_when_all_turn_fast() -> None:
    """With a tiny theta even the last pair makes more than beta_fast turns in the old context."""
    frequencies, _ = rope_frequencies(8, 2.0, YarnScaling(4.0, 10**6))
    assert torch.equal(frequencies, rope_frequencies(8, 2.0)[0])


@pytest.mark.parametrize("layout", ["interleaved", "half"])
@each_scaling
def test_scores_depend_on_the_distance_only_with_scaling(scaling: RopeScaling, layout: str) -> None:
    rope = RotaryEmbedding(16, 4 * OLD, layout=layout, scaling=scaling)
    q, k = torch.randn(2, 1, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    here, there = (
        rope(q, torch.tensor([at + 7])) @ rope(k, torch.tensor([at])).T for at in (3, 3 * OLD)
    )
    torch.testing.assert_close(here, there, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: LinearScaling(0.5), "factor must be a finite number of at least 1, got 0.5"),
        (lambda: NTKScaling(math.nan), "factor must be a finite number of at least 1, got nan"),
        (lambda: Llama3Scaling(math.inf), "factor must be a finite number of at least 1, got inf"),
        (
            lambda: Llama3Scaling(low_freq_factor=4.0),
            "low_freq_factor must be positive and below high_freq_factor, got 4.0 and 4.0",
        ),
        (lambda: Llama3Scaling(original_context=0), "original_context must be at least 1, got 0"),
        (
            lambda: YarnScaling(2.0, OLD, beta_fast=1.0),
            "beta_slow must be positive and below beta_fast, got 1.0 and 1.0",
        ),
        (lambda: YarnScaling(2.0, 6), "original_context 6 must exceed 2 pi beta_slow = 6.3"),
        (
            lambda: YarnScaling(2.0, OLD, attention_factor=0.0),
            "attention_factor must be positive, got 0.0",
        ),
        (
            lambda: NTKScaling.dynamic(9, original_context=0),
            "original_context must be at least 1, got 0",
        ),
        (lambda: rope_frequencies(2, 100.0, NTKScaling(2.0)), "head_dim of at least 4, got 2"),
        (lambda: rope_frequencies(7, 100.0), "head_dim must be even and positive .* got 7"),
        (lambda: rope_frequencies(8, 1.0), "theta must be a finite number above 1, got 1.0"),
    ],
)
def test_settings_that_make_no_sense_are_errors(make, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_another_kind_of_scaling_is_an_error() -> None:
    with pytest.raises(TypeError, match="scaling must be one of .*, got 2.0"):
        rope_frequencies(8, 100.0, 2.0)
