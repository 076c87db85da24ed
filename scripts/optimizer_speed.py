"""How long a step of `simlab.optim` takes beside torch's own, in one run.

    python scripts/optimizer_speed.py [--size 10000000 | --many] [--turns 15] [--threads 1] [--device cuda]

The optimizers take turns, and the least time of each is shown: of the wall clock, and of the processor alone (its
ratios hold on a machine that does other work too). The ratios are of processor time, with several threads or a GPU of
wall time, which ends when the GPU has done its work.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from typing import Any

import torch

import simlab
from simlab.optim import SGDM, AdaBound, Adam

CONTENDERS: dict[str, Callable[[Any], torch.optim.Optimizer]] = {
    "torch Adam, fused": lambda p: torch.optim.Adam(p, fused=True),
    "torch Adam, foreach": lambda p: torch.optim.Adam(p, foreach=True),
    "torch Adam, foreach=False": lambda p: torch.optim.Adam(p, foreach=False),
    "torch SGD, fused, momentum": lambda p: torch.optim.SGD(p, momentum=0.9, fused=True),
    "simlab Adam": Adam,
    "simlab Adam, gradients not looked at": lambda p: Adam(p, check_finite=False),
    "simlab AdaBound": AdaBound,
    "simlab AdaBound, gradients not looked at": lambda p: AdaBound(p, check_finite=False),
    "simlab SGDM": SGDM,
}


def stepped(make: Callable, sizes: list[int], dtype: torch.dtype, device: str) -> Callable[[], Any]:
    """A step of an optimizer of random parameters of these sizes, after its first."""
    draws = torch.Generator().manual_seed(1)
    ps = [torch.randn(n, dtype=dtype, generator=draws).to(device).requires_grad_() for n in sizes]
    for p in ps:
        p.grad = torch.randn(p.shape, dtype=dtype, generator=draws).to(device)
    optimizer = make(ps)
    optimizer.step()
    return optimizer.step


def least(steps: dict[str, Callable], turns: int, repeats: int, wait: Callable) -> dict[str, tuple[float, float]]:
    """(wall, processor) seconds of a step of each, the least over the turns."""
    best = dict.fromkeys(steps, (float("inf"), float("inf")))
    for _ in range(turns):
        for name, step in steps.items():
            wait()
            wall, processor = time.perf_counter(), time.thread_time()
            for _ in range(repeats):
                step()
            wait()
            taken = (time.perf_counter() - wall) / repeats, (time.thread_time() - processor) / repeats
            best[name] = tuple(map(min, best[name], taken))  # type: ignore[assignment]
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=10_000_000, help="coordinates of the one large parameter")
    parser.add_argument("--many", action="store_true", help="only parameters that are many and small")
    parser.add_argument("--turns", type=int, default=15)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu", help="cpu, or a GPU by torch's name: cuda, cuda:1")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    gpu = options.device != "cpu"
    where = torch.cuda.get_device_name(options.device) if gpu else f"{options.threads} of {os.cpu_count()} cores"
    wait = (lambda: torch.cuda.synchronize(options.device)) if gpu else lambda: None
    print(f"torch {torch.__version__}, simlab {simlab.__version__}, {where}, ", end="")
    print(f"load {os.getloadavg()[0]:.1f}; milliseconds a step, least of {options.turns} turns")
    one, many = [([options.size], 20 if gpu else 1)], [([64 * k for k in range(1, 65)] * 2, 20), ([256] * 400, 20)]
    for dtype in (torch.float32, torch.float64):
        for sizes, repeats in many if options.many else one + many:
            print(f"\n{len(sizes)} parameters of {min(sizes)} to {max(sizes)}, {str(dtype).removeprefix('torch.')}")
            print(f"{'':42}{'wall':>9}{'processor':>11}{'x torch fused':>15}")
            steps = {name: stepped(make, sizes, dtype, options.device) for name, make in CONTENDERS.items()}
            best = least(steps, options.turns, repeats, wait)
            judge = 1 if options.threads == 1 and not gpu else 0  # the processor's clock sees this thread alone
            against = best["torch Adam, fused"][judge]
            for name, taken in best.items():
                print(f"{name:42}{1e3 * taken[0]:9.2f}{1e3 * taken[1]:11.2f}{taken[judge] / against:15.2f}")


if __name__ == "__main__":
    main()
