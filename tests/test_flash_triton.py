"""common/flash_triton.py against float64: on a GPU, or interpreted (see conftest.py)."""

import math
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from common.attention import causal_mask, scaled_dot_product_attention
from common.flash_triton import flash_attention_triton
from tests.tolerances import TOLERANCE

HALF = {"rtol": 2e-3, "atol": 1e-3}  # float16 has ten bits behind the point
INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"
DEVICE = "cpu" if INTERPRETED else "cuda"
needs_triton = pytest.mark.skipif(not find_spec("triton"), reason="no Triton for this system")
needs_gpu = pytest.mark.skipif(INTERPRETED, reason="no GPU: the interpreter is too slow for this")
needs_interpreter = pytest.mark.skipif(not INTERPRETED, reason="compiled for a GPU here")


def new_tensors(*shape: int, heads: int, kv_heads: int, num_keys: int, dtype=torch.float32) -> list:
    """q (B, H, T, D), k and v (B, H_kv, S, D) and dO like q."""
    batch, num_queries, head_dim = shape
    generator = torch.Generator().manual_seed(0)
    sizes = [(heads, num_queries), (kv_heads, num_keys), (kv_heads, num_keys), (heads, num_queries)]
    return [
        torch.randn(batch, *size, head_dim, generator=generator, dtype=torch.float64).to(
            DEVICE, dtype
        )
        for size in sizes
    ]


def exact(q: Tensor, k: Tensor, v: Tensor, grad_out: Tensor, is_causal: bool) -> list[Tensor]:
    """The answer and the three gradients in float64, through the matrix of weights."""
    q, k, v = (x.detach().double().requires_grad_() for x in (q, k, v))
    copies = q.shape[1] // k.shape[1]
    mask = None
    if is_causal:  # the queries are the last T of the S tokens, of which the first may be missing
        num_queries, num_keys = q.shape[2], k.shape[2]
        rows = max(num_queries, num_keys)
        mask = causal_mask(rows, rows, device=q.device)[rows - num_queries :, rows - num_keys :]
    wide = (x.repeat_interleave(copies, dim=1) for x in (k, v))
    out = scaled_dot_product_attention(q, *wide, mask)
    return [out, *torch.autograd.grad(out, (q, k, v), grad_out.double())]


def results(q: Tensor, k: Tensor, v: Tensor, grad_out: Tensor, is_causal: bool) -> list:
    leaves = [x.detach().requires_grad_() for x in (q, k, v)]
    out = flash_attention_triton(*leaves, is_causal=is_causal)
    return [out, *torch.autograd.grad(out, leaves, grad_out)]


def assert_near(actual: list[Tensor], expected: list[Tensor], rtol: float, atol: float) -> None:
    """Errors are measured against the largest entry: sums of many terms cancel."""
    assert len(actual) == len(expected)
    for name, one, other in zip(("out", "dq", "dk", "dv"), actual, expected, strict=False):
        assert one.shape == other.shape
        if other.numel():
            error = (one.double() - other).abs().max().item()
            limit = atol + rtol * other.abs().max().item()
            assert error <= limit, f"{name}: {error:.1e} off, more than {limit:.1e}"


# batch, heads, kv_heads, T, S, head_dim: whole blocks, ragged ends, one row, grouped heads, caches.
CASES = [
    (1, 1, 1, 128, 128, 32),
    (2, 2, 1, 75, 75, 16),
    (1, 2, 1, 33, 100, 64),
    (1, 3, 1, 100, 33, 32),
    (1, 1, 1, 70, 70, 128),
    (2, 1, 1, 1, 1, 16),
    (1, 2, 2, 1, 90, 16),
]


@needs_triton
@pytest.mark.parametrize("is_causal", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
@pytest.mark.parametrize("batch, heads, kv_heads, num_queries, num_keys, head_dim", CASES)
def test_answer_and_gradients_equal_float64(
    batch, heads, kv_heads, num_queries, num_keys, head_dim, dtype, is_causal
) -> None:
    sizes = {"heads": heads, "kv_heads": kv_heads, "num_keys": num_keys}
    tensors = new_tensors(batch, num_queries, head_dim, **sizes, dtype=dtype)
    actual = results(*tensors, is_causal)
    assert all(x.dtype == dtype for x in actual)
    assert_near(actual, exact(*tensors, is_causal), **TOLERANCE.get(dtype, HALF))


@needs_triton
@settings(max_examples=8)
@given(
    num_queries=st.integers(0, 70),
    num_keys=st.integers(0, 70),
    group=st.integers(1, 3),
    is_causal=st.booleans(),
)
def test_any_lengths_equal_float64(
    num_queries: int, num_keys: int, group: int, is_causal: bool
) -> None:
    tensors = new_tensors(1, num_queries, 16, heads=group, kv_heads=1, num_keys=num_keys)
    if num_keys:
        expected = exact(*tensors, is_causal)
    else:  # nothing to look at
        expected = [torch.zeros_like(tensors[i]).double() for i in (0, 0, 1, 2)]
    assert_near(results(*tensors, is_causal), expected, **TOLERANCE[torch.float32])


@needs_triton
def test_a_query_of_zeros_averages_what_it_sees() -> None:
    v = torch.arange(40.0, device=DEVICE)[None, None, :, None].expand(1, 1, 40, 16)
    out = flash_attention_triton(zeros(1, 1, 40, 16), zeros(1, 1, 40, 16) + 1, v, is_causal=True)
    torch.testing.assert_close(out[0, 0, :, 0], torch.arange(40.0, device=DEVICE) / 2)


@needs_triton
def test_queries_before_every_key_get_zeros_and_zero_gradients() -> None:
    q, k, v, grad_out = new_tensors(1, 50, 16, heads=1, kv_heads=1, num_keys=10)
    out, grad_q, _, _ = results(q, k, v, grad_out, True)
    assert not out[:, :, :40].any() and not grad_q[:, :, :40].any()
    assert out[:, :, 40:].any() and grad_q[:, :, 41:].any()


@needs_triton
def test_grouped_heads_give_the_bits_of_repeated_ones() -> None:
    q, k, v, _ = new_tensors(2, 40, 16, heads=6, kv_heads=2, num_keys=40)
    wide = (x.repeat_interleave(3, dim=1) for x in (k, v))
    assert torch.equal(
        flash_attention_triton(q, k, v, is_causal=True),
        flash_attention_triton(q, *wide, is_causal=True),
    )


@needs_triton
def test_memory_order_does_not_matter() -> None:
    q, k, v, grad_out = new_tensors(2, 40, 16, heads=2, kv_heads=2, num_keys=40)
    expected = results(q, k, v, grad_out, True)
    as_layers_make_it = [
        x.transpose(1, 2).contiguous().transpose(1, 2) for x in (q, k, v, grad_out)
    ]
    columns_first = [x.mT.contiguous().mT for x in (q, k, v, grad_out)]
    for tensors in (as_layers_make_it, columns_first):
        assert not tensors[0].is_contiguous()
        for actual, one in zip(results(*tensors, True), expected, strict=True):
            assert torch.equal(actual, one)
    q.requires_grad_()
    out = flash_attention_triton(q, k, v, is_causal=True)
    one = zeros(1) + 1
    (expanded,) = torch.autograd.grad(out, q, one.expand(q.shape), retain_graph=True)
    (dense,) = torch.autograd.grad(out, q, one.expand(q.shape).contiguous())
    assert torch.equal(expanded, dense)


@needs_triton
def test_nothing_leaks_from_the_future() -> None:
    """The gradient of the first 20 answers by later keys and values is exactly zero."""
    q, k, v, grad_out = new_tensors(1, 70, 16, heads=2, kv_heads=1, num_keys=70)
    grad_out[:, :, 20:] = 0
    _, grad_q, grad_k, grad_v = results(q, k, v, grad_out, True)
    for gradient in (grad_q, grad_k, grad_v):
        assert gradient[:, :, :20].any() and not gradient[:, :, 20:].any()


@needs_triton
@pytest.mark.parametrize("scale", [1e2, 1e4])
def test_large_scores_stay_finite_and_near_float64(scale: float) -> None:
    """A float32 score near `scale` is rounded by 6e-8 of it, and the weights follow."""
    q, k, v, grad_out = new_tensors(1, 50, 16, heads=1, kv_heads=1, num_keys=50)
    tensors = [q * scale, k, v, grad_out]
    actual, expected = results(*tensors, True), exact(*tensors, True)
    assert all(x.isfinite().all() for x in actual)
    assert_near(actual[:1], expected[:1], rtol=1e-6 * scale, atol=1e-6)


@needs_triton
def test_nan_in_a_query_stays_with_that_query() -> None:
    q, k, v, _ = new_tensors(1, 40, 16, heads=2, kv_heads=1, num_keys=40)
    clean = flash_attention_triton(q, k, v, is_causal=True)
    q[0, 1, 7, 3] = math.nan
    out = flash_attention_triton(q, k, v, is_causal=True)
    assert out[0, 1, 7].isnan().all()
    out[0, 1, 7] = clean[0, 1, 7]
    assert torch.equal(out, clean)


@needs_triton
def test_what_is_kept_for_the_backward_grows_with_the_length() -> None:
    kept = []
    q, k, v, _ = (
        x.requires_grad_() for x in new_tensors(1, 80, 16, heads=2, kv_heads=1, num_keys=80)
    )
    with torch.autograd.graph.saved_tensors_hooks(lambda x: kept.append(x.shape) or x, lambda x: x):
        flash_attention_triton(q, k, v, is_causal=True)
    inputs_and_answer = [q.shape, k.shape, v.shape, q.shape]
    assert kept == [*inputs_and_answer, torch.Size([1, 2, 80])], "a log-sum-exp a query, no matrix"


@needs_triton
def test_gradients_of_gradients_are_refused() -> None:
    q, k, v, _ = (
        x.requires_grad_() for x in new_tensors(1, 5, 16, heads=1, kv_heads=1, num_keys=5)
    )
    loss = flash_attention_triton(q, k, v, is_causal=True).square().sum()
    (grad_q,) = torch.autograd.grad(loss, q, create_graph=True)
    with pytest.raises(RuntimeError, match="differentiate twice"):
        grad_q.sum().backward()


def zeros(*shape: int, dtype: torch.dtype = torch.float32, device: str = DEVICE) -> Tensor:
    return torch.zeros(shape, dtype=dtype, device=device)


FIVE, HEADS = zeros(1, 1, 5, 16), zeros(1, 4, 5, 16)


@pytest.mark.parametrize(
    "q, k, v, message",
    [
        (FIVE[0], FIVE[0], FIVE[0], r"q must be \(B, H, T, D\), .*, got q \(1, 5, 16\)"),
        (FIVE, FIVE, zeros(1, 1, 6, 16), r"k and v both \(B, H_kv, S, D\), .* v \(1, 1, 6, 16\)"),
        (zeros(2, 1, 5, 16), FIVE, FIVE, "q, k and v must agree in batch and head_dim"),
        (zeros(1, 1, 5, 32), FIVE, FIVE, "q, k and v must agree in batch and head_dim"),
        (HEADS, HEADS[:, :3], HEADS[:, :3], "3 heads of keys must divide 4 heads of queries"),
        (HEADS[..., :8], *[FIVE[..., :8]] * 2, r"one of \[16, 32, 64, 128\], got 8"),
        (FIVE, FIVE, FIVE.half(), "must all be float16, .* got torch.float32, torch.float32 and"),
        (*[FIVE.double()] * 3, "must all be float16, bfloat16 or float32, got torch.float64"),
        (FIVE, *[zeros(1, 1, 5, 16, device="meta")] * 2, "must share a device, got .*, meta, meta"),
    ],
)
def test_bad_input_is_an_error(q: Tensor, k: Tensor, v: Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        flash_attention_triton(q, k, v, is_causal=True)


@needs_triton
@needs_interpreter
def test_bfloat16_in_the_interpreter_is_an_error() -> None:
    with pytest.raises(ValueError, match="interpreter multiplies bfloat16 wrongly: use float16 or"):
        flash_attention_triton(*[FIVE.bfloat16()] * 3, is_causal=True)


def run_python(source: str, **settings: str) -> str:
    """What a fresh Python says that does not interpret kernels."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "TRITON_INTERPRET": "0"} | settings
    command = [sys.executable, "-W", "ignore", "-c", source]
    run = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert not run.returncode, run.stderr
    return run.stdout


CALL = """
import torch
from common.flash_triton import flash_attention_triton
q = torch.zeros(1, 1, 5, 16)
try:
    flash_attention_triton(q, q, q, is_causal=True)
except (ImportError, ValueError) as error:
    print(type(error).__name__, error)
"""


def test_without_triton_only_the_call_fails_and_says_what_to_do() -> None:
    said = run_python("import sys; sys.modules['triton'] = None" + CALL)
    assert said.startswith("ImportError flash_attention_triton needs Triton")
    assert "pip install triton" in said


COMPILE = """
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from common import _flash_kernels as kernels

for kernel in (kernels.forward_kernel, kernels.backward_q_kernel, kernels.backward_kv_kernel):
    known = {"CAUSAL": True, "D": 16, "M": 32, "N": 32}
    kinds = {"LSE": "*fp32", "DELTA": "*fp32", "scale": "fp32", "scale_log2": "fp32"}
    signature = {}
    for name in kernel.arg_names:
        tensor = name.isupper() and name not in ("H", "G", "T", "S")
        kind = kinds.get(name, "*bf16" if tensor else "i32")
        signature[name] = "constexpr" if name in known else kind
    compiled = triton.compile(ASTSource(kernel, signature, known), target=GPUTarget("cuda", 80, 32))
    print(kernel.__name__, "multiplies bf16:", "bf16.bf16.f32" in compiled.asm["ptx"])
"""


@needs_triton
def test_kernels_compile_for_a_gpu_and_say_so_to_a_cpu(tmp_path: Path) -> None:
    """The compiler is stricter than the interpreter, and takes bfloat16. It needs no GPU."""
    refused, *compiled = run_python(CALL + COMPILE, TRITON_CACHE_DIR=str(tmp_path)).splitlines()
    assert refused.startswith("ValueError q is on cpu, and Triton compiles for GPUs")
    assert "TRITON_INTERPRET=1 before anything imports Triton" in refused
    assert compiled == [
        f"{name}_kernel multiplies bf16: True" for name in ("forward", "backward_q", "backward_kv")
    ]


@needs_triton
@needs_gpu
@pytest.mark.parametrize("is_causal", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("head_dim", [16, 32, 64, 128])
@pytest.mark.parametrize("num_queries, num_keys", [(512, 512), (1000, 1000), (77, 1025)])
def test_long_texts_equal_float64(
    num_queries: int, num_keys: int, head_dim: int, dtype: torch.dtype, is_causal: bool
) -> None:
    sizes = {"heads": 4, "kv_heads": 2, "num_keys": num_keys}
    tensors = new_tensors(2, num_queries, head_dim, **sizes, dtype=dtype)
    actual = results(*tensors, is_causal)
    assert_near(actual, exact(*tensors, is_causal), **TOLERANCE.get(dtype, HALF))
