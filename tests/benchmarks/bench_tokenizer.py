"""Tokenizer: seconds to train, and MB/s to encode beside tiktoken running the same merges."""

from pathlib import Path

import torch

from common.tokenizer.encode import BPETokenizer
from common.tokenizer.special import CHAT_SPECIAL_TOKENS
from common.tokenizer.train import train_bpe
from tests.benchmarks.measure import report, seconds

files = sorted(Path(torch.__file__).parent.glob("nn/**/*.py"))
texts = [file.read_text(encoding="utf-8") for file in files]
megabytes = sum(len(text.encode()) for text in texts) / 1e6

spent = seconds(lambda: train_bpe(texts, 1024, CHAT_SPECIAL_TOKENS), runs=1)
report("train, vocab 1024", seconds=spent, mb_per_s=megabytes / spent)
tokenizer = BPETokenizer(*train_bpe(texts, 1024, CHAT_SPECIAL_TOKENS), CHAT_SPECIAL_TOKENS)
encoding = tokenizer.to_tiktoken()
ours = seconds(lambda: [tokenizer.encode_ordinary(text) for text in texts])
theirs = seconds(lambda: [encoding.encode_ordinary(text) for text in texts])
report("encode", ours_mb_per_s=megabytes / ours, tiktoken_mb_per_s=megabytes / theirs)
