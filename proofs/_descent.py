"""The steps of one round that all chains share: it stays in F, and moves towards any u in F up to m'^2/w'.

m' (x - u)  <=  w'/2 ((x - u)^2 - (x' - u)^2) + m'^2/(2 w')
w'/2 (x - u)^2  <=  D^2/2 max(0, w' - w) + w/2 (x - u)^2
R <= L,   as  f_t(x_t) - f_t(u) <= <g_t, x_t - u>
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction as Q
from typing import Any

from proofs._regret import (
    CONVEX,
    ENDS,
    HIGH,
    LINEAR,
    LOW,
    NEAR,
    NONE,
    NONNEGATIVE,
    SOME,
    SUPPOSED,
    U_HIGH,
    U_LOW,
    WIDE,
    X_HIGH,
    X_LOW,
    Coordinate,
    all_l,
    all_pv,
    first_x,
    inner,
    lower,
    own_e,
    own_pv,
    regret,
    side,
    u,
    upper,
    w,
    w_0,
    w_1,
    x,
)
from simlab.checker import Fact, Polynomial, Proof, Square, letter, polynomial
from simlab.claims import Step
from simlab.lemma import Point, induction, lemma, without


class Descent(Coordinate):
    """Facts about one round, and the steps that show them and lead from what a chain shows to its bound."""

    right: str  # a chain's bound on the regret, as text
    total: Fact  # its invariant of one coordinate
    one: Fact  # its bound of one coordinate
    all: Fact  # of all coordinates
    result: Fact  # of the regret

    def __init__(self, rule: Any, **more: Any) -> None:
        super().__init__(rule, **more)
        self.e_step = self.adds("energy")
        self.pv_step = self.weight - w if self.monotone else self.adds("variation") - w
        self.moved, self.descended = self.increment["projection"]
        self.squares = self.increment["variation"][0]
        self.after, self.ahead = (k * (z - u) * (z - u) / 2 for k, z in ((self.weight, self.x), (w, x)))
        # what the steps below show
        self.heavy = self.weight > 0
        self.clipped = self.x >= lower
        self.nonexpansive = (self.x - u) * (self.x - u) <= (self.y - u) * (self.y - u)
        self.projection = self.moved <= self.descended
        self.variation = self.squares + self.after <= side * side * self.pv_step / 2 + self.ahead

    @property
    def assumes(self) -> tuple[Fact, ...]:
        """The definitions of letters, and what is supposed of F, u, the losses and beta1."""
        return (*self.reading.defined, *SUPPOSED, self.beta_low)

    def book(self) -> Step:
        """The ledger adds coordinates up, and its first row is that of a round with m = w = 0."""
        names, pairs = ("x", "g", "m", "w"), (1, 2)
        one, two = (
            {n: [letter(f"{n}{i}_{k}") for i in pairs] for n in names}
            | {"beta1": letter(f"beta_{k}"), "r": polynomial(0)}
            for k in pairs
        )
        two |= {"next": [letter(f"x{i}_3") for i in pairs]}
        best = [letter(f"u{i}") for i in pairs]

        def alone(i: int, k: Mapping[str, Any]) -> dict[str, Any]:
            return {n: v[i] if isinstance(v, list) else v for n, v in k.items()}

        both = self.ledger(one, two, best=best)
        each = [self.ledger(alone(i, one), alone(i, two), best=best[i]) for i in (0, 1)]
        start = {n: letter(n) for n in ("x", "g", "r", "beta1")} | {"m": letter("mean"), "w": w_1, "next": self.x}
        first, later = self.ledger(start), self.increments(start, self.before(m=polynomial(0), w=w_0))
        rise = self.reading.maximum(w_1 - w_0, 0)
        up, _, is_rise = self.reading.about(rise)
        given, here = (NONE, SOME, up, is_rise), self.reading.point(w_0=0, w_1=1)
        doubled: dict[str, Any] = {f"{n}{i}_{k}": 1 for n in names for i in pairs for k in pairs}
        doubled |= {"beta_1": 0, "beta_2": 0, "x1_3": 0, "x2_3": 0, "u1": 0, "u2": 0, "beta1": 0}
        return lemma(
            "ledger",
            "every row of the ledger is the sum of its coordinates', and the first round's is a later round's with "
            "m = w = 0",
            (
                *(Proof(a == b + c) for n in both for a, b, c in zip(both[n], *(k[n] for k in each), strict=True)),
                *(Proof(a == b.at({str(rise): w_1})) for n in first for a, b in zip(first[n], later[n], strict=True)),
                Proof(rise == w_1, times=((SOME,), (up,)), modulo=((1, is_rise), (-w_1, NONE))),
            ),
            given,
            here,
            false=(
                ("the first rise is 0", rise == 0, given, here),
                ("without w_0 = 0", rise == w_1, without(NONE, given), self.reading.point(w_0=Q(1, 2), w_1=1)),
                (
                    "one coordinate is all",
                    both["projection"][0] == each[0]["projection"][0],
                    (),
                    self.reading.point(**doubled),
                ),
            ),
        )

    def clips(self) -> Step:
        """p = x' - lower obeys (a + b) p = p^2 + a b for a = max(y, lower) - lower and b = upper - lower."""
        (_, floor, _), (_, _, is_x) = self.about(self.raised, self.x)
        given, here, square = (ENDS, floor, is_x), self.point(), (Square(self.x - lower),)
        return lemma(
            "clipped",
            "x' >= lower",
            (Proof(self.clipped, times=((floor,), (ENDS,)), by=(square, (floor, ENDS)), modulo=((-1, is_x),)),),
            given,
            here,
            false=(
                ("at the upper end", self.x >= upper, given, here),
                ("without the clip from below", self.clipped, without(floor, given), self.at(-2, -2)),
                ("without the clip from above", self.clipped, without(is_x, given), self.at(0, -2)),
            ),
        )

    def at(self, raised: int, after: int) -> Mapping[str, Any]:
        """The point with these max(y, lower) and x'."""
        return {**self.point(), str(self.raised): Q(raised), str(self.x): Q(after)}

    def inside(self) -> Step:
        """F is never left."""
        _, ceiling, _ = self.reading.about(self.x)
        given, now = (X_LOW, X_HIGH, self.clipped, ceiling), (X_LOW, X_HIGH, self.clipped, ceiling, LOW, HIGH)
        return induction(
            "inside",
            "lower <= x <= upper in every round, by induction",
            base=(Proof(LOW, by=((X_LOW,),)), Proof(HIGH, by=((X_HIGH,),))),
            turn=(Proof(LOW, by=((self.clipped,),)), Proof(HIGH, by=((ceiling,),))),
            start={"x": first_x},
            after={"x": self.x},
            given=given,
            witness=self.point(),
            false=(
                ("strictly", self.x < upper, now, self.at(3, 1)),
                ("in the left half", self.x <= 0, now, self.at(3, 1)),
                ("without the clip", self.x <= upper, without(ceiling, now), self.at(3, 3)),
            ),
        )

    def distance(self) -> Step:
        """|x - u| <= D."""
        given, here = (LOW, HIGH, U_LOW, U_HIGH, WIDE), self.point()
        return lemma(
            "distance",
            "-D <= x - u <= D",
            (Proof(NEAR[0], by=((WIDE,), (HIGH,), (U_LOW,))), Proof(NEAR[1], by=((WIDE,), (LOW,), (U_HIGH,)))),
            given,
            here,
            false=(
                ("half of it", side - 2 * (x - u) >= 0, given, here),
                ("without x <= upper", NEAR[0], without(HIGH, given), self.point(x=3)),
                ("with a smaller D", NEAR[0], without(WIDE, given), self.point(D=1)),
            ),
        )

    def weighs(self) -> Step:
        """w' > 0."""
        ((is_weight,),) = self.about(self.weight)
        given, here, name = (self.positive, is_weight), self.point(), str(self.weight)
        part = next(iter(self.rate.terms))[0]
        return lemma(
            "weight",
            "w' = 1/rate > 0",
            (Proof(self.heavy, times=((self.positive,),), by=((1,),), modulo=((1, is_weight),)),),
            given,
            here,
            false=(
                ("w' > 9", self.weight > 9, given, here),
                ("without rate > 0", self.heavy, (is_weight,), {**here, part: -here[part], name: -here[name]}),
                ("another w'", self.heavy, (self.positive,), {**here, name: Q(-1)}),
            ),
        )

    def nonexpands(self) -> Step:
        """Clipping brings y no farther from any u in F."""
        z, both = self.raised, self.about(self.raised, self.x)
        (up, _, is_z), (down, _, is_x) = both
        given, here, far = (*both[0], *both[1], U_LOW, U_HIGH), self.point(), self.point(alpha=9, g=9)
        by = ((Square(z - self.y),), (2, up, U_LOW), (Square(z - self.x),), (2, down, U_HIGH))
        return lemma(
            "projection",
            "(x' - u)^2 <= (y - u)^2",
            (Proof(self.nonexpansive, by=by, modulo=((-2, is_z), (-2, is_x))),),
            given,
            here,
            false=(
                (
                    "by a half",
                    2 * (self.x - u) * (self.x - u) <= (self.y - u) * (self.y - u),
                    given,
                    self.point(alpha=Q(1, 8)),
                ),
                ("it is y", self.x == self.y, given, far),
                ("for u outside of F", self.nonexpansive, without(U_LOW, given), {**far, "u": self.y.value(far)}),
            ),
        )

    def projects(self) -> Step:
        """m' (x - u) <= w'/2 ((x - u)^2 - (x' - u)^2) + m'^2/(2 w')."""
        (is_weight,), (is_inverse,) = self.about(self.weight, self.inverse)
        given, here, mean = (self.heavy, self.nonexpansive, is_weight, is_inverse), self.point(), self.mean
        shrunk = (x - u) * mean - (self.rate + self.inverse) * mean * mean / 2
        return lemma(
            "descent",
            "m' (x - u) <= w'/2 ((x - u)^2 - (x' - u)^2) + m'^2/(2 w')",
            (
                Proof(
                    self.projection,
                    by=((Q(1, 2), self.heavy, self.nonexpansive),),
                    modulo=((shrunk, is_weight), (self.rate * mean * mean / 2, is_inverse)),
                ),
            ),
            given,
            here,
            false=(
                ("without m'^2/(2 w')", self.moved <= self.descended - self.e_step / 2, given, here),
                ("with a half of it", self.moved <= self.descended - self.e_step / 4, given, here),
                ("farther from u", self.projection, without(self.nonexpansive, given), {**here, str(self.x): Q(5)}),
            ),
        )

    def varies(self) -> Step:
        """What the change of the weight costs."""
        low, high = NEAR
        if self.monotone:
            given: tuple[Fact, ...] = (self.rises, *NEAR)
            by: tuple[tuple, ...] = ((Q(1, 2), self.rises, low, high),)
            rise = "(w' - w)"
        else:
            up, rising, _ = self.reading.about(self.rise)
            given = (up, rising, *NEAR)
            by = ((Q(1, 2), rising, low, high), (Q(1, 2), up, Square(x - u)))
            rise = "max(0, w' - w)"
        here, cost, spent = self.point(), side * side * self.pv_step / 2, self.squares + self.after
        return lemma(
            "variation",
            f"w'/2 (x - u)^2 <= D^2/2 {rise} + w/2 (x - u)^2",
            (Proof(self.variation, by=by),),
            given,
            here,
            false=(
                ("with D^2/4", spent <= cost / 2 + self.ahead, given, here),
                ("for nothing", spent <= self.ahead, given, here),
                ("without x - u <= D", self.variation, without(low, given), self.point(D=1, u=-1)),
            ),
        )

    def linearise(self) -> Step:
        """Convex losses: R <= L."""
        left, _ = self.increment["convexity"]
        here = {"R": Q(0), "L": Q(0), "r": Q(1), "inner": Q(1)}
        after, now = {"R": regret + left, "L": all_l + inner}, (CONVEX, LINEAR)
        return induction(
            "convexity",
            "R <= L, as f_t(x_t) - f_t(u) <= <g_t, x_t - u> in every round, by induction",
            base=(Proof(LINEAR),),
            turn=(Proof(LINEAR, by=((LINEAR,), (CONVEX,))),),
            start={"R": polynomial(0), "L": polynomial(0)},
            after=after,
            given=(CONVEX,),
            witness=here,
            false=(
                ("strictly", (all_l - regret > 0).at(after), now, here),
                ("without convexity", LINEAR.at(after), (LINEAR,), {**here, "r": Q(2)}),
                ("half of it", (all_l - 2 * regret >= 0).at(after), now, here),
            ),
        )

    def along(self, words: str, turn: Proof, given: tuple[Fact, ...], more: dict[str, Polynomial]) -> Step:
        """`total` in every round; `more`: what its letters become besides those that all invariants have."""
        given, here = (*given, self.heavy), self.point()
        after = {"pv": own_pv + self.pv_step, "e": own_e + self.e_step, "w": self.weight, "x": self.x} | more
        now = (*given, self.total, NONNEGATIVE)
        return induction(
            "coordinate",
            f"{words} in every round, by induction",
            base=(Proof(self.total), Proof(NONNEGATIVE)),
            turn=(turn, Proof(NONNEGATIVE, by=((self.heavy,),))),
            start=dict.fromkeys(after, polynomial(0)) | {"x": first_x},
            after=after,
            given=given,
            witness=here,
            false=(
                ("without what pv adds", self.total.at({**after, "pv": own_pv}), now, here),
                ("without what e adds", self.total.at({**after, "e": own_e}), now, here),
                ("with 2 l", self.total.at({**after, "l": 2 * after["l"]}), now, here),
            ),
        )

    def across(self, after: dict[str, Polynomial], tighter: tuple[str, Fact], here: Point) -> Step:
        """`all`, from `one` in every coordinate; `tighter`: a stronger claim that is false at `here`."""
        (text, claim), now = tighter, (self.one, self.all)
        return induction(
            "all coordinates",
            f"L <= {self.right}, by induction on the coordinates",
            base=(Proof(self.all),),
            turn=(Proof(self.all, by=((self.all,), (self.one,))),),
            start=dict.fromkeys(after, polynomial(0)),
            after=after,
            given=(self.one,),
            witness=here,
            false=(
                (text, claim.at(after), now, here),
                ("without the last pv", self.all.at({**after, "PV": all_pv}), now, here),
                ("without the last coordinate's bound", self.all.at(after), (self.all,), {**here, "l": Q(9)}),
            ),
        )

    def conclude(self) -> Step:
        """R <= L <= the bound."""
        given, here, room = (LINEAR, self.all), self.point(R=2, L=2, PV=1), self.result.polynomial
        return lemma(
            "master",
            f"R <= {self.right}",
            (Proof(self.result, by=((LINEAR,), (self.all,))),),
            given,
            here,
            false=(
                ("strictly", room > 0, given, here),
                ("without PV", self.result.at({"PV": polynomial(0)}), given, here),
                ("with 2 R", room - regret >= 0, given, here),
            ),
        )

    def round(self) -> tuple[Step, ...]:
        """The steps about the round."""
        wall = self.clips(), self.inside(), self.distance()
        return (*wall, self.weighs(), self.nonexpands(), self.projects(), self.varies())
