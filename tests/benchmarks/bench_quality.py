"""Quality rules beside datatrove: verdicts that agree, why the others do not, documents a second.

    python -m tests.benchmarks.bench_quality [DOCUMENTS]

4,000 real documents unless said (documents.py says which), with datatrove's defaults. CPU seconds,
one core. "first" is a pass with an empty memory of words, "again" the faster of two more passes over
the same documents; datatrove passes once, after a warm-up. The last line is all four rules on each
page, which we split once and datatrove's cache of five texts splits once too. Needs extras bench
and scale.
"""

import gc
import sys
import time
from collections import Counter
from collections.abc import Callable
from importlib.util import find_spec

from common.data import c4, verdict
from common.data.quality import remove_c4_lines, split_words
from tests.benchmarks.documents import real_documents
from tests.benchmarks.measure import report, seconds


def forget() -> None:
    for memory in (verdict._PIECES, c4._SHAPES):
        memory.clear()
    gc.collect()


def in_turn(
    theirs: Callable[[str], object], ours: Callable[[str], object], texts: list[str]
) -> tuple[float, float, list, list]:
    """CPU seconds and answers of both, 100 documents each in turn: a busy machine hits both."""
    spent, answers = [0.0, 0.0], [[], []]
    for start in range(0, len(texts), 100):
        for side, judge in enumerate((theirs, ours)):
            begin = time.process_time()
            answers[side] += [judge(text) for text in texts[start : start + 100]]
            spent[side] += time.process_time() - begin
    return *spent, *answers


def compare(count: int) -> None:
    from tests.benchmarks.beside_datatrove import OURS, Theirs, forget_pages, why_they_differ

    texts = real_documents(count)
    report("documents", documents=len(texts), characters=sum(map(len, texts)) / len(texts))
    all_theirs = {name: Theirs(name) for name in OURS}
    for name, ours in OURS.items():
        forget()

        def alone(text: str, name: str = name) -> tuple[bool, str, str]:
            forget_pages()
            return all_theirs[name](text)

        slow, first, theirs, verdicts = in_turn(alone, ours, texts)
        again = seconds(lambda: [ours(text) for text in texts], runs=2)  # noqa: B023
        differ = [i for i, (a, b) in enumerate(zip(theirs, verdicts)) if a[0] != b.keep]
        reasons = sum(
            a[1] == b.rule.split(".")[1] for a, b in zip(theirs, verdicts) if not a[0] | b.keep
        )
        dropped = Counter(v.rule.split(".")[1] for v in verdicts if not v)
        report(
            name,
            datatrove_docs_per_s=len(texts) / slow,
            first_docs_per_s=len(texts) / first,
            again_docs_per_s=len(texts) / again,
            first_ratio=slow / first,
            again_ratio=slow / again,
            agree_percent=100 - 100 * len(differ) / len(texts),
            same_reason_percent=100 * reasons / max(1, sum(dropped.values())),
        )
        print("   dropped by", dict(dropped.most_common()))
        causes = Counter(why_they_differ(name, texts[i], theirs[i]) for i in differ)
        print("   differences by cause", dict(causes))
        if name == "c4_quality":
            edited = [(text, a[2]) for text, a in zip(texts, theirs) if a[0]]
            same = sum(remove_c4_lines(text, min_words_per_line=3)[0] == t for text, t in edited)
            print(f"   remaining lines equal on {same} of {len(edited)} kept pages")
    forget()

    def four(text: str) -> list:
        page = split_words(text)
        return [rule(page) for rule in OURS.values()]

    slow, first, *_ = in_turn(lambda t: [f(t) for f in all_theirs.values()], four, texts)
    again = seconds(lambda: [four(text) for text in texts], runs=2)
    report("all four", first_ratio=slow / first, again_ratio=slow / again)


if __name__ == "__main__":
    missing = [name for name in ("datatrove", "spacy") if find_spec(name) is None]
    if missing:
        sys.exit(f"not installed: {', '.join(missing)} (extras bench and scale)")
    compare(int(sys.argv[1]) if len(sys.argv) > 1 else 4000)
