"""The README's figure shows the artefacts at hand, and the same ones always alike."""

import json

from common import chain
from common.artifacts import ArtifactStore
from tools.figure import TASKS, draw_chain


def test_figure_is_drawn_from_the_artefacts_and_the_same_twice(tmp_path):
    store = ArtifactStore(tmp_path / "artifacts", "smoke")
    for name in ("crawl", "classifiers", "corpus", "tokenizer", "shards", "base"):
        chain.BUILDERS[name](store, chain.PLANS["smoke"])
    share = {"value": 0.5, "low": 0.4, "high": 0.6}
    rows = [{"task": task, "n": 4, "base": share, "sft": share, "aligned": share} for task in TASKS]
    with store.create("evaluation") as folder:
        (folder / "evaluation.json").write_text(json.dumps({"rows": rows}), encoding="utf-8")
    for name in ("first", "second"):
        draw_chain(store, tmp_path / f"{name}.svg")
    first, second = ((tmp_path / f"{name}.svg").read_bytes() for name in ("first", "second"))
    assert first == second
    assert first.count(b"<path") > 100
