"""A step as code that its own source writes: what the code for a CPU and that for a GPU have in common.

The source (simlab.optim.moves.definition) is called once, on numbers that write down what is done to them. Those that
coordinates share are doubles, which give way to the type of the coordinates as in torch, so that the bits are those of
the step on tensors.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import islice
from types import SimpleNamespace
from typing import Any, TypeVar

import torch

from simlab.backends import reference
from simlab.ops import Weight, rebind
from simlab.optim.moves import Job, Kind, Numbers, definition, rule, width
from simlab.vectors import LEAST, settled

PLAIN = (torch.Tensor, torch.nn.Parameter)
STORED = {torch.float64: "d", torch.float32: "f", torch.float16: "h", torch.bfloat16: "z"}
T = TypeVar("T")


def fits(of: Kind, p: torch.Tensor, job: Job) -> bool:
    """Whether a parameter is of the types that code knows, and it, its gradient and its state lie in memory alike."""
    x, g, kept = job
    if not (p.ndim and type(p) in PLAIN and x.dtype in STORED and g.dtype == x.dtype):
        return False
    wide, own = width(of.kind, of.form, x.dtype), [s for s in kept.values() if s.ndim]
    if not all(s.dtype == wide for s in own):
        return False
    if not all(part.shape == x.shape and part.device == x.device for part in (g, *own)):
        return False
    if all(part.is_contiguous() for part in (x, g, *own)):
        return True
    like = torch.empty_like(x, device="meta").stride()  # of a tensor without gaps and overlaps that is x's own
    return all(part.stride() == like for part in (x, g, *own))


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


def widened(of: Kind, job: Job, differs: tuple[bool, ...]) -> tuple[list[torch.Tensor], list[str]]:
    """(the parts of the state that differ, the names of the others); before its first step a parameter shares all."""
    own, shared, wide = [], [], width(of.kind, of.form, job.x.dtype)
    for name, d in zip(rule(of.kind, of.form).state, differs, strict=True):
        if not d:
            shared.append(name)
            continue
        if not job.kept[name].ndim:
            job.kept[name] = torch.full_like(job.x, float(job.kept[name]), dtype=wide)
        own.append(job.kept[name])
    return own, shared


def changed(tensors: list[torch.Tensor]) -> None:
    """Tell autograd of tensors that were written in place."""
    torch.autograd.graph.increment_version(x for x in tensors if not x.is_inference())
