"""The drift of a rule on a linear problem with random gradients: its mean move in the stationary state.

Blocks of P gradients are drawn independently from finitely many (P = 1: i.i.d. gradients; the orders of a multiset:
random reshuffling; one block: a periodic problem). With alpha = 1, without the schedule, and summed over a block,

    D = -E sum_i direction_i rate_i        right-signed: D G < 0,   wrong-signed: D G > 0,   G = E sum_i g_i

The rule is traced through a block from its own source (simlab.filters). What is averaged is then (p z + h)/sqrt(v + q),
with h and q >= 0 functions of the block, z and v of the stationary state before it, and from block to block

    z -> a z + k(block),     v -> b v + c(block),     c >= 0

The state is distributed as its successor and independent of the next block, so with f(s) = E exp(-s c)

    V(s) = E exp(-s v)   = f(s) V(b s)
    Z(s) = E z exp(-s v) = a f(s) Z(b s) + V(b s) E k exp(-s c)
    F(s) = E (p z + h) exp(-s (v + q)) = V(s) E h exp(-s q) + p Z(s) E exp(-s q)

and E (p z + h)/sqrt(v + q) = pi^(-1/2) int_0^inf s^(-1/2) F(s) ds. By Poisson summation and |Gamma(1/2 + i y)|^2 =
pi/cosh(pi y), the trapezoid rule of this integral in ln s, at s_j = s_0 e^(j step) for all integers j, errs by

    | step pi^(-1/2) sum_j s_j^(1/2) F(s_j) - E (p z + h)/sqrt(v + q) |  <=  eps B,     B = E |p z + h|/sqrt(v + q),
    eps = 2 sum_n cosh(2 pi^2 n/step)^(-1/2)  <=  2 sqrt(2) e^(-pi^2/step)/(1 - e^(-pi^2/step)),

and B <= the same sum over absolute values, divided by 1 - eps. With a step that divides ln(1/b), or is a multiple of
it, V and Z are needed along s, s/b, s/b^2, ... only. Both ends of the sum are bounded, all numbers are balls: D is
enclosed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import count
from math import ceil, factorial, log, pi, prod
from typing import Any, NamedTuple

from flint import arb

from simlab import catalog, exact
from simlab.backends.arb import number
from simlab.errors import BadInput
from simlab.filters import Filter, Form, Quotient, filters
from simlab.rule import settle
from simlab.trajectory import precision

MOST_BITS = 256  # beyond, a drift that still may be 0 is left undecided
MOST_POINTS = 4_000_000  # of the sum: about half a minute
MOST_ORDERS = 5040  # of a reshuffled epoch


class Drift(NamedTuple):
    """D a block as a ball, G, and which way D points: right, wrong, neutral or undecided; empty where G = 0."""

    drift: Any
    total: Fraction
    word: str
    grade: str


def iid_drift(
    rule: Any, values: Sequence[Any], probabilities: Sequence[Any], hyper: dict[str, Any], digits: int = 12
) -> Any:
    """D in a ball, to `digits` digits of |D| where MOST_BITS allows.

    rule: a name, a function or an UpdateRule.    hyper: as for simlab.run; alpha is taken as 1.
    values: the gradients as exact numbers or text, or blocks of equally many; probabilities: theirs, adding up to 1.
    Raises BadInput where the rule is not of the form above, or where the mean of |direction| rate is infinite.
    """
    law = _law(rule, values, probabilities, hyper)
    bits = ceil(digits * log(10, 2)) + 8
    while True:
        drift = _drift(law, bits)
        if 2 * bits > MOST_BITS or drift.rad() <= abs(drift.mid()) / arb(10) ** digits:
            return drift
        bits *= 2


def iid_verdict(rule: Any, values: Sequence[Any], probabilities: Sequence[Any], hyper: dict[str, Any]) -> Drift:
    """The sign of D against that of G, with no more precision than it takes; arguments as for iid_drift.

    grade: enclosed, undecided, or proved where D is 0 in rational arithmetic.
    """
    law = _law(rule, values, probabilities, hyper)
    if not law.quotients and law.exact == 0:
        return Drift(arb(0), law.total, "neutral" if law.total else "", "proved")
    bits = 32
    while not (drift := _drift(law, bits)) > 0 and not drift < 0 and 2 * bits <= MOST_BITS:
        bits *= 2
    if not (drift > 0 or drift < 0):
        return Drift(drift, law.total, "undecided", "undecided")
    word = "wrong" if drift * number(law.total) > 0 else "right"
    return Drift(drift, law.total, word if law.total else "", "enclosed")


def reshuffled(gradients: Sequence[Fraction]) -> tuple[list[tuple[Fraction, ...]], list[Fraction]]:
    """(blocks, probabilities) of epochs that go through the gradients in a fresh random order: all distinct orders."""
    kinds = Counter(gradients)
    orders = factorial(len(gradients)) // prod(factorial(n) for n in kinds.values())
    if orders > MOST_ORDERS:
        raise BadInput(f"these gradients have {orders} distinct orders, and at most {MOST_ORDERS} are gone through")

    def arranged(left: dict[Fraction, int]) -> Iterator[tuple[Fraction, ...]]:
        if not any(left.values()):
            yield ()
        for g in (g for g, n in left.items() if n):
            yield from ((g, *rest) for rest in arranged({**left, g: left[g] - 1}))

    return list(arranged(kinds)), [Fraction(1, orders)] * orders


# --- the mean move, whatever the precision -------------------------------------------------------------------------


class _Law(NamedTuple):
    """D = -(exact + sum of E top/sqrt(root))."""

    rule: str
    chances: list[Fraction]
    filters: dict[str, Filter]
    total: Fraction
    exact: Fraction
    quotients: tuple[Quotient, ...]

    def unknown(self, why: str) -> BadInput:
        """The refusal."""
        return BadInput(f"rule {self.rule}: the mean of its move is not known, since {why}")

    def rootless(self, names: Iterable[str]) -> None:
        """Refuse components of the state that have roots in them."""
        for z in names:
            if self.filters[z].input.quotients:
                raise self.unknown(f"its state {z!r} has roots in it and meets another root")


def _law(rule: Any, values: Sequence[Any], probabilities: Sequence[Any], hyper: dict[str, Any]) -> _Law:
    spec = catalog.rule(rule)
    blocks = [
        tuple(exact.rational(x, "a gradient") for x in (v if isinstance(v, (tuple, list)) else (v,))) for v in values
    ]
    chances = [exact.rational(p, "a probability") for p in probabilities]
    if len(blocks) != len(chances) or len({len(b) for b in blocks}) != 1 or not blocks[0]:
        raise BadInput("there is one probability for each gradient, or for each block of equally many gradients")
    if sum(chances) != 1 or min(chances) <= 0:
        raise BadInput(f"probabilities are > 0 and add up to 1; got {', '.join(map(str, chances[:5]))}")
    given = {n: exact.rational(v, n) for n, v in hyper.items()}
    known, moves = filters(spec, blocks, settle(spec.hyper, given, f"rule {spec.name}"))
    move = sum(moves[1:], moves[0])
    while move.weights:  # for the mean, E z = E k/(1 - a) may stand for z
        name, w = next(iter(move.weights.items()))
        a, k = known[name]
        move = move - Form(move.lift(0).own, {name: w}) + w / (1 - a) * k
    total = _mean(chances, [sum(b, Fraction(0)) for b in blocks])
    return _Law(spec.name, chances, known, total, _mean(chances, move.own), move.quotients)


def _mean(chances: list[Fraction], own: Sequence[Fraction]) -> Fraction:
    return sum((p * v for p, v in zip(chances, own, strict=True)), Fraction(0))


def _drift(law: _Law, bits: int) -> Any:
    """D to about 2^-bits of the mean size of a move."""
    groups: dict[tuple[str, ...], list[Quotient]] = {}
    for quotient in law.quotients:
        groups.setdefault(tuple(quotient.root.weights), []).append(quotient)
    with precision(bits + 64):
        total = number(law.exact)
        for under, quotients in groups.items():
            if len(under) > 1:
                raise law.unknown(f"its root mixes {' and '.join(under)}")
            total += _integral(law, under[0], quotients, bits) if under else _instant(law, quotients)
        return -total


def _instant(law: _Law, quotients: list[Quotient]) -> Any:
    """sum of E top/sqrt(root) for roots that are functions of the block."""
    total = arb(0)
    for top, root in quotients:
        law.rootless(top.weights)
        parts = ((w, law.filters[z]) for z, w in top.weights.items())
        mean = sum((w * _mean(law.chances, k.own) / (1 - a) for w, (a, k) in parts), Fraction(0))
        for p, h, q in zip(law.chances, top.own, root.own, strict=True):
            if q > 0:
                total += number(p * (mean + h)) / number(q).sqrt()
            elif q < 0 or h or top.weights:
                raise law.unknown(f"its root can be that of {q}")
    return total


# --- the integral --------------------------------------------------------------------------------------------------


class _Column:
    """z -> a z + k: the balls a, P k and P |k| a block, E z, and sum_i a^i E |k_i|, which bounds E |z|."""

    def __init__(self, law: _Law, name: str, c: Sequence[Fraction]) -> None:
        a, k = law.filters[name]
        self.a = number(a)
        self.signed = [number(p * x) for p, x in zip(law.chances, k.own, strict=True)]
        self.plain = [abs(x) for x in self.signed]
        self.mean, self.size = (sum(x, arb(0)) / (1 - self.a) for x in (self.signed, self.plain))
        self.least = number(min((y for x, y in zip(k.own, c, strict=True) if x), default=Fraction(1)))

    def tail(self, r: Any, f: Any, ahead: Any, V: Any, k: Any, size: Any) -> Any:
        """A bound of sum_n r^n E |z| exp(-s_n v) over s_n = s b^-n, n >= 1, from what is at s.

        f(s_n) <= f, and E |k| exp(-s_n c) <= g^n k as s grows by at least `ahead` a step, so the sum S has
        S <= r a f (size + S) + V k (r g + r^2 f g^2 + ...).
        """
        g = (-ahead * self.least).exp()
        return (r * self.a * f * size + r * g * V * k * (1 + _geometric(r * f * g))) * (1 + _geometric(r * self.a * f))


class _Part:
    """(p z + h)/sqrt(v + q), a quotient divided through by the root of the weight of v, in balls; sizes are |p|."""

    def __init__(self, law: _Law, quotient: Quotient, names: list[str]) -> None:
        top, root = quotient
        (w,) = root.weights.values()
        if w < 0 or min(root.own) < 0:
            raise law.unknown("it has a root of what can be negative")
        scale = 1 / number(w).sqrt()
        self.p = [number(top.weights.get(z, Fraction(0))) * scale for z in names]
        self.sizes = [abs(x) for x in self.p]
        self.signed = [number(p * x) * scale for p, x in zip(law.chances, top.own, strict=True)]
        self.plain = [abs(x) for x in self.signed]
        self.q, self.most = [number(x / w) for x in root.own], number(max(root.own) / w)
        self.least = number(min((x / w for x, h in zip(root.own, top.own, strict=True) if h), default=Fraction(1)))


def _integral(law: _Law, name: str, quotients: list[Quotient], bits: int) -> Any:
    """sum of E top/sqrt(root) for roots that remember the filter v called `name`."""
    b, drive = law.filters[name]
    names = sorted({z for top, _ in quotients for z in top.weights})
    law.rootless([name, *names])
    if min(drive.own) < 0 or not b:
        raise law.unknown(f"{name!r} under its root is not a filter with memory of what is >= 0")
    zs = [_Column(law, z, drive.own) for z in names]
    parts = [_Part(law, quotient, names) for quotient in quotients]
    chances, c = [number(p) for p in law.chances], [number(x) for x in drive.own]
    factor, never = 1 / number(b), number(_mean(law.chances, [Fraction(not x) for x in drive.own]))
    r = factor.sqrt()
    rates = [z.a if z.least > 0 else arb(1) for z in zs] + [arb(1) for p in parts if not p.least > 0]
    if any(not r * never * rate < 1 for rate in rates):
        raise law.unknown("that of its size is infinite: gradients are 0 too often for the memory of its root")

    # the points: s_0, below which little happens, and a step that fits the factor
    tiny, most = arb(2) ** -bits, number(max(drive.own) / (1 - b))
    widest, ratio = pi**2 / ((bits + 2) * log(2)), float(factor.log())
    chains, stride = max(1, ceil(ratio / widest)), max(1, int(widest / ratio))
    step = factor.log() * stride / chains
    s0 = tiny / (most + sum((p.most for p in parts), arb(0)))
    if ratio * MOST_POINTS < bits + log(float(max(drive.own) / min(x for x in drive.own if x))):
        raise law.unknown(f"the weight of {name!r} is so near 1 that this would take more than {MOST_POINTS} points")

    # below s_0: F = E (p z + h) but for s_0 (v + q) <= 2^-bits of its size
    value = sum((sum(p.signed, arb(0)) + _dot(p.p, [z.mean for z in zs]) for p in parts), arb(0))
    size = sum((sum(p.plain, arb(0)) + _dot(p.sizes, [z.size for z in zs]) for p in parts), arb(0))
    below = s0.sqrt() * _geometric((-step / 2).exp())
    total, bound = below * (value + _within(size * tiny)), below * size
    for chain in range(chains):
        s = s0 * (step * chain).exp() / factor
        V, Z = 1 - s * most * arb(0.5, 0.5), [z.mean + _within(z.size * s * most) for z in zs]
        W = [z.size * (1 + _within(s * most)) for z in zs]  # as Z, with |k| in place of k
        for index in count():
            s = s * factor
            e = [(-s * x).exp() for x in c]
            f = _dot(chances, e)
            Z = [z.a * f * y + V * _dot(z.signed, e) for z, y in zip(zs, Z, strict=True)]
            W = [z.a * f * y + V * _dot(z.plain, e) for z, y in zip(zs, W, strict=True)]
            V = f * V
            if index % stride:
                continue
            root, rest, ahead = s.sqrt(), arb(0), s * (factor - 1)
            tails = [z.tail(r, f, ahead, V, _dot(z.plain, e), y) for z, y in zip(zs, W, strict=True)]
            for p in parts:
                eq = [(-s * x).exp() for x in p.q]
                E, H = _dot(chances, eq), V * _dot(p.plain, eq)
                total += root * (V * _dot(p.signed, eq) + E * _dot(p.p, Z))
                bound += root * (H + E * _dot(p.sizes, W))
                fades = r * f * (-ahead * p.least).exp()
                rest += root * (H * _geometric(fades) + E * _dot(p.sizes, tails))
            if rest < tiny * bound:
                total, bound = total + _within(rest), bound + rest
                break
    eps = trapezoid_error(step)
    return step / arb.pi().sqrt() * (total + _within(eps * bound / (1 - eps)))


def trapezoid_error(step: Any) -> Any:
    """The bound of eps: the relative error of the rule for the integral of s^(-1/2) exp(-s y), whatever y > 0."""
    return 2 * arb(2).sqrt() * _geometric((-(arb.pi() ** 2) / step).exp())


def _dot(a: list[Any], b: list[Any]) -> Any:
    return sum((x * y for x, y in zip(a, b, strict=True)), arb(0))


def _within(bound: Any) -> Any:
    """[-bound, bound]."""
    return arb(0, 1) * bound


def _geometric(x: Any) -> Any:
    """x + x^2 + ..., infinite where x < 1 is not sure."""
    return x / (1 - x) if x < 1 else arb("inf")
