"""Step size and horizon that show where a rule goes on a periodic linear problem, from its own steady state.

    D: by how much x moves in a period of P rounds;   A: how far it is from the end at most, or moves in a round
    alpha = W sqrt(P/(2 A |D|)),   T = f A P/|D|,   f = (W/d)^2/2;      W: the width of F

D and A are those of the steady state, for alpha = 1 and without 1/sqrt(t). With steps alpha/sqrt(t) x crosses F in
about T/(2 f) rounds, from either end, and is within alpha A/sqrt(T) = d of the end that D points to after T rounds.
The steady state has to be reached first: with moving averages of weight beta at most, what is missing of the moves u_i
falls like beta^t, and is an eighth of |D| in a period from t = ln(8 sum |u_i|/|D|)/(1 - beta) on; T is at least four
times that. These choices are rounded and prove nothing: what a run shows, the run shows.
"""

from __future__ import annotations

from fractions import Fraction
from math import ceil
from typing import NamedTuple

from simlab.orbit import Orbit


class Horizon(NamedTuple):
    """alpha, to four digits, and the number of rounds T, a multiple of P."""

    alpha: Fraction
    rounds: int


def horizon(steady: Orbit, width: float, share: float, weight: Fraction, period: int | None = None) -> Horizon:
    """alpha and T for x to end within `share` of the width of F of the end that the drift (not 0) points to.

    steady: the steady state in balls.  share: d/W.  weight: the largest weight beta of the rule's moving averages.
    period: P, where one of the gradients stands for many rounds (simlab.phase.resting); else it is their number.
    """
    period, drift = period or len(steady.gradients), abs(steady.drift)
    sizes = [abs(u) for u in steady.moves]
    amplitude = max([*steady.behind(), *sizes], key=lambda ball: ball.mid())
    alpha = width * (period / (2 * amplitude * drift)).sqrt()  # in balls, whose exponents know no bounds
    settled = float((8 * sum(sizes) / drift).log()) / (1 - float(weight))
    rounds = period * ceil(max(float(amplitude / drift) / (2 * share**2), 4 * settled / period))
    return Horizon(Fraction(alpha.str(4, radius=False)), rounds)
