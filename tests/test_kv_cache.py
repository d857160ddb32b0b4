"""common/kv_cache.py: what is appended comes back, without copies; full is an error."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

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
    with pytest.raises(
        ValueError, match="stores torch.float32 on cpu, got torch.float64 on cpu"
    ):
        new_cache().layer(0).append(keys.double(), values.double())


def test_keys_with_gradients_are_an_error() -> None:
    keys, values = random_kv(1)
    with pytest.raises(ValueError, match=r"wrap the generation in torch.no_grad\(\)"):
        new_cache().layer(0).append(keys.requires_grad_(), values)


def test_empty_size_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"at least 1, got \(2, 2, 3, 0, 4\)"):
        new_cache(max_seq_len=0)
