"""Where a rule goes on a periodic linear problem as T -> infinity: its steady state and the drift.

    u_i = rate * direction in phase i of the steady state (alpha = 1, without the schedule)
    D = -(u_1 + ... + u_P)                 x moves by s(t) alpha D per period
    G = g_1 + ... + g_P                    right-signed: D G < 0,  wrong-signed: D G > 0,  neutral: D = 0

The gradients of a linear problem do not depend on x, so the state is an open loop. Each of its components, traced
through the rule's own source with those before it known, must change in a round by

    z -> max(a z + c, d)        with a >= 0 and c, d known                                                  (*)

(moving averages: d = -inf; AMSGrad: a = 1, c = 0; AdaMax: c = 0). Such maps are closed under composition, so a period
is one of them, z -> max(A z + B, D), and the steady state is its limit from the initial value z_0: max(B/(1 - A), D)
if A < 1; max(z_0, D) if A = 1 and B = 0; and if A = 1 and B > 0 (AdaGrad), growth by B a period, so a step 1/sqrt(t).
What has A = 1 and B = 0 never forgets, so what it meets on the way must not exceed what it meets in the end: a and c
may depend on no other component, and d may rise with one that comes to its steady state from below.

Numbers are balls, so D is enclosed; where the ball holds 0, exact sums of square roots decide whether D = 0. With
floats a number may be an array of cells, many orbits at once.

With alpha/sqrt(t) x goes to the end of F that D points to, and stays behind it, before phase i, by alpha A_i/sqrt(t);

    D G > 0:  R_T/T -> |G| W/P         D G < 0:  R_T/sqrt(T) -> (2 alpha/P) sum_i sign(G) g_i A_i

with W the width of F.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
from flint import arb

from simlab import surd
from simlab.backends import arb as balls
from simlab.backends import reference as floats
from simlab.errors import BadInput, Undecided
from simlab.ops import PRIMITIVES, rebind
from simlab.protocol import bound_hyper
from simlab.rule import UpdateRule
from simlab.surd import Inexact
from simlab.trajectory import precision

FAR = 256  # a component that grows is looked at when it is 2^FAR times its growth a round
MOST_BITS = 2048  # beyond, a drift that still may be 0 is left undecided
EXACT_PERIOD = 400  # the longest period whose rationals are worth writing out to decide D = 0


@dataclass(frozen=True)
class Form:
    """max(a z + c, d) for the component z that is traced; d = None stands for -infinity."""

    __array_ufunc__ = None  # an array of cells on the left leaves the operation to this class

    a: Any
    c: Any
    d: Any = None  # OPAQUE where it is not known; a and c are known then all the same

    def __add__(self, other: Any) -> Any:
        if isinstance(other, Form):
            return Form(self.a + other.a, self.c + other.c) if self.d is None is other.d else OPAQUE
        return OPAQUE if other is OPAQUE else Form(self.a, self.c + other, None if self.d is None else self.d + other)

    __radd__ = __add__

    def __neg__(self) -> Any:
        return Form(-self.a, -self.c) if self.d is None else OPAQUE

    def __sub__(self, other: Any) -> Any:
        return self + (-other)

    def __rsub__(self, other: Any) -> Any:
        return -self + other

    def __mul__(self, k: Any) -> Any:
        if isinstance(k, (Form, Opaque)):
            return OPAQUE
        if self.d is None:
            return Form(self.a * k, self.c * k)
        return Form(self.a * k, self.c * k, self.d * k) if _all(k >= 0) else OPAQUE

    __rmul__ = __mul__


class Opaque:
    """What depends on the traced component in another way, or on the round; it may not reach the component itself."""

    __array_ufunc__ = None

    def __neg__(self) -> Opaque:
        return self

    def __add__(self, other: Any) -> Opaque:
        return self

    __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __add__


OPAQUE = Opaque()


def _all(condition: Any) -> bool:
    return bool(np.all(condition))


class Tracer:
    """A number system with one component a Form: what is not of the form (*) becomes OPAQUE."""

    def __init__(self, base: Any) -> None:
        self.base = base

    def __getattr__(self, name: str) -> Any:
        plain = getattr(self.base, name)

        def operation(*args: Any) -> Any:
            return OPAQUE if any(isinstance(a, (Form, Opaque)) for a in args) else plain(*args)

        return operation if name in PRIMITIVES.values() else plain

    def maximum(self, a: Any, b: Any) -> Any:
        """Of a Form and what it does not enter a Form, of numbers a number."""
        form, other = (a, b) if isinstance(a, Form) else (b, a)
        if not isinstance(form, Form) or isinstance(other, Form):
            return OPAQUE if isinstance(other, (Form, Opaque)) or isinstance(form, Opaque) else self.base.maximum(a, b)
        return replace(form, d=other if form.d is None else self.maximum(form.d, other))

    def divide(self, a: Any, b: Any) -> Any:
        """Of a Form by a number a Form."""
        if isinstance(a, Form) and not isinstance(b, (Form, Opaque)):
            return a * self.base.divide(1, b)
        return OPAQUE if isinstance(a, (Form, Opaque)) or isinstance(b, (Form, Opaque)) else self.base.divide(a, b)

    def number(self, x: Any) -> Any:
        """A number of the base; forms pass."""
        return x if isinstance(x, (Form, Opaque)) else self.base.number(x)


@dataclass(frozen=True)
class Orbit:
    """The steady state of a rule on a period of gradients.

    states: the state before each phase.    moves: u_i.    drift: D.    growing: the components of the state that grow
    without end, so that rates fall like 1/sqrt(t) by themselves.
    """

    rule: str
    gradients: tuple[Any, ...]
    states: list[tuple]
    moves: list[Any]
    drift: Any
    growing: tuple[str, ...]

    @property
    def total(self) -> Any:
        """G."""
        return sum(self.gradients[1:], self.gradients[0])

    def behind(self) -> list[Any]:
        """How far x is from the end that it goes to, before each phase, in units of alpha s(t), as t -> infinity.

        A_i = max(0, max_k u_(i-k) + ... + u_(i-1)) where D > 0 (x goes up), and the same with -u where D < 0.
        """
        up = self.drift > 0
        lag, out = balls.number(0), []
        for turn in range(2):  # Lindley's recursion: one turn from an empty queue reaches the periodic solution
            for u in self.moves:
                if turn:
                    out.append(lag)
                lag = balls.maximum(lag + (u if up else -u), 0)
        return out

    def regret(self) -> tuple[Any, Any]:
        """(lim R_T/T in units of the width of F, lim R_T/sqrt(T) in units of alpha), for steps alpha/sqrt(t).

        The first is positive where D G > 0, and R_T/sqrt(T) has no limit then (None); both None where D G may be 0.
        """
        P, G = len(self.gradients), self.total
        if self.drift * balls.number(G) > 0:
            return abs(G) / P, None
        if self.drift * balls.number(G) < 0:
            terms = [balls.number(g if G > 0 else -g) * a for g, a in zip(self.gradients, self.behind(), strict=True)]
            return Fraction(0), 2 * sum(terms, balls.number(0)) / P
        return None, None


def orbit(rule: UpdateRule, gradients: Sequence[Any], hyper: dict[str, Any], base: Any = balls) -> Orbit:
    """The steady state of `rule` on the gradients, repeated for ever; alpha is taken as 1.

    hyper: exact values of all hyperparameters. base: the number system, balls (at the precision that is set), surd, or
    floats (simlab.backends.reference), where gradients and hyperparameters may be arrays of one shape.
    Raises BadInput if all gradients are 0, and if a component of the state is not of the form (*) or has no limit.
    """
    if not any(np.any(v) for v in gradients):
        raise BadInput("all gradients are 0, so nothing moves and there is no drift")
    to, one = base.number, base.number(1)
    # at t = infinity AdaBound's corridor has closed
    forever = arb("inf") if base is balls else math.inf if base is floats else OPAQUE
    system = Tracer(base) if forever is OPAQUE else base
    traced, plain = rebind(rule.function, Tracer(base)), rebind(rule.function, system)
    g = [to(v) for v in gradients]
    values = bound_hyper(rule, hyper, to)
    names, growing = list(rule.state), []
    columns: list[list[Any]] = []  # per component, its value before each phase

    def after(k: int, i: int, known: dict[int, Any]) -> Any:
        """Component k after phase i, if no more than these components are known before it."""
        state = (known.get(j, OPAQUE) for j in range(len(names)))
        return traced(OPAQUE, one, g[i], *state, *values)[1][k]

    for k, name in enumerate(names):
        steps = []
        for i in range(len(g)):
            new = after(k, i, {**{j: column[i] for j, column in enumerate(columns)}, k: Form(one, to(0))})
            if not _takes(new):
                raise BadInput(
                    f"rule {rule.name}: its state {name!r} is not a moving average, a sum or a running maximum of what "
                    "the gradients determine, so its steady state cannot be solved for"
                )
            steps.append(new if isinstance(new, Form) else Form(to(0), to(new)))
        start, grows = _limit(rule, name, steps, base)
        if not (
            grows or _all(math.prod((s.a for s in steps), start=one) < 1) or _never_above(rule, k, after, columns, to)
        ):
            raise BadInput(
                f"rule {rule.name}: its state {name!r} never forgets, and may have met more on the way to the steady "
                "state than in it, which is not followed"
            )
        growing += [name] if grows else []
        columns.append([start] * len(g) if grows else _follow(start, steps, base))
    states = [tuple(column[i] for column in columns) for i in range(len(g))]
    moves = []
    for gradient, state in zip(g, states, strict=True):
        step, _ = plain(forever, one, gradient, *state, *values)
        move = system.scale(step.rate, step.direction)
        if isinstance(move, Opaque):
            raise Inexact("the rate depends on the round")
        if growing:
            more = [4 * s if n in growing else s for n, s in zip(names, state, strict=True)]
            quarter = plain(forever, one, gradient, *more, *values)[0]
            if np.any(gradient != 0) and not _all(abs(2 * quarter.rate / step.rate - 1) < 2.0**-40):
                raise BadInput(f"rule {rule.name}: its rate does not fall like 1/sqrt of its growing {growing[0]!r}")
            # the last gradient is to what has grown as 2^-FAR: a relative error of that order, taken into the ball
            move = move * to(2 ** (FAR // 2)) * (arb(1, arb(2) ** (32 - FAR)) if base is balls else 1)
        moves.append(move)
    drift = -sum(moves, to(0))
    return Orbit(rule.name, tuple(gradients), states, moves, drift, tuple(growing))


def _takes(new: Any) -> bool:
    """Whether a component after a round is of the form (*)."""
    known = not isinstance(new, Opaque) and not (isinstance(new, Form) and isinstance(new.d, Opaque))
    return known and (not isinstance(new, Form) or _all(new.a >= 0))


def _never_above(rule: UpdateRule, k: int, after: Callable, columns: list[list[Any]], to: Callable) -> bool:
    """Whether component k, begun at no more than its steady state, never exceeds it: see the head of this file."""
    one, low, drivers = to(1), to(-(2**FAR)), set()
    for i in range(len(columns[0]) if columns else 1):
        new = after(k, i, {k: Form(one, to(0))})  # nothing else is known
        if not isinstance(new, Form):
            return False
        if not isinstance(new.d, Opaque):
            continue
        others = {j: column[i] for j, column in enumerate(columns[:k])}
        steady = after(k, i, {**others, k: Form(one, to(0))})
        enters = [j for j in others if isinstance(after(k, i, {**others, j: OPAQUE, k: low}), Opaque)]
        if len(enters) != 1 or not _all(steady.d > steady.a * low + steady.c):
            return False
        (j,) = enters
        rising = after(k, i, {j: Form(one, to(0)), k: low})
        if not (isinstance(rising, Form) and _takes(rising)):
            return False
        drivers.add(j)
    for j in sorted(drivers):
        first, steady = to(list(rule.state.values())[j]), columns[j][0]
        if not _all(first <= steady):
            if np.any(first > steady):
                return False
            raise Undecided("whether a component starts below its steady state")
        if not _never_above(rule, j, after, columns, to):
            return False
    return True


def _limit(rule: UpdateRule, name: str, steps: list[Form], base: Any) -> tuple[Any, bool]:
    """(value before the first phase, whether it grows): the limit of the period map from the initial value."""
    a, c, d = base.number(1), base.number(0), None
    for s in steps:
        moved = None if d is None else s.a * d + s.c
        d = s.d if moved is None else moved if s.d is None else base.maximum(moved, s.d)
        a, c = s.a * a, s.a * c + s.c
    if _all(a < 1):
        fixed = base.divide(c, 1 - a)
    elif _all(a == 1) and _all(c == 0):
        fixed = base.number(rule.state[name])
    elif _all(a == 1) and _all(c > 0) and d is None and base is not surd:
        return base.divide(c, len(steps)) * base.number(2**FAR), True
    else:
        raise BadInput(f"rule {rule.name}: its state {name!r} has no steady state on these gradients")
    return (fixed if d is None else base.maximum(fixed, d)), False


def _follow(start: Any, steps: list[Form], base: Any) -> list[Any]:
    values = [start]
    for s in steps[:-1]:
        z = s.a * values[-1] + s.c
        values.append(z if s.d is None else base.maximum(z, s.d))
    return values


@dataclass(frozen=True)
class Verdict:
    """The drift of a rule on a periodic linear problem, and which way it points.

    word: right, wrong, neutral or undecided; empty where G = 0, since then every decision is as good.
    grade: enclosed where the ball decides, proved where D = 0 in exact arithmetic, else undecided. Only observed where
    a component grows: that the rate falls like its inverse root is seen at two points and not shown.
    """

    orbit: Orbit
    word: str
    grade: str
    bits: int


def verdict(rule: UpdateRule, gradients: Sequence[Fraction], hyper: dict[str, Any], bits: int = 128) -> Verdict:
    """The verdict, exact where the ball of D holds 0 and that is affordable, else with rising precision.

    Where the rule compares balls that overlap, exact arithmetic compares; raises Undecided where it cannot either.
    """
    zero = None
    while True:
        with precision(bits):
            found = _enclosed(rule, gradients, hyper, bits)
            if found is None:
                bits *= 2
                continue
            clear = found.drift.is_finite()  # a rate may be infinite: a second moment of 0 where the direction is not
            sign = 1 if clear and found.drift > 0 else -1 if clear and found.drift < 0 else 0
        if zero is None:
            zero = not sign and len(gradients) <= EXACT_PERIOD and _is_zero(rule, gradients, hyper)
        if sign or zero or found.drift == 0 or bits >= MOST_BITS:
            break
        bits *= 2
    if not (sign or zero or found.drift == 0):
        return Verdict(found, "undecided", "undecided", bits)
    side = (found.total > 0) - (found.total < 0)
    word = {0: "neutral", 1: "wrong", -1: "right"}[sign * side] if side else ""
    return Verdict(found, word, "proved" if zero else "observed" if found.growing else "enclosed", bits)


def _enclosed(rule: UpdateRule, gradients: Sequence[Fraction], hyper: dict[str, Any], bits: int) -> Orbit | None:
    """The orbit in balls, of exact numbers where balls cannot compare; None where more bits may help."""
    try:
        return orbit(rule, gradients, hyper)
    except Undecided:
        try:
            if len(gradients) <= EXACT_PERIOD:
                found = orbit(rule, gradients, hyper, surd)
                states = [tuple(map(surd.ball, state)) for state in found.states]
                return replace(found, states=states, moves=[*map(surd.ball, found.moves)], drift=surd.ball(found.drift))
        except (Inexact, BadInput):
            pass
        if bits >= MOST_BITS:
            raise
    return None


def _is_zero(rule: UpdateRule, gradients: Sequence[Fraction], hyper: dict[str, Any]) -> bool:
    try:
        return orbit(rule, gradients, hyper, surd).drift == 0
    except (Inexact, BadInput):
        return False
