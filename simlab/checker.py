"""A small checker of our own: exact polynomials over Q, and facts about them that follow from other facts.

    claim p > 0 (or >= 0) from given facts:    m p = sum of c h h' ... s^2 + sum of q e    exactly, as polynomials

with numbers c > 0, given h > 0 or h >= 0, squares s^2, given e = 0 with any q, and a multiplier m that is such a sum of
products itself and certainly > 0. A sum is certainly > 0 if one of its products has only numbers and given h > 0 in it;
for a strict claim the right side must be so. A claim p = 0 has no products, only the q e. The given facts come with a
rational point where they hold, so that nothing follows from a contradiction.

    claim p >= 0, otherwise:    m p = c h ... p^2 + sum of products + sum of q e,    h > 0 given

with an m that may be 0: where p < 0, the left side is not positive and the right side is. So p >= 0 if p = a - f and
p = b - g for a, b >= 0 (which may both be 0) and f g = 0, that is, in each of two cases: (a + b) p = p^2 + a b.

Who finds m, c, s and q does not matter: only this file is trusted, and in it only + - * of fractions. True claims have
such certificates (Stengle 1974, Positivstellensatz). No floats, no solver, no computer algebra.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, NamedTuple


class Refused(ValueError):
    """What the checker does not accept, with the reason."""


class Polynomial:
    """{monomial: coefficient} over Q, a monomial being its letters in order: b^2 v is ("b", "b", "v").

    Comparisons, `==` too, decide nothing: they state a Fact.
    """

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, terms: Mapping[tuple[str, ...], Fraction]) -> None:
        if not all(type(c) is Fraction for c in terms.values()):
            raise TypeError("a coefficient is a Fraction")
        self.terms = {m: c for m, c in terms.items() if c}

    def __add__(self, other: Any) -> Polynomial:
        terms = dict(self.terms)
        for m, c in polynomial(other).terms.items():
            terms[m] = terms.get(m, Fraction(0)) + c
        return Polynomial(terms)

    def __mul__(self, other: Any) -> Polynomial:
        terms: dict[tuple[str, ...], Fraction] = {}
        factor = polynomial(other)
        for m, c in self.terms.items():
            for n, d in factor.terms.items():
                both = tuple(sorted(m + n))
                terms[both] = terms.get(both, Fraction(0)) + c * d
        return Polynomial(terms)

    def __neg__(self) -> Polynomial:
        return self * -1

    def __sub__(self, other: Any) -> Polynomial:
        return self + -polynomial(other)

    def __rsub__(self, other: Any) -> Polynomial:
        return polynomial(other) - self

    def __truediv__(self, number: Any) -> Polynomial:
        return self * (1 / polynomial(number).value({}))

    def __gt__(self, other: Any) -> Fact:
        return Fact(self - other, ">")

    def __ge__(self, other: Any) -> Fact:
        return Fact(self - other, ">=")

    def __lt__(self, other: Any) -> Fact:
        return Fact(other - self, ">")

    def __le__(self, other: Any) -> Fact:
        return Fact(other - self, ">=")

    def __eq__(self, other: Any) -> Fact:  # type: ignore[override]
        return Fact(self - other, "=")

    __radd__, __rmul__ = __add__, __mul__

    def at(self, point: Mapping[str, Any]) -> Polynomial:
        """The polynomial with exact numbers or polynomials in place of letters; other letters stay."""
        total = polynomial(0)
        for m, c in self.terms.items():
            known = [polynomial(point[x]) for x in m if x in point]
            product = Polynomial({tuple(x for x in m if x not in point): c})
            for p in known:
                product = product * p
            total = total + product
        return total

    def value(self, point: Mapping[str, Any]) -> Fraction:
        """Its exact value where every letter has the value that `point` gives it."""
        terms = self.at(point).terms
        if terms.keys() - {()}:
            raise Refused(f"the point gives no value to a letter of {self}")
        return terms.get((), Fraction(0))

    def __repr__(self) -> str:
        text = ""
        for m, c in sorted(self.terms.items(), key=lambda term: (len(term[0]), term[0])):
            powers = [x if m.count(x) == 1 else f"{x}^{m.count(x)}" for x in dict.fromkeys(m)]
            text += f" {'-' if c < 0 else '+'} " + " ".join([str(abs(c))] * (abs(c) != 1 or not m) + powers)
        return text.removeprefix(" + ").strip() or "0"


def letter(name: str) -> Polynomial:
    """The polynomial x."""
    return Polynomial({(name,): Fraction(1)})


def polynomial(x: Any) -> Polynomial:
    """A polynomial or an exact number as a polynomial; anything else, floats above all, raises TypeError."""
    if isinstance(x, Polynomial):
        return x
    if isinstance(x, (int, Fraction)) and not isinstance(x, bool):
        return Polynomial({(): Fraction(x)})
    raise TypeError(f"exact numbers only, not {type(x).__name__}")


class Fact(NamedTuple):
    """polynomial > 0, >= 0 or = 0; whether it is true is not asked of it (bool raises)."""

    polynomial: Polynomial
    relation: str

    def __bool__(self) -> bool:
        raise TypeError(f"{self} is stated, not decided (and 0 < b < 1 is two facts)")

    def __repr__(self) -> str:
        return f"{self.polynomial} {self.relation} 0"

    def at(self, point: Mapping[str, Any]) -> Fact:
        """The same fact about other letters or numbers."""
        return Fact(self.polynomial.at(point), self.relation)

    def holds(self, point: Mapping[str, Any]) -> bool:
        """Whether it is true where every letter has the value that `point` gives it."""
        value = self.polynomial.value(point)
        return {">": value > 0, ">=": value >= 0, "=": value == 0}[self.relation]


class Square(NamedTuple):
    """root^2, a factor that is never negative."""

    root: Polynomial


class Proof(NamedTuple):
    """A claim and its certificate: `times` claim = `by` + `modulo`; a product is a tuple of its factors."""

    claim: Fact
    by: tuple[tuple, ...] = ()  # products of positive numbers, given facts and squares
    times: tuple[tuple, ...] = ((1,),)  # the same, certainly > 0, unless `by` is so wherever a claim p >= 0 fails
    modulo: tuple[tuple[Any, Fact], ...] = ()  # (q, given fact e = 0)


def cone(
    products: tuple[tuple, ...], given: tuple[Fact, ...], nonzero: Polynomial | None = None
) -> tuple[Polynomial, bool]:
    """(a sum of products that is >= 0 where the given facts hold, whether it is certainly > 0 there).

    nonzero: a polynomial; the second answer is then about where that is not 0.
    """
    total, positive = polynomial(0), False
    for factors in products:
        product, strict = polynomial(1), True
        for f in factors:
            if isinstance(f, Square):
                product = product * f.root * f.root
                strict = strict and nonzero is not None and f.root.terms == nonzero.terms
            elif isinstance(f, Fact) and f.relation in (">", ">=") and any(f is h for h in given):
                product, strict = product * f.polynomial, strict and f.relation == ">"
            elif isinstance(f, (int, Fraction)) and f > 0:
                product = product * f
            else:
                raise Refused(f"not a positive number, a given inequality or a square: {f}")
        total, positive = total + product, positive or strict
    return total, positive


def identity(left: Any, right: Any) -> None:
    """Accept left = right as polynomials; raises Refused with their difference."""
    difference = polynomial(left) - right
    if difference.terms:
        raise Refused(f"the sides differ by {difference}")


def follows(proof: Proof, given: tuple[Fact, ...], witness: Mapping[str, Any]) -> None:
    """Accept that the claim holds wherever all given facts do; raises Refused with the reason."""
    claim, by, times, modulo = proof
    if not all(h.holds(witness) for h in given):
        raise Refused("the witness does not satisfy what is given, which may be contradictory")
    multiplier, positive = cone(times, given)
    value, strict = cone(by, given)
    if not positive and not (claim.relation == ">=" and cone(by, given, claim.polynomial)[1]):
        raise Refused("the multiplier is not certainly positive")
    if not {">": strict, ">=": True, "=": by == ()}[claim.relation]:
        raise Refused("strictness is not certified" if claim.relation == ">" else "an equality needs equalities")
    for q, e in modulo:
        if e.relation != "=" or not any(e is h for h in given):
            raise Refused(f"not a given equality: {e}")
        value = value + e.polynomial * q
    identity(multiplier * claim.polynomial, value)
