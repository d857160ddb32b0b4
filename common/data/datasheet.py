"""A datasheet: what a corpus was made of, what was dropped on the way, and what that got wrong.

One HTML file that needs neither a network nor scripts, from the folder of a finished run. Whoever
uses a corpus should be able to ask what is not in it: Gebru et al. 2018, "Datasheets for Datasets",
arXiv:1803.09010; Dodge et al. 2021, "Documenting Large Webtext Corpora", arXiv:2104.08758.

Taught in ch01_data/06_corpus.ipynb.
Needs: pii.py, receipt.py, run.py, score.py, _charts.py, _passes.py,
_publish.py, _source.py, _work.py.
"""

import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from html import escape
from itertools import groupby
from pathlib import Path
from typing import Any

from ._charts import DROPPED, KEPT, funnel_chart, histogram_chart, is_minimum, number
from ._passes import EXCERPT_CHARACTERS
from ._publish import finished_run
from ._source import replacing
from ._work import read_json
from .pii import mask_emails, mask_ips, mask_phone_numbers
from .receipt import Receipt, read_receipts
from .run import read_survivors
from .score import GOOD_LABELS, wrongly_dropped

_MAX_DAMAGES = 100  # that are shown
_MAX_SHOWN = 500  # characters of an address or note
# What an excerpt may end with that was an address or number before it was cut off.
_HALF_PERSONAL = re.compile(r"(\S*@\S*|\+?\(?\d[\d\s().:-]*)\Z")

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #222; background: #fff; max-width: 1000px;
       margin: 2em auto; padding: 0 1em }
h1, h2 { line-height: 1.2 } h2 { margin-top: 2em; border-bottom: 1px solid #ccc }
table { border-collapse: collapse } td, th { padding: .2em .7em; text-align: left;
       border-bottom: 1px solid #e4e4e4; vertical-align: top } .n { text-align: right }
svg text { font: 12px system-ui, sans-serif; fill: #333 }
figure { display: inline-block; margin: .5em 1.2em .8em 0; vertical-align: top; width: 300px }
figcaption, .small { font-size: 13px; color: #555; overflow-wrap: anywhere }
blockquote { margin: .3em 0 1em; padding: .2em .8em; border-left: 4px solid #e08a3c;
       white-space: pre-line; overflow-wrap: anywhere } code, pre { font-size: 13px }
pre { white-space: pre-wrap; overflow-wrap: anywhere }
"""


def write_datasheet(
    path: str | Path,
    run_folder: str | Path,
    *,
    title: str,
    labels: Mapping[str, str] | None = None,
    wanted: Collection[str] = GOOD_LABELS,
    copies: Mapping[str, str] | None = None,
    licences: Mapping[str, str] | None = None,
    gallery_size: int = 12,
) -> None:
    """Write one HTML file about a finished run of `run_pipeline`.

    It shows the sources with their licences (by file name), the funnel, a histogram of every score
    with its threshold, the drops nearest to their thresholds, what was masked and edited,
    languages, damage, settings and versions. labels: by URL, if somebody knows them. Then a table
    counts labels by stage, and a gallery shows false positives, as `wrongly_dropped` finds them:
    drops with a label in `wanted`, but for those of which a copy survives. copies: by URL of a copy
    that of its original. Personal data in excerpts are masked. Of damage the first hundred are
    listed. Memory: the receipts, and the survivors' addresses. ValueError when the run did not
    finish, and for a negative gallery_size.

    >>> write_datasheet("town.html", "nowhere", title="The town")
    Traceback (most recent call last):
    ValueError: nowhere holds no finished run: run.json is missing
    """
    if gallery_size < 0:
        raise ValueError(f"gallery_size must not be negative, got {gallery_size}")
    folder = Path(run_folder)
    run = finished_run(folder)
    rows, scores = read_json(folder / "funnel.json"), read_json(folder / "scores.json")
    survivors = read_survivors(folder) if labels else ()
    kept = Counter(document.url for document in survivors)
    receipts = list(read_receipts(folder / "receipts.jsonl.gz"))
    sections = [
        _summary(run),
        _section("Sources", _sources(run["sources"], licences or {})),
        _section("Funnel", _funnel(rows)),
        _section("What every rule measured", _scores(scores)),
        _labels(rows, receipts, kept, labels),
        _mistakes(receipts, kept, labels, copies or {}, wanted, gallery_size),
        _near_things(receipts, gallery_size),
        _section("What was changed", _changes(run)),
        _languages(receipts),
        _section("What could not be read", _damage(run["damage"])),
        _section("Settings", f"<pre>{escape(json.dumps(run['steps'], indent=1))}</pre>"),
        _section("Versions", _table([], run["versions"].items())),
    ]
    head = f'<meta charset="utf-8"><title>{escape(title)}</title><style>{_STYLE}</style>'
    body = f"<h1>{escape(title)}</h1>\n" + "\n".join(section for section in sections if section)
    page = f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body>\n{body}\n</body></html>\n'
    with replacing(Path(path)) as stream:
        stream.write(page.encode("utf-8", "replace"))


def _summary(run: Mapping[str, Any]) -> str:
    (given, left), (before, after) = run["documents"], run["characters"]
    share = f"{left / given:.1%} of the documents" if given else "nothing came in"
    text = f"; {after / before:.1%} of the characters" if before else ""
    return (
        f"<p>{given:,} documents with {before:,} characters came in, {left:,} with {after:,} "
        f"survive ({share}{text}). Each of the other {given - left:,} has a receipt.</p>"
    )


def _sources(sources: Iterable[Mapping[str, Any]], licences: Mapping[str, str]) -> str:
    rows = [
        (s["name"], s.get("bytes", ""), s.get("sha256", ""), licences.get(s["name"], "not stated"))
        for s in sources
    ]
    return _table(["source", "bytes", "SHA-256", "licence"], rows)


def _funnel(rows: Sequence[Mapping[str, Any]]) -> str:
    legend = (
        f'<p class="small"><span style="color:{KEPT}">■</span> left after the stage '
        f'<span style="color:{DROPPED}">■</span> dropped by it</p>'
    )
    return funnel_chart(rows) + legend


def _scores(scores: Iterable[Mapping[str, Any]]) -> str:
    parts = [
        '<p class="small">Dashed line: the threshold; orange is dropped. The height is the square '
        "root of the number of documents, so that few are still seen; the outermost bins hold the "
        "tails. A rule sees the documents that every rule before it kept.</p>"
    ]
    for stage, group in groupby(scores, key=lambda score: score["stage"]):
        parts.append(f"<h3>{escape(stage)}</h3>")
        for score in group:
            side = "at least" if is_minimum(score["rule"]) else "at most"
            caption = (
                f"{score['rule']}: {side} {number(score['threshold'])}, "
                f"{score['documents']:,} documents"
            )
            chart = histogram_chart(score)
            parts.append(f"<figure>{chart}<figcaption>{escape(caption)}</figcaption></figure>")
    return "\n".join(parts)


def _labels(
    rows: Sequence[Mapping[str, Any]],
    receipts: Iterable[Receipt],
    kept: Mapping[str, int],
    labels: Mapping[str, str] | None,
) -> str:
    """Which stage dropped documents of which label."""
    if labels is None:
        return ""
    counts = Counter((labels.get(receipt.url, ""), receipt.stage) for receipt in receipts)
    left: Counter[str] = Counter()
    for url, count in kept.items():
        left[labels.get(url, "")] += count
    stages = [row["stage"] for row in rows[1:] if row["dropped"]]
    lines = [
        [label or "(none)", *(counts[label, stage] or "" for stage in stages), left[label] or ""]
        for label in sorted({label for label, _ in counts} | set(left))
    ]
    return _section("Labels by stage", _table(["label", *stages, "survive"], lines))


def _mistakes(
    receipts: Iterable[Receipt],
    kept: Collection[str],
    labels: Mapping[str, str] | None,
    copies: Mapping[str, str],
    wanted: Collection[str],
    size: int,
) -> str:
    """The dropped documents that should have stayed; a copy should not if another one stays."""
    if labels is None:
        return ""
    drops = [receipt for receipt in receipts if receipt.url in labels and receipt.url not in kept]
    came_in = {receipt.url for receipt in drops}.union(kept).intersection(labels)
    known = {url: labels[url] for url in came_in}
    lost = wrongly_dropped(drops, known, copies, good=wanted)
    text = f"{len(lost):,} documents were dropped whose label is {' or '.join(sorted(wanted))}"
    text += " and of which no copy stays."
    wrong = [receipt for receipt in drops if lost.get(receipt.url) == receipt.stage]
    return _section("False positives", f"<p>{escape(text)}</p>\n{_gallery(wrong, size)}")


def _near_things(receipts: Iterable[Receipt], size: int) -> str:
    note = "<p>The documents nearest to the threshold that dropped them.</p>"
    return _section("Near things", f"{note}\n{_gallery(receipts, size)}")


def _gallery(receipts: Iterable[Receipt], size: int) -> str:
    """The evidence and the beginning of the first few, the nearest to their thresholds first."""
    parts = []
    for receipt in sorted(receipts, key=lambda r: (_distance(r), r.url))[:size]:
        text = receipt.excerpt
        for mask in (mask_emails, mask_phone_numbers, mask_ips):
            text, _ = mask(text)
        if len(receipt.excerpt) == EXCERPT_CHARACTERS:
            text = _HALF_PERSONAL.sub("…", text)
        evidence = f"{receipt.stage}: {receipt.rule} is {number(receipt.value)}"
        evidence += f", threshold {number(receipt.threshold)}"
        evidence += f" ({receipt.note})" if receipt.note else ""
        parts.append(
            f'<p class="small">{_shown(receipt.url)}<br>{_shown(evidence)}</p>'
            f"<blockquote>{escape(text) or '(no text)'}</blockquote>"
        )
    return "\n".join(parts)


def _shown(text: str) -> str:
    return escape(text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…")


def _distance(receipt: Receipt) -> float:
    scale = max(abs(receipt.threshold), abs(receipt.value), 1e-9)
    return abs(receipt.value - receipt.threshold) / scale


def _changes(run: Mapping[str, Any]) -> str:
    rows = [(f"documents edited by: {stage}", count) for stage, count in run["edited"].items()]
    rows += [(f"placeholders |||{kind}|||", count) for kind, count in run["masked"].items()]
    return _table([], rows) if rows else "<p>Nothing.</p>"


def _languages(receipts: Iterable[Receipt]) -> str:
    found = Counter(
        receipt.note.split()[0]
        for receipt in receipts
        if receipt.rule.startswith("language.") and receipt.note
    )
    rows = found.most_common()
    return _section("Languages that were dropped", _table(["language", "documents"], rows)) * bool(
        rows
    )


def _damage(damage: Sequence[Mapping[str, Any]]) -> str:
    if not damage:
        return "<p>Everything was read.</p>"
    shown = damage[:_MAX_DAMAGES]
    rows = [(entry["source"], entry["offset"], entry["reason"]) for entry in shown]
    rest = len(damage) - len(shown)
    more = f"<p>And {rest:,} more, which run.json lists.</p>" if rest else ""
    return _table(["source", "byte", "reason"], rows) + more


def _section(title: str, content: str) -> str:
    return f"<h2>{escape(title)}</h2>\n{content}"


def _table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Rows as a table; columns with numbers in them stand on the right."""
    rows = [list(row) for row in rows]
    columns = zip(*rows, strict=True) if rows else [[] for _ in head]
    kinds = [' class="n"' * any(isinstance(v, int) for v in column) for column in columns]
    lines = [_row("th", head, kinds)] if head else []
    lines += [
        _row("td", [f"{v:,}" if isinstance(v, int) else v for v in row], kinds) for row in rows
    ]
    return "<table>" + "\n".join(lines) + "</table>"


def _row(tag: str, cells: Sequence[Any], kinds: Sequence[str]) -> str:
    pairs = zip(cells, kinds, strict=True)
    return "<tr>" + "".join(f"<{tag}{kind}>{escape(str(v))}</{tag}>" for v, kind in pairs) + "</tr>"
