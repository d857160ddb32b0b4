"""common/rope.py: the formula by hand, the relative property, both layouts, errors."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import LlamaConfig
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding, apply_rotary_pos_emb

from common.rope import RotaryEmbedding
from tests.tolerances import TOLERANCE

LAYOUTS = ["interleaved", "half"]


def random_vectors(*shape: int, dtype: torch.dtype = torch.float64, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64).to(dtype)


def to_half_layout(x: torch.Tensor) -> torch.Tensor:
    """Entries (0, 1, 2, 3, ...) in the order (0, 2, ..., 1, 3, ...)."""
    return torch.cat([x[..., 0::2], x[..., 1::2]], dim=-1)


@pytest.mark.parametrize(
    "layout, pairs", [("interleaved", [(0, 1), (2, 3)]), ("half", [(0, 2), (1, 3)])]
)
def test_rope_turns_each_pair_by_its_angle(layout: str, pairs: list[tuple[int, int]]) -> None:
    x = random_vectors(4)
    position, theta = 5, 100.0
    actual = RotaryEmbedding(4, 8, theta, layout=layout)(x[None], torch.tensor([position]))[0]
    for index, (first, second) in enumerate(pairs):
        angle = position * theta ** (-2 * index / 4)
        a, b = x[first].item(), x[second].item()
        turned = (
            a * math.cos(angle) - b * math.sin(angle),
            a * math.sin(angle) + b * math.cos(angle),
        )
        assert (actual[first].item(), actual[second].item()) == pytest.approx(turned, rel=1e-12)


@pytest.mark.parametrize("layout", LAYOUTS)
@settings(deadline=None, max_examples=40)
@given(
    query_at=st.integers(0, 400),
    key_at=st.integers(0, 400),
    shift=st.integers(0, 600),
    seed=st.integers(0, 1000),
)
def test_scores_depend_on_the_distance_only(
    layout: str, query_at: int, key_at: int, shift: int, seed: int
) -> None:
    rope = RotaryEmbedding(16, 1024, layout=layout)
    q, k = random_vectors(2, 1, 16, seed=seed)
    here = rope(q, torch.tensor([query_at])) @ rope(k, torch.tensor([key_at])).T
    there = rope(q, torch.tensor([query_at + shift])) @ rope(k, torch.tensor([key_at + shift])).T
    torch.testing.assert_close(here, there, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", list(TOLERANCE))
def test_rope_keeps_norms_shape_and_dtype(layout: str, dtype: torch.dtype) -> None:
    x = random_vectors(2, 3, 7, 8, dtype=dtype)
    turned = RotaryEmbedding(8, 16, layout=layout)(x, torch.arange(7))
    assert turned.shape == x.shape and turned.dtype == dtype
    torch.testing.assert_close(turned.norm(dim=-1), x.norm(dim=-1), **TOLERANCE[dtype])
    assert not torch.allclose(turned[:, :, 1:], x[:, :, 1:])


def test_position_zero_changes_nothing() -> None:
    x = random_vectors(3, 8)
    for layout in LAYOUTS:
        assert torch.equal(RotaryEmbedding(8, 4, layout=layout)(x, torch.zeros(3).long()), x)


def test_layouts_are_one_rotation_in_another_order() -> None:
    x, positions = random_vectors(2, 5, 12), torch.arange(5)
    interleaved = RotaryEmbedding(12, 8)(x, positions)
    half = RotaryEmbedding(12, 8, layout="half")(to_half_layout(x), positions)
    torch.testing.assert_close(half, to_half_layout(interleaved), **TOLERANCE[torch.float64])
    assert not torch.allclose(RotaryEmbedding(12, 8, layout="half")(x, positions), interleaved)


def test_half_layout_equals_transformers() -> None:
    config = LlamaConfig(hidden_size=32, num_attention_heads=2, max_position_embeddings=64)
    q = random_vectors(2, 2, 9, 16, dtype=torch.float32)
    positions = torch.arange(9)
    cos, sin = LlamaRotaryEmbedding(config)(q, positions[None])
    expected, _ = apply_rotary_pos_emb(q, q, cos, sin)
    actual = RotaryEmbedding(16, 64, layout="half")(q, positions)
    torch.testing.assert_close(actual, expected, **TOLERANCE[torch.float32])


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("heads", [(), (3,), (2, 3)])
def test_rows_of_positions_equal_one_sequence_at_a_time(
    layout: str, heads: tuple[int, ...]
) -> None:
    rope = RotaryEmbedding(6, 32, layout=layout)
    x = random_vectors(2, *heads, 4, 6)
    positions = torch.tensor([[0, 1, 2, 3], [9, 10, 11, 20]])
    together = rope(x, positions)
    for index in range(2):
        assert torch.equal(together[index], rope(x[index], positions[index]))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_gradient_is_the_rotation_backwards(layout: str) -> None:
    rope = RotaryEmbedding(8, 16, layout=layout)
    x = random_vectors(2, 5, 8).requires_grad_()
    assert torch.autograd.gradcheck(lambda t: rope(t, torch.arange(5)), x)


def test_theta_changes_every_pair_but_the_first() -> None:
    x, positions = random_vectors(3, 8), torch.arange(3)
    small, large = (RotaryEmbedding(8, 4, theta)(x, positions) for theta in (100.0, 1e6))
    assert torch.equal(small[:, :2], large[:, :2])
    assert (small[1:, 2:] != large[1:, 2:]).all()


def test_bfloat16_module_keeps_exact_angles() -> None:
    x = random_vectors(1, 8, dtype=torch.float32)
    late = torch.tensor([1001])  # bfloat16 would round 1001 to 1000
    exact = RotaryEmbedding(8, 1024)(x, late)
    assert torch.equal(RotaryEmbedding(8, 1024).to(torch.bfloat16)(x, late), exact)


@pytest.mark.parametrize("positions", [[0, 8], [-1, 0]])
def test_position_outside_the_table_is_an_error(positions: list[int]) -> None:
    message = rf"positions must be in 0..7 \(max_seq_len 8\), got {positions[0]}..{positions[1]}"
    with pytest.raises(ValueError, match=message):
        RotaryEmbedding(4, 8)(torch.zeros(2, 4), torch.tensor(positions))


def test_bad_settings_are_errors() -> None:
    with pytest.raises(ValueError, match="head_dim must be even and positive to form pairs, got 5"):
        RotaryEmbedding(5, 8)
    with pytest.raises(ValueError, match='layout must be "interleaved" or "half", got \'neox\''):
        RotaryEmbedding(4, 8, layout="neox")
    with pytest.raises(ValueError, match=r"x must end in head_dim 4, got shape \(2, 6\)"):
        RotaryEmbedding(4, 8)(torch.zeros(2, 6), torch.arange(2))
