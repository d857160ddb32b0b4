"""Checks of the exercises of chapter 4: one function an exercise, named as the reader's is.

Each takes the reader's function, tries it on small inputs, and raises AssertionError with a hint
when an answer is wrong. Where a typical mistake gives a result of its own, that result is computed
here too, so that the hint can name the mistake.

N tokens, D d_model, E experts, K experts a token or drafted tokens, V vocab_size.
Used in ch04_model/exercises.ipynb and ch04_model/solutions.ipynb.
Needs: _compare.py, _model_norms.py, _model_oracles.py, _model_sizes.py.
"""

import math
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from ._compare import compare, demand, refuse
from ._model_norms import gradients_by_weight, gradients_by_x, half_norms, nearest
from ._model_oracles import (
    Expert,
    accepted,
    drafts,
    experts_of,
    mixture,
    nibbles,
    normal,
    packed,
)
from ._model_sizes import CONFIGS, miscounts, weights_of


def half_layer_norm(attempt: Callable[[Tensor, Tensor, Tensor, float], Tensor]) -> None:
    """LayerNorm of float16 vectors, in whose squares float16 has no room."""
    eps, far = 1e-5, 30000 + 16 * (normal(3, 48) > 0.8).float()
    cases = {
        "the vector (1, 3)": torch.tensor([[1.0, 3.0]]),
        "four vectors of 4": normal(4, 4).float(),
        "a vector of four equal numbers": torch.full((1, 4), 7.0),
        "entries near 1000": normal(2, 8).float() * 1000,
        "entries near 0.001": normal(2, 8).float() / 1000,
        "entries of 30000 and 30016": far,
    }
    for name, x in cases.items():
        x, size = x.half(), x.shape[-1]
        weight, bias = 1 + normal(size, seed=1).float(), normal(size, seed=2).float()
        right, mistakes = half_norms(x, weight, bias, eps)
        call, got = f"half_layer_norm(x, ...), {name},", attempt(x.clone(), weight, bias, eps)
        if isinstance(got, Tensor) and got.dtype != torch.float16:
            compare(call, got, right, [(got, "Compute in float32, return what came in.")])
        narrow = {
            "entries near 0.001": "Their variance is below what float16 can tell from 0.",
            "entries near 1000": "Their squares are near a million, and float16 ends at 65504.",
            "entries of 30000 and 30016": "mean(x ** 2) - mean(x) ** 2 takes two numbers "
            "near 900 million from each other, of which float32 knows 7 digits, and float16 cannot "
            "hold them at all. Subtract the mean first, then square.",
        }  # fmt: skip
        last = narrow.get(name, "Look at the formula again.")
        if name == "entries near 1000":  # x / inf is 0
            mistakes.insert(0, (bias.half().expand_as(x), f"{last} Begin with x.float()."))
        got = nearest(got, [right, *(wrong for wrong, _ in mistakes)])
        compare(call, got, right, [*mistakes, (got, f"{last} Begin with x.float().")])


def rms_norm_backward(
    attempt: Callable[[Tensor, Tensor, Tensor, Tensor], tuple[Tensor, Tensor]],
) -> None:
    """RMSNorm's two gradients, from its output and one number a row."""
    by_hand, ones = torch.tensor([[3.0, 4.0]]).double(), torch.ones(2).double()
    cases = {
        "x = (3, 4), grad = (1, 0)": (by_hand, ones, torch.tensor([[1.0, 0.0]]).double(), 0.0),
        "five rows of 5": (normal(5, 5), 1 + normal(5, seed=1), normal(5, 5, seed=2), 0.0),
        "an eps of 0.5": (normal(3, 4), 1 + normal(4, seed=1), normal(3, 4, seed=2), 0.5),
        "a batch (2, 3, 4)": (normal(2, 3, 4), normal(4, seed=1), normal(2, 3, 4, seed=2), 1e-5),
    }
    for name, (x, weight, grad, eps) in cases.items():
        scale = (x.square().mean(-1, keepdim=True) + eps).rsqrt()
        call = f"rms_norm_backward(y, scale, weight, grad), {name}:"
        got = attempt(x * scale * weight, scale.clone(), weight.clone(), grad.clone())
        pair = isinstance(got, tuple) and len(got) == 2
        demand(pair, f"{call} gives {type(got).__name__}. Return two tensors, by x and by weight.")
        by_x, by_weight = gradients_by_x, gradients_by_weight
        compare(f"{call} the gradient by x", got[0], *by_x(x, scale, weight, grad))
        compare(f"{call} the gradient by weight", got[1], *by_weight(x * scale, weight, grad))


def mix_experts(attempt: Callable[[Tensor, Tensor, list[Expert], int], Tensor]) -> None:
    """A mixture of experts, in which every token reaches its experts and no other does work."""
    cases = {
        "5 tokens, 4 experts, 2 of them each": (normal(5, 3), normal(4, 3, seed=1), 2),
        "all tokens alike": (normal(1, 3).repeat(6, 1), normal(4, 3, seed=1), 2),
        "1 expert a token": (normal(5, 3, seed=3), normal(3, 3, seed=1), 1),
        "24 tokens, 6 experts, 3 of them each": (normal(24, 8), normal(6, 8, seed=1), 3),
    }
    for name, (x, router, k) in cases.items():
        given, seen = experts_of(x.shape[-1], len(router))
        scores = x @ router.T
        best = scores.topk(k, -1)
        gates = best.values.softmax(-1)
        over_all = scores.softmax(-1).gather(-1, best.indices)

        made, room = partial(mixture, x, best.indices), -(-k * len(x) // len(router))
        mistakes = [
            (made(over_all), "The gates of a token do not add up to 1. Take the softmax over the "
             f"{k} chosen scores, or divide by their sum."),
            (made(torch.full_like(gates, 1 / k)), "Every chosen expert has the same say. The gates "
             "are the softmax of the chosen scores."),
            (made(best.values), "Scores are no gates: softmax makes them positive and sum to 1."),
            (made(gates.flip(-1)), "Gates and experts are paired the wrong way round."),
            (made(best.values.softmax(0)), "The softmax runs over the tokens. The gates of one "
             "token add up to 1: dim=-1."),
            (made(torch.ones_like(gates)), "The experts' outputs are added without their gates."),
            (mixture(x, best.indices[:, :1], torch.ones_like(gates[:, :1])), "Only the best expert "
             f"works. Each token has {k}."),
            (made(gates, first=True), "The gate multiplies what the expert returns, not what it "
             "reads: an expert is not linear."),
            (made(gates, overwrite=True), f"A token's experts overwrite each other: the {k} "
             "outputs add up. Use +=, or index_add_."),
            (made(gates, capacity=room), "Tokens are dropped: an expert that many want computes "
             "them all. There is no capacity here."),
        ]  # fmt: skip
        call = f"mix_experts(x {tuple(x.shape)}, router, {len(router)} experts, {k}), {name},"
        compare(call, attempt(x.clone(), router.clone(), given, k), made(gates), mistakes)
        demand(sum(seen) <= k * len(x), f"{call} is right, but the experts computed {sum(seen)} "
               f"rows, where {k} for each of {len(x)} tokens are {k * len(x)}. An expert must see "
               "no token that did not choose it: that is what the mixture saves.")  # fmt: skip
        demand(len(seen) <= len(router), f"{call} is right, but it calls experts {len(seen)} times "
               f"where there are {len(router)}. Collect all tokens of an expert, and call it "
               "once: one product of many rows costs far less than many of one.")  # fmt: skip


def truncated_normal(
    attempt: Callable[[tuple[int, ...], float, float, torch.Generator], Tensor],
) -> None:
    """Normal numbers with a tail that is cut off, and the standard deviation that was asked for."""
    for std, cut in ((1.0, 2.0), (0.02, 2.0), (0.5, 3.0), (1.0, 1.0)):
        call, shape = f"truncated_normal((500, 400), {std}, {cut}, generator)", (500, 400)
        before = torch.get_rng_state()
        x = attempt(shape, std, cut, torch.Generator().manual_seed(0))
        compare(f"{call}.shape", getattr(x, "shape", x), torch.Size(shape))
        demand(x.dtype == torch.float32, f"{call} has the dtype {x.dtype}, not torch.float32.")
        again = attempt(shape, std, cut, torch.Generator().manual_seed(0))
        own = torch.equal(x, again) and torch.equal(before, torch.get_rng_state())
        demand(own, f"{call}: two generators of the same seed must give the same numbers, and "
               "torch's own must not move. Pass the generator to every call.")  # fmt: skip
        inside = math.erf(cut / math.sqrt(2))
        density = math.exp(-cut * cut / 2) / math.sqrt(2 * math.pi)
        narrowed = math.sqrt(1 - 2 * cut * density / inside)
        most, spread = x.abs().max().item(), x.std().item()
        piled = (x.abs() == most).double().mean().item()
        ends = f"{call} reaches {most:.4g}"
        demand(piled < 1e-3, f"{ends}, and {piled:.1%} of the numbers are exactly there. Do not "
               "clamp: what lies outside is drawn again, or never drawn.")  # fmt: skip
        limit = cut * std / narrowed
        rare = (x.abs() > 1.001 * limit).double().mean().item()
        demand(rare < 0.25 * (1 - inside), f"{ends}: nothing is cut. The cut counts standard "
               "deviations. In torch.nn.init.trunc_normal_ the bounds a and b are numbers, and at "
               "a std of 0.02 its default of 2 is a hundred of them away.")  # fmt: skip
        demand(rare == 0, f"{ends}, beyond {limit:.4g}. Draw again until nothing lies outside: "
               "the second draw has a tail, too.")  # fmt: skip
        off = f"{call} has a standard deviation of {spread:.4g}, not {std}"
        tight = abs(spread / (std * narrowed) - 1) < 0.01
        demand(not tight, f"{off}. The tail that you have cut held much of the variance: at {cut} "
               f"a factor of {narrowed:.3f} is left. Divide by it.")  # fmt: skip
        demand(abs(spread / std - 1) < 0.01, f"{off}. Is it measured after the cut?")
        middle = (x.abs() < limit / 2).double().mean().item()
        share = math.erf(cut / 2 / math.sqrt(2)) / inside
        demand(abs(middle - share) < 0.01, f"{call} has {middle:.1%} of its numbers in the inner "
               f"half of the range, not {share:.1%}: is it normal?")  # fmt: skip
        demand(abs(x.mean().item()) < 0.02 * std, f"{call} has the mean {x.mean():.3g}, not 0.")


def count_weights(attempt: Callable[[dict], int]) -> None:
    """Every parameter of a model, from its config.json."""
    for name, config in CONFIGS.items():
        got = attempt(dict(config))
        compare(f"count_weights(config), {name},", got, weights_of(config), miscounts(config))


def accept_draft(attempt: Callable[[list[int], Tensor, Tensor, Tensor], list[int]]) -> None:
    """Which drafted tokens a large model lets stand, and the one that it adds."""
    hints = {
        "inverted": "Is the ratio upside down? It is q / p: what the large model likes better than "
        "the small one always stands.",
        "alone": "Divide by p: the small model has already drawn the token with that probability.",
        "all": "After a rejection, draw from what p gives too little: max(q - p, 0). Drawn from q "
        "itself, tokens that the draft proposes too often stay too frequent.",
        "difference": "Only where q is above p is something left over: max(q - p, 0), not |q - p|.",
        "other way": "What is left over is q - p where that is positive, not p - q.",
        "not normalised": "What is left over adds up to less than 1. Divide by its sum.",
        "likeliest": "The replacement is drawn, with the last of the numbers, and not the "
        "likeliest.",
        "goes on": "What follows a rejected token was drafted for another text: stop there.",
        "leaves out": "What follows a rejected token was drafted for another text: stop there.",
        "no replacement": "After a rejection one token is drawn in place of the rejected one.",
        "no extra": "When all stand, the large model adds one more, from its last row.",
        "row before": "The token after the last drafted one has a row of its own: the last of q.",
    }
    cases = list(drafts())
    answers = [attempt(list(ids), *(x.clone() for x in rest)) for ids, *rest in cases]
    rights = [accepted(*case) for case in cases]
    seen = [hint for name, hint in hints.items() if answers == [accepted(*c, name) for c in cases]]
    for (ids, small, large, uniforms), got, right in zip(cases, answers, rights, strict=True):
        ratios = [round(float(large[i, x] / small[i, x]), 3) for i, x in enumerate(ids)]
        numbers = [round(x, 3) for x in uniforms.tolist()]
        call = f"accept_draft({ids}, p, q, {numbers}), where q / p is {ratios},"
        compare(call, got, right, [(got, hint) for hint in seen[:1]])


def pack_int4(attempt: Callable[[Tensor, int], tuple[Tensor, Tensor]]) -> None:
    """Four bits a weight, two weights a byte, and one scale for each group."""
    zeros = torch.cat([normal(2, 4).float(), torch.zeros(2, 4)], -1)
    cases = [
        ("the row (7, -3, 1, 0)", torch.tensor([[7.0, -3.0, 1.0, 0.0]]), 4),
        ("", normal(3, 16).float(), 16),
        ("", normal(3, 16, seed=1).float() * torch.arange(1.0, 17), 4),
        ("with a group of zeros", zeros, 4),
    ]
    for name, weight, group in cases:
        numbers, scales = nibbles(weight, group)
        call = f"pack_int4(weight {tuple(weight.shape)}, {group}){name and ', ' + name}:"
        got = attempt(weight.clone(), group)
        pair = isinstance(got, tuple) and len(got) == 2
        demand(pair, f"{call} gives {type(got).__name__}. Return two tensors, packed and scales.")
        compare(f"{call} scales", got[1], scales, [
            (nibbles(weight, group, largest=8)[1], "-8 is not used: the largest number becomes 7 "
             "or -7, so the scale is the largest magnitude divided by 7."),
            (nibbles(weight, group, largest=15)[1], "The largest magnitude becomes 7, not 15: half "
             "of the numbers stand for negative weights."),
            (nibbles(weight, group, by_row=True)[1], "Each group has a scale of its own."),
            (weight.unflatten(-1, (-1, group)).amax(-1) / 7, "The largest magnitude, sign or not: "
             "abs() before amax."),
            (1 / scales, "The scale turns whole numbers into weights: magnitude / 7."),
            (torch.where(scales == 0, 1.0, scales), "A group of zeros has the scale 0. Divide by 1 "
             "there, but return what was asked for."),
        ])  # fmt: skip

        def wrong(weight: Tensor = weight, group: int = group, **how: object) -> Tensor:
            return packed(nibbles(weight, group, **how)[0])

        nan = "0 / 0 is NaN, and as an integer it is anything: divide a group of zeros by 1."
        compare(f"{call} packed", got[0], packed(numbers), [
            (packed(numbers, high_first=True), "The first of two neighbours has the low four bits: "
             "first + 16 * second."),
            (packed(numbers, halves=True), "Neighbours share a byte: columns 0 and 1, then 2 and "
             "3."),
            (wrong(offset=0), "Four bits hold 0 to 15. Add 8 to each number, so that 0 becomes 8."),
            (wrong(offset=7), "The offset is 8: -7 becomes 1 and 0 becomes 8."),
            (wrong(rounding=torch.trunc), "Turning a float into an integer cuts towards 0. Use "
             "round() first: the error is half as large."),
            (wrong(rounding=torch.floor), "Round to the nearest, not down."),
            (numbers, "Every number has a byte of its own still: put two into one."),
            *([(got[0], nan)] if "zeros" in name else []),
        ])  # fmt: skip
    hint = "Columns that fill no group, or no byte, would be lost or mixed up."
    for columns, group in ((5, 4), (9, 3)):
        weight = normal(2, columns).float()
        call = f"pack_int4(weight (2, {columns}), {group})"
        refuse(call, partial(attempt, weight, group), hint)


def split_c_attn(attempt: Callable[[Tensor, Tensor], dict[str, Tensor]]) -> None:
    """GPT-2's one matrix for queries, keys and values, as three that torch's Linear takes."""
    for d in (2, 6):
        weight, bias = torch.arange(d * 3.0 * d).view(d, 3 * d), 100 + torch.arange(3.0 * d)
        call = f"split_c_attn(weight {d, 3 * d}, bias {(3 * d,)})"
        got = attempt(weight.clone(), bias.clone())
        demand(isinstance(got, dict), f"{call} gives {type(got).__name__}. Return a dictionary.")
        parts = dict(zip("qkv", weight.T.chunk(3), strict=True))
        biases = dict(zip("qkv", bias.chunk(3), strict=True))
        rights = {f"{x}_proj.weight": parts[x] for x in "qkv"}
        rights |= {f"{x}_proj.bias": biases[x] for x in "qkv"}
        compare(f"{call}, sorted names,", sorted(got), sorted(rights))
        for name, right in rights.items():
            which = "qkv".index(name[0])
            other = [
                (x, f"These are the {long}: c_attn holds q, then k, then v.")
                for x, long in [
                    (part[y], f"numbers of {y}") for part in (parts, biases) for y in "qkv"
                ]
            ]
            mistakes = [
                (right.T if right.dim() == 2 else None, "Conv1D computes x @ weight, Linear "
                 "x @ weight.T: transpose. All sizes fit either way, and nothing crashes."),
                (weight.reshape(3 * d, d).chunk(3)[which], "view and reshape only read the same "
                 "numbers in another shape. Transpose."),
                (weight.T[which::3], "The columns do not take turns: first all of q, then all of "
                 "k, then all of v."),
                (bias[which::3], "The biases do not take turns: first those of q, then k, then v."),
                *other,
            ]  # fmt: skip
            compare(f'{call}["{name}"]', got[name], right, mistakes)
        alone = all(x.is_contiguous() and x.untyped_storage().nbytes() == 4 * x.numel()
                    for x in got.values())  # fmt: skip
        demand(alone, f"{call} has the right numbers, but some are views into one block of memory, "
               "which safetensors refuses to save. Give each a copy of its own: .T.contiguous() of "
               "the part, and .clone() of the bias.")  # fmt: skip
