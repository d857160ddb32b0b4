"""Real documents for the filters: what stands around any Python installation, in English mostly."""

import inspect
import pydoc
import random
import re
import sys
import sysconfig
from collections.abc import Iterator
from functools import cache
from itertools import chain, islice
from pathlib import Path
from pydoc_data.topics import topics

_DOCSTRING = re.compile(r'"""(.*?)"""', re.DOTALL)
_PAPER = re.compile(r"readme|metadata|licen[cs]e|copying|notice|authors|change|history|news", re.I)
_MAX_CHARACTERS = 20_000


@cache
def real_documents(count: int) -> list[str]:
    """Up to `count` different texts, the same ones in the same order in the same installation.

    Up to a third: pydoc's topics and pages of modules, README, METADATA, LICENSE and the like of
    installed packages. Then docstrings of modules drawn at random: all on one page, and the long
    ones by themselves. Every other document has its paragraphs on one line each, as pages of the
    web do.
    """
    files = sorted(Path(sysconfig.get_paths()["purelib"]).rglob("*"))
    papers = chain(_topics(), _papers(files))
    files += sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*/*.py"))
    random.Random(0).shuffle(files)
    texts = chain(islice(papers, count // 3), _docstrings(files))
    stripped = (text[:_MAX_CHARACTERS].strip() for text in texts)
    seen: set[str] = set()
    new = (text for text in stripped if len(text) >= 30 and not (text in seen or seen.add(text)))
    documents = list(islice(new, count))
    documents[::2] = map(_unwrapped, documents[::2])
    random.Random(1).shuffle(documents)
    return documents


def _unwrapped(text: str) -> str:
    """Lines that go on with a lower-case letter joined to the line before."""
    return re.sub(r"(?<=[\w,;:)]) *\n *(?=[a-z(])", " ", text)


def _topics() -> Iterator[str]:
    for topic in sorted(topics):
        yield pydoc.plain(topics[topic])
    for name in sorted(sys.stdlib_module_names & sys.modules.keys()):
        if not name.startswith("_"):
            yield pydoc.plain(pydoc.render_doc(sys.modules[name], renderer=pydoc.plaintext))


def _papers(files: list[Path]) -> Iterator[str]:
    for file in files:
        if _PAPER.match(file.name) and file.suffix not in (".py", ".pyc") and file.is_file():
            yield file.read_text(encoding="utf-8", errors="replace")


def _docstrings(files: list[Path]) -> Iterator[str]:
    for file in files:
        if file.suffix == ".py" and file.stat().st_size < 400_000:
            source = file.read_text(encoding="utf-8", errors="replace")
            parts = [inspect.cleandoc(part) for part in _DOCSTRING.findall(source)]
            yield "\n\n".join(parts)
            yield from (part for part in parts if len(part) > 800)
