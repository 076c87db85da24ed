"""Schedules: the factor s(t) on the rate, and the factor on beta1 (all dimensionless, equal to 1 at t = 1).

    constant 1      inv_sqrt 1/sqrt(t)      inv 1/t      geometric lambda^(t-1)

`power` is the schedule's own state: lambda^(t-1), carried from round to round, so that no power is ever taken.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from simlab.errors import BadInput, nearest
from simlab.ops import divide, sqrt


def constant(t: Any, power: Any) -> Any:
    """1"""
    return 1


def inv_sqrt(t: Any, power: Any) -> Any:
    """1/sqrt(t)"""
    return divide(1, sqrt(t))


def inv(t: Any, power: Any) -> Any:
    """1/t"""
    return divide(1, t)


def geometric(t: Any, power: Any) -> Any:
    """lambda^(t-1)"""
    return power


RATE: dict[str, Callable] = {f.__name__: f for f in (constant, inv_sqrt, inv)}
BETA1: dict[str, Callable] = {f.__name__: f for f in (constant, geometric, inv, inv_sqrt)}


def schedule(name: str | Callable, known: dict[str, Callable], what: str) -> Callable:
    """The schedule of that name; raises BadInput with the nearest name."""
    if callable(name):
        return name
    if name not in known:
        raise BadInput(f"unknown {what} {name!r}; it is one of {', '.join(known)}{nearest(name, known)}")
    return known[name]
