"""Compiled kernels on disk, keyed by a digest of everything that went into them.

The key covers the bytecode, constants, defaults, closures and globals of every function that a kernel reaches, across
files; the number system and the drivers; and the versions, flags and processor. What it cannot describe (an attribute
of a module, say) is compiled afresh in every process. So an edited helper, a changed global or a rule typed at a prompt
is another key, and stale code cannot run. What is kept is an object file (no pickle), with its own checksum, in a
folder that only its owner may write. Loading one needs LLVM but not Numba.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import json
import math
import os
import platform
import stat
import types
from collections.abc import Callable
from fractions import Fraction
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm
import numpy as np

from simlab.errors import BadInput
from simlab.files import whole
from simlab.ops import CORE, PRIMITIVES, children

FLAGS = {"error_model": "numpy", "fastmath": False, "slp": True, "opt": 3}


class Unknown(TypeError):
    """A kernel depends on an object that a digest cannot describe, so it is compiled afresh in every process."""


# --- the key --------------------------------------------------------------------------------------------------------


def digest(functions: list[Callable], *facts: Any) -> str:
    """The SHA-256 of all that the functions reach, and of `facts`. Raises Unknown for what it cannot describe."""
    h = hashlib.sha256()
    seen: dict[int, int] = {}

    def feed(tag: str, text: str | bytes) -> None:
        data = text if isinstance(text, bytes) else text.encode()
        h.update(f"{tag}:{len(data)}:".encode() + data)

    def code(c: types.CodeType) -> None:
        feed("code", c.co_code)
        feed("names", repr((c.co_names, c.co_varnames, c.co_freevars, c.co_argcount, c.co_kwonlyargcount, c.co_flags)))
        for constant in c.co_consts:
            value(constant)

    def value(v: Any) -> None:
        if isinstance(v, types.FunctionType) and v in PRIMITIVES:
            feed("op", PRIMITIVES[v])
        elif isinstance(v, types.FunctionType):
            v = CORE.get(v, v)
            if id(v) in seen:
                feed("again", str(seen[id(v)]))
                return
            seen[id(v)] = len(seen)
            code(v.__code__)
            value(v.__defaults__ if not v.__code__.co_kwonlyargcount else None)  # rebinding drops the others
            for name, child in sorted(children(v).items()):
                feed("name", name)
                value(child)
        elif isinstance(v, types.CodeType):
            code(v)
        elif v is None or isinstance(v, (bool, int, float, complex, str, bytes, Fraction)):
            feed(type(v).__name__, v.hex() if isinstance(v, float) else repr(v))
        elif isinstance(v, (tuple, list, frozenset)):
            feed(type(v).__name__, str(len(v)))
            for item in sorted(v, key=repr) if isinstance(v, frozenset) else v:
                value(item)
        elif v is math or v is np:  # of another module the digest would not see what the code takes from it
            feed("module", v.__name__)
        elif isinstance(v, (type, types.BuiltinFunctionType)):
            feed("type", f"{v.__module__}.{v.__qualname__}{getattr(v, '_fields', '')}")
        else:
            raise Unknown(f"a kernel depends on {v!r}, a {type(v).__name__}")

    for f in functions:
        value(f)
    value(facts)
    return h.hexdigest()


def _sources() -> tuple[str, ...]:
    here, names = Path(__file__).parent, ("kernels.py", "machine_code.py")  # of lanes the whole code is in the key
    return tuple(hashlib.sha256((here / name).read_bytes()).hexdigest() for name in names)


_SOURCES = _sources()  # as this process found them; what is built after an edit of them is not kept


@cache
def surroundings() -> tuple:
    """What every kernel depends on besides its own functions: versions, flags, processor, and our own drivers."""
    return (
        platform.python_version(),
        platform.machine(),
        llvm.get_host_cpu_name(),
        str(llvm.get_host_cpu_features().flatten()),
        version("numba"),
        version("llvmlite"),
        repr(sorted(FLAGS.items())),
        *_SOURCES,
    )


# --- the store ------------------------------------------------------------------------------------------------------


def folder() -> Path | None:
    """The private folder of kernels, or None where there can be none. $SIMLAB_CACHE names another one."""
    base = os.environ.get("SIMLAB_CACHE") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache"), "simlab"
    )
    path = Path(base) / "kernels"
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = path.lstat()
    except OSError:
        return None
    others_write = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    mine = not hasattr(os, "getuid") or status.st_uid == os.getuid()
    return path if mine and not others_write and stat.S_ISDIR(status.st_mode) else None


def read(key: str) -> tuple[dict, bytes] | None:
    """The kernel of that key, or None if it is absent or damaged."""
    where = folder()
    if where is None:
        return None
    try:
        head, _, code = (where / key).read_bytes().partition(b"\n")
        about = json.loads(head)
        return (about, code) if hashlib.sha256(code).hexdigest() == about["sha256"] else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write(key: str, about: dict, code: bytes) -> None:
    """Keep a kernel, whole or not at all; a folder that cannot be written is no error."""
    where = folder()
    if where is None:
        return
    head = json.dumps({**about, "sha256": hashlib.sha256(code).hexdigest()}).encode()
    with contextlib.suppress(BadInput):
        whole(where / key, lambda file: Path(file).write_bytes(head + b"\n" + code))


# --- loading --------------------------------------------------------------------------------------------------------

_alive: list[Any] = []  # engines and callbacks whose code is in use


@cache
def _engine_parts() -> Any:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm.Target.from_default_triple()


def machine() -> Any:
    """LLVM's target machine for this processor, without contraction of a*b + c."""
    return _engine_parts().create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=llvm.get_host_cpu_features().flatten(), opt=FLAGS["opt"], jit=True
    )


def object_code(symbol: str, module: Any, target: Any) -> tuple[dict, bytes]:
    """(description, object code) of a module of LLVM: its symbol, and the symbols that it needs from elsewhere."""
    foreign = (v.name for v in (*module.functions, *module.global_variables) if v.is_declaration)
    needs = sorted(name for name in foreign if not name.startswith("llvm."))
    return {"symbol": symbol, "needs": needs}, target.emit_object(module)


_NEVER_CALLED = ("numba_gil_ensure", "numba_gil_release", "NRT_MemInfo_call_dtor")  # a scalar kernel's unused exits


def _resolve(needs: list[str]) -> bool:
    process = ctypes.CDLL(None)
    missing = [n for n in needs if llvm.address_of_symbol(n) is None and not hasattr(process, n)]
    if not set(missing) <= set(_NEVER_CALLED):
        from numba.core.registry import cpu_target

        cpu_target.target_context.refresh()  # Numba's runtime, which allocates arrays, announces its symbols
        missing = [n for n in needs if llvm.address_of_symbol(n) is None and not hasattr(process, n)]
    for name in missing:
        if name not in _NEVER_CALLED:
            return False
        stub = ctypes.CFUNCTYPE(None)(lambda: None)
        _alive.append(stub)
        llvm.add_symbol(name, ctypes.cast(stub, ctypes.c_void_p).value)
    return True


def load(about: dict, code: bytes) -> int | None:
    """The address of a kernel, or None where this process cannot run it."""
    target = machine()
    if not _resolve(about["needs"]):
        return None
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), target)
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    _alive.append(engine)
    return engine.get_function_address(about["symbol"]) or None


def kernel(key: str | None, build: Callable[[], tuple[dict, bytes]]) -> tuple[int, str]:
    """(address, origin) of the kernel: 'cached' if its key was on disk, else 'compiled' by `build` and kept."""
    found = read(key) if key else None
    address = load(*found) if found else None
    if address:
        return address, "cached"
    about, code = build()
    if key and _sources() == _SOURCES:
        write(key, about, code)
    address = load(about, code)
    if not address:
        raise RuntimeError(f"the kernel {about['symbol']} does not load: a symbol among {about['needs']} is missing")
    return address, "compiled"
