"""Contract on copying: a module works elsewhere with what it imports, and imports silently."""

import os
import subprocess
import sys
from pathlib import Path

from tests.contracts.reading import Module, modules, parse
from tests.contracts.test_modules import imported, is_copied_alone

# Imports each copy, in its own package, and reports every word, warning or side effect of doing so.
PROBE = """
import contextlib, importlib, io, random, sys, warnings
import IPython.display, lxml.html, matplotlib.pyplot, numpy, regex, safetensors.torch, tiktoken
import torch, torch.distributed, tqdm

def state():
    return (torch.get_default_dtype(), torch.get_num_threads(), random.getstate(),
            torch.get_rng_state().tolist(), numpy.random.get_state()[2])

for name in sys.argv[1:]:
    said, before = io.StringIO(), state()
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                importlib.import_module(name)
    except Exception as error:
        print(f"{name}: {type(error).__name__}: {error}")
    if said.getvalue():
        print(f"{name}: says {said.getvalue()!r} on import")
    if sys.modules.pop("common", None):
        print(f"{name}: imports common by name")
    if state() != before:
        print(f"{name}: changes random numbers, threads or the default dtype on import")
"""


def copy_alone(module: Module, package: Path, by_path: dict[str, Module]) -> str:
    """Copy a module and what it imports into a package of its own; returns the name to import."""
    todo, done = [module.path], set()
    while todo:
        path = todo.pop()
        if path in done:
            continue
        done.add(path)
        target = package / Path(path).relative_to("common")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(by_path[path].source, encoding="utf-8")
        todo.extend(imported(by_path[path])[0])
    (package / "__init__.py").write_text(by_path["common/__init__.py"].source, encoding="utf-8")
    parts = Path(module.path).relative_to("common").with_suffix("").parts
    return ".".join((package.name, *parts))


def import_problems(names: list[str], folder: Path) -> list[str]:
    """What the probe says about importing these names from `folder`, far from the repository."""
    command = [sys.executable, "-c", PROBE, *names]
    environment = os.environ | {"PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1"}
    run = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    return run.stdout.splitlines() + (run.stderr.splitlines() if run.returncode else [])


def test_modules_import_alone_and_silently(tmp_path: Path) -> None:
    by_path = {module.path: module for module in modules()}
    copied = [module for module in modules() if is_copied_alone(module)]
    names = [copy_alone(m, tmp_path / f"alone_{i}", by_path) for i, m in enumerate(copied)]
    problems = import_problems(names, tmp_path)
    assert not problems, "\n".join(problems)


def test_import_problems_sees_each_kind(tmp_path: Path) -> None:
    sources = {
        "print('hello')": "says 'hello\\n' on import",
        "import warnings\nwarnings.warn('old')": "UserWarning: old",
        "import torch\ntorch.rand(1)": "changes random numbers, threads or the default dtype",
        "import random\nrandom.random()": "changes random numbers, threads or the default dtype",
        "from . import other": "ImportError: cannot import name 'other'",
        "import common": "imports common by name",
    }
    names = []
    for number, source in enumerate(sources):
        files = [parse("common/__init__.py", ""), parse("common/x.py", source)]
        by_path = {module.path: module for module in files}
        names.append(copy_alone(files[1], tmp_path / f"bad_{number}", by_path))
    problems = import_problems(names, tmp_path)
    assert len(problems) == len(sources)
    for name, problem, text in zip(names, problems, sources.values(), strict=True):
        assert problem.startswith(f"{name}: {text}")
