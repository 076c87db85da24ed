"""The corridor of the bounded rules along a run: eta_l(t) and eta_u(t), read from the rule that ran."""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import cast
from weakref import WeakKeyDictionary

import numpy as np

from simlab.history import History
from simlab.ops import absolute, children, divide, rebind, system_of
from simlab.regret_bound import Hypothesis
from simlab.rules.adabound import eta_l, eta_u

_read: WeakKeyDictionary[History, tuple[np.ndarray, np.ndarray]] = WeakKeyDictionary()


def corridor(h: History) -> tuple[np.ndarray, np.ndarray]:
    """(eta_l(t), eta_u(t)) for t = 1..T, of the bound functions that the rule was made with; read once a history."""
    if h not in _read:
        _read[h] = _along(h)
    return _read[h]


def _along(h: History) -> tuple[np.ndarray, np.ndarray]:
    bounds = children(children(cast(FunctionType, h.rule.function))["etahat"])
    return _curve(h, bounds["lower"]), _curve(h, bounds["upper"])


def _curve(h: History, side: Callable) -> np.ndarray:
    """A bound function for t = 1..T."""
    at, hyper = rebind(side, system_of(h.t)), (h.hyper["alpha_star"], h.hyper["gamma"])
    return np.array([at(t, *hyper) + 0 * t for t in h.t])


def growth(eta: np.ndarray) -> np.ndarray:
    """eta(t)/eta(t-1) - 1 for t = 2..T."""
    return divide(eta[1:] - eta[:-1], eta[:-1])


def width(h: History) -> np.ndarray:
    """(eta_u(t) - eta_l(t))/alpha_star for t = 1..T."""
    lower, upper = corridor(h)
    return divide(upper - lower, h.hyper["alpha_star"])


def astray(h: History) -> np.ndarray:
    """How far the bound functions are from the paper's as a share of alpha_star, with a minus sign."""
    lower, upper = corridor(h)
    off = absolute(lower - _curve(h, eta_l)) + absolute(upper - _curve(h, eta_u))
    return -divide(off, h.hyper["alpha_star"])


PAPERS = Hypothesis("eta_l, eta_u = alpha_star (1 - 1/(gamma t + 1)), alpha_star (1 + 1/(gamma t))", astray)
MONOTONE = (
    Hypothesis("eta_l(t) > 0", lambda h: divide(corridor(h)[0], h.hyper["alpha_star"]), True),
    Hypothesis("eta_l(t) <= eta_u(t)", width),
    Hypothesis("eta_l does not fall", lambda h: growth(corridor(h)[0])),
    Hypothesis("eta_u does not rise", lambda h: -growth(corridor(h)[1])),
)
