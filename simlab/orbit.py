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

Numbers are balls, so D is enclosed; where the ball holds 0, exact sums of square roots decide whether D = 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from flint import arb

from simlab import surd
from simlab.backends import arb as balls
from simlab.errors import BadInput
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

    a: Any
    c: Any
    d: Any = None

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
        return Form(self.a * k, self.c * k, self.d * k) if k >= 0 else OPAQUE

    __rmul__ = __mul__


class Opaque:
    """What depends on the traced component in another way, or on the round; it may not reach the component itself."""

    def __neg__(self) -> Opaque:
        return self

    def __add__(self, other: Any) -> Opaque:
        return self

    __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __add__


OPAQUE = Opaque()


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
        """Of a Form and a number a Form, of numbers a number."""
        if isinstance(a, Opaque) or isinstance(b, Opaque) or (isinstance(a, Form) and isinstance(b, Form)):
            return OPAQUE
        form, other = (a, b) if isinstance(a, Form) else (b, a)
        if not isinstance(form, Form):
            return self.base.maximum(a, b)
        return replace(form, d=other if form.d is None else self.base.maximum(form.d, other))

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
    gradients: tuple[Fraction, ...]
    states: list[tuple]
    moves: list[Any]
    drift: Any
    growing: tuple[str, ...]

    @property
    def total(self) -> Fraction:
        """G."""
        return sum(self.gradients, Fraction(0))

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


def orbit(rule: UpdateRule, gradients: Sequence[Fraction], hyper: dict[str, Any], base: Any = balls) -> Orbit:
    """The steady state of `rule` on the gradients, repeated for ever; alpha is taken as 1.

    hyper: exact values of all hyperparameters. base: the number system, balls (at the precision that is set) or surd.
    Raises BadInput if all gradients are 0, and if a component of the state is not of the form (*) or has no limit.
    """
    if not any(gradients):
        raise BadInput("all gradients are 0, so nothing moves and there is no drift")
    to, one = base.number, base.number(1)
    traced, plain = rebind(rule.function, Tracer(base)), rebind(rule.function, base)
    g = [to(v) for v in gradients]
    values = bound_hyper(rule, hyper, to)
    names, growing = list(rule.state), []
    columns: list[list[Any]] = []  # per component, its value before each phase
    for k, name in enumerate(names):
        steps = []
        for i, gradient in enumerate(g):
            before = [column[i] for column in columns]
            state = (*before, Form(one, to(0)), *[OPAQUE] * (len(names) - k - 1))
            new = traced(OPAQUE, one, gradient, *state, *values)[1][k]
            if isinstance(new, Opaque) or (isinstance(new, Form) and not new.a >= 0):
                raise BadInput(
                    f"rule {rule.name}: its state {name!r} is not a moving average, a sum or a running maximum of what "
                    "the gradients determine, so its steady state cannot be solved for"
                )
            steps.append(new if isinstance(new, Form) else Form(to(0), to(new)))
        start, grows = _limit(rule, name, steps, base)
        growing += [name] if grows else []
        columns.append([start] * len(g) if grows else _follow(start, steps, base))
    forever = arb("inf") if base is balls else OPAQUE  # AdaBound's corridor has closed
    states = [tuple(column[i] for column in columns) for i in range(len(g))]
    moves = []
    for gradient, state in zip(g, states, strict=True):
        step, _ = plain(forever, one, gradient, *state, *values)
        move = base.scale(step.rate, step.direction)
        if isinstance(move, Opaque):
            raise Inexact("the rate depends on the round")
        if growing:
            more = [4 * s if n in growing else s for n, s in zip(names, state, strict=True)]
            quarter = plain(forever, one, gradient, *more, *values)[0]
            if gradient != 0 and not abs(2 * quarter.rate / step.rate - 1) < arb(2) ** -40:
                raise BadInput(f"rule {rule.name}: its rate does not fall like 1/sqrt of its growing {growing[0]!r}")
            # the last gradient is to what has grown as 2^-FAR: a relative error of that order, taken into the ball
            move = move * arb(2) ** (FAR // 2) * arb(1, arb(2) ** (32 - FAR))
        moves.append(move)
    drift = -sum(moves, to(0))
    return Orbit(rule.name, tuple(gradients), states, moves, drift, tuple(growing))


def _limit(rule: UpdateRule, name: str, steps: list[Form], base: Any) -> tuple[Any, bool]:
    """(value before the first phase, whether it grows): the limit of the period map from the initial value."""
    a, c, d = base.number(1), base.number(0), None
    for s in steps:
        moved = None if d is None else s.a * d + s.c
        d = s.d if moved is None else moved if s.d is None else base.maximum(moved, s.d)
        a, c = s.a * a, s.a * c + s.c
    if a < 1:
        fixed = base.divide(c, 1 - a)
    elif a == 1 and c == 0:
        fixed = base.number(rule.state[name])
    elif a == 1 and c > 0 and d is None and base is balls:
        return c / len(steps) * arb(2) ** FAR, True
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
    """The verdict, exact where the ball of D holds 0 and that is affordable, else with rising precision."""
    zero = None
    while True:
        with precision(bits):
            found = orbit(rule, gradients, hyper)
            sign = 1 if found.drift > 0 else -1 if found.drift < 0 else 0
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


def _is_zero(rule: UpdateRule, gradients: Sequence[Fraction], hyper: dict[str, Any]) -> bool:
    try:
        return orbit(rule, gradients, hyper, surd).drift == 0
    except (Inexact, BadInput):
        return False
