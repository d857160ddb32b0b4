"""common/rope.py: the formula by hand, the relative property, both layouts, scaling, errors."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import LlamaConfig
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding, apply_rotary_pos_emb

from common.attention import MultiHeadAttention
from common.rope import RotaryEmbedding, convert_rope_layout
from common.rope_scaling import LinearScaling, YarnScaling
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


def test_module_made_on_the_meta_device_rotates_on_the_cpu() -> None:
    with torch.device("meta"):
        rope = RotaryEmbedding(8, 16)
    x = random_vectors(3, 8)
    positions = torch.arange(3)
    with torch.device("meta"):  # the table is made at first use
        turned = rope(x, positions)
    assert torch.equal(turned, RotaryEmbedding(8, 16)(x, positions))


def test_pairs_on_odd_addresses_rotate_as_well() -> None:
    rope, wide = RotaryEmbedding(4, 8), random_vectors(3, 5)
    for x in (wide[:, :4], wide[:, 1:], random_vectors(4, 3).T):
        assert torch.equal(rope(x, torch.arange(3)), rope(x.contiguous().clone(), torch.arange(3)))


def test_empty_sequence_gives_an_empty_answer() -> None:
    assert RotaryEmbedding(4, 8)(torch.zeros(2, 0, 4), torch.zeros(0).long()).shape == (2, 0, 4)


def test_nan_stays_in_its_pair() -> None:
    x = random_vectors(3, 8)
    x[1, 2] = math.nan
    turned = RotaryEmbedding(8, 4)(x, torch.arange(3))
    assert turned.isnan().nonzero().tolist() == [[1, 2], [1, 3]]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_linear_scaling_reads_position_2p_as_p(layout: str) -> None:
    x = random_vectors(3, 8)
    scaled = RotaryEmbedding(8, 16, layout=layout, scaling=LinearScaling(2.0))
    actual = scaled(x, torch.tensor([0, 4, 14]))
    expected = RotaryEmbedding(8, 16, layout=layout)(x, torch.tensor([0, 2, 7]))
    torch.testing.assert_close(actual, expected, **TOLERANCE[torch.float64])


@pytest.mark.parametrize("layout", LAYOUTS)
def test_yarn_multiplies_scores_by_its_factor_squared(layout: str) -> None:
    q, k = random_vectors(2, 3, 8)
    plain, twice = (
        RotaryEmbedding(8, 16, layout=layout, scaling=YarnScaling(4.0, 16, attention_factor=factor))
        for factor in (1.0, 2.0)
    )
    at = torch.arange(3)
    torch.testing.assert_close(
        twice(q, at) @ twice(k, at).T, 4 * plain(q, at) @ plain(k, at).T, rtol=1e-10, atol=1e-12
    )


def test_scaling_shows_in_the_description() -> None:
    assert "scaling" not in repr(RotaryEmbedding(8, 16))
    scaled = RotaryEmbedding(8, 16, scaling=LinearScaling(2.0))
    assert "scaling=LinearScaling(factor=2.0)" in repr(scaled)


@pytest.mark.parametrize("num_kv_heads", [4, 2, 1])
@pytest.mark.parametrize("source, target", [LAYOUTS, LAYOUTS[::-1]])
def test_converted_projections_give_the_same_scores(
    num_kv_heads: int, source: str, target: str
) -> None:
    num_heads, head_dim, positions = 4, 6, torch.arange(5)
    w_q = random_vectors(num_heads * head_dim, 10, seed=1)
    w_k = random_vectors(num_kv_heads * head_dim, 10, seed=2)
    b_q, b_k = random_vectors(len(w_q), seed=3), random_vectors(len(w_k), seed=4)
    x = random_vectors(5, 10, seed=5)

    def scores(layout: str, *weights: torch.Tensor) -> torch.Tensor:
        rope = RotaryEmbedding(head_dim, 8, layout=layout)
        w_q, w_k, b_q, b_k = weights
        q = rope((x @ w_q.T + b_q).unflatten(1, (num_heads, -1)).transpose(0, 1), positions)
        k = rope((x @ w_k.T + b_k).unflatten(1, (num_kv_heads, -1)).transpose(0, 1), positions)
        return q @ k.repeat_interleave(num_heads // num_kv_heads, dim=0).mT  # (H, T, T)

    weights, heads = (w_q, w_k, b_q, b_k), (num_heads, num_kv_heads) * 2
    converted = [
        convert_rope_layout(w, n, source=source, target=target)
        for w, n in zip(weights, heads, strict=True)
    ]
    expected = scores(source, *weights)
    torch.testing.assert_close(scores(target, *converted), expected, rtol=1e-12, atol=1e-12)
    assert not torch.allclose(scores(target, *weights), expected)


@pytest.mark.parametrize("source, target", [LAYOUTS, LAYOUTS[::-1]])
def test_converted_attention_layer_gives_the_same_output(source: str, target: str) -> None:
    def new_layer(layout: str) -> MultiHeadAttention:
        rope = RotaryEmbedding(8, 16, layout=layout)
        layer = MultiHeadAttention(32, 4, num_kv_heads=2, rope=rope, qk_norm=True, bias=True)
        return layer.double()

    before, after = new_layer(source), new_layer(target)
    with torch.no_grad():
        for norm in (before.q_norm, before.k_norm):  # gains as training leaves them
            norm.weight.copy_(random_vectors(8, seed=6).abs())
        state = before.state_dict()
        for name in state:
            if name.startswith(("q_", "k_")):
                heads = 1 if "norm" in name else {"q": 4, "k": 2}[name[0]]
                state[name] = convert_rope_layout(state[name], heads, source=source, target=target)
        x = random_vectors(2, 9, 32)
        after.load_state_dict(before.state_dict())
        assert not torch.allclose(after(x), before(x))
        after.load_state_dict(state)
        torch.testing.assert_close(after(x), before(x), **TOLERANCE[torch.float64])


@settings(deadline=None, max_examples=30)
@given(heads=st.integers(1, 5), pairs=st.integers(1, 6), width=st.integers(0, 3))
def test_conversion_there_and_back_changes_nothing(heads: int, pairs: int, width: int) -> None:
    weight = torch.arange(heads * 2 * pairs * max(width, 1))
    weight = weight.view(heads * 2 * pairs, *[width] * (width > 0))
    half = convert_rope_layout(weight, heads, source="interleaved", target="half")
    assert torch.equal(
        half.view(heads, -1),
        to_half_layout(weight.view(heads, 2 * pairs, -1).mT).mT.reshape(heads, -1),
    )
    assert torch.equal(
        convert_rope_layout(half, heads, source="half", target="interleaved"), weight
    )
    same = convert_rope_layout(weight, heads, source="half", target="half")
    assert torch.equal(same, weight) and same.data_ptr() != weight.data_ptr()


def test_conversion_that_cannot_be_is_an_error() -> None:
    def convert(rows: int, heads: int, target: str = "half") -> None:
        convert_rope_layout(torch.zeros(rows, 3), heads, source="interleaved", target=target)

    with pytest.raises(ValueError, match="num_heads 3 must divide the 8 rows of the weight"):
        convert(8, 3)
    with pytest.raises(ValueError, match="num_heads 0 must divide the 8 rows"):
        convert(8, 0)
    with pytest.raises(ValueError, match="num_heads 2 must divide the 0 rows"):
        convert(0, 2)
    with pytest.raises(ValueError, match="head_dim 3 must be even to form pairs"):
        convert(6, 2)
    with pytest.raises(ValueError, match='target must be "interleaved" or "half", got \'neox\''):
        convert(8, 2, target="neox")


def test_bad_settings_are_errors() -> None:
    with pytest.raises(ValueError, match="head_dim must be even and positive to form pairs, got 5"):
        RotaryEmbedding(5, 8)
    with pytest.raises(ValueError, match="max_seq_len must be at least 1, got 0"):
        RotaryEmbedding(4, 0)
    with pytest.raises(ValueError, match='layout must be "interleaved" or "half", got \'neox\''):
        RotaryEmbedding(4, 8, layout="neox")


@pytest.mark.parametrize(
    "x, positions, message",
    [
        (torch.zeros(2, 6), torch.arange(2), r"head_dim D = 4, got \(2, 6\)"),
        (
            torch.zeros(4),
            torch.tensor(0),
            r"x must be \(..., T, D\) with head_dim D = 4, got \(4,\)",
        ),
        (torch.zeros(2, 4).long(), torch.arange(2), "x must be floating-point, got torch.int64"),
        (
            torch.zeros(2, 4),
            torch.zeros(2),
            "positions must be int64 or int32 .* got torch.float32",
        ),
        (
            torch.zeros(2, 4),
            torch.arange(2, device="meta"),
            "on the device of x, cpu, got torch.int64 on meta",
        ),
        # Broadcasting would give every token the same position, or every row to one sequence.
        (torch.zeros(2, 4), torch.tensor([1]), r"for x \(2, 4\), got \(1,\)"),
        (torch.zeros(2, 4), torch.zeros(3, 2).long(), r"for x \(2, 4\), got \(3, 2\)"),
        (torch.zeros(3, 4), torch.zeros(3, 3).long(), r"for x \(3, 4\), got \(3, 3\)"),
        (torch.zeros(5, 2, 4), torch.zeros(3, 2).long(), r"\(T,\) or \(B, T\) for x \(5, 2, 4\)"),
    ],
)
def test_bad_input_is_an_error(x: torch.Tensor, positions: torch.Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        RotaryEmbedding(4, 8)(x, positions)
