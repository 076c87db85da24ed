"""Regret is at most the positive-variation bound for a constant beta1, for every rule of the form x - m/w.

    R_T <= D^2/2 sum_i (PV_i + q w_{T,i})
           + 1/2 sum_t sum_i m_{t,i}^2/w_{t,i} + q (sum_{t<T} sum_i m_{t,i}^2/w_{t,i} + 1/2 sum_i m_{T,i}^2/w_{T,i})

    g (x - u)  =  (1 + q) m' (x - u) - q m (x - u),         q = beta1/(1 - beta1)
    invariant    l + w/2 (x - u)^2 - q m (x - u)  <=  D^2/2 pv + e/2 + q e

The identity is that of Alacaoglu, Malitsky, Mertikopoulos and Cevher (2020).
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction as Q
from typing import Any, ClassVar

from proofs._descent import Descent
from proofs._regret import (
    HIGH,
    LOW,
    NEAR,
    NOTATION,
    all_e,
    all_l,
    all_pv,
    column,
    g,
    m,
    own_e,
    own_l,
    own_pv,
    regret,
    scalar,
    side,
    u,
    w,
    x,
)
from proofs.master_m_holds import any_weights, read
from simlab.bounds.master_a import master_a
from simlab.checker import Fact, Polynomial, Proof, Square, letter
from simlab.claims import Argument, Step, theorem
from simlab.lemma import lemma, without
from simlab.regret_bound import averaged, averaged_terms

all_w, last_e = letter("W"), letter("E_T")  # the sums over the coordinates of w_T and of m_T^2/w_T


class Averaged(Descent):
    """Facts that lead from a round to the bound on the regret, and the steps that show them."""

    chain = averaged, averaged_terms
    right = "D^2/2 (PV + q W) + E/2 + q (E - E_T/2)"
    values: ClassVar = {"W": 0, "E_T": 0}

    def __init__(self, rule: Any, **more: Any) -> None:
        super().__init__(rule, **more)
        self.q = self.reading.divide(self.beta, 1 - self.beta)
        one, split = self.increment["moment"]
        self.share = self.beta < 1
        # what the steps below show
        self.q_low, self.moment = self.q >= 0, one == split
        self.moves, self.total = self.mean * (x - self.x) <= self.e_step, self.invariant()
        now = (own_pv + self.pv_step, self.weight, own_e + self.e_step, self.e_step)
        self.own = own_l + one
        self.one, self.all = self.own <= self.bound(*now), all_l <= self.bound(all_pv, all_w, all_e, last_e)
        self.result = regret <= self.bound(all_pv, all_w, all_e, last_e)

    @property
    def assumes(self) -> tuple[Fact, ...]:
        """What is supposed besides, of beta1."""
        return (*super().assumes, self.share)

    def invariant(self) -> Fact:
        """The invariant of one coordinate."""
        right = side * side * own_pv / 2 + own_e / 2 + self.q * own_e
        return own_l + w * (x - u) * (x - u) / 2 - self.q * m * (x - u) <= right

    def bound(self, pv: Any, weight: Any, e: Any, last: Any) -> Polynomial:
        """The terms of the bound for these sums, e with the last round's part, added up."""
        hyper, rounds = {"beta1": scalar(self.beta)}, column(e - last, last)
        weights = column(weight).reshape(1, 1)
        return self.read_terms(averaged_terms, hyper=hyper, variation=column(pv), w=weights, energy=rounds)

    def ratio(self) -> Step:
        """q = beta1/(1 - beta1) >= 0."""
        ((is_q,),) = self.about(self.q)
        given, here = (self.beta_low, self.share, is_q), self.point(beta1=Q(1, 2))
        return lemma(
            "ratio",
            "q = beta1/(1 - beta1) >= 0",
            (Proof(self.q_low, times=((self.share,),), by=((self.beta_low,),), modulo=((1, is_q),)),),
            given,
            here,
            false=(
                ("q <= 1/2", self.q <= Q(1, 2), given, here),
                ("without beta1 < 1", self.q_low, without(self.share, given), self.point(beta1=2)),
                ("without beta1 >= 0", self.q_low, without(self.beta_low, given), self.point(beta1=-1)),
            ),
        )

    def moments(self) -> Step:
        """The identity g = (1 + q) m' - q m."""
        ((is_q,),), (left, right) = self.about(self.q), self.increment["moment"]
        given, here = (is_q,), self.point(beta1=Q(1, 2))
        return lemma(
            "moment",
            "g (x - u) = (1 + q) m' (x - u) - q m (x - u)",
            (Proof(self.moment, modulo=(((m - g) * (x - u), is_q),)),),
            given,
            here,
            false=(
                ("twice", 2 * left == right, given, here),
                ("without q m", left == right + self.q * m * (x - u), given, self.point(beta1=Q(1, 2), m=1)),
                ("for another q", self.moment, (), {**here, str(self.q): Q(3)}),
            ),
        )

    def travels(self) -> Step:
        """(x - y)(x - x') <= (x - y)^2, as x' lies between x and y: what is clipped is on the other side of x'."""
        (is_weight,), (is_inverse,) = self.about(self.weight, self.inverse)
        z, rate, both = self.raised, self.rate, self.about(self.raised, self.x)
        (up, _, is_z), (down, _, is_x) = both
        given = (self.positive, self.clipped, LOW, HIGH, up, down, is_z, is_x, is_weight, is_inverse)
        here, square = self.point(), self.mean * self.mean
        return lemma(
            "moves",
            "m' (x - x') <= m'^2/w'",
            (
                Proof(
                    self.moves,
                    times=((self.positive,),),
                    by=((Square(z - self.y),), (up, LOW), (up, self.clipped), (Square(z - self.x),), (down, HIGH)),
                    modulo=(
                        (-2, is_z),
                        (-1, is_x),
                        (-rate * self.inverse * square, is_weight),
                        (rate * rate * square, is_inverse),
                    ),
                ),
            ),
            given,
            here,
            false=(
                ("half of it", 2 * self.mean * (x - self.x) <= self.e_step, given, here),
                ("twice as far", self.mean * (2 * x - self.x) <= self.e_step, given, here),
                ("farther", self.moves, (self.positive, is_weight, is_inverse), {**here, str(self.x): Q(-5)}),
            ),
        )

    def sum_up(self) -> Step:
        """The invariant of one coordinate."""
        steps, q = (self.projection, self.variation), self.q_low
        by = ((self.total,), *((f,) for f in steps), (q, self.moves))
        return self.along(
            "l + w/2 (x - u)^2 - q m (x - u) <= D^2/2 pv + e/2 + q e",
            Proof(self.total, by=by, modulo=((-1, self.moment),)),
            (*steps, self.moves, q, self.moment),
            {"l": self.own, "m": self.mean},
        )

    def last(self) -> Step:
        """The round is the last one: q m' (x - u) <= q (w' D^2/2 + m'^2/(2 w'))."""
        q, (low, high), (is_inverse,) = self.q_low, NEAR, self.reading.about(self.inverse)
        given = (self.total, self.projection, self.variation, q, self.heavy, self.moment, *NEAR, is_inverse)
        here, d = self.point(), x - u
        level = {"D": 1, "g": 4, "beta1": Q(1, 2)}
        weight = self.point(**level)[str(self.weight)]
        root = self.weight * d - self.mean  # its square, by 1/w', is w' d^2 - 2 m' d + m'^2/w'
        inverse = self.heavy  # the certificate multiplies by w'
        by = (
            (inverse, self.total), (inverse, self.projection), (inverse, self.variation),
            (Q(1, 2), q, Square(root)), (Q(1, 2), q, inverse, inverse, low, high),
            (Q(1, 2), inverse, inverse, Square(self.x - u)),
        )  # fmt: skip
        cofactors = ((-self.weight, self.moment), (self.q * self.mean * self.mean / 2, is_inverse))
        return lemma(
            "one coordinate",
            "l' <= D^2/2 (pv' + q w') + e'/2 + q (e + m'^2/(2 w')) after the last round",
            (Proof(self.one, times=((inverse,),), by=by, modulo=cofactors),),
            given,
            here,
            false=(
                ("without pv", self.own <= self.bound(0, self.weight, own_e + self.e_step, self.e_step), given, here),
                ("with 2 l", self.total.at({"l": 2 * self.own}), given, here),
                ("without x - u <= D", self.one, without(low, given), self.point(**level, w=weight, l=-2 * weight)),
            ),
        )

    def add_up(self) -> Step:
        """All coordinates together."""
        after = {"L": all_l + self.own, "PV": all_pv + own_pv + self.pv_step, "W": all_w + self.weight}
        after |= {"E": all_e + own_e + self.e_step, "E_T": last_e + self.e_step}
        return self.across(after, ("by 1 less", self.all.polynomial - 1 >= 0), self.point(L=2, PV=1))

    def common(self) -> tuple[Step, ...]:
        """The steps from the round to the master inequality."""
        sums = (self.sum_up(), self.last(), self.add_up(), self.linearise(), self.conclude())
        return (*self.round(), self.ratio(), self.moments(), self.travels(), *sums)


def argue(rules: Sequence[Any] = master_a.rules) -> Argument:
    """The argument for rules that move by -rate m', where nothing is known of the rate but that it is positive."""
    of = Averaged(any_weights)
    return Argument((read(of, rules), *of.common()), assumes=(*of.assumes, of.positive))


master_a_holds = theorem(
    "master_a_holds",
    "Regret is at most the positive-variation bound for a constant beta1: master_a holds.\n\n"
    "Let x_{t+1} = Pi_F(x_t - m_t/w_t) on a box F with sides of at most D, coordinate by coordinate, with "
    "m_t = beta1 m_{t-1} + (1 - beta1) g_t, m_0 = 0, beta1 in [0, 1) and any weights w_t > 0; this is so for "
    f"{', '.join(master_a.rules)} while their rates are positive. Let the losses be convex and g_t a subgradient at "
    "x_t. Then for every u in F and every T, with q = beta1/(1 - beta1),\n\n"
    "    sum_t f_t(x_t) - f_t(u) <= D^2/2 sum_i (PV_i + q w_{T,i}) + E_T/2 + q (E_{T-1} + e_T/2)\n"
    "    e_t = sum_i m_{t,i}^2/w_{t,i},   E_T = e_1 + ... + e_T,   PV_i = w_{1,i} + sum_{t=2}^T max(0, w_{t,i} - "
    "w_{t-1,i})\n\n"
    "Over the reals, for all weights and gradients, all dimensions and all T.",
    "this project, from the identity of Alacaoglu, Malitsky, Mertikopoulos and Cevher 2020",
    argue,
    remarks=NOTATION + "W sums the w of the last round, E_T its m'^2/w'. The rows of the bound's ledger "
    "(simlab.regret_bound) are read; that they add up over coordinates is a step of master_m_holds.",
)
