"""The text that the tokenizer benchmarks read: Python source, standard library and torch."""

import sysconfig
from functools import cache
from pathlib import Path


@cache
def load_texts(max_bytes: int) -> list[str]:
    """Whole files, in an order that is the same every time, up to `max_bytes`."""
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
