"""The transition that Shi et al. show for RMSProp is that of another problem than the one they print.

    printed       f_t(x) = C x if t mod C = 1,       -x otherwise;   C = 10, F = [-1, 1], beta1 = 0
    their code    f_t(x) = C x if t mod C is 0 or 1, -x otherwise: twice in a period

Shi, Li, Hong and Sun (2021), "RMSprop converges with proper hyper-parameter".
"""

from __future__ import annotations

from fractions import Fraction as Q
from typing import Any

from counterexamples._design import design, drift_of, enclosed, spiked, travel
from counterexamples.reddi2018_theorem_2 import condition
from simlab.claims import Certificate, Claim

RULE, PROBLEM, C = "rmsprop", "linear_periodic", 10
PRINTED, CODE = spiked(C), (C, *[-1] * (C - 2), C)
BELOW, ABOVE, BOUND = Q("0.63"), Q("0.64"), Q("0.4")


def check() -> Certificate:
    """Drifts, and runs from the end that is not gone to, on both sides of the transition; and Reddi et al.'s bound."""
    parts: dict[str, Any] = {}
    data: dict[str, Any] = {}
    for problem, gradients, beta2, side in (
        ("code", CODE, BELOW, 1),
        ("code", CODE, ABOVE, -1),
        ("printed", PRINTED, BELOW, 1),
        ("printed", PRINTED, ABOVE, 1),
        ("printed", PRINTED, Q("0.95"), 1),
        ("printed", PRINTED, Q("0.96"), -1),
    ):
        name, sign = f"{problem}, beta2 = {float(beta2)}: ", "" if side > 0 else "-"
        plan = design(RULE, PROBLEM, {"gradients": tuple(map(Q, gradients)), "beta2": beta2}, Q(1, 5))
        run = travel(RULE, PROBLEM, plan, -side)
        data[name] = {**plan.shown(), "gradients": ",".join(map(str, gradients))}
        parts[name + sign + "D"] = side * drift_of(RULE, gradients, {"beta2": beta2})
        parts[name + sign + "2 x_(T+1) - 1"] = side * 2 * run.x_last - 1
    low = Q("0.316")
    parts |= {f"Reddi et al.'s condition ({n}) at beta2 = {float(low)}": d for n, d in conditions(low).items()}
    parts |= {f"their condition (ii) fails at beta2 = {float(BOUND)}": -conditions(BOUND)["ii"]}
    return enclosed(parts, "drifts and runs on both sides of both transitions", data)


def conditions(beta2: Q) -> dict[str, Any]:
    """By how much Reddi et al.'s conditions hold at beta1 = 0."""
    return dict(zip(("i", "ii", "iii"), condition(Q(0), beta2, C), strict=True))


shi2021 = Claim(
    "shi2021",
    "RMSProp's transition between beta2 = 0.63 and 0.64 belongs to a problem with two large gradients in a period.\n\n"
    "rmsprop with C = 10. On (10, -1^8, 10), which their code runs, the drift is positive at beta2 = 0.63 and negative "
    "at 0.64, and runs from the other end end beyond 1/2 on that side. On (10, -1^9), which they print, drift and runs "
    "are positive at both and at 0.95, and negative at 0.96. Reddi et al.'s conditions hold at beta2 = 0.316 and fail "
    "at 0.4.\n\n"
    "Drifts and exact runs over the reals, enclosed in balls, for one finite T and one alpha each, computed from the "
    "drift.",
    "Shi, Li, Hong and Sun 2021, the example of Reddi et al. with C = 10, and its code",
    check,
    remarks="The code sets the gradient to C where mod(t, C) <= 1, which is true twice in a period; its critical beta2 "
    "is 0.63437, that of the printed problem 0.95544. The paper reads Reddi et al.'s bound as divergence for "
    "beta2 < 0.4; it is min(10^(-1/2), 0.7975) = 0.3162. That there is a transition stands.",
)
