"""What never forgets may remember the way to the steady state: such rules are refused, not given a wrong drift."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction as Q

import pytest

import simlab
from simlab import catalog
from simlab.argument import never_wrong
from simlab.errors import BadInput
from simlab.iid import iid_drift
from simlab.ops import divide, ema, maximum, sqrt
from simlab.orbit import orbit, verdict
from simlab.rule import Step, Weight, settle
from tests.simlab.test_hunt import posed

HALF = Q(1, 2)


def cold(t, alpha, g, v=0, vhat=0, *, beta2: Weight = HALF):
    """AMSGrad with beta1 = 0, beta2 = 1/2.

    Reference: nobody.
    """
    v = ema(v, g * g, beta2)
    vhat = maximum(vhat, v)
    return Step(direction=g, rate=divide(alpha, sqrt(vhat))), (v, vhat)


def warm(t, alpha, g, v=1, vhat=0, *, beta2: Weight = HALF):
    """The same with v_0 = 1, so that vhat >= 1/2 for ever.

    Reference: nobody.
    """
    v = ema(v, g * g, beta2)
    vhat = maximum(vhat, v)
    return Step(direction=g, rate=divide(alpha, sqrt(vhat))), (v, vhat)


def belief(t, alpha, g, m=0, s=0, shat=0, *, beta2: Weight = HALF):
    """AdaBelief with AMSGrad's maximum: (g - m)^2 is largest in the first rounds.

    Reference: nobody.
    """
    m = ema(m, g, beta2)
    s = ema(s, (g - m) * (g - m), beta2)
    shat = maximum(shat, s)
    return Step(direction=m, rate=divide(alpha, sqrt(shat))), (m, s, shat)


def product(t, alpha, g, v=0, w=0, peak=0, *, beta2: Weight = HALF):
    """A maximum of what rises with v where w is positive, and falls with it where w is not.

    Reference: nobody.
    """
    v, w = ema(v, g * g, beta2), ema(w, g, beta2)
    peak = maximum(peak, v * w)
    return Step(direction=g, rate=divide(alpha, 1 + peak)), (v, w, peak)


def spent(t, alpha, g, c=0, z=1, *, beta2: Weight = HALF):
    """z goes from 1 to -2 while c goes to 1, and then stays there.

    Reference: nobody.
    """
    c = ema(c, 1, beta2)
    z = z + (3 * c - 3)
    return Step(direction=g, rate=alpha * z), (c, z)


def moved(rule: Callable, gradients: str) -> float:
    """By how much the 200th period moves x."""
    period = gradients.count(",") + 1
    hyper = {"gradients": gradients, "lower": -(10**6), "upper": 10**6, "alpha": 1}
    run = simlab.run(rule, "linear_periodic", hyper=hyper, rounds=200 * period, record="all", backend="reference")
    return float(run.x_last - run.x[-period])


def drift(rule: Callable, gradients: list[int]) -> float:
    spec = catalog.rule(rule)
    return float(verdict(spec, [Q(g) for g in gradients], settle(spec.hyper, {}, "the rule")).orbit.drift.mid())


def test_what_comes_from_below_has_a_drift() -> None:
    assert drift(cold, [1, 2]) == pytest.approx(moved(cold, "1,2"), abs=1e-12)


@pytest.mark.parametrize(("rule", "name"), [(warm, "vhat"), (belief, "shat"), (product, "peak"), (spent, "z")])
def test_what_does_not_is_refused(rule: Callable, name: str) -> None:
    spec = catalog.rule(rule)
    for gradients in ([Q(1, 10), Q(1, 5)], [Q(1, 10)]):
        with pytest.raises(BadInput, match=f"its state '{name}' never forgets"):
            orbit(spec, gradients, settle(spec.hyper, {}, "the rule"))


def test_random_gradients() -> None:
    """On laws too, where a constant that v tends to counts from its initial value on."""
    for gradients, chances in ((["1/10", "1/5"], ["1/2", "1/2"]), (["1/10", "-1/10"], ["1/3", "2/3"])):
        with pytest.raises(BadInput, match="its running maximum 'vhat' may have met more"):
            iid_drift(warm, gradients, chances, {})
        assert iid_drift(cold, gradients, chances, {})


def test_no_argument_takes_a_state_at_rest_for_its_initial_value() -> None:
    """With z = -2 every step goes the wrong way."""
    assert moved(spent, "1") == pytest.approx(2)
    assert never_wrong(*posed(spent)) is None
