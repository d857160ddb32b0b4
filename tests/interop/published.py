"""Tiny models of transformers with random weights, one of each architecture that we exchange."""

from pathlib import Path

import torch
import transformers
from transformers import PreTrainedModel

transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()

SIZES = {
    "vocab_size": 61,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 320,
    "bos_token_id": None,
    "eos_token_id": None,
}
LLAMA3 = {
    "rope_type": "llama3",
    "rope_theta": 500000.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 32,
}
WINDOW = 24
CONFIGS = {
    "gpt2": transformers.GPT2Config(
        vocab_size=61,
        n_positions=320,
        n_embd=32,
        n_layer=2,
        n_head=4,
        bos_token_id=None,
        eos_token_id=None,
    ),
    "llama": transformers.LlamaConfig(**SIZES, rope_parameters=LLAMA3),
    "mistral": transformers.MistralConfig(**SIZES, sliding_window=WINDOW),
    "mixtral": transformers.MixtralConfig(**SIZES, num_local_experts=4, sliding_window=WINDOW),
    "qwen3": transformers.Qwen3Config(**SIZES, head_dim=16, tie_word_embeddings=True),
}
ARCHITECTURES = tuple(CONFIGS)


def their_model(config: transformers.PreTrainedConfig) -> PreTrainedModel:
    """Random weights, larger than transformers' own, so that no part of the model is silent."""
    torch.manual_seed(0)
    model = transformers.AutoModelForCausalLM.from_config(config, attn_implementation="eager")
    for name, parameter in model.named_parameters():
        with torch.no_grad():
            is_gain = "norm" in name or "ln_" in name
            parameter.normal_(std=0.2).add_(1.0 if is_gain and name.endswith("weight") else 0.0)
    return model.eval()


def saved(model: PreTrainedModel, folder: Path, **options) -> Path:
    model.save_pretrained(folder, **options)
    return folder


def their_logits(model: PreTrainedModel, ids: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return model(ids).logits
