"""Symbols: the rule executed on SymPy expressions, so that a proof is about the very code that runs.

Exact and slow; meant for a few rounds, or for one round on symbols. SymPy is a rewriter here and never a judge.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import sympy

from simlab.backends._exact import add, dot, entrywise, flush, matvec
from simlab.ops import join
from simlab.protocol import Plan, Records, run_loop

GRADE, NANOSECONDS, PACKAGES = "observed", 100_000_000, ("sympy",)


def number(x: Any) -> Any:
    """The exact SymPy number; expressions pass, floats are refused."""
    if isinstance(x, (tuple, list, np.ndarray)):
        return np.array([number(v) for v in x], dtype=object)
    if isinstance(x, Fraction):
        return sympy.Rational(x.numerator, x.denominator)
    if isinstance(x, (int, np.integer)):
        return sympy.Integer(int(x))
    if isinstance(x, sympy.Basic) and not x.has(sympy.Float):
        return x
    raise TypeError(f"a symbolic run starts from exact numbers and symbols, not {type(x).__name__}")


_each = entrywise(number)
sqrt = _each(lambda x: sympy.sqrt(x))
divide = _each(lambda a, b: sympy.oo * a if b.is_zero else a / b)
minimum = _each(lambda a, b: sympy.Min(a, b))
maximum = _each(lambda a, b: sympy.Max(a, b))
absolute = _each(lambda x: sympy.Abs(x))
sign = _each(lambda x: sympy.sign(x))
exp = _each(lambda x: sympy.exp(x))
log1p = _each(lambda x: sympy.log(1 + x))
scale = _each(lambda rate, direction: sympy.Integer(0) if direction.is_zero else rate * direction)
less = _each(lambda a, b: sympy.Lt(a, b))


def where(condition: Any, a: Any, b: Any) -> Any:
    if condition in (True, False):
        return a if condition else b
    return sympy.Piecewise((number(a), condition), (number(b), True))


def finite(x: Any) -> bool:
    return all(number(v).is_finite is not False for v in (x.ravel() if isinstance(x, np.ndarray) else [x]))


def bisect(f: Callable, low: Any, *args: Any) -> Any:
    raise TypeError("the projection onto a ball or a simplex has no closed form in symbols; run it in balls")


def run(plan: Plan, *, progress: Callable = lambda t: None, **_: Any) -> Records:
    """The run in exact expressions, which grow with every round: a dozen rounds at most."""
    return run_loop(plan, sys.modules[__name__], progress)


join(sys.modules[__name__], sympy.Basic)
