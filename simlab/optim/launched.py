"""A step on a GPU: a Triton kernel, one pass over a parameter, its gradient and its state, in place.

    a program: a block of coordinates                      a launch: a parameter

What is common to all code of a step is in simlab.optim.coded; here its numbers write the lines of a kernel
(simlab.backends._traced), each a single IEEE operation, none fused with another. What coordinates share, every program
computes for itself, in doubles. Nothing waits for the device: numbers are sent to it behind the work that it has
already, an lr that lies on it stays there, and so does the state that coordinates share.
"""

from __future__ import annotations

from functools import cache
from itertools import chain
from typing import Any

import torch

from simlab.backends import _triton
from simlab.backends._traced import TYPES, Tape, Traced, system
from simlab.optim import coded
from simlab.optim.coded import STORED
from simlab.optim.moves import Job, Kind, Numbers, rule, width

BLOCK = 1024  # coordinates a program: eight a thread
_TEXT = '''"""A step of {title}, as simlab takes it"""

import triton
import triton.language as tl


@triton.jit(do_not_specialize=["round"])
def step(numbers, round, n, {arguments}, BLOCK: tl.constexpr):
    i = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    here = i < n
    first = tl.program_id(0) == 0
{body}'''
_POINTERS = {"d": "*fp64", "f": "*fp32", "h": "*fp16", "z": "*i16"}


@cache
def kernel(of: Kind, dtype: torch.dtype) -> tuple[str, tuple[bool, ...]]:
    """(the text of the step of that kind on parameters of that type, of which state each coordinate has its own)."""
    return coded.written(of, lambda differs: _write(of, dtype, differs))


def takes(device: torch.device) -> bool:
    """Whether a kernel can step parameters that lie there: on a GPU, where Triton is installed."""
    return not _triton.unavailable(device)


def move(of: Kind, numbers: Numbers, jobs: list[Job]) -> None:
    """One step of parameters of one type on one device that are alike in memory (simlab.optim.coded)."""
    device = jobs[0].x.device
    text, differs = kernel(of, jobs[0].x.dtype)
    columns, shared = coded.widened(of, jobs, differs)
    run, sent = _triton.compiled(text, _triton.interpreting()).step, _send(coded.flat(numbers), device)
    with _triton.launching(device):
        for (x, g, kept), *own in zip(jobs, *columns, strict=True):
            before = [kept[name].to(device, torch.float64, non_blocking=True) for name in shared]
            after = [torch.empty_like(s) for s in before]  # another program may still read what was before
            t, n, memory = int(kept["step"]) + 1, x.numel(), [_memory(part) for part in (x, g, *own)]
            run[(max(1, -(-n // BLOCK)),)](sent, t, n, *memory, *before, *after, BLOCK=BLOCK, **_triton.OPTIONS)
            kept.update(zip(shared, after, strict=True), step=torch.tensor(t))
    coded.changed([*(x for x, _, _ in jobs), *chain(*columns)])


def assemble(of: Kind, dtype: torch.dtype, capability: int) -> Any:
    """The kernel compiled for a CUDA device of that compute capability (90 is an H100), without one."""
    text, differs = kernel(of, dtype)
    stored, kind = _POINTERS[STORED[dtype]], _POINTERS[STORED[width(of.kind, of.form, dtype)]]
    types = ["*fp64", "i64", "i64", stored, stored, *[kind] * sum(differs), *["*fp64"] * 2 * differs.count(False)]
    return _triton.built(_triton.compiled(text, _triton.interpreting()).step, types, BLOCK, capability)


def _send(values: list, device: torch.device) -> torch.Tensor:
    """Numbers as doubles on a device (an argument of a kernel would be float32); those that are there are not asked."""
    there = {j: v for j, v in enumerate(values) if isinstance(v, torch.Tensor) and not v.is_cpu}
    host = torch.tensor([0.0 if j in there else float(v) for j, v in enumerate(values)], dtype=torch.float64)
    sent = host.to(device, non_blocking=True)
    for j, v in there.items():
        sent[j].copy_(v)
    return sent


def _memory(x: torch.Tensor) -> torch.Tensor:
    return x.detach().view(torch.int16) if x.dtype == torch.bfloat16 else x.detach()


def _write(of: Kind, dtype: torch.dtype, differs: tuple[bool, ...]) -> tuple[str, tuple[bool, ...]]:
    """(the text of the kernel, if `differs` is what comes out; which parts of the state differ after it)."""
    stored, kind = STORED[dtype], STORED[width(of.kind, of.form, dtype)]
    tape = Tape(kind == "f")
    own, shared = ([f"s{j}" for j, d in enumerate(differs) if d is mine] for mine in (True, False))
    numbers = [f"n{j}" for j in range(coded.count(of) - 1)]
    loads = ["t = round.to(tl.float64)", *(f"{name} = tl.load(numbers + {j})" for j, name in enumerate(numbers))]
    loads += [f"{name} = tl.load({name}_at)" for name in shared]
    loads += [_load(name, stored, kind) for name in ("x", "g")] + [_load(name, kind, kind) for name in own]
    known = [Traced(tape, "d", name, weak=True, wide=False) for name in ("t", *numbers, *shared)]
    x, g, *parts = (Traced(tape, kind, name) for name in ("x", "g", *own))
    x, state = coded.step(of, system(tape), known, x, g, parts, differs)
    found = tuple(s.wide for s in state)
    if found != differs:
        return "", found
    stores = _store("x", stored, tape.as_kind(x, "f" if stored in "hz" else stored))
    for name, value in zip(own, (s for s in state if s.wide), strict=True):
        stores += _store(name, kind, tape.as_kind(value, kind))
    for name, value in zip(shared, (s for s in state if not s.wide), strict=True):
        stores.append(f"tl.store({name}_to, {tape.as_kind(value, 'd')}, mask=first)")
    body = [*(f"{v} = {text}" for text, v in tape.constants.items()), *loads, *map(str, tape.lines), *stores]
    text = _TEXT.format(
        title=rule(of.kind, of.form).name,
        arguments=", ".join([f"{name}_at" for name in ("x", "g", *own, *shared)] + [f"{name}_to" for name in shared]),
        body="".join(f"    {line}\n" for line in body),
    )
    return text, found


def _load(name: str, stored: str, kind: str) -> str:
    there = f"tl.load({name}_at + i, mask=here, other=0)"
    if stored == "z":  # the upper half of a float32; Triton's interpreter would not round to nearest on the way back
        there = f"({there}.to(tl.int32) << 16).to(tl.float32, bitcast=True)"
    return f"{name} = {there}.to({TYPES[kind]})"


def _store(name: str, stored: str, value: Traced) -> list[str]:
    lines, shown = [], str(value)
    if stored == "z":  # to the nearest, ties to even
        lines = [f"bits = {value}.to(tl.int32, bitcast=True)", "near = (bits + ((bits >> 16) & 1) + 0x7FFF) >> 16"]
        shown = f"tl.where({value} == {value}, near, 0x7FC0).to(tl.int16)"
    elif stored == "h":
        shown = f"{value}.to(tl.float16)"
    return [*lines, f"tl.store({name}_at + i, {shown}, mask=here)"]
