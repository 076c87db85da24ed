"""The condition against printed numbers, against powers of fractions, and against Arb where those are too large."""

from __future__ import annotations

import json
import re
from fractions import Fraction as Q

import pytest
from flint import arb, ctx, fmpq
from hypothesis import example, given
from hypothesis import strategies as st

from simlab.condition import bound_of_power, compare, equality, report, sharp, smallest, sufficient
from simlab.errors import BadInput

# beta2: the smallest C of the paper's condition and its real value, the smallest C of the sharp one and its real value
GOLDEN = {
    "1/2": (8, "7.129283", 7, "6.000000"),
    "9/10": (50, "49.868265", 29, "28.315254"),
    "99/100": (730, "729.990416", 278, "277.870256"),
    "999/1000": (9614, "9613.329887", 2774, "2773.202197"),
    "9999/10000": (119181, "119180.279747", 27727, "27726.500905"),
}
weights = st.one_of(
    st.fractions(min_value=Q(1, 50), max_value=Q(49, 50), max_denominator=60),
    st.integers(2, 200).map(lambda n: 1 - Q(1, n)),
    st.integers(2, 10**6).map(lambda n: Q(1, n)),
)


def factors(b: Q) -> list[Q]:
    """K of both conditions, as K b^(C-2) against 1."""
    return [Q(left) / right for left, right in (sufficient(b), sharp(b))]


def exact(b: Q, n: int, bits: int = 4000) -> tuple[arb, arb]:
    """Balls of K b^n - 1 for both conditions."""
    with ctx.workprec(bits):
        power = arb(fmpq(b.numerator, b.denominator)) ** n
        return tuple(arb(fmpq(f.numerator, f.denominator)) * power - 1 for f in factors(b))  # type: ignore[return-value]


@pytest.mark.parametrize("beta2", GOLDEN)
def test_golden_table(beta2: str) -> None:
    paper, real, sharpest, real_sharp = GOLDEN[beta2]
    found = report(Q(beta2))
    assert (found.C_sufficient, found.C_sharp) == (paper, sharpest)
    for printed, text in ((real, found.real_sufficient), (real_sharp, found.real_sharp)):
        assert re.fullmatch(r"\[\d+\.\d{12} \+/- \S+\]", text)  # twelve decimals and what they are worth
        assert abs(arb(text) - arb(fmpq(*Q(printed).as_integer_ratio()))) < 6e-7  # half a unit of the sixth decimal
    for C, holds in ((paper, True), (paper - 1, False)):
        assert report(Q(beta2), C).payload["sufficient_holds"] is holds
    assert report(Q(beta2), sharpest).payload["limit"] == "wrong"
    assert report(Q(beta2), sharpest - 1).payload["limit"] in ("interior", "right")


@pytest.mark.parametrize(("beta2", "C"), [("1/2", 6), ("1/4", 4), ("1/16", 3)])
def test_ties_of_the_sharp_condition(beta2: str, C: int) -> None:
    tie = report(Q(beta2), C)
    assert tie.payload["limit"] == "interior"
    assert tie.payload["adam_fails"] is True
    assert tie.C_sharp == C + 1
    assert report(Q(beta2), C + 1).payload["limit"] == "wrong"
    for near in (Q(beta2) + Q(1, 10**40), Q(beta2) - Q(1, 10**40)):
        assert report(near, C).payload["limit"] == ("right" if near > Q(beta2) else "wrong")


@given(weights, st.integers(1, 400))
@example(Q(1, 5), 1)  # the root that the rational root theorem leaves, and that is none
@example(Q(1, 5), 2)
def test_against_powers_of_fractions(b: Q, n: int) -> None:
    for f in factors(b):
        power = f * b**n
        assert compare(f, b, n) == (power > 1) - (power < 1)


@given(st.fractions(min_value=1, max_value=10**6), weights, st.integers(1, 60))
def test_any_factor(factor: Q, b: Q, n: int) -> None:
    power = factor * b**n
    assert compare(factor, b, n) == (power > 1) - (power < 1)
    assert compare(1 / b**n, b, n) == 0
    assert compare(1 / b**n + Q(1, 10**50), b, n) == 1
    assert compare(1 / b**n - Q(1, 10**50), b, n) == -1


@given(weights, st.integers(1, 300), st.integers(4, 200))
def test_powers_are_enclosed_and_tightly(b: Q, n: int, bits: int) -> None:
    (low, down), (high, up) = (bound_of_power(b, n, bits, above=above) for above in (False, True))
    power = b**n
    assert Q(low, 2**down) <= power <= Q(high, 2**up)
    if 4 * n < 2 ** (bits - 1):
        assert Q(high, 2**up) - Q(low, 2**down) <= power * Q(8 * n, 2 ** (bits - 1))
    if bits < 40 and n > 8 and b.denominator > 8 and b.denominator & (b.denominator - 1):
        assert Q(low, 2**down) < power < Q(high, 2**up)  # such a power does not fit, so both are rounded away from it


@given(weights, st.integers(1, 10**4))
def test_the_smallest_C_is_smallest_wherever_the_search_starts(b: Q, near: int) -> None:
    found = report(b)
    for f, most, C in zip(factors(b), (0, -1), (found.C_sufficient, found.C_sharp), strict=True):
        assert smallest(f, b, most, near) == C - 2
        assert smallest(f, b, most, -near) == C - 2
        assert compare(f, b, C - 2) <= most
        assert C == 3 or compare(f, b, C - 3) > most
    assert found.C_sharp <= found.C_sufficient  # luo2019_condition_implies_sharp


@pytest.mark.parametrize("b", [1 - Q(1, 10**9), 1 - Q(1, 10**15), Q(1, 10**9), Q(1, 3) ** 40, 1 - Q(7, 10**30)])
def test_extreme_weights_against_arb(b: Q) -> None:
    found = report(b)
    for i, C in enumerate((found.C_sufficient, found.C_sharp)):
        assert exact(b, C - 2)[i] < 0
        assert C == 3 or exact(b, C - 3)[i] > 0
        with ctx.workprec(2000):
            real = equality(factors(b)[i], b)[0]
            factor, q = factors(b)[i], b - 1
            log = arb(fmpq(factor.numerator, factor.denominator)).log()
            assert real.overlaps(2 - log / arb(fmpq(q.numerator, q.denominator)).log1p())
    for C in (found.C_sharp, found.C_sharp + 10**6, 10**999):
        assert report(b, C).payload["limit"] == "wrong"
    assert report(1 - Q(1, 10**15), 10**15).payload["limit"] == "right"


@given(weights, st.integers(3, 500))
def test_what_is_printed_is_what_was_decided(b: Q, C: int) -> None:
    found = report(b, C)
    said = json.loads(json.dumps(found.payload))
    assert said["sufficient_holds"] == (found.C_sufficient <= C)
    assert said["adam_fails"] == (said["limit"] != "right")
    assert (said["limit"] == "wrong") == (found.C_sharp <= C)
    assert said["grade"] == "proved"
    text = str(found)
    assert ("condition holds" in text) == said["sufficient_holds"]
    assert str(found.C_sufficient) in text
    assert str(found.C_sharp) in text
    assert {"C", "limit"}.isdisjoint(report(b).payload)
    assert (len(str(report(b)).splitlines()), len(text.splitlines())) == (3, 4)
    end = {"wrong": "worst", "interior": "neutral", "right": "best"}[said["limit"]]
    assert end in text.splitlines()[-1]


@pytest.mark.parametrize("beta2", [0, 1, 2, -1, Q(-1, 2)])
def test_weights_out_of_range(beta2: Q) -> None:
    with pytest.raises(BadInput, match=r"beta2 must be in \(0, 1\)") as error:
        report(Q(beta2))
    assert ("freeze" in str(error.value)) == (beta2 == 1)


@pytest.mark.parametrize("C", [2, 0, -3, Q(7, 2), *(pytest.param(10**d, id=f"10^{d}") for d in (1000, 5000))])
def test_periods_out_of_range(C: int) -> None:
    with pytest.raises(BadInput, match="C must be an integer >= 3") as error:
        report(Q(1, 2), C)
    assert str(error.value).endswith(str(C) if C < 10**1000 else "more than 1000 digits")
