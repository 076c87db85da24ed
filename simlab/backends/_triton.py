"""The whole loop in one Triton kernel: a program a block of cells, their numbers in registers from round to round.

The body is the round of simlab.backends._round, written down by simlab.backends._traced. Fusion of multiplications and
additions is off, square roots and quotients are rounded to nearest, subnormal numbers are kept: the bits of the CPU.
With TRITON_INTERPRET=1 in the environment, Triton plays the same kernel in NumPy, on any machine.
"""

from __future__ import annotations

import atexit
import hashlib
import importlib.util
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.utils._pytree import tree_map

from simlab.backends._round import Carry, Given, begin, finish, stepper
from simlab.backends._traced import TYPES, Line, Tape, Traced, TracedRows, system
from simlab.cells import SHOWN, CellRecords, Cells
from simlab.ops import Weight

BLOCK = 128  # cells a program: one cell a thread of four warps
OPTIONS = {"num_warps": 4, "enable_fp_fusion": False}
WORK = 1 << 36  # cell-rounds a launch: under a second, so that Ctrl-C and progress are prompt
ROOM = 1 << 28  # bytes of records that are kept on the device

_TEXT = '''"""{title}"""

import triton
import triton.language as tl


@triton.jit(do_not_specialize=["first", "rounds"])
def prepare(table, first, rounds, {given}, BLOCK: tl.constexpr):
    i = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    here = i < rounds
    t = first + i
{prepared}

@triton.jit(do_not_specialize=["n", "first", "rounds"])
def play(table, out, due, n, first, rounds, {given}, {carried}, BLOCK: tl.constexpr):
    i = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    here = i < n
{played}'''


class Kernel(NamedTuple):
    """The text of the kernels, the columns that they read and those that they also write, in the order of their
    arguments, and how many numbers of each round are the same for all cells."""

    text: str
    given: list[np.ndarray]
    carried: list[np.ndarray]
    shared: int


def write(cells: Cells) -> Kernel:
    """The kernels of these cells' loop. Raises CannotCompileError where it is no line of rounded operations."""
    tape, (carry, given) = Tape(cells.single), begin(cells)
    kinds = {"float64": "d", "float32": "f", "int64": "i", "bool": "b"}
    columns: list[np.ndarray] = []
    shared, loads = [], []

    def enter(v: np.ndarray) -> Traced | TracedRows:
        name, kind, one = f"g{len(columns)}", kinds[str(v.dtype)], v.strides[0] == 0
        columns.append(np.ascontiguousarray(v[:1] if one else v))
        if v.ndim > 1:
            return TracedRows(tape, kind, f"{name}_at" if one else f"{name}_at + i * {v.shape[1]}")
        if one:
            shared.append(f"{name} = tl.load({name}_at)")
        else:
            loads.append(f"{name} = tl.load({name}_at + i, mask=here, other=0)")
        return Traced(tape, kind, name, wide=not one)

    fixed: Given = tree_map(enter, given)
    inputs = _leaves(carry)
    before = [Traced(tape, kinds[str(v.dtype)], f"c{j}") for j, v in enumerate(inputs)]
    t = Traced(tape, "i", "t", weak=True, wide=False)
    after, shown = stepper(cells.plan, system(tape))(t, _like(before), fixed)
    *shown, alive = (v if isinstance(v, Traced) else tape.literal(v, tape.kind) for v in shown)
    new = [(old, v) for old, v in zip(before, _leaves(after), strict=True) if v is not old]

    # what depends on the round alone is computed once for all cells, beforehand, where it is a real number
    early, late, table = _split(tape.lines, [*shown, *(v for _, v in new)])
    constants = [f"{v} = {text}" for text, v in tape.constants.items()]
    prepared = [*constants, *shared, *map(str, early)]
    prepared += [f"tl.store(table + {j} * rounds + i, {v}.to({TYPES['d']}), mask=here)" for j, v in enumerate(table)]
    looked_up = [f"{v} = tl.load(table + {j} * rounds + step).to({TYPES[v.kind]})" for j, v in enumerate(table)]
    store = [f"    tl.store(at + {j} * n, {v}, mask=here & {alive})" for j, v in enumerate(shown)]
    record = ["if t == wanted:", f"    at = out + row * {len(SHOWN)} * n + i", *store]
    record += ["    row += 1", "    wanted = tl.load(due + row)"]
    advance = [f"{old} = {v}" for old, v in new] + ["t += 1"]
    played = [*constants, *shared, *loads, *(f"{v} = tl.load({v}_at + i, mask=here, other=0)" for v in before)]
    played += [f"t = tl.full((), first, {TYPES['i']})", f"row = tl.full((), 0, {TYPES['i']})", "wanted = tl.load(due)"]
    played += ["for step in range(rounds):", *(f"    {s}" for s in (*looked_up, *map(str, late), *record, *advance))]
    played += [f"tl.store({old}_at + i, {old}, mask=here)" for old, _ in new]
    text = _TEXT.format(
        title=f"{cells.plan.rule.name}, as simlab plays it",
        given=", ".join(f"g{j}_at" for j in range(len(columns))),
        carried=", ".join(f"{v}_at" for v in before),
        prepared="".join(f"    {line}\n" for line in prepared),
        played="".join(f"    {line}\n" for line in played),
    )
    return Kernel(text, columns, inputs, len(table))


def _split(lines: list[Line], wanted: list[Traced]) -> tuple[list[Line], list[Line], list[Traced]]:
    """(lines of the round alone, lines of the loop, the real numbers that the loop takes from the former)."""
    early = [line for line in lines if not line.value.wide]
    real = {line.value for line in early if line.value.kind in "df"}
    whole = {line.value for line in early} - real  # integers are cheap, and stay in the loop as well
    late = [line for line in lines if line.value.wide or line.value in whole]
    used = {v for line in late for v in line.parts} | set(wanted)
    return early, late, [line.value for line in early if line.value in real & used]


def _leaves(carry: Carry) -> list[Any]:
    return [*carry[:2], *carry.state, *carry[3:]]


def _like(leaves: list[Any]) -> Carry:
    phase, x, *state, power, total, error, stopped, lost = leaves
    return Carry(phase, x, tuple(state), power, total, error, stopped, lost)


@cache
def _folder() -> Path:
    folder = tempfile.mkdtemp(prefix="simlab-triton-")  # only the user may enter; Triton reads the text from a file
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


@cache
def compiled(text: str, interpreted: bool) -> Any:
    """The module with the kernels of that text, as Triton has them."""
    name = f"kernel_{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    path = _folder() / f"{name}.py"
    path.write_text(text, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def unavailable(device: torch.device) -> str:
    """Why Triton cannot play on that device, or nothing where it can."""
    if device.type != "cuda" and not (device.type == "cpu" and interpreting()):
        return f"triton has no {device.type} of its own"
    if importlib.util.find_spec("triton") is None:
        return "triton is not installed: pip install 'simlab[triton]'"
    return ""


def interpreting() -> bool:
    """Whether Triton's interpreter was asked for, in Triton's own way."""
    return os.environ.get("TRITON_INTERPRET") == "1"


@contextmanager
def launching(device: torch.device) -> Iterator[None]:
    """Where Triton launches on that device, and where its interpreter computes, which asks NumPy."""
    with torch.cuda.device(device) if device.type == "cuda" else nullcontext(), np.errstate(all="ignore"):
        yield


def run_cells(cells: Cells, device: torch.device, progress: Callable[[int], None]) -> CellRecords:
    """The runs of scalar cells by their kernel. Raises CannotCompileError where there is none."""
    kernel, n, plan = write(cells), len(cells), cells.plan
    module = compiled(kernel.text, interpreting())
    given, carried = (
        [torch.from_numpy(np.array(v)).to(device) for v in columns] for columns in (kernel.given, kernel.carried)
    )
    kept = np.full((len(SHOWN), len(plan.recorded), n), np.nan)
    block = min(1 << (n - 1).bit_length(), 1024) if interpreting() else BLOCK
    rows, longest = max(1, ROOM // (len(SHOWN) * 8 * n)), max(1, min(WORK // n, ROOM // (8 * kernel.shared or 1)))
    done = row = 0
    while done < plan.rounds and not bool((_like(carried).stopped > 0).all()):
        last = min(plan.rounds, done + longest)
        due = plan.recorded[row : row + rows]
        if row + rows < len(plan.recorded):
            last = min(last, int(due[-1]))
        due = due[due <= last]
        out = torch.full((len(due), len(SHOWN), n), torch.nan, dtype=carried[1].dtype, device=device)
        wanted = torch.from_numpy(np.append(due, 0)).to(device)  # no round is 0
        table, count = torch.empty(kernel.shared * (last - done), dtype=torch.float64, device=device), last - done
        with launching(device):
            if kernel.shared:
                module.prepare[(-(-count // block),)](table, done + 1, count, *given, BLOCK=block, **OPTIONS)
            module.play[(-(-n // block),)](
                table, out, wanted, n, done + 1, count, *given, *carried, BLOCK=block, **OPTIONS
            )
        kept[:, row : row + len(due)] = out.cpu().numpy().swapaxes(0, 1)
        done, row = last, row + len(due)
        progress(done)
    carry = _like([v.cpu().numpy() for v in carried])
    where = "triton interpreter" if interpreting() else f"triton on {device}"
    return finish(cells, kept, carry, where)


def assemble(kernel: Kernel, capability: int) -> Any:
    """The kernel compiled for a CUDA device of that compute capability (90 is an H100), without one."""
    play, single = compiled(kernel.text, interpreting()).play, kernel.carried[1].dtype == np.float32
    kinds = {"float64": "fp64", "float32": "fp32", "int64": "i64", "bool": "i1"}
    types = ["*fp64", "*fp32" if single else "*fp64", "*i64", "i64", "i64", "i64"]
    types += [f"*{kinds[str(v.dtype)]}" for v in (*kernel.given, *kernel.carried)]
    return built(play, types, BLOCK, capability)


def built(function: Any, types: list[str], block: int, capability: int) -> Any:
    """A kernel compiled for a compute capability: its arguments are of these types, the last is the size of a block."""
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    signature = dict(zip(function.arg_names, [*types, "constexpr"], strict=True))
    source = ASTSource(fn=function, signature=signature, constexprs={(len(types),): block})
    return triton.compile(source, target=GPUTarget("cuda", capability, 32), options=OPTIONS)
