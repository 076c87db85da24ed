"""Numbers as people type them, read exactly: 9/10, 0.999, 1e-3 and 1e6 are rationals."""

from __future__ import annotations

import math
import re
from fractions import Fraction
from typing import Any

from simlab.errors import BadInput

_NUMBER = re.compile(r"([+-]?)(\d+)(?:\.(\d*))?(?:[eE]([+-]?\d{1,4}))?(?:/(\d+))?", re.ASCII)
_LONGEST = 1000  # characters: longer text is a mistake or an attack, and exact arithmetic would crawl on it


def rational(text: Any, name: str = "a number") -> Fraction:
    """The exact value of a decimal, a fraction p/q or an exact Python number.

    A float counts as the shortest decimal that reads back as it (0.1 is 1/10). Raises BadInput for anything else:
    expressions, nan, inf, underscores, blanks inside, non-ASCII digits.
    """
    if isinstance(text, (int, Fraction)) and not isinstance(text, bool):
        return Fraction(text)
    if isinstance(text, float) and math.isfinite(text):
        text = repr(text)
    if not isinstance(text, str) or len(text) > _LONGEST or not (found := _NUMBER.fullmatch(text)):
        shown = repr(text) if len(str(text)) < 60 else repr(str(text)[:57] + "...")
        raise BadInput(f"{name} must be a number such as 9/10, 0.999 or 1e-3, not {shown} (expressions are not read)")
    sign, whole, decimals, power, below = found.groups()
    if below is not None and (decimals is not None or power is not None or int(below) == 0):
        raise BadInput(f"{name}: {text!r} is not a fraction of two integers with a denominator other than 0")
    shift = int(power or 0) - len(decimals or "")
    value = Fraction(int(whole + (decimals or "")) * 10 ** max(shift, 0), int(below or 1) * 10 ** max(-shift, 0))
    return -value if sign == "-" else value


def integer(text: Any, name: str = "a number", low: int = 1) -> int:
    """The exact integer >= low that the text means; 1e6 is one. Raises BadInput otherwise."""
    value = rational(text, name)
    if value.denominator != 1 or value < low:
        raise BadInput(f"{name} must be an integer >= {low}; got {text}")
    return int(value)


def to_float(value: Any) -> float:
    """The nearest double of an exact value; a Fraction too large for one becomes inf with its sign."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def sequence(text: str, name: str = "gradients") -> tuple[Fraction, ...]:
    """A comma-separated list of numbers in which v*n stands for n times v: "-1,2,0*48" has 50 entries."""
    values: list[Fraction] = []
    for item in str(text).split(","):
        value, star, count = item.strip().partition("*")
        times = integer(count, f"a repetition in {name}") if star else 1
        if times + len(values) > 10_000_000:
            raise BadInput(f"{name}: more than 10,000,000 entries")
        values += [rational(value, f"an entry of {name}")] * times
    return tuple(values)


def array(text: Any, name: str, depth: int) -> Any:
    """A number, a vector "1,2,0*3" (depth 1) or a matrix "1,0;0,2" (depth 2) as exact numbers in nested tuples."""
    if isinstance(text, (list, tuple)) and text and depth:
        return _rectangular(tuple(array(v, name, depth - 1) for v in text), name)
    if depth == 2 and ";" in str(text):
        return _rectangular(tuple(sequence(row, name) for row in str(text).split(";")), name)
    if depth and isinstance(text, str) and ("," in text or "*" in text):
        return sequence(text, name)
    return rational(text, name)


def _rectangular(rows: tuple, name: str) -> tuple:
    lengths = [len(row) if isinstance(row, tuple) else 1 for row in rows]
    if len({isinstance(row, tuple) for row in rows}) > 1 or len(set(lengths)) > 1:
        raise BadInput(f"{name}: the rows of a matrix have one length; got {lengths}")
    return rows
