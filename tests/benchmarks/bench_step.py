"""A training step at 10M parameters beside nanoGPT's: tokens a CPU second, and peak memory.

    NANOGPT=path/to/nanoGPT python -m tests.benchmarks.bench_step [RUNS]

6 layers of width 384, 6 heads, vocabulary 1024; batch 8 x 256; in float32, and in bfloat16 under
autocast. A step is forward pass, loss, backward pass and AdamW, each project with its own. Ours
comes in the book's style (RMSNorm, RoPE, SwiGLU), in GPT-2's, and in the book's style with torch's
cross-entropy, which says what the book's own costs. nanoGPT comes as it is, without biases and with
the erf form of GELU, and as GPT-2: with biases and the tanh form, which takes torch twice as long.
All take turns, step by step, so that a busy machine spoils no ratio. Memory: the peak of a process
of its own, in MB above what it takes before the model is built.
"""

import contextlib
import importlib
import os
import resource
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from multiprocessing import get_context

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from common.model import ModelConfig, TransformerLM
from common.numerics import cross_entropy
from common.training.adamw import AdamW
from tests.benchmarks.measure import report, seconds

SIZES = {"vocab_size": 1024, "context_length": 256, "d_model": 384, "num_layers": 6, "num_heads": 6}
BATCH = 8


def ours(
    make: Callable[..., ModelConfig], loss: Callable[[Tensor, Tensor], Tensor], **choices: object
) -> tuple[nn.Module, Callable[[Tensor, Tensor], Tensor], torch.optim.Optimizer]:
    model = TransformerLM(make(**SIZES, **choices))
    optimizer = AdamW(model.parameters(), lr=1e-4)
    return model, lambda x, y: loss(model(x).float().flatten(0, 1), y.flatten()), optimizer


def nanogpt(
    as_gpt2: bool = False,
) -> tuple[nn.Module, Callable[[Tensor, Tensor], Tensor], torch.optim.Optimizer]:
    sys.path.insert(0, os.environ["NANOGPT"])
    theirs = importlib.import_module("model")
    config = theirs.GPTConfig(
        block_size=256, vocab_size=1024, n_layer=6, n_head=6, n_embd=384, dropout=0.0, bias=as_gpt2
    )
    with contextlib.redirect_stdout(None):
        model = theirs.GPT(config)
        optimizer = model.configure_optimizers(0.1, 1e-4, (0.9, 0.95), "cpu")
    for block in model.transformer.h if as_gpt2 else ():
        block.mlp.gelu = nn.GELU(approximate="tanh")
    return model, lambda x, y: model(x, y)[1], optimizer


CONTENDERS = {
    "nanogpt": nanogpt,
    "nanogpt as gpt2": lambda: nanogpt(as_gpt2=True),
    "book": lambda: ours(ModelConfig, cross_entropy, tie_embeddings=True),
    "gpt2": lambda: ours(ModelConfig.gpt2_small, cross_entropy),
    "book, torch's loss": lambda: ours(ModelConfig, F.cross_entropy, tie_embeddings=True),
}


def make_step(name: str, bf16: bool) -> Callable[[], None]:
    """A function that takes one training step of this contender on the same random tokens."""
    torch.manual_seed(0)
    _, loss_of, optimizer = CONTENDERS[name]()
    x, y = torch.randint(1024, (2, BATCH, 256))

    def step() -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            loss = loss_of(x, y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    return step


def peak_mb(name: str, bf16: bool) -> float:
    """Runs in a process of its own: the peak that three steps add to what was there before."""
    base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    step = make_step(name, bf16)
    for _ in range(3):
        step()
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - base) / 1024


def main(runs: int) -> None:
    here = "NANOGPT" in os.environ
    names = [name for name in CONTENDERS if here or not name.startswith("nanogpt")]
    if not here:
        print("nanoGPT is not here: set NANOGPT to a checkout of it", file=sys.stderr)
    # A process starts with the peak of the one that made it, so memory comes before all else.
    memory = {}
    for case in product((False, True), names):
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as alone:
            memory[case] = alone.submit(peak_mb, case[1], case[0]).result()
    for bf16 in (False, True):
        steps = {name: make_step(name, bf16) for name in names}
        best = dict.fromkeys(names, float("inf"))
        for _ in range(runs + 1):  # the first round of all warms up: the best one counts
            for name, step in steps.items():
                best[name] = min(best[name], seconds(step, runs=1))
        for name in names:
            figures = {"tokens_per_s": BATCH * 256 / best[name], "peak_mb": memory[bf16, name]}
            peers = [] if name.startswith("nanogpt") else [n for n in names if "nanogpt" in n]
            for peer in peers:
                figures[f"speed_to {peer}"] = best[peer] / best[name]
                figures[f"memory_to {peer}"] = memory[bf16, name] / memory[bf16, peer]
            report(f"step, {name}, {'bf16' if bf16 else 'fp32'}", **figures)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
