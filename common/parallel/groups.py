"""Run a function in several processes that can talk to each other, from a script or a notebook.

PyTorch's launcher `torchrun` starts the processes and gives each its rank; they meet in a process
group on this machine and exchange tensors with the gloo backend. A function that is defined in a
notebook has no file that a new process could import, so its source travels: it is written to a file
of its own and must import what it uses. Arguments and results travel as JSON, and tensors as
safetensors; nothing is pickled.
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
from collections.abc import Callable
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file
from torch import Tensor

_PACKAGE_PARENT = Path(__file__).resolve().parents[2]
_TENSOR = "tensor:"
_MAIN = """
import sys
from pathlib import Path

import torch
import torch.distributed as dist
from common.parallel.groups import read_values, write_values

FOLDER = Path(sys.argv[1])


def main():
    torch.set_num_threads(1)
    dist.init_process_group("gloo")
    try:
        result = {name}(**read_values(FOLDER, "arguments"))
        write_values(result, FOLDER, f"result{{dist.get_rank()}}")
        dist.barrier()  # a rank that leaves early would take the connections of the others with it
    finally:
        dist.destroy_process_group()


main()
"""


def run_processes(
    function: Callable[..., Any], num_processes: int, *, timeout_s: float = 300, **arguments: Any
) -> list[Any]:
    """Call `function(**arguments)` in each of `num_processes` processes; return results by rank.

    In `function`, `torch.distributed` is initialised: `dist.get_rank()` says which one it is. It
    must be a plain function that imports or defines inside itself whatever it uses. Arguments and
    results are JSON values and tensors, nested in lists and dicts. Each process computes with one
    thread. What they print is printed here. Cost: about 4 seconds to start Python and torch.

    Raises:
        ValueError: fewer than 1 process, or a function that relies on names outside itself.
        RuntimeError: a process failed; the message ends with what it said.
        TimeoutError: the processes took longer than `timeout_s` seconds.

    >>> def hello(greeting):
    ...     import torch.distributed as dist
    ...     return f"{greeting} from rank {dist.get_rank()} of {dist.get_world_size()}"
    >>> run_processes(hello, 2, greeting="Hello")  # doctest: +SKIP
    ['Hello from rank 0 of 2', 'Hello from rank 1 of 2']
    """
    if num_processes < 1:
        raise ValueError(f"num_processes must be at least 1, got {num_processes}")
    _check_self_contained(function)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        script = folder / "main.py"
        source = textwrap.dedent(inspect.getsource(function))
        script.write_text(source + _MAIN.format(name=function.__name__), encoding="utf-8")
        write_values(arguments, folder, "arguments")
        command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
        command += [f"--nproc-per-node={num_processes}", str(script), str(folder)]
        paths = [str(_PACKAGE_PARENT), os.environ.get("PYTHONPATH", "")]
        environment = os.environ | {
            "OMP_NUM_THREADS": "1",
            "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        }
        try:
            run = subprocess.run(
                command, capture_output=True, text=True, timeout=timeout_s, env=environment
            )
        except subprocess.TimeoutExpired as error:
            raise TimeoutError(
                f"{num_processes} processes took longer than timeout_s {timeout_s}; a rank that "
                "waits for a message that no other rank sends waits forever"
            ) from error
        print(run.stdout, end="")
        if run.returncode:
            raise RuntimeError(
                f"{function.__name__} failed in a process:\n{_last_error(run.stderr)}"
            )
        return [read_values(folder, f"result{rank}") for rank in range(num_processes)]


def write_values(value: Any, folder: Path, name: str) -> None:
    """Write a nest of JSON values and tensors as NAME.json and NAME.safetensors.

    >>> import torch
    >>> folder = Path(tempfile.mkdtemp())
    >>> write_values({"step": 3, "losses": [torch.ones(2)]}, folder, "result")
    >>> read_values(folder, "result")
    {'step': 3, 'losses': [tensor([1., 1.])]}
    """
    tensors: dict[str, Tensor] = {}

    def take(item: Any) -> Any:
        if isinstance(item, Tensor):
            tensors[str(len(tensors))] = item.detach().clone().contiguous()
            return f"{_TENSOR}{len(tensors) - 1}"
        if isinstance(item, dict):
            return {key: take(part) for key, part in item.items()}
        return [take(part) for part in item] if isinstance(item, list | tuple) else item

    (folder / f"{name}.json").write_text(json.dumps(take(value)), encoding="utf-8")
    save_file(tensors, folder / f"{name}.safetensors")


def read_values(folder: Path, name: str) -> Any:
    """What `write_values` wrote under this name; tuples come back as lists.

    >>> folder = Path(tempfile.mkdtemp())
    >>> write_values([1, "two"], folder, "numbers")
    >>> read_values(folder, "numbers")
    [1, 'two']
    """
    tensors = load_file(folder / f"{name}.safetensors")

    def put(item: Any) -> Any:
        if isinstance(item, str) and item.startswith(_TENSOR):
            return tensors[item.removeprefix(_TENSOR)]
        if isinstance(item, dict):
            return {key: put(part) for key, part in item.items()}
        return [put(part) for part in item] if isinstance(item, list) else item

    return put(json.loads((folder / f"{name}.json").read_text(encoding="utf-8")))


def _check_self_contained(function: Callable[..., Any]) -> None:
    code = function.__code__
    outside = {name for name in _global_names(code) if not hasattr(builtins, name)}
    outside |= set(code.co_freevars)
    if outside:
        raise ValueError(
            f"{function.__name__} must import or define inside itself what it uses, because only "
            f"its own source reaches the other processes; it relies on {sorted(outside)}"
        )


def _global_names(code: Any) -> set[str]:
    """Names that the code, and the functions defined in it, look up outside themselves."""
    names = {i.argval for i in dis.get_instructions(code) if i.opname == "LOAD_GLOBAL"}
    inner = (constant for constant in code.co_consts if inspect.iscode(constant))
    return names.union(*(_global_names(constant) for constant in inner))


def _last_error(stderr: str) -> str:
    """The first traceback of the output: the others are ranks that lost their partner."""
    start = stderr.find("Traceback (most recent call last)")
    return stderr[start : start + 3000] if start >= 0 else stderr[-3000:]
