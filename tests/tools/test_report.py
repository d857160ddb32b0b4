"""The table that make book ends with."""

import json
from pathlib import Path

from tools.report import evaluation_report


def test_report_prints_each_row_with_its_interval_and_three_conversations(tmp_path: Path) -> None:
    share = {"value": 0.5, "low": 0.4, "high": 0.6}
    row = {
        "task": "copy",
        "n": 200,
        "base": share,
        "sft": share,
        "aligned": share | {"value": 0.55},
    }
    refusals = row | {"task": "unsafe"}
    talk = [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Good day"}]
    (tmp_path / "evaluation.json").write_text(json.dumps({"rows": [row, refusals]}))
    (tmp_path / "conversations.json").write_text(json.dumps([talk] * 5))
    lines = evaluation_report(tmp_path).splitlines()
    assert lines[2:] == [
        "held-out task    n    base               SFT                aligned",
        "---------------  ---  -----------------  -----------------  -----------------",
        "copy             200  0.50 [0.40, 0.60]  0.50 [0.40, 0.60]  0.55 [0.40, 0.60]",
        "unsafe: refused  200  0.50 [0.40, 0.60]  0.50 [0.40, 0.60]  0.55 [0.40, 0.60]",
        *["", "Conversation 1", "user: Hello", "assistant: Good day"],
        *["", "Conversation 2", "user: Hello", "assistant: Good day"],
        *["", "Conversation 3", "user: Hello", "assistant: Good day"],
    ]
