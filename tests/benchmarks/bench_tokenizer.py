"""Tokenizer: encoding and decoding beside tiktoken and Hugging Face's tokenizers.

    python -m tests.benchmarks.bench_tokenizer [MEGABYTES]

The text is Python source, standard library and torch, 5 MB unless said. CPU seconds, one core.
"""

import os
import sys
from collections.abc import Callable
from functools import partial

from tokenizers import models

from common.tokenizer import GPT4_PATTERN, BPETokenizer, train_bpe
from common.tokenizer.storage import visible
from tests.benchmarks.corpus import load_texts
from tests.benchmarks.measure import report, seconds
from tests.benchmarks.peers import hugging_face

os.environ["RAYON_NUM_THREADS"] = "1"  # one core for Hugging Face too


def compare_encoding(max_bytes: int) -> None:
    text = "".join(load_texts(max_bytes))
    vocab, merges = train_bpe([text], 4096, pattern=GPT4_PATTERN)
    ours = BPETokenizer(vocab, merges, pattern=GPT4_PATTERN)
    ours.encode_ordinary(text)  # its words have been seen
    tiktoken = ours.to_tiktoken()
    ids_of = {visible(token): index for index, token in vocab.items()}
    pairs = [(visible(left), visible(right)) for left, right in merges]
    theirs = hugging_face(models.BPE(ids_of, pairs), GPT4_PATTERN)
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
    compare_encoding(int(float(sys.argv[1] if len(sys.argv) > 1 else 5) * 1e6))
