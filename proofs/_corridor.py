"""Rates clipped to a corridor, for any bound functions: eta_l <= etahat <= eta_u and w' = sqrt(t)/etahat.

    m'^2/w'  =  m'^2 etahat/sqrt(t)  <=  R_inf m'^2/sqrt(t),        ||m_t||_2 <= G as ||g_t||_2 <= G
    E  <=  R_inf G^2 h

h sums 1/sqrt(t), and R_inf is above every eta_u.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction as Q
from typing import Any, ClassVar

from proofs._inv_sqrt import LATE, InvSqrt, harmonic
from proofs._master import Master
from proofs._regret import all_e, alpha, g, m, t, w
from simlab.checker import Fact, Proof, Square, letter, polynomial
from simlab.claims import Step
from simlab.lemma import induction, lemma, without

low, high, before, high_before, widest, most = (
    letter(n) for n in ("eta_l", "eta_u", "etahat", "eta_u_before", "R_inf", "G")
)
gg, mm, mean_mm, es = (letter(n) for n in ("gg", "mm", "mm_next", "es"))  # of one round
POSITIVE, OPEN, BOUNDED = low > 0, low <= high, most * most - gg >= 0
UP, HEAVY, CAPPED = high_before > 0, widest > 0, high <= widest

NOTATION = (
    "etahat_before and eta_u_before are those of the round before (in round 1 any positive numbers). gg, mm, mm_next "
    "and "
    "es sum g^2, m^2, m'^2 and m'^2/w' over the coordinates. "
)


def eta_l(t: Any, alpha_star: Any, gamma: Any) -> Any:
    """Any lower bound function: its value in this round."""
    return low


def eta_u(t: Any, alpha_star: Any, gamma: Any) -> Any:
    """Any upper bound function: its value in this round."""
    return high


class Corridor(InvSqrt, Master):
    """The weights of a clipped rate, facts about them, and the steps that show these facts."""

    values: ClassVar = {
        "eta_l": 1, "eta_u": 2, "etahat": 1, "eta_u_before": 2, "R_inf": 2, "G": 1, "gg": 1, "mm": 0, "mm_next": 0,
        "es": 0, "h": 0, "w_1": 0, "v": 0, "vhat": 0, "beta2": 0, "alpha_star": 1, "gamma": 1,
    }  # fmt: skip

    def __init__(self, rule: Callable) -> None:
        super().__init__(rule(eta_l, eta_u))
        self.inner, self.etahat = self.clip(self)
        self.capped = widest * self.rho
        self.share = 1 - self.beta > 0  # what is supposed
        # what the steps below show
        self.above, self.alive, self.roof = self.etahat >= low, self.etahat > 0, self.etahat <= high
        self.below_before = before <= high_before
        self.weighted, self.scaled = self.weight * self.etahat == self.r, w * before == self.p
        self.jensen = self.mean * self.mean <= self.beta * m * m + (1 - self.beta) * g * g
        self.cheap = self.e_step <= self.capped * self.mean * self.mean
        self.round_facts = es <= self.capped * mean_mm, mean_mm <= self.beta * mm + (1 - self.beta) * gg
        self.moderate, self.spent = mm <= most * most, all_e <= widest * most * most * harmonic

    def clip(self, of: Any) -> tuple[Any, Any]:
        """(max(alpha/sqrt(v'), eta_l), its minimum with eta_u) for a rule's v', or its vhat'."""
        raw = self.reading.divide(alpha, self.reading.sqrt(of.state.get("vhat", of.state["v"])))
        inner = self.reading.maximum(raw, low)
        return inner, self.reading.minimum(inner, high)

    @property
    def assumes(self) -> tuple[Fact, ...]:
        """What is supposed besides, of the corridor and the gradients."""
        return (*super().assumes, POSITIVE, OPEN, BOUNDED, CAPPED, HEAVY, self.share)

    def corridor_holds(self) -> Step:
        """p = etahat - eta_l obeys (a + b) p = p^2 + a b, a = max(., eta_l) - eta_l, b = eta_u - eta_l."""
        (_, floor, _), (_, roof, is_hat) = self.about(self.inner, self.etahat)
        given, here = (OPEN, floor, roof, is_hat), self.point()
        square = (Square(self.etahat - low),)
        return lemma(
            "corridor",
            "eta_l <= etahat <= eta_u",
            (
                Proof(self.above, times=((floor,), (OPEN,)), by=(square, (floor, OPEN)), modulo=((-1, is_hat),)),
                Proof(self.roof, by=((roof,),)),
            ),
            given,
            here,
            false=(
                ("etahat > eta_l", self.etahat > low, given, here),
                ("etahat >= eta_u", self.etahat >= high, given, here),
                (
                    "without the clip from below",
                    self.above,
                    without(floor, given),
                    {**here, str(self.inner): Q(0), str(self.etahat): Q(0)},
                ),
            ),
        )

    def rates(self) -> Step:
        """The rate and the weight, with the quotients of the code cleared."""
        (is_rho,), (is_weight,) = self.about(self.rho, self.weight)
        given, here = (POSITIVE, self.above, self.rho_positive, is_rho, is_weight), self.point(t=4)
        return lemma(
            "rates",
            "etahat > 0, rate > 0 and w' = sqrt(t)/etahat",
            (
                Proof(self.alive, by=((POSITIVE,), (self.above,))),
                Proof(self.positive, by=((POSITIVE, self.rho_positive), (self.above, self.rho_positive))),
                Proof(self.weighted, modulo=((self.r, is_weight), (-self.weight * self.etahat, is_rho))),
            ),
            given,
            here,
            false=(
                ("etahat > 1", self.etahat > 1, given, here),
                ("w' = 1/etahat", self.weight * self.etahat == 1, given, here),
                ("without eta_l > 0", self.alive, without(POSITIVE, given), {**self.point(t=4, eta_l=-1, alpha=-9)}),
            ),
        )

    def follows(self) -> Step:
        """What is known of the weight and of the rate before the round."""
        given, here = (self.weighted, self.roof, POSITIVE, OPEN), self.point(**LATE, w=Q(3, 4))
        claims = self.scaled, self.below_before, UP
        now = (*given, *claims)
        after = {"w": self.weight, str(self.p): self.r, "t": t + 1, "etahat": self.etahat, "eta_u_before": high}
        start = {n: polynomial(k) for n, k in zip(after, (0, 0, 1, 1, 1), strict=True)}
        return induction(
            "weights",
            "w etahat = sqrt(t - 1) and etahat <= eta_u, both of the round before, by induction",
            base=(Proof(self.scaled), Proof(self.below_before), Proof(UP, by=((1,),))),
            turn=(
                Proof(self.scaled, modulo=((1, self.weighted),)),
                Proof(self.below_before, by=((self.roof,),)),
                Proof(UP, by=((POSITIVE,), (OPEN,))),
            ),
            start=start,
            after=after,
            given=given,
            witness=here,
            false=(
                ("w stays", self.scaled.at({**after, "w": w}), now, here),
                ("etahat < eta_u/2", (2 * before < high_before).at(after), now, here),
                (
                    "without eta_u >= eta_l",
                    UP.at(after),
                    without(OPEN, now),
                    {**here, "eta_u": Q(0), str(self.etahat): Q(0), str(self.weight): Q(0), str(self.r): Q(0)},
                ),
            ),
        )

    def cleared_rate(self, part: Any) -> tuple[tuple[Any, Fact], ...]:
        """part (1/w' - rate) as a combination of the equations that define the letters."""
        (is_weight,), (is_inverse,) = self.about(self.weight, self.inverse)
        return (self.inverse * part, is_weight), (-self.rate * part, is_inverse)

    def prices(self) -> Step:
        """1/w' = etahat/sqrt(t) <= R_inf/sqrt(t): capped - 1/w' = rho (R_inf - eta_u) + rho (eta_u - etahat)."""
        rho0, b0, here = self.rho_positive, self.beta_low, self.point(beta1=Q(1, 2), alpha=2)
        given = (rho0, self.roof, CAPPED, b0, self.share, *(e for _, e in self.cleared_rate(1)))
        square, mean = Square(self.mean), self.mean * self.mean
        return lemma(
            "prices",
            "m'^2/w' <= R_inf m'^2/sqrt(t) and m'^2 <= beta1 m^2 + (1 - beta1) g^2",
            (
                Proof(
                    self.cheap,
                    by=((rho0, self.roof, square), (rho0, CAPPED, square)),
                    modulo=self.cleared_rate(mean),
                ),
                Proof(self.jensen, by=((self.share, b0, Square(m - g)),)),
            ),
            given,
            here,
            false=(
                ("half of it", 2 * self.e_step <= self.capped * mean, given, here),
                ("m'^2 <= g^2/9", 9 * mean <= g * g, given, here),
                ("with a smaller R_inf", self.cheap, without(CAPPED, given), self.point(alpha=2, R_inf=1)),
            ),
        )

    def add_round(self) -> Step:
        """One round, all coordinates together."""
        parts, here = (self.cheap, self.jensen), self.point(gg=0)
        after = {"es": es + self.e_step, "mm": mm + m * m, "gg": gg + g * g}
        after |= {"mm_next": mean_mm + self.mean * self.mean}
        now = (*parts, *self.round_facts)
        return induction(
            "round",
            "the same for the sums over the coordinates, by induction on the coordinates",
            base=tuple(map(Proof, self.round_facts)),
            turn=tuple(Proof(f, by=((f,), (part,))) for f, part in zip(self.round_facts, parts, strict=True)),
            start=dict.fromkeys(after, polynomial(0)),
            after=after,
            given=parts,
            witness=here,
            false=(
                ("es <= 0", (es <= 0).at(after), now, here),
                ("half of it", (2 * es <= self.capped * mean_mm).at(after), now, self.point(gg=0, alpha=2)),
                (
                    "without the last coordinate's",
                    self.round_facts[0].at(after),
                    without(self.cheap, now),
                    {**here, str(self.inverse): Q(9)},
                ),
            ),
        )

    def spend(self) -> Step:
        """||m'||^2 <= beta1 ||m||^2 + (1 - beta1) ||g||^2 <= G^2."""
        energy, average = self.round_facts
        b0, rho0, share = self.beta_low, self.rho_positive, self.share
        given = (energy, average, BOUNDED, b0, share, rho0, HEAVY)
        claims, here = (self.moderate, self.spent), self.point()
        after = {"mm": mean_mm, "E": all_e + es, "h": harmonic + self.rho}
        now = (*given, *claims)
        bounded = ((b0, self.moderate), (share, BOUNDED), (average,))  # mm_next <= G^2
        return induction(
            "energy",
            "||m||_2 <= G and E <= R_inf G^2 h, by induction on the rounds",
            base=(Proof(self.moderate, by=((Square(most),),)), Proof(self.spent)),
            turn=(
                Proof(self.moderate, by=bounded),
                Proof(self.spent, by=((self.spent,), (energy,), *((HEAVY, rho0, *k) for k in bounded))),
            ),
            start=dict.fromkeys(after, polynomial(0)),
            after=after,
            given=given,
            witness=here,
            false=(
                ("||m||^2 <= G^2/2", (2 * mm <= most * most).at(after), now, self.point(mm_next=1)),
                ("with h before the round", self.spent.at({**after, "h": harmonic}), now, self.point(mm_next=1, es=1)),
                ("without the sum so far", self.spent.at(after), without(self.spent, now), self.point(E=99)),
            ),
        )
