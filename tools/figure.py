"""Draw the README figure: the chain in four pictures, from the artefacts of a `make book`."""

import json
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from common.artifacts import ArtifactStore
from common.chain import load_tokenizer
from common.data.document import read_jsonl
from common.notebook import PLOT_STYLE

FIGURE = "tools/chain.svg"  # where the README looks for it
SIZE_INCHES = (11.0, 3.0)
STAGES = {"base": "0.75", "sft": "#7aa6d8", "aligned": "#1f4e79"}
TASKS = {
    "story_question": "story questions",
    "reverse": "words backwards",
    "copy": "copying",
    "first_letter": "first letter",
    "unsafe": "unsafe: refused",
    "harmless": "harmless: refused",
}
TOKENS_SHOWN = 64
_TOKEN_COLOURS = ("#cfe3f5", "#fbe3c8", "#d8efd3", "#f3d6e4", "#e6dcf5")


def draw_chain(store: ArtifactStore, path: Path) -> None:
    """Write the figure as SVG; the same artefacts give the same bytes."""
    plt.rcParams.update(PLOT_STYLE | {"svg.hashsalt": "chain", "font.size": 8})
    fig, axes = plt.subplots(1, 4, figsize=SIZE_INCHES, width_ratios=[1.0, 1.0, 1.0, 1.25])
    _funnel(axes[0], store.path("corpus"))
    _tokens(axes[1], store)
    _loss(axes[2], store.path("base"))
    _evaluation(axes[3], store.path("evaluation"))
    fig.savefig(path, metadata={"Date": None}, bbox_inches="tight")
    plt.close(fig)


def _funnel(ax: Axes, corpus: Path) -> None:
    rows = json.loads((corpus / "funnel.json").read_text(encoding="utf-8"))["town"]
    rows = [row for row in rows if row["dropped"] or row["stage"] == "crawled"]
    bars = ax.barh([row["stage"] for row in rows], [row["left"] for row in rows], color="#7aa6d8")
    ax.bar_label(bars, fmt=" %d", padding=1)
    ax.invert_yaxis()
    ax.set(xlabel="pages left", xlim=(0, 1.25 * rows[0]["left"]))
    ax.set_title("1  Crawl and clean", loc="left", fontweight="bold")
    ax.grid(False)


def _tokens(ax: Axes, store: ArtifactStore) -> None:
    documents = read_jsonl(store.path("corpus") / "town.jsonl.gz")
    story = next(d.text for d in documents if d.text.startswith("Stories")).split("\n\n")[1]
    tokenizer = load_tokenizer(store)
    x, y = 0.0, 0.0
    for number, token in enumerate(tokenizer.encode(story)[:TOKENS_SHOWN]):
        text = tokenizer.decode([token])
        width = len(text)
        if x + width > 34:
            x, y = 0.0, y + 1
        colour = _TOKEN_COLOURS[number % len(_TOKEN_COLOURS)]
        ax.add_patch(plt.Rectangle((x, y), width, 0.86, color=colour, linewidth=0))
        ax.text(x, y + 0.62, text, family="monospace", fontsize=6.6)
        x += width
    ax.set(xlim=(0, 34), ylim=(max(y + 1.2, 7), -0.2))
    ax.axis("off")
    title = f"2  Tokenize ({tokenizer.vocab_size:,} tokens)"
    ax.set_title(title, loc="left", fontweight="bold")


def _loss(ax: Axes, base: Path) -> None:
    records = json.loads((base / "losses.json").read_text(encoding="utf-8"))
    ax.plot([r["step"] for r in records], [r["loss"] for r in records], "o-", color="#1f4e79", ms=3)
    ax.set(xlabel="training steps", ylabel="nats per token", ylim=(0, None))
    ax.set_title("3-6  Pretrain", loc="left", fontweight="bold")


def _evaluation(ax: Axes, evaluation: Path) -> None:
    rows = json.loads((evaluation / "evaluation.json").read_text(encoding="utf-8"))["rows"]
    rows = [row for row in rows if row["task"] in TASKS]
    for offset, (stage, colour) in enumerate(STAGES.items()):
        values = [row[stage]["value"] for row in rows]
        errors = [
            [row[stage]["value"] - row[stage]["low"] for row in rows],
            [row[stage]["high"] - row[stage]["value"] for row in rows],
        ]
        places = [position + 0.27 * (offset - 1) for position in range(len(rows))]
        ax.barh(places, values, 0.25, xerr=errors, color=colour, label=stage, ecolor="0.4")
    ax.set_yticks(range(len(rows)), [TASKS[row["task"]] for row in rows])
    ax.invert_yaxis()
    ax.set(xlabel="share of held-out cases", xlim=(0, 1))
    ax.set_title("7  Align", loc="left", fontweight="bold")
    ax.legend(ncols=3, loc="upper center", bbox_to_anchor=(0.4, -0.16), fontsize=7)
    ax.grid(False, axis="y")
