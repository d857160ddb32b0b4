"""Our Triton FlashAttention on a GPU against torch's fused kernel and the T x T matrix.

Causal, 16 heads of 64, 16384 tokens a batch, T = 1k to 16k; forward alone and with backward. Time
is the device's, the best of ten runs; memory is the peak beyond the inputs; errors are the largest
against float64 on one head, for the answer and the gradients, relative to the largest entry.
"""

import json
import sys
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from common.attention import causal_mask, scaled_dot_product_attention
from common.flash_triton import flash_attention_triton
from tests.benchmarks.measure import report

HEADS, HEAD_DIM, TOKENS = 16, 64, 16384
Attention = Callable[[Tensor, Tensor, Tensor], Tensor]


def triton_kernel(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return flash_attention_triton(q, k, v, is_causal=True)


def torch_sdpa(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return F.scaled_dot_product_attention(q, k, v, is_causal=True)


def naive(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    mask = causal_mask(q.shape[2], k.shape[2], device=q.device)
    return scaled_dot_product_attention(q, k, v, mask)


def milliseconds(work: Callable[[], object], runs: int = 10) -> float:
    work()  # compiles
    costs = []
    for _ in range(runs):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        work()
        end.record()
        torch.cuda.synchronize()
        costs.append(start.elapsed_time(end))
    return min(costs)


def extra_megabytes(work: Callable[[], object]) -> float:
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    work()
    torch.cuda.synchronize()
    return (torch.cuda.max_memory_allocated() - before) / 1e6


def exact_head(q: Tensor, k: Tensor, v: Tensor, grad_out: Tensor) -> list[Tensor]:
    """Answer and gradients (T, D) of the first head in float64, 1024 queries at a time."""
    q, k, v = (x[0, 0].detach().double().requires_grad_() for x in (q, k, v))
    answers = []
    for start in range(0, len(q), 1024):
        rows = slice(start, min(start + 1024, len(q)))
        mask = causal_mask(rows.stop - start, rows.stop, device=q.device)
        answer = scaled_dot_product_attention(q[rows], k[: rows.stop], v[: rows.stop], mask)
        answer.backward(grad_out[0, 0, rows].double())
        answers.append(answer.detach())
    return [torch.cat(answers), q.grad, k.grad, v.grad]


def measure(name: str, attention: Attention, num_tokens: int, dtype: torch.dtype) -> None:
    generator = torch.Generator("cuda").manual_seed(0)
    shape = (TOKENS // num_tokens, HEADS, num_tokens, HEAD_DIM)
    q, k, v, grad_out = (
        torch.randn(shape, generator=generator, device="cuda", dtype=dtype) for _ in range(4)
    )
    leaves = [x.requires_grad_() for x in (q, k, v)]

    def forward() -> Tensor:
        with torch.no_grad():
            return attention(q, k, v)

    def both() -> list[Tensor]:
        answer = attention(q, k, v)
        return [answer.detach(), *torch.autograd.grad(answer, leaves, grad_out)]

    title = f"causal attention on a GPU, {name}, {str(dtype)[6:]}, T = {num_tokens}"
    try:
        errors = [
            ((actual[0, 0].double() - exact).abs().max() / exact.abs().max()).item()
            for actual, exact in zip(both(), exact_head(q, k, v, grad_out), strict=True)
        ]
        products = shape[0] * HEADS * num_tokens**2 * HEAD_DIM * 2  # half of 4 T^2 D a head
        forward_ms, both_ms = milliseconds(forward), milliseconds(both)
        report(
            title,
            forward_ms=forward_ms,
            forward_backward_ms=both_ms,
            forward_teraflops=products / forward_ms / 1e9,
            forward_backward_teraflops=3.5 * products / both_ms / 1e9,
            extra_mb=extra_megabytes(both),
            **dict(zip(("error", "error_dq", "error_dk", "error_dv"), errors, strict=True)),
        )
    except torch.OutOfMemoryError:
        print(json.dumps({"benchmark": title, "left_out": "out of memory"}), flush=True)


def main() -> int:
    if not torch.cuda.is_available():
        why = "no GPU on this machine"
        print(json.dumps({"benchmark": "causal attention on a GPU", "left_out": why}), flush=True)
        return 0
    print(json.dumps({"device": torch.cuda.get_device_name()}), flush=True)
    for dtype in (torch.bfloat16, torch.float32):
        for num_tokens in (1024, 2048, 4096, 8192, 16384):
            for attention in (triton_kernel, torch_sdpa, naive):
                measure(attention.__name__, attention, num_tokens, dtype)
    return 0


if __name__ == "__main__":
    sys.exit(main())
