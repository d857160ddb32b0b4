"""Quality rules beside datatrove: verdicts that agree, why the others do not, documents a second.

    python -m tests.benchmarks.bench_quality [DOCUMENTS]

4,000 real documents unless said (documents.py says which), datatrove's defaults. CPU seconds, one
core; both take turns, 100 documents each. "first" is a pass with an empty memory of tokens, "again"
the faster of two more passes over the same documents, "warm" one after twice as many others, as in
the middle of a crawl; datatrove passes once, after a warm-up. "all four" is all rules on each page,
which we split once and datatrove's cache of texts once too. The last lines are hostile pages. Needs
extras bench and scale.
"""

import gc
import sys
import time
from collections import Counter
from collections.abc import Callable
from importlib.util import find_spec

from common.data import c4, verdict
from common.data.quality import gopher_repetition_filter, remove_c4_lines, split_words
from common.data.verdict import Verdict
from tests.benchmarks.documents import real_documents
from tests.benchmarks.measure import report, seconds

Answer = tuple[bool, str, str]


def forget() -> None:
    for memory in (verdict._PIECES, c4._SHAPES):
        memory.clear()
    gc.collect()


def in_turn(
    theirs: Callable[[str], object], ours: Callable[[str], object], texts: list[str]
) -> tuple[float, float, list, list]:
    """CPU seconds and answers of both."""
    spent, answers = [0.0, 0.0], [[], []]
    for start in range(0, len(texts), 100):
        for side, judge in enumerate((theirs, ours)):
            begin = time.process_time()
            answers[side] += [judge(text) for text in texts[start : start + 100]]
            spent[side] += time.process_time() - begin
    return *spent, *answers


def say_where_they_differ(
    name: str, texts: list[str], theirs: list[Answer], ours: list[Verdict]
) -> None:
    from tests.benchmarks.beside_datatrove import why_they_differ

    rows = list(zip(texts, theirs, ours, strict=True))
    both = [(a[1], b.rule.split(".")[1]) for _, a, b in rows if not a[0] and not b.keep]
    differ = [(text, a) for text, a, b in rows if a[0] != b.keep]
    report(
        f"{name} agreement",
        agree_percent=round(100 - 100 * len(differ) / len(rows), 3),
        same_reason_percent=100 * sum(a == b for a, b in both) / max(1, len(both)),
        kept_percent=100 * sum(b.keep for b in ours) / len(rows),
    )
    print("   dropped by", dict(Counter(b.rule.split(".")[1] for b in ours if not b).most_common()))
    print("   differences by cause", dict(Counter(why_they_differ(name, *d) for d in differ)))
    if name == "c4_quality":
        edited = [(text, a[2]) for text, a, _ in rows if a[0]]
        same = sum(remove_c4_lines(text, min_words_per_line=3)[0] == left for text, left in edited)
        print(f"   remaining lines equal on {same} of {len(edited)} kept pages")


def compare(count: int) -> None:
    from tests.benchmarks.beside_datatrove import OURS, Theirs, forget_pages

    texts = real_documents(count)
    mine = set(texts)
    others = [text for text in real_documents(3 * count) if text not in mine]
    report(
        "documents",
        others=len(others),
        documents=len(texts),
        characters=sum(map(len, texts)) / len(texts),
    )
    all_theirs = {name: Theirs(name) for name in OURS}

    def judge(names: list[str]) -> tuple[list, list]:
        """Time the rules of these names on each page, report, return the answers."""
        forget()

        def theirs(text: str) -> list[Answer]:
            forget_pages()
            return [all_theirs[name](text) for name in names]

        def ours(text: str) -> list[Verdict]:
            page = split_words(text)
            return [OURS[name](page) for name in names]

        slow, first, answers, verdicts = in_turn(theirs, ours, texts)
        again = seconds(lambda: [ours(text) for text in texts], runs=2)
        forget()
        for text in others:
            ours(text)
        warm = seconds(lambda: [ours(text) for text in texts], runs=1)
        report(
            names[0] if len(names) == 1 else "all four",
            datatrove_docs_per_s=len(texts) / slow,
            first_docs_per_s=len(texts) / first,
            again_docs_per_s=len(texts) / again,
            warm_docs_per_s=len(texts) / warm,
            first_ratio=slow / first,
            again_ratio=slow / again,
            warm_ratio=slow / warm,
        )
        return answers, verdicts

    for name in OURS:
        answers, verdicts = judge([name])
        say_where_they_differ(name, texts, [a for (a,) in answers], [v for (v,) in verdicts])
    judge(list(OURS))


def hostile(megabytes: int) -> None:
    """Seconds of the costliest rule on one page of this size, which nobody wrote for a reader."""
    size = megabytes * 10**6
    for name, text in {
        "one line of prose": "The owl in the barn sleeps all day, and it wakes up. " * (size // 53),
        "one URL": "https://owls.example/" + "a" * size,
        "one mark": "(" * size,
        "stops of an address": "a." * (size // 2),
        "empty lines": "\n" * size,
    }.items():
        report(
            f"{megabytes} MB, {name}", s=seconds(lambda t=text: gopher_repetition_filter(t), runs=1)
        )


if __name__ == "__main__":
    missing = [name for name in ("datatrove", "spacy") if find_spec(name) is None]
    if missing:
        sys.exit(f"not installed: {', '.join(missing)} (extras bench and scale)")
    compare(int(sys.argv[1]) if len(sys.argv) > 1 else 4000)
    hostile(50)
