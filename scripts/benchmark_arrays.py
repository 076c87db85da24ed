"""Many runs at once, and one long vector: our compiled loops, the same in other ways, and what the processor allows.

    sweep    4096 cells (64 values of beta2, 64 of alpha), every round of Adam on a periodic problem
    vector   one step of Adam with a given gradient on 10^7 coordinates

The limit of a sweep is the divider's: a root and the divisions of each cell, in the widest vectors. That of a vector is
the memory's: to read x, m, v, g and write x, m, v.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import benchmark_peers as peers
import numpy as np
from benchmark_peers import Skip
from benchmark_turns import Entry, prepared, turns

from simlab import blocks, lanes
from simlab.backends import numba, reference
from simlab.cells import Cells
from simlab.feasible import Box
from simlab.gather import Column, gather
from simlab.jump import jumps
from simlab.online import make_plan
from simlab.ops import dot
from simlab.problem import Problem
from simlab.protocol import bound
from simlab.stream import quickly

CELLS = 4096
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")  # as ours
SOURCE = """
#include <math.h>
#include <stdint.h>
#define FENCE __asm__ volatile("" ::: "memory")
#define EACH(NAME, T, VALUE)                                                             \\
void NAME(int64_t times, int64_t n, const T *restrict x, T *restrict y) {                \\
    while (times--) { for (int64_t i = 0; i < n; i++) y[i] = VALUE; FENCE; }             \\
}
EACH(roots64, double, sqrt(x[i]))
EACH(quotients64, double, 1 / x[i])
EACH(roots32, float, sqrtf(x[i]))
EACH(quotients32, float, 1 / x[i])
/* 256 cells in the lanes: beta2, 1 - beta2, alpha differ; nothing is summed and nothing is looked at */
static __attribute__((noinline)) void turn(double g, double rate, const double *restrict b, const double *restrict r,
        const double *restrict a, double *restrict x, double *restrict m, double *restrict v) {
    for (int i = 0; i < 256; i++) {
        m[i] = 0.9 * m[i] + (1 - 0.9) * g;
        v[i] = b[i] * v[i] + r[i] * (g * g);
        double y = x[i] - rate * (a[i] / sqrt(v[i])) * m[i];
        y = y > -2 ? y : -2;
        x[i] = y < 2 ? y : 2;
    }
}
void lanes(int64_t rounds, int64_t n, const double *b, const double *r, const double *a, double *x, double *m,
           double *v) {
    for (int64_t s = 0; s < n; s += 256)
        for (int64_t t = 1; t <= rounds; t++)
            turn(t % 3 == 1 ? -1 : t % 3 == 2 ? 2 : 0, 1 / sqrt((double)t), b + s, r + s, a + s, x + s, m + s, v + s);
}
void traffic(int64_t rounds, int64_t n, const double *restrict g, double *restrict x, double *restrict m,
             double *restrict v) {
    while (rounds--) {
        for (int64_t i = 0; i < n; i++) { m[i] += g[i]; v[i] += g[i]; x[i] -= g[i]; }
        FENCE;
    }
}
"""


def _pointers(*arrays: np.ndarray) -> list[ctypes.c_void_p]:
    return [ctypes.c_void_p(a.ctypes.data) for a in arrays]


def _least(entries: dict[str, Entry], repeats: int, what: str) -> dict[str, dict[str, float]]:
    """{name: least nanoseconds a unit, by the processor's clock and by the wall's}."""
    found = turns(entries, repeats, what)
    return {name: {clock: min(spent) for clock, spent in clocks.items()} for name, clocks in found.items()}


# --- sweep ----------------------------------------------------------------------------------------------------------


def cells(rule: str, rounds: int, single: bool, periods: tuple[str, ...] = ("3",), **more: str) -> Cells:
    """The cells of the sweep; with more than one period they take the place of the values of alpha."""
    each = np.arange(CELLS)
    settings = {
        "rule": Column([rule], 0 * each),
        "problem": Column(["luo2019_periodic"], 0 * each),
        "rounds": Column([rounds], 0 * each),
        "beta2": Column([f"{0.5 + i / 140:.4f}" for i in range(64)], each % 64),
        "alpha": Column([f"{(i + 1) / 1000}" for i in range(64)], each // 64),
        "C": Column(periods, each // 64 % len(periods)),
        **{name: Column([value], 0 * each) for name, value in more.items()},
    }
    (batch,), _ = gather(settings, CELLS, 1, single)
    return batch


def _ours(batch: Cells, threads: int) -> Callable[[], np.ndarray]:
    return lambda: numba.run_cells(batch, threads=threads).x_last


def _jumped(batch: Cells) -> Callable[[], np.ndarray]:
    return lambda: numba.run_cells(batch, threads=1, jump=jumps(batch)).x_last


def _columns(batch: Cells) -> tuple[np.ndarray, ...]:
    beta2 = batch.hyper[1]
    return tuple(np.array(c, dtype=batch.x0.dtype) for c in (beta2.beta, beta2.rest, batch.alpha))


def _numpy(batch: Cells) -> Callable[[], np.ndarray]:
    b, r, a = _columns(batch)

    def run() -> np.ndarray:
        x, m, v, w = (np.zeros(CELLS) for _ in range(4))
        for t in range(1, batch.plan.rounds + 1):
            g = (0.0, -1.0, 2.0)[t % 3]
            m *= 0.9
            m += 0.1 * g if g else 0.0
            v *= b
            v += r * (g * g)
            np.sqrt(v, out=w)
            np.divide(a, w, out=w)
            w *= 1 / np.sqrt(t)
            w *= m
            x -= w
            np.clip(x, -2, 2, out=x)
        return x

    return run


def _jax(batch: Cells) -> Callable[[], np.ndarray]:
    jax = peers._import("jax")
    jax.config.update("jax_enable_x64", True)
    np_, kind = jax.numpy, batch.x0.dtype

    def one(b: Any, r: Any, a: Any) -> Any:
        def step(carry: tuple, t: Any) -> tuple:
            x, m, v = carry
            g = np_.where(t % 3 == 1, -1.0, np_.where(t % 3 == 2, 2.0, 0.0)).astype(kind)
            m = m * kind.type(0.9) + kind.type(0.1) * g
            v = b * v + r * (g * g)
            rate = (1 / np_.sqrt(t.astype(float))).astype(kind)
            return (np_.clip(x - rate * (a / np_.sqrt(v)) * m, -2, 2).astype(kind), m, v), None

        zero = np_.zeros((), kind)
        return jax.lax.scan(step, (zero, zero, zero), np_.arange(1, batch.plan.rounds + 1), unroll=8)[0][0]

    given = tuple(map(np_.asarray, _columns(batch)))
    ready = jax.jit(jax.vmap(one)).lower(*given).compile()
    return lambda: np.asarray(ready(*given))


def _torch(batch: Cells) -> Callable[[], np.ndarray]:
    torch = peers._import("torch")
    torch.set_num_threads(1)
    b, r, a = map(torch.from_numpy, _columns(batch))

    def run() -> np.ndarray:
        x, m, v = (torch.zeros(CELLS, dtype=b.dtype) for _ in range(3))
        for t in range(1, batch.plan.rounds + 1):
            g = (0.0, -1.0, 2.0)[t % 3]
            m.mul_(0.9).add_(0.1 * g)
            v.mul_(b).add_(r * (g * g))
            x.sub_((a / v.sqrt()).mul_(t**-0.5).mul_(m)).clamp_(-2, 2)
        return x.numpy()

    return run


def _c_lanes(batch: Cells) -> Callable[[], np.ndarray]:
    library, columns = peers.library(*peers.STRICT, "-fno-trapping-math", text=SOURCE), _columns(batch)

    def run() -> np.ndarray:
        x, m, v = (np.zeros(CELLS) for _ in range(3))
        given = _pointers(*columns, x, m, v)
        library.lanes(ctypes.c_int64(batch.plan.rounds), ctypes.c_int64(CELLS), *given)
        return x

    return run


def _divider(name: str) -> Callable[[], Any]:
    library = peers.library("-O3", "-march=native", text=SOURCE)
    x = np.linspace(1, 2, 1024).astype(np.float32 if name.endswith("32") else np.float64)
    y = np.empty_like(x)
    return lambda: getattr(library, name)(ctypes.c_int64(20_000), ctypes.c_int64(1024), *_pointers(x, y))


def _limit(batch: Cells, cost: dict[str, float]) -> float:
    """Nanoseconds that the divider alone takes for a cell and round; roots and divisions are counted in the code."""
    _, slots, many, size, _ = blocks.arranged(batch, in_step=len(np.unique(batch.period)) == 1)
    text = lanes.Driver(batch.plan, slots, batch.single, many, size, careful=False).text()
    bits = 32 if batch.single else 64
    counts = (("roots", r"call <.*llvm\.sqrt"), ("quotients", "fdiv <"))
    # of vectors; the code has the round twice, without a record and with one
    return sum(len(re.findall(word, text)) / 2 * cost[f"{name}{bits}"] for name, word in counts)


def sweep(options: argparse.Namespace) -> dict[str, Any]:
    """{times, skipped, limits, x, rounds} of the sweep: nanoseconds a cell and round."""
    rounds = 300 if options.quick else 100_000
    few = max(60, rounds // 100)  # of the slow ones
    same, single = cells("adam_analysed", rounds, False), cells("adam_analysed", rounds, True)
    short = cells("adam_analysed", few, False)
    ours = {  # name: (cells, threads)
        "simlab, float64": (same, 1),
        "simlab, float64, 2 threads": (same, 2),
        "simlab, float32": (single, 1),
        "simlab, float32, 2 threads": (single, 2),
        "simlab, float64, 64 periods": (cells("adam_analysed", rounds, False, tuple(map(str, range(3, 67)))), 1),
        "simlab, float64, amsgrad": (cells("amsgrad", rounds, False), 1),
        "simlab, float64, adabound, one gamma": (cells("adabound", rounds, False, gamma="0.01"), 1),
        "simlab, float64, adabound": (cells("adabound", rounds, False), 1),
    }
    for c in ("50", "1000"):  # two rounds of a period have gradients
        ours[f"simlab, float64, C = {c}"] = cells("adam_analysed", rounds, False, (c,), beta1="0"), 1
    long = {c: cells("adam_analysed", 10 * rounds, False, (c,), beta1="0") for c in ("50", "1000")}
    makers: dict[str, Callable[[], Any]] = {
        **{name: lambda of=of: (_ours(*of), rounds) for name, of in ours.items()},
        **{f"simlab, float64, C = {c}, jumped": lambda b=b: (_jumped(b), 10 * rounds) for c, b in long.items()},
        "C -O3 -march=native, 256 lanes": lambda: (_c_lanes(same), rounds),
        "jax vmap + scan, float64": lambda: (_jax(same), rounds),
        "jax vmap + scan, float32": lambda: (_jax(single), rounds),
        "numpy in place": lambda: (_numpy(short), few),
        "torch in place": lambda: (_torch(short), few),
        "simlab reference": lambda: (lambda: reference.run_cells(short).x_last, few),
    }
    made, skipped = prepared(makers, "sweep")
    entries = {name: (run, n * CELLS) for name, (run, n) in made.items()}
    units = 20_000 * 1024
    parts = {n: lambda n=n: (_divider(n), units) for n in ("roots64", "quotients64", "roots32", "quotients32")}
    dividers, missing = prepared(parts, "sweep")
    x = {
        name: run()
        for name, (run, _) in entries.items()
        if name == "simlab, float64" or "C -O3" in name or "jax" in name
    }
    times = _least({**entries, **dividers}, options.repeats, "sweep")
    cost = {name: times.pop(name)["cpu"] for name in dividers}
    limits = {} if missing else {name: _limit(batch, cost) for name, (batch, _) in ours.items()}
    apart = {name: float(np.abs(v - x["simlab, float64"]).max()) for name, v in x.items()}
    return {"times": times, "skipped": {**skipped, **missing}, "limits": limits, "apart": apart, "rounds": rounds,
            "cells": CELLS, "divider": cost}  # fmt: skip


# --- vector ---------------------------------------------------------------------------------------------------------


def _loss(t: Any, x: Any, g: Any) -> Any:
    return dot(g, x)


def _grad(t: Any, x: Any, g: Any) -> Any:
    return g


def _our_step(g: np.ndarray, steps: int, rule: str = "adam_analysed") -> Callable[[], Any]:
    """Our loop over the coordinates as simlab.run calls it, with the copy that it can go back to."""
    plan = make_plan(rule, "quadratic", {"center": "0,0"}, None, steps + 1, 1)[0]
    posed = Problem(_loss, _grad, Box(-1000, 1000), (g,), dimension=len(g))
    plan = replace(plan, problem=posed, x0=np.zeros(len(g)))
    alpha, decay, hyper, data, region = bound(plan, reference.number)
    reals, _ = numba._flatten((*hyper, *region, *data))
    numbers = np.concatenate([np.atleast_1d(np.asarray(v, dtype=float)) for v in ([1.0, 0, 0, alpha, decay], *reals)])
    play = quickly(plan, len(g), (hyper, region, data))
    x, state = np.zeros(len(g)), np.zeros((len(plan.rule.state), len(g)))
    counters = np.zeros(numba.COUNTERS + numba.SHAPES, dtype=np.int64)

    def run() -> None:
        if play is None or not play(0, steps, 0, (counters, numbers, x, state)):
            raise Skip("no compiled loop for this processor")

    return run


def _torch_step(g: np.ndarray, steps: int, **how: Any) -> Callable[[], Any]:
    torch = peers._import("torch")
    torch.set_num_threads(1)
    x = torch.zeros(len(g), dtype=torch.float64, requires_grad=True)
    x.grad = torch.from_numpy(g)
    optimizer = torch.optim.Adam([x], lr=1e-3, **how)
    return lambda: [optimizer.step() for _ in range(steps)]


def _numpy_step(g: np.ndarray, steps: int) -> Callable[[], Any]:
    x, m, v, w = (np.zeros(len(g)) for _ in range(4))

    def run() -> None:
        for t in range(1, steps + 1):
            m[:] *= 0.9
            np.multiply(g, 0.1, out=w)
            m[:] += w
            v[:] *= 0.999
            np.multiply(g, g, out=w)
            w[:] *= 0.001
            v[:] += w
            np.sqrt(v, out=w)
            np.divide(m, w, out=w)
            w[:] *= 1e-3 / np.sqrt(t)
            x[:] -= w

    return run


def _traffic(g: np.ndarray, steps: int) -> Callable[[], Any]:
    library = peers.library(*peers.NATIVE, text=SOURCE)
    arrays = [g, *(np.zeros(len(g)) for _ in range(3))]
    return lambda: library.traffic(ctypes.c_int64(steps), ctypes.c_int64(len(g)), *_pointers(*arrays))


def vector(options: argparse.Namespace) -> dict[str, Any]:
    """{times, skipped, d} of one step: nanoseconds a coordinate."""
    d, steps = (20_000, 20) if options.quick else (10_000_000, 50)
    g = np.linspace(-1, 1, d)
    entries, skipped = prepared({
        "simlab": lambda: (_our_step(g, steps), steps * d),
        "simlab, adam as printed": lambda: (_our_step(g, steps, "adam"), steps * d),
        "limit: read x, m, v, g, write x, m, v": lambda: (_traffic(g, steps), steps * d),
        "torch.optim.Adam, fused": lambda: (_torch_step(g, steps, fused=True), steps * d),
        "torch.optim.Adam": lambda: (_torch_step(g, max(1, steps // 5)), max(1, steps // 5) * d),
        "numpy in place": lambda: (_numpy_step(g, max(1, steps // 5)), max(1, steps // 5) * d),
    }, "vector")  # fmt: skip
    return {"times": _least(entries, options.repeats, "vector"), "skipped": skipped, "d": d}


# --- tables ---------------------------------------------------------------------------------------------------------


def sweep_text(found: dict[str, Any]) -> list[str]:
    """The sweep as a table."""
    times, limits, base = found["times"], found["limits"], found["times"]["simlab, float64"]["cpu"]
    lines = ["", f"sweep: {found['cells']} cells x {found['rounds']} rounds, adam_analysed on luo2019_periodic",
             f"{'':<40} {'ns':>8} {'wall':>8} {'x simlab':>9} {'limit':>8} {'share':>6}"]  # fmt: skip
    for name, t in sorted(times.items(), key=lambda item: item[1]["cpu"]):
        share = f"{limits[name]:>8.3f} {limits[name] / t['cpu']:>6.3f}" if name in limits else ""
        lines.append(f"{name:<40} {t['cpu']:>8.3f} {t['wall']:>8.3f} {t['cpu'] / base:>9.3f} {share}".rstrip())
    pairs = [
        (
            f"two threads, float{b}: wall time of one / of two",
            f"simlab, float{b}",
            f"simlab, float{b}, 2 threads",
            "wall",
        )
        for b in (64, 32)
    ]
    pairs.append(("float64 / float32", "simlab, float64", "simlab, float32", "cpu"))
    lines += [f"{text:<50} {times[a][clock] / times[b][clock]:>8.3f}" for text, a, b, clock in pairs]
    lines += [f"{name}: x differs by {gap:.1e}" for name, gap in found["apart"].items() if gap]
    return lines + [f"{name:<40} skipped: {why}" for name, why in found["skipped"].items()]


def vector_text(found: dict[str, Any]) -> list[str]:
    """The vector as a table."""
    base = found["times"].get("simlab", {"cpu": float("nan")})["cpu"]
    lines = [
        "",
        f"one step of Adam on {found['d']} coordinates, float64, one thread",
        f"{'':<40} {'ns':>8} {'x simlab':>9}",
    ]
    for name, t in sorted(found["times"].items(), key=lambda item: item[1]["cpu"]):
        lines.append(f"{name:<40} {t['cpu']:>8.3f} {t['cpu'] / base:>9.3f}")
    return lines + [f"{name:<40} skipped: {why}" for name, why in found["skipped"].items()]
