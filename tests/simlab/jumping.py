"""What tests of jumped stretches share: problems with idle rounds, and which rules stand still in them."""

from __future__ import annotations

from fractions import Fraction as Q

from hypothesis import strategies as st

import simlab

IDLE = {"luo2019_periodic": {"C": ["3", "5", "10", "50"]}, "linear_periodic": {"gradients": ["0,1,2,0", "0,0,-1,0"]}}
TIMED = {"adopt", "sadam"}  # a first round that is not as the others; a weight 1/t
SAME = {"adagrad", "adamnc", "lion", "momentum", "sc_adagrad", "sgd", "signsgd"}  # no state that shrinks reaches x


def still(rule: str) -> dict[str, list]:
    """The setting with which a rule stands still where there is no gradient."""
    return {"beta1": ["0"]} if "beta1" in simlab.rules[rule].hyper else {}


betas = st.one_of(st.just(Q(0)), st.fractions(Q(1, 10**6), Q(999999, 10**6), max_denominator=10**6))
three = st.lists(betas, min_size=3, max_size=3)
