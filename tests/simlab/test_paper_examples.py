"""What the counterexamples' own code says, against printed numbers: conditions, turning times, ends of runs."""

from __future__ import annotations

import math
from fractions import Fraction as Q

import pytest

import simlab
from counterexamples import adabound_flip
from counterexamples._design import first
from counterexamples.chen2019 import parabolas
from counterexamples.luo2019_block import largest_beta1
from counterexamples.reddi2018_theorem_2 import condition
from simlab.trajectory import precision
from tests.simlab.test_orbit import drift, meets


@pytest.mark.parametrize(
    ("beta1", "beta2", "C"),
    [(b, *row) for b in ("0", "0.9") for row in (("0.9", 204), ("0.99", 3218), ("0.999", 42622), ("0.9999", 526972))]
    + [("0", "0.5", 20), ("0.9", "0.95", 486), ("0.99", "0.999", 42622)],
)
def test_the_papers_condition(beta1: str, beta2: str, C: int) -> None:
    """C is the smallest even period that Theorem 2 takes.

    (ii) fails below: beta2^((C-2)/2) C^2 is 4 at C = 2, rises and then falls, so it passes 1 once.
    """
    with precision(128):
        assert all(margin > 0 for margin in condition(Q(beta1), Q(beta2), C))
        assert condition(Q(beta1), Q(beta2), C - 2)[1] < 0


@pytest.mark.parametrize(
    ("gamma", "last"), [("0.01", 202), ("0.001", 2402), pytest.param("0.0001", 24102, marks=pytest.mark.slow)]
)
def test_when_adabound_turns(gamma: str, last: int) -> None:
    """The period of the last upward move has its second gradient in that round."""
    found, _ = adabound_flip.moves(Q(gamma))
    assert all(m > 0 or m < 0 for m in found)
    assert max(k for k, m in enumerate(found) if m > 0) * adabound_flip.C + 2 == last


@pytest.mark.parametrize(("beta2", "digits", "printed"), [("0.9", 1, 50.3), ("0.96", 2, 7.29), ("0.97", 4, -0.0050)])
def test_where_the_parabolas_lead(beta2: str, digits: int, printed: float) -> None:
    """x after 2.2e5 rounds from 10 with alpha = 1 and beta1 = 0; at 0.97 its sign changes every period."""
    hyper = {"alpha": 1, "beta1": 0, "beta2": beta2}
    run = simlab.run("adam_analysed", parabolas, hyper=hyper, x0=10, rounds=220_000, record=1)
    assert round(run.x_last, digits) == printed
    assert drift("rmsprop", "11,-1*10", beta2=beta2).word == ("wrong" if printed > 1 else "right")


@pytest.mark.parametrize(
    ("beta2", "printed"),
    [("0.5", "0.060660172"), ("0.9", "0.160195772"), ("0.99", "0.187803162"), ("0.999", "0.190664019")],
)
def test_the_largest_beta1(beta2: str, printed: str) -> None:
    """Of Luo et al.'s problem; at beta2 -> 1 it is (3 - sqrt 5)/4."""
    assert meets(largest_beta1(Q(beta2)), printed)
    assert meets(largest_beta1(Q(1)), "0.190983")
    assert float(largest_beta1(Q(1))) == pytest.approx((3 - math.sqrt(5)) / 4, rel=1e-15)


@pytest.mark.parametrize("change", [*range(4, 40), 1000])
def test_the_search_finds_the_change(change: int) -> None:
    assert first(lambda n: n >= change, 3) == change
