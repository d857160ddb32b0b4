"""Charts as SVG text for the datasheet: a funnel, and a histogram with its threshold.

Needs: nothing but the standard library.
"""

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

KEPT, DROPPED, EDGE = "#4a7fb5", "#e08a3c", "#333"
_ROW, _LABEL, _BAR = 26, 170, 420  # pixels: height of a row, width of its label, longest bar


def funnel_chart(rows: Sequence[Mapping[str, Any]]) -> str:
    """A bar for each stage: what is left, and beside it what the stage dropped."""
    whole = max(rows[0]["left"], 1)
    parts = []
    for i, row in enumerate(rows):
        y = i * _ROW
        left, dropped = (_BAR * row[key] / whole for key in ("left", "dropped"))
        text = f"{row['left']:,}" + (f" (−{row['dropped']:,})" if row["dropped"] else "")
        parts += [
            _text(_LABEL - 8, y + 17, row["stage"], "end"),
            _rect(_LABEL, y + 4, left, _ROW - 8, KEPT),
            _rect(_LABEL + left, y + 4, dropped, _ROW - 8, DROPPED),
            _text(_LABEL + left + dropped + 6, y + 17, text),
        ]
    return _svg(_LABEL + _BAR + 130, len(rows) * _ROW + 4, parts)


def histogram_chart(score: Mapping[str, Any], *, width: int = 300, height: int = 110) -> str:
    """A histogram of what a rule measured; bins on the side that is dropped are orange."""
    counts, low, high = score["counts"], score["low"], score["high"]
    threshold, top, base = score["threshold"], max(*score["counts"], 1), height - 22
    below = is_minimum(score["rule"])
    step = width / len(counts)
    parts = []
    for i, count in enumerate(counts):
        middle = low + (i + 0.5) * (high - low) / len(counts)
        dropped = middle < threshold if below else middle > threshold
        tall = (base - 14) * (count / top) ** 0.5
        parts.append(_rect(i * step, base - tall, step - 1, tall, DROPPED if dropped else KEPT))
    parts.append(f'<path d="M0 {base}H{width}" stroke="{EDGE}"/>')
    if low <= threshold <= high:
        x = width * (threshold - low) / (high - low)
        parts.append(f'<path d="M{x:.1f} 12V{base}" stroke="{EDGE}" stroke-dasharray="3 2"/>')
        anchor = "start" if x < width / 4 else "end" if x > 3 * width / 4 else "middle"
        parts.append(_text(x, 10, number(threshold), anchor))
    else:
        side, anchor = (width, "end") if threshold > high else (0, "start")
        arrow = f"{number(threshold)} →" if threshold > high else f"← {number(threshold)}"
        parts.append(_text(side, 10, arrow, anchor))
    parts += [_text(0, height - 8, number(low)), _text(width, height - 8, number(high), "end")]
    return _svg(width, height, parts)


def is_minimum(rule: str) -> bool:
    """Whether a rule drops what lies below its threshold: its last part is called min_something."""
    return rule.rpartition(".")[2].startswith("min_")


def number(value: float) -> str:
    """Three significant digits; whole numbers whole; what is not finite by its name.

    What is left of a subtraction that should give 0 is 0.
    """
    if not math.isfinite(value):
        return str(value)
    value = 0.0 if abs(value) < 1e-12 else value
    return f"{value:,.0f}" if value == int(value) or abs(value) >= 1000 else f"{value:.3g}"


def _svg(width: float, height: float, parts: Sequence[str]) -> str:
    size = f'width="{width:g}" height="{height:g}" viewBox="0 0 {width:g} {height:g}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{"".join(parts)}</svg>'


def _rect(x: float, y: float, width: float, height: float, colour: str) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
    return f'<rect {place} fill="{colour}"/>' if width > 0 and height > 0 else ""


def _text(x: float, y: float, text: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
