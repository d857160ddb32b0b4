"""How big a model is, from its configuration alone: parameters, operations, bytes.

Every number here is a prediction that a test compares with the real thing.

Shapes and sizes: B batch, T tokens, D d_model, F d_ff, V vocab_size, L num_layers.
Taught in ch04_model/04_model_size.ipynb.
Needs: model_config.py.
"""

from .model_config import ModelConfig


def parameter_table(config: ModelConfig) -> dict[str, int]:
    """Parameters by role, from the configuration alone; a tied lm_head counts 0.

    >>> parameter_table(ModelConfig.gpt2_small())["ffn"]  # two thirds of each layer
    56669184
    """
    c, d = config, config.d_model
    kv_dim = c.num_kv_heads * c.head_dim
    norm = d if c.norm == "rmsnorm" else 2 * d
    attention = 2 * d * d + 2 * d * kv_dim  # q and output; k and v
    if c.attention_bias:
        attention += 2 * d + 2 * kv_dim
    ffn = 3 * d * c.d_ff if c.ffn == "swiglu" else 2 * d * c.d_ff + c.d_ff + d
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


def flops_per_token(config: ModelConfig, context_length: int | None = None) -> int:
    """Floating-point operations to train on one token: 6 N + 12 L H Q T.

    N counts the weights that multiply (looking up an embedding costs nothing; lm_head multiplies,
    tied or not), L num_layers, H num_heads, Q head_dim, T context_length. A multiply and an add
    are 2 operations, and the backward pass costs twice the forward pass: 2 N of the 6 N are the
    forward's. Attention is counted over all T positions although half of them are masked, as in
    Chowdhery et al. 2022 (PaLM), arXiv 2204.02311, appendix B; see also Kaplan et al. 2020,
    arXiv 2001.08361, table 1.

    >>> f"{flops_per_token(ModelConfig.gpt2_small()):.3g}"
    '8.54e+08'
    """
    c, d = config, config.d_model
    attention = 2 * d * d + 2 * d * c.num_kv_heads * c.head_dim
    ffn = (3 if c.ffn == "swiglu" else 2) * d * c.d_ff
    weights = c.num_layers * (attention + ffn) + c.vocab_size * d
    tokens = c.context_length if context_length is None else context_length
    return 6 * weights + 12 * c.num_layers * d * tokens
