"""One number of each of many runs at once: a row of floats or a tensor that passes for a single number.

NumPy takes a Many for an opaque number, so that arrays of them, one entry a round, go wherever arrays of floats or of
balls go: a regret bound evaluated once is evaluated for every run, and with tensors it has a gradient.
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from simlab import ops
from simlab.backends._exact import entrywise


class Many:
    """The numbers `value`, one a run, which NumPy leaves alone."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __neg__(self) -> Many:
        return Many(-self.value)


def number(x: Any) -> Any:
    """Itself: exact numbers and Many go together as they are."""
    return x


def _of(x: Any) -> Any:
    return x.value if isinstance(x, Many) else x


def _operator(f: Callable) -> Callable:
    def apply(a: Any, b: Any) -> Any:
        # an array takes a Many for one of its own entries, so it has to be asked
        return NotImplemented if isinstance(b, np.ndarray) else Many(f(_of(a), _of(b)))

    return apply


def _turned(f: Callable) -> Callable:
    return lambda a, b: f(b, a)


for _name in ("add", "sub", "mul", "truediv"):
    setattr(Many, f"__{_name}__", _operator(getattr(operator, _name)))
    setattr(Many, f"__r{_name}__", _operator(_turned(getattr(operator, _name))))


_each = entrywise(number)
sqrt = _each(lambda x: Many(ops.sqrt(_of(x))))
divide = _each(lambda a, b: Many(ops.divide(_of(a), _of(b))))
minimum = _each(lambda a, b: Many(ops.minimum(_of(a), _of(b))))
maximum = _each(lambda a, b: Many(ops.maximum(_of(a), _of(b))))
absolute = _each(lambda x: Many(ops.absolute(_of(x))))
log1p = _each(lambda x: Many(ops.log1p(_of(x))))
scale = _each(lambda rate, direction: Many(ops.scale(_of(rate), _of(direction))))

ops.join(sys.modules[__name__], Many)
