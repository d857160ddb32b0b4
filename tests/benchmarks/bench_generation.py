"""Generation beside Hugging Face, nanoGPT and rasbt's cached model: tokens a CPU second.

    python -m tests.benchmarks.bench_generation [10m-1] [10m-16] [124m-1] [--new 256] [--runs 3]

    10m-1, 10m-16  6 layers of width 384, vocabulary 1024, Llama's style; batch 1 and 16
    124m-1         GPT-2 small; batch 1

Greedy, random weights, a prompt of 64 tokens and --new more; rates count the prompt's time too.
"ours" is `generate(model)`, the laying out of weights included; "ours without a Decoder" is the
model's own pass for each token, and "ours int8" the model after `quantize_int8`. NANOGPT and RASBT
name checkouts of nanoGPT and of LLMs-from-scratch; nanoGPT has no cache, so it writes a few tokens
around the middle length. All take turns, and a figure is the median of --runs. The last line of a
case is the floor: bytes that a token must read, by the speed at which one core sums up memory.

The first line is what int8 weights cost: bits per byte of text that a small model, which learned
other pages of the town in a few seconds, has not seen.
"""

import argparse
import contextlib
import importlib
import os
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from statistics import median

import torch
from torch import Tensor

from common import generate as writing
from common.int8 import quantize_int8
from common.model import TransformerLM
from common.model_config import ModelConfig
from tests.benchmarks.measure import report, seconds
from tests.town_model import bits_per_byte, train_on_town

PROMPT = 64
SIZES = {
    "10m": {"vocab_size": 1024, "d_model": 384, "num_layers": 6, "num_heads": 6},
    "124m": {"vocab_size": 50257, "d_model": 768, "num_layers": 12, "num_heads": 12},
}
Write = Callable[[Tensor, int], Tensor]  # ids (B, T) and how many more -> ids (B, T + more)


def ours(model: TransformerLM, *, decoder: bool = True) -> Write:
    def write(ids: Tensor, new: int) -> Tensor:
        usual = writing._TOKENS_WORTH_A_DECODER
        writing._TOKENS_WORTH_A_DECODER = usual if decoder else sys.maxsize
        try:
            return writing.generate(model, ids, new, temperature=0)
        finally:
            writing._TOKENS_WORTH_A_DECODER = usual

    return write


def hugging_face(config: ModelConfig) -> Write:
    import transformers

    names = {"vocab_size": config.vocab_size, "bos_token_id": 0, "eos_token_id": None}
    if config.positions == "learned":
        model = transformers.GPT2LMHeadModel(transformers.GPT2Config(
            n_positions=config.context_length, n_embd=config.d_model, n_layer=config.num_layers,
            n_head=config.num_heads, **names))  # fmt: skip
    else:
        model = transformers.LlamaForCausalLM(transformers.LlamaConfig(
            max_position_embeddings=config.context_length, hidden_size=config.d_model,
            num_hidden_layers=config.num_layers, num_attention_heads=config.num_heads,
            intermediate_size=config.d_ff, tie_word_embeddings=True, **names))  # fmt: skip
    model.eval()
    return lambda ids, new: model.generate(
        ids, max_new_tokens=new, min_new_tokens=new, do_sample=False, pad_token_id=0,
        attention_mask=torch.ones_like(ids),
    )  # fmt: skip


def rasbt(config: ModelConfig) -> Write:
    file = "ch04/03_kv-cache/gpt_with_kv_cache_optimized.py"
    spec = spec_from_file_location("rasbt", Path(os.environ["RASBT"]) / file)
    theirs = module_from_spec(spec)
    spec.loader.exec_module(theirs)
    model = theirs.GPTModel({
        "vocab_size": config.vocab_size, "context_length": config.context_length,
        "emb_dim": config.d_model, "n_heads": config.num_heads, "n_layers": config.num_layers,
        "drop_rate": 0.0, "qkv_bias": False, "kv_window_size": config.context_length,
    })  # fmt: skip
    model.eval()
    return lambda ids, new: theirs.generate_text_simple_cached(model, ids, new)


def nanogpt(config: ModelConfig) -> Write:
    sys.path.insert(0, os.environ["NANOGPT"])
    theirs = importlib.import_module("model")
    with contextlib.redirect_stdout(None):
        model = theirs.GPT(theirs.GPTConfig(
            block_size=config.context_length, vocab_size=config.vocab_size,
            n_layer=config.num_layers, n_head=config.num_heads, n_embd=config.d_model,
            dropout=0.0, bias=False))  # fmt: skip
    model.eval()
    return lambda ids, new: model.generate(ids, new, top_k=1)


def memory_speed() -> float:
    """Bytes that one core sums up in a CPU second."""
    numbers = torch.ones(64 * 2**20)
    return numbers.nbytes / seconds(numbers.sum)


def compare(case: str, new: int, runs: int) -> None:
    shape, batch = case.split("-")
    make = ModelConfig if shape == "10m" else ModelConfig.gpt2_small
    config = make(**SIZES[shape], context_length=PROMPT + new, tie_embeddings=True)
    torch.manual_seed(0)
    model = TransformerLM(config).eval()
    writers = {"ours": ours(model), "ours without a Decoder": ours(model, decoder=False)}
    writers["ours int8"] = ours(quantize_int8(model))
    peers = {"rasbt": (rasbt, "RASBT" in os.environ), "nanogpt": (nanogpt, "NANOGPT" in os.environ)}
    peers["hugging_face"] = (hugging_face, find_spec("transformers") is not None)
    for name, (build, there) in peers.items():
        if there:
            writers[name] = build(config)
        else:
            print(f"{name} is not there: no comparison with it")
    ids = torch.randint(config.vocab_size, (int(batch), PROMPT))
    rates = {name: [] for name in writers}
    for _ in range(runs):
        for name, write in writers.items():  # taking turns
            rates[name].append(tokens_per_second(write, ids, new, cached=name != "nanogpt"))
    rates = {name: median(values) for name, values in rates.items()}
    report(f"generation {case}, tokens/s", **rates)
    others = {name: rate for name, rate in rates.items() if not name.startswith("ours")}
    best = {f"best of {' and '.join(others)}": max(others.values())} if len(others) > 1 else {}
    for mine in ("ours", "ours int8"):
        ratios = {f"to {name}": rates[mine] / rate for name, rate in (others | best).items()}
        report(f"generation {case}, ratios of {mine}", **ratios)
    floor(case, model, int(batch), new, 1e3 * int(batch) / rates["ours"])


def tokens_per_second(write: Write, ids: Tensor, new: int, *, cached: bool) -> float:
    if not cached:  # every token costs the whole text: a few around the middle stand for all
        ids, new = (
            torch.cat([ids, ids.repeat(1, new // 2 // PROMPT + 1)], 1)[:, : PROMPT + new // 2],
            4,
        )
    start = time.process_time()
    with torch.inference_mode():
        out = write(ids, new)
    spent = time.process_time() - start
    assert out.shape == (len(ids), ids.shape[1] + new)
    return len(ids) * new / spent


def floor(case: str, model: TransformerLM, batch: int, new: int, measured_ms: float) -> None:
    """What reading alone takes: each matrix once, and the keys and values so far of every row."""
    matrices = sum(p.nbytes for name, p in model.named_parameters() if "position_emb" not in name)
    cached = model.new_cache(batch, PROMPT + new // 2).num_bytes  # on average
    speed = memory_speed()
    floor_ms = 1e3 * (matrices + cached) / speed
    report(f"generation {case}, floor", gb_per_s=speed / 1e9, weights_mb=matrices / 1e6,
           cache_mb=cached / 1e6, floor_ms=floor_ms, ms_per_step=measured_ms)  # fmt: skip


def int8_quality() -> None:
    model = train_on_town(num_layers=2, steps=1000)
    before, after = bits_per_byte(model), bits_per_byte(quantize_int8(model))
    report("int8, bits per byte", float32=before, int8=after,
           change_percent=100 * (after / before - 1))  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("cases", nargs="*", default=["10m-1", "10m-16", "124m-1"])
    parser.add_argument("--new", type=int, default=256)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    int8_quality()
    for case in options.cases:
        compare(case, options.new, options.runs)
