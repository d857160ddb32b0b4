"""Where each of our parameters lies in a published checkpoint: under which name, and how turned.

The names differ and the model does not. Llama, Mistral, Mixtral and Qwen3 files hold every matrix
as ours do, (d_out, d_in). GPT-2's were written for y = x W + b ("Conv1D"), so its matrices lie
transposed, and queries, keys and values are the thirds of one matrix, c_attn.

Taught in ch04_model/06_exchange.ipynb.
Needs: ../model.py, ../model_config.py.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from ..model import TransformerLM
from ..model_config import ModelConfig

_LLAMA = {
    "token_embeddings": "model.embed_tokens",
    "layers.": "model.layers.",
    ".ln1.": ".input_layernorm.",
    ".attn.output_proj": ".self_attn.o_proj",
    ".attn.": ".self_attn.",
    ".ln2.": ".post_attention_layernorm.",
    ".ffn.w1": ".mlp.gate_proj",
    ".ffn.w3": ".mlp.up_proj",
    ".ffn.w2": ".mlp.down_proj",
    ".ffn.router": ".block_sparse_moe.gate",
    ".ffn.experts": ".block_sparse_moe.experts",
    "ln_final": "model.norm",
}
_GPT2 = {
    "token_embeddings": "transformer.wte",
    "position_embeddings": "transformer.wpe",
    "layers.": "transformer.h.",
    ".ln1.": ".ln_1.",
    ".attn.output_proj": ".attn.c_proj",
    ".attn.q_proj": ".attn.c_attn",
    ".attn.k_proj": ".attn.c_attn",
    ".attn.v_proj": ".attn.c_attn",
    ".ln2.": ".ln_2.",
    ".ffn.w1": ".mlp.c_fc",
    ".ffn.w2": ".mlp.c_proj",
    "ln_final": "transformer.ln_f",
}
_THIRDS = ("q_proj", "k_proj", "v_proj")


@dataclass(frozen=True)
class Place:
    """One of our tensors in a published checkpoint.

    name: of the published tensor. transposed: it lies there as (d_in, d_out). third: of its last
    dimension, 0, 1 or 2, where it shares the tensor with two others; None when it has it alone.

    >>> c_attn = torch.arange(12.0).view(2, 6)                # (d_in, 3 * d_out)
    >>> Place("h.0.attn.c_attn.weight", transposed=True, third=1).read(c_attn)  # (d_out, d_in)
    tensor([[2., 8.],
            [3., 9.]])
    """

    name: str
    transposed: bool = False
    third: int | None = None

    def read(self, published: Tensor) -> Tensor:
        """Our tensor as a view of the published one."""
        if self.third is not None:
            size = published.shape[-1] // 3
            published = published.narrow(-1, self.third * size, size)
        return published.T if self.transposed else published

    def published_shape(self, shape: torch.Size) -> tuple[int, ...]:
        """The shape of the published tensor, from that of ours."""
        *first, last = reversed(shape) if self.transposed else shape
        return (*first, last if self.third is None else 3 * last)


def published_places(config: ModelConfig, model_type: str) -> dict[str, Place]:
    """Each parameter of `TransformerLM(config)` -> its place, in the order of the model.

    A tied lm_head has no place of its own.

    >>> config = ModelConfig(vocab_size=10, context_length=8, d_model=4, num_layers=1, num_heads=2)
    >>> published_places(config, "llama")["layers.0.ffn.w1.weight"].name
    'model.layers.0.mlp.gate_proj.weight'
    """
    table = _GPT2 if model_type == "gpt2" else _LLAMA
    return {name: _place(name, table) for name, _ in skeleton(config).named_parameters()}


def skeleton(config: ModelConfig) -> TransformerLM:
    """The model with names, shapes and no numbers: its tensors are on the "meta" device.

    >>> skeleton(ModelConfig.llama3_8b()).lm_head.weight.shape  # 8 billion parameters, no memory
    torch.Size([128256, 4096])
    """
    with torch.device("meta"):
        return TransformerLM(config)


def _place(name: str, table: dict[str, str]) -> Place:
    published = name
    for ours, theirs in table.items():
        if ours in published:
            published = published.replace(ours, theirs, 1)
    if table is _LLAMA or ".attn." not in name and ".ffn." not in name:
        return Place(published)
    third = next((i for i, part in enumerate(_THIRDS) if part in name), None)
    return Place(published, transposed=name.endswith("weight"), third=third)
