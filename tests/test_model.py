"""The model equals transformers' GPT-2 and Llama on random weights; its size is as predicted."""

import dataclasses
import math

import pytest
import torch
import torch.nn.functional as F
import transformers

from common.model import (
    ModelConfig,
    TransformerBlock,
    TransformerLM,
)
from common.rope_scaling import LinearScaling
from tests.tolerances import TOLERANCE

LLAMA = ModelConfig(50, context_length=16, d_model=32, num_layers=2, num_heads=4, num_kv_heads=2)
GPT2 = ModelConfig.gpt2_small(
    vocab_size=50, context_length=16, d_model=32, num_layers=2, num_heads=4
)
FLOAT64 = TOLERANCE[torch.float64]


def make(config: ModelConfig, dtype: torch.dtype = torch.float64) -> TransformerLM:
    return TransformerLM(config, generator=torch.Generator().manual_seed(0)).to(dtype)


def random_ids(batch: int, tokens: int, seed: int = 0) -> torch.Tensor:
    return torch.randint(50, (batch, tokens), generator=torch.Generator().manual_seed(seed))


@torch.no_grad()
def randomise(model: torch.nn.Module) -> None:
    """Every parameter random, norms and biases too, so that none can be left out unnoticed."""
    generator = torch.Generator().manual_seed(1)
    for parameter in model.parameters():
        parameter.normal_(std=0.3, generator=generator)


@torch.no_grad()
def from_llama(theirs: torch.nn.Module, ours: TransformerLM) -> None:
    renames = {
        "model.embed_tokens": "token_embeddings",
        "model.norm": "ln_final",
        "model.layers": "layers",
        "self_attn": "attn",
        "o_proj": "output_proj",
        "input_layernorm": "ln1",
        "post_attention_layernorm": "ln2",
        "mlp.gate_proj": "ffn.w1",
        "mlp.up_proj": "ffn.w3",
        "mlp.down_proj": "ffn.w2",
    }
    state = {}
    for name, value in theirs.state_dict().items():
        for old, new in renames.items():
            name = name.replace(old, new)
        state[name] = value
    ours.load_state_dict(state)  # strict: every name must be there, and no other


@torch.no_grad()
def from_gpt2(theirs: torch.nn.Module, ours: TransformerLM) -> None:
    """GPT-2's Conv1D stores (d_in, d_out), and one matrix for queries, keys and values."""
    renames = {
        "transformer.wte": "token_embeddings",
        "transformer.wpe": "position_embeddings",
        "transformer.ln_f": "ln_final",
        "transformer.h": "layers",
        "ln_1": "ln1",
        "ln_2": "ln2",
        "attn.c_proj": "attn.output_proj",
        "mlp.c_fc": "ffn.w1",
        "mlp.c_proj": "ffn.w2",
    }
    state = {}
    for name, value in theirs.state_dict().items():
        for old, new in renames.items():
            name = name.replace(old, new)
        if value.dim() == 2 and ("attn" in name or "ffn" in name):
            value = value.T
        if "c_attn" in name:
            for part, chunk in zip("qkv", value.chunk(3), strict=True):
                state[name.replace("c_attn", f"{part}_proj")] = chunk
        else:
            state[name] = value
    ours.load_state_dict(state)


def llama_pair(tied: bool) -> tuple[torch.nn.Module, TransformerLM]:
    theirs = transformers.LlamaForCausalLM(
        transformers.LlamaConfig(
            vocab_size=50, hidden_size=32, intermediate_size=LLAMA.d_ff, num_hidden_layers=2,
            num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=16,
            rms_norm_eps=1e-5, tie_word_embeddings=tied, bos_token_id=None, eos_token_id=None,
        )
    ).eval()  # fmt: skip
    randomise(theirs)
    ours = TransformerLM(dataclasses.replace(LLAMA, rope_layout="half", tie_embeddings=tied))
    from_llama(theirs, ours)
    return theirs, ours


@pytest.mark.parametrize("tied", [False, True])
@torch.no_grad()
def test_llama_style_logits_equal_transformers(tied):
    theirs, ours = llama_pair(tied)
    ids = random_ids(3, 16)
    torch.testing.assert_close(ours(ids), theirs(ids).logits, rtol=1e-5, atol=1e-5)


@torch.no_grad()
def test_gpt2_style_logits_equal_transformers():
    theirs = transformers.GPT2LMHeadModel(
        transformers.GPT2Config(
            vocab_size=50, n_positions=16, n_embd=32, n_layer=2, n_head=4,
            bos_token_id=None, eos_token_id=None,
        )
    ).eval()  # fmt: skip
    randomise(theirs)
    ours = TransformerLM(GPT2)
    from_gpt2(theirs, ours)
    ids = random_ids(3, 16)
    torch.testing.assert_close(ours(ids), theirs(ids).logits, rtol=1e-5, atol=1e-5)


@torch.no_grad()
def test_rope_layout_must_match_the_checkpoint():
    theirs, ours = llama_pair(False)
    other = TransformerLM(dataclasses.replace(ours.config, rope_layout="interleaved"))
    other.load_state_dict(ours.state_dict())
    ids = random_ids(1, 16)
    assert (other(ids) - theirs(ids).logits).abs().max() > 0.1


@pytest.mark.parametrize("config", [LLAMA, GPT2, dataclasses.replace(LLAMA, qk_norm=True)])
@torch.no_grad()
def test_cached_forward_equals_full_forward(config):
    model, ids = make(config), random_ids(2, 16)
    cache = model.new_cache(2)
    pieces = [model(piece, cache) for piece in ids.split([5, 1, 1, 9], dim=1)]
    torch.testing.assert_close(torch.cat(pieces, dim=1), model(ids), **FLOAT64)


@pytest.mark.parametrize("config", [LLAMA, GPT2])
@torch.no_grad()
def test_logits_do_not_see_the_future(config):
    model, ids = make(config), random_ids(1, 16)
    changed = ids.clone()
    changed[0, 9] = (changed[0, 9] + 1) % 50
    before, after = model(ids), model(changed)
    torch.testing.assert_close(after[:, :9], before[:, :9], **FLOAT64)
    assert (after[:, 9:] - before[:, 9:]).abs().amax(-1).min() > 1e-6


@pytest.mark.parametrize("config", [LLAMA, GPT2])
@torch.no_grad()
def test_left_padding_with_positions_and_mask_changes_nothing(config):
    model, ids = make(config), random_ids(1, 10)
    padded = torch.cat([torch.zeros(1, 4, dtype=torch.int64), ids], dim=1)
    positions = torch.arange(-4, 10).clamp(min=0)
    mask = (torch.arange(14) >= 4)[None, None, None]
    logits = model(padded, positions=positions, mask=mask)
    torch.testing.assert_close(logits[:, 4:], model(ids), **FLOAT64)
    assert logits.isfinite().all()


@pytest.mark.parametrize("tied", [False, True])
def test_initial_loss_is_log_vocab_size_plus_half_the_logit_variance(tied):
    config = ModelConfig(1024, context_length=64, d_model=128, num_layers=4, num_heads=4,
                         tie_embeddings=tied)  # fmt: skip
    generator = torch.Generator().manual_seed(0)
    ids, targets = torch.randint(1024, (2, 16, 64), generator=generator)
    loss = F.cross_entropy(make(config, torch.float32)(ids).flatten(0, 1), targets.flatten())
    assert loss.item() == pytest.approx(math.log(1024) + 128 * 0.02**2 / 2, abs=0.02)


def test_residual_stream_variance_does_not_grow_with_depth():
    spread = []
    for num_layers in (2, 16):
        config = dataclasses.replace(
            LLAMA, num_layers=num_layers, d_model=128, head_dim=32, d_ff=384
        )
        model = make(config, torch.float32)
        seen = []
        model.ln_final.register_forward_pre_hook(lambda _, args, seen=seen: seen.append(args[0]))
        model(random_ids(8, 16))
        spread.append(seen[0].std().item())
    assert 0.7 < spread[1] / spread[0] < 1.4


def test_initialisation_is_reproduced_by_the_generator():
    first, second = make(LLAMA), make(LLAMA)
    other = TransformerLM(LLAMA, generator=torch.Generator().manual_seed(1)).double()
    ids = random_ids(1, 8)
    assert torch.equal(first(ids), second(ids))
    assert not torch.equal(first(ids), other(ids))


def test_tied_embeddings_are_one_parameter():
    model = make(dataclasses.replace(LLAMA, tie_embeddings=True))
    assert model.lm_head.weight is model.token_embeddings.weight
    assert make(LLAMA).lm_head.weight is not make(LLAMA).token_embeddings.weight


@pytest.mark.parametrize(
    "change", [{"num_kv_heads": 1}, {"qk_norm": True}, {"rope_theta": 100.0}, {"norm_eps": 0.1}]
)
@torch.no_grad()
def test_every_option_changes_the_logits(change):
    base, ids = make(dataclasses.replace(LLAMA, num_kv_heads=4)), random_ids(1, 16)
    other = make(dataclasses.replace(base.config, **change))
    state = {n: v for n, v in base.state_dict().items() if v.shape == other.state_dict()[n].shape}
    other.load_state_dict(state, strict=False)
    assert (other(ids) - base(ids)).abs().max() > 1e-4


@torch.no_grad()
def test_block_is_the_identity_when_both_branches_write_nothing():
    block = TransformerBlock(LLAMA)
    block.attn.output_proj.weight.zero_()
    block.ffn.w2.weight.zero_()
    x = torch.randn(2, 5, 32, generator=torch.Generator().manual_seed(0))
    assert torch.equal(block(x), x)


def test_parameter_names_are_the_promised_ones():
    names = {name.removesuffix(".weight") for name, _ in TransformerLM(LLAMA).named_parameters()}
    for name in ("token_embeddings", "layers.1.attn.q_proj", "layers.1.attn.k_proj",
                 "layers.1.attn.v_proj", "layers.1.attn.output_proj", "layers.0.ffn.w1",
                 "layers.0.ffn.w2", "layers.0.ffn.w3", "layers.0.ln1", "layers.0.ln2",
                 "ln_final", "lm_head"):  # fmt: skip
        assert name in names


@torch.no_grad()
def test_forward_refuses_more_tokens_than_the_context():
    model = make(LLAMA)
    with pytest.raises(ValueError, match="17 tokens are more than context_length 16"):
        model(random_ids(1, 17))
    cache = model.new_cache(1)
    model(random_ids(1, 16), cache)
    with pytest.raises(ValueError, match="17 tokens are more than context_length 16"):
        model(random_ids(1, 1), cache)


@pytest.mark.parametrize("bad", [50, -1])
def test_forward_refuses_ids_outside_the_vocabulary(bad):
    message = rf"token ids must be in 0..49 \(vocab_size 50\), got {min(bad, 3)}..{max(bad, 3)}"
    with pytest.raises(ValueError, match=message):
        make(LLAMA)(torch.tensor([[3, bad]]))


@pytest.mark.parametrize("shape", [(1, 0), (5,)])
def test_forward_refuses_what_is_no_batch_of_texts(shape):
    with pytest.raises(ValueError, match=r"ids must be \(B, T\) .* with at least 1 token, got"):
        make(LLAMA)(torch.zeros(shape, dtype=torch.int64))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bool])
def test_forward_refuses_ids_that_are_no_integers(dtype):
    with pytest.raises(ValueError, match=rf"int64 or int32 .*, got \(1, 2\) {dtype}"):
        make(LLAMA)(torch.zeros(1, 2, dtype=dtype))


def test_qk_norm_takes_the_models_eps():
    attention = TransformerBlock(dataclasses.replace(LLAMA, qk_norm=True, norm_eps=1e-6)).attn
    assert attention.q_norm.eps == attention.k_norm.eps == 1e-6


@torch.no_grad()
def test_rope_scaling_reaches_the_rotation():
    plain, ids = make(LLAMA), random_ids(1, 16)
    scaled = make(dataclasses.replace(LLAMA, rope_scaling=LinearScaling(4.0)))
    assert (scaled(ids) - plain(ids)).abs().max() > 1e-4
    by_hand = make(LLAMA)
    tables = by_hand.layers[0].attn.rope._frequencies
    tables /= 4
    torch.testing.assert_close(scaled(ids), by_hand(ids), **FLOAT64)


@pytest.mark.parametrize("config", [LLAMA, dataclasses.replace(LLAMA, num_experts=3)])
def test_autocast_gives_nearly_the_gradients_of_float32(config):
    ids, grads = random_ids(2, 16), []
    for enabled in (False, True):
        model = make(config, torch.float32)
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            logits = model(ids).float()
        F.cross_entropy(logits.flatten(0, 1), ids.roll(1).flatten()).backward()
        grads.append(torch.cat([p.grad.flatten() for p in model.parameters()]))
    assert F.cosine_similarity(*grads, dim=0) > 0.99
