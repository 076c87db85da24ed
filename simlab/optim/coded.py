"""A step as code that its own source writes: what the code for a CPU and that for a GPU have in common.

The source (simlab.optim.moves.definition) is called once, on numbers that write down what is done to them. Those that
coordinates share are doubles, which give way to the type of the coordinates as in torch, so that the bits are those of
the step on tensors.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import islice
from operator import attrgetter, eq
from types import SimpleNamespace
from typing import Any, TypeVar

import torch

from simlab.backends import reference
from simlab.ops import Weight, rebind
from simlab.optim.moves import Job, Kind, Numbers, definition, rule, width
from simlab.vectors import LEAST, settled

PLAIN = {torch.Tensor, torch.nn.Parameter}
STORED = {torch.float64: "d", torch.float32: "f", torch.float16: "h", torch.bfloat16: "z"}
SHAPE, DTYPE, DEVICE = map(attrgetter, ("shape", "dtype", "device"))
T = TypeVar("T")


def split(of: Kind, jobs: list[Job]) -> tuple[list[Job], list[Job]]:
    """(those that code can step, the others) of parameters of one type on one device."""
    if alike(of, jobs):
        return jobs, []
    if len(jobs) == 1:
        return [], jobs
    half = len(jobs) // 2  # mostly all fit, or few do not
    (fit, rest), (more, others) = split(of, jobs[:half]), split(of, jobs[half:])
    return fit + more, rest + others


def alike(of: Kind, jobs: list[Job]) -> bool:
    """Whether parameters of one type on one device are such as code knows, and each lies as its gradient and state.

    All that a step relies on is looked at anew each time, by lists: that takes less time than to go by parameters.
    """
    xs, gs, states = zip(*jobs, strict=True)
    dtype, device = xs[0].dtype, {xs[0].device}
    if dtype not in STORED or not all(map(torch.Tensor.dim, xs)) or not {*map(type, xs)} <= PLAIN:
        return False
    others = [(gs, dtype)]
    for name in rule(of.kind, of.form).state:
        column = [kept[name] for kept in states]
        if any(map(torch.Tensor.dim, column)):
            others.append((column, width(of.kind, of.form, dtype)))
    shapes = [*map(SHAPE, xs)]
    for column, kind in others:
        if {*map(DTYPE, column)} != {kind} or {*map(DEVICE, column)} != device:
            return False
        if not all(map(eq, map(SHAPE, column), shapes)):
            return False
    for parts in zip(xs, *(column for column, _ in others), strict=True):
        if not all(map(torch.Tensor.is_contiguous, parts)):
            like = torch.empty_like(parts[0], device="meta").stride()  # its own, if it has no gaps and overlaps
            if any(part.stride() != like for part in parts):
                return False
    return True


# --- writing --------------------------------------------------------------------------------------------------------


def written(of: Kind, write: Callable[[tuple[bool, ...]], tuple[T, tuple[bool, ...]]]) -> tuple[T, tuple[bool, ...]]:
    """(the code of a step, of which parts of its state each coordinate has its own), see simlab.vectors.settled."""
    return settled(len(rule(of.kind, of.form).state), write)


def count(of: Kind) -> int:
    """How many numbers `flat` gives, and the round."""
    return 5 + len(_weights(of)) + sum(_weights(of))


def step(of: Kind, tracing: Any, known: list, x: Any, g: Any, own: list, differs: tuple[bool, ...]) -> tuple:
    """(x, state) after a step.

    tracing: the number system that writes.    own: the parts of the state that differ.
    known: the round, the numbers of `flat`, and the parts of the state that coordinates share.
    """
    values, parts = iter(known), iter(own)
    t, alpha, weight, lower, upper = islice(values, 5)
    hyper = tuple(Weight(next(values), next(values)) if w else next(values) for w in _weights(of))
    state = tuple(next(parts) if d else next(values) for d in differs)
    return rebind(definition(of), _system(tracing))(t, x, g, state, Numbers(alpha, weight, lower, upper, hyper))


def _weights(of: Kind) -> list[bool]:
    return [p.range.weight for name, p in rule(of.kind, of.form).hyper.items() if name != "alpha"]


def _system(tracing: Any) -> SimpleNamespace:
    """The operations of a step: those of a system that writes, as torch has them (what is not a number spreads)."""
    where = tracing.where

    def number(x: Any) -> Any:
        return float(reference.number(x)) if isinstance(x, (int, Fraction)) else x

    def minimum(a: Any, b: Any) -> Any:
        return where((a < b) | (a != a), a, b)

    def maximum(a: Any, b: Any) -> Any:
        return where((a > b) | (a != a), a, b)

    def flush(state: tuple) -> tuple:
        return tuple(where(abs(s) < LEAST[s.kind], 0.0, s) for s in state), False

    own = {"number": number, "minimum": minimum, "maximum": maximum, "flush": flush}
    return SimpleNamespace(**{**vars(tracing), **own})


# --- playing --------------------------------------------------------------------------------------------------------


def flat(numbers: tuple) -> list:
    """The Numbers one after the other, a Weight as two."""
    return [v for part in numbers for v in (flat(part) if isinstance(part, tuple) else [part])]


def widened(of: Kind, jobs: list[Job], differs: tuple[bool, ...]) -> tuple[list[list[torch.Tensor]], list[str]]:
    """(each part of the state that differs, of all parameters; the names of the other parts).

    Before its first step a parameter shares all.
    """
    own, shared = [], []
    for name, d in zip(rule(of.kind, of.form).state, differs, strict=True):
        if not d:
            shared.append(name)
            continue
        for x, _, kept in jobs:
            if not kept[name].ndim:
                kept[name] = torch.full_like(x, float(kept[name]), dtype=width(of.kind, of.form, x.dtype))
        own.append([kept[name] for _, _, kept in jobs])
    return own, shared


def changed(tensors: list[torch.Tensor]) -> None:
    """Tell autograd of tensors that were written in place."""
    torch.autograd.graph.increment_version(tensors)
