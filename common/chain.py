"""The whole chain in one file: how big each step is at each budget, and what each step does.

A `Plan` holds the sizes of one budget; the notebooks read theirs from it. The builders make an artefact
from those before it with the graduates of the seven chapters, a few lines each: a notebook that is opened
alone calls them, at the smoke budget, for what it misses.

This is scaffolding of the book, not a subject of it: no notebook teaches it.
Needs: every chapter's modules.
"""

from dataclasses import dataclass

from .model import ModelConfig


@dataclass(frozen=True)
class Plan:
    """The sizes of every step of the chain, in the order of the chapters."""

    town_pages: int  # clean pages that the town writes before the mess is added
    library_pages: int  # pages of the Python documentation that the crawler may fetch
    library_share: float  # part of the training text (in bytes) that comes from the library
    vocab_size: int  # bytes, merges and special tokens together
    d_model: int
    num_layers: int
    num_heads: int
    context_length: int  # longest sequence in tokens that the model accepts
    batch_size: int  # windows a pretraining step
    window_tokens: int  # tokens a window
    pretrain_steps: int
    muon_lr: float
    adamw_lr: float
    sft_examples: int
    sft_steps: int
    sft_lr: float
    sft_batch_tokens: int
    dpo_pairs: int
    dpo_steps: int
    dpo_lr: float
    dpo_beta: float
    dpo_batch_pairs: int
    eval_stories: int  # held-out stories behind a bits-per-byte figure
    eval_examples: int  # held-out examples for each task

    def model_config(self, vocab_size: int) -> ModelConfig:
        """The Llama-style model of the chain, with normalised queries and keys and tied embeddings."""
        return ModelConfig(
            vocab_size=vocab_size,
            context_length=self.context_length,
            d_model=self.d_model,
            num_layers=self.num_layers,
            num_heads=self.num_heads,
            qk_norm=True,
            tie_embeddings=True,
        )


PLANS = {
    "smoke": Plan(
        town_pages=40,
        library_pages=8,
        library_share=0.05,
        vocab_size=400,
        d_model=32,
        num_layers=2,
        num_heads=2,
        context_length=256,
        batch_size=4,
        window_tokens=64,
        pretrain_steps=20,
        muon_lr=0.02,
        adamw_lr=5e-3,
        sft_examples=60,
        sft_steps=8,
        sft_lr=0.01,
        sft_batch_tokens=1024,
        dpo_pairs=16,
        dpo_steps=4,
        dpo_lr=3e-5,
        dpo_beta=0.1,
        dpo_batch_pairs=4,
        eval_stories=8,
        eval_examples=4,
    ),
    "book": Plan(
        town_pages=1800,
        library_pages=250,
        library_share=0.05,
        vocab_size=1024,
        d_model=128,
        num_layers=4,
        num_heads=4,
        context_length=256,
        batch_size=6,
        window_tokens=192,
        pretrain_steps=6000,
        muon_lr=0.02,
        adamw_lr=5e-3,
        sft_examples=16000,
        sft_steps=1200,
        sft_lr=0.01,
        sft_batch_tokens=2048,
        dpo_pairs=1200,
        dpo_steps=75,
        dpo_lr=3e-5,
        dpo_beta=0.1,
        dpo_batch_pairs=16,
        eval_stories=400,
        eval_examples=250,
    ),
}
