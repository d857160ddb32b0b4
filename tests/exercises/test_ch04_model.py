"""Chapter 4's checks: solutions pass, stubs say so, and each typical mistake gets its own hint."""

import math
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from common.exercises import ch04_model as checks
from tests.exercises.cells import assert_told, solution
from tests.tolerances import TOLERANCE

CHAPTER = "ch04_model"


def mean(x: Tensor, dim: int = -1) -> Tensor:
    return x.mean(dim, keepdim=True)


def norm_by(root: Callable[[Tensor, float], Tensor], dim: int = -1) -> Callable:
    """LayerNorm as in a first draft: what divides, and over which size, can be changed."""

    def half_layer_norm(x, weight, bias, eps):
        apart = x.float() - mean(x.float(), dim)
        return (apart / root(mean(apart.square(), dim), eps) * weight + bias).half()

    return half_layer_norm


def right_root(var, eps):
    return (var + eps).sqrt()


def unbiased_norm(x, weight, bias, eps):
    x = x.float()
    var = x.var(-1, keepdim=True)
    return ((x - mean(x)) / (var + eps).sqrt() * weight + bias).half()


def norm_in_half(x, weight, bias, eps):
    apart = x - mean(x)
    y = apart / (mean(apart * apart) + eps).sqrt()
    return (y * weight + bias).half()


def norm_in_one_pass(x, weight, bias, eps):
    x = x.float()
    var = (mean(x * x) - mean(x).square()).clamp(min=0)
    return ((x - mean(x)) / (var + eps).sqrt() * weight + bias).half()


def not_centred(x, weight, bias, eps):
    var = x.float().var(-1, keepdim=True, correction=0)
    return (x.float() / (var + eps).sqrt() * weight + bias).half()


def rms_instead(x, weight, bias, eps):
    return (x.float() * (mean(x.float().square()) + eps).rsqrt() * weight + bias).half()


def bias_before_weight(x, weight, bias, eps):
    unit = F.layer_norm(x.float(), x.shape[-1:], eps=eps)
    return ((unit + bias) * weight).half()


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (norm_by(lambda var, eps: var.sqrt() + eps), "Is your epsilon inside the square root?"),
        (norm_by(lambda var, eps: (var + eps**2).sqrt()), "eps is added as it is, not squared"),
        (norm_by(lambda var, eps: var.sqrt()), "eps is missing"),
        (norm_by(lambda var, eps: var + eps), "Divide by the root of the variance"),
        (norm_by(right_root, dim=0), "Each vector has a mean of its own"),
        (unbiased_norm, "divide by D, not by D - 1"),
        (norm_in_half, "float16 ends at 65504"),
        (norm_in_one_pass, "Subtract the mean first, then square"),
        (not_centred, "The mean is subtracted from x as well"),
        (rms_instead, "That is RMSNorm"),
        (bias_before_weight, "The bias is added last"),
        (lambda x, w, b, eps: norm_by(right_root)(x, w, 0 * b, eps), "The bias is lost"),
        (
            lambda x, w, b, eps: norm_by(right_root)(x, w / w, 0 * b, eps),
            "weight and bias are lost",
        ),
        (lambda x, w, b, eps: F.layer_norm(x.float(), w.shape, w, b, eps), "return what came in"),
        (lambda x, w, b, eps: x, "Look at the formula again"),
    ],
)
def test_half_layer_norm_knows_the_mistake(wrong: Callable, hint: str) -> None:
    assert_told(checks.half_layer_norm, wrong, hint)


def test_half_layer_norm_accepts_torchs() -> None:
    def by_torch(x, weight, bias, eps):
        return F.layer_norm(x.float(), weight.shape, weight, bias, eps).half()

    assert checks.half_layer_norm(by_torch) is None


def rms_gradients(
    make: Callable[..., Tensor], by_weight: Callable[..., Tensor] | None = None
) -> Callable:
    """An answer whose gradient by x is made from scale, unit, the gradient into it, and grad."""

    def rms_norm_backward(y, scale, weight, grad):
        unit = y / weight
        by_x = make(scale, unit, grad * weight, grad)
        rows = (grad * unit).flatten(0, -2).sum(0)
        return by_x, rows if by_weight is None else by_weight(unit, weight, grad)

    return rms_norm_backward


def right_by_x(scale, unit, into, grad):
    return scale * (into - unit * mean(into * unit))


def without_dividing(y, scale, weight, grad):
    into = grad * weight
    by_x = scale * (into - y * mean(into * y))
    return by_x, (grad * y / weight).flatten(0, -2).sum(0)


def without_keepdim(scale, unit, into, grad):
    means = (into * unit).mean(-1)
    square = unit.shape[0] == unit.shape[-1]  # elsewhere it does not even run
    return scale * (into - unit * (means if square else means[..., None]))


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (rms_gradients(lambda s, u, g, grad: s * g), "The scale was treated as a constant"),
        (
            rms_gradients(lambda s, u, g, grad: s * (g - u * mean(grad * u))),
            "The mean is over the gradient that reaches unit",
        ),
        (
            rms_gradients(lambda s, u, g, grad: s * (grad - u * mean(grad * u))),
            "The gradient that reaches unit is grad * weight",
        ),
        (
            rms_gradients(lambda s, u, g, grad: s * (g - u * (g * u).sum(-1, keepdim=True))),
            "The sum is divided by D",
        ),
        (without_dividing, "divide by weight first"),
        (
            rms_gradients(lambda s, u, g, grad: right_by_x(s, u * s, g, grad)),
            "it has been scaled already",
        ),
        (
            rms_gradients(lambda s, u, g, grad: right_by_x(s, u, g, grad) / s),
            "The factor scale is missing",
        ),
        (
            rms_gradients(lambda s, u, g, grad: right_by_x(s, u, g, grad) / s**2),
            "multiply by it, do not divide",
        ),
        (
            rms_gradients(lambda s, u, g, grad: s * (g - mean(g) - u * mean(g * u))),
            "That is LayerNorm's",
        ),
        (
            rms_gradients(lambda s, u, g, grad: s * (g + u * mean(g * u))),
            "makes the scale smaller",
        ),
        (rms_gradients(without_keepdim), "with keepdim=True"),
        (
            rms_gradients(lambda s, u, g, grad: s * (g - u * (g * u).mean())),
            "Every row has a scale of its own",
        ),
        (
            rms_gradients(lambda s, u, g, grad: right_by_x(s, u / mean(u * u).sqrt(), g, grad)),
            "Why is y normalised again?",
        ),
        (
            rms_gradients(right_by_x, lambda u, w, grad: grad * u),
            "One weight serves all rows: add its gradients up",
        ),
        (
            rms_gradients(right_by_x, lambda u, w, grad: (grad * u).flatten(0, -2).mean(0)),
            "without a mean",
        ),
        (
            rms_gradients(right_by_x, lambda u, w, grad: (grad * u).sum(0)),
            "All sizes but the last are summed over",
        ),
        (
            rms_gradients(right_by_x, lambda u, w, grad: grad.flatten(0, -2).sum(0)),
            "That is the gradient of a bias",
        ),
        (
            rms_gradients(right_by_x, lambda u, w, grad: (grad * u * w).flatten(0, -2).sum(0)),
            "the gradient by weight is grad * unit",
        ),
        (lambda y, scale, weight, grad: y, "Return two tensors, by x and by weight"),
    ],
)
def test_rms_norm_backward_knows_the_mistake(wrong: Callable, hint: str) -> None:
    assert_told(checks.rms_norm_backward, wrong, hint)


@given(st.integers(1, 5), st.integers(1, 6), st.floats(0, 1), st.integers(0, 99))
def test_rms_norm_backward_solution_is_autograds(rows, d, eps, seed) -> None:
    generator = torch.Generator().manual_seed(seed)
    x, grad = torch.randn(2, rows, d, generator=generator, dtype=torch.float64)
    weight = 1 + torch.rand(d, generator=generator, dtype=torch.float64)
    scale = (mean(x.square()) + eps).rsqrt()
    got = solution(CHAPTER, "rms_norm_backward")(x * scale * weight, scale, weight, grad)
    x, weight = x.requires_grad_(), weight.requires_grad_()
    y = x * (mean(x.square()) + eps).rsqrt() * weight
    right = torch.autograd.grad(y, (x, weight), grad)
    for ours, theirs in zip(got, right, strict=True):
        torch.testing.assert_close(ours, theirs, **TOLERANCE[torch.float64])


def dispatch(gates_of: Callable, *, drop: int | None = None, write: bool = False) -> Callable:
    """A mixture whose gates (N, K) are made from all scores, the best of them and their places."""

    def mix_experts(x, router, experts, k):
        scores = x @ router.T
        best = scores.topk(k, -1)
        gates = gates_of(scores, best.values, best.indices)
        out = torch.zeros_like(x)
        room = len(x) if drop is None else -(-k * len(x) // len(experts))
        for number, expert in enumerate(experts):
            rows, place = (x[:room] for x in (best.indices == number).nonzero(as_tuple=True))
            gives = gates[rows, place, None] * expert(x[rows])
            if write:
                out[rows] = gives
            else:
                out.index_add_(0, rows, gives)
        return out

    return mix_experts


def right_gates(scores, best, chosen):
    return best.softmax(-1)


def every_expert_on_every_token(x, router, experts, k):
    scores = x @ router.T
    kept = scores.masked_fill(scores < scores.topk(k, -1).values[:, -1:], -math.inf)
    outputs = torch.stack([expert(x) for expert in experts], 1)
    return (kept.softmax(-1)[..., None] * outputs).sum(1)


def token_by_token(x, router, experts, k, first=False):
    rows = []
    for token in x:
        best = (router @ token).topk(k)
        pairs = zip(best.values.softmax(-1), best.indices.tolist(), strict=True)
        if first:
            rows.append(sum(experts[number](gate * token) for gate, number in pairs))
        else:
            rows.append(sum(gate * experts[number](token) for gate, number in pairs))
    return torch.stack(rows)


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (
            dispatch(lambda scores, best, chosen: scores.softmax(-1).gather(-1, chosen)),
            "The gates of a token do not add up to 1",
        ),
        (
            dispatch(lambda scores, best, chosen: torch.ones_like(best) / best.shape[-1]),
            "Every chosen expert has the same say",
        ),
        (dispatch(lambda scores, best, chosen: best), "Scores are no gates"),
        (
            dispatch(lambda scores, best, chosen: best.softmax(-1).flip(-1)),
            "paired the wrong way round",
        ),
        (
            dispatch(lambda scores, best, chosen: best.softmax(0)),
            "The softmax runs over the tokens",
        ),
        (dispatch(lambda scores, best, chosen: torch.ones_like(best)), "without their gates"),
        (
            lambda x, router, experts, k: dispatch(right_gates)(x, router, experts, 1),
            "Only the best expert works",
        ),
        (
            lambda x, router, experts, k: token_by_token(x, router, experts, k, first=True),
            "The gate multiplies what the expert returns",
        ),
        (dispatch(right_gates, write=True), "overwrite each other"),
        (dispatch(right_gates, drop=1), "Tokens are dropped"),
        (every_expert_on_every_token, "An expert must see no token that did not choose it"),
        (token_by_token, "Collect all tokens of an expert, and call it once"),
    ],
)
def test_mix_experts_knows_the_mistake(wrong: Callable, hint: str) -> None:
    assert_told(checks.mix_experts, wrong, hint)


def test_mix_experts_accepts_gates_that_are_divided_by_their_sum() -> None:
    def divided(scores, best, chosen):
        gates = scores.softmax(-1).gather(-1, chosen)
        return gates / gates.sum(-1, keepdim=True)

    assert checks.mix_experts(dispatch(divided)) is None


def narrowing(cut: float) -> float:
    density = math.exp(-(cut**2) / 2) / math.sqrt(2 * math.pi)
    return math.sqrt(1 - 2 * cut * density / math.erf(cut / math.sqrt(2)))


def redrawn(shape, std, cut, generator, *, times: int = 99, share: float = 1.0):
    """Draws again what lies outside, as often as it is told."""
    z = torch.randn(shape, generator=generator)
    for _ in range(times):
        outside = z.abs() > cut * share
        z[outside] = torch.randn(int(outside.sum()), generator=generator)
    return z * std / narrowing(cut)


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (
            lambda shape, std, cut, generator: std * torch.randn(shape, generator=generator),
            "The cut counts standard deviations",
        ),
        (
            lambda shape, std, cut, generator: torch.nn.init.trunc_normal_(
                torch.empty(shape), std=std, a=-100 * cut, b=100 * cut, generator=generator
            ),
            "In torch.nn.init.trunc_normal_ the bounds a and b are numbers",
        ),
        (
            lambda shape, std, cut, generator: (
                std * torch.randn(shape, generator=generator).clamp(-cut, cut)
            ),
            "Do not clamp",
        ),
        (
            lambda shape, std, cut, generator: redrawn(shape, std, cut, generator, times=1),
            "Draw again until nothing lies outside",
        ),
        (
            lambda shape, std, cut, generator: redrawn(shape, std, cut, generator) * narrowing(cut),
            "The tail that you have cut held much of the variance",
        ),
        (
            lambda shape, std, cut, generator: redrawn(shape, std, cut, None),
            "Pass the generator to every call",
        ),
        (
            lambda shape, std, cut, generator: redrawn(shape, std, cut, generator).double(),
            "has the dtype torch.float64",
        ),
        (
            lambda shape, std, cut, generator: redrawn(shape, std, cut, generator) / 2,
            "Is it measured after the cut?",
        ),
        (
            lambda shape, std, cut, generator: redrawn(shape, std, cut, generator)[:9],
            "gives (9, 400), not (500, 400)",
        ),
        (
            lambda shape, std, cut, generator: redrawn(shape, std, cut, generator) + 0.05 * std,
            "beyond",
        ),
        (
            lambda shape, std, cut, generator: redrawn(shape, std, cut, generator).abs(),
            "Is it measured after the cut?",
        ),
        (
            lambda shape, std, cut, generator: (
                std * 3**0.5 * (2 * torch.rand(shape, generator=generator) - 1)
            ),
            "is it normal?",
        ),
    ],
)
def test_truncated_normal_knows_the_mistake(wrong: Callable, hint: str) -> None:
    assert_told(checks.truncated_normal, wrong, hint)


def test_truncated_normal_accepts_redrawing_until_all_lie_inside() -> None:
    assert checks.truncated_normal(redrawn) is None


def test_truncated_normal_sees_where_torchs_bounds_cut_nothing() -> None:
    def with_torchs_defaults(shape, std, cut, generator):
        if std == 1.0:
            return redrawn(shape, std, cut, generator)
        return torch.nn.init.trunc_normal_(torch.empty(shape), std=std, generator=generator)

    hint = "at a std of 0.02 its default of 2 is a hundred of them away"
    assert_told(checks.truncated_normal, with_torchs_defaults, hint)


def count(
    config,
    *,
    query=lambda d, heads, head_dim: d * heads * head_dim,
    output=lambda d, heads, head_dim: d * heads * head_dim,
    matrices=3,
    head_norms=lambda config, head_dim: 2 * head_dim if config["model_type"] == "qwen3" else 0,
    layer_norms=2,
    last_norm=1,
    router=1,
):
    """A count as in a first draft: each of its terms can be changed."""
    d, heads = config["hidden_size"], config["num_attention_heads"]
    head_dim = config.get("head_dim", d // heads)
    attention = query(d, heads, head_dim) + output(d, heads, head_dim)
    attention += 2 * d * config["num_key_value_heads"] * head_dim
    experts = config.get("num_local_experts", 0)
    ffn = matrices * d * config["intermediate_size"] * max(experts, 1) + router * experts * d
    norms = layer_norms * d + head_norms(config, head_dim)
    head = 1 if config["tie_word_embeddings"] else 2
    layers = config["num_hidden_layers"] * (attention + ffn + norms)
    return layers + last_norm * d + head * config["vocab_size"] * d


def changed(**values):
    return lambda config: count(config | values)


def square(d, heads, head_dim):
    return d * d


def without(config, *names):
    return count({key: value for key, value in config.items() if key not in names})


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (
            lambda c: count(c | {"num_key_value_heads": c["num_attention_heads"]}),
            "Keys and values have fewer heads",
        ),
        (lambda c: without(c, "head_dim"), "head_dim is given"),
        (lambda c: count(c, output=square), "The output projection reads all heads"),
        (lambda c: count(c, output=square, query=square), "Queries have num_attention_heads"),
        (changed(tie_word_embeddings=False), "lm_head is the same matrix, and counts once"),
        (changed(tie_word_embeddings=True), "lm_head is a matrix of its own here"),
        (lambda c: count(c, matrices=2), "SwiGLU has three matrices"),
        (lambda c: count(c, last_norm=0), "The norm before lm_head is missing"),
        (lambda c: count(c, layer_norms=1), "A layer has two norms"),
        (lambda c: count(c, layer_norms=0, last_norm=0), "The norms are missing"),
        (lambda c: count(c, layer_norms=4, last_norm=2), "RMSNorm has no bias"),
        (lambda c: count(c, head_norms=lambda c, h: 0), "Qwen3 has two more norms"),
        (
            lambda c: count(
                c,
                head_norms=lambda c, h: 2 * c["hidden_size"] if c["model_type"] == "qwen3" else 0,
            ),
            "norms of queries and keys work on one head",
        ),
        (lambda c: count(c, router=0), "The router is missing"),
        (lambda c: without(c, "num_local_experts"), "And a router scores them"),
        (
            lambda c: count(c) if "num_local_experts" not in c else without(c, "num_local_experts")
            + 8 * 4096 * 32,
            "Every expert has three matrices of its own",
        ),
        (
            lambda c: count(c) if "num_local_experts" not in c
            else count(c | {"num_local_experts": 2}) + 6 * 4096 * 32,
            "All experts are stored",
        ),
        (lambda c: float(count(c)), "gives 340.0, not 340"),
    ],
)  # fmt: skip
def test_count_weights_knows_the_mistake(wrong: Callable, hint: str) -> None:
    assert_told(checks.count_weights, wrong, hint)


@pytest.mark.parametrize(
    ("kind", "sizes"),
    [
        ("Llama", {}),
        ("Llama", {"tie_word_embeddings": True, "head_dim": 6}),
        ("Qwen3", {"head_dim": 6}),
        ("Mixtral", {"num_local_experts": 4, "num_experts_per_tok": 2}),
    ],
)
def test_count_weights_solution_is_what_transformers_builds(kind: str, sizes: dict) -> None:
    transformers = pytest.importorskip("transformers")
    same = {"vocab_size": 11, "hidden_size": 8, "intermediate_size": 12, "num_hidden_layers": 3}
    same |= {"num_attention_heads": 4, "num_key_value_heads": 2, "tie_word_embeddings": False}
    config = getattr(transformers, f"{kind}Config")(**(same | sizes))
    with torch.device("meta"):
        model = getattr(transformers, f"{kind}ForCausalLM")(config)
    ours = {"model_type": kind.lower()} | same | sizes
    assert solution(CHAPTER, "count_weights")(ours) == sum(x.numel() for x in model.parameters())


def speculate(
    ids,
    p,
    q,
    uniforms,
    *,
    limit=lambda p, q: q / p,
    left=lambda p, q: (q - p).clamp(min=0),
    pick=lambda weights, u: int((weights.cumsum(0) / weights.sum() > u).nonzero()[0]),
    goes_on=False,
    skips=False,
    replaces=True,
    extra=-1,
):
    """Speculative sampling as in a first draft: each of its decisions can be changed."""
    kept = []
    for place, token in enumerate(ids):
        if uniforms[place] < limit(p[place, token], q[place, token]):
            kept.append(token)
        elif not skips:
            kept += [pick(left(p[place], q[place]), uniforms[-1])] if replaces else []
            if not goes_on:
                return kept
    return kept if extra is None else [*kept, pick(q[extra], uniforms[-1])]


def told(**how) -> Callable:
    return lambda ids, p, q, uniforms: speculate(ids, p, q, uniforms, **how)


def pick_undivided(weights, u):
    return min(int((weights.cumsum(0) <= u).sum()), len(weights) - 1)


def pick_likeliest(weights, u):
    return pick_undivided(weights, u) if weights.sum() > 0.9999 else int(weights.argmax())


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (told(limit=lambda p, q: p / q), "Is the ratio upside down?"),
        (told(limit=lambda p, q: q), "Divide by p: the small model has already drawn"),
        (told(left=lambda p, q: q), "tokens that the draft proposes too often stay too frequent"),
        (told(left=lambda p, q: (q - p).abs()), "not |q - p|"),
        (told(left=lambda p, q: (p - q).clamp(min=0)), "not p - q"),
        (told(pick=pick_undivided), "Divide by its sum"),
        (told(pick=pick_likeliest), "and not the likeliest"),
        (told(goes_on=True), "stop there"),
        (told(skips=True), "stop there"),
        (told(replaces=False), "one token is drawn in place of the rejected one"),
        (told(extra=None), "adds one more, from its last row"),
        (told(extra=-2), "has a row of its own: the last of q"),
        (lambda ids, p, q, uniforms: [], "gives [], not [0, 1]."),
    ],
)
def test_accept_draft_knows_the_mistake(wrong: Callable, hint: str) -> None:
    assert_told(checks.accept_draft, wrong, hint)


@pytest.mark.parametrize(("num_tokens", "seed"), [(2, 0), (3, 1), (4, 2), (5, 3), (6, 4)])
def test_accept_draft_solution_gives_the_large_models_probabilities(num_tokens, seed) -> None:
    """Exactly: acceptance as a length of the unit interval, the rest in equal steps of it."""
    generator = torch.Generator().manual_seed(seed)
    p, q = torch.randn(2, num_tokens, generator=generator, dtype=torch.float64).softmax(-1)
    accept = solution(CHAPTER, "accept_draft")
    steps, found = 200, torch.zeros(num_tokens, dtype=torch.float64)
    for token in range(num_tokens):
        chance = min(1.0, float(q[token] / p[token]))
        found[token] += p[token] * chance
        if chance == 1.0:
            continue
        for step in range(steps):
            uniforms = torch.tensor([(1 + chance) / 2, (step + 0.5) / steps], dtype=torch.float64)
            (replaced,) = accept([token], p[None], torch.stack([q, q]), uniforms)
            found[replaced] += p[token] * (1 - chance) / steps
    assert (found - q).abs().max() < 1 / steps


def packing(
    weight,
    group_size,
    *,
    largest=lambda groups: groups.abs().amax(-1),
    steps=7,
    rounding=torch.round,
    offset=8,
    join=lambda numbers: numbers[..., 0::2] | numbers[..., 1::2] << 4,
    guard=True,
    told_scale=lambda scales: scales,
):
    """Quantisation as in a first draft: each of its decisions can be changed."""
    if weight.shape[-1] % group_size or weight.shape[-1] % 2:
        raise ValueError("the groups must fit")
    groups = weight.unflatten(-1, (-1, group_size))
    scales = largest(groups) / steps
    divisor = torch.where(scales == 0, 1.0, scales) if guard else scales
    whole = rounding(groups / divisor[..., None]).clamp(-8, 7)
    whole = whole.nan_to_num(-8).to(torch.int64) + offset
    numbers = (whole & 15).to(torch.uint8).flatten(-2)
    return join(numbers), told_scale(scales)


def pack(**how) -> Callable:
    return lambda weight, group_size: packing(weight, group_size, **how)


def largest_of_row(groups):
    return groups.abs().amax((-2, -1), keepdim=True).squeeze(-1).expand(groups.shape[:-1])


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (pack(steps=8), "-8 is not used"),
        (pack(steps=15), "becomes 7, not 15"),
        (pack(largest=largest_of_row), "Each group has a scale of its own"),
        (pack(largest=lambda groups: groups.amax(-1)), "abs() before amax"),
        (pack(told_scale=lambda scales: 1 / scales), "The scale turns whole numbers into weights"),
        (
            pack(told_scale=lambda scales: torch.where(scales == 0, 1.0, scales)),
            "A group of zeros has the scale 0",
        ),
        (pack(join=lambda n: n[..., 0::2] << 4 | n[..., 1::2]), "has the low four bits"),
        (
            pack(join=lambda n: n.chunk(2, -1)[0] | n.chunk(2, -1)[1] << 4),
            "Neighbours share a byte",
        ),
        (pack(offset=0), "Add 8 to each number"),
        (pack(offset=7), "The offset is 8"),
        (pack(rounding=torch.trunc), "Turning a float into an integer cuts towards 0"),
        (pack(rounding=torch.floor), "Round to the nearest, not down"),
        (pack(join=lambda n: n), "put two into one"),
        (pack(guard=False), "0 / 0 is NaN"),
        (lambda weight, group: packing(weight[:, : len(weight[0]) // group * group], group),
         "Columns that fill no group, or no byte"),
        (lambda weight, group: weight, "Return two tensors, packed and scales"),
    ],
)  # fmt: skip
def test_pack_int4_knows_the_mistake(wrong: Callable, hint: str) -> None:
    assert_told(checks.pack_int4, wrong, hint)


@given(st.integers(1, 3), st.integers(1, 4), st.integers(0, 999))
def test_pack_int4_solution_is_off_by_half_a_step_at_most(rows, groups, seed) -> None:
    weight = torch.randn(rows, 4 * groups, generator=torch.Generator().manual_seed(seed))
    packed, scales = solution(CHAPTER, "pack_int4")(weight, 4)
    numbers = torch.stack([packed & 15, packed >> 4], -1).flatten(-2).float() - 8
    back = numbers.unflatten(-1, (-1, 4)) * scales[..., None]
    assert packed.dtype == torch.uint8 and packed.numel() * 2 == weight.numel()
    assert ((back.flatten(-2) - weight).abs() <= scales.repeat_interleave(4, -1) * 0.5001).all()


def split(parts, biases, order="qkv"):
    names = [f"{x}_proj" for x in order]
    return {f"{n}.weight": w.contiguous() for n, w in zip(names, parts, strict=True)} | {
        f"{n}.bias": b.clone() for n, b in zip(names, biases, strict=True)
    }


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (lambda w, b: split(w.chunk(3, 1), b.chunk(3)), "Linear x @ weight.T: transpose"),
        (
            lambda w, b: split(w.reshape(w.shape[1], -1).chunk(3), b.chunk(3)),
            "view and reshape only read the same numbers in another shape",
        ),
        (
            lambda w, b: split([w.T[i::3] for i in range(3)], b.chunk(3)),
            "columns do not take turns",
        ),
        (
            lambda w, b: split(w.T.chunk(3), [b[i::3] for i in range(3)]),
            "The biases do not take turns",
        ),
        (
            lambda w, b: split(w.T.chunk(3), b.chunk(3), order="kqv"),
            "These are the numbers of k: c_attn holds q, then k, then v",
        ),
        (
            lambda w, b: split(w.T.chunk(3), [b.chunk(3)[i] for i in (0, 2, 1)]),
            "These are the numbers of v: c_attn holds q, then k, then v",
        ),
        (
            lambda w, b: {
                f"{name}_proj.{kind}": part
                for kind, parts in (("weight", w.T.chunk(3)), ("bias", b.chunk(3)))
                for name, part in zip("qkv", parts, strict=True)
            },
            "which safetensors refuses to save",
        ),
        (lambda w, b: {"q.weight": w}, "sorted names"),
        (lambda w, b: w.T.chunk(3), "Return a dictionary"),
    ],
)
def test_split_c_attn_knows_the_mistake(wrong: Callable, hint: str) -> None:
    assert_told(checks.split_c_attn, wrong, hint)


def test_split_c_attn_solution_computes_what_conv1d_computes() -> None:
    d, x = 6, torch.randn(5, 6, dtype=torch.float64)
    weight, bias = torch.randn(d, 3 * d, dtype=x.dtype), torch.randn(3 * d, dtype=x.dtype)
    parts = solution(CHAPTER, "split_c_attn")(weight, bias)
    ours = [F.linear(x, parts[f"{n}_proj.weight"], parts[f"{n}_proj.bias"]) for n in "qkv"]
    right = torch.addmm(bias, x, weight)  # what transformers' Conv1D does
    torch.testing.assert_close(torch.cat(ours, -1), right, **TOLERANCE[torch.float64])
