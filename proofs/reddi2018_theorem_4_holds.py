"""AMSGrad satisfies Reddi et al.'s Theorem 4 for any beta1_t <= beta1, with 1 + 1/2 + ... + 1/T for 1 + ln T.

    beta1 (g - m)(x - u)  <=  beta1 w' D^2/2 + beta1 (g^2 + m^2)/w'                            (Young)
    e  <=  alpha y/(a (1 - gamma)),     z - D^2/2 b  <=  beta alpha (2 - gamma) y/(a (1 - gamma))
    (1/2 + 2 beta)(1 - beta)^2  <=  1

b sums beta1_t w_t, y sums |g_t|/sqrt(t). Reddi, Kale and Kumar (2018), Theorem 4; the published proof telescopes
w_t/(1 - beta1_t), which may fall (Tran and Phong 2019), and is not used.
"""

from __future__ import annotations

from fractions import Fraction as Q
from typing import Any, ClassVar

from proofs import _amsgrad
from proofs._amsgrad import gradients
from proofs._growing import A0
from proofs._inv_sqrt import harmonic
from proofs._lemma_2 import BETA, Lemma2, beta, decayed
from proofs._regret import (
    NONNEGATIVE,
    NOTATION,
    all_e,
    all_pv,
    all_z,
    alpha,
    column,
    own_e,
    own_pv,
    own_z,
    regret,
    scalar,
    side,
    w,
)
from proofs._vhat import COUNTED, beta2
from proofs._young import Young
from simlab.bounds.reddi2018_theorem_4 import reddi2018_theorem_4
from simlab.checker import Proof, Square, letter, polynomial
from simlab.claims import Argument, Step, theorem
from simlab.lemma import induction, lemma, without

own_b, all_b, all_w, norms = (letter(n) for n in ("b", "B", "W", "N"))  # sums of beta1_t w_t; of w; of ||g_{1:T}||_2


class Theorem4(Lemma2, Young):
    """The sums of the proof, and the steps that bound them."""

    values: ClassVar = {**Lemma2.values, "b": 0, "B": 0, "W": 0, "N": 0}

    def __init__(self, rule: str) -> None:
        super().__init__(rule)
        self.factor = self.a * (1 - self.gamma)
        product = alpha * self.c
        # what the steps below show
        self.constant = (Q(1, 2) + 2 * beta) * (1 - beta) * (1 - beta) <= 1
        self.spent = self.factor * own_e + alpha * self.gamma * decayed * self.rho <= alpha * gradients
        excess, share = own_z - side * side / 2 * own_b, beta * alpha * (2 - self.gamma)
        self.surprised = self.factor * excess + beta * alpha * decayed * self.rho <= share * gradients
        self.own_energy, self.own_excess = (
            self.factor * own_e <= product * self.n, self.factor * excess <= share * self.c * self.n
        )  # fmt: skip
        self.b_low, self.n_low = own_b >= 0, self.n >= 0
        total = all_z - side * side / 2 * all_b
        self.everywhere = (
            all_pv == all_w, self.factor * all_e <= product * norms, self.factor * total <= share * self.c * norms,
            all_w >= 0, all_b >= 0, norms >= 0,
        )  # fmt: skip
        self.terms = self.read_terms(
            reddi2018_theorem_4.terms,
            hyper={"beta1": scalar(beta), "beta2": scalar(beta2), "alpha": scalar(alpha)},
            w=column(all_b, all_w).reshape(2, 1),  # the sum of beta1_t w_t, as if of one round, and the last w
            beta1=column(1, 0),
            t=scalar(letter("t")),
            norms=scalar(norms),
        )
        self.holds = regret <= self.terms

    def log1p(self, _: Any) -> Any:
        """What stands for ln T in the bound that is read: h - 1."""
        return scalar(harmonic - 1)

    def constants_fit(self) -> Step:
        """1 - (1/2 + 2 b)(1 - b)^2 = 2 b^2 (1 - b) + 3/2 (b - 1/3)^2 + 1/3."""
        here = self.point()
        return lemma(
            "constant",
            "(1/2 + 2 beta)(1 - beta)^2 <= 1",
            (Proof(self.constant, by=((2, Square(beta), BETA), (Q(3, 2), Square(beta - Q(1, 3))), (Q(1, 3),))),),
            (BETA,),
            here,
            false=(
                (
                    "<= 1/2",
                    (Q(1, 2) + 2 * beta) * (1 - beta) * (1 - beta) <= Q(1, 2),
                    (BETA,),
                    self.point(beta=Q(1, 6)),
                ),
                (
                    "4 beta for 2 beta",
                    (Q(1, 2) + 9 * beta) * (1 - beta) * (1 - beta) <= 1,
                    (BETA,),
                    self.point(beta=Q(1, 6)),
                ),
                ("for any beta", self.constant, (), self.point(beta=3)),
            ),
        )

    def spends(self) -> Step:
        """U is what is left of U for later: (1 - gamma) U' + gamma U' = gamma U + |g|."""
        _, low, _ = self.claims_after
        given = (
            A0, self.gamma_low, self.contracts, self.beta_low, self.beta_least, self.at_most, self.rho_positive,
            self.sizes[0], self.decayed_low, low, self.shorter, self.fresh, self.plain, self.stale, self.heavy,
        )  # fmt: skip
        g1, b0, more = self.contracts, self.beta_low, self.at_most
        after = {
            "e": own_e + self.e_step, "z": own_z + self.z_step, "b": own_b + self.beta * self.weight,
            "U": self.decayed_after, "y": self.sums_after["y"], str(self.rho): self.rho_next,
        }  # fmt: skip
        claims, here = (self.spent, self.surprised, self.b_low), self.point(t=Q(9, 16), beta1=Q(1, 2))
        now, start = (*given, *claims), dict.fromkeys(("e", "z", "b", "U", "y"), polynomial(0))
        return induction(
            "sums",
            "a (1 - gamma) e + alpha gamma U/sqrt(t) <= alpha y and a (1 - gamma)(z - D^2/2 b) + beta alpha U/sqrt(t) "
            "<= "
            "beta alpha (2 - gamma) y, b >= 0, by induction",
            base=tuple(map(Proof, claims)),
            turn=(
                Proof(
                    self.spent,
                    by=((self.spent,), (g1, self.fresh), (A0, self.gamma_low, low, self.shorter)),
                ),
                Proof(
                    self.surprised,
                    by=(
                        (self.surprised,),
                        (g1, b0, self.plain),
                        (g1, more, A0, self.sizes[0], self.rho_positive),
                        (g1, b0, self.stale),
                        (g1, more, A0, self.decayed_low, self.rho_positive),
                        (self.beta_least, A0, low, self.shorter),
                    ),
                ),
                Proof(self.b_low, by=((self.b_low,), (b0, self.heavy))),
            ),
            start=start | {str(self.rho): self.rho},
            after=after,
            given=given,
            witness=here,
            false=(
                ("with the sum of |g|/sqrt(t) before", self.spent.at({**after, "y": gradients}), now, here),
                ("without D^2/2 b", self.surprised.at({**after, "b": own_b}), now, {**here, "D": Q(20)}),
                ("without the sum so far", self.spent.at(after), given, {**here, "e": Q(9)}),
            ),
        )

    def settles(self) -> Step:
        """y <= sqrt(h) sqrt(S)."""
        n_low, _ = self.reading.about(self.n)
        given = (
            A0, self.gamma_low, self.contracts, self.beta_least, self.rho_positive, self.decayed_low, self.spent,
            self.surprised, self.cauchy, n_low,
        )  # fmt: skip
        here = self.point(e=Q(1, 5), y=1, S=1, h=1, z=Q(1, 5))
        return lemma(
            "one coordinate's sums",
            "a (1 - gamma) e <= alpha sqrt(h) sqrt(S), a (1 - gamma)(z - D^2/2 b) <= beta alpha (2 - gamma) sqrt(h) "
            "sqrt(S)",
            (
                Proof(
                    self.own_energy,
                    by=((self.spent,), (A0, self.gamma_low, self.decayed_low, self.rho_positive), (A0, self.cauchy)),
                ),
                Proof(
                    self.own_excess,
                    by=(
                        (self.surprised,),
                        (self.beta_least, A0, self.decayed_low, self.rho_positive),
                        (self.beta_least, A0, self.cauchy),
                        (self.beta_least, A0, self.contracts, self.cauchy),
                    ),
                ),
                Proof(self.n_low, by=((n_low,),)),
            ),
            given,
            here,
            false=(
                ("a hundredth", 100 * self.factor * own_e <= alpha * self.c * self.n, given, here),
                ("without Cauchy", self.own_energy, without(self.cauchy, given), self.point(y=9, e=1, S=0)),
                (
                    "without D^2/2 b",
                    self.factor * own_z <= beta * alpha * (2 - self.gamma) * self.c * self.n,
                    given,
                    {**here, "z": Q(99), "b": Q(99)},
                ),
            ),
        )

    def add_sums(self) -> Step:
        """All coordinates together."""
        parts = (self.sums_up, self.own_energy, self.own_excess, NONNEGATIVE, self.b_low, self.n_low)
        after = {"PV": all_pv + own_pv, "W": all_w + w, "E": all_e + own_e, "Z": all_z + own_z, "B": all_b + own_b}
        after |= {"N": norms + self.n}
        now, here = (*parts, *self.everywhere), self.point(S=1, h=1, w=1, pv=1)
        same, *rest = self.everywhere
        return induction(
            "dimensions",
            "PV = W, and the bounds on e and z hold for E and Z with N = sum_i sqrt(S_i), by induction on the "
            "coordinates",
            base=tuple(map(Proof, self.everywhere)),
            turn=(
                Proof(same, modulo=((1, same), (1, self.sums_up))),
                *(Proof(claim, by=((claim,), (part,))) for claim, part in zip(rest, parts[1:], strict=True)),
            ),
            start=dict.fromkeys(after, polynomial(0)),
            after=after,
            given=parts,
            witness=here,
            false=(
                ("PV = 2 W", (all_pv == 2 * all_w).at(after), now, here),
                ("W >= 2", (all_w >= 2).at(after), now, here),
                ("without pv = w", same.at(after), without(self.sums_up, now), {**here, "pv": Q(9)}),
            ),
        )

    def corollary(self) -> Step:
        """The factor of alpha sqrt(h) N on the left is at most (1/2 + 2 beta)(1 - beta)^2 <= 1."""
        divide, square, half, rest = self.reading.divide, side * side, Q(1, 2), 1 - beta
        same, energy, excess, w_low, b_low, n_low = self.everywhere
        ratio = divide(alpha, (1 - self.gamma) * self.a)
        whole = divide(ratio * self.c * norms, rest * rest)
        facts = self.about(divide(square, 2 * rest), ratio, whole, self.c)
        (is_half,), (is_ratio,), (is_whole,), (c_low, _) = facts
        a0, g1, b0 = self.a_positive, self.contracts, self.beta_least
        given = (
            A0, BETA, a0, g1, b0, self.gamma_low, self.constant, c_low, self.result, *self.everywhere, is_half,
            is_ratio, is_whole,
        )  # fmt: skip
        here, common = self.point(h=1, W=1, PV=1, N=1, R=2), (a0, g1, BETA, Square(side))
        return lemma(
            "corollary",
            "R <= D^2/(1 - beta) W + D^2/(2 (1 - beta)) B + alpha sqrt(h)/((1 - beta)^2 (1 - gamma) a) N, h = 1 + ... "
            "+ 1/T",
            (
                Proof(
                    self.holds,
                    times=((BETA, BETA, a0, g1),),
                    by=(
                        (BETA, BETA, a0, g1, self.result),
                        (half, BETA, BETA, energy),
                        (BETA, BETA, excess),
                        (A0, c_low, n_low, self.constant),
                        (BETA, BETA, b0, self.gamma_low, A0, c_low, n_low),
                        (half, *common, w_low),
                        (half, b0, *common, w_low),
                        (half, b0, *common, b_low),
                    ),
                    modulo=(
                        (rest * self.factor * (all_w + all_b / 2), is_half),
                        (self.factor, is_whole),
                        (self.c * norms, is_ratio),
                        (-rest * rest * self.factor * square / 2, same),
                    ),
                ),
            ),
            given,
            here,
            false=(
                ("with 99 R", self.terms - 99 * regret >= 0, given, here),
                ("without W", regret <= whole, given, self.point(W=9, PV=9, R=18, h=1, N=1)),
                ("without the energy", self.holds, without(energy, given), self.point(h=1, E=99, R=49)),
            ),
        )


def argue(rule: str = "amsgrad") -> Argument:
    """The argument about the rule as it runs."""
    of = Theorem4(rule)
    return Argument(
        (
            *of.weights(), *of.common(), of.constants(), of.ratio(), of.root_v(), of.roots_v(), of.hats(),
            of.root_before(), *of.moments_squared(), of.lightness(), of.steps(), of.constants_fit(), of.spends(),
            of.settles(), of.add_sums(), of.corollary(),
        ),
        assumes=of.assumes,
    )  # fmt: skip


reddi2018_theorem_4_holds = theorem(
    "reddi2018_theorem_4_holds",
    "AMSGrad satisfies Reddi et al.'s Theorem 4 for any beta1_t <= beta1, with 1 + 1/2 + ... + 1/T for 1 + ln T.\n\n"
    "Let amsgrad play with the step alpha/sqrt(t), alpha > 0, 0 <= beta1_t <= beta1 < 1 in any order, 0 < beta2 < 1 "
    "and "
    "gamma = beta1/sqrt(beta2) < 1, on a box F with sides of at most D; let the losses be convex and g_t a subgradient "
    "at "
    "x_t. Then for every u in F and every T, with H_T = 1 + 1/2 + ... + 1/T,\n\n"
    "    sum_t f_t(x_t) - f_t(u) <= D^2 sqrt(T)/(alpha (1 - beta1)) sum_i sqrt(vhat_{T,i})\n"
    "        + D^2/(2 (1 - beta1)) sum_t sum_i beta1_t sqrt(t vhat_{t,i})/alpha\n"
    "        + alpha sqrt(H_T)/((1 - beta1)^2 (1 - gamma) sqrt(1 - beta2)) sum_i ||g_{1:T,i}||_2.\n\n"
    "Over the reals, for all gradients, all dimensions and all T.",
    "Reddi, Kale and Kumar 2018, Theorem 4; for beta1_t that is not monotone the published proof has a gap, and this "
    "one is "
    "the project's",
    argue,
    remarks=NOTATION + _amsgrad.NOTATION + "beta is the paper's beta1 and beta1 that of the round; z sums what Young's "
    "inequality gives for the momentum term and b the beta1 w'. The bound reddi2018_theorem_4 has 1 + ln T for H_T, "
    "which "
    "is not more than that: 1/(t + 1) <= ln(1 + 1/t) is classical, and no matter of polynomials. " + COUNTED,
)
