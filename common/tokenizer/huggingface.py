"""Exchange a byte-level BPE with Hugging Face's tokenizer.json, without needing their package.

The file holds a whole pipeline: a normalizer (none here, for nothing may change the text), the
pattern that cuts, bytes as visible characters, vocabulary and merges, special tokens, and how to
decode. Their BPE merges by place in the list, as ours does. Reading refuses, with ValueError, what
would give other ids here than there.

Taught in ch02_tokenizer/03_encode_exactly.ipynb.
Needs: parts.py, exchange.py, patterns.py, storage.py, and tokenizers for `to_huggingface` alone.
"""

import json
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .exchange import merges_from_ranks
from .parts import TokenizerParts
from .patterns import GPT2_PATTERN
from .storage import invisible, json_bytes, load_json, replace_file, visible

if TYPE_CHECKING:
    import tokenizers

_VERSION = "1.0"
# What must be off, for it would change the text or the ids.
_OFF = ("normalizer", "truncation", "padding")
_OFF_IN_MODEL = ("dropout", "continuing_subword_prefix", "end_of_word_suffix", "byte_fallback")
_OFF_IN_ADDED = ("single_word", "lstrip", "rstrip")


def write_huggingface(parts: TokenizerParts, path: str | os.PathLike[str]) -> None:
    """Write a tokenizer.json that Hugging Face's tokenizers and transformers load.

    Raises ValueError for special tokens that cannot be told from other tokens there.

    >>> import tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "tokenizer.json")
    >>> ranks = {bytes([byte]): byte for byte in range(256)} | {b" t": 256}
    >>> parts = TokenizerParts(ranks, [(b" ", b"t")], {"<|end|>": 257}, GPT2_PATTERN)
    >>> write_huggingface(parts, path)
    >>> read_huggingface(path) == parts
    True
    """
    replace_file(path, json_bytes(_content(parts, path)))


def to_huggingface(parts: TokenizerParts) -> "tokenizers.Tokenizer":
    """The same tokenizer as an object of Hugging Face's package.

    >>> ranks = {bytes([byte]): byte for byte in range(256)} | {b"ow": 256}
    >>> parts = TokenizerParts(ranks, [(b"o", b"w")], {"<|end|>": 257}, GPT2_PATTERN)
    >>> to_huggingface(parts).encode("low<|end|>").ids
    [108, 256, 257]
    """
    import tokenizers

    return tokenizers.Tokenizer.from_str(json.dumps(_content(parts, "to_huggingface")))


def read_huggingface(path: str | os.PathLike[str]) -> TokenizerParts:
    """The tokenizer in a tokenizer.json, if it is a byte-level BPE that leaves the text as it is.

    Encoding then gives the ids of Hugging Face's `encode(text, add_special_tokens=False)`: what a
    post-processor would put around a text is not kept. Merges that never apply, as in files
    converted from tiktoken, are not kept either.

    >>> import tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "tokenizer.json")
    >>> replace_file(path, b'{"version": "2.0"}')
    >>> read_huggingface(path)
    Traceback (most recent call last):
    ValueError: ...tokenizer.json: version must be '1.0', not '2.0'
    """
    content = load_json(path)
    if content.get("version") != _VERSION:
        raise ValueError(f"{path}: version must be {_VERSION!r}, not {content.get('version')!r}")
    try:
        model, added = content["model"], content["added_tokens"] or []
        merges = [m.split(" ") if isinstance(m, str) else m for m in model["merges"]]
        vocab, specials = dict(model["vocab"]), {token["content"]: token["id"] for token in added}
        decoder, kind = content["decoder"], model.get("type", "BPE")
        pattern = _pattern(content["pre_tokenizer"])
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is no tokenizer.json: {error!r}") from None
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    if kind != "BPE" or not isinstance(decoder, Mapping) or decoder.get("type") != "ByteLevel":
        raise ValueError(f"{path}: must be BPE with a ByteLevel decoder, not {kind} with {decoder}")
    _refuse(content, _OFF, path)
    _refuse(model, _OFF_IN_MODEL, path)
    for token in added:
        _refuse(token, _OFF_IN_ADDED, path)
        if vocab.setdefault(token["content"], token["id"]) != token["id"]:
            raise ValueError(f"{path}: {token['content']!r} has two ids")
    if len(specials) < len(added):
        raise ValueError(f"{path}: a special token is there twice among {len(added)}")
    parts = TokenizerParts.from_visible(vocab, merges, specials, pattern, path)
    if model.get("ignore_merges") or len({left + right for left, right in merges}) < len(merges):
        parts = _with_implied_merges(parts, path)
    return parts.check(path)


def _refuse(settings: Mapping[str, Any], names: Sequence[str], path: object) -> None:
    for name in names:
        if settings.get(name):
            raise ValueError(f"{path}: {name} must be off, but is {settings[name]}")


def _pattern(pre_tokenizer: Mapping[str, Any]) -> str:
    """The pattern of the two pre-tokenizers in use: GPT-2's own, and a pattern before the bytes."""
    steps = pre_tokenizer.get("pretokenizers", [pre_tokenizer])
    *before, last = steps
    as_bytes = last["type"] == "ByteLevel" and not last["add_prefix_space"]
    if as_bytes and not before and last.get("use_regex", True):
        return GPT2_PATTERN
    if as_bytes and len(before) == 1 and not last.get("use_regex", True):
        split = before[0]
        if split["type"] == "Split" and split["behavior"] == "Isolated" and not split["invert"]:
            return split["pattern"]["Regex"]
    raise ValueError(
        f"the pre_tokenizer must be ByteLevel, or a Split that isolates what a Regex matches and "
        f"then ByteLevel without one, and add no space; it is {pre_tokenizer}"
    )


def _with_implied_merges(parts: TokenizerParts, path: object) -> TokenizerParts:
    """Keep of several merges that make one token the only one that ever applies.

    Files converted from tiktoken list every way to cut a token in two, in the order of ids.
    """
    implied = merges_from_ranks(parts.ranks)
    made = [parts.ranks.get(left + right, -1) for left, right in parts.merges]
    if made != sorted(made) or not set(implied) <= set(parts.merges):
        raise ValueError(f"{path}: merges make tokens twice, and not in the order of the ids")
    return parts._replace(merges=implied)


def _content(parts: TokenizerParts, where: object) -> dict[str, Any]:
    """The object of a tokenizer.json."""
    vocab = parts.visible_vocab(where)
    for name in parts.special_tokens:
        if _decodes_wrongly(name):
            raise ValueError(f"{where}: special token {name!r} would be decoded as bytes")
    split = {"type": "Split", "pattern": {"Regex": parts.pattern}, "behavior": "Isolated"}
    to_bytes = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True}
    steps = [split | {"invert": False}, to_bytes | {"use_regex": False}]
    flags = dict.fromkeys([*_OFF_IN_ADDED, "normalized"], False)
    return {
        "version": _VERSION,
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {"id": index, "content": name, **flags, "special": True}
            for name, index in sorted(parts.special_tokens.items(), key=lambda item: item[1])
        ],
        "normalizer": None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": steps},
        "post_processor": None,
        "decoder": to_bytes | {"use_regex": False},
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": False,
            "vocab": vocab,
            "merges": [f"{visible(left)} {visible(right)}" for left, right in parts.merges],
        },
    }


def _decodes_wrongly(name: str) -> bool:
    """Whether a ByteLevel decoder reads `name` as visible bytes that are not its own."""
    try:
        return invisible(name) != name.encode()
    except ValueError:  # it holds a character that stands for no byte, and is left as it is
        return False
