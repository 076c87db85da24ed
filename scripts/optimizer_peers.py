"""What breaks in published AdaBound optimizers, and how far they are from `simlab.optim.AdaBound` where they work.

    pip install adabound==0.0.5 torch_optimizer==0.3.0 pytorch_optimizer==4.1.0
    python scripts/optimizer_peers.py

Each row is what a test of ours demands (its name stands beside it), put in words that every package understands. What
is not installed is left out. `ok` is an answer that the test would accept; all else is shown as it is.
"""

from __future__ import annotations

import copy
import importlib
import inspect
import warnings
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import torch

from simlab.optim import AdaBound

PACKAGES = ("adabound", "torch_optimizer", "pytorch_optimizer")
OPTIONS: dict[str, dict[str, Any]] = {
    "defaults": {},
    "weight_decay = 0.01": {"weight_decay": 0.01},
    "amsbound": {"amsbound": True},
    "gamma = 1/2, final_lr = 0.01": {"gamma": 0.5, "final_lr": 0.01},
}
SAME = 1e-12


class Differs(Exception):
    """Not what was asked for, in words."""


def parameter() -> torch.Tensor:
    return torch.zeros(2, dtype=torch.float64, requires_grad=True)


def stepped(optimizer: Any, p: torch.Tensor, size: float = 1.0, rounds: int = 1) -> torch.Tensor:
    for _ in range(rounds):
        p.grad = torch.full_like(p, size)
        optimizer.step()
    return p.detach().clone()


def added(make: Callable) -> None:
    p, q = parameter(), parameter()
    optimizer = make([p])
    optimizer.add_param_group({"params": [q]})
    if not stepped(optimizer, q).any():
        raise Differs("the new group is never updated")


def copied(make: Callable) -> None:
    optimizer = make([p := parameter()])
    stepped(optimizer, p)
    q, again = copy.deepcopy((p, optimizer))
    if not torch.equal(stepped(optimizer, p), stepped(again, q)):
        raise Differs("another step")


def resumed(make: Callable) -> None:
    optimizer = make([p := parameter()], lr=1e-3)
    stepped(optimizer, p)
    again = make([q := p.detach().clone().requires_grad_()], lr=0.1)
    again.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    if not torch.equal(stepped(optimizer, p, 1e4, 50), stepped(again, q, 1e4, 50)):
        raise Differs("another trajectory")


def made_at_zero(make: Callable) -> None:
    stepped(optimizer := make([p := parameter()], lr=0.0), p)
    optimizer.param_groups[0]["lr"] = 1e-3
    if not stepped(optimizer, p).isfinite().all():
        raise Differs("not finite")


def large_gamma(make: Callable) -> None:
    stepped(make([p := parameter()], gamma=1.5), p)


def complex_parameter(make: Callable) -> None:
    """AdaBound of a complex number is that of its two parts, as in torch's own optimizers."""
    z, w = torch.zeros(2, dtype=torch.complex128, requires_grad=True), torch.zeros(2, 2, dtype=torch.float64)
    w.requires_grad_()
    w.grad = torch.tensor([[1.0, 2.0], [3.0, -1.0]], dtype=torch.float64)
    z.grad = torch.view_as_complex(w.grad)
    for p in (z, w):
        make([p]).step()
    if not torch.allclose(torch.view_as_real(z.detach()), w.detach(), rtol=1e-12):
        raise Differs("not the step of its two parts")


def half_precision(make: Callable) -> None:
    """With 8 bits a second moment that is averaged with 0.999 stands still."""
    p = torch.zeros(2, dtype=torch.bfloat16, requires_grad=True)
    optimizer = make([p])
    stepped(optimizer, p)
    kept = {name: v.dtype for name, v in optimizer.state[p].items() if isinstance(v, torch.Tensor) and v.ndim}
    if torch.bfloat16 in kept.values():
        raise Differs("the state is kept in bfloat16")


def not_finite(make: Callable) -> None:
    p, q = parameter(), parameter()
    optimizer = make([p, q])
    p.grad, q.grad = torch.ones_like(p), torch.full_like(q, torch.nan)
    try:
        optimizer.step()
    except (ValueError, RuntimeError):
        if p.any():
            raise Differs("an error, half way") from None
    else:
        raise Differs("no error: nan spreads")


def keyword(name: str) -> Callable:
    def probe(make: Callable) -> None:
        if name not in inspect.signature(make).parameters:
            raise Differs("no such keyword")

    return probe


def maximized(make: Callable) -> None:
    if not (stepped(make([p := parameter()], maximize=True), p) > 0).all():
        raise Differs("goes down")


PROBES: dict[str, tuple[Callable, str]] = {
    "add_param_group": (added, "test_a_group_added_later"),
    "deepcopy, then step": (copied, "test_copies"),
    "resume under another constructor lr": (resumed, "test_resuming"),
    "lr = 0 warm-up": (made_at_zero, "test_a_rate_of_zero"),
    "gamma >= 1": (large_gamma, "test_gamma_of_one_and_more"),
    "complex parameter": (complex_parameter, "test_complex_parameters_are_pairs_of_reals"),
    "bfloat16 parameter": (half_precision, "test_parameters_of_16_bits"),
    "nan in one gradient": (not_finite, "test_gradients_that_are_refused"),
    "maximize": (maximized, "test_torch_twins"),
    **{name: (keyword(name), "test_the_keywords_of_torch") for name in ("foreach", "fused", "differentiable")},
}


def answer(probe: Callable, make: Callable) -> str:
    try:
        probe(make)
    except Exception as error:
        return str(error) if isinstance(error, Differs) else f"{type(error).__name__}: {str(error).splitlines()[0]}"
    return "ok"


def least_squares(make: Callable, options: dict[str, Any], decays: bool, rounds: int = 2000) -> torch.Tensor:
    """The decisions of 2000 steps on random rows of 64 x 10 least squares, under StepLR if `decays`."""
    draws = torch.Generator().manual_seed(1)
    a, b = (torch.randn(*shape, dtype=torch.float64, generator=draws) for shape in ((64, 10), (64,)))
    x = torch.zeros(10, dtype=torch.float64, requires_grad=True)
    optimizer, path = make([x], **options), []
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 500, 0.3)
    for _ in range(rounds):
        rows = torch.randint(0, 64, (4,), generator=draws)
        optimizer.zero_grad()
        ((a[rows] @ x - b[rows]) ** 2).mean().backward()
        optimizer.step()
        if decays:
            scheduler.step()
        path.append(x.detach().clone())
    return torch.stack(path)


def installed() -> Iterator[tuple[str, Any]]:
    for name in PACKAGES:
        try:
            yield f"{name} {version(name)}", importlib.import_module(name).AdaBound
        except (PackageNotFoundError, ImportError) as error:
            print(f"{name}: left out ({error})")


def main() -> None:
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")  # of old calls of torch
    peers = dict(installed())
    print(f"torch {torch.__version__}\n\nprobe (test of ours)")
    for name, (probe, test) in PROBES.items():
        print(f"{name} ({test})")
        for peer, make in (*peers.items(), ("simlab.optim", AdaBound)):
            print(f"    {peer:26}{answer(probe, make)}")
    print("\nlargest difference from simlab.optim.AdaBound in 2000 steps of stochastic least squares, float64")
    for name, options in OPTIONS.items():
        for decays in (False, True):
            ours = least_squares(AdaBound, options, decays)
            for peer, make in peers.items():
                gap = float((ours - least_squares(make, options, decays)).abs().max())
                print(f"    {name + ', StepLR' * decays:40}{peer:26}{gap:.1e}{'' if gap <= SAME else '   differs'}")


if __name__ == "__main__":
    main()
