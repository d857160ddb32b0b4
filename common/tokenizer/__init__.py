"""A byte-level BPE tokenizer: train it, encode and decode with it, write token shards."""
