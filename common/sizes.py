"""How big a model is, from its configuration alone: parameters, operations, bytes.

Every number here is a prediction, and a test counts the same number on a model that runs.

Operations: Kaplan et al. 2020, arXiv 2001.08361, table 1; Chowdhery et al. 2022 (PaLM), arXiv
2204.02311, appendix B.
Sizes: B batch_size, T tokens of a sequence, L num_layers, D d_model, F d_ff, V vocab_size,
H num_heads, Q head_dim.
Taught in ch04_model/04_model_size.ipynb.
Needs: model_config.py.
"""

import torch

from .model_config import ModelConfig


def parameter_table(config: ModelConfig) -> dict[str, int]:
    """Parameters by role, from the configuration alone; a tied lm_head counts 0.

    >>> parameter_table(ModelConfig.gpt2_small())["ffn"]  # two thirds of each layer
    56669184
    """
    c, d = config, config.d_model
    norm = d if c.norm == "rmsnorm" else 2 * d
    attention = _attention_weights(c)
    if c.attention_bias:
        attention += (c.num_heads + 2 * c.num_kv_heads) * c.head_dim + d
    if c.num_experts is not None:
        ffn = c.num_experts * (_ffn_weights(c) + d)  # and a row of the router for each expert
    else:
        ffn = _ffn_weights(c) + (0 if c.ffn == "swiglu" else c.d_ff + d)
    qk_norm = 2 * c.head_dim if c.qk_norm else 0
    return {
        "token_embeddings": c.vocab_size * d,
        "position_embeddings": c.context_length * d if c.positions == "learned" else 0,
        "attention": c.num_layers * attention,
        "ffn": c.num_layers * ffn,
        "norms": c.num_layers * (2 * norm + qk_norm) + norm,
        "lm_head": 0 if c.tie_embeddings else c.vocab_size * d,
    }


def count_parameters(config: ModelConfig) -> int:
    """The number of parameters a model of this configuration has, without building it.

    >>> count_parameters(ModelConfig.gpt2_small())
    124439808
    """
    return sum(parameter_table(config).values())


def active_parameters(config: ModelConfig) -> int:
    """The parameters that one token passes: all of them, less the experts that it does not use.

    >>> active_parameters(ModelConfig.mixtral_8x7b())  # of 46.7 billion
    12879925248
    """
    unused = 0 if config.num_experts is None else config.num_experts - config.experts_per_token
    return count_parameters(config) - config.num_layers * unused * _ffn_weights(config)


def flops_per_token(config: ModelConfig, context_length: int | None = None) -> int:
    """Floating-point operations to train on one token: 6 N + 12 L H Q T.

    N counts the weights that multiply (looking up an embedding costs nothing; lm_head multiplies,
    tied or not; of the experts only those that the token uses). A multiply and an add are 2
    operations, and the backward pass costs twice the forward pass: 2 N of the 6 N are the
    forward's. Attention is counted over all T = context_length positions although half of them are
    masked (PaLM, appendix B); a window shortens T.

    >>> f"{flops_per_token(ModelConfig.gpt2_small()):.3g}"
    '8.54e+08'
    """
    c = config
    ffn = _ffn_weights(c)
    if c.num_experts is not None:
        ffn = c.experts_per_token * ffn + c.num_experts * c.d_model  # the router scores them all
    weights = c.num_layers * (_attention_weights(c) + ffn) + c.vocab_size * c.d_model
    tokens = c.context_length if context_length is None else context_length
    if c.window_tokens is not None:
        tokens = min(tokens, c.window_tokens)
    return 6 * weights + 12 * c.num_layers * c.num_heads * c.head_dim * tokens


def kv_cache_bytes(
    config: ModelConfig,
    batch_size: int,
    num_tokens: int | None = None,
    *,
    dtype: torch.dtype = torch.float32,
) -> int:
    """Bytes of keys and values that `TransformerLM.new_cache` allocates: 2 L B H_kv Q T numbers.

    num_tokens defaults to context_length; a window needs memory for two windows at most.

    >>> kv_cache_bytes(ModelConfig.llama3_8b(), 1, dtype=torch.bfloat16) // 2**20  # MiB
    1024
    """
    c = config
    slots = c.context_length if num_tokens is None else num_tokens
    if c.window_tokens is not None:
        slots = min(slots, 2 * c.window_tokens)
    return 2 * c.num_layers * batch_size * c.num_kv_heads * c.head_dim * slots * dtype.itemsize


def training_bytes(
    config: ModelConfig,
    batch_size: int,
    num_tokens: int | None = None,
    *,
    dtype: torch.dtype = torch.float32,
) -> dict[str, int]:
    """Bytes that a training step holds at the end of its forward pass, by what they are for.

    Weights, gradients and AdamW's two means are one, one and two numbers a parameter. Activations
    are what the backward pass will need: B T numbers for each tensor that a layer, or the loss
    behind it, keeps. num_tokens defaults to context_length. Counted for a CPU and exact in float32
    and float64; 16 bits add what norms and small attentions keep in float32, and a window shorter
    than num_tokens adds its mask.

    >>> sizes = training_bytes(ModelConfig.gpt2_small(), batch_size=8)
    >>> {name: round(size / 2**30, 2) for name, size in sizes.items()}  # GiB
    {'weights': 0.46, 'gradients': 0.46, 'optimizer': 0.93, 'activations': 6.09}
    """
    c, size = config, dtype.itemsize
    tokens = c.context_length if num_tokens is None else num_tokens
    weights = count_parameters(c) * size
    layer, layer_integers = _kept_by_layer(c, tokens)
    numbers = c.num_layers * layer + _kept_by_norm(c) + c.vocab_size + 2  # the last for the loss
    integers = c.num_layers * layer_integers + 2  # ids and targets
    activations = batch_size * tokens * (numbers * size + integers * 8)
    if c.positions == "rope":  # the angles of a position, for queries and for keys
        activations += 2 * c.num_layers * tokens * c.head_dim * size
    else:
        activations += tokens * 8
    return {
        "weights": weights,
        "gradients": weights,
        "optimizer": 2 * weights,
        "activations": activations,
    }


def _attention_weights(c: ModelConfig) -> int:
    """Weights of the four projections of a layer: q and output, k and v."""
    return 2 * c.d_model * (c.num_heads + c.num_kv_heads) * c.head_dim


def _ffn_weights(c: ModelConfig) -> int:
    """Weights of one feed-forward layer, or of one expert."""
    return (3 if c.ffn == "swiglu" else 2) * c.d_model * c.d_ff


def _kept_by_norm(c: ModelConfig) -> int:
    """What a norm reads, 1 / root (LayerNorm: the mean too), and what it gives to the maps."""
    return 2 * c.d_model + (1 if c.norm == "rmsnorm" else 2)


def _kept_by_layer(c: ModelConfig, tokens: int) -> tuple[int, int]:
    """Numbers and integers that a layer keeps for the backward pass, for each of `tokens`."""
    queries, keys = c.num_heads * c.head_dim, c.num_kv_heads * c.head_dim
    attention = queries + 2 * keys + queries + c.num_heads  # q, k, v, output, log-sum-exp
    if c.qk_norm:
        attention += (c.num_heads + c.num_kv_heads) * (c.head_dim + 1)  # as before the norm
    if c.positions == "rope" and c.rope_layout == "half" and min(c.num_heads, tokens) > 1:
        attention += queries  # a copy of the output, in the other order of heads and tokens
    ffn, integers = (3 if c.ffn == "swiglu" else 2) * c.d_ff, 0
    if c.num_experts is not None:  # what each expert reads and gives, its weight, three indices
        ffn = c.experts_per_token * (ffn + 3 * c.d_model + 1)
        integers = 3 * c.experts_per_token
    return 2 * _kept_by_norm(c) + attention + ffn, integers
