"""Real documents for the filters: what stands around any Python installation, in English mostly."""

import inspect
import pydoc
import random
import re
import sys
import sysconfig
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from pydoc_data.topics import topics

_DOCSTRING = re.compile(r'"""(.*?)"""', re.DOTALL)
_PAPERS = re.compile(r"(readme|metadata|licen[cs]e|copying|notice|authors|change|history|news)", re.I)
_MAX_CHARACTERS = 20_000


@cache
def real_documents(count: int) -> list[str]:
    """Up to `count` different texts, the same ones in the same order in the same installation.

    Topics and module pages of pydoc; the README, METADATA, LICENSE and other text files of the
    installed packages; each module's docstrings, one by one if long and all on one page. Every
    other one has its paragraphs on one line each, as pages of the web do.
    """
    first = [*_topics(), *_papers()]
    rest = [*_docstrings()]
    random.Random(0).shuffle(rest)
    texts = (text[:_MAX_CHARACTERS].strip() for text in first[: count // 3] + rest)
    unique = list(dict.fromkeys(text for text in texts if len(text) >= 30))[:count]
    unique[::2] = map(_unwrapped, unique[::2])
    random.Random(1).shuffle(unique)
    return unique


def _unwrapped(text: str) -> str:
    """Lines that go on with a lower-case letter joined to the line before."""
    return re.sub(r"(?<=[\w,;:)]) *\n *(?=[a-z(])", " ", text)


def _topics() -> Iterator[str]:
    for topic in sorted(topics):
        yield pydoc.plain(topics[topic])
    for name in sorted(sys.stdlib_module_names & sys.modules.keys()):
        if not name.startswith("_"):
            yield pydoc.plain(pydoc.render_doc(sys.modules[name], renderer=pydoc.plaintext))


def _papers() -> Iterator[str]:
    for file in sorted(Path(sysconfig.get_paths()["purelib"]).rglob("*")):
        if _PAPERS.match(file.name) and file.suffix not in (".py", ".pyc") and file.is_file():
            yield file.read_text(encoding="utf-8", errors="replace")


def _docstrings() -> Iterator[str]:
    paths = sysconfig.get_paths()
    for root in (paths["stdlib"], paths["purelib"]):
        for file in sorted(Path(root).rglob("*.py")):
            if file.stat().st_size > 400_000:
                continue
            source = file.read_text(encoding="utf-8", errors="replace")
            parts = [inspect.cleandoc(part) for part in _DOCSTRING.findall(source)]
            yield "\n\n".join(parts)
            yield from (part for part in parts if len(part) > 800)
