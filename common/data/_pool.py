"""Processes that share the work of a run, and that end when the run is killed.

Needs: _work.py.
"""

import contextlib
import multiprocessing
import os
import pickle
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait
from typing import Any

from ._work import Work

Map = Callable[..., Iterator[Any]]
Do = Callable[[int, int], dict[str, Any]]

_work: Work | None = None  # in a worker process, what it works on: sent once, not with every call


@contextlib.contextmanager
def shared(work: Work, num_workers: int) -> Iterator[tuple[Map, Do]]:
    """A `map` whose calls are made by `num_workers` processes, and what does `work` in each."""
    if num_workers == 1:
        yield map, work.do
        return
    _check_steps_travel(work, num_workers)
    spawn = multiprocessing.get_context("spawn")
    try:
        with ProcessPoolExecutor(num_workers, spawn, _begin_worker, (work,)) as pool:
            yield pool.map, _do
    except BrokenProcessPool as error:
        raise RuntimeError(
            "a worker process died: it was killed, memory ran out, or this is a script that does "
            'not start its work under `if __name__ == "__main__":`. What is finished is kept: the '
            "same call goes on from there"
        ) from error


def _do(number: int, split: int) -> dict[str, Any]:
    """The work on one split in one pass, in a worker process."""
    try:
        return _work.do(number, split)
    except Exception as error:
        try:
            pickle.loads(pickle.dumps(error))
        except Exception:  # one that cannot travel would be taken for the death of this process
            raise RuntimeError(f"{type(error).__name__}: {error}") from error
        raise


def _begin_worker(work: Work) -> None:
    global _work
    _work = work
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A killed parent cannot tell its workers, which would wait for work for ever."""
    wait([multiprocessing.parent_process().sentinel])
    os._exit(1)


def _check_steps_travel(work: Work, num_workers: int) -> None:
    advice = "make them of functions that a module defines, or take num_workers=1"
    try:
        data = pickle.dumps(work)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise ValueError(
            f"{num_workers} processes cannot share these steps: {error}; {advice}"
        ) from error
    main = sys.modules["__main__"]
    nowhere = getattr(main, "__file__", None) is None and getattr(main, "__spec__", None) is None
    if nowhere and b"__main__" in data:  # defined in a notebook: no other process can import it
        raise ValueError(f"{num_workers} processes cannot share functions of a notebook: {advice}")
