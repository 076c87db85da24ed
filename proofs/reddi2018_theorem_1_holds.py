"""Reddi et al.'s Theorem 1: Adam (beta1 = 0) has regret R_T >= (2C - 4) T/3, from x_1 = 1 and for every step size.

    a cycle takes x to min(1, x + alpha (sqrt(N + 3) - sqrt(N))/96) at least, whatever the walls do,
    so a cycle that begins at 1 ends there, and costs C + (C - 2) - 1 - 1 = 2C - 4 at least against u = -1

Reddi, Kale and Kumar (2018), "On the convergence of Adam and beyond", Theorem 1; the proof is this project's.
"""

from __future__ import annotations

from fractions import Fraction as Q
from typing import Any

from proofs._luo2019 import A0, N, alpha, v, x
from proofs._reddi2018 import LARGE, NOTATION, C
from proofs._reddi2018_moves import MARGIN, Moves, product
from simlab.checker import Proof, Square, letter, polynomial
from simlab.claims import Argument, Step, theorem
from simlab.lemma import Point, induction, lemma, without

RATE = MARGIN / 12  # 1/96: of alpha (sqrt(N + 3) - sqrt(N)), what a cycle moves x at least
SLOWER = Q(1, 100)  # below it, so that an induction has room
LOW, HIGH = x >= -1, x <= 1
X1, X0, ROOT0, X_K1 = (letter(name) for name in ("x_1", "x_k0", "sqrt(N_k0)", "x_k1"))
INSIDE, REACHED, STAYS = (X1 >= -1, X1 <= 1), X_K1 >= 1, x >= 1
regret, regret1, k, k1 = (letter(name) for name in ("R", "R_k1", "k", "k1"))
EARLY, LINEAR = regret1 >= -4 * k1, regret >= (2 * C - 4) * k - 2 * C * k1


class Regret(Moves):
    """The three rounds of a cycle with the walls of F, and what they cost against u = -1."""

    def __init__(self, rule: str) -> None:
        super().__init__(rule)
        minimum, maximum, about = self.reading.minimum, self.reading.maximum, self.reading.about
        played = self.first, self.second, self.third
        n, *_, n3 = self.rounds
        s1, _, s3 = self.moves
        self.y1, self.y2, self.y3 = (r.x for r in played)
        # the code clips by a maximum and then a minimum; another way would have other facts, and no proof below
        self.raised = tuple(maximum(r.proposal, -1) for r in played)
        self.up, self.floors, _ = zip(*map(about, self.raised), strict=True)
        _, self.highs, self.are = zip(*map(about, (self.y1, self.y2, self.y3)), strict=True)
        u = polynomial(-1)
        costs = [r.loss - self.play(N, phase, u, v)[0].loss for phase, r in enumerate(played, 1)]
        self.costs = costs[0], costs[0] + costs[1], costs[0] + costs[1] + costs[2]  # after 1, 2 and 3 rounds
        self.gain = alpha * (n3 - n)
        self.aim = minimum(1, x + RATE * self.gain)
        self.target = X0 + SLOWER * alpha * (n - ROOT0)
        self.begun, self.goal, self.next_goal = (minimum(1, self.target.at({str(n): root})) for root in (ROOT0, n, n3))
        # what the steps below show
        self.first_clip = self.y1 >= x + s1
        self.ahead = self.y2 + s3 > self.aim
        self.turn = self.y3 >= self.aim
        self.near = self.goal + SLOWER * self.gain >= self.next_goal
        self.reach = x >= self.goal
        self.least = self.costs[2] >= -4
        self.dear = tuple(c >= at for c, at in zip(self.costs, (2 * C, 2 * C - 2, 2 * C - 4), strict=True))
        self.result = tuple(
            3 * (regret + c) >= (2 * C - 4) * (3 * k + i) - 6 * C * k1 for i, c in enumerate(self.costs, 1)
        )

    def goes(self, **more: Any) -> Point:
        """A point in cycle k0 itself."""
        return self.point(**({"x_k0": 0, str(ROOT0): 1} | more))

    def feasible(self) -> Step:
        """-1 <= x <= 1 before every cycle."""
        floor, is_y3 = self.floors[2], self.are[2]
        given, here = (*INSIDE, floor, self.highs[2], is_y3), self.point(x_1=0)
        now = (*given, LOW, HIGH)
        return induction(
            "feasible",
            "-1 <= x <= 1 before every cycle, by induction from x_1 in F",
            base=(Proof(LOW, by=((INSIDE[0],),)), Proof(HIGH, by=((INSIDE[1],),))),
            turn=(
                Proof(
                    LOW,
                    times=((floor,), (2,)),
                    by=((2, floor), (Square(self.y3 + 1),)),
                    modulo=((-1, is_y3),),
                ),
                Proof(HIGH, by=((self.highs[2],),)),
            ),
            start={"x": X1},
            after={"x": self.y3},
            given=given,
            witness=here,
            false=(
                ("x >= 1", self.y3 >= 1, now, here),
                ("x <= 0", self.y3 <= 0, now, here),
                (
                    "without the wall",
                    self.y3 >= -1,
                    without(floor, now),
                    {**here, str(self.y3): Q(-2), str(self.raised[2]): Q(-2)},
                ),
            ),
        )

    def clip(self) -> Step:
        """The wall at 1 takes nothing from a move to the left, and the wall at -1 adds to it."""
        (s1, *_), up, is_y1, here = self.moves, self.up[0], self.are[0], self.point()
        given = (HIGH, self.left, up, is_y1)
        return lemma(
            "first clip",
            "y1 >= x + s1",
            (
                Proof(
                    self.first_clip,
                    times=((up,), (self.left,), (HIGH,)),
                    by=((up, HIGH), (up, self.left), (Square(self.y1 - x - s1),)),
                    modulo=((-1, is_y1),),
                ),
            ),
            given,
            here,
            false=(
                ("y1 >= x", self.y1 >= x, given, here),
                ("without x <= 1", self.first_clip, without(HIGH, given), self.point(x=3)),
                ("without s1 < 0", self.first_clip, without(self.left, given), self.point(alpha=-2)),
            ),
        )

    def clip_again(self) -> Step:
        """y2 is 1 or max(y1 + s2, -1), so a = y2 + s3 - aim is 1 + s3 - aim or max(y1 + s2, -1) + s3 - aim."""
        s3, here = self.moves[2], self.point()
        top, along, _ = self.reading.about(self.aim)
        given = (self.first_clip, self.up[1], self.are[1], self.right3, top, along, self.climb)
        wall = (top,), (self.right3,)  # 1 + s3 - aim
        free = (self.up[1],), (self.first_clip,), (along,), (Q(1, 12), self.climb)  # max(y1 + s2, -1) + s3 - aim
        high = self.point(x=Q(9, 10))
        back = {str(self.y2): Q(-1), str(self.raised[1]): Q(-1)}
        fallen = {str(self.y1): Q(-1), str(self.y2): Q(-1, 3), str(self.raised[1]): Q(-1, 3)}
        return lemma(
            "second clip",
            "y2 + s3 > min(1, x + alpha (sqrt(N + 3) - sqrt(N))/96)",
            (
                Proof(
                    self.ahead,
                    times=(*wall, *free),
                    by=(*product(wall, free), (Square(self.y2 + s3 - self.aim),)),
                    modulo=((-1, self.are[1]),),
                ),
            ),
            given,
            here,
            false=(
                ("y2 > the same", self.y2 > self.aim, given, self.point(x=1)),
                ("without the first clip", self.ahead, without(self.first_clip, given), {**high, **fallen}),
                ("without the second move", self.ahead, without(self.up[1], given), {**high, **back}),
            ),
        )

    def cycle(self) -> Step:
        """y3 is 1, or y2 + s3 at least."""
        top, _, _ = self.reading.about(self.aim)
        up, is_y3, here = self.up[2], self.are[2], self.point()
        given, free = (self.ahead, up, is_y3, top), ((up,), (self.ahead,))
        back = {str(self.y3): Q(-1), str(self.raised[2]): Q(-1)}
        return lemma(
            "cycle",
            "y3 >= min(1, x + alpha (sqrt(N + 3) - sqrt(N))/96)",
            (
                Proof(
                    self.turn,
                    times=((top,), *free),
                    by=(*product(((top,),), free), (Square(self.y3 - self.aim),)),
                    modulo=((-1, is_y3),),
                ),
            ),
            given,
            here,
            false=(
                ("y3 > the same", self.y3 > self.aim, given, self.point(x=1)),
                ("y3 >= x + s1 + s2 + s3", self.y3 >= x + self.net, given, self.point(x=1)),
                ("without the third move", self.turn, without(up, given), {**here, **back}),
            ),
        )

    def goals(self) -> Step:
        """The goal rises by alpha (sqrt(N + 3) - sqrt(N))/100 at most."""
        _, _, is_goal = self.reading.about(self.goal)
        top, along, _ = self.reading.about(self.next_goal)
        given, here = (A0, self.later, is_goal, top, along), self.goes()
        wall, free = ((top,), (SLOWER, A0, self.later)), ((along,),)
        return lemma(
            "goal",
            "min(1, x_k0 + alpha (sqrt(N) - sqrt(N_k0))/100) rises by alpha (sqrt(N + 3) - sqrt(N))/100 at most",
            (
                Proof(
                    self.near,
                    times=(*wall, *free),
                    by=(*product(wall, free), (Square(self.near.polynomial),)),
                    modulo=((-1, is_goal),),
                ),
            ),
            given,
            here,
            false=(
                ("by nothing", self.goal >= self.next_goal, given, here),
                ("without the wall", self.near, without(top, given), {**self.goes(x_k0=2), str(self.next_goal): Q(2)}),
                ("another goal", self.near, without(is_goal, given), {**here, str(self.goal): Q(-9)}),
            ),
        )

    def reaches(self) -> Step:
        """By induction, as alpha/96 is more than alpha/100."""
        _, _, is_aim = self.reading.about(self.aim)
        top, _, _ = self.reading.about(self.next_goal)
        _, start, _ = self.reading.about(self.begun)
        given, here = (A0, self.later, self.near, self.turn, top, start, is_aim), self.goes()
        free = (self.reach,), (self.near,), (RATE - SLOWER, A0, self.later)  # x + alpha (...)/96 - next goal
        either, now = ((top,), *free), (*given, self.reach)
        after = self.y3 >= self.next_goal
        return induction(
            "reach",
            "x >= min(1, x_k0 + alpha (sqrt(N) - sqrt(N_k0))/100) from cycle k0 on, by induction",
            base=(Proof(self.reach, by=((start,),)),),
            turn=(
                Proof(
                    self.reach,
                    times=either,
                    by=(
                        *product(either, ((self.turn,),)),
                        *product(((top,),), free),
                        (Square(self.aim - self.next_goal),),
                    ),
                    modulo=((-1, is_aim),),
                ),
            ),
            start={"x": X0, str(self.goal): self.begun},
            after={"x": self.y3, str(self.goal): self.next_goal},
            given=given,
            witness=here,
            false=(
                ("x >= 1", self.y3 >= 1, now, self.goes(x=-1, x_k0=-1)),
                ("without the cycle", after, without(self.turn, now), {**here, str(self.y3): Q(-1)}),
                ("without the goal so far", after, without(self.reach, now), self.goes(x=-1, x_k0=Q(1, 2))),
            ),
        )

    def stays(self) -> Step:
        """min(1, x + something positive) = 1."""
        top, _, is_aim = self.reading.about(self.aim)
        given, here = (A0, REACHED, self.later, self.turn, top, is_aim), self.point(x=1, x_k1=1)
        more, now = ((STAYS,), (RATE, A0, self.later), (top,)), (*given, STAYS)  # x + alpha (...)/96 - aim
        return induction(
            "stays",
            "x >= 1 before every cycle from k1 on, by induction",
            base=(Proof(STAYS, by=((REACHED,),)),),
            turn=(Proof(STAYS, times=more, by=product(more, ((self.turn,),)), modulo=((-1, is_aim),)),),
            start={"x": X_K1},
            after={"x": self.y3},
            given=given,
            witness=here,
            false=(
                ("x >= 2", self.y3 >= 2, now, here),
                ("without the cycle", self.y3 >= 1, without(self.turn, now), {**here, str(self.y3): Q(0)}),
                ("without x >= 1", self.y3 >= 1, without(STAYS, now), self.point(x=0, x_k1=1)),
            ),
        )

    def losses(self) -> Step:
        """What a cycle costs at least, wherever it begins: C (x + 1) - (y1 + 1) - (y2 + 1)."""
        given, here = (LARGE, LOW, *self.highs[:2]), self.point(x=-1, alpha=2)
        walls = tuple((f,) for f in self.highs[:2])
        return lemma(
            "losses",
            "against u = -1 a cycle costs -4 at least",
            (Proof(self.least, by=((2, LOW), (LARGE, LOW), *walls)),),
            given,
            here,
            false=(
                ("-1 at least", self.costs[2] >= -1, given, here),
                ("without x >= -1", self.least, without(LOW, given), {**here, "x": Q(-9)}),
                ("without the wall", self.least, without(self.highs[0], given), {**here, str(self.y1): Q(9)}),
            ),
        )

    def cost(self) -> Step:
        """A cycle that begins at 1 costs C (x - 1) more than what is claimed of it, and what the walls leave."""
        given, here = (LARGE, STAYS, *self.highs[:2]), self.point(x=1)
        begin, walls = ((2, STAYS), (LARGE, STAYS)), tuple((f,) for f in self.highs[:2])  # C (x - 1)
        return lemma(
            "cost",
            "from x = 1 it costs 2C at least after its first round, 2C - 2 after its second and 2C - 4 after its third",
            (
                Proof(self.dear[0], by=begin),
                Proof(self.dear[1], by=(*begin, walls[0])),
                Proof(self.dear[2], by=(*begin, *walls)),
            ),
            given,
            here,
            false=(
                ("2C at least after its second round", self.costs[1] >= 2 * C, given, self.point(x=1, alpha=Q(1, 9))),
                ("without x >= 1", self.dear[2], without(STAYS, given), {**here, "x": Q(0)}),
                ("without the wall", self.dear[1], without(self.highs[0], given), {**here, str(self.y1): Q(9)}),
            ),
        )

    def early(self) -> Step:
        """What the cycles before k1 cost."""
        later, given, here = regret1 + self.costs[2], (self.least,), self.point(R_k1=0, k1=0, x=-1)
        now, due = (*given, EARLY), later >= -4 * (k1 + 1)
        return induction(
            "early",
            "R_(3 k1) >= -4 k1, by induction on k1",
            base=(Proof(EARLY),),
            turn=(Proof(EARLY, by=((EARLY,), (self.least,))),),
            start={str(regret1): 0, "k1": 0},
            after={str(regret1): later, "k1": k1 + 1},
            given=given,
            witness=here,
            false=(
                ("R_(3 k1) >= 0", later >= 0, now, self.point(R_k1=0, k1=0, x=-1, alpha=2)),
                ("without the cost", due, (EARLY,), {**here, "x": Q(-9)}),
                ("without the regret so far", due, given, {**here, "R_k1": Q(-9)}),
            ),
        )

    def linear(self) -> Step:
        """What the cycles from k1 on cost."""
        later, cost = regret + self.costs[2], self.dear[2]
        given, here = (EARLY, cost), self.point(R_k1=0, R=0, k=0, k1=0, x=1)
        now, due = (*given, LINEAR), later >= (2 * C - 4) * (k + 1) - 2 * C * k1
        return induction(
            "linear",
            "R_(3k) >= (2C - 4) k - 2 C k1 for k >= k1, by induction on k",
            base=(Proof(LINEAR, by=((EARLY,),)),),
            turn=(Proof(LINEAR, by=((LINEAR,), (cost,))),),
            start={"R": regret1, "k": k1},
            after={"R": later, "k": k + 1},
            given=given,
            witness=here,
            false=(
                ("2 C k", later >= 2 * C * (k + 1) - 2 * C * k1, now, here),
                ("without the cost", due, without(cost, now), {**here, "x": Q(-1)}),
                ("without the regret so far", due, given, {**here, "k": Q(50)}),
            ),
        )

    def total(self) -> Step:
        """R_T >= (2C - 4) T/3 - 2 C k1, within a cycle too."""
        given, here = (LARGE, LINEAR, *self.dear), self.point(R=0, k=0, k1=0, x=1)
        first, second, third = self.dear
        return lemma(
            "total",
            "3 R_T >= (2C - 4) T - 6 C k1 for T = 3k + 1, 3k + 2 and 3k + 3, k >= k1",
            (
                Proof(self.result[0], by=((3, LINEAR), (3, first), (4, LARGE), (12,))),
                Proof(self.result[1], by=((3, LINEAR), (3, second), (2, LARGE), (6,))),
                Proof(self.result[2], by=((3, LINEAR), (3, third))),
            ),
            given,
            here,
            false=(
                ("2C T", 3 * (regret + self.costs[2]) >= 2 * C * (3 * k + 3) - 6 * C * k1, given, here),
                ("without the cost", self.result[0], without(first, given), {**here, "x": Q(-1), str(self.y1): Q(-9)}),
                ("without the regret so far", self.result[2], without(LINEAR, given), {**here, "k": Q(50)}),
            ),
        )


def argue(rule: str = "adam_analysed") -> Argument:
    """The argument about the rule as it runs."""
    of = Regret(rule)
    steps = (
        *of.common(), of.feasible(), of.clip(), of.clip_again(), of.cycle(), of.goals(), of.reaches(), of.stays(),
        of.losses(), of.early(), of.cost(), of.linear(), of.total(),
    )  # fmt: skip
    return Argument(steps, assumes=(*of.assumes, *INSIDE, REACHED))


reddi2018_theorem_1_holds = theorem(
    "reddi2018_theorem_1_holds",
    "Adam (beta1 = 0) has regret R_T >= (2C - 4) T/3 on Reddi et al.'s three-round problem, from x_1 = 1.\n\n"
    "Let C > 2, 0 <= beta2 <= 1/(1 + C^2), alpha > 0, v_0 = 0 and x_1 in F = [-1, 1]. On reddi2018_periodic with "
    "adam_analysed, beta1 = 0 (or rmsprop), let x_(k) be the decision with which cycle k = 0, 1, ... begins, that of "
    "round N_k = 3k + 1.\n\n"
    "(a) x_(k) >= min(1, x_(k0) + alpha (sqrt(N_k) - sqrt(N_k0))/100) for k >= k0 >= 0.\n"
    "(b) If x_(k1) = 1, the worst decision, then x_(k) = 1 for every k >= k1, and R_T >= (2C - 4) T/3 - 2C k1 for "
    "every T > 3 k1.\n\n"
    "So R_T >= (2C - 4) T/3 for every T from x_1 = 1, where k1 = 0. From any other x_1, (a) gives x_(k1) = 1 once "
    "alpha (sqrt(N_k1) - 1) >= 100 (1 - x_1). In either case R_T/T does not go to 0.\n\n"
    "Over the reals, for all real C and beta2, every alpha > 0, every x_1 in F and all T.",
    "Reddi, Kale and Kumar 2018, Theorem 1 (there beta2 = 1/(1 + C^2), alpha < sqrt(1 - beta2) and x_1 = 1)",
    argue,
    remarks=NOTATION + "R is the regret against u = -1, which is at most R_T. The condition alpha < sqrt(1 - beta2) "
    "keeps every decision positive, and is not needed. sqrt(2/N) <= 1/sqrt(N + 1) + 1/sqrt(N + 2), by which s2 and s3 "
    "make up for half of s1 each, is false for N = 1; the steps here share s1 out in the proportion 4 + beta2 to "
    "33/8 - beta2, which serves the first cycle and all others. The condition on beta2 is not sharp.",
)
