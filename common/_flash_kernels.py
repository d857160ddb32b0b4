"""The Triton kernels of FlashAttention: what one program on the GPU does.

A program owns one block of queries (or of keys), keeps it on the chip, and walks past the blocks of
the other side. Loads and stores name the addresses of whole blocks; rows that are not there are
masked. Tiles in the future are never visited, and only tiles on an edge pay for a mask: each walk
has a part without (MASKED 0) and one with (MASKED 1).

Shapes: B batch, H heads of queries, H_kv of keys, G = H / H_kv, T queries, S keys, D head_dim;
M rows in a block of queries, N in a block of keys. CAPITALS are addresses of whole tensors and
numbers that the compiler knows; strides count numbers, not bytes.
Taught in ch03_attention/06_flash_attention.ipynb.
Needs: triton.
"""

from __future__ import annotations  # tl.constexpr may be missing: annotations are not evaluated

try:
    import triton
    import triton.language as tl
except ImportError:
    triton = tl = None


def _kernel(function):
    """triton.jit; without Triton the plain function, which nobody calls."""
    return function if triton is None else triton.jit(function)


@_kernel
def rows_of(base, rows, stride, D: tl.constexpr):
    """Addresses (len(rows), D) of rows `stride` apart; 64 bits, tensors may pass 2^31 numbers."""
    return base + rows[:, None].to(tl.int64) * stride + tl.arange(0, D)[None, :]


@_kernel
def block_and_head(num_rows, num_heads, BLOCK: tl.constexpr):
    """Which block, batch and head this program is; all blocks of one head are neighbours."""
    num_blocks = (num_rows + BLOCK - 1) // BLOCK
    block, place = tl.program_id(0) % num_blocks, tl.program_id(0) // num_blocks
    batch, head = (place // num_heads).to(tl.int64), (place % num_heads).to(tl.int64)
    return num_blocks - 1 - block, batch, head


@_kernel
def visible(rows, cols, T, S, CAUSAL: tl.constexpr):
    """(M, N): the key is there and, if causal, not in the future; the queries are the last T."""
    seen = cols[None, :] < S
    if CAUSAL:
        seen = seen & (cols[None, :] <= rows[:, None] + (S - T))
    return seen


@_kernel
def key_range(start_m, T, S, CAUSAL: tl.constexpr, M: tl.constexpr, N: tl.constexpr):
    """Where queries start_m..start_m + M - 1 begin to need a mask, and where they see no more."""
    full, end = S, S
    if CAUSAL:
        full = tl.minimum(S, tl.maximum(0, start_m + 1 + S - T))  # keys that the first query sees
        end = tl.minimum(S, tl.maximum(0, start_m + M + S - T))  # keys that the last query sees
    return full // N * N, end


@_kernel
def forward_kernel(
    Q, K, V, OUT, LSE,  # OUT (B, H, T, D) and LSE (B, H, T) are contiguous
    stride_qb, stride_qh, stride_qt, stride_kb, stride_kh, stride_ks,
    stride_vb, stride_vh, stride_vs,
    H, G, T, S, scale_log2,
    CAUSAL: tl.constexpr, D: tl.constexpr, M: tl.constexpr, N: tl.constexpr,
):  # fmt: skip
    """One program: the answers of one block of M queries of one head."""
    block, batch, head = block_and_head(T, H, M)  # late blocks, which see most, come first
    rows = block * M + tl.arange(0, M)
    q_rows = rows_of(Q + batch * stride_qb + head * stride_qh, rows, stride_qt, D)
    q = tl.load(q_rows, mask=rows[:, None] < T, other=0.0)  # (M, D)
    k_base = K + batch * stride_kb + head // G * stride_kh
    v_base = V + batch * stride_vb + head // G * stride_vh

    acc = tl.full([M, D], 0.0, tl.float32)  # sum of weights times values
    total = tl.full([M], 0.0, tl.float32)  # sum of weights
    peak = tl.full([M], float("-inf"), tl.float32)  # largest score so far, in powers of two
    full, end = key_range(block * M, T, S, CAUSAL, M, N)
    for MASKED in tl.static_range(2):  # first the tiles that need no mask, then those that do
        for start_n in range(full * MASKED, full + (end - full) * MASKED, N):
            cols = start_n + tl.arange(0, N)
            # Keys beyond S are read as zeros and masked below; full tiles have none.
            there = (cols < S if MASKED else cols >= 0)[:, None]
            k = tl.load(rows_of(k_base, cols, stride_ks, D), mask=there, other=0.0)  # (N, D)
            v = tl.load(rows_of(v_base, cols, stride_vs, D), mask=there, other=0.0)
            scores = tl.dot(q, tl.trans(k), input_precision="ieee") * scale_log2  # (M, N) float32
            if MASKED:
                scores = tl.where(visible(rows, cols, T, S, CAUSAL), scores, float("-inf"))
            new_peak = tl.maximum(peak, tl.max(scores, 1))
            # A query that has seen nothing yet has a peak of -inf, and -inf - -inf is NaN.
            finite_peak = tl.where(new_peak == float("-inf"), 0.0, new_peak)
            weights = tl.exp2(scores - finite_peak[:, None])
            shrink = tl.exp2(peak - finite_peak)  # what was summed so far used the old peak
            total = total * shrink + tl.sum(weights, 1)
            acc = tl.dot(weights.to(v.dtype), v, acc * shrink[:, None], input_precision="ieee")
            peak = new_peak

    saw_none = total == 0.0
    total = tl.where(saw_none, 1.0, total)
    lse = tl.where(saw_none, float("inf"), peak + tl.log2(total))  # +inf: exp2(score - lse) is 0
    first_row = (batch * H + head) * T
    out_rows = rows_of(OUT + first_row * D, rows, D, D)
    tl.store(out_rows, (acc / total[:, None]).to(OUT.dtype.element_ty), mask=rows[:, None] < T)
    tl.store(LSE + first_row + rows, lse, mask=rows < T)


@_kernel
def weights_and_slopes(
    q, k, v, grad_out, lse, delta, rows, cols, T, S, scale_log2,
    CAUSAL: tl.constexpr, MASKED: tl.constexpr,
):  # fmt: skip
    """A tile's weights, once more, and the gradient of its scores: both (M, N) float32."""
    scores = tl.dot(q, tl.trans(k), input_precision="ieee") * scale_log2
    if MASKED:
        scores = tl.where(visible(rows, cols, T, S, CAUSAL), scores, float("-inf"))
    weights = tl.exp2(scores - lse[:, None])
    grad_weights = tl.dot(grad_out, tl.trans(v), input_precision="ieee")
    return weights, weights * (grad_weights - delta[:, None])


@_kernel
def backward_q_kernel(
    Q, K, V, OUT, GRAD_OUT, LSE, DELTA, GRAD_Q,  # OUT, LSE, DELTA and GRAD_Q are contiguous
    stride_qb, stride_qh, stride_qt, stride_kb, stride_kh, stride_ks,
    stride_vb, stride_vh, stride_vs, stride_gb, stride_gh, stride_gt,
    H, G, T, S, scale_log2, scale,
    CAUSAL: tl.constexpr, D: tl.constexpr, M: tl.constexpr, N: tl.constexpr,
):  # fmt: skip
    """One program: dQ of one block of M queries of one head, and DELTA, which dK and dV need."""
    block, batch, head = block_and_head(T, H, M)
    rows = block * M + tl.arange(0, M)
    there, first_row = rows[:, None] < T, (batch * H + head) * T
    q_rows = rows_of(Q + batch * stride_qb + head * stride_qh, rows, stride_qt, D)
    grad_rows = rows_of(GRAD_OUT + batch * stride_gb + head * stride_gh, rows, stride_gt, D)
    q = tl.load(q_rows, mask=there, other=0.0)  # (M, D)
    grad_out = tl.load(grad_rows, mask=there, other=0.0)
    out = tl.load(rows_of(OUT + first_row * D, rows, D, D), mask=there, other=0.0)
    delta = tl.sum(grad_out.to(tl.float32) * out.to(tl.float32), 1)  # (M,)
    tl.store(DELTA + first_row + rows, delta, mask=rows < T)
    lse = tl.load(LSE + first_row + rows, mask=rows < T, other=float("inf"))
    k_base = K + batch * stride_kb + head // G * stride_kh
    v_base = V + batch * stride_vb + head // G * stride_vh

    acc = tl.full([M, D], 0.0, tl.float32)
    full, end = key_range(block * M, T, S, CAUSAL, M, N)
    for MASKED in tl.static_range(2):
        for start_n in range(full * MASKED, full + (end - full) * MASKED, N):
            cols = start_n + tl.arange(0, N)
            some = (cols < S if MASKED else cols >= 0)[:, None]
            k = tl.load(rows_of(k_base, cols, stride_ks, D), mask=some, other=0.0)  # (N, D)
            v = tl.load(rows_of(v_base, cols, stride_vs, D), mask=some, other=0.0)
            _, slopes = weights_and_slopes(
                q, k, v, grad_out, lse, delta, rows, cols, T, S, scale_log2, CAUSAL, MASKED
            )
            acc = tl.dot(slopes.to(k.dtype), k, acc, input_precision="ieee")
    grad_q = (acc * scale).to(GRAD_Q.dtype.element_ty)
    tl.store(rows_of(GRAD_Q + first_row * D, rows, D, D), grad_q, mask=there)


@_kernel
def backward_kv_kernel(
    Q, K, V, GRAD_OUT, LSE, DELTA, GRAD_K, GRAD_V,  # all but Q, K, V, GRAD_OUT are contiguous
    stride_qb, stride_qh, stride_qt, stride_kb, stride_kh, stride_ks,
    stride_vb, stride_vh, stride_vs, stride_gb, stride_gh, stride_gt,
    H, G, T, S, scale_log2, scale,
    CAUSAL: tl.constexpr, D: tl.constexpr, M: tl.constexpr, N: tl.constexpr,
):  # fmt: skip
    """One program: dK and dV of one block of N keys of one head, from all G heads that read it."""
    block, batch, kv_head = block_and_head(S, H // G, N)
    cols = block * N + tl.arange(0, N)
    there = cols[:, None] < S
    k_rows = rows_of(K + batch * stride_kb + kv_head * stride_kh, cols, stride_ks, D)
    v_rows = rows_of(V + batch * stride_vb + kv_head * stride_vh, cols, stride_vs, D)
    k = tl.load(k_rows, mask=there, other=0.0)  # (N, D)
    v = tl.load(v_rows, mask=there, other=0.0)

    grad_k = tl.full([N, D], 0.0, tl.float32)
    grad_v = tl.full([N, D], 0.0, tl.float32)
    first, full = 0, 0
    if CAUSAL:  # the first block of queries that sees a key here, and the first that sees them all
        first = tl.maximum(0, block * N - (S - T)) // M * M
        full = (tl.maximum(0, block * N + N - 1 - (S - T)) + M - 1) // M * M
        full = tl.minimum(T, full)
    for head in range(kv_head * G, kv_head * G + G):
        q_base = Q + batch * stride_qb + head * stride_qh
        grad_base = GRAD_OUT + batch * stride_gb + head * stride_gh
        first_row = (batch * H + head) * T
        for MASKED in tl.static_range(2):
            for start_m in range(full - (full - first) * MASKED, T - (T - full) * MASKED, M):
                rows = start_m + tl.arange(0, M)
                some = rows < T
                q = tl.load(rows_of(q_base, rows, stride_qt, D), mask=some[:, None], other=0.0)
                grad_rows = rows_of(grad_base, rows, stride_gt, D)
                grad_out = tl.load(grad_rows, mask=some[:, None], other=0.0)  # (M, D), as q
                # Queries beyond T get lse = +inf, so that their weights are 0.
                lse = tl.load(LSE + first_row + rows, mask=some, other=float("inf"))
                delta = tl.load(DELTA + first_row + rows, mask=some, other=0.0)
                weights, slopes = weights_and_slopes(
                    q, k, v, grad_out, lse, delta, rows, cols, T, S, scale_log2, CAUSAL, MASKED
                )
                weights, slopes = tl.trans(weights).to(q.dtype), tl.trans(slopes).to(q.dtype)
                grad_v = tl.dot(weights, grad_out, grad_v, input_precision="ieee")
                grad_k = tl.dot(slopes, q, grad_k, input_precision="ieee")
    first_row = (batch * (H // G) + kv_head) * S
    grad_k = (grad_k * scale).to(GRAD_K.dtype.element_ty)
    tl.store(rows_of(GRAD_K + first_row * D, cols, D, D), grad_k, mask=there)
    grad_v = grad_v.to(GRAD_V.dtype.element_ty)
    tl.store(rows_of(GRAD_V + first_row * D, cols, D, D), grad_v, mask=there)
