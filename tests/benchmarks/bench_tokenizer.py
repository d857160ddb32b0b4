"""Tokenizer: encoding and decoding beside tiktoken and Hugging Face's tokenizers, same merges.

    python -m tests.benchmarks.bench_tokenizer [MEGABYTES]

The text is Python source, standard library and torch, 5 MB unless said, vocabulary 4096, GPT-4's
pattern. CPU seconds of the fastest of three runs, one core. "ours_first" is a tokenizer that has
seen no piece before. The last line compares `to_tiktoken()` with an Encoding that tiktoken itself
was given the ranks for; the runs take turns, and a ratio of 1 means that nothing is lost.
"""

import os
import sys
import time
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec

from common.tokenizer import GPT4_PATTERN, BPETokenizer, train_bpe
from tests.benchmarks.corpus import load_texts
from tests.benchmarks.measure import report, seconds

os.environ["RAYON_NUM_THREADS"] = "1"  # one core for Hugging Face too


def compare(max_bytes: int) -> None:
    text = "".join(load_texts(max_bytes))
    megabytes = len(text.encode()) / 1e6
    vocab, merges = train_bpe([text], 4096, pattern=GPT4_PATTERN)
    ours = BPETokenizer(vocab, merges, pattern=GPT4_PATTERN)
    encode, decode = {"ours": ours.encode}, {"ours": ours.decode}
    if find_spec("tiktoken"):
        openai = ours.to_tiktoken()
        encode["tiktoken"], decode["tiktoken"] = openai.encode_ordinary, openai.decode
    if find_spec("tokenizers"):
        theirs = ours.to_huggingface()
        encode["hugging_face"], decode["hugging_face"] = partial(their_ids, theirs), theirs.decode
    for package in filter(lambda name: not find_spec(name), ("tiktoken", "tokenizers")):
        print(f"{package} is not installed: no comparison with it")
    for chars in (len(text), 400):
        parts = [text[at : at + chars] for at in range(0, len(text), chars)]
        fresh = BPETokenizer(vocab, merges, pattern=GPT4_PATTERN)
        first = seconds(partial(apply_to_each, fresh.encode, parts), runs=1)
        name = "encode one long text" if len(parts) == 1 else f"encode texts of {chars} characters"
        compare_speeds(name, encode, parts, megabytes, ours_first_mb_per_s=megabytes / first)
    lines = text.splitlines(keepends=True)
    report(
        "encode a stream of lines", ours_mb_per_s=megabytes / seconds(lambda: drain(ours, lines))
    )
    compare_speeds("decode", decode, [ours.encode(text)], megabytes)
    if find_spec("tiktoken"):
        compare_to_tiktoken(ours, text)


def compare_speeds(
    name: str, functions: dict[str, Callable], parts: list, megabytes: float, **more: float
) -> None:
    costs = {
        who: seconds(partial(apply_to_each, function, parts)) for who, function in functions.items()
    }
    speeds = {f"{who}_mb_per_s": megabytes / cost for who, cost in costs.items()}
    ratios = {f"ours_to_{who}": costs[who] / costs["ours"] for who in costs if who != "ours"}
    report(name, **speeds, **more, **ratios)


def compare_to_tiktoken(ours: BPETokenizer, text: str, *, rounds: int = 7) -> None:
    import tiktoken

    built = time.process_time()
    exported = ours.to_tiktoken()
    built = time.process_time() - built
    ranks, pattern = ours.parts.ranks, ours.pattern
    itself = tiktoken.Encoding("x", pat_str=pattern, mergeable_ranks=ranks, special_tokens={})
    costs: dict[str, list[float]] = {"exported": [], "itself": []}
    for _ in range(rounds):
        for name, encoding in (("exported", exported), ("itself", itself)):
            costs[name].append(seconds(lambda e=encoding: e.encode_ordinary(text), runs=1))
    ratio = min(costs["exported"]) / min(costs["itself"])
    report("to_tiktoken against tiktoken itself", cost_ratio=ratio, building_s=built)


def their_ids(tokenizer: object, text: str) -> list[int]:
    return tokenizer.encode(text).ids


def apply_to_each(function: Callable, parts: list) -> None:
    for part in parts:
        function(part)


def drain(tokenizer: BPETokenizer, chunks: list[str]) -> None:
    for _ in tokenizer.encode_iterable(chunks):
        pass


if __name__ == "__main__":
    compare(int(float(sys.argv[1] if len(sys.argv) > 1 else 5) * 1e6))
