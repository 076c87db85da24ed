"""What number systems without rounding share: operations entry by entry, plain sums, and nothing to flush."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def entrywise(number: Callable) -> Callable:
    """The decorator that makes f(x, ...) on numbers work on arrays of them too, arguments entered by `number`."""

    def each(f: Callable) -> Callable:
        mapped = np.frompyfunc(lambda *args: f(*map(number, args)), f.__code__.co_argcount, 1)

        def operation(*args: Any) -> Any:
            return mapped(*args) if any(isinstance(a, np.ndarray) for a in args) else f(*map(number, args))

        return operation

    return each


def dot(a: Any, b: Any) -> Any:
    return sum(p * q for p, q in zip(a, b, strict=True)) if isinstance(a, np.ndarray) else a * b


def matvec(h: Any, x: Any) -> Any:
    return np.array([dot(row, x) for row in h], object) if isinstance(h, np.ndarray) and h.ndim == 2 else h * x


def flush(state: tuple) -> tuple:
    return state, False


def add(total: Any, error: Any, x: Any) -> tuple:
    return total + x, error
