"""What the tests of the optimizers share: which there are, parameters, gradients, and a run of steps."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pytest
import torch

from simlab.optim import SGDM, AdaBound, AdaBoundW, AdaGrad, Adam, AMSBound, AMSGrad, RMSProp

ALL = [SGDM, AdaGrad, RMSProp, Adam, AMSGrad, AdaBound, AMSBound, AdaBoundW]
FORMS = ["released", "paper"]
every = pytest.mark.parametrize("make", ALL, ids=lambda c: c.__name__)
each_form = pytest.mark.parametrize("form", FORMS)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Steps are small: one thread, as long as a test lasts; a test file imports this."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def draws(rounds: int, *shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.randn(rounds, *shape, dtype=dtype, generator=torch.Generator().manual_seed(seed))


def parameter(*shape: int, dtype: torch.dtype = torch.float64, seed: int = 1) -> torch.Tensor:
    return draws(1, *shape, seed=seed, dtype=dtype)[0].requires_grad_()


def drive(optimizer: torch.optim.Optimizer, p: torch.Tensor, gradients: torch.Tensor) -> torch.Tensor:
    """The decision after the optimizer has seen these gradients, one a step."""
    for g in gradients:
        p.grad = g.to(p.dtype)
        optimizer.step()
    return p.detach().clone()


def saved(optimizer: torch.optim.Optimizer) -> Any:
    """The state as it comes back from a file, read without running any code from it."""
    file = io.BytesIO()
    torch.save(optimizer.state_dict(), file)
    file.seek(0)
    return torch.load(file, weights_only=True)
