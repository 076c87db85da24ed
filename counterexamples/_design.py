"""Step size and horizon that show where a rule goes on a periodic linear problem, from the rule's own steady state.

    D: by how much x moves in a period of P rounds;   A: how far it is from the end at most, or moves in a round
    alpha = W sqrt(P/(2 A |D|)),   T = f A P/|D|,   f = (W/d)^2/2;      W: the width of F

D and A are those of the steady state, for alpha = 1 and without 1/sqrt(t). With steps alpha/sqrt(t) x then crosses F in
a part of T rounds, and ends within about alpha A/sqrt(T) = d of the end that D points to. These choices are rounded and
prove nothing: what is shown is shown by a run in balls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from math import ceil, sqrt
from typing import Any, NamedTuple

import simlab
from simlab import catalog
from simlab.backends.arb import number
from simlab.claims import Certificate, Grade
from simlab.online import make_plan
from simlab.orbit import orbit, verdict
from simlab.rule import settle
from simlab.trajectory import Trajectory


class Design(NamedTuple):
    """What a run on a periodic linear problem needs: hyperparameters, rounds, and where they come from."""

    hyper: dict[str, Any]
    rounds: int
    drift: float
    amplitude: float

    def shown(self) -> dict[str, str]:
        """All of it as text."""
        return {
            **{n: str(v) for n, v in self.hyper.items()},
            "rounds": str(self.rounds),
            "drift": repr(self.drift),
            "amplitude": repr(self.amplitude),
        }


def design(rule: str, problem: str, hyper: Mapping[str, Any], share: Fraction) -> Design:
    """alpha (and alpha_star) and T for `rule` to end within `share` of the width of F from the end it goes to."""
    plan, _ = make_plan(rule, problem, dict(hyper), None, 1, 1)
    posed, sizes = plan.problem, [n for n in ("alpha", "alpha_star") if n in plan.hyper]
    assert posed.period, "a periodic problem"
    assert posed.coefficient, "a linear problem"
    gradients = [Fraction(posed.coefficient(t, *posed.data)) for t in range(1, posed.period + 1)]
    steady = orbit(plan.rule, gradients, {**plan.hyper, **dict.fromkeys(sizes, Fraction(1))})
    drift, amplitude = float(steady.drift), max(map(float, (*steady.behind(), *map(abs, steady.moves))))
    low, high = posed.feasible.parameters
    alpha = float(high - low) * sqrt(posed.period / (2 * amplitude * abs(drift)))
    rounds = posed.period * ceil(amplitude / abs(drift) / (2 * float(share) ** 2))
    size = Fraction(alpha).limit_denominator(100)
    return Design({**hyper, **dict.fromkeys(sizes, size)}, rounds, drift, amplitude)


def travel(rule: str, problem: Any, plan: Design, x0: Any) -> Trajectory:
    """The run in balls that the design asks for."""
    return simlab.run(rule, problem, hyper=plan.hyper, x0=x0, rounds=plan.rounds, backend="arb", record=1)


def drift_of(rule: str, gradients: Sequence[Any], hyper: Mapping[str, Any]) -> Any:
    """The ball of D on these gradients, repeated, at a precision that shows its sign (unless D is 0)."""
    known = catalog.rule(rule)
    return verdict(known, tuple(map(Fraction, gradients)), settle(known.hyper, dict(hyper), f"rule {rule}")).orbit.drift


def first(fails: Callable[[int], bool], low: int) -> int:
    """The least n > low with fails(n), where fails(low) is false and fails changes once (else one n with a change)."""
    assert not fails(low), "the search starts where nothing fails"
    high = low + 1
    while not fails(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if fails(middle) else (middle, high)
    return high


def lowest(balls: Iterable[Any]) -> Any:
    """The ball whose lower end is least: if it is positive, all of them are."""
    return min(balls, key=lambda ball: float(ball.lower()))


def enclosed(parts: Mapping[str, Any], evidence: str, data: Mapping[str, Any]) -> Certificate:
    """The certificate that every part, a ball or an exact number, is positive; its margin is the least of them."""
    balls = {text: number(part) for text, part in parts.items()}
    least = min(balls, key=lambda text: float(balls[text].lower()))
    grade = Grade.ENCLOSED
    if any(part <= 0 for part in balls.values()):
        grade = Grade.REFUTED
    elif not all(part > 0 for part in balls.values()):
        grade = Grade.UNDECIDED
    shown = {text: part.str(15) for text, part in balls.items()}
    return Certificate(grade, f"{evidence}; least: {least}", balls[least], data={**data, "parts": shown})
