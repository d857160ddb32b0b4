"""Execute one notebook in a fresh kernel, watching its time and memory."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import nbformat
import psutil
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError

MIB = 2**20


class NotebookFailed(Exception):
    """A cell failed, or the kernel died; the message is one sentence that names the cell."""


@dataclass(frozen=True)
class Execution:
    """What a run of a notebook gave.

    Attributes:
        notebook: the notebook with its outputs.
        seconds: wall time, kernel start included.
        peak_mib: highest resident memory of the kernel and its children together, in MiB.
    """

    notebook: nbformat.NotebookNode
    seconds: float
    peak_mib: float


def execute(path: Path, *, on_tick: Callable[[float], None] = lambda seconds: None) -> Execution:
    """Run the notebook at `path` from its own folder; the file itself is not touched.

    Args:
        path: the notebook.
        on_tick: called several times a second with the seconds since the start.

    Raises:
        NotebookFailed: naming the cell.
        KeyboardInterrupt: after the kernel has been stopped.
    """
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    begun: list[int] = []
    client = NotebookClient(
        notebook,
        timeout=None,
        kernel_name="python3",
        record_timing=False,
        on_cell_start=lambda cell, cell_index: begun.append(cell_index),
        extra_arguments=["--log-level=ERROR"],
        resources={"metadata": {"path": str(path.parent)}},
    )
    client.log.setLevel(logging.CRITICAL)  # a failure is told in one sentence, below
    failure: list[BaseException] = []

    def run() -> None:
        try:
            client.execute()
        except BaseException as error:
            failure.append(error)

    start = time.monotonic()
    peak = 0
    # The kernel runs in a session of its own, and nbclient in a thread, so that Ctrl-C comes here.
    worker = threading.Thread(target=run, daemon=True)
    worker.start()
    try:
        while worker.is_alive():
            worker.join(timeout=0.2)
            peak = max(peak, _memory(_kernel(client)))
            on_tick(time.monotonic() - start)
    except KeyboardInterrupt:
        _kill(_kernel(client))
        raise
    if failure:
        raise NotebookFailed(_sentence(path, notebook, begun, failure[0])) from failure[0]
    return Execution(notebook, time.monotonic() - start, peak / MIB)


def _kernel(client: NotebookClient) -> psutil.Process | None:
    """The kernel's process, once there is one."""
    process = getattr(getattr(client.km, "provisioner", None), "process", None)
    try:
        return psutil.Process(process.pid) if process else None
    except psutil.NoSuchProcess:
        return None


def _family(process: psutil.Process | None) -> list[psutil.Process]:
    try:
        return [process, *process.children(recursive=True)] if process else []
    except psutil.NoSuchProcess:
        return []


def _memory(process: psutil.Process | None) -> int:
    """Resident bytes of a process and its children."""
    total = 0
    for member in _family(process):
        try:
            total += member.memory_info().rss
        except psutil.Error:
            pass  # it ended between the listing and the question
    return total


def _kill(process: psutil.Process | None) -> None:
    for member in _family(process):
        try:
            member.kill()
        except psutil.NoSuchProcess:
            pass


def _sentence(
    path: Path, notebook: nbformat.NotebookNode, begun: list[int], error: BaseException
) -> str:
    """Which cell failed, and how, in one sentence."""
    where = f"{path.parent.name}/{path.name}"
    cell = f"cell {begun[-1] + 1} of {len(notebook.cells)}" if begun else "the first cell"
    if isinstance(error, CellExecutionError):
        first_line = (error.evalue.strip().splitlines() or [""])[0]
        return f"{where}, {cell}: {error.ename}: {first_line}"
    if isinstance(error, DeadKernelError):
        return f"{where}, {cell}: the kernel died; is there enough memory?"
    return f"{where} could not be run: {type(error).__name__}: {error}"
