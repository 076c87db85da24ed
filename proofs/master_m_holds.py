"""Regret is at most the positive-variation bound, for every rule of the form x - m/w with positive weights w.

    R_T <= D^2/2 sum_i PV_i + 1/2 sum_t sum_i m_{t,i}^2/w_{t,i} + D sum_t beta1_t ||g_t - m_{t-1}||_1

The proof is the telescoped one of Reddi, Kale and Kumar (2018), Theorem 4, before any bracket is dropped.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction as Q
from typing import Any

from proofs._master import Master
from proofs._regret import NOTATION, Coordinate, g, lower, upper, x
from simlab import catalog
from simlab.bounds.master_m import master_m
from simlab.checker import Fact, Proof, letter, polynomial
from simlab.claims import Argument, Step, theorem
from simlab.lemma import lemma
from simlab.ops import Weight as Split
from simlab.ops import ema
from simlab.protocol import scheduled_weight
from simlab.rule import Step as Move
from simlab.rule import Weight


def any_weights(t, alpha, g, m=0, *, beta1: Weight = Q(0)):  # type: ignore[no-untyped-def, valid-type]
    """The rules that the theorem is about, whatever their rate: alpha stands for the whole of it, in this round."""
    m = ema(m, g, beta1)
    return Move(direction=m, rate=alpha), (m,)


def read(of: Coordinate, rules: Sequence[Any]) -> Step:
    """Every rule of the bound moves as `any_weights` does, for some rate."""
    divide, minimum, maximum = of.reading.divide, of.reading.minimum, of.reading.maximum
    weight = scheduled_weight(letter("factor"), Split(letter("beta1"), 1 - letter("beta1")))
    proofs, given = [Proof(weight.rest == 1 - weight.beta)], []  # so beta1 may be any beta1_t
    for name in rules:
        rule = Coordinate(name, reading=of.reading)
        state, direction, start = rule.state, rule.seen.direction, catalog.rule(name).state
        proofs += [
            Proof(rule.y == x - rule.rate * direction),
            Proof(rule.x == minimum(maximum(rule.y, lower), upper)),
        ]
        if "m" in start:
            proofs += [Proof(polynomial(start["m"]) == 0), Proof(state["m"] == rule.mean)]
        if not (direction - rule.mean).terms:
            continue
        (corrected,) = of.reading.about(divide(rule.mean, state["c1"]))  # the direction is m'/k
        given.append(corrected)
        proofs += [
            Proof(direction * state["c1"] == rule.mean, modulo=((1, corrected),)),
            Proof(polynomial(start["c1"]) == 0),
            Proof(1 - state["c1"] == rule.beta * (1 - letter("c1"))),
        ]
    facts: tuple[Fact, ...] = tuple(given)
    here = of.point(beta1=Q(1, 2), beta2=Q(1, 2), c1=0, c2=0)
    return lemma(
        "reading",
        f"{', '.join(rules)}: x moves by -rate m' and is clipped to [lower, upper], m' = beta1 m + (1 - beta1) g and "
        "m_0 = 0, with beta1 = 0 for a rule without it; Adam's own form moves by -rate m'/k, k = 1 - prod beta1",
        tuple(proofs),
        facts,
        here,
        false=(
            ("uphill", of.y == x + of.rate * of.seen.direction, facts, here),
            ("m' = g", of.seen.direction == g, facts, here),
            ("without the clip", of.x == of.y, facts, {**here, str(of.x): Q(1)}),
        ),
    )


def argue(rules: Sequence[Any] = master_m.rules) -> Argument:
    """The argument for rules that move by -rate m', where nothing is known of the rate but that it is positive."""
    of = Master(any_weights)
    return Argument(
        (read(of, rules), of.book(), *of.common()),
        assumes=(*of.assumes, of.positive),
    )


master_m_holds = theorem(
    "master_m_holds",
    "Regret is at most the positive-variation bound: master_m holds.\n\n"
    "Let x_{t+1} = Pi_F(x_t - m_t/w_t) on a box F with sides of at most D, coordinate by coordinate, with "
    "m_t = beta1_t m_{t-1} + (1 - beta1_t) g_t, m_0 = 0, any beta1_t in [0, 1) and any weights w_t > 0; this is so for "
    f"{', '.join(master_m.rules)} while their rates are positive. Let the losses be convex and g_t a subgradient at "
    "x_t. Then for every u in F and every T\n\n"
    "    sum_t f_t(x_t) - f_t(u) <= D^2/2 sum_i PV_i + 1/2 sum_t sum_i m_{t,i}^2/w_{t,i} "
    "+ D sum_t beta1_t ||g_t - m_{t-1}||_1\n"
    "    PV_i = w_{1,i} + sum_{t=2}^T max(0, w_{t,i} - w_{t-1,i})\n\n"
    "Over the reals, for all weights, gradients and beta1_t, all dimensions and all T.",
    "the telescoped proof of Reddi, Kale and Kumar 2018, Theorem 4, before any bracket is dropped",
    argue,
    remarks=NOTATION + "The rows of the bound's ledger (simlab.regret_bound) are read and added up. F = [lower, upper] "
    "with lower < upper in each coordinate. While all gradients of a coordinate were 0 its rate may not exist, and it "
    "does not move: every weight describes that, and simlab.history takes the next one.",
)
