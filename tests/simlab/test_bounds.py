"""Bounds along a run meet values computed independently to 25 digits, and hold where the theorems are right."""

from __future__ import annotations

import numpy as np
import pytest

import simlab
from simlab import catalog
from simlab.errors import BadInput
from simlab.history import history

C3 = {"C": 3, "beta1": 0, "beta2": "1/10", "alpha": "1/2"}


def along(rule: str, bound: str, rounds: int, problem: str = "reddi2018_periodic", **hyper: object) -> tuple:
    run = simlab.run(rule, problem, hyper=hyper, x0=1, rounds=rounds, record="all", backend="reference")
    return run.regret_curve, simlab.bounds[bound](history(run))


@pytest.mark.parametrize(
    ("bound", "values"),
    [
        (
            "reddi2018_theorem_4",
            {10: 78.68217689032244758330245, 100: 253.2523829657285540434532, 1000: 814.5595158479997466797161},
        ),
        (
            "master_m",
            {10: 38.21335483164018445523925, 100: 120.862428744925822537271, 1000: 382.4547441378856465643811},
        ),
    ],
)
def test_amsgrad(bound: str, values: dict) -> None:
    regret, curve = along("amsgrad", bound, 1000, **C3)
    for t, value in values.items():
        assert curve[t - 1] == pytest.approx(value, rel=1e-12)
    assert np.all(regret <= curve)


def test_amsgrad_under_a_beta1_schedule() -> None:
    hyper = {"beta1": "1/2", "beta2": "9/10", "alpha": "1/2", "beta1_schedule": "geometric", "lambda": "9/10"}
    regret, curve = along("amsgrad", "reddi2018_theorem_4", 100, **hyper)
    assert regret[-1] == pytest.approx(22.44852934300867119812539, rel=1e-12)
    assert curve[-1] == pytest.approx(1110.765428481920042535861, rel=1e-12)
    assert along("amsgrad", "master_m", 100, **hyper)[1][-1] == pytest.approx(112.2353262044045813883129, rel=1e-12)


def test_adabound_under_the_master_bound() -> None:
    hyper = {"beta1": 0, "beta2": "1/10", "gamma": "9/10", "alpha": "1/2", "alpha_star": "1/2"}
    regret, curve = along("adabound", "master_m", 1000, **hyper)
    for t, value in {10: 20.51952411650855074, 100: 59.20562226791492758, 1000: 184.8205417728305189}.items():
        assert curve[t - 1] == pytest.approx(value, rel=1e-12)
    assert np.all(regret <= curve)


def test_online_gradient_descent() -> None:
    regret, curve = along("sgd", "zinkevich2003", 1000, alpha=1)
    assert regret[2] == pytest.approx(5.292893218813452475599156, rel=1e-14)
    assert curve[2] == pytest.approx(14.55255888325765022880191, rel=1e-14)
    assert curve[-1] == pytest.approx(343.3505426185217265198783, rel=1e-13)
    assert np.all(regret <= curve)


def test_adagrad() -> None:
    """alpha = sqrt(2) to 30 digits; the golden values are for sqrt(2) itself."""
    regret, curve = along("adagrad", "duchi2011", 1000, alpha="1.41421356237309504880168872421")
    for t, value, bound in (
        (3, 4.381213529246232158321543, 9.38083151964685910913126),
        (1000, 82.55884910930869735129, 171.3942822850283999519856),
    ):
        assert regret[t - 1] == pytest.approx(value, rel=1e-12)
        assert curve[t - 1] == pytest.approx(bound, rel=1e-12)


ABOUT = [(name, rule) for name in simlab.bounds for rule in catalog.bound(name).rules]


@pytest.mark.parametrize(("name", "rule"), ABOUT)
def test_every_bound_holds_on_vectors(name: str, rule: str) -> None:
    """On seeded least squares in three dimensions, for each rule that the bound is about."""
    given = {"alpha": "1/3", "schedule": simlab.bounds[name].schedule or simlab.rules[rule].schedule}
    run = simlab.run(rule, "least_squares", rounds=200, record="all", hyper=given, backend="reference")
    assert np.all(run.regret_curve <= simlab.bounds[name](history(run)))


def test_what_is_refused() -> None:
    run = simlab.run("sgd", "quadratic", rounds=10, record="all", backend="reference")
    with pytest.raises(BadInput, match="unbounded"):
        history(run)
    run = simlab.run("sgd", "reddi2018_periodic", rounds=100, record=5, backend="reference")
    with pytest.raises(BadInput, match="every round"):
        history(run)
