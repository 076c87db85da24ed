"""Rules that are never wrong-signed, from their own source; and rules like them that the argument must not pass."""

from __future__ import annotations

from fractions import Fraction as Q

import numpy as np
import pytest

from simlab.argument import never_wrong
from simlab.ops import divide, ema, maximum, sign, sqrt
from simlab.orbit import verdict
from simlab.rule import Step, Weight
from tests.simlab.test_hunt import found, posed


@pytest.mark.parametrize("rule", ["sgd", "momentum", "amsgrad", "adagrad", "adabound", "amsbound", "adabound_released"])
def test_rules_that_are_never_wrong(rule: str) -> None:
    got = found(rule)
    assert (got.gradients, got.verdict) == (None, None)
    assert got.grade == ("observed" if rule == "adagrad" else "decided")
    assert "none exists" in got.how
    spec, hyper = posed(rule)
    for row in np.random.default_rng(1).integers(-9, 10, (20, 4)).tolist():
        if sum(row):
            assert verdict(spec, [Q(v) for v in row], hyper).word == "right"


def doubling(t, alpha, g, v=0, vhat=0, *, beta2: Weight = Q("0.5")):
    """AMSGrad without momentum whose rate looks at twice the second moment of the round too.

    Reference: nobody.
    """
    v = ema(v, g * g, beta2)
    vhat = maximum(vhat, v)
    return Step(direction=g, rate=divide(alpha, sqrt(maximum(vhat, v + v)))), (v, vhat)


def bounded(t, alpha, g, v=0, vhat=0, *, beta2: Weight = Q("0.5")):
    """The same with what cannot exceed the maximum: never wrong, which the argument does not see.

    Reference: nobody.
    """
    v = ema(v, g * g, beta2)
    vhat = maximum(vhat, v)
    return Step(direction=g, rate=divide(alpha, sqrt(maximum(vhat, v)))), (v, vhat)


def uphill(t, alpha, g):
    """Ascent.

    Reference: nobody.
    """
    return Step(direction=-g, rate=alpha), ()


def signed(t, alpha, g):
    """Signs, at a constant rate.

    Reference: nobody.
    """
    return Step(direction=sign(g), rate=alpha), ()


def test_what_is_not_never_wrong() -> None:
    """A rule that differs in one operation is not argued away; some of these do fail."""
    for rule in (doubling, bounded, uphill, signed, "adam_analysed", "adamax", "adopt"):
        assert never_wrong(*posed(rule)) is None
    assert found(doubling, period=3).gradients is not None
    assert found(uphill).gradients == (1,)
    assert found(signed).gradients == (3, -1, -1)


def sideways(t, alpha, g, v=0, vhat=0, *, beta2: Weight = Q("0.5")):
    """`doubling`, whose running maximum is taken where it is hard to see.

    Reference: nobody.
    """
    v = ema(v, g * g, beta2)
    return Step(direction=g, rate=divide(alpha, sqrt(maximum(vhat, v + v)))), (v, maximum(vhat + 0, v))


def turning(t, alpha, g):
    """Ascent after some rounds: infinity over infinity is not 0.

    Reference: nobody.
    """
    return Step(direction=g - 2 * divide(t, t + 1) * g, rate=alpha), ()


def wavering(t, alpha, g, s=0):
    """A sum that grows on some gradients only.

    Reference: nobody.
    """
    s = s + g * g * g - 7 * g
    return Step(direction=g, rate=divide(alpha, sqrt(s))), (s,)


def difference(t, alpha, g, s=0):
    """What a round adds, from sums that have grown.

    Reference: nobody.
    """
    after = s + g * g
    return Step(direction=g, rate=divide(alpha, sqrt(after) * sqrt(after - s))), (after,)


def test_nothing_is_argued_away_by_a_trick() -> None:
    for rule, growing in ((sideways, ()), (turning, ()), (wavering, ("s",)), (difference, ("s",))):
        assert never_wrong(*posed(rule), growing) is None
    assert found(sideways, period=3).gradients == (4, -1, -2)
