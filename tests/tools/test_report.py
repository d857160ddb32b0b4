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
    talk = [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Good day"}]
    (tmp_path / "evaluation.json").write_text(json.dumps({"rows": [row]}))
    (tmp_path / "conversations.json").write_text(json.dumps([talk] * 5))
    lines = evaluation_report(tmp_path).splitlines()
    assert lines[2] == "held-out task  n    base               SFT                aligned"
    assert lines[4] == (
        "copy           200  0.50 [0.40, 0.60]  0.50 [0.40, 0.60]  0.55 [0.40, 0.60]"
    )
    assert sum(line.startswith("Conversation") for line in lines) == 3
    assert lines[-1] == "  assistant: Good day"
