"""One online round, written once for every backend, and what a run records.

    the learner plays x_t, sees f_t, suffers f_t(x_t), and gets g_t, a (sub)gradient of f_t at x_t
    (direction, rate), state = rule(t, alpha, g_t, *state, *hyper)
    x_{t+1} = Pi_F( x_t - (s(t) rate) direction )           in the metric 1/(s(t) rate)

Where the direction is 0 the move is 0, whatever the rate: with v_t = 0 the papers divide 0 by 0. State that has decayed
into the subnormal numbers is set to 0, on every float backend alike, and the run says so (`underflow`). A proposal
that is not finite stops the run before projection could hide it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from simlab.ops import Weight, add, finite, flush, number, rebind, scale
from simlab.problem import Problem
from simlab.rule import UpdateRule


class Round(NamedTuple):
    """What one round shows: f_t(x_t), m_t, eta_t, the proposal before projection, and everything carried onwards."""

    loss: Any
    direction: Any
    rate: Any
    proposal: Any
    x: Any
    state: tuple
    power: Any
    underflow: Any


@dataclass(frozen=True)
class Plan:
    """Everything that a run depends on, settled and exact."""

    rule: UpdateRule
    problem: Problem
    hyper: dict[str, Any]
    x0: Any
    rounds: int
    recorded: np.ndarray  # increasing rounds in 1..rounds, the last of them included
    rate_schedule: Callable
    beta1_schedule: Callable
    decay: Any  # lambda of the geometric schedule
    constants: dict[str, Any]  # of the problem


@dataclass
class Records:
    """What a backend gives back; lists have one entry a recorded round. Numbers are the backend's own."""

    t: list = field(default_factory=list)
    x: list = field(default_factory=list)
    rate: list = field(default_factory=list)
    direction: list = field(default_factory=list)
    loss: list = field(default_factory=list)
    total: list = field(default_factory=list)  # (sum, error): their exact sum is the cumulative loss
    x_last: Any = None
    state: tuple = ()
    underflow: int = 0  # the first round in which state was flushed to 0
    stopped: int = 0  # the round whose proposal was not finite
    reason: str = ""


# --- one round ------------------------------------------------------------------------------------------------------


def scheduled_weight(factor: Any, beta1: Any) -> Any:
    """beta1_t = factor * beta1 with 1 - beta1_t."""
    return Weight(factor * beta1.beta, 1 - factor * beta1.beta)


def scheduled_factor(factor: Any, beta1: Any) -> Any:
    """beta1_t = factor * beta1, for a rule that does not average."""
    return factor * beta1


def proposer(plan: Plan) -> Callable:
    """propose(t, g, x, state, power, alpha, decay, hyper): a coordinate's move before projection."""
    rule, rate_at, beta1_at = plan.rule.function, plan.rate_schedule, plan.beta1_schedule
    beta1 = plan.rule.hyper.get("beta1")
    weigh = scheduled_weight if beta1 is not None and beta1.range.weight else scheduled_factor

    def constant(t: Any, power: Any, decay: Any, hyper: tuple) -> tuple:
        return power, hyper

    def varying(t: Any, power: Any, decay: Any, hyper: tuple) -> tuple:
        return power * decay, (weigh(number(beta1_at(t, power)), hyper[0]),) + hyper[1:]

    scheduled = constant if beta1_at.__name__ == "constant" else varying

    def propose(t: Any, g: Any, x: Any, state: tuple, power: Any, alpha: Any, decay: Any, hyper: tuple) -> tuple:
        power, hyper = scheduled(t, power, decay, hyper)
        args = (number(t), alpha, g) + state + hyper
        step, after = rule(*args)
        kept, lost = flush(after)
        rate = number(rate_at(t, power)) * step.rate
        return x - scale(rate, step.direction), rate, step.direction, kept, power, lost

    return propose


def online_round(plan: Plan) -> Callable:
    """play(t, phase, x, state, power, alpha, decay, hyper, data, region) -> Round, for numbers or whole vectors."""
    propose, loss, grad = proposer(plan), plan.problem.loss, plan.problem.grad
    project = plan.problem.feasible.project

    def play(
        t: Any,
        phase: Any,
        x: Any,
        state: tuple,
        power: Any,
        alpha: Any,
        decay: Any,
        hyper: tuple,
        data: tuple,
        region: tuple,
    ) -> Round:
        seen = (phase, x) + data
        value, g = number(loss(*seen)), number(grad(*seen))
        y, rate, direction, state, power, lost = propose(t, g, x, state, power, alpha, decay, hyper)
        projection = (y, rate) + region
        return Round(value, direction, rate, y, project(*projection), state, power, lost)

    return play


# --- a run by a plain loop, for every system that Python itself can drive --------------------------------------------


def bound_hyper(rule: UpdateRule, values: Mapping[str, Any], to: Callable) -> tuple:
    """The hyperparameters that a rule is called with, all but alpha; `to` rounds each of them, and 1 - beta, once."""
    return tuple(
        Weight(to(values[n]), to(1 - values[n])) if p.range.weight else to(values[n])
        for n, p in rule.hyper.items()
        if n != "alpha"
    )


def bound(plan: Plan, to: Callable) -> tuple:
    """(alpha, decay, hyper, data, region) of a plan as numbers of a system, `to` rounding each once."""
    hyper = bound_hyper(plan.rule, plan.hyper, to)
    data = tuple(d if isinstance(d, int) else to(d) for d in plan.problem.data)
    return to(plan.hyper["alpha"]), to(plan.decay), hyper, data, tuple(to(b) for b in plan.problem.feasible.parameters)


def run_loop(plan: Plan, system: Any, progress: Callable[[int], None] = lambda t: None) -> Records:
    """The run of a plan by a plain Python loop over the rounds, in the arithmetic of `system`."""
    memo: dict = {}
    play, plus = rebind(online_round(plan), system, memo=memo), rebind(add, system, memo=memo)
    is_finite = rebind(finite, system, memo=memo)
    alpha, decay, hyper, data, region = bound(plan, system.number)
    x, power = system.number(plan.x0), system.number(1)
    state = tuple(0 * x + s for s in plan.rule.state.values())
    total, error = system.number(0), system.number(0)
    out, wanted, phase = Records(), iter(plan.recorded.tolist()), plan.problem.phase
    due = next(wanted)
    for t in range(1, plan.rounds + 1):
        now = play(t, phase(t), x, state, power, alpha, decay, hyper, data, region)
        total, error = plus(total, error, now.loss)
        if not out.underflow and (now.underflow if isinstance(now.underflow, bool) else bool(now.underflow.any())):
            out.underflow = t
        ok = is_finite(now.proposal) and is_finite(now.x)
        if t == due or not ok:
            for name, value in (
                ("t", t),
                ("x", x),
                ("rate", now.rate),
                ("direction", now.direction),
                ("loss", now.loss),
                ("total", (total, error)),
            ):
                getattr(out, name).append(value)
            due = next(wanted, math.inf)
        if not ok:
            out.stopped, out.reason = t, why(now.rate, now.direction, system)
            break
        x, state, power = now.x, now.state, now.power
        if t % 1024 == 0:
            progress(t)
    out.x_last, out.state = x, state
    return out


def why(rate: Any, direction: Any, system: Any) -> str:
    """Why a proposal is not finite, in words."""
    if not system.finite(direction):
        return "the direction is not finite (a gradient overflowed or is not a number)"
    if not system.finite(rate):
        return "a rate is not finite: its second moment is 0, and the step or the projection's metric needs it"
    return "the step overflowed"
