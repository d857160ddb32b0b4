"""In which number format to multiply matrices: 16 bits where the hardware is built for it.

bfloat16 is float32 with the last 16 bits cut off: the same range up to 3.4e38, and 8 significant
bits instead of 24. Weights, sums and optimizer state stay float32; only the factors of matrix
products are rounded (mixed precision: Micikevicius et al. 2017, arXiv 1710.03740; bfloat16:
Kalamkar et al. 2019, arXiv 1905.12322).
Taught in ch05_pretraining/02_pretrain.ipynb.
Needs: nothing but torch.
"""

import torch


def fast_dtype(device: torch.device | str = "cpu") -> torch.dtype:
    """bfloat16 where `device` multiplies it natively, float32 where it would be emulated, slower.

    Native are CPUs with AVX512-BF16 or AMX and GPUs since NVIDIA's Ampere.

    >>> fast_dtype() in (torch.bfloat16, torch.float32)
    True
    """
    if torch.device(device).type == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        native = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return torch.bfloat16 if native else torch.float32
