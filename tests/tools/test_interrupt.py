"""Ctrl-C during make book: the kernel goes, what was finished stays."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import psutil
import pytest
from nbformat.v4 import new_code_cell, new_notebook

# Ctrl-C is ignored by what a shell starts in the background: listen to it again.
RUN = """
import signal, sys
from pathlib import Path
from tools.book import Runner
signal.signal(signal.SIGINT, signal.default_int_handler)
Runner(Path(sys.argv[1]), "smoke", None).run()
"""
WAIT = "import os, pathlib, time\npathlib.Path('pid').write_text(str(os.getpid()))\n"
WAIT += "while True:\n    time.sleep(0.05)"


@pytest.mark.skipif(os.name == "nt", reason="Windows sends Ctrl-C to a console, not to a process")
def test_interrupt_stops_the_kernel_and_keeps_what_was_finished(tmp_path: Path) -> None:
    for name, source in [("ch01_data/01_quick", "1 + 1"), ("ch02_use/01_endless", WAIT)]:
        path = tmp_path / f"{name}.ipynb"
        path.parent.mkdir()
        nbformat.write(new_notebook(cells=[new_code_cell(source)]), path)
    environment = os.environ | {"BOOK_ARTIFACTS": str(tmp_path / "artifacts")}
    command = [sys.executable, "-c", RUN, str(tmp_path)]
    book = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    pid_file = tmp_path / "ch02_use" / "pid"
    try:
        kernel = psutil.Process(wait_for_number(pid_file, book))
        book.send_signal(signal.SIGINT)
        assert "KeyboardInterrupt" in book.communicate(timeout=60)[1]
        psutil.wait_procs([kernel], timeout=60)
        assert not kernel.is_running() or kernel.status() == psutil.STATUS_ZOMBIE
    finally:
        book.kill()
    records = (tmp_path / "artifacts" / "smoke" / "notebooks").rglob("*.json")
    assert [path.name for path in records] == ["01_quick.json"]


def wait_for_number(file: Path, process: subprocess.Popen) -> int:
    """The number in a file, once the process has had the time to write it."""
    deadline = time.monotonic() + 120
    while not (file.is_file() and file.read_text()):
        assert process.poll() is None and time.monotonic() < deadline, "the cell never started"
        time.sleep(0.05)
    return int(file.read_text())
