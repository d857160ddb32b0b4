"""The way in: make help, and a Python that is too old."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tools.sources import ROOT

needs_sh = pytest.mark.skipif(shutil.which("sh") is None, reason="there is no sh here")
COMMANDS = ["book", "test", "check", "chat", "lab", "bench", "clean"]


@needs_sh
@pytest.mark.parametrize(
    ("reply", "message"),
    [
        ("echo Python 3.9.1", "is Python 3.9.1."),
        (None, "is not there."),
    ],
)
def test_a_python_too_old_or_missing_is_one_sentence(
    tmp_path: Path, reply: str | None, message: str
) -> None:
    python = tmp_path / "python"
    if reply is not None:
        python.write_text(f'#!/bin/sh\n[ "$1" = --version ] && {reply} && exit\nexit 1\n')
        python.chmod(0o755)
    script = str(ROOT / "tools" / "environment.sh")
    environment = os.environ | {"PYTHON": str(python)}
    run = subprocess.run(
        ["sh", script, "no-venv/bin/python"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 1
    assert run.stdout == ""
    assert run.stderr == f"The book needs Python 3.11 or newer, but {python} {message}\n"
    assert not (tmp_path / ".venv").exists()


def test_every_command_has_one_line_of_help() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    helped = dict(re.findall(r"^(\w+):.*?## (.+)$", text, re.MULTILINE))
    assert set(COMMANDS) <= set(helped)
    phony = re.search(r"^\.PHONY: (.+)$", text, re.MULTILINE)[1].split()
    assert sorted(phony) == sorted(helped)


def test_continuous_integration_calls_make_test_and_nothing_else() -> None:
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    commands = [line for line in lines if line and not line.startswith(("#", "set ", "cd "))]
    assert commands == ["exec make test"]
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
