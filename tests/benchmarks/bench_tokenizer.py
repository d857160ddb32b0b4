"""Tokenizer: training, encoding and decoding beside tiktoken and Hugging Face's tokenizers.

    python -m tests.benchmarks.bench_tokenizer [MEGABYTES]

The text is Python source, standard library and torch, 20 MB unless said. Each training runs in a
process of its own, so that its peak memory can be told. CPU seconds; the line on two workers gives
wall-clock seconds and needs two idle cores.
"""

import math
import os
import sys
import sysconfig
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from common.tokenizer import GPT4_PATTERN, BPETokenizer, train_bpe
from common.tokenizer.storage import visible

if __name__ == "__main__":  # the worker processes import this file too, and can do without torch
    from tests.benchmarks.measure import report, seconds

os.environ["RAYON_NUM_THREADS"] = "1"  # one core for Hugging Face too


@cache
def load_texts(max_bytes: int) -> list[str]:
    texts, size = [], 0
    roots = [sysconfig.get_paths()["stdlib"], sysconfig.get_paths()["purelib"] + "/torch"]
    for root in roots:
        for file in sorted(Path(root).rglob("*.py")):
            if root == roots[0] and "site-packages" in file.parts:
                continue
            text = file.read_text(encoding="utf-8", errors="ignore")
            size += len(text.encode())
            if size > max_bytes:
                return texts
            texts.append(text)
    return texts


def hugging_face(model: models.BPE) -> Tokenizer:
    tokenizer = Tokenizer(model)
    split = pre_tokenizers.Split(Regex(GPT4_PATTERN), behavior="isolated")
    to_bytes = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, to_bytes])
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def train_hugging_face(texts: list[str], vocab_size: int) -> None:
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size, show_progress=False, initial_alphabet=alphabet
    )
    hugging_face(models.BPE()).train_from_iterator(iter(texts), trainer)


def train_ours(texts: list[str], vocab_size: int, *, num_workers: int = 1) -> None:
    train_bpe(texts, vocab_size, pattern=GPT4_PATTERN, num_workers=num_workers)


def cost_of(train: Callable[[list[str], int], None], max_bytes: int, vocab_size: int) -> dict:
    """CPU seconds, wall seconds and MB of memory above what the texts themselves need."""
    texts = load_texts(max_bytes)
    memory = peak_mb(reset=True)
    cpu, wall = time.process_time(), time.perf_counter()
    train(texts, vocab_size)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return {"cpu": cpu, "wall": wall, "mb": peak_mb() - memory}


def peak_mb(*, reset: bool = False) -> float:
    """The most memory that this process has held since the last reset; only Linux tells."""
    if not Path("/proc/self/clear_refs").exists():
        return math.nan
    if reset:
        Path("/proc/self/clear_refs").write_text("5")
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def in_fresh_process(*arguments: object) -> dict:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(cost_of, *arguments).result()


def compare_training(max_bytes: int) -> None:
    for vocab_size in (1024, 16_384):
        ours = in_fresh_process(train_ours, max_bytes, vocab_size)
        theirs = in_fresh_process(train_hugging_face, max_bytes, vocab_size)
        report(
            f"train {max_bytes / 1e6:.0f} MB, vocab {vocab_size}",
            ours_s=ours["cpu"],
            hugging_face_s=theirs["cpu"],
            ratio=theirs["cpu"] / ours["cpu"],
            ours_mb=ours["mb"],
            hugging_face_mb=theirs["mb"],
        )
    one = in_fresh_process(train_ours, max_bytes, 1024)["wall"]
    two = in_fresh_process(partial(train_ours, num_workers=2), max_bytes, 1024)["wall"]
    report("two workers", one_wall_s=one, two_wall_s=two, ratio=one / two)


def compare_encoding(max_bytes: int) -> None:
    text = "".join(load_texts(max_bytes))
    vocab, merges = train_bpe([text], 4096, pattern=GPT4_PATTERN)
    ours = BPETokenizer(vocab, merges, pattern=GPT4_PATTERN)
    ours.encode_ordinary(text)  # its words have been seen
    tiktoken = ours.to_tiktoken()
    ids_of = {visible(token): index for index, token in vocab.items()}
    pairs = [(visible(left), visible(right)) for left, right in merges]
    theirs = hugging_face(models.BPE(ids_of, pairs))
    encoders = {
        "ours": ours.encode_ordinary,
        "tiktoken": tiktoken.encode_ordinary,
        "hugging_face": lambda part: theirs.encode(part).ids,
    }
    megabytes = len(text.encode()) / 1e6
    for chars in (100_000, 400):
        parts = [text[i : i + chars] for i in range(0, len(text), chars)]
        report(f"encode texts of {chars} characters", **speeds(encoders, parts, megabytes))
    ids = ours.encode_ordinary(text)
    decode = {"ours": ours.decode, "tiktoken": tiktoken.decode, "hugging_face": theirs.decode}
    report("decode", **speeds(decode, [ids], megabytes))


def speeds(functions: dict[str, Callable], parts: list, megabytes: float) -> dict[str, float]:
    return {
        f"{name}_mb_per_s": megabytes / seconds(partial(apply_to_each, function, parts))
        for name, function in functions.items()
    }


def apply_to_each(function: Callable, parts: list) -> None:
    for part in parts:
        function(part)


if __name__ == "__main__":
    size = int(float(sys.argv[1] if len(sys.argv) > 1 else 20) * 1e6)
    compare_training(size)
    compare_encoding(size // 4)
