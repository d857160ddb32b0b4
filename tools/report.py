"""Print what the book ends with: the held-out evaluation table and sample conversations."""

import json
from pathlib import Path

STAGES = ("base", "sft", "aligned")
REFUSALS = ("unsafe", "harmless")


def evaluation_report(folder: Path, *, conversations: int = 3) -> str:
    """The evaluation artefact as text: one row a task, the 95 % interval of each model, then talk.

    Args:
        folder: holds `evaluation.json`, {"rows": [{"task", "n", "base", "sft", "aligned"}]} with
            {"value", "low", "high"} a stage, and `conversations.json`, lists of messages.
        conversations: how many conversations to print.
    """
    rows = json.loads((folder / "evaluation.json").read_text(encoding="utf-8"))["rows"]
    talks = json.loads((folder / "conversations.json").read_text(encoding="utf-8"))
    head = ["held-out task", "n", "base", "SFT", "aligned"]
    body = [
        [_label(row["task"]), str(row["n"]), *(_share(row[stage]) for stage in STAGES)]
        for row in rows
    ]
    widths = [max(len(line[i]) for line in [head, *body]) for i in range(len(head))]
    lines = ["Held-out evaluation: share of right answers, with its 95 % interval", ""]
    for line in [head, ["-" * width for width in widths], *body]:
        lines.append("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)))
    for number, messages in enumerate(talks[:conversations], start=1):
        lines += ["", f"Conversation {number}"]
        for message in messages:
            lines += f"{message['role']}: {message['content']}".splitlines()
    return "\n".join(line.rstrip() for line in lines)


def _label(task: str) -> str:
    """Of requests that are unsafe or harmless, what is counted is how many were refused."""
    return f"{task}: refused" if task in REFUSALS else task.replace("_", " ")


def _share(value: dict[str, float]) -> str:
    return f"{value['value']:.2f} [{value['low']:.2f}, {value['high']:.2f}]"
