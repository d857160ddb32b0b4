"""Other people's tools, set up to do the same work as ours."""

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers


def hugging_face(model: models.BPE, pattern: str) -> Tokenizer:
    """A byte-level tokenizer of Hugging Face that splits with `pattern`."""
    tokenizer = Tokenizer(model)
    split = pre_tokenizers.Split(Regex(pattern), behavior="isolated")
    to_bytes = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, to_bytes])
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer
