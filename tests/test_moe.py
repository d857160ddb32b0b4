"""The mixture computes what the dense sum over all experts computes, and only what was chosen."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from transformers import MixtralConfig
from transformers.models.mixtral.modeling_mixtral import (
    MixtralSparseMoeBlock,
    load_balancing_loss_func,
)

from common.data.batches import BatchSampler
from common.model import TransformerLM
from common.model_config import ModelConfig
from common.moe import MoE, load_balancing_loss, with_load_balancing
from common.training.loop import TrainConfig, next_token_loss, train
from tests.tolerances import TOLERANCE

FLOAT32, FLOAT64 = TOLERANCE[torch.float32], TOLERANCE[torch.float64]


def normal(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def mixture(
    d_model: int = 6, d_ff: int = 10, num_experts: int = 5, experts_per_token: int = 2
) -> MoE:
    moe = MoE(d_model, d_ff, num_experts, experts_per_token).double()
    with torch.no_grad():
        for i, parameter in enumerate(moe.parameters()):
            parameter.copy_(normal(*parameter.shape, seed=i))
    return moe


def dense(moe: MoE, x: torch.Tensor) -> torch.Tensor:
    """Every expert computes every token; gates that were not chosen are 0."""
    probabilities = moe.router(x).softmax(dim=-1)
    best = probabilities.topk(moe.experts_per_token, dim=-1)
    gates = torch.zeros_like(probabilities).scatter(-1, best.indices, best.values)
    gates = gates / gates.sum(dim=-1, keepdim=True)
    outputs = torch.stack([expert(x) for expert in moe.experts], dim=-1)  # (..., D, E)
    return (outputs * gates[..., None, :]).sum(dim=-1)


def always(moe: MoE, scores: list[float]) -> MoE:
    """Every token whose entries are all 1 gets these scores."""
    with torch.no_grad():
        moe.router.weight.copy_(torch.tensor(scores)[:, None] / moe.d_model)
    return moe


def test_moe_known_answer():
    moe = always(mixture(2, 3, num_experts=3), [2.0, -1.0, 1.0])
    x = torch.ones(2, dtype=torch.float64)
    weights, chosen = moe.route(x)
    assert chosen.tolist() == [0, 2]
    assert weights.tolist() == pytest.approx([0.7310585786, 0.2689414214])  # 1 / (1 + 1 / e)
    expected = weights[0] * moe.experts[0](x) + weights[1] * moe.experts[2](x)
    torch.testing.assert_close(moe(x), expected, **FLOAT64)


@settings(max_examples=25, deadline=None)
@given(
    tokens=st.integers(0, 20),
    num_experts=st.integers(1, 6),
    data=st.data(),
    seed=st.integers(0, 1000),
)
def test_moe_and_its_gradients_equal_the_dense_sum(tokens, num_experts, data, seed):
    moe = mixture(num_experts=num_experts, experts_per_token=data.draw(st.integers(1, num_experts)))
    x = normal(tokens, 6, seed=seed).requires_grad_()
    sparse, oracle, upstream = moe(x), dense(moe, x), normal(tokens, 6, seed=seed + 1)
    torch.testing.assert_close(sparse, oracle, **FLOAT64)
    inputs = (x, *moe.parameters())
    for ours, theirs in zip(
        torch.autograd.grad(sparse, inputs, upstream),
        torch.autograd.grad(oracle, inputs, upstream),
        strict=True,
    ):
        torch.testing.assert_close(ours, theirs, **FLOAT64)


def test_moe_passes_gradcheck():
    moe, x = mixture(d_model=3, d_ff=4, num_experts=3), normal(5, 3).requires_grad_()
    assert torch.autograd.gradcheck(lambda x, *_: moe(x), (x, *moe.parameters()))


def test_moe_equals_mixtral():
    config = MixtralConfig(
        hidden_size=16, intermediate_size=24, num_local_experts=8, num_experts_per_tok=2
    )
    theirs, ours = MixtralSparseMoeBlock(config).double(), mixture(16, 24, num_experts=8)
    with torch.no_grad():
        theirs.gate.weight.copy_(ours.router.weight)
        for i, expert in enumerate(ours.experts):
            gate_up = torch.cat([expert.w1.weight, expert.w3.weight])
            theirs.experts.gate_up_proj[i] = gate_up
            theirs.experts.down_proj[i] = expert.w2.weight
    x = normal(2, 7, 16, seed=99)
    # Mixtral takes the softmax of its router in float32, whatever the dtype of the rest.
    torch.testing.assert_close(ours(x), theirs(x), **FLOAT32)


def test_moe_drops_no_token_when_all_choose_one_expert():
    moe = always(mixture(experts_per_token=1), [0.0, 9.0, 0.0, 0.0, 0.0])
    x = torch.ones(100, 6, dtype=torch.float64)
    torch.testing.assert_close(moe(x), moe.experts[1](x), **FLOAT64)


def test_moe_asks_only_the_chosen_experts():
    moe = mixture(num_experts=5, experts_per_token=2).float()
    x = normal(30, 6, seed=9, dtype=torch.float32)
    rows = {i: 0 for i in range(5)}
    for i, expert in enumerate(moe.experts):
        expert.register_forward_hook(
            lambda _, args, __, i=i: rows.__setitem__(i, rows[i] + len(args[0]))
        )
    with FlopCounterMode(display=False) as counter:
        moe(x)
    assert sum(rows.values()) == 2 * 30
    assert counter.get_total_flops() == 30 * (2 * 6 * 5 + 6 * 6 * 10 * 2)


def test_moe_gives_an_unchosen_expert_a_gradient_of_zeros():
    moe = always(mixture(num_experts=3), [2.0, -9.0, 1.0])
    moe(torch.ones(4, 6, dtype=torch.float64)).sum().backward()
    assert all(torch.equal(p.grad, torch.zeros_like(p)) for p in moe.experts[1].parameters())
    assert moe.experts[0].w1.weight.grad.abs().sum() > 0


def test_moe_without_gradients_never_calls_an_unchosen_expert():
    moe = always(mixture(num_experts=3), [2.0, -9.0, 1.0])
    moe.experts[1] = nn.Identity()  # the wrong shape of answer would not pass torch.cat
    moe.experts[1].forward = pytest.fail
    with torch.no_grad():
        assert moe(torch.ones(4, 6, dtype=torch.float64)).isfinite().all()


def test_moe_treats_each_token_alone():
    moe, x = mixture(), normal(2, 3, 6)
    alone = torch.stack([moe(x[:, t]) for t in range(3)], dim=1)
    torch.testing.assert_close(moe(x), alone, **FLOAT64)
    x[0, 1] = torch.nan
    assert moe(x).isnan().any(dim=-1).tolist() == [[False, True, False], [False] * 3]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_moe_returns_the_dtype_it_got_with_weights_of_float32(dtype):
    moe, x = mixture().to(dtype), normal(4, 6).to(dtype)
    assert moe(x).dtype == dtype
    assert moe.route(x)[0].dtype == torch.float32
    torch.testing.assert_close(
        moe(x), dense(moe.double(), x.double()).to(dtype), **TOLERANCE[dtype]
    )


def test_moe_names_its_parameters_for_exchange():
    names = {name for name, _ in mixture(num_experts=2).named_parameters()}
    experts = {f"experts.{n}.{w}.weight" for n in range(2) for w in ("w1", "w2", "w3")}
    assert names == experts | {"router.weight"}


def test_load_balancing_loss_known_answers():
    even = 9.0 * torch.eye(4)
    assert load_balancing_loss(even, 1).item() == pytest.approx(1)  # 4 * 4 * (1/4 * 1/4)
    collapsed = even[:1].expand(4, 4)
    assert load_balancing_loss(collapsed, 1).item() == pytest.approx(4, abs=2e-3)
    assert load_balancing_loss(torch.zeros(4, 4), 2).item() == pytest.approx(2)  # ties: P is even


def test_load_balancing_loss_equals_transformers():
    layers = [normal(2, 9, 8, seed=seed) for seed in range(3)]
    flat = [layer.flatten(0, 1) for layer in layers]
    for given_, theirs in ((layers[0], flat[:1]), (torch.stack(layers), flat)):
        expected = load_balancing_loss_func(tuple(theirs), num_experts=8, top_k=2)
        torch.testing.assert_close(load_balancing_loss(given_, 2).float(), expected, **FLOAT32)


def test_load_balancing_loss_with_a_mask_equals_transformers():
    logits, mask = normal(2, 9, 8), normal(2, 9, seed=1) > 0
    expected = load_balancing_loss_func((logits.flatten(0, 1),), 8, top_k=2, attention_mask=mask)
    torch.testing.assert_close(load_balancing_loss(logits, 2, mask).float(), expected, **FLOAT32)


def test_load_balancing_loss_has_the_gradient_of_the_probabilities_alone():
    logits = normal(7, 4).requires_grad_()
    (gradient,) = torch.autograd.grad(load_balancing_loss(logits, 2), logits)
    p = logits.detach().softmax(dim=-1)
    share = torch.zeros(4).double()
    share.index_add_(0, p.topk(2).indices.flatten(), torch.full((14,), 1 / 7, dtype=p.dtype))
    expected = 4 / 7 * p * (share - (p * share).sum(dim=-1, keepdim=True))
    torch.testing.assert_close(gradient, expected, **FLOAT64)


@settings(max_examples=25, deadline=None)
@given(num_experts=st.integers(1, 8), data=st.data(), seed=st.integers(0, 1000))
def test_load_balancing_loss_lies_between_0_and_the_number_of_experts(num_experts, data, seed):
    k = data.draw(st.integers(1, num_experts))
    loss = load_balancing_loss(5 * normal(20, num_experts, seed=seed), k).item()
    assert 0 < loss <= num_experts + 1e-9


def test_with_load_balancing_adds_the_mean_over_layers():
    first, second = always(mixture(), [9.0, 8.0, 0, 0, 0]), always(mixture(), [0, 0, 0, 8.0, 9.0])
    model, x = nn.ModuleList([first, second]), torch.ones(4, 6, dtype=torch.float64)

    def loss_fn(model, batch):
        return model[0](batch).sum() + model[1](batch).sum()

    added = with_load_balancing(loss_fn, coefficient=0.5)(model, x) - loss_fn(model, x)
    logits = torch.stack([first.router(x), second.router(x)])
    each = [load_balancing_loss(layer, 2).item() for layer in logits]
    assert added.item() == pytest.approx(0.5 * sum(each) / 2)
    assert sum(each) / 2 > 4.9  # both layers are out of balance, of five experts
    assert load_balancing_loss(logits, 2).item() < 2.6  # stacked they would hide each other


def test_with_load_balancing_reaches_the_router_and_leaves_no_hook():
    moe, x = mixture(), normal(8, 6)
    plain = with_load_balancing(lambda model, batch: model(batch).sum(), coefficient=0.0)
    balanced = with_load_balancing(lambda model, batch: model(batch).sum(), coefficient=1.0)
    weight = moe.router.weight
    gradients = [torch.autograd.grad(loss(moe, x), weight)[0] for loss in (plain, balanced)]
    assert not torch.allclose(*gradients)
    assert not moe.router._forward_hooks
    with pytest.raises(ZeroDivisionError):
        with_load_balancing(lambda model, batch: 1 / 0)(moe, x)
    assert not moe.router._forward_hooks


def test_with_load_balancing_empties_an_overfull_expert():
    moe, x = mixture(num_experts=4, experts_per_token=1).float(), 1 + normal(64, 6).float()
    with torch.no_grad():
        moe.router.weight[0] += 1.0
    loss_fn = with_load_balancing(lambda model, batch: 0 * model(batch).sum(), coefficient=1.0)
    optimizer = torch.optim.Adam(moe.parameters(), lr=0.01)
    most = []
    for _ in range(100):
        most.append(torch.bincount(moe.route(x)[1].flatten(), minlength=4).max().item())
        optimizer.zero_grad()
        loss_fn(moe, x).backward()
        optimizer.step()
    assert most[0] == 40 and max(most[-20:]) <= 18  # of 64 tokens; even would be 16


def test_with_load_balancing_serves_train():
    config = ModelConfig(
        vocab_size=16, context_length=8, d_model=16, num_layers=2, num_heads=2, d_ff=16,
        num_experts=4, experts_per_token=2,
    )  # fmt: skip
    tokens, losses = np.arange(500) ** 2 % 16, {}
    for coefficient in (0.0, 10.0):
        model = TransformerLM(config, generator=torch.Generator().manual_seed(0))
        with torch.no_grad():
            for layer in model.layers:
                layer.ffn.router.weight[0] += layer.ffn.router.weight[1]  # the first is preferred
        train(
            model,
            BatchSampler(tokens, batch_size=4, context_length=8),
            TrainConfig(30, report_every=30),
            optimizers=[torch.optim.Adam(model.parameters(), lr=0.01)],
            loss_fn=with_load_balancing(next_token_loss, coefficient=coefficient),
            report=lambda record: None,
        )
        only_balance = with_load_balancing(lambda model, ids: 0 * model(ids).sum(), coefficient=1.0)
        losses[coefficient] = only_balance(model, torch.arange(16).view(2, 8)).item()
    assert losses[10.0] < 2.1 < losses[0.0]  # 2 is even


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ((6, 10, 4, 5), "experts_per_token 5 must lie in 1..num_experts 4"),
        ((6, 10, 4, 0), "experts_per_token 0 must lie in 1..num_experts 4"),
        ((6, 10, 0, 1), "num_experts must be at least 1, got 0"),
        ((0, 10, 4, 1), "d_model must be at least 1, got 0"),
        ((6, -1, 4, 1), "d_ff must be at least 1, got -1"),
    ],
)
def test_moe_refuses_sizes_that_do_not_fit(sizes, message):
    with pytest.raises(ValueError, match=message):
        MoE(*sizes)


def test_moe_refuses_vectors_of_another_width():
    with pytest.raises(ValueError, match=r"x must end in d_model 6, got shape \(2, 5\)"):
        mixture()(torch.zeros(2, 5).double())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((torch.zeros(2, 4), 5), "experts_per_token 5 must lie in 1..num_experts 4"),
        ((torch.zeros(2, 4), 1, torch.ones(3).bool()), r"mask must have shape \(2,\), got \(3,\)"),
        ((torch.zeros(2, 4), 1, torch.zeros(2).bool()), "a mean over tokens, and none is there"),
        ((torch.zeros(0, 4), 1), "a mean over tokens, and none is there"),
    ],
)
def test_load_balancing_loss_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        load_balancing_loss(*arguments)


def test_with_load_balancing_refuses():
    with pytest.raises(ValueError, match="coefficient must be at least 0, got -1"):
        with_load_balancing(lambda model, batch: 0, coefficient=-1)
    with pytest.raises(ValueError, match="Linear has no MoE layer whose load to balance"):
        with_load_balancing(lambda model, batch: 0)(nn.Linear(2, 2), torch.zeros(1, 2))
