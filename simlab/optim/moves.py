"""What a step does to the coordinates of one parameter: the rule between weight decay and projection.

    maximize: -g        weight decay: g + weight_decay x, or, decoupled, x (1 - alpha weight_decay)
    then the rule's proposal, and the box

Written once (`definition`), for tensors (`move`) and for machine code (simlab.optim.coded).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from types import SimpleNamespace
from typing import Any, NamedTuple

from simlab import catalog
from simlab.backends import torch as _backend
from simlab.feasible import Box
from simlab.ops import clip, rebind
from simlab.protocol import proposer
from simlab.rule import UpdateRule
from simlab.schedules import constant

import torch  # isort: skip  # after the backend, which says what to install where it is missing

# the rule behind a kind of optimizer in each form; where the released form has no rule of its own, only s(t) differs
RULES: dict[str, dict[str, str]] = {
    "momentum": {"released": "momentum", "paper": "momentum"},
    "adagrad": {"released": "adagrad", "paper": "adagrad"},
    "rmsprop": {"released": "rmsprop", "paper": "rmsprop"},
    "adam": {"released": "adam", "paper": "adam_analysed"},
    "amsgrad": {"released": "amsgrad", "paper": "amsgrad"},
    "adabound": {"released": "adabound_released", "paper": "adabound"},
    "amsbound": {"released": "amsbound_released", "paper": "amsbound"},
}


class Kind(NamedTuple):
    """What decides which operations a step consists of; all else about it is numbers."""

    kind: str
    form: str
    maximize: bool = False
    decay: str = ""  # "", "coupled" or "decoupled"
    boxed: bool = False


class Numbers(NamedTuple):
    """The numbers of a step that all coordinates share: lr, weight_decay, the ends of the box, and the rule's own."""

    alpha: Any
    weight: Any
    lower: Any
    upper: Any
    hyper: tuple


class Job(NamedTuple):
    """A parameter to be stepped, its gradient (both as reals), and its state by the rule's names, and `step`."""

    x: torch.Tensor
    g: torch.Tensor
    kept: dict[str, Any]


@cache
def rule(kind: str, form: str) -> UpdateRule:
    """The rule of that kind of optimizer in that form."""
    return catalog.rule(RULES[kind][form])


def schedule(kind: str, form: str) -> Callable:
    """s(t), which is 1 in the released forms."""
    return constant if form == "released" else rule(kind, form).schedule


@cache
def definition(of: Kind) -> Callable:
    """move(t, x, g, state, numbers) -> (x, state), in the operations of `simlab.ops`: to be rebound to a system."""
    plan: Any = SimpleNamespace(
        rule=rule(of.kind, of.form), rate_schedule=schedule(of.kind, of.form), beta1_schedule=constant
    )
    propose, project, maximize, decay, boxed = proposer(plan), Box.project, of.maximize, of.decay, of.boxed

    def move(t: Any, x: Any, g: Any, state: tuple, numbers: Numbers) -> tuple:
        alpha, weight, lower, upper, hyper = numbers
        if maximize:
            g = -g
        if decay == "decoupled":
            x = x * (1 - alpha * weight)
        elif decay:
            g = g + weight * x
        x, rate, _, state, *_ = propose(t, g, x, state, 1, alpha, 1, hyper)
        return project(x, rate, lower, upper) if boxed else x, state

    return move


@cache
def width(kind: str, form: str, dtype: torch.dtype) -> torch.dtype:
    """The type that a parameter of this type is stepped in, and its state kept.

    float64 too where a rule divides by a root with no epsilon beside it: a float32 square underflows below 1e-23, and
    the step would be infinite.
    """
    divides = "epsilon" not in rule(kind, form).hyper and bool({"v", "s"} & rule(kind, form).state.keys())
    return torch.float64 if divides or dtype == torch.float64 else torch.float32


# --- on tensors -----------------------------------------------------------------------------------------------------


@cache
def _largest_subnormal(kind: torch.dtype) -> float:
    tiny = torch.tensor(torch.finfo(kind).tiny, dtype=kind)  # the smallest normal number
    return float(torch.nextafter(tiny, torch.zeros_like(tiny)))


def _flush(state: tuple) -> tuple:
    """State that is subnormal in its own type is set to 0; nobody asks whether any was, which would wait.

    torch's hardshrink is x where |x| > a, else 0, in one pass.
    """
    return tuple(torch.nn.functional.hardshrink(s, _largest_subnormal(s.dtype)) for s in state), False


def _divide(a: Any, b: Any) -> torch.Tensor:
    """A number of the host is first sent to the device: there torch would multiply by its reciprocal."""
    if isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor) and b.is_cpu and not a.is_cpu:
        b = b.to(a.device, non_blocking=True)
    return _backend.divide(a, b)


TENSORS = SimpleNamespace(**{**vars(_backend), "flush": _flush, "divide": _divide})
clip_tensors = rebind(clip, TENSORS)


@cache
def _on_tensors(of: Kind) -> Callable:
    return rebind(definition(of), TENSORS)


def move(of: Kind, numbers: Numbers, job: Job, differentiable: bool) -> None:
    """One step, by an operation of torch for each of the rule's: what every other way has to equal."""
    wide, names, t = width(of.kind, of.form, job.x.dtype), rule(of.kind, of.form).state, int(job.kept["step"]) + 1
    x, g, state = job.x.to(wide, copy=differentiable), job.g.to(wide), tuple(job.kept[name] for name in names)
    x, state = _on_tensors(of)(t, x, g, state, numbers)
    job.x.copy_(x)
    job.kept.update(zip(names, state, strict=True), step=torch.tensor(t))


@cache
def parted(kind: str, form: str) -> Callable:
    """The rule with clip(rate, lower, upper) left undone: its rate is these three, if it clips."""
    return rebind(rule(kind, form).function, TENSORS, memo={clip: lambda rate, lower, upper: (rate, lower, upper)})
