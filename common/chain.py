"""The whole chain in one file: how big each step is at each budget, and what each step does.

A `Plan` holds the sizes of one budget; the notebooks read theirs from it. The builders make an
artefact from those before it with the graduates of the seven chapters, a few lines each: a notebook
that is opened alone calls them, at the smoke budget, for what it misses.

This is scaffolding of the book, not a subject of it: no notebook teaches it.
Needs: every chapter's modules.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path

import torch

from .alignment.dpo import dpo
from .alignment.sft import sft
from .artifacts import ArtifactStore
from .data import town
from .data.batches import BatchSampler
from .data.collect import save_crawl
from .data.corpus import build_corpus as clean_crawl
from .data.document import read_jsonl
from .data.judges import train_classifiers
from .data.labelled import labelled_texts
from .model import ModelConfig, TransformerLM
from .tokenizer.corpus import write_corpus_shards
from .tokenizer.encode import BPETokenizer
from .tokenizer.shards import open_shard
from .tokenizer.special import CHAT_SPECIAL_TOKENS
from .tokenizer.train import train_bpe
from .training.adamw import AdamW
from .training.checkpoint import load_model, save_checkpoint
from .training.loop import TrainConfig, TrainRecord, train
from .training.muon import Muon, split_parameters
from .training.precision import fast_dtype

SITES = ("town", "library")
VALID_FRACTION = 0.02  # of the documents, for the validation loss


@dataclass(frozen=True)
class Plan:
    """The sizes of every step of the chain, in the order of the chapters."""

    town_pages: int  # clean pages that the town writes before the mess is added
    library_pages: int  # pages of the Python documentation that the crawler may fetch
    labelled_pages: int  # pages whose labels the classifiers may learn from
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
        """The Llama-style model of the chain: normalised queries and keys, tied embeddings."""
        return ModelConfig(
            vocab_size=vocab_size,
            context_length=self.context_length,
            d_model=self.d_model,
            num_layers=self.num_layers,
            num_heads=self.num_heads,
            qk_norm=True,
            tie_embeddings=True,
        )

    @property
    def pretrain_config(self) -> TrainConfig:
        """The schedule of pretraining: a short warm-up, then a cosine down to 5 %."""
        return TrainConfig(
            total_steps=self.pretrain_steps,
            warmup_steps=self.pretrain_steps // 40,
            report_every=max(1, self.pretrain_steps // 10),
            checkpoint_every=max(1, self.pretrain_steps // 10),
            compute_dtype=str(fast_dtype()).removeprefix("torch."),
        )

    def optimizers(self, model: TransformerLM) -> list[torch.optim.Optimizer]:
        """Muon for the matrices of the layers, AdamW for the rest, at the peak learning rates."""
        matrices, rest = split_parameters(model)
        return [
            Muon(matrices, lr=self.muon_lr, dtype=fast_dtype()),
            AdamW(rest, lr=self.adamw_lr, weight_decay=0.0),
        ]


PLANS = {
    "smoke": Plan(
        town_pages=40,
        library_pages=8,
        labelled_pages=200,
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
        labelled_pages=1200,
        library_share=0.05,
        vocab_size=1024,
        d_model=128,
        num_layers=4,
        num_heads=4,
        context_length=256,
        batch_size=6,
        window_tokens=192,
        pretrain_steps=12000,
        muon_lr=0.02,
        adamw_lr=5e-3,
        sft_examples=16000,
        sft_steps=1000,
        sft_lr=0.005,
        sft_batch_tokens=2048,
        dpo_pairs=1200,
        dpo_steps=110,
        dpo_lr=3e-5,
        dpo_beta=0.1,
        dpo_batch_pairs=16,
        eval_stories=400,
        eval_examples=250,
    ),
}

INPUTS: dict[str, tuple[str, ...]] = {
    "crawl": (),
    "classifiers": (),
    "corpus": ("crawl", "classifiers"),
    "tokenizer": ("corpus",),
    "shards": ("corpus", "tokenizer"),
    "base": ("tokenizer", "shards"),
    "sft": ("tokenizer", "base"),
    "aligned": ("tokenizer", "sft"),
}


def build_crawl(store: ArtifactStore, plan: Plan) -> None:
    """Chapter 1: serve the town and the library, crawl both into WARC files."""
    with store.create("crawl") as folder:
        pages = town.pages(plan.town_pages, seed=store.seed)
        save_crawl(folder, pages, library_pages=plan.library_pages, seed=store.seed)


def build_classifiers(store: ArtifactStore, plan: Plan) -> None:
    """Chapter 1: train the judges of spam, toxicity and quality on pages that a person labelled."""
    with store.create("classifiers") as folder:
        labelled = labelled_texts(plan.labelled_pages, seed=store.seed)
        train_classifiers(labelled, folder, seed=store.seed)


def build_corpus(store: ArtifactStore, plan: Plan) -> None:
    """Chapter 1: extract, filter, deduplicate and mask."""
    with store.create("corpus", INPUTS["corpus"]) as folder:
        clean_crawl(store.path("crawl"), store.path("classifiers"), folder)


def build_tokenizer(store: ArtifactStore, plan: Plan) -> None:
    """Chapter 2: learn byte-level BPE merges from the corpus."""
    with store.create("tokenizer", INPUTS["tokenizer"]) as folder:
        corpus = store.path("corpus")
        documents = chain(*(read_jsonl(corpus / f"{name}.jsonl.gz") for name in SITES))
        texts = (document.text for document in documents)
        vocab, merges = train_bpe(texts, plan.vocab_size, CHAT_SPECIAL_TOKENS)
        BPETokenizer(vocab, merges, CHAT_SPECIAL_TOKENS).save(folder / "tokenizer.json")


def build_shards(store: ArtifactStore, plan: Plan) -> None:
    """Chapter 2: encode the corpus to token shards."""
    with store.create("shards", INPUTS["shards"]) as folder:
        sites = (read_jsonl(store.path("corpus") / f"{name}.jsonl.gz") for name in SITES)
        write_corpus_shards(
            *sites,
            load_tokenizer(store),
            folder,
            valid_fraction=VALID_FRACTION,
            seed=store.seed,
            library_share=plan.library_share,
        )


def build_base(store: ArtifactStore, plan: Plan) -> None:
    """Chapter 5: pretrain the model on the shards."""
    with store.create("base", INPUTS["base"]) as folder:
        tokens = open_shard(store.path("shards") / "train.bin")
        model = new_model(plan, load_tokenizer(store).vocab_size, seed=store.seed)
        sampler = BatchSampler(tokens, plan.batch_size, plan.window_tokens, seed=store.seed)
        records = train(
            model, sampler, plan.pretrain_config, optimizers=plan.optimizers(model), report=_quiet
        )
        _save(folder, model, records)


def build_sft(store: ArtifactStore, plan: Plan) -> None:
    """Chapter 7: fine-tune the base model on conversations."""
    with store.create("sft", INPUTS["sft"]) as folder:
        model = load_model(store.path("base"))
        examples = town.instructions(plan.sft_examples, seed=store.seed)
        records = sft(
            model,
            load_tokenizer(store),
            examples,
            steps=plan.sft_steps,
            lr=plan.sft_lr,
            batch_tokens=plan.sft_batch_tokens,
            seed=store.seed,
            report=_quiet,
        )
        _save(folder, model, records)


def build_aligned(store: ArtifactStore, plan: Plan) -> None:
    """Chapter 7: tune the fine-tuned model on preferences."""
    with store.create("aligned", INPUTS["aligned"]) as folder:
        model = load_model(store.path("sft"))
        pairs = town.preferences(plan.dpo_pairs, seed=store.seed)
        records = dpo(
            model,
            load_tokenizer(store),
            pairs,
            steps=plan.dpo_steps,
            lr=plan.dpo_lr,
            beta=plan.dpo_beta,
            batch_size=plan.dpo_batch_pairs,
            seed=store.seed,
            report=_quiet,
        )
        _save(folder, model, records)


BUILDERS: dict[str, Callable[[ArtifactStore, Plan], None]] = {
    "crawl": build_crawl,
    "classifiers": build_classifiers,
    "corpus": build_corpus,
    "tokenizer": build_tokenizer,
    "shards": build_shards,
    "base": build_base,
    "sft": build_sft,
    "aligned": build_aligned,
}


def load_tokenizer(store: ArtifactStore) -> BPETokenizer:
    """The tokenizer of the chain."""
    return BPETokenizer.load(store.path("tokenizer") / "tokenizer.json")


def new_model(plan: Plan, vocab_size: int, *, seed: int) -> TransformerLM:
    """An untrained model of the plan's size; the same seed gives the same weights."""
    generator = torch.Generator().manual_seed(seed)
    return TransformerLM(plan.model_config(vocab_size), generator=generator)


def _quiet(record: TrainRecord) -> None:
    """No report: whoever asked for the artefact says how long it took."""


def _save(folder: Path, model: TransformerLM, records: list[TrainRecord]) -> None:
    save_checkpoint(folder, model=model)
    text = json.dumps([asdict(record) for record in records], indent=1)
    (folder / "losses.json").write_text(text + "\n", encoding="utf-8")
