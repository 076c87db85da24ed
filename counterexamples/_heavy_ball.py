"""A cycle of heavy ball on a function of one variable, and that a run goes to it: everything in fractions.

    x_{t+1} = x_t - alpha m_t,   so that m_{t-1} = (x_{t-1} - x_t)/alpha tells the rule where it comes from

While no decision crosses a kink of f', the deviations e from the cycle obey e_{k+2} = 2 r e_{k+1} - r^2 e_k (Polyak's
tuning makes the root r double), so e_k = r^k (e_0 + b k) with b = e_1/r - e_0, and with c = max_k k |r|^k

    |e_k| <= |e_0| + c |b| for all k

Where the right side is less than the way to the nearest kink, it is so for ever, and e_k -> 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction as Q
from itertools import count
from math import ceil
from typing import Any

from counterexamples._exact import play
from simlab.protocol import Plan

NUDGE = Q(1, 100)  # less than the way to a kink
LONGEST = 1000  # rounds after which a run is no longer waited for


def attracted(plan: Plan, cycle: Sequence[Q], root: Q, kinks: Sequence[Q]) -> dict[str, Any]:
    """Parts for counterexamples._exact.exactly: the cycle, the recurrence beside it, and that the plan's run stays."""
    alpha, period = plan.hyper["alpha"], len(cycle)
    momentum = (cycle[-1] - cycle[0]) / alpha

    def off(x: Q, m: Q) -> list[Q]:
        """e_0, e_1, e_2."""
        return [play(plan, x, (m,), k)[0] - cycle[k] for k in range(3)]

    parts: dict[str, Any] = {}
    x, state = cycle[0], (momentum,)
    for k in range(period):
        x, state = play(plan, x, state, 1)
        parts[f"from {cycle[k]} to {cycle[(k + 1) % period]}"] = x, cycle[(k + 1) % period]
    parts["the momentum comes back"] = state[0], momentum
    for x, m, what in ((cycle[0] + NUDGE, momentum, "x"), (cycle[0], momentum + NUDGE, "m")):
        e = off(x, m)
        parts[f"the recurrence of deviations, {what} being off"] = e[2], 2 * root * e[1] - root**2 * e[0]
    reach = min(abs(x - kink) for x in cycle for kink in kinks)
    slowest = ceil(abs(root) / (1 - abs(root)))  # the k of c
    x, state = plan.x0, (Q(0),)
    for t in count(1, period):
        e = off(x, state[0])
        margin = reach - abs(e[0]) - slowest * abs(root) ** slowest * abs(e[1] / root - e[0])
        if margin > 0 or t > LONGEST:
            break
        x, state = play(plan, x, state, period)
    return {**parts, f"from x_{t} on no round crosses a kink": margin}
