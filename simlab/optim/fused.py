"""A step as machine code: one pass over parameter, gradient and state, in place, on as many threads as torch has.

What is common to all code of a step is in simlab.optim.coded; here its numbers are LLVM's vectors (simlab.vectors), and
what coordinates share is computed once, before the loop over them.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import chain
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np
import torch
from llvmlite import ir

from simlab.lanes import compiled, register
from simlab.optim import coded
from simlab.optim.coded import STORED
from simlab.optim.moves import Job, Kind, Numbers, width
from simlab.vectors import INT, POINTER, SIZES, TYPES, VOID, Trace, Value, call, prefetch, splat, suffix

GRAIN, LINE = 1 << 16, 64  # coordinates that are worth a thread; threads part at multiples of these
AHEAD = 1024  # bytes of memory that are asked for beforehand (measured)
_BITS, _WORD = ir.IntType(16), ir.IntType(32)
_CALL = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p)
_MEMORY = {**TYPES, "h": ir.HalfType(), "z": _BITS}
_SIZE = {**SIZES, "h": 2, "z": 2}


class Program(NamedTuple):
    """A compiled step. differs: of each part of the state, whether coordinates have their own or share one number."""

    call: Callable
    differs: tuple[bool, ...]
    sizes: np.ndarray  # bytes of a coordinate of parameter, gradient and each part of the state that differs


@cache
def program(of: Kind, dtype: torch.dtype) -> Program:
    """The step of that kind on parameters of that type."""
    stored, kind = STORED[dtype], STORED[width(of.kind, of.form, dtype)]
    text, differs = coded.written(of, lambda differs: _code(of, stored, kind, differs))
    sizes = [_SIZE[stored]] * 2 + [_SIZE[kind]] * sum(differs)
    return Program(_CALL(compiled(text)), differs, np.array(sizes))


def takes(device: torch.device) -> bool:
    """Whether machine code can step parameters that lie there."""
    return device.type == "cpu"


def move(of: Kind, numbers: Numbers, jobs: list[Job]) -> None:
    """One step of parameters of one type that are alike in memory (simlab.optim.coded)."""
    xs, gs, states = zip(*jobs, strict=True)
    code = program(of, xs[0].dtype)
    own, names = coded.widened(of, jobs, code.differs)
    sizes = np.fromiter(map(torch.Tensor.numel, xs), np.int64)
    rows = np.stack([sizes, *map(_addresses, (xs, gs, *own))], axis=1)
    shared = np.array([float(v) for v in coded.flat(numbers)])
    tables = [_table(states, ["step"], torch.int64), *([_table(states, names, torch.float64)] if names else [])]
    t, *rest = (table.numpy()[at] for table, at in tables)
    known = np.hstack([t + 1.0, np.tile(shared, (len(jobs), 1)), *rest])
    after = _play(code, np.ascontiguousarray(rows), known)
    for (table, at), new in zip(tables, (t + 1, after), strict=False):
        table.numpy()[at] = new
    coded.changed([*xs, *chain(*own), *(table for table, _ in tables)])


def _table(states: Sequence[dict[str, Any]], names: list[str], dtype: torch.dtype) -> tuple[torch.Tensor, np.ndarray]:
    """(memory in which lie the numbers that these states have by these names, where in it each does, a row a state).

    So they are read and written at once: one by one takes longer than the step of a small parameter. Numbers that do
    not lie in one memory yet, at first or loaded, are moved to a new one. dtype: a type of 8 bytes.
    """
    while True:
        first = states[0][names[0]]
        if first.is_cpu and first.dtype == dtype:
            table = first.as_strided((first.untyped_storage().nbytes() // 8,), (1,), 0)
            places = np.stack([_addresses(map(itemgetter(name), states)) for name in names], axis=1)
            at = (places - table.data_ptr()) // 8
            if at.min() >= 0 and at.max() < len(table):
                return table, at
        for name, row in zip(names, torch.empty(len(names), len(states), dtype=dtype), strict=True):
            row.copy_(torch.stack([kept[name].reshape(()) for kept in states]))
            for kept, cell in zip(states, row.unbind(), strict=True):
                kept[name] = cell


def _addresses(tensors: Iterable[torch.Tensor]) -> np.ndarray:
    return np.fromiter(map(torch.Tensor.data_ptr, tensors), np.int64)


def _play(of: Program, rows: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Step many parameters; returns the numbers of the state that coordinates share, a row for each parameter.

    rows: of each parameter how many coordinates it has, then the addresses of it, of its gradient and of the parts of
        its state that differ. All lie in memory alike.
    numbers: of each parameter the round, the Numbers, and the rest of its state, one after the other.
    """
    n = rows[:, :1]
    threads = max(1, min(torch.get_num_threads(), int(n.sum()) // GRAIN))
    cuts = [n * j // threads // LINE * LINE for j in range(threads)] + [n]
    after = np.empty((threads, len(rows), len(of.differs) - sum(of.differs)))

    def part(j: int) -> None:
        mine = np.hstack([cuts[j + 1] - cuts[j], rows[:, 1:] + cuts[j] * of.sizes])
        of.call(mine.ctypes.data, len(rows), numbers.ctypes.data, after[j].ctypes.data)

    if threads == 1:
        part(0)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(part, range(threads)))
    return after[0]


def _code(of: Kind, stored: str, kind: str, differs: tuple[bool, ...]) -> tuple[str, tuple[bool, ...]]:
    """(the code of the step of parameters that are `stored` in one type and stepped in another, which parts differ)

        play(rows, count, numbers, after)

    The code is whole only if `differs` is what comes out.
    """
    module = ir.Module("step")
    types = [stored] * 2 + [kind] * sum(differs)
    code = ir.Function(module, ir.FunctionType(VOID, [POINTER, INT, POINTER, POINTER]), "play")
    rows, count, numbers, after = code.args
    entry, head, row, leave = (ir.IRBuilder(code.append_basic_block(n)) for n in ("entry", "head", "row", "leave"))
    entry.branch(head.block)
    k = head.phi(INT)
    k.add_incoming(INT(0), entry.block)
    head.cbranch(head.icmp_signed("<", k, count), row.block, leave.block)
    leave.ret_void()

    length = coded.count(of) + differs.count(False)
    given = [_entry(row, numbers, TYPES["d"], k, length, i) for i in range(length)]
    n, *addresses = (_entry(row, rows, INT, k, 3 + sum(differs), i) for i in range(3 + sum(differs)))
    pointers = [row.inttoptr(a, POINTER) for a in addresses]

    lanes = register() // _SIZE[kind]
    many = [ir.IRBuilder(code.append_basic_block(name)) for name in ("vectors", "last", "rest", "next")]
    vectors, last, rest, next_ = many
    whole = row.sub(n, row.srem(n, INT(lanes)))
    i = vectors.phi(INT)

    def step(body: ir.IRBuilder, i: Any, mask: Any) -> tuple:
        """The step of the coordinates from i on; returns the state."""
        trace = Trace(kind, lanes, row, body)
        known = [Value(trace, x, "d", False, True) for x in given]
        x, g, *own = (_load(trace, p, i, s, mask) for p, s in zip(pointers, types, strict=True))
        x, state = coded.step(of, trace.system, known, x, g, own, differs)
        if tuple(s.wide for s in state) == differs:
            to = (x, *(s for s in state if s.wide))
            for p, s, v in zip((pointers[0], *pointers[2:]), (stored, *types[2:]), to, strict=True):
                _store(trace, p, i, s, v, mask)
        return state

    after_step = step(vectors, i, None)
    shared = [s for s in after_step if not s.wide]
    lane = ir.Constant(ir.VectorType(INT, lanes), list(range(lanes)))
    step(rest, whole, rest.icmp_signed("<", lane, splat(rest, rest.sub(n, whole), lanes)))
    for j, value in enumerate(shared):
        at = row.add(row.mul(k, INT(len(shared))), INT(j))
        row.store(value.code, row.gep(after, [at], source_etype=TYPES["d"]))
    row.cbranch(row.icmp_signed("<", INT(0), whole), vectors.block, last.block)
    beside = vectors.add(i, INT(lanes))
    i.add_incoming(INT(0), row.block)
    i.add_incoming(beside, vectors.block)
    vectors.cbranch(vectors.icmp_signed("<", beside, whole), vectors.block, last.block)
    last.cbranch(last.icmp_signed("<", whole, n), rest.block, next_.block)
    rest.branch(next_.block)
    k.add_incoming(next_.add(k, INT(1)), next_.block)
    next_.branch(head.block)
    return str(module), tuple(s.wide for s in after_step)


def _entry(emit: ir.IRBuilder, table: Any, kind: Any, k: Any, length: int, i: int) -> Any:
    at = emit.add(emit.mul(k, INT(length)), INT(i))
    return emit.load(emit.gep(table, [at], source_etype=kind), typ=kind)


def _load(trace: Trace, pointer: Any, i: Any, stored: str, mask: Any) -> Value:
    emit, kind, single = trace.lane, *(ir.VectorType(_MEMORY[x], trace.width) for x in (stored, "f"))
    where = emit.gep(pointer, [i], source_etype=_MEMORY[stored])
    if mask is None:
        prefetch(emit, where, AHEAD)
        code = emit.load(where, typ=kind, align=_SIZE[stored])
    else:
        name, align = f"llvm.masked.load{suffix(kind)}.p0", _WORD(_SIZE[stored])
        code = call(emit, name, kind, where, align, mask, ir.Constant(kind, None))
    if stored == "z":  # the upper half of a float32
        half = _words(trace, 16)
        upper = emit.shl(emit.zext(code, half.type), half)
        code, stored = emit.bitcast(upper, single), "f"
    elif stored == "h":
        code, stored = emit.fpext(code, single), "f"
    return trace.convert(Value(trace, code, stored, True, False), trace.kind)


def _store(trace: Trace, pointer: Any, i: Any, stored: str, value: Value, mask: Any) -> None:
    emit, kind = trace.lane, _MEMORY[stored]
    code = trace.convert(value, "f" if stored in "hz" else stored).code
    if stored == "z":  # to the nearest, ties to even; a nan has lower bits of 0, and stays one
        half, one, below = (_words(trace, n) for n in (16, 1, 0x7FFF))
        bits = emit.bitcast(code, half.type)
        odd = emit.and_(emit.lshr(bits, half), one)
        near = emit.lshr(emit.add(emit.add(bits, odd), below), half)
        code = emit.trunc(near, ir.VectorType(_BITS, trace.width))
    elif stored == "h":
        code = emit.fptrunc(code, ir.VectorType(kind, trace.width))
    where = emit.gep(pointer, [i], source_etype=kind)
    if mask is None:
        emit.store(code, where, align=_SIZE[stored])
    else:
        call(emit, f"llvm.masked.store{suffix(code.type)}.p0", VOID, code, where, _WORD(_SIZE[stored]), mask)


def _words(trace: Trace, n: int) -> Any:
    return ir.Constant(ir.VectorType(_WORD, trace.width), [n] * trace.width)
