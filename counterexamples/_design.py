"""What the claims about periodic linear problems share: a run's step size and horizon, runs, and margins in balls.

Step size and horizon come from the rule's own steady state (simlab.horizon). They are rounded and prove nothing: what
is shown is shown by a run in balls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import simlab
from simlab import catalog
from simlab.backends.arb import number
from simlab.claims import Certificate, Grade
from simlab.horizon import horizon
from simlab.online import make_plan
from simlab.orbit import orbit, verdict
from simlab.rule import Decay, Weight, settle
from simlab.trajectory import Trajectory


class Design(NamedTuple):
    """What a run on a periodic linear problem needs: hyperparameters, rounds, and where they come from."""

    hyper: dict[str, Any]
    rounds: int
    drift: float

    def shown(self) -> dict[str, str]:
        """All of it as text."""
        return {
            **{n: str(v) for n, v in self.hyper.items()},
            "rounds": str(self.rounds),
            "drift": repr(self.drift),
        }


def design(rule: str, problem: str, hyper: Mapping[str, Any], share: Fraction) -> Design:
    """alpha (and alpha_star) and T for `rule` to end within `share` of the width of F from the end it goes to."""
    plan, _ = make_plan(rule, problem, dict(hyper), None, 1, 1)
    posed, sizes = plan.problem, [n for n in ("alpha", "alpha_star") if n in plan.hyper]
    assert posed.period, "a periodic problem"
    assert posed.coefficient, "a linear problem"
    gradients = [Fraction(posed.coefficient(t, *posed.data)) for t in range(1, posed.period + 1)]
    steady = orbit(plan.rule, gradients, {**plan.hyper, **dict.fromkeys(sizes, Fraction(1))})
    low, high = posed.feasible.parameters
    weights = [v for n, v in plan.hyper.items() if plan.rule.hyper[n].range in (Weight, Decay)]
    chosen = horizon(steady, float(high - low), float(share), max(weights, default=Fraction(0)))
    return Design({**hyper, **dict.fromkeys(sizes, chosen.alpha)}, chosen.rounds, float(steady.drift))


def travel(rule: str, problem: Any, plan: Design, x0: Any) -> Trajectory:
    """The run in balls that the design asks for."""
    return simlab.run(rule, problem, hyper=plan.hyper, x0=x0, rounds=plan.rounds, backend="arb", record=1)


def drift_of(rule: str, gradients: Sequence[Any], hyper: Mapping[str, Any]) -> Any:
    """The ball of D on these gradients, repeated, at a precision that shows its sign (unless D is 0)."""
    known = catalog.rule(rule)
    return verdict(known, tuple(map(Fraction, gradients)), settle(known.hyper, dict(hyper), f"rule {rule}")).orbit.drift


def spiked(C: int) -> tuple[int, ...]:
    """The gradients C, -1, ..., -1 of a period of C rounds: reddi2018_long_period."""
    return C, *[-1] * (C - 1)


def steps(run: Trajectory) -> list[Any]:
    """By how much every round of a run moves x before projection, in balls, one entry a round."""
    return [-rate * direction for rate, direction in zip(run.records.rate, run.records.direction, strict=True)]


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
