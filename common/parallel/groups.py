"""Run a function in several processes that can talk to each other, from a script or a notebook.

What `torchrun` does for a script, in small: start Python once for each rank, tell each its number
and where the others are, and end all of them when one fails. They exchange tensors through gloo. A
function that is defined in a notebook has no file that a new process could import, so its source
travels, with the imports and the functions beside it that it uses. Arguments and results travel as
JSON, and tensors as safetensors; nothing is pickled.
Taught in ch06_scaling/01_data_parallel.ipynb.
Needs: nothing but torch and safetensors.
"""

import builtins
import dis
import inspect
import json
import os
import subprocess
import sys
import tempfile
import textwrap
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from types import CodeType
from typing import Any

import torch
import torch.distributed as dist
from safetensors.torch import load_file, save_file
from torch import Tensor

_IMPORT_ROOT = Path(__file__).resolve().parents[__name__.count(".")]  # where the package lies
_COMMAND = f"import sys; from {__name__} import _run_rank; _run_rank(*sys.argv[1:])"


def run_processes(
    function: Callable[..., Any], num_processes: int, /, *, timeout_s: float = 300, **arguments: Any
) -> list[Any]:
    """Call `function(**arguments)` in each of `num_processes` processes; return results by rank.

    In `function`, `torch.distributed` is initialised: `dist.get_rank()` says which one it is.
    Arguments and results are JSON values and tensors, nested in lists and dicts; tuples come back
    as lists. Each process computes with one thread. What they print is printed here at the end, by
    rank. Cost: a few seconds to start Python and torch.

    Raises:
        ValueError: fewer than 1 process; or `function` is not made with def, or relies on a name
            outside itself that is no module, nothing importable and no function beside it.
        TypeError: the arguments do not fit the function, or are neither JSON values nor tensors.
        RuntimeError: a process failed; the message ends with what the first one to fail said.
        TimeoutError: the processes took longer than `timeout_s` seconds.

    >>> def hello(greeting):
    ...     return f"{greeting} from rank {dist.get_rank()} of {dist.get_world_size()}"
    >>> run_processes(hello, 2, greeting="Hello")  # doctest: +SKIP
    ['Hello from rank 0 of 2', 'Hello from rank 1 of 2']
    """
    if num_processes < 1:
        raise ValueError(f"num_processes must be at least 1, got {num_processes}")
    source = _source_with_surroundings(function)
    inspect.signature(function).bind(**arguments)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write_values(arguments, folder, "arguments")
        (folder / "function.py").write_text(source, encoding="utf-8")
        processes = [
            _start(folder, function.__name__, rank, num_processes) for rank in range(num_processes)
        ]
        try:
            codes = _wait(processes, time.monotonic() + timeout_s)
        finally:  # nobody stays behind, whatever happened: an interrupt too
            for process in processes:
                process.kill()
                process.wait()
        for rank in range(num_processes):
            print((folder / f"output{rank}").read_text(encoding="utf-8"), end="")
        if any(codes):
            raise RuntimeError(f"{function.__name__} failed in {_first_error(folder, codes)}")
        if None in codes:
            raise TimeoutError(
                f"{num_processes} processes took longer than timeout_s {timeout_s}; a rank that "
                "waits for a message that no other rank sends waits forever"
            )
        return [_read_values(folder, f"result{rank}") for rank in range(num_processes)]


def _start(folder: Path, name: str, rank: int, num_processes: int) -> subprocess.Popen:
    command = [sys.executable, "-c", _COMMAND, str(folder), name, str(rank), str(num_processes)]
    paths = filter(None, [str(_IMPORT_ROOT), os.environ.get("PYTHONPATH")])
    environment = os.environ | {
        "OMP_NUM_THREADS": "1",
        "PYTHONIOENCODING": "utf-8",
        "PYTHONPATH": os.pathsep.join(paths),
    }
    with (folder / f"output{rank}").open("w") as output, (folder / f"log{rank}").open("w") as log:
        return subprocess.Popen(command, stdout=output, stderr=log, env=environment)


def _wait(processes: list[subprocess.Popen], deadline: float) -> list[int | None]:
    """Exit codes once all are done, one has failed or the deadline has come; None: still running"""
    while True:
        codes = [process.poll() for process in processes]
        if any(codes) or None not in codes or time.monotonic() > deadline:
            return codes
        time.sleep(0.01)


def _run_rank(folder: str, name: str, rank: str, num_processes: str) -> None:
    """What each process does: join the group, call the function, write down what it returns."""
    here = Path(folder)
    path = here / "function.py"
    namespace = {"__name__": path.stem}
    exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), namespace)
    torch.set_num_threads(1)
    dist.init_process_group(
        "gloo",
        init_method=(here / "meeting_point").as_uri(),
        rank=int(rank),
        world_size=int(num_processes),
    )
    try:
        result = namespace[name](**_read_values(here, "arguments"))
        _write_values(result, here, f"result{rank}")
        dist.barrier()  # a rank that leaves early would take the connections of the others with it
    except BaseException:
        # Written before the connections close, so the first to fail has the oldest file.
        (here / f"error{rank}").write_text(traceback.format_exc(), encoding="utf-8")
        raise
    dist.destroy_process_group()
    sys.stdout.flush()
    sys.stderr.flush()
    # The result is written and everybody has it behind them. To let Python take itself down now is
    # a race: gloo's threads abort the process when they outlive the objects they work for.
    os._exit(0)


def _first_error(folder: Path, codes: list[int | None]) -> str:
    """Which rank failed first, and what it said; the others fail because they lost a partner."""
    for rank, code in enumerate(codes):
        if code and not (folder / f"error{rank}").exists():  # it broke off, or never began
            log = (folder / f"log{rank}").read_text(encoding="utf-8", errors="replace")
            return f"rank {rank}, which ended with exit code {code}:\n{log[-3000:]}"
    error = min(folder.glob("error*"), key=lambda file: file.stat().st_mtime_ns)
    text = error.read_text(encoding="utf-8")
    return f"rank {error.name.removeprefix('error')}:\n{text[-3000:]}"


def _write_values(value: Any, folder: Path, name: str) -> None:
    """Write a nest of JSON values and tensors as NAME.json and NAME.safetensors.

    >>> folder = Path(tempfile.mkdtemp())
    >>> _write_values({"step": 3, "losses": [torch.ones(2)]}, folder, "result")
    >>> _read_values(folder, "result")
    {'step': 3, 'losses': [tensor([1., 1.])]}
    """
    tensors: dict[str, Tensor] = {}

    def take(item: Any) -> Any:
        if isinstance(item, Tensor):
            key = str(len(tensors))
            tensors[key] = item.detach().clone(memory_format=torch.contiguous_format)
            return {"tensor": key}
        if isinstance(item, dict):
            return {"dict": [[key, take(part)] for key, part in item.items()]}
        return [take(part) for part in item] if isinstance(item, list | tuple) else item

    (folder / f"{name}.json").write_text(json.dumps(take(value)), encoding="utf-8")
    save_file(tensors, folder / f"{name}.safetensors")


def _read_values(folder: Path, name: str) -> Any:
    tensors = load_file(folder / f"{name}.safetensors")

    def put(item: Any) -> Any:
        if isinstance(item, list):
            return [put(part) for part in item]
        if not isinstance(item, dict):
            return item
        if "tensor" in item:
            return tensors[item["tensor"]]
        return {key: put(part) for key, part in item["dict"]}

    return put(json.loads((folder / f"{name}.json").read_text(encoding="utf-8")))


def _source_with_surroundings(function: Callable[..., Any]) -> str:
    """A script that defines `function`, and before it the imports and functions that it uses."""
    if not inspect.isfunction(function) or function.__name__ == "<lambda>":
        raise ValueError(f"run_processes needs a function made with def, got {function!r}")
    imports, definitions, todo = set(), {}, [function]
    while todo:
        sent = todo.pop()
        definitions[sent.__name__] = textwrap.dedent(inspect.getsource(sent))
        unknown = set(sent.__code__.co_freevars)
        for name in _global_names(sent.__code__) - {*dir(builtins), *definitions}:
            value = sent.__globals__.get(name)
            home = getattr(value, "__module__", None)
            if inspect.ismodule(value):
                imports.add(f"import {value.__name__} as {name}")
            elif inspect.isfunction(value) and home == sent.__module__ and value.__name__ == name:
                todo.append(value)
            elif home != sent.__module__ and _is_importable(value):
                imports.add(f"from {home} import {value.__name__} as {name}")
            else:
                unknown.add(name)
        if unknown:
            raise ValueError(
                f"{sent.__name__} relies on {sorted(unknown)}, which cannot travel to the other "
                "processes: only imports and functions can; pass values as arguments"
            )
    # Annotations stay text, so that nobody looks up the names in them.
    return "\n".join(
        ["from __future__ import annotations", *sorted(imports), *definitions.values()]
    )


def _is_importable(value: Any) -> bool:
    if not (inspect.isroutine(value) or inspect.isclass(value)):
        return False
    return getattr(sys.modules.get(value.__module__), value.__name__, None) is value


def _global_names(code: CodeType) -> set[str]:
    """Names that the code, and the functions defined in it, look up outside themselves."""
    names = {i.argval for i in dis.get_instructions(code) if i.opname == "LOAD_GLOBAL"}
    inner = (constant for constant in code.co_consts if inspect.iscode(constant))
    return names.union(*(_global_names(constant) for constant in inner))
