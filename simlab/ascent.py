"""Gradient ascent in the unit cube, many points at once, on a function that runs on torch tensors.

    z <- clip(z + r_k Adam(grad f(z)), 0, 1),        r_k = r (1 + cos(pi k/n))/2,  k = 0, ..., n - 1

Where a gradient is no number (0/0 in a branch not taken, say) it counts as 0. Kingma and Ba (2015), Algorithm 1.
"""

from __future__ import annotations

from collections.abc import Callable
from math import cos, pi
from typing import Any

import numpy as np

RATE = 0.03  # of the side of the cube


def ascend(
    f: Callable[[Any], Any], z: np.ndarray, steps: int, tell: Callable[[], None] = lambda: None
) -> tuple[np.ndarray, np.ndarray]:
    """(points, values): for each column of z the best point that was met, its start among them, and f there.

    f: a tensor of points, one a column, to a tensor of their values; a value that is not a number counts as 0. tell is
    called after each step. Needs torch.
    """
    import torch

    at = torch.tensor(z, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.Adam([at], lr=RATE, maximize=True)
    best, values = z.copy(), np.full(z.shape[1], -np.inf)
    for k in range(steps):
        found = f(at)
        here = np.nan_to_num(found.detach().numpy(), nan=0.0, posinf=0.0, neginf=0.0)
        better = here > values
        best[:, better], values[better] = at.detach().numpy()[:, better], here[better]
        (slope,) = torch.autograd.grad(found.sum(), at)
        at.grad = torch.nan_to_num(slope, 0.0, 0.0, 0.0)
        optimizer.param_groups[0]["lr"] = RATE * (1 + cos(pi * k / steps)) / 2
        optimizer.step()
        with torch.no_grad():
            at.clamp_(0.0, 1.0)
        tell()
    return best, values
