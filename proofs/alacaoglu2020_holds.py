"""AMSGrad with a constant beta1 satisfies Alacaoglu et al.'s bound, with 1 + 1/2 + ... + 1/T for 1 + ln T.

    K e + alpha beta1 A/sqrt(t)  <=  (1 - beta1) alpha sum |g|/sqrt(t),     K^2 = (1 - beta2)(1 - beta1^2/beta2)

where A is the moving average of |g|.

Alacaoglu, Malitsky, Mertikopoulos and Cevher (2020), "A new regret analysis for Adam-type algorithms", Theorem 1.
"""

from __future__ import annotations

from fractions import Fraction as Q
from typing import ClassVar

from proofs import _amsgrad
from proofs._amsgrad import gradients
from proofs._average import Average, mean
from proofs._growing import A0
from proofs._regret import NOTATION, all_e, all_pv, alpha, column, own_e, own_pv, regret, scalar, side
from proofs._vhat import COUNTED, beta2
from proofs.master_a_holds import all_w, last_e
from simlab.bounds.alacaoglu2020 import alacaoglu2020
from simlab.checker import Proof, letter, polynomial
from simlab.claims import Argument, Step, theorem
from simlab.lemma import induction, lemma, without

norms = letter("N")  # sum_i ||g_{1:T,i}||_2


class Constant(Average):
    """The sums of the proof, and the steps that bound them."""

    values: ClassVar = {**Average.values, "N": 0}

    def __init__(self, rule: str) -> None:
        super().__init__(rule)
        beta1 = self.beta
        # what the steps below show
        self.spent = self.k * own_e + alpha * beta1 * mean * self.rho <= self.rest * alpha * gradients
        product = self.rest * alpha * self.c_next
        self.spent_after = self.k * (own_e + self.e_step) <= product * self.n_next
        self.same = own_pv + self.pv_step == self.weight
        self.all_same, self.all_spent = all_pv == all_w, self.k * all_e <= product * norms
        self.all_last, self.norms_low = last_e >= 0, norms >= 0
        self.terms = self.read_terms(
            alacaoglu2020.terms,
            hyper={"beta1": scalar(beta1), "beta2": scalar(beta2), "alpha": scalar(alpha)},
            w=column(all_w).reshape(1, 1),
            t=scalar(letter("t")),
            norms=scalar(norms),
        )
        self.holds = regret <= self.terms

    def spends(self) -> Step:
        """beta1 A' is what is left of A' for later."""
        given = (A0, self.beta_low, self.mean_low, self.shorter, self.step)
        here, now = self.point(t=Q(9, 16)), (*given, self.spent)
        after = {
            "e": own_e + self.e_step,
            "A": self.mean_after,
            "y": self.sums_after["y"],
            str(self.rho): self.rho_next,
        }
        return induction(
            "energy",
            "K e + alpha beta1 A/sqrt(t) <= (1 - beta1) alpha y, by induction",
            base=(Proof(self.spent),),
            turn=(
                Proof(
                    self.spent,
                    by=((self.spent,), (self.step,), (A0, self.beta_low, self.mean_low, self.shorter)),
                ),
            ),
            start=dict.fromkeys(("e", "A", "y"), polynomial(0)) | {str(self.rho): self.rho},
            after=after,
            given=given,
            witness=here,
            false=(
                ("a quarter of it", (4 * self.k * own_e <= self.rest * alpha * gradients).at(after), now, here),
                ("with the sum of |g|/sqrt(t) before", self.spent.at({**after, "y": gradients}), now, here),
                ("without the sum so far", self.spent.at(after), given, {**here, "e": Q(9)}),
            ),
        )

    def settles(self) -> Step:
        """The weights and the energy after the round."""
        given = (
            A0, self.beta_low, self.share, self.mean_low, self.rho_positive, self.step, self.spent, self.cauchy_after,
            self.sums_up,
        )  # fmt: skip
        here = self.point()
        return lemma(
            "after the round",
            "pv' = w' and K e' <= (1 - beta1) alpha sqrt(h') sqrt(S')",
            (
                Proof(self.same, modulo=((1, self.sums_up),)),
                Proof(
                    self.spent_after,
                    by=(
                        (self.spent,), (self.step,), (A0, self.beta_low, self.mean_low, self.rho_positive),
                        (self.share, A0, self.cauchy_after),
                    ),
                ),
            ),
            given,
            here,
            false=(
                ("pv' = w", own_pv + self.pv_step == 0, given, here),
                ("without K", own_e + self.e_step <= self.rest * alpha * self.c_next * self.n_next, given, here),
                ("without pv = w", self.same, without(self.sums_up, given), self.point(pv=9)),
            ),
        )  # fmt: skip

    def everywhere(self) -> Step:
        """All coordinates together."""
        given, here = (self.same, self.spent_after, self.last_low, self.n_positive), self.point()
        after = {"PV": all_pv + own_pv + self.pv_step, "W": all_w + self.weight, "E": all_e + own_e + self.e_step}
        after |= {"E_T": last_e + self.e_step, "N": norms + self.n_next}
        claims = (self.all_same, self.all_spent, self.all_last, self.norms_low)
        now = (*given, *claims)
        return induction(
            "dimensions",
            "PV = W, K E <= (1 - beta1) alpha sqrt(h') N, E_T >= 0 and N >= 0, by induction on the coordinates",
            base=tuple(map(Proof, claims)),
            turn=(
                Proof(self.all_same, modulo=((1, self.all_same), (1, self.same))),
                *(
                    Proof(claim, by=((claim,), (part,)))
                    for claim, part in zip(claims[1:], (self.spent_after, self.last_low, self.n_positive), strict=True)
                ),
            ),
            start=dict.fromkeys(after, polynomial(0)),
            after=after,
            given=given,
            witness=here,
            false=(
                ("PV = 2 W", (all_pv == 2 * all_w).at(after), now, here),
                ("E_T >= 9", (last_e >= 9).at(after), now, here),
                (
                    "without the last coordinate's",
                    self.all_spent.at(after),
                    without(self.spent_after, now),
                    self.point(e=9),
                ),
            ),
        )

    def corollary(self) -> Step:
        """1 + q = 1/(1 - beta1), and (1 + beta1)/2 <= 1."""
        divide, square, half, rest = self.reading.divide, side * side, Q(1, 2), self.rest
        share, k0, energy = self.share, self.k_positive, self.c_next * norms
        facts = self.about(divide(square, 2 * rest), self.q, divide(alpha, self.k))
        (is_half,), (is_q,), (is_ratio,) = facts
        given = (
            A0, self.beta_low, share, k0, self.q_low, self.c_positive, self.norms_low, self.all_last, self.all_spent,
            self.all_same, self.result, is_half, is_q, is_ratio,
        )  # fmt: skip
        here = self.point(PV=1, W=1, N=1, E=1, R=Q(5, 2), beta1=0)
        return lemma(
            "corollary",
            "R <= D^2/(2 (1 - beta1)) W + alpha/K sqrt(h') N, where h' sums 1/t up to T",
            (
                Proof(
                    self.holds,
                    times=((share, k0),),
                    by=(
                        (share, k0, self.result),
                        (half, self.all_spent),
                        (half, self.beta_low, self.all_spent),
                        (half, share, share, A0, self.c_positive, self.norms_low),
                        (half, share, k0, self.q_low, self.all_last),
                    ),
                    modulo=(
                        (self.k * all_w / 2, is_half),
                        (-self.k * (square * all_w / 2 + all_e), is_q),
                        (-rest * self.k * square / 2, self.all_same),
                        (rest * energy, is_ratio),
                    ),
                ),
            ),
            given,
            here,
            false=(
                (
                    "with a quarter of the energy",
                    self.terms - regret - Q(3, 4) * energy * divide(alpha, self.k) >= 0,
                    given,
                    here,
                ),
                ("with 2 R", self.terms - 2 * regret >= 0, given, here),
                (
                    "without the energy",
                    self.holds,
                    without(self.all_spent, given),
                    self.point(W=1, PV=1, N=1, E=9, R=6),
                ),
            ),
        )


def argue(rule: str = "amsgrad") -> Argument:
    """The argument about the rule as it runs."""
    of = Constant(rule)
    return Argument(
        (
            *of.weights(), *of.common(), *of.fresh(), of.spends(), of.settles(), of.everywhere(), of.corollary(),
        ),
        assumes=of.assumes,
    )  # fmt: skip


alacaoglu2020_holds = theorem(
    "alacaoglu2020_holds",
    "AMSGrad with a constant beta1 satisfies Alacaoglu et al.'s regret bound, with 1 + 1/2 + ... + 1/T for 1 + ln "
    "T.\n\n"
    "Let amsgrad play with the step alpha/sqrt(t), alpha > 0, 0 <= beta1 < 1, beta1^2 < beta2 and 0 < beta2 < 1, on a "
    "box "
    "F with sides of at most D; let the losses be convex and g_t a subgradient at x_t. Then for every u in F and every "
    "T, with gamma = beta1^2/beta2 and H_T = 1 + 1/2 + ... + 1/T,\n\n"
    "    sum_t f_t(x_t) - f_t(u) <= D^2 sqrt(T)/(2 alpha (1 - beta1)) sum_i sqrt(vhat_{T,i})\n"
    "        + alpha sqrt(H_T)/sqrt((1 - beta2)(1 - gamma)) sum_i ||g_{1:T,i}||_2.\n\n"
    "Over the reals, for all gradients, all dimensions and all T.",
    "Alacaoglu, Malitsky, Mertikopoulos and Cevher 2020, Theorem 1",
    argue,
    remarks=NOTATION + _amsgrad.NOTATION + "A is the moving average of |g|, K^2 = (1 - beta2)(1 - gamma). The bound "
    "alacaoglu2020 has 1 + ln T for H_T, which is not more than that: 1/(t + 1) <= ln(1 + 1/t) is classical, and no "
    "matter of polynomials. " + COUNTED,
)
