"""common/kv_cache.py: what is appended comes back, copied once at most; full is an error."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode

from common.kv_cache import KVCache


def new_cache(**changes) -> KVCache:
    sizes = dict(num_layers=2, batch_size=2, num_kv_heads=3, max_seq_len=6, head_dim=4)
    return KVCache(**{**sizes, "dtype": torch.float32, **changes})


def random_kv(num_tokens: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(num_tokens)
    return tuple(torch.randn(2, 2, 3, num_tokens, 4, generator=generator))


@settings(deadline=None, max_examples=30)
@given(chunks=st.lists(st.integers(1, 4), min_size=1, max_size=6).filter(lambda c: sum(c) <= 6))
def test_append_returns_all_tokens_in_order(chunks: list[int]) -> None:
    keys, values = random_kv(sum(chunks))
    layer, seen = new_cache().layer(0), 0
    for size in chunks:
        new = slice(seen, seen + size)
        seen += size
        stored_keys, stored_values = layer.append(keys[:, :, new], values[:, :, new])
        assert torch.equal(stored_keys, keys[:, :, :seen])
        assert torch.equal(stored_values, values[:, :, :seen])
    assert layer.length == seen


@given(
    chunks=st.lists(st.integers(0, 4), min_size=1, max_size=30),
    window_tokens=st.integers(1, 6),
    spare=st.integers(0, 7),
)
def test_a_window_keeps_what_the_new_tokens_may_see_in_order(
    chunks: list[int], window_tokens: int, spare: int
) -> None:
    slots = window_tokens - 1 + 4 + spare
    cache = new_cache(max_seq_len=slots, window_tokens=window_tokens)
    keys, values = random_kv(sum(chunks))
    layer, seen = cache.layer(0), 0
    assert cache.chunk_tokens == 4 + spare
    for size in chunks:
        new = slice(seen, seen + size)
        oldest = max(0, seen - window_tokens + 1)
        seen += size
        positions = torch.stack([torch.arange(new.start, seen), torch.arange(new.start, seen) - 3])
        stored_keys, stored_values = layer.append(keys[:, :, new], values[:, :, new], positions)
        assert torch.equal(stored_keys, keys[:, :, oldest:seen])
        assert torch.equal(stored_values, values[:, :, oldest:seen])
        assert layer.positions[0].tolist() == list(range(oldest, seen))
        assert (layer.positions[0] - layer.positions[1] == 3).all()
        assert layer.length == seen


class Copied(TorchDispatchMode):
    """Counts the entries that torch writes by copying."""

    def __init__(self) -> None:
        super().__init__()
        self.entries = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        if function in (torch.ops.aten.copy_.default, torch.ops.aten.clone.default):
            self.entries += args[0].numel()
        return function(*args, **(kwargs or {}))


@pytest.mark.parametrize("window_tokens", [None, 10])
def test_a_token_costs_a_few_copies_and_never_the_whole_past(window_tokens: int | None) -> None:
    slots = 400 if window_tokens is None else 2 * window_tokens
    cache = new_cache(num_layers=1, max_seq_len=slots, window_tokens=window_tokens)
    with Copied() as copied:
        for _ in range(400):
            cache.layer(0).append(*random_kv(1))
    tokens = copied.entries / (2 * 2 * 3 * 4)  # keys and values, batch, heads, head_dim
    assert 400 <= tokens < 4 * 400


def test_append_returns_views_of_one_allocation() -> None:
    cache = new_cache()
    first, _ = cache.layer(1).append(*random_kv(2))
    second, second_values = cache.layer(1).append(*random_kv(1))
    assert first.data_ptr() == second.data_ptr() == cache.layer(1).keys.data_ptr()
    assert second_values.untyped_storage().data_ptr() == second.untyped_storage().data_ptr()


def test_length_counts_what_every_layer_has() -> None:
    cache = new_cache()
    cache.layer(0).append(*random_kv(3))
    assert (cache.length, cache.layer(0).length) == (0, 3)
    cache.layer(1).append(*random_kv(3))
    assert cache.length == 3


def test_layers_do_not_share_memory() -> None:
    cache = new_cache()
    cache.layer(0).append(*random_kv(6))
    assert (cache.layer(1).keys == 0).all() and (cache.layer(1).values == 0).all()


def test_num_bytes_is_the_product_of_the_sizes() -> None:
    assert new_cache().num_bytes == 2 * 2 * 2 * 3 * 6 * 4 * 4
    assert new_cache(dtype=torch.bfloat16).num_bytes == 2 * 2 * 2 * 3 * 6 * 4 * 2


def test_reset_makes_room_without_a_new_allocation() -> None:
    cache = new_cache(num_layers=1)
    before, _ = cache.layer(0).append(*random_kv(6))
    cache.reset()
    assert cache.length == 0
    keys, values = random_kv(2)
    after, _ = cache.layer(0).append(keys, values)
    assert torch.equal(after, keys) and after.data_ptr() == before.data_ptr()


def test_overflow_is_an_error_and_stores_nothing() -> None:
    layer = new_cache().layer(0)
    stored, _ = layer.append(*random_kv(5))
    stored = stored.clone()
    with pytest.raises(ValueError, match="holds 6 tokens: 5 are stored and 2 more do not fit"):
        layer.append(*random_kv(2))
    assert layer.length == 5 and torch.equal(layer.keys[:, :, :5], stored)
    assert (layer.keys[:, :, 5:] == 0).all()


def test_wrong_shape_or_dtype_is_an_error() -> None:
    keys, values = random_kv(1)
    with pytest.raises(
        ValueError, match=r"shape \(2, 3, 1, 4\), got \(2, 1, 1, 4\) and \(2, 3, 1, 4\)"
    ):
        new_cache().layer(0).append(keys[:, :1], values)
    with pytest.raises(ValueError, match="stores torch.float32 on cpu, got torch.float64 on cpu"):
        new_cache().layer(0).append(keys.double(), values.double())


def test_another_device_is_an_error() -> None:
    keys, values = random_kv(1)
    with pytest.raises(ValueError, match="float32 on cpu, got .* on meta and torch.float32 on cpu"):
        new_cache().layer(0).append(keys.to("meta"), values)


def test_positions_continue_where_each_row_stands() -> None:
    layer = new_cache(max_seq_len=12).layer(0)
    assert layer.next_positions(2).tolist() == [0, 1]
    layer.append(*random_kv(2))
    assert layer.positions is None and layer.next_positions(2).tolist() == [2, 3]
    layer.reset()
    layer.append(*random_kv(3), torch.tensor([[0, 1, 2], [-2, -1, 0]]))
    assert layer.next_positions(2).tolist() == [[3, 4], [1, 2]]
    layer.append(*random_kv(1))
    assert layer.positions.tolist() == [[0, 1, 2, 3], [-2, -1, 0, 1]]
    layer.append(*random_kv(2), torch.tensor([[4, 5], [2, -1]]))  # padding on the right
    assert layer.next_positions(1).tolist() == [[6], [3]]
    layer.reset()
    assert layer.positions is None and layer.next_positions(1).tolist() == [0]


@pytest.mark.parametrize("shape", [(2,), (1, 3), (3, 2), (2, 3, 1)])
def test_positions_of_another_shape_are_an_error_and_store_nothing(shape: tuple[int, ...]) -> None:
    layer = new_cache().layer(0)
    with pytest.raises(ValueError, match=r"shape \(3,\) or \(2, 3\), got \("):
        layer.append(*random_kv(3), torch.zeros(shape, dtype=torch.int64))
    assert layer.length == 0 and (layer.keys == 0).all()


def test_a_chunk_that_would_push_out_what_it_needs_is_an_error() -> None:
    cache = new_cache(max_seq_len=8, window_tokens=5)
    layer = cache.layer(0)
    layer.append(*random_kv(7))
    before = layer.append(*random_kv(0))[0].clone()
    with pytest.raises(ValueError, match="holds 8 tokens: 4 are stored and 5 more do not fit"):
        layer.append(*random_kv(cache.chunk_tokens + 1))
    assert layer.length == 7 and torch.equal(layer.append(*random_kv(0))[0], before)
    layer.append(*random_kv(cache.chunk_tokens))
    assert layer.length == 11


@pytest.mark.parametrize("window_tokens", [0, 7])
def test_a_window_that_does_not_fit_is_an_error(window_tokens: int) -> None:
    with pytest.raises(ValueError, match=rf"window_tokens must be in 1\.\.6, got {window_tokens}"):
        new_cache(window_tokens=window_tokens)


def test_keys_with_gradients_are_an_error() -> None:
    keys, values = random_kv(1)
    with pytest.raises(ValueError, match=r"wrap the generation in torch.no_grad\(\)"):
        new_cache().layer(0).append(keys.requires_grad_(), values)


def test_empty_size_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"at least 1, got \(2, 2, 3, 0, 4\)"):
        new_cache(max_seq_len=0)
