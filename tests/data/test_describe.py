"""Settings as plain data: the same for the same settings, and not for others."""

import json
import os
import re
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from common.data._describe import _hash_of_sources, describe, describe_run
from common.data.pipeline import near_duplicates_step, rules_step
from common.data.quality import gopher_quality_filter, phrase_filter, stop_word_filter


class Pattern:
    def __init__(self, text: str) -> None:
        self.text = text

    def find(self, text: str) -> bool:
        return self.text in text


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
        (re.compile("a"), re.compile("b")),
        (re.compile("a"), re.compile("a", re.IGNORECASE)),
        (Path("a"), Path("b")),
        ({"a"}.__contains__, {"b"}.__contains__),
        (Pattern("a").find, Pattern("b").find),
        (np.array(["a"], object), np.array(["b"], object)),
        (str.split, str.rsplit),
        (1j, 2j),
        ("\ud800" * 300, "\ud801" * 300),
    ],
)
def test_describe_tells_apart(one, other):
    assert describe(one) != describe(other)
    assert json.loads(json.dumps(describe(one))) == describe(one)


def test_describe_is_the_same_in_every_process():
    code = (
        "from common.data._describe import describe\n"
        "from tests.data.test_describe import RULES, steps_of\n"
        "print(describe([{'a', 'b', 'c'}, frozenset(map(str, range(99))), {'x': {'p', 'q'}}]))\n"
        "print(steps_of(RULES))"
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


RULES = """
import re, threading
from functools import cache, wraps
from common.data.verdict import Verdict
LIMIT = 2
WORDS = ["hat"]
LOCK = threading.Lock()

@cache
def count(text):
    return sum(map(text.count, WORDS))

def least(limit):
    def rule(words):
        with LOCK:
            return Verdict.at_least("least", len(words.text), limit)
    return rule

def loud(function):
    @wraps(function)
    def inner(words):
        return function(words) or "loud"
    return inner

class Judge:
    scale = 3
    def __call__(self, words):
        return self.level + len(words.text)
    @property
    def level(self):
        return 8
    @staticmethod
    def half(n):
        return n / 2
    def again(self):
        return Judge().again()

def rule(words, limit=7):
    found = [w for w in words if count(w) > LIMIT and re.match("k", w)]
    return least(1), least(2), found or rule

steps = [rule, least(5), loud(rule), Judge(), Judge().again, {rule, least}]
steps += [lambda words: words == 9, lambda words: helpers.shout(words)]
"""


HELPERS = "def shout(words): return words.text.upper()"


def steps_of(source: str, helpers: str = HELPERS) -> str:
    """How the steps of a reader's own module are described, which uses another one."""
    module, others = ModuleType("rules_of_my_own"), ModuleType("helpers_of_my_own")
    module.helpers = others
    exec(helpers, vars(others))
    exec(source, vars(module))
    return json.dumps([describe(step) for step in module.steps])


EDITS = [
    ("LIMIT = 2", "LIMIT = 3"),
    ("len(words.text), limit", "len(words.text) + 1, limit"),
    ("least(5)", "least(6)"),
    ('["hat"]', '["cap"]'),
    ("limit=7", "limit=8"),
    ("text.count", "text.find"),
    ('"loud"', '"proud"'),
    ("scale = 3", "scale = 4"),
    ("return 8", "return 7"),
    ("n / 2", "n / 3"),
    ("words == 9", "words == 8"),
    ('"k"', '"h"'),
]


@pytest.mark.parametrize(("here", "there"), EDITS)
def test_describe_tells_an_edited_function_apart(here, there):
    assert RULES.count(here) == 1
    assert steps_of(RULES.replace(here, there)) != steps_of(RULES)


def test_describe_tells_an_edited_function_of_a_module_it_uses_apart():
    assert steps_of(RULES, HELPERS.replace("upper", "lower")) != steps_of(RULES)


def test_describe_knows_a_function_that_did_not_change():
    assert steps_of(RULES) == steps_of("# A comment, and another line.\n" + RULES)


def test_describe_knows_a_function_after_it_ran():
    before = describe(steps_of)
    for _ in range(99):  # the interpreter rewrites the bytecode of what runs often
        steps_of("steps = []")
    assert describe(steps_of) == before


def test_describe_knows_equal_weights():
    import torch  # here: processes import this module for its rules

    one, same, other = (torch.full((2, 50), number) for number in (1.0, 1.0, 2.0))
    assert describe(one) == describe(same) != describe(other)


def test_describe_of_what_no_pickle_can_hold_is_its_type():
    assert describe(threading.Lock()) == {"kind": "lock"}


def test_hash_of_sources_sees_every_edit_and_every_file(tmp_path):
    (tmp_path / "town").mkdir()
    found = [_hash_of_sources(tmp_path)]
    for name, text in [("a.py", "1"), ("a.py", "2"), ("town/a.py", "1"), ("b.py", "")]:
        (tmp_path / name).write_text(text)
        found.append(_hash_of_sources(tmp_path))
    assert len(set(found)) == 5
    (tmp_path / "notes.txt").write_text("other")
    assert _hash_of_sources(tmp_path) == found[-1]


def test_describe_run_holds_the_hash_of_all_that_cleans():
    folder = Path(sys.modules["common.data"].__file__).parent
    assert describe_run([], {})["code"] == _hash_of_sources(folder)
