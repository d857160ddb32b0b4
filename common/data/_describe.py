"""What the steps of a pipeline are and what they do, as plain data: equal steps, equal data.

A function of the reader's own is known by its name and a hash of its code: bytecode, constants,
defaults, cells, and what its global names stand for, on through functions, classes and data. All of
common.data counts as one, by its sources: an edit anywhere in it makes another run. Not seen are
imports inside of functions, attributes by a computed name, files that a function reads and edits of
installed libraries. What cannot be pickled is known by its type alone.

Needs: steps.py.
"""

import copyreg
import dataclasses
import dis
import hashlib
import json
import platform
import sys
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import partial
from importlib import metadata
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

from .. import __version__
from .steps import Step

_MAX_ITEMS = 40  # a longer list is given by its length and hash
_Seen = dict[int, Any]  # by id the objects that were opened; held, so that no id is given twice


def describe_run(sources: list[dict], steps: Mapping[str, Step]) -> dict[str, Any]:
    """What a run starts from: sources, settings of every step, versions of what does the work."""
    libraries = {name: metadata.version(name) for name in ("lxml", "numpy")}
    return {
        "sources": sources,
        "steps": {stage: describe(step) for stage, step in steps.items()},
        "code": _hash_of_sources(Path(__file__).parent),
        "versions": {"common": __version__, "python": platform.python_version()} | libraries,
    }


def describe(value: Any, seen: _Seen | None = None) -> Any:
    """A value as JSON can hold it, the same in every process; what is long becomes a hash."""
    inner = partial(describe, seen=seen)
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, str):
        return value if len(value) <= 200 else _hashed("text", len(value), _bytes(value))
    if isinstance(value, bytes):
        return _hashed("bytes", len(value), value)
    if isinstance(value, (np.ndarray, np.generic)) and not value.dtype.hasobject:
        return _hashed(f"{value.dtype} {value.shape}", value.size, value.tobytes())
    if isinstance(value, Mapping):
        return _short("map", {str(key): inner(entry) for key, entry in value.items()})
    if isinstance(value, AbstractSet):
        apart = (describe(entry, seen and dict(seen)) for entry in value)  # in whatever order
        return _short("set", sorted(apart, key=_text))
    if isinstance(value, Sequence):
        return _short("list", [inner(entry) for entry in value])
    if isinstance(value, partial):
        settings = {str(i): inner(entry) for i, entry in enumerate(value.args)}
        settings |= {name: inner(entry) for name, entry in value.keywords.items()}
        return {"rule": inner(value.func), **settings}
    if isinstance(value, ModuleType):
        return value.__name__
    return _opened(value, {} if seen is None else seen)


def digest(plain: Any) -> str:
    """16 letters that stand for plain data."""
    return _hash(_bytes(_text(plain)))


def _opened(value: Any, seen: _Seen) -> Any:
    """A function, class or any other object, with what it does and holds."""
    is_named = hasattr(value, "__qualname__")
    owner = getattr(value, "__self__", None) if is_named else None
    if owner is not None and not isinstance(owner, ModuleType):  # a method of an object
        method = getattr(value, "__func__", value.__qualname__)
        return {"rule": describe(method, seen), "of": describe(owner, seen)}
    if is_named and _is_known(value):
        return _name(value)
    if id(value) in seen:
        return {"again": list(seen).index(id(value))}
    seen[id(value)] = value
    if is_named:
        return {"rule": _name(value), "code": digest(list(_parts(value, seen)))}
    cls = type(value)
    kind = cls.__name__.lstrip("_") if _is_known(cls) else describe(cls, seen)
    return {"kind": kind} | {name: describe(entry, seen) for name, entry in _fields(value).items()}


def _fields(value: Any) -> dict[str, Any]:
    """What an object holds: the fields of a dataclass, of others what a pickle would hold."""
    if dataclasses.is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, property):
        return {"get": value.fget, "set": value.fset}
    if hasattr(value, "tolist"):  # a tensor, whose pickle names the address where it lies
        return {"values": value.tolist()}
    try:
        reduce = copyreg.dispatch_table.get(type(value))
        made = reduce(value) if reduce else value.__reduce_ex__(2)
    except (TypeError, ValueError, AttributeError):
        return {}
    if isinstance(made, str):
        return {"name": made}
    held = [list(part) if isinstance(part, Iterator) else part for part in made[1:]]
    if made[0] is copyreg.__newobj__ and len(held[0]) == 1 and not any(held[2:]):
        held = held[1]
    return held if isinstance(held, dict) else {"state": held} if held else {}


def _parts(value: Any, seen: _Seen) -> Iterator[Any]:
    """Everything that a function or class does, piece by piece."""
    if isinstance(value, type):
        yield [describe(base, seen) for base in value.__bases__]
        named = ((k, v) for k, v in vars(value).items() if callable(v) or not k.startswith("__"))
    elif isinstance(value, FunctionType):
        yield _code(value.__code__)
        cells = [_content(cell) for cell in value.__closure__ or ()]
        yield describe([value.__defaults__, value.__kwdefaults__, cells], seen)
        named = _globals(value.__code__, value.__globals__)
    else:  # something around a function, like a cache or a staticmethod
        named = [("wrapped", getattr(value, "__wrapped__", None))]
    for name, entry in sorted(named, key=lambda pair: pair[0]):
        yield [name, describe(entry, seen)]


def _code(code: CodeType) -> list[Any]:
    constants = [_code(c) if isinstance(c, CodeType) else describe(c) for c in code.co_consts]
    names = [code.co_names, code.co_varnames, code.co_cellvars, code.co_freevars, code.co_flags]
    return [code.co_code.hex(), code.co_exceptiontable.hex(), names, constants]


def _globals(code: CodeType, found: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """What the global names in some code stand for, and what it uses of the reader's modules."""
    for instruction in dis.get_instructions(code):
        name = instruction.argval
        if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME") and name in found:
            yield name, found[name]
            if isinstance(found[name], ModuleType) and not _is_known(found[name]):
                inside = vars(found[name])
                yield from ((f"{name}.{n}", inside[n]) for n in code.co_names if n in inside)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _globals(constant, found)


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # nothing was bound to it yet
        return None


def _is_known(value: Any) -> bool:
    """Whether the code is of common.data, Python or an installed library."""
    is_module = isinstance(value, ModuleType)
    name = value.__name__ if is_module else getattr(value, "__module__", None) or "builtins"
    if f"{name}.".startswith(f"{__package__}.") or name.split(".")[0] in sys.stdlib_module_names:
        return not (name == "builtins" and isinstance(value, FunctionType))  # made by exec
    file = getattr(sys.modules.get(name), "__file__", None) or ""
    return not {"site-packages", "dist-packages"}.isdisjoint(Path(file).parts)


def _name(value: Any) -> str:
    module = getattr(value, "__module__", None) or "builtins"
    return f"{module}.{value.__qualname__}".removeprefix(f"{__package__}.")


def _hash_of_sources(folder: Path) -> str:
    """One hash for all Python files below a folder: their places and their bytes."""
    sha256 = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        data = path.read_bytes()
        sha256.update(f"{path.relative_to(folder).as_posix()} {len(data)}\n".encode() + data)
    return sha256.hexdigest()[:16]


def _short(kind: str, plain: Any) -> Any:
    return plain if len(plain) <= _MAX_ITEMS else _hashed(kind, len(plain), _bytes(_text(plain)))


def _hashed(kind: str, size: int, data: bytes) -> dict[str, str | int]:
    return {"kind": kind, "size": size, "sha256": _hash(data)}


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _text(plain: Any) -> str:
    return json.dumps(plain, sort_keys=True)
