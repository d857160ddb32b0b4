"""Configurations of models that the field knows, their parameters, and how people miscount them.

This is scaffolding of the book, not a subject of it: the checks of the exercises stand on it.
Needs: nothing but the standard library.
"""

from typing import Any

Config = dict[str, Any]


def _config(kind: str, **sizes: Any) -> Config:
    return {"model_type": kind, "tie_word_embeddings": False} | sizes


# As in the files on the Hugging Face hub, so far as the number of parameters depends on them.
CONFIGS: dict[str, Config] = {
    "a Llama of two layers": _config(
        "llama",
        vocab_size=10,
        hidden_size=4,
        intermediate_size=6,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
    ),
    "Llama 3 8B": _config(
        "llama",
        vocab_size=128256,
        hidden_size=4096,
        intermediate_size=14336,
        num_hidden_layers=32,
        num_attention_heads=32,
        num_key_value_heads=8,
    ),
    "Llama 3.2 1B": _config(
        "llama",
        vocab_size=128256,
        hidden_size=2048,
        intermediate_size=8192,
        num_hidden_layers=16,
        num_attention_heads=32,
        num_key_value_heads=8,
        head_dim=64,
        tie_word_embeddings=True,
    ),
    "Qwen3 0.6B": _config(
        "qwen3",
        vocab_size=151936,
        hidden_size=1024,
        intermediate_size=3072,
        num_hidden_layers=28,
        num_attention_heads=16,
        num_key_value_heads=8,
        head_dim=128,
        tie_word_embeddings=True,
    ),
    "Mixtral 8x7B": _config(
        "mixtral",
        vocab_size=32000,
        hidden_size=4096,
        intermediate_size=14336,
        num_hidden_layers=32,
        num_attention_heads=32,
        num_key_value_heads=8,
        num_local_experts=8,
        num_experts_per_tok=2,
    ),
}


def weights_of(config: Config, *, experts: int | None = None) -> int:
    """All parameters, or those of a model with another number of experts and the same router."""
    d, heads = config["hidden_size"], config["num_attention_heads"]
    head_dim = config.get("head_dim", d // heads)
    attention = 2 * d * head_dim * (heads + config["num_key_value_heads"])
    routed = config.get("num_local_experts", 0)
    feed_forward = 3 * d * config["intermediate_size"] * _experts(config, experts) + d * routed
    norms = 2 * d + (2 * head_dim if config["model_type"] == "qwen3" else 0)
    matrices = 1 if config["tie_word_embeddings"] else 2
    layers = config["num_hidden_layers"] * (attention + feed_forward + norms)
    return layers + d + matrices * config["vocab_size"] * d


def _experts(config: Config, experts: int | None = None) -> int:
    return config.get("num_local_experts", 1) if experts is None else experts


def miscounts(config: Config) -> list[tuple[int, str]]:
    """What typical mistakes count, each with its hint."""
    right, d, layers = weights_of(config), config["hidden_size"], config["num_hidden_layers"]
    heads, kind = config["num_attention_heads"], config["model_type"]
    head_dim, ff = config.get("head_dim", d // heads), config["intermediate_size"]
    wrong = [
        (weights_of(config | {"num_key_value_heads": heads}), "Keys and values have fewer heads "
         "than queries: num_key_value_heads of head_dim each."),
        (weights_of(config | {"head_dim": d // heads}), "head_dim is given: it need not be "
         "hidden_size / num_attention_heads."),
        (right - layers * d * (heads * head_dim - d), "The output projection reads all heads: one "
         "of its sizes is num_attention_heads * head_dim, not hidden_size."),
        (right - 2 * layers * d * (heads * head_dim - d), "Queries have num_attention_heads * "
         "head_dim entries here, which is not hidden_size; and the output projection reads them."),
        (weights_of(config | {"tie_word_embeddings": False}), "The embeddings are tied: lm_head is "
         "the same matrix, and counts once."),
        (weights_of(config | {"tie_word_embeddings": True}), "lm_head is a matrix of its own here: "
         "hidden_size numbers for each of the vocab_size tokens."),
        (right - layers * d * ff * _experts(config), "SwiGLU has three matrices, not two."),
        (right - d, "The norm before lm_head is missing."),
        (right - layers * d, "A layer has two norms: before attention and before the feed-forward "
         "part."),
        (right - (2 * layers + 1) * d, "The norms are missing: RMSNorm has a weight for each "
         "entry."),
        (right + (2 * layers + 1) * d, "RMSNorm has no bias: one number for each entry."),
        (right - 2 * layers * head_dim * (kind == "qwen3"), "Qwen3 has two more norms in each "
         "layer, on the queries and on the keys of a head: head_dim numbers each."),
        (right + 2 * layers * (d - head_dim) * (kind == "qwen3"), "Qwen3's norms of queries and "
         "keys work on one head: head_dim numbers each, not hidden_size."),
        (right - layers * d * config.get("num_local_experts", 0), "The router is missing: it "
         "scores each expert with hidden_size numbers."),
        (weights_of(config, experts=1), "Every expert has three matrices of its own."),
        (right - layers * (3 * d * ff * (_experts(config) - 1)
                           + d * config.get("num_local_experts", 0)), "num_local_experts says how "
         "many feed-forward parts a layer has. And a router scores them."),
        (weights_of(config, experts=config.get("num_experts_per_tok")), "That is what one token "
         "uses. All experts are stored."),
    ]  # fmt: skip
    return [(count, hint) for count, hint in wrong if count != right]
