"""A byte-level BPE tokenizer: train it, encode and decode with it, write token shards."""

from .encode import BPETokenizer
from .patterns import GPT2_PATTERN, GPT4_PATTERN
from .special import CHAT_SPECIAL_TOKENS
from .train import train_bpe

__all__ = ["BPETokenizer", "CHAT_SPECIAL_TOKENS", "GPT2_PATTERN", "GPT4_PATTERN", "train_bpe"]
