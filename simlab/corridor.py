"""The corridor of the bounded rules along a run: eta_l(t) and eta_u(t), read from the rule that ran."""

from __future__ import annotations

from types import FunctionType
from typing import cast

import numpy as np

from simlab.history import History
from simlab.ops import children, divide, rebind, system_of
from simlab.regret_bound import Hypothesis


def corridor(h: History) -> tuple[np.ndarray, np.ndarray]:
    """(eta_l(t), eta_u(t)) for t = 1..T, of the bound functions that the rule was made with."""
    bounds = children(children(cast(FunctionType, h.rule.function))["etahat"])
    hyper, system = (h.hyper["alpha_star"], h.hyper["gamma"]), system_of(h.t)
    lower, upper = (rebind(bounds[side], system) for side in ("lower", "upper"))
    return tuple(np.array([side(t, *hyper) + 0 * t for t in h.t]) for side in (lower, upper))  # type: ignore[return-value]


def growth(eta: np.ndarray) -> np.ndarray:
    """eta(t)/eta(t-1) - 1 for t = 2..T."""
    return divide(eta[1:] - eta[:-1], eta[:-1])


MONOTONE = (
    Hypothesis("eta_l(t) > 0", lambda h: divide(corridor(h)[0], h.hyper["alpha_star"]), True),
    Hypothesis("eta_l does not fall", lambda h: growth(corridor(h)[0])),
    Hypothesis("eta_u does not rise", lambda h: -growth(corridor(h)[1])),
)
