"""A tokenizer as one JSON file that people can read, and bytes as characters that they can see.

Bytes are written with GPT-2's alphabet: a printable ASCII or Latin-1 byte is itself, and the other
68 are the characters from U+0100 on (a space is "Ġ", a line feed is "Ċ"), as in every Hugging Face
tokenizer.json. Radford et al. (2019), `bytes_to_unicode` in openai/gpt-2.

Taught in ch02_tokenizer/03_encode_exactly.ipynb.
Needs: nothing but the standard library.
"""

import hashlib
import json
import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_PRINTABLE = [*range(33, 127), *range(161, 173), *range(174, 256)]
_OTHERS = [byte for byte in range(256) if byte not in _PRINTABLE]
_CHARACTER = {byte: chr(byte) for byte in _PRINTABLE}
_CHARACTER |= {byte: chr(256 + index) for index, byte in enumerate(_OTHERS)}
_BYTE = {character: byte for byte, character in _CHARACTER.items()}
_FORMAT = "byte-level BPE, version 1"


def visible(token: bytes) -> str:
    """One visible character for each byte of `token`; `invisible` is the way back.

    >>> visible(b" the\\n"), visible("é".encode())
    ('ĠtheĊ', 'Ã©')
    """
    return "".join(_CHARACTER[byte] for byte in token)


def invisible(characters: str) -> bytes:
    """The bytes that `visible` wrote.

    Raises ValueError for a character that stands for no byte.

    >>> invisible("Ġthe")
    b' the'
    """
    for character in characters:
        if character not in _BYTE:
            raise ValueError(f"{character!r} in {characters!r} stands for no byte")
    return bytes(_BYTE[character] for character in characters)


def replace_file(path: str | os.PathLike[str], data: bytes) -> None:
    r"""Write a file in one step; a crash leaves the old one, never half of the new one.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "merges.txt")
    >>> replace_file(path, b"#version: 0.2\n")
    >>> path.read_bytes()
    b'#version: 0.2\n'
    """
    path = Path(path)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        unfinished.write_bytes(data)
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def json_bytes(content: Mapping[str, Any]) -> bytes:
    r"""`content` as JSON that people can read, one entry a line.

    >>> json_bytes({"Ġt": 256}).decode()
    '{\n "Ġt": 256\n}\n'
    """
    return (json.dumps(content, ensure_ascii=False, indent=1) + "\n").encode()


def load_json(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The object in a JSON file.

    Raises ValueError, naming the file, when it is no JSON (cut off, say), no object, or has a key
    twice, of which Python would drop the first without a word.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "vocab.json")
    >>> _ = path.write_text('{"a": 1, "a": 2}')
    >>> load_json(path)
    Traceback (most recent call last):
    ValueError: ...vocab.json has the key 'a' twice
    """

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        content = dict(pairs)
        if len(content) < len(pairs):
            raise KeyError(Counter(key for key, _ in pairs).most_common(1)[0][0])
        return content

    try:
        content = json.loads(Path(path).read_bytes(), object_pairs_hook=once)
    except KeyError as error:
        raise ValueError(f"{path} has the key {error} twice") from None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is damaged or cut off, it is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path} must hold a JSON object, not a {type(content).__name__}")
    return content


def write_json(content: dict[str, Any], path: str | os.PathLike[str]) -> None:
    """Write `content` with its checksum; a crash leaves the old file, never half of the new one.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "tokenizer.json")
    >>> write_json({"merges": ["Ġ t"]}, path)
    >>> read_json(path)
    {'merges': ['Ġ t']}
    """
    replace_file(path, json_bytes({"format": _FORMAT, "sha256": _checksum(content), **content}))


def read_json(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The content that `write_json` wrote.

    Raises ValueError, naming the file, when it is no JSON (cut off, say), has another format, or
    lacks the checksum that it was written with.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "other.json")
    >>> _ = path.write_text("{}")
    >>> read_json(path)
    Traceback (most recent call last):
    ValueError: ...other.json must have the format 'byte-level BPE, version 1', but has None
    """
    content = load_json(path)
    found = content.pop("format", None)
    if found != _FORMAT:
        raise ValueError(f"{path} must have the format {_FORMAT!r}, but has {found!r}")
    if content.pop("sha256", None) != _checksum(content):
        raise ValueError(f"{path} is damaged: its content does not have its sha256 checksum")
    return content


def _checksum(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()
