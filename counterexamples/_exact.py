"""Exact evidence: rounds in rational arithmetic, and statements about rationals and polynomials for simlab.checker.

Where a rule's roots are rational too, its rounds on exact numbers are fractions, and an equality of two of them is an
identity. Nothing here rounds; a number that is not a fraction, where one is needed, raises simlab.surd.Inexact.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import numpy as np

from simlab import catalog, surd
from simlab.backends import _exact
from simlab.checker import Proof, polynomial
from simlab.claims import Certificate, least
from simlab.lemma import accept, refute
from simlab.ops import rebind
from simlab.protocol import Plan, bound, bound_hyper, online_round


def number(x: Any) -> Any:
    """An exact number, or an array of them."""
    if isinstance(x, (tuple, np.ndarray)):
        return np.array([number(v) for v in x], dtype=object)
    return x.rational if isinstance(x, surd.Surd) else Fraction(x)


_each = _exact.entrywise(surd.number)
_OWN = ("sqrt", "divide", "minimum", "maximum", "absolute", "less", "where", "scale")
RATIONALS = SimpleNamespace(
    number=number,
    flush=_exact.flush,
    dot=_exact.dot,
    matvec=_exact.matvec,
    **{name: _each(getattr(surd, name)) for name in _OWN},
)


def play(plan: Plan, x: Any, state: tuple, rounds: int, system: Any = RATIONALS) -> tuple[Any, tuple]:
    """(x, state) after so many rounds of a plan from there, in fractions or in balls; its schedules are constant."""
    assert plan.rate_schedule.__name__ == plan.beta1_schedule.__name__ == "constant"
    once, to = rebind(online_round(plan), system), system.number
    alpha, decay, hyper, data, region = bound(plan, to)
    for t in range(1, rounds + 1):
        now = once(t, plan.problem.phase(t), x, state, 1, alpha, decay, hyper, data, region)
        x, state = to(now.x), tuple(map(to, now.state))
    return x, state


class Lost:
    """A root or a quotient, in a step that is not looked at; in a state it raises TypeError."""


LETTERS = SimpleNamespace(number=polynomial, sqrt=lambda x: Lost(), divide=lambda a, b: Lost())


def next_state(rule: str, g: Any, state: tuple, **hyper: Any) -> tuple:
    """The state of a rule after a round with gradient g, all on letters; a state with roots in it is refused."""
    spec = catalog.rule(rule)
    args = (polynomial(1), polynomial(1), polynomial(g), *map(polynomial, state), *bound_hyper(spec, hyper, polynomial))
    return tuple(map(polynomial, rebind(spec.function, LETTERS)(*args)[1]))


def exactly(parts: Mapping[str, Any]) -> Certificate:
    """Proved if simlab.checker accepts every part: a pair for its sides being equal, a number for its being positive.

    Sides are exact numbers or polynomials; a false equality of numbers, or a number that is not positive, refutes.
    """
    for text, part in parts.items():
        proof = _proof(part)
        if not accept((proof,)).holds:
            found = refute(proof.claim, (), {})
            return Certificate(found.grade, f"{text}: {found.evidence}")
    return replace(accept(tuple(map(_proof, parts.values()))), data={"parts": {n: _text(p) for n, p in parts.items()}})


def _proof(part: Any) -> Proof:
    if isinstance(part, tuple):
        return Proof(polynomial(part[0]) == part[1])
    return Proof(polynomial(part) > 0, ((part,),))


def _text(part: Any) -> str:
    text = " = ".join(map(str, part)) if isinstance(part, tuple) else f"{part} > 0"
    return text if len(text) < 200 or isinstance(part, tuple) else f"about {float(part):.6g} > 0"


def together(steps: Mapping[str, Certificate]) -> Certificate:
    """The certificate that all the steps hold, worth the least of them."""
    grade = least([c.grade for c in steps.values()])
    return Certificate(grade, "; ".join(f"{n}: {c.evidence}" for n, c in steps.items()), steps=dict(steps))
