"""Settings as plain data: the same for the same settings, and not for others."""

import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from common.data._describe import describe
from common.data.pipeline import near_duplicates_step, rules_step
from common.data.quality import gopher_quality_filter, phrase_filter, stop_word_filter


def test_describe_names_functions_and_their_settings():
    step = rules_step(partial(stop_word_filter, min_stop_words=3), gopher_quality_filter)
    assert describe(step) == {
        "kind": "Rules",
        "rules": [
            {"rule": "quality.stop_word_filter", "min_stop_words": 3},
            "quality.gopher_quality_filter",
        ],
    }


def test_describe_gives_fields_of_a_step():
    assert describe(near_duplicates_step(seed=4))["seed"] == 4


def test_describe_hashes_what_is_long():
    words = [str(i) for i in range(100)]
    found = describe(words)
    assert (found["kind"], found["size"]) == ("list", 100)
    assert describe(list(reversed(words))) != found
    assert describe(frozenset(words)) == describe(set(reversed(words)))
    assert describe("x" * 1000) != describe("y" * 1000)
    assert describe(b"x") != describe(b"y")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (np.arange(3), np.arange(3)[::-1]),
        (np.zeros(2), np.zeros(2, np.float32)),
        (np.zeros((1, 2)), np.zeros((2, 1))),
        ({"a": 1}, {"a": 2}),
        (partial(phrase_filter, phrases=("a",)), partial(phrase_filter, phrases=("b",))),
    ],
)
def test_describe_tells_apart(one, other):
    assert describe(one) != describe(other)
    assert json.loads(json.dumps(describe(one))) == describe(one)


def test_describe_is_the_same_in_every_process():
    code = (
        "from common.data._describe import describe\n"
        "print(describe([{'a', 'b', 'c'}, frozenset(map(str, range(99))), {'x': {'p', 'q'}}]))"
    )
    root = Path(__file__).parents[2]
    said = {
        subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"PYTHONPATH": str(root), "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(said) == 1
