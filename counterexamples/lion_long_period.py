"""Lion goes to the worst decision on a period where Adam does not.

    f_t(x) = C x if t mod C = 1,   -x otherwise;   F = [-1, 1]
    Lion moves by alpha/sqrt(t) whatever the size of a gradient: D = (rounds that move up) - (rounds that move down)

Chen et al. (2023), "Symbolic discovery of optimization algorithms" (the method).
"""

from __future__ import annotations

from fractions import Fraction as Q
from typing import Any

from counterexamples._design import design, drift_of, enclosed, spiked, travel
from simlab.claims import Certificate, Claim

PROBLEM, PERIODS = "reddi2018_long_period", (20, 50, 101)


def check() -> Certificate:
    """The drift of Lion on every period, of Adam on the first two, and runs of both from the end not gone to."""
    parts: dict[str, Any] = {}
    data: dict[str, Any] = {}
    for C in PERIODS:
        parts[f"lion, C = {C}: D"] = drift_of("lion", spiked(C), {})
        plan = design("lion", PROBLEM, {"C": C}, Q(1, 5))
        run = travel("lion", PROBLEM, plan, -1)
        data[f"lion, C = {C}"] = plan.shown()
        parts[f"lion, C = {C}: 2 x_(T+1) - 1"] = 2 * run.x_last - 1
        parts[f"lion, C = {C}: R_T - T/C"] = run.regret - plan.rounds // C
    for C in PERIODS[:2]:
        parts[f"adam_analysed, C = {C}: -D"] = -drift_of("adam_analysed", spiked(C), {})
    return enclosed(parts, f"periods {', '.join(map(str, PERIODS))}", data)


lion_long_period = Claim(
    "lion_long_period",
    "Lion with its default constants goes to the worst decision on Reddi et al.'s long period, sooner than Adam.\n\n"
    "On reddi2018_long_period with C = 20, 50 and 101 and beta1 = 9/10, beta2 = 99/100, from x_1 = -1, the best "
    "decision, lion ends with x_(T+1) > 1/2 and R_T > T/C, the regret of staying at 0. At C = 20 and 50 the drift of "
    "adam_analysed with its defaults is negative: it goes to the best decision.\n\n"
    "Drifts and exact runs over the reals, enclosed in balls, for one finite T and one alpha each, computed from the "
    "drift.",
    "Chen et al. 2023, Algorithm 2 (the method); the problem of Reddi, Kale and Kumar 2018, Theorem 2",
    check,
    remarks="At C = 10 lion is neutral: as many rounds move up as down. It was not designed for worst cases and has no "
    "such guarantee; the momentum that it takes signs of keeps it right on (3, -1, -1), where signsgd is wrong.",
)
