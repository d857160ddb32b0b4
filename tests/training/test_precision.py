"""The fast format follows what the processor says of itself."""

import pytest
import torch

from common.training.precision import fast_dtype


@pytest.mark.parametrize(
    ("avx512_bf16", "amx", "expected"),
    [
        (False, False, torch.float32),
        (True, False, torch.bfloat16),
        (False, True, torch.bfloat16),
    ],
)
def test_fast_dtype_follows_the_processor(monkeypatch, avx512_bf16, amx, expected):
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: avx512_bf16)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx)
    assert fast_dtype("cpu") == expected


def test_fast_dtype_asks_the_gpu_for_native_support(monkeypatch):
    asked = []

    def supported(including_emulation: bool) -> bool:
        asked.append(including_emulation)
        return False

    monkeypatch.setattr(torch.cuda, "is_bf16_supported", supported)
    assert fast_dtype("cuda") == torch.float32
    assert asked == [False]
