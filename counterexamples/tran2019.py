"""A step of AMSGrad's regret proof fails when beta1 decays: the rates over 1 - beta1_t need not be monotone.

    the proof takes  sqrt(vhat_t)/(alpha_t (1 - beta1_t))  to be nondecreasing,   alpha_t = alpha/sqrt(t)
    where vhat rests, its ratio from t to t+1 is  r_t = sqrt((t+1)/t) (1 - beta1_t)/(1 - beta1_(t+1))

and r_t < 1 for some t where beta1_t falls: beta1_t = beta1/t, or beta1 lambda^(t-1).

Tran and Phong (2019), "On the convergence proof of AMSGrad and a new version", against Reddi, Kale and Kumar (2018),
Theorem 4.
"""

from __future__ import annotations

from fractions import Fraction as Q
from itertools import pairwise
from typing import Any

import simlab
from counterexamples._design import drift_of, enclosed, lowest
from simlab.backends.arb import number
from simlab.claims import Certificate, Claim

ROUNDS, BETA1 = 1000, Q(9, 10)
PULSE = f"1,0*{ROUNDS - 1}"  # vhat_t = (1 - beta2) from the first round on
CASES: dict[str, tuple[dict[str, Any], range]] = {  # a schedule of beta1, and the t with r_t < 1
    "beta1/t": ({"beta1_schedule": "inv"}, range(1, 3)),
    "beta1/1000^(t-1)": ({"beta1_schedule": "geometric", "lambda": Q(1, 1000)}, range(1, 2)),
    "beta1 0.99^(t-1)": ({"beta1_schedule": "geometric", "lambda": Q(99, 100)}, range(12, 100)),
}


def ratios(schedule: dict[str, Any], gradients: str = PULSE, rounds: int = ROUNDS) -> list[Any]:
    """r_1, r_2, ... from the rates of a run of amsgrad in balls."""
    hyper = {"alpha": 1, "beta1": BETA1, "gradients": gradients, **schedule}
    run = simlab.run("amsgrad", "linear_periodic", hyper=hyper, rounds=rounds, backend="arb", record="all")
    factors = (run.plan.beta1_schedule(number(t), number(run.plan.decay ** (t - 1))) for t in range(1, rounds + 1))
    value = [1 / (rate * (1 - factor * number(BETA1))) for rate, factor in zip(run.records.rate, factors, strict=True)]
    return [after / before for before, after in pairwise(value)]


def check() -> Certificate:
    """r_t on either side of 1 for every t < ROUNDS, the same first round on constant gradients, and AMSGrad's drift."""
    parts: dict[str, Any] = {}
    for name, (schedule, violated) in CASES.items():
        found = ratios(schedule)
        low, high = violated[0], violated[-1]
        parts[f"{name}: 1 - r_t, t = {low} to {high}"] = lowest(1 - r for t, r in enumerate(found, 1) if t in violated)
        parts[f"{name}: r_t - 1 at every other t"] = lowest(r - 1 for t, r in enumerate(found, 1) if t not in violated)
    parts["beta1/t, constant gradients: 1 - r_1"] = 1 - ratios(CASES["beta1/t"][0], "1", 2)[0]
    parts["-D of amsgrad on (3, -1, -1)"] = -drift_of("amsgrad", (3, -1, -1), {})
    return enclosed(parts, f"every t < {ROUNDS}", {"gradients": PULSE})


tran2019 = Claim(
    "tran2019",
    "With a decaying beta1 the quantity that AMSGrad's regret proof takes to be nondecreasing may fall.\n\n"
    "amsgrad with beta1 = 9/10, on gradients 1, 0, 0, ..., where vhat rests: sqrt(vhat_t)/(alpha_t (1 - beta1_t)) "
    "falls from t to t+1 exactly at t = 1, 2 for beta1_t = beta1/t; at t = 1 for beta1_t = beta1/1000^(t-1); at t = "
    f"12, ..., 99 for beta1_t = beta1 0.99^(t-1); among all t < {ROUNDS}. On a constant gradient it falls at t = 1 "
    "too, for beta1_t = beta1/t. The drift of amsgrad on (3, -1, -1) is negative all the same.\n\n"
    "Exact runs over the reals, enclosed in balls.",
    "Tran and Phong 2019, on the telescoping step in the proof of Reddi, Kale and Kumar 2018, Theorem 4",
    check,
    remarks="Only the proof breaks: with constant beta1 AMSGrad goes the right way on every periodic linear problem. "
    "The ratio sqrt((t+1)/t) (1 - beta1_t)/(1 - beta1_(t+1)) is that of rounds where vhat rests; where vhat still "
    "grows, as on a constant gradient from v_0 = 0, the quantity falls less.",
)
