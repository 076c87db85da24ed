"""Adam (beta1 = 0) has linear regret on Luo et al.'s problem if 16 beta2^(C-2) < 1: R_T >= 2T/C - constant.

    once x >= 0 at the start of a period, it is so for ever, and every period costs 2 at least against u = -2

The problem is that of Luo, Xiong, Liu and Sun (2019), Theorem 1; the proof, at the sharp threshold, is this project's.
"""

from __future__ import annotations

from fractions import Fraction as Q

from proofs._luo2019 import N, v, x
from proofs._luo2019_walls import HIGH, INSIDE, LOW, SHARP, SHORT, WALLS, Walls
from simlab.checker import Proof, Square, letter, polynomial
from simlab.claims import Argument, Step, theorem
from simlab.lemma import induction, lemma, without

C, t, regret, k, k1, X_K1 = (letter(name) for name in ("C", "T", "R", "k", "k1", "x_k1"))
LONG, REACHED, WITHIN = C >= 3, X_K1 >= 0, t <= C * (k + 1)
STAYS, NEVER, LINEAR = x >= 0, regret >= 0, regret >= 2 * (k - k1)


class Regret(Walls):
    """What a period costs against the best decision u = -2."""

    def __init__(self, rule: str) -> None:
        super().__init__(rule)
        u = polynomial(-2)
        best1, best2 = self.play(N, 1, u, v)[0].loss, self.play(N + 1, 2, u, v)[0].loss
        self.begun = self.first.loss - best1  # the regret of a period after its first round
        self.whole = self.begun + self.second.loss - best2  # after its second round and until its end
        # what the steps below show
        self.at_least = self.begun >= -4, self.whole >= 0
        self.costs = self.whole >= 2
        self.result = tuple(C * (regret + part) >= 2 * t - 2 * C * (k1 + 3) for part in (self.begun, self.whole))

    def stays(self) -> Step:
        """From x >= 0 the first move is the larger one, so y >= -s2 and x2 >= 0."""
        ahead = ((self.up,), (STAYS,), (self.forward,))  # their sum is raised + s2
        given = (REACHED, self.up, self.forward, self.bounded, self.y_is, self.keeps)
        here, s2, now = self.point(x_k1=Q(0)), self.moves[1], (*given, STAYS)
        either = (*ahead, (self.bounded,))
        return induction(
            "stays",
            "x >= 0 at the start of every period from k1 on, by induction",
            base=(Proof(STAYS, by=((REACHED,),)),),
            turn=(
                Proof(
                    STAYS,
                    times=either,
                    by=(
                        *((*a, self.keeps) for a in either),
                        *((*a, self.bounded) for a in ahead),
                        (Square(self.y + s2),),
                    ),
                    modulo=((-1, self.y_is),),
                ),
            ),
            start={"x": X_K1},
            after={"x": self.x2},
            given=given,
            witness=here,
            false=(
                ("x >= 1", self.x2 >= 1, now, here),
                ("without s2 >= -2", self.x2 >= 0, without(self.bounded, now), self.point(alpha=Q(4), x_k1=Q(0))),
                ("without x >= 0", self.x2 >= 0, given, self.point(x=Q(-1), x_k1=Q(0))),
            ),
        )

    def losses(self) -> Step:
        """What a period costs at least, wherever it begins."""
        given, here = (LOW, HIGH, self.gains), self.point(x=Q(-2), alpha=Q(1, 10))
        return lemma(
            "losses",
            "against u = -2 a period costs -4 at least after its first round, 0 at least after its second",
            (Proof(self.at_least[0], by=((HIGH,),)), Proof(self.at_least[1], by=((2, self.gains), (LOW,)))),
            given,
            here,
            false=(
                ("-3 at least", self.begun >= -3, given, self.point(x=Q(2))),
                ("1 at least", self.whole >= 1, given, here),
                ("without y >= x", self.at_least[1], without(self.gains, given), {**self.point(), str(self.y): -2}),
            ),
        )

    def cost(self) -> Step:
        """A period that begins at x >= 0 costs 2."""
        given, here = (STAYS, self.gains), self.point(alpha=Q(1, 10))
        return lemma(
            "cost",
            "a period that begins at x >= 0 costs 2 at least",
            (Proof(self.costs, by=((2, self.gains), (STAYS,))),),
            given,
            here,
            false=(
                ("3", self.whole >= 3, given, here),
                ("without x >= 0", self.costs, (self.gains,), self.point(x=Q(-2), alpha=Q(1, 10))),
                ("without y >= x", self.costs, (STAYS,), {**self.point(), str(self.y): Q(-2)}),
            ),
        )

    def never(self) -> Step:
        """The regret against u = -2 is never negative after whole periods."""
        zero = self.at_least[1]
        here = self.point(R=Q(0), alpha=Q(1, 10), x=Q(-2))
        return induction(
            "never negative",
            "R_(kC) >= 0, by induction on k",
            base=(Proof(NEVER),),
            turn=(Proof(NEVER, by=((NEVER,), (zero,))),),
            start={"R": 0},
            after={"R": regret + self.whole},
            given=(zero,),
            witness=here,
            false=(
                ("R_(kC) >= 1", regret + self.whole >= 1, (zero, NEVER), here),
                ("without R >= 0", regret + self.whole >= 0, (zero,), {**here, "R": Q(-9)}),
                ("without the cost", regret + self.whole >= 0, (NEVER,), {**here, str(self.y): Q(-2), "x": Q(2)}),
            ),
        )

    def linear(self) -> Step:
        """The regret grows by 2 a period from k1 on."""
        given, here = (NEVER, self.costs), self.point(R=Q(0), k=Q(5), k1=Q(5), alpha=Q(1, 10))
        later, now = regret + self.whole, (NEVER, self.costs, LINEAR)
        due = later >= 2 * (k + 1 - k1)
        return induction(
            "linear",
            "R_(kC) >= 2 (k - k1) for k >= k1, by induction on k",
            base=(Proof(LINEAR, by=((NEVER,),)),),
            turn=(Proof(LINEAR, by=((LINEAR,), (self.costs,))),),
            start={"R": regret, "k": k1},
            after={"R": later, "k": k + 1},
            given=given,
            witness=here,
            false=(
                ("3 (k - k1)", later >= 3 * (k + 1 - k1), now, here),
                ("without the cost", due, (NEVER, LINEAR), {**here, "x": Q(2), str(self.y): Q(0)}),
                ("without the regret so far", due, given, {**here, "k": Q(50)}),
            ),
        )

    def total(self) -> Step:
        """R_T >= 2T/C - 2 (k1 + 3), within a period too."""
        given = (LONG, WITHIN, LINEAR, *self.at_least)
        here = self.point(R=Q(0), k=Q(5), k1=Q(5), C=Q(8), T=Q(48), x=Q(2))
        per = ((3,), (LONG,))  # C = 3 + (C - 3)
        rest = ((2, WITHIN), *((*c, LINEAR) for c in per))
        begun, whole = self.at_least
        return lemma(
            "total",
            "C R_T >= 2 T - 2 C (k1 + 3) for T in period k >= k1, after its first round and after its second",
            (
                Proof(self.result[0], by=(*rest, *((*c, begun) for c in per))),
                Proof(self.result[1], by=(*rest, *((*c, f) for c in per for f in (whole, 4)))),
            ),
            given,
            here,
            false=(
                ("k1 + 2 for k1 + 3", C * (regret + self.begun) >= 2 * t - 2 * C * (k1 + 2), given, here),
                ("3T for 2T", C * (regret + self.begun) >= 3 * t - 2 * C * (k1 + 3), given, here),
                ("without T <= C (k + 1)", self.result[0], without(WITHIN, given), {**here, "T": Q(99)}),
            ),
        )


def argue(rule: str = "adam_analysed") -> Argument:
    """The argument about the rule as it runs."""
    of = Regret(rule)
    return Argument(
        (*of.common(), of.stays(), of.losses(), of.cost(), of.never(), of.linear(), of.total()),
        assumes=(*of.assumes, *INSIDE, SHARP, SHORT, REACHED, LONG, WITHIN),
    )


luo2019_regret = theorem(
    "luo2019_regret",
    "Adam (beta1 = 0) has linear regret if 16 beta2^(C-2) < 1: R_T >= 2T/C - constant.\n\n"
    "Let 0 < beta2 < 1, C >= 3, 16 beta2^(C-2) < 1, alpha > 0, v_0 = 0 and x_1 in F. On luo2019_periodic with "
    "adam_analysed, beta1 = 0 (or rmsprop), let k1 be a period that begins at x >= 0 and from which on "
    "4 (1 - beta2)(k C + 2) >= alpha^2; luo2019_escape shows that there is one. Then every period from k1 on "
    "begins at x >= 0, and R_T >= 2T/C - 2 (k1 + 3) for every T > k1 C. So R_T/T does not go to 0.\n\n"
    "Over the reals, for all real beta2, every alpha > 0, every x_1 in F and all T.",
    "Luo, Xiong, Liu and Sun 2019, Theorem 1, at the sharp threshold instead of the paper's condition",
    argue,
    remarks=WALLS + "The paper's condition implies the one here (luo2019_condition_implies_sharp).",
)
