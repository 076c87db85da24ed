"""The main-text form of Luo et al.'s counterexample: neither convex nor continuous, and both methods freeze on it.

    f_t(x) = -100 for x < 0,   0 for x > 1,   and on [0, 1]: -x if t mod C = 1,  2x if t mod C = 2,  0 otherwise

Luo, Xiong, Liu and Sun (2019), section 3.
"""

from __future__ import annotations

from fractions import Fraction as Q
from math import ceil
from typing import Any

import simlab
from counterexamples._design import design, enclosed
from simlab.claims import Certificate, Claim

C, BETA2, ALPHA, START = 8, Q(1, 2), Q(1, 5), Q(3, 10)


def horizon() -> int:
    """T with 2 sqrt(T) alpha D/C = 1 - x_1, the way that Adam goes in T rounds, D the drift of the linear problem."""
    drift = design("adam_analysed", "luo2019_periodic", {"C": C, "beta1": 0, "beta2": BETA2}, Q(1, 2)).drift
    return ceil((float(1 - START) * C / (2 * float(ALPHA) * drift)) ** 2)


def check() -> Certificate:
    """Two runs in balls, and exact points against convexity and continuity."""
    rounds = horizon()
    rules: dict[str, dict[str, Any]] = {"adam_analysed": {"beta1": 0, "beta2": BETA2}, "sgd": {}}
    adam, sgd = (
        simlab.run(
            rule,
            "luo2019_piecewise",
            hyper={"C": C, "alpha": ALPHA, **more},
            x0=START,
            rounds=rounds,
            backend="arb",
            record=1,
        )
        for rule, more in rules.items()
    )
    loss, low, high, gap = adam.plan.problem.loss, Q(-1), Q(2), Q(1, 10**9)
    middle = (low + high) / 2
    parts = {
        "Adam: x_(T+1) - 1": adam.x_last - 1,
        "Adam: R_T - 100 T": adam.regret - 100 * rounds,
        "sgd: -x_(T+1)": -sgd.x_last,
        "sgd: T - R_T": rounds - sgd.regret,
        f"not convex: f_1({middle}) above the chord from {low} to {high}": Q(loss(1, middle))
        - (Q(loss(1, low)) + Q(loss(1, high))) / 2,
        f"not continuous: f_1(0) - f_1(-{gap}) - 99": Q(loss(1, Q(0))) - Q(loss(1, -gap)) - 99,
    }
    return enclosed(
        parts, f"T = {rounds}", {"C": str(C), "alpha": str(ALPHA), "x_1": str(START), "rounds": str(rounds)}
    )


luo2019_main_text = Claim(
    "luo2019_main_text",
    "On the main text's problem Adam (beta1 = 0) freezes on the wrong side, and the problem is not convex.\n\n"
    "On luo2019_piecewise with C = 8, beta2 = 1/2, alpha = 1/5 and x_1 = 3/10, at the T that the drift of the linear "
    "problem predicts, adam_analysed with beta1 = 0 has passed 1, and sgd has passed 0. Beyond 1 and below 0 the "
    "gradient is 0, so both stay where they are for ever; from then on Adam's regret grows by exactly 100 a round, so "
    "R_T/T goes to 100, and sgd's does not grow, so R_T/T goes to 0. At this T, R_T > 100 T for Adam and R_T < T for "
    "sgd. f_1 is neither convex nor continuous.\n\n"
    "Exact runs over the reals, enclosed in balls; the points against convexity and continuity are exact.",
    "Luo, Xiong, Liu and Sun 2019, section 3, the displayed example",
    check,
    remarks="The example is printed as online convex optimization, and no regret bound for convex losses applies to "
    "it: the loss jumps from -100 to 0 at x = 0. Adam fails here since it leaves [0, 1] on the wrong side and sees no "
    "gradient there. The proof of Theorem 1 uses the linear problem (luo2019_theorem_1), which is convex.",
)
