"""Columns of cells as tensors: the number system in which simlab.cells plays them eagerly, on any device.

    float64 or float32 as the cells have it; integers are int64; what is still a plain number stays one

Plain numbers are those of simlab.backends.reference: schedules of t are doubles, and are rounded to the run's precision
where they meet it. On a device a division's operands are both tensors there: by a number of the host torch multiplies
with the reciprocal.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

from simlab.backends import _single, reference
from simlab.backends import torch as eager


def system(single: bool, device: torch.device, root: Callable = eager.sqrt) -> SimpleNamespace:
    """The number system of columns in one precision on one device; root: a tensor's square root, rounded to nearest."""
    dtype, plain = (torch.float32, _single.number) if single else (torch.float64, reference.number)

    def number(x: Any) -> Any:
        return x.to(dtype) if isinstance(x, torch.Tensor) else float(plain(x))

    def pair(a: Any, b: Any) -> tuple[torch.Tensor, torch.Tensor]:
        """Both as tensors; a plain number in the precision of the other one, or the run's where that is an integer."""
        like = a if isinstance(a, torch.Tensor) else b
        kind = like.dtype if like.is_floating_point() else dtype
        a, b = (v if isinstance(v, torch.Tensor) else torch.full((), v, dtype=kind, device=like.device) for v in (a, b))
        return a, b

    of_two: dict[str, Callable] = {
        "divide": torch.div,
        "less": torch.lt,
        "minimum": lambda a, b: torch.where(a < b, a, b),  # torch's own choose otherwise where one is not a number
        "maximum": lambda a, b: torch.where(a > b, a, b),
    }

    def either(name: str) -> Any:
        of_numbers, of_tensors = getattr(reference, name), of_two[name]

        def operation(a: Any, b: Any) -> Any:
            tensors = isinstance(a, torch.Tensor) or isinstance(b, torch.Tensor)
            return of_tensors(*pair(a, b)) if tensors else of_numbers(a, b)

        return operation

    def unary(name: str) -> Any:
        of_numbers, of_tensors = getattr(reference, name), getattr(eager, name)
        return lambda x: of_tensors(x) if isinstance(x, torch.Tensor) else of_numbers(x)

    def sqrt(x: Any) -> Any:
        if not isinstance(x, torch.Tensor):
            return reference.sqrt(x)
        return root(x if x.is_floating_point() else x.to(torch.float64))

    def where(condition: Any, a: Any, b: Any) -> Any:
        if not isinstance(condition, torch.Tensor):
            return a if condition else b
        if isinstance(a, float) and isinstance(b, float):
            a = torch.full((), a, dtype=dtype, device=condition.device)  # two numbers would become float32
        return torch.where(condition, a, b)

    def scale(rate: Any, direction: Any) -> Any:
        return where(direction == 0, 0.0, rate * direction)

    def flush(state: tuple) -> tuple:
        return reference.flushed(state, where, eager.tiny)

    def column(x: np.ndarray) -> torch.Tensor:
        """A column on the device; what all cells share is kept there once."""
        held = x[tuple(slice(None, None if stride else 1) for stride in x.strides)]
        return torch.from_numpy(np.array(held)).to(device).expand(x.shape)

    return SimpleNamespace(
        **{name: either(name) for name in of_two},
        **{name: unary(name) for name in ("absolute", "sign", "exp", "log1p")},
        number=number,
        sqrt=sqrt,
        where=where,
        scale=scale,
        flush=flush,
        add=reference.add,
        column=column,
        array=lambda x: x.cpu().numpy(),
        each_finite=torch.isfinite,
    )
