"""Rules as filters of random blocks of gradients, traced from their own source in exact arithmetic.

Where every block of P gradients is one of finitely many, a value that a rule computes is taken to be

    own(block) + sum_z weight_z z + sum_j top_j/sqrt(root_j)                                                (*)

with z the components of the state before the block. The state itself must go from block to block as

    z -> a z + input(block)          with 0 <= a < 1 (a filter), or
    z -> max(z, value)               (a running maximum), which tends to the largest value that it can meet

provided that it meets none larger on the way to the stationary law: z stays between its range in that law and its
initial value, a constant too that it tends to.

All other is opaque, and a rule that needs it is refused by name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, NamedTuple

from simlab.errors import BadInput
from simlab.ops import PRIMITIVES, rebind
from simlab.orbit import OPAQUE, Opaque
from simlab.protocol import bound_hyper
from simlab.rule import UpdateRule


@dataclass(frozen=True)
class Form:
    """The value (*): own has one exact number a block; weights and quotients are empty where there is no memory."""

    own: tuple[Fraction, ...]
    weights: dict[str, Fraction] = field(default_factory=dict)
    quotients: tuple[Quotient, ...] = ()

    @property
    def instant(self) -> bool:
        """Whether it is a function of the block alone."""
        return not (self.weights or self.quotients)

    @property
    def constant(self) -> bool:
        """Whether it is a number."""
        return self.instant and len(set(self.own)) == 1

    def lift(self, x: Any) -> Any:
        """A number as a Form like this one; what cannot be one is opaque."""
        if isinstance(x, Form):
            return x
        return Form((Fraction(x),) * len(self.own)) if isinstance(x, (int, Fraction)) else OPAQUE

    def __add__(self, other: Any) -> Any:
        other = self.lift(other)
        if other is OPAQUE:
            return OPAQUE
        names = {**self.weights, **other.weights}
        weights = {n: w for n in names if (w := self.weights.get(n, 0) + other.weights.get(n, 0))}
        own = tuple(a + b for a, b in zip(self.own, other.own, strict=True))
        return Form(own, weights, self.quotients + other.quotients)

    __radd__ = __add__

    def __neg__(self) -> Any:
        return self * -1

    def __sub__(self, other: Any) -> Any:
        return self + -1 * other

    def __rsub__(self, other: Any) -> Any:
        return -self + other

    def __mul__(self, other: Any) -> Any:
        other = self.lift(other)
        if other is OPAQUE:
            return OPAQUE
        if not other.instant:
            self, other = other, self
        if other.constant:
            k = other.own[0]
            if k == 0:
                return self.lift(0)
            weights = {n: k * w for n, w in self.weights.items()}
            return Form(tuple(k * v for v in self.own), weights, tuple(Quotient(k * t, r) for t, r in self.quotients))
        if self.instant and other.instant:
            return Form(tuple(a * b for a, b in zip(self.own, other.own, strict=True)))
        for one, more in ((self, other), (other, self)):
            if len(one.quotients) == 1 and not (one.weights or any(one.own) or more.quotients):
                top, root = one.quotients[0]
                top = top * more
                return OPAQUE if top is OPAQUE else Form(self.lift(0).own, {}, (Quotient(top, root),))
        return OPAQUE

    __rmul__ = __mul__


class Quotient(NamedTuple):
    """top/sqrt(root)."""

    top: Form
    root: Form


class Root(Opaque):
    """sqrt(of), which waits for a division; adding 0 to it is all else that can be done."""

    def __init__(self, of: Form) -> None:
        self.of = of

    def __add__(self, other: Any) -> Opaque:
        return self if isinstance(other, (int, Fraction)) and other == 0 else OPAQUE

    __radd__ = __add__

    def __mul__(self, other: Any) -> Opaque:
        return OPAQUE

    __sub__ = __rsub__ = __rmul__ = __mul__

    def __neg__(self) -> Opaque:
        return OPAQUE


class Peak(Root):
    """max(z, values) for the component z = `of`; `reach` is the largest that the values can be."""

    def __init__(self, of: Form, reach: Fraction) -> None:
        super().__init__(of)
        self.reach = reach


class Filter(NamedTuple):
    """z -> factor z + input(block)."""

    factor: Fraction
    input: Form

    def bounds(self, *start: Fraction) -> tuple[Fraction, Fraction]:
        """The least and the largest that a stationary z can be, or that z can be from this start on."""
        ends = [f(self.input.own) / (1 - self.factor) for f in (min, max)]
        return min(*ends, *start), max(*ends, *start)


class Tracer:
    """The number system of these values; `filters` are those of the state that are known by now.

    starts: initial values of the state, where values are as they can be from the first round on, in place of those of
    the stationary law.
    """

    def __init__(self, count: int, filters: dict[str, Filter], starts: dict[str, Any] | None = None) -> None:
        self.zero, self.filters, self.ever = Form((Fraction(0),) * count), filters, starts is not None
        self.starts = {n: (Fraction(z),) for n, z in (starts or {}).items()}

    def __getattr__(self, name: str) -> Any:
        if name not in PRIMITIVES.values():
            raise AttributeError(name)
        return lambda *args: OPAQUE

    def number(self, x: Any) -> Any:
        """Exact numbers; values pass."""
        return x if isinstance(x, (Form, Opaque)) else Fraction(x)

    def bounds(self, x: Any) -> tuple[Fraction, Fraction] | None:
        """(least, largest) of a value, where they are known."""
        x = self.zero.lift(x)
        if x is OPAQUE or x.quotients or any(n not in self.filters for n in x.weights):
            return None
        if any(self.filters[n].input.quotients for n in x.weights):
            return None
        ends = [sorted(w * e for e in self.filters[n].bounds(*self.starts.get(n, ()))) for n, w in x.weights.items()]
        return min(x.own) + sum(e[0] for e in ends), max(x.own) + sum(e[1] for e in ends)

    def _each(self, f: Callable, *args: Any) -> Any:
        """f block by block, where nothing has memory."""
        forms = [self.zero.lift(a) for a in args]
        if any(a is OPAQUE or not a.instant for a in forms):
            return OPAQUE
        return Form(tuple(f(*values) for values in zip(*(a.own for a in forms), strict=True)))

    def sqrt(self, x: Any) -> Any:
        """A root, to divide by."""
        x = self.zero.lift(x)
        return x if x is OPAQUE or x.quotients else Root(x)

    def divide(self, a: Any, b: Any) -> Any:
        """By a root, or by a number other than 0."""
        a = self.zero.lift(a)
        if type(b) is Root and a is not OPAQUE and not a.quotients:
            return Form(self.zero.own, {}, (Quotient(a, b.of),))
        b = self.zero.lift(b)
        return a * self._each(lambda v: 1 / v, b) if b is not OPAQUE and b.instant and all(b.own) else OPAQUE

    def scale(self, rate: Any, direction: Any) -> Any:
        """The move."""
        return self.zero.lift(rate) * direction

    def less(self, a: Any, b: Any) -> Any:
        """Whether a < b: always, never, or block by block."""
        left, right = self.bounds(a), self.bounds(b)
        if left and right:
            # where one has memory and is no constant, it meets the end of its range with probability 0
            if left[1] < right[0] or (left[1] == right[0] and not self.ever and self._moves(a, b)):
                return True
            if left[0] >= right[1]:
                return False
        return self._each(lambda u, v: u < v, a, b)

    def _met(self, x: Any) -> bool:
        """Whether a value with bounds comes as near to its upper one as one likes: one block is best for all of it."""
        if self.ever:  # all that counts is that it comes no nearer
            return True
        inputs = [[w * v for v in self.filters[n].input.own] for n, w in self.zero.lift(x).weights.items()]
        most = [max(row) for row in inputs]
        return not inputs or any(list(block) == most for block in zip(*inputs, strict=True))

    def _moves(self, *args: Any) -> bool:
        forms = (self.zero.lift(a) for a in args)
        return any(self.filters[n].factor and len(set(self.filters[n].input.own)) > 1 for f in forms for n in f.weights)

    def where(self, condition: Any, a: Any, b: Any) -> Any:
        """Either, or block by block."""
        if isinstance(condition, bool):
            return a if condition else b
        return self._each(lambda c, u, v: u if c else v, condition, a, b)

    def minimum(self, a: Any, b: Any) -> Any:
        """The smaller, where ranges tell or nothing has memory."""
        return self.where(self.less(a, b), a, b)

    def maximum(self, a: Any, b: Any) -> Any:
        """The larger; of a component that is not known yet and a value, its peak; of a root and a number, if known."""
        for one, other in ((a, b), (b, a)):
            if type(one) is Root and isinstance(other, (int, Fraction)):
                ends = self.bounds(one.of)
                return one if other <= 0 or (ends and ends[0] >= other * other) else OPAQUE
            ends = self.bounds(other)
            if ends and isinstance(one, Peak):
                return Peak(one.of, max(one.reach, ends[1])) if self._met(other) else OPAQUE
            if ends and isinstance(one, Form) and list(one.weights.values()) == [1] and not self.bounds(one):
                return Peak(one, ends[1]) if not any(one.own) and not one.quotients and self._met(other) else OPAQUE
        return self.where(self.less(a, b), b, a)

    def absolute(self, x: Any) -> Any:
        """|x| block by block."""
        return self._each(abs, x)

    def sign(self, x: Any) -> Any:
        """The sign block by block."""
        return self._each(lambda v: Fraction((v > 0) - (v < 0)), x)


class Traced(NamedTuple):
    """The filters of a rule's state, and its move in each round of a block (alpha = 1, without the schedule)."""

    filters: dict[str, Filter]
    moves: list[Form]


def filters(rule: UpdateRule, blocks: Sequence[Sequence[Fraction]], hyper: dict[str, Any]) -> Traced:
    """The rule on blocks of gradients, one of them drawn at a time; hyper: exact values of all hyperparameters.

    Raises BadInput where its state or its moves are not of the forms of this file.
    """
    values = bound_hyper(rule, hyper, Fraction)
    known: dict[str, Fraction] = {}
    found: dict[str, Filter] = {}
    settled: dict[str, Filter] = {}  # the found ones, and those that tend to a constant
    zero = Form((Fraction(0),) * len(blocks))
    unknown = {n: Form(zero.own, {n: Fraction(1)}) for n in rule.state}

    def play(system: Tracer, state: dict[str, Any]) -> tuple[dict[str, Any], list[Any]]:
        """(the state after a block, the moves in it)."""
        function, moves = rebind(rule.function, system), []
        for gradients in zip(*blocks, strict=True):
            step, new = function(OPAQUE, Fraction(1), Form(tuple(gradients)), *state.values(), *values)
            moves.append(system.scale(step.rate, step.direction))
            state = dict(zip(rule.state, new, strict=True))
        return state, moves

    def reach(name: str) -> Fraction | None:
        """The largest that a running maximum can ever be compared with, if that is known."""
        after, _ = play(Tracer(len(blocks), {}), unknown)
        alone = {n: f for n, f in settled.items() if after[n] == f.input + f.factor * unknown[n]}
        peak = play(Tracer(len(blocks), alone, rule.state), unknown)[0][name]
        return peak.reach if isinstance(peak, Peak) else None

    while True:  # what is known of a component can make the next one clear
        before = len(known) + len(found)
        state, moves = play(Tracer(len(blocks), dict(found)), {n: known.get(n, form) for n, form in unknown.items()})
        for name, after in state.items():
            if name in known or name in found:
                continue
            if isinstance(after, Peak) and after.of.weights == {name: 1}:
                known[name] = max(Fraction(rule.state[name]), after.reach)
                most = reach(name)
                if most is None or most > known[name]:
                    raise BadInput(
                        f"rule {rule.name}: its running maximum {name!r} may have met more on the way to the "
                        "stationary law than in it, which is not followed"
                    )
            elif (after := zero.lift(after)) is not OPAQUE and set(after.weights) <= {name}:
                a = after.weights.get(name, Fraction(0))
                rest = Form(after.own, {}, after.quotients)
                if not 0 <= a < 1:
                    raise BadInput(f"rule {rule.name}: its state {name!r} has no stationary law, it is a sum and grows")
                settled[name] = Filter(a, rest)
                if rest.constant:
                    known[name] = rest.own[0] / (1 - a)
                else:
                    found[name] = settled[name]
        if len(known) + len(found) == before:
            break
    if unclear := [n for n in rule.state if n not in known and n not in found]:
        raise BadInput(
            f"rule {rule.name}: its state {unclear[0]!r} is not a filter or a running maximum of functions of the "
            "gradient, so its stationary law is not known here"
        )
    if any(m is OPAQUE for m in moves):
        raise BadInput(
            f"rule {rule.name}: its step is not a filter of functions of the gradient, times a constant or over the "
            "root of one, so its mean is not known here"
        )
    return Traced(found, moves)
