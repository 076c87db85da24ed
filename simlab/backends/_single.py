"""Single precision: NumPy arrays of float32, and everything else as simlab.backends.reference has it.

Python's own floats and integers are weak beside an array: they are rounded once, to float32, where they meet one.
"""

from __future__ import annotations

from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import numpy as np

from simlab.backends import reference


def meeting(strong: set[str], weak: set[str]) -> str:
    """The kind in which numbers of these kinds meet, as NumPy's promotion has it.

    b truth value, i int64, f float32, d float64; strong: of arrays, weak: of Python's own numbers, which bend to them.
    """
    kinds = strong - {"b"} or strong | weak
    if kinds == {"i", "f"} or (kinds == {"i"} and weak & {"f", "d"}):
        return "d"
    return max(kinds, key="bifd".index)


def number(x: Any) -> Any:
    """The nearest float32, or an array of them."""
    if isinstance(x, (tuple, list)):
        return np.array([number(v) for v in x], dtype=np.float32)
    if isinstance(x, np.ndarray):
        return x.astype(np.float32)
    if isinstance(x, float):
        return np.float32(x)
    return _nearest(Fraction(x))


def _nearest(exact: Fraction) -> np.float32:
    """By way of a double it would be rounded twice."""
    with np.errstate(over="ignore"):
        near = np.float32(float(exact))
        if not np.isfinite(near):
            return near
        beside = (near, np.nextafter(near, np.float32(-np.inf)), np.nextafter(near, np.float32(np.inf)))
    sound = [b for b in beside if np.isfinite(b)]
    return min(sound, key=lambda b: (abs(Fraction(float(b)) - exact), int(b.view(np.int32)) & 1))


SYSTEM = SimpleNamespace(**{**vars(reference), "number": number})
