"""The instance that the figures about Luo et al.'s Theorem 1 share: its constants, its optimizers, how they look."""

from __future__ import annotations

from fractions import Fraction as Q
from typing import Any

from simlab import catalog, run
from simlab.plotting import LOOKS

C = 50
HYPER = {"alpha": Q(1), "beta1": Q(0), "beta2": Q(9, 10), "alpha_star": Q(2), "gamma": Q(1, 1000)}
FLIP = (1 + 2**0.5) / float(HYPER["gamma"])  # eta_u(t) = 2 eta_l(t): from here on AdaBound drifts towards -2
NAMES = {
    "adam_analysed": "Adam",
    "sgd": "SGD",
    "adagrad": "AdaGrad",
    "amsgrad": "AMSGrad",
    "adabound": "AdaBound",
    "amsbound": "AMSBound",
}
LOOK = dict(zip(NAMES, LOOKS, strict=True))


def played(rule: str, rounds: int, record: Any) -> Any:
    """The Trajectory of a rule on the C-periodic problem from x_1 = 0."""
    known = catalog.rule(rule).hyper
    hyper = {"C": C} | {name: value for name, value in HYPER.items() if name in known}
    return run(rule, "luo2019_periodic", hyper=hyper, x0=0, rounds=rounds, record=record)
