"""FlashAttention as Triton kernels: what flash.py does, one GPU program for each block of queries.

    forward       a block of queries (M, D) stays on the chip while the blocks of keys and values
                  (N, D) pass by; running maximum and sum make the softmax exact. Saved: O and L,
                  the log-sum-exp of each query's scores.
    backward dQ   the same walk; each tile of weights is computed again, P = exp(S - L), and
                  dS = P * (dO V^T - rowsum(dO * O)), dQ = dS K.
    backward dKV  a block of keys stays, the blocks of queries of all heads that share it pass by:
                  dV = P^T dO, dK = dS^T Q. Nobody writes where another writes: no atomics, and
                  the same bits every time.

(Dao 2023, "FlashAttention-2", arXiv:2307.08691, algorithms 1 and 2; Tillet et al. 2019, "Triton".)
Tiles in the future are never visited, and only tiles on an edge pay for a mask. Grouped queries
(GQA) are an index: head h reads the keys of head h // G. Exponents are powers of two, as GPUs
compute those: log2(e) goes into the scale, and L is in base 2.

Without a GPU the kernels run in Triton's interpreter, slowly, when the environment variable
TRITON_INTERPRET=1 is set before anything imports Triton.

Shapes: B batch, H heads of queries, H_kv of keys, G = H / H_kv, T queries, S keys, D head_dim;
M and N rows in a block of queries and of keys.
Taught in ch03_attention/06_flash_attention.ipynb.
Needs: _flash_kernels.py, and triton when the function is called.
"""

import math

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from ._flash_kernels import backward_kv_kernel, backward_q_kernel, forward_kernel, triton

_DENSE = torch.contiguous_format
_DTYPES = (torch.float16, torch.bfloat16, torch.float32)
# By head_dim, for the three kernels: rows of a block of queries M, of keys N, warps of 32 threads a
# program, and stages (blocks under way from memory at once). Compiled for sm_80 and sm_90 they fit
# 96 KiB of shared memory and spill no registers, or a few; none was tuned on a clock.
_HALF = {
    16: ((128, 64, 4, 2), (64, 64, 4, 2), (32, 64, 4, 2)),
    32: ((128, 64, 4, 2), (64, 64, 4, 2), (32, 64, 4, 2)),
    64: ((128, 64, 4, 2), (64, 64, 4, 2), (32, 64, 4, 2)),
    128: ((128, 64, 8, 2), (64, 64, 8, 2), (32, 64, 8, 2)),
}
_FLOAT32 = {
    16: ((64, 32, 4, 1), (32, 32, 4, 1), (32, 32, 4, 1)),
    32: ((64, 32, 4, 1), (32, 32, 4, 1), (32, 32, 8, 1)),
    64: ((32, 32, 4, 1), (32, 32, 8, 1), (32, 32, 8, 1)),
    128: ((32, 16, 8, 1), (16, 16, 8, 1), (16, 32, 8, 1)),
}


def flash_attention_triton(q: Tensor, k: Tensor, v: Tensor, *, is_causal: bool) -> Tensor:
    """softmax(q k^T / sqrt(D)) v for q (B, H, T, D), k and v (B, H_kv, S, D) -> (B, H, T, D).

    Any T and S, any strides; H_kv divides H, D is 16, 32, 64 or 128; float16, bfloat16 or float32,
    products of float32 in full precision, sums in float32. is_causal: a query sees itself and what
    came before, and the queries are the last T of the S tokens; one that sees no key gets zeros,
    with zero gradients. Differentiable once.

    NaN is not looked for, since looking would wait for the device: a query with NaN gets NaN, and
    NaN in a key or value reaches queries that see it and those that share a tile with them.

    Raises ValueError for other shapes, dtypes and devices, among them bfloat16 in the interpreter,
    which multiplies it wrongly; ImportError where Triton is not installed.

    Cost: 4 T S D operations a head forward (half when causal), 14 T S D backward. Keeps q, k, v,
    the answer and one float32 a query: no T x S matrix.

    >>> q = torch.randn(1, 4, 1000, 64)  # on a GPU: torch.randn(..., device="cuda")
    >>> flash_attention_triton(q, q[:, :3], q[:, :3], is_causal=True)
    Traceback (most recent call last):
    ValueError: 3 heads of keys must divide 4 heads of queries
    """
    _check(q, k, v)
    return _FlashAttentionTriton.apply(q, k, v, is_causal)


class _FlashAttentionTriton(torch.autograd.Function):
    @staticmethod
    def forward(ctx, q: Tensor, k: Tensor, v: Tensor, is_causal: bool) -> Tensor:
        q, k, v = (_with_dense_rows(x) for x in (q, k, v))
        out = torch.empty_like(q, memory_format=_DENSE)
        lse = torch.empty(q.shape[:3], dtype=torch.float32, device=q.device)
        settings = _settings(q, k, is_causal)
        blocks = _blocks(q)[0]
        with torch.cuda.device_of(q):
            forward_kernel[_grid(q, blocks["M"])](
                q, k, v, out, lse, *_strides(q, k, v), **settings, **blocks
            )
        ctx.save_for_backward(q, k, v, out, lse)
        ctx.is_causal = is_causal
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_out: Tensor) -> tuple[Tensor | None, ...]:
        q, k, v, out, lse = ctx.saved_tensors
        grad_out = _with_dense_rows(grad_out)
        grad_q, grad_k, grad_v = (torch.empty_like(x, memory_format=_DENSE) for x in (q, k, v))
        delta = torch.empty_like(lse)  # rowsum(dO * O): one kernel writes it, the next reads it
        settings = _settings(q, k, ctx.is_causal) | {"scale": 1 / math.sqrt(q.shape[3])}
        strides = _strides(q, k, v, grad_out)
        _, q_blocks, kv_blocks = _blocks(q)
        with torch.cuda.device_of(q):
            backward_q_kernel[_grid(q, q_blocks["M"])](
                *(q, k, v, out, grad_out, lse, delta, grad_q), *strides, **settings, **q_blocks
            )
            backward_kv_kernel[_grid(k, kv_blocks["N"])](
                *(q, k, v, grad_out, lse, delta, grad_k, grad_v), *strides, **settings, **kv_blocks
            )
        return grad_q, grad_k, grad_v, None


def _settings(q: Tensor, k: Tensor, is_causal: bool) -> dict[str, int | float]:
    (_, heads, num_queries, head_dim), (kv_heads, num_keys) = q.shape, k.shape[1:3]
    sizes = {"H": heads, "G": heads // kv_heads, "T": num_queries, "S": num_keys, "D": head_dim}
    scale_log2 = 1 / (math.sqrt(head_dim) * math.log(2))
    return sizes | {"CAUSAL": is_causal, "scale_log2": scale_log2}


def _blocks(q: Tensor) -> list[dict[str, int]]:
    table = _FLOAT32 if q.dtype == torch.float32 else _HALF
    names = ("M", "N", "num_warps", "num_stages")
    return [dict(zip(names, numbers, strict=True)) for numbers in table[q.shape[3]]]


def _strides(*tensors: Tensor) -> list[int]:
    return [stride for x in tensors for stride in x.stride()[:3]]


def _grid(x: Tensor, block: int) -> tuple[int]:
    """How many programs: one for each block of rows of each head of x (B, heads, rows, D)."""
    batch, heads, num_rows, _ = x.shape
    return (batch * heads * -(-num_rows // block),)


def _with_dense_rows(x: Tensor) -> Tensor:
    """x itself when the D numbers of each row lie side by side, else a copy."""
    return x if x.stride(-1) == 1 else x.contiguous()


def _check(q: Tensor, k: Tensor, v: Tensor) -> None:
    shapes = f"got q {tuple(q.shape)}, k {tuple(k.shape)}, v {tuple(v.shape)}"
    if q.dim() != 4 or k.dim() != 4 or k.shape != v.shape:
        raise ValueError(f"q must be (B, H, T, D), k and v both (B, H_kv, S, D), {shapes}")
    if q.shape[0] != k.shape[0] or q.shape[3] != k.shape[3]:
        raise ValueError(f"q, k and v must agree in batch and head_dim, {shapes}")
    if min(q.shape[1], k.shape[1]) < 1 or q.shape[1] % k.shape[1]:
        raise ValueError(f"{k.shape[1]} heads of keys must divide {q.shape[1]} heads of queries")
    if q.shape[3] not in _HALF:
        raise ValueError(f"head_dim must be one of {list(_HALF)}, got {q.shape[3]}")
    if not q.dtype == k.dtype == v.dtype or q.dtype not in _DTYPES:
        raise ValueError(
            "q, k and v must all be float16, bfloat16 or float32, "
            f"got {q.dtype}, {k.dtype} and {v.dtype}"
        )
    if not q.device == k.device == v.device:
        raise ValueError(f"q, k and v must share a device, got {q.device}, {k.device}, {v.device}")
    if triton is None:
        raise ImportError(
            "flash_attention_triton needs Triton, which exists for Linux: pip install triton"
        )
    if isinstance(triton.language.max, triton.JITFunction):
        if not q.is_cuda:
            raise ValueError(
                f"q is on {q.device}, and Triton compiles for GPUs; to interpret the kernels, set "
                "the environment variable TRITON_INTERPRET=1 before anything imports Triton "
                "(torch's optimizers do)"
            )
    elif q.dtype == torch.bfloat16:
        raise ValueError(
            "Triton's interpreter multiplies bfloat16 wrongly: use float16 or float32 there"
        )
