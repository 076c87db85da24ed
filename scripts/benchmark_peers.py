"""One online loop, written by hand in every other way that people use.

    m <- beta1 m + (1 - beta1) g,   v <- beta2 v + (1 - beta2) g^2
    x <- clip(x - (1/sqrt(t) alpha/sqrt(v)) m, lower, upper)

with g = first, second, other as the phase of round t is 1, 2, later: the periodic problems of Reddi et al. (2018) and
Luo et al. (2019). A peer is made once (imports, compilation) and is then a function of the number of rounds that
returns the last x. None of them keeps the losses or the regret; only the C loops do, in two ways, where asked.
"""

from __future__ import annotations

import ctypes
import importlib
import math
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np


class Skip(Exception):
    """Why a peer cannot run here."""


class Case(NamedTuple):
    """The numbers of a loop, all of them doubles (period: rounds)."""

    first: float
    second: float
    other: float
    beta1: float
    rest1: float
    beta2: float
    rest2: float
    alpha: float
    lower: float
    upper: float
    x: float
    period: int


Peer = Callable[[int], float]


def python_loop(c: Case) -> Peer:
    """Plain Python floats."""

    def run(rounds: int) -> float:
        x, m, v, phase, sqrt = c.x, 0.0, 0.0, 1, math.sqrt
        for t in range(1, rounds + 1):
            g = c.first if phase == 1 else c.second if phase == 2 else c.other
            m = c.beta1 * m + c.rest1 * g
            v = c.beta2 * v + c.rest2 * (g * g)
            x = min(max(x - 1 / sqrt(t) * (c.alpha / sqrt(v)) * m, c.lower), c.upper)
            phase = 1 if phase == c.period else phase + 1
        return x

    return run


def numpy_scalars(c: Case) -> Peer:
    """NumPy float64 scalars: what `np.sqrt` returns, and what indexing an array gives."""
    f = np.float64
    g = [f(c.first), f(c.second)] + [f(c.other)] * (c.period - 2)
    beta1, rest1, beta2, rest2, alpha = f(c.beta1), f(c.rest1), f(c.beta2), f(c.rest2), f(c.alpha)

    def run(rounds: int) -> float:
        x, m, v = f(c.x), f(0), f(0)
        for t in range(rounds):
            now = g[t % c.period]
            m = beta1 * m + rest1 * now
            v = beta2 * v + rest2 * (now * now)
            x = np.clip(x - 1 / np.sqrt(f(t + 1)) * (alpha / np.sqrt(v)) * m, c.lower, c.upper)
        return float(x)

    return run


def _undone(c: Case, t: Any, sqrt: Callable) -> Any:
    """The learning rate under which a bias-corrected Adam (epsilon = 0) takes the step of the uncorrected one."""
    return c.alpha / sqrt(t) * (1 - c.beta1**t) / sqrt(1 - c.beta2**t)


def torch_optim(c: Case, **options: Any) -> Peer:
    """torch.optim.Adam as it is used: one parameter, a step a round."""
    torch = _import("torch")
    torch.set_num_threads(1)

    def run(rounds: int) -> float:
        x = torch.tensor([c.x], dtype=torch.float64, requires_grad=True)
        optimizer = torch.optim.Adam([x], lr=c.alpha, betas=(c.beta1, c.beta2), eps=0.0, **options)
        group, gradients = (
            optimizer.param_groups[0],
            [torch.tensor([g], dtype=torch.float64) for g in (c.first, c.second, c.other)],
        )
        for t in range(1, rounds + 1):
            x.grad = gradients[min((t - 1) % c.period, 2)]
            group["lr"] = _undone(c, t, math.sqrt)
            optimizer.step()
            with torch.no_grad():
                x.clamp_(c.lower, c.upper)
        return x.item()

    return run


def _jax_loop(c: Case, loop: str) -> Peer:
    jax = _import("jax")
    jax.config.update("jax_enable_x64", True)
    np_, lax = jax.numpy, jax.lax

    def step(t: Any, carry: tuple) -> tuple:
        x, m, v, phase = carry
        g = np_.where(phase == 1, c.first, np_.where(phase == 2, c.second, c.other))
        m = c.beta1 * m + c.rest1 * g
        v = c.beta2 * v + c.rest2 * (g * g)
        x = np_.clip(x - 1 / np_.sqrt(t.astype(float)) * (c.alpha / np_.sqrt(v)) * m, c.lower, c.upper)
        return x, m, v, np_.where(phase == c.period, 1, phase + 1)

    def scan(rounds: int) -> Any:
        return lax.scan(lambda carry, t: (step(t, carry), None), start, np_.arange(1, rounds + 1))[0][0]

    def fori(rounds: int) -> Any:
        return lax.fori_loop(1, rounds + 1, step, start)[0]

    start = (np_.float64(c.x), np_.float64(0), np_.float64(0), np_.int64(1))
    return _compiled(jax, {"scan": scan, "fori": fori}[loop])


def jax_scan(c: Case) -> Peer:
    """Hand-written JAX, lax.scan under jit."""
    return _jax_loop(c, "scan")


def jax_fori(c: Case) -> Peer:
    """Hand-written JAX, lax.fori_loop under jit."""
    return _jax_loop(c, "fori")


def optax_scan(c: Case) -> Peer:
    """optax.scale_by_adam in a lax.scan under jit."""
    jax, optax = _import("jax"), _import("optax")
    jax.config.update("jax_enable_x64", True)
    np_ = jax.numpy
    adam = optax.chain(
        optax.scale_by_adam(c.beta1, c.beta2, eps=0.0),
        optax.scale_by_schedule(lambda n: -_undone(c, (n + 1).astype(float), np_.sqrt)),
    )

    def body(carry: tuple, t: Any) -> tuple:
        x, state = carry
        phase = t % c.period
        g = np_.where(phase == 0, c.first, np_.where(phase == 1, c.second, c.other))
        updates, state = adam.update(g, state, x)
        return (np_.clip(optax.apply_updates(x, updates), c.lower, c.upper), state), None

    def scan(rounds: int) -> Any:
        x = np_.float64(c.x)
        return jax.lax.scan(body, (x, adam.init(x)), np_.arange(rounds))[0][0]

    return _compiled(jax, scan)


def _compiled(jax: Any, loop: Callable[[int], Any]) -> Peer:
    ready: dict[int, Any] = {}  # compiled ahead for each number of rounds, so that no timing includes a compilation

    def run(rounds: int) -> float:
        if rounds not in ready:
            ready[rounds] = jax.jit(lambda: loop(rounds)).lower().compile()
        return float(ready[rounds]())

    return run


def _import(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise Skip(str(error)) from None


# --- C --------------------------------------------------------------------------------------------------------------

SOURCE = """
#include <math.h>
#include <stdint.h>
#define LOOP(NAME, ...)                                                                                       \\
double NAME(int64_t rounds, int64_t period, const double *c, double *kept) {                                  \\
    double first = c[0], second = c[1], other = c[2], beta1 = c[3], rest1 = c[4], beta2 = c[5], rest2 = c[6]; \\
    double alpha = c[7], lower = c[8], upper = c[9], x = c[10], m = 0, v = 0, total = 0, error = 0;           \\
    int64_t phase = 1;                                                                                        \\
    for (int64_t t = 1; t <= rounds; t++) {                                                                   \\
        double g = phase == 1 ? first : phase == 2 ? second : other;                                          \\
        __VA_ARGS__                                                                                           \\
        m = beta1 * m + rest1 * g;                                                                            \\
        v = beta2 * v + rest2 * (g * g);                                                                      \\
        double y = x - 1 / sqrt((double)t) * (alpha / sqrt(v)) * m;                                           \\
        y = y > lower ? y : lower;                                                                            \\
        x = y < upper ? y : upper;                                                                            \\
        phase = phase == period ? 1 : phase + 1;                                                              \\
    }                                                                                                         \\
    kept[0] = total; kept[1] = error;                                                                         \\
    return x;                                                                                                 \\
}
LOOP(bare, )
LOOP(summed, total += g * x;)
LOOP(compensated, double f = g * x, s = total + f, b = s - total;
     error += (total - (s - b)) + (f - b); total = s;)
#define EACH(NAME, VALUE)                                                                  \\
void NAME(int64_t times, int64_t n, const double *restrict x, double *restrict y) {        \\
    while (times--) {                                                                      \\
        for (int64_t i = 0; i < n; i++) y[i] = VALUE;                                      \\
        __asm__ volatile("" ::: "memory"); /* else all but the last time could be dropped */ \\
    }                                                                                      \\
}
EACH(roots, sqrt(x[i]))
EACH(quotients, 1 / x[i])
"""
NATIVE = ("-O3", "-march=native")
STRICT = (*NATIVE, "-ffp-contract=off")


def compiler() -> tuple[str, str]:
    """(path, first line of --version) of the system's C compiler; raises Skip if there is none."""
    path = shutil.which("gcc") or shutil.which("cc") or shutil.which("clang")
    if path is None:
        raise Skip("no C compiler: none of gcc, cc, clang is on the PATH")
    text = subprocess.run([path, "--version"], capture_output=True, text=True, check=True).stdout  # noqa: S603 found above
    return path, text.splitlines()[0]


def library(*flags: str, text: str = SOURCE) -> ctypes.CDLL:
    """C source built with those flags in a folder that is gone once it is loaded."""
    path, _ = compiler()
    with tempfile.TemporaryDirectory() as folder:
        source, built = Path(folder, "loop.c"), Path(folder, "loop.so")
        source.write_text(text)
        command = [path, *flags, "-fno-math-errno", "-shared", "-fPIC", str(source), "-o", str(built), "-lm"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 the system's compiler
        if done.returncode:
            error = next((line for line in done.stderr.splitlines() if "error" in line), "no message")
            raise Skip(f"{path} {' '.join(flags)}: {error}")
        return ctypes.CDLL(str(built))


def c_loop(c: Case, name: str = "bare", flags: tuple[str, ...] = STRICT) -> Peer:
    """The C loop `bare`, `summed` (total += loss) or `compensated` (TwoSum), built with those flags."""
    loop = getattr(library(*flags), name)
    loop.restype = ctypes.c_double
    numbers = (ctypes.c_double * len(c[:-1]))(*c[:-1])
    kept = (ctypes.c_double * 2)()

    def run(rounds: int) -> float:
        return loop(ctypes.c_int64(rounds), ctypes.c_int64(c.period), numbers, kept)

    return run


def throughput(name: str, *flags: str) -> Callable[[int], None]:
    """`roots` or `quotients` of an array that stays in the first-level cache, `rounds` of them altogether."""
    function = getattr(library("-O3", "-march=native", *flags), name)
    n = 1024
    x, y = np.linspace(1, 2, n), np.empty(n)

    def run(rounds: int) -> None:
        arrays = (ctypes.c_void_p(a.ctypes.data) for a in (x, y))
        function(ctypes.c_int64(rounds // n), ctypes.c_int64(n), *arrays)

    return run
