"""Tensors: float64 on any device of torch, one eager call an operation.

On the CPU torch's square root is not correctly rounded (it may be a vector library's) and `number / tensor` is a
reciprocal times a number, so both are repaired here; a self-test at start-up checks them against exact integer
arithmetic and refuses to run otherwise. exp and log are the C library's on the CPU, one element at a time.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np

try:
    import torch
except ModuleNotFoundError as error:
    from simlab.errors import NotHere

    raise NotHere("the torch backend needs torch, which is not installed: pip install 'simlab[torch]'") from error

from simlab.backends import reference
from simlab.errors import NotHere
from simlab.ops import join
from simlab.protocol import Plan, Records, run_loop

GRADE, NANOSECONDS, PACKAGES = "observed", 500_000, ("torch",)
CELL_NANOSECONDS = 20  # of a round of a cell among many, compiled for a CPU
VECTORS = True  # run_cells takes vector problems too
_device = torch.device("cpu")


def number(x: Any) -> torch.Tensor:
    """A float64 tensor on the run's device."""
    if isinstance(x, torch.Tensor):
        return x.to(torch.float64)
    return torch.as_tensor(reference.number(x) if not isinstance(x, float) else x, dtype=torch.float64, device=_device)


def _pair(a: Any, b: Any) -> tuple[torch.Tensor, torch.Tensor]:
    like = a if isinstance(a, torch.Tensor) else b
    if not isinstance(like, torch.Tensor):
        return number(a), number(b)
    a, b = (
        v if isinstance(v, torch.Tensor) else torch.tensor(reference.number(v), dtype=like.dtype, device=like.device)
        for v in (a, b)
    )
    return a, b


def sqrt(x: Any) -> torch.Tensor:
    x = x if isinstance(x, torch.Tensor) else number(x)
    if x.device.type != "cpu" or x.requires_grad:
        return torch.sqrt(x)
    with np.errstate(invalid="ignore"):
        return torch.from_numpy(np.asarray(np.sqrt(x.numpy())))


def divide(a: Any, b: Any) -> torch.Tensor:
    return torch.div(*_pair(a, b))


def minimum(a: Any, b: Any) -> torch.Tensor:
    return torch.minimum(*_pair(a, b))


def maximum(a: Any, b: Any) -> torch.Tensor:
    return torch.maximum(*_pair(a, b))


def absolute(x: torch.Tensor) -> torch.Tensor:
    return torch.abs(x)


def sign(x: torch.Tensor) -> torch.Tensor:
    return torch.where(torch.isnan(x), x, torch.sign(x))


def less(a: Any, b: Any) -> Any:
    return torch.lt(*_pair(a, b))


def where(condition: Any, a: Any, b: Any) -> Any:
    if isinstance(condition, bool):
        return a if condition else b
    return torch.where(condition, *_pair(number(a), b))


def _libm(f: Callable, on_device: Callable, x: torch.Tensor) -> torch.Tensor:
    if x.device.type != "cpu" or x.requires_grad:
        return on_device(x)
    return torch.tensor([f(v) for v in x.reshape(-1).tolist()], dtype=x.dtype).reshape(x.shape)


def exp(x: torch.Tensor) -> torch.Tensor:
    return _libm(reference.exp, torch.exp, x)


def log1p(x: torch.Tensor) -> torch.Tensor:
    return _libm(math.log1p, torch.log1p, x)


def dot(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    products = a * b
    if products.ndim == 0:
        return products
    total = torch.zeros_like(products[..., 0])
    for i in range(products.shape[-1]):
        total = total + products[..., i]
    return total


def matvec(h: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    return dot(h, x) if h.ndim == 2 else h * x


def scale(rate: torch.Tensor, direction: torch.Tensor) -> torch.Tensor:
    return torch.where(direction == 0, torch.zeros_like(direction), rate * direction)


def flush(state: tuple) -> tuple:
    return reference.flushed(state, torch.where, tiny)


def tiny(s: torch.Tensor) -> float:
    """The smallest normal number of the precision of s."""
    return torch.finfo(s.dtype).tiny


def finite(x: torch.Tensor) -> bool:
    return bool(torch.all(torch.isfinite(x)))


def add(total: torch.Tensor, error: torch.Tensor, x: torch.Tensor) -> tuple:
    return reference.add(total, error, x)


def bisect(f: Callable, low: Any, *args: Any) -> torch.Tensor:
    return number(reference.bisect(lambda z, *rest: f(number(z), *rest), float(low), *args))


@cache
def self_test(device: torch.device) -> None:
    """Check this build's sqrt and division on the device against exact arithmetic; raises NotHere if a bit is wrong."""
    draws = torch.rand(2048, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1)) + 2.0**-40
    x, y = draws.to(device).unbind(1)
    for a, root, b, quotient in zip(x.tolist(), sqrt(x).tolist(), y.tolist(), divide(x, y).tolist(), strict=True):
        exact, half = Fraction(a), Fraction(math.ulp(root)) / 2
        if not (Fraction(root) - half) ** 2 <= exact <= (Fraction(root) + half) ** 2 or quotient != a / b:
            raise NotHere(f"this build of torch rounds sqrt or division wrongly on {device}; use another backend")
    if divide(1, y).tolist() != [1 / v for v in y.tolist()]:
        raise NotHere("this build of torch divides a number by a tensor with a wrong last bit; use another backend")


def open_device(name: str) -> torch.device:
    """The device of that name; raises NotHere, never another device in its place."""
    try:
        device = torch.device(name)
        torch.zeros(1, dtype=torch.float64, device=device)
    except (RuntimeError, AssertionError, TypeError) as error:
        reason = str(error).splitlines()[0]
        raise NotHere(f"no device {name!r} for torch here ({reason}); --device cpu runs on this machine") from error
    return device


def run(plan: Plan, *, device: str | None = None, progress: Callable = lambda t: None, **_: Any) -> Records:
    """The run in eager torch; about 100-300 microseconds a round on a CPU."""
    global _device
    before, _device = _device, open_device(device or "cpu")
    try:
        self_test(_device)
        with torch.no_grad():
            return run_loop(plan, sys.modules[__name__], progress)
    finally:
        _device = before


def run_cells(
    cells: Any, *, device: str | None = None, progress: Callable = lambda t: None, how: str | None = None, **_: Any
) -> Any:
    """The runs of cells, numbers or vectors, in float64 or float32, on the device; `path` says by which machinery.

    how: triton, compile or eager; unless set, the fastest that serves.
    """
    from simlab.backends import _paths

    where = open_device(device or "cpu")  # in float32 too schedules are doubles
    self_test(where)
    with torch.no_grad():
        return _paths.run_cells(cells, where, progress, how)


join(sys.modules[__name__], torch.Tensor)
