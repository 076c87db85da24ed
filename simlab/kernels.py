"""Numba's number system, and the drivers whose loops become machine code.

The rule, the losses and the protocol are the same functions as everywhere; `rebind` hands them the operations below,
each a single IEEE operation (or the C library's exp and log1p). No fastmath, no contraction, sums in index order.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import Any

import llvmlite.binding as llvm
import numba
import numpy as np
from numba import carray, types
from numba.core import ccallback, cgutils, config, sigutils
from numba.extending import intrinsic, overload

from simlab.backends import reference
from simlab.backends.numba import COUNTERS, HEAD, SHAPES
from simlab.machine_code import FLAGS, machine, object_code
from simlab.ops import Weight, rebind

_OPTIONS = {
    "error_model": FLAGS["error_model"],
    "fastmath": FLAGS["fastmath"],
    "forceinline": True,  # a round that is called costs twice as much as one that is inlined
    "no_cpython_wrapper": True,  # Python calls none of the pieces, and building the ways in takes half of the time
    "no_cfunc_wrapper": True,
}
jit: Callable = numba.njit(**_OPTIONS)
_MAGNITUDE, _INFINITE, _NORMAL = 2**63 - 1, 0x7FF << 52, 1 << 52  # bits: |x|, inf, least normal


def number(x: Any) -> Any:
    """A double, or an array of them."""
    return reference.number(x)  # for what is converted before compiling: fractions that a rule mentions


@overload(number, jit_options=_OPTIONS)
def _number(x):
    if isinstance(x, types.Array):
        return lambda x: x
    return lambda x: np.float64(x)


def _either(scalar: Callable, array: Callable, stub: Callable) -> Callable:
    """An operation of two arguments that is `array` as soon as one of them is an array."""

    @overload(stub, jit_options=_OPTIONS)
    def choose(a, b):
        return array if isinstance(a, types.Array) or isinstance(b, types.Array) else scalar

    return stub


def _new_stub() -> Callable:
    def operation(a: Any, b: Any) -> Any:
        raise AssertionError("compiled code only")

    return operation


minimum = _either(lambda a, b: a if a < b else b, lambda a, b: np.minimum(a, b), _new_stub())
maximum = _either(lambda a, b: a if a > b else b, lambda a, b: np.maximum(a, b), _new_stub())
scale = _either(lambda a, b: 0.0 if b == 0 else a * b, lambda a, b: np.where(b == 0, 0.0, a * b), _new_stub())


@jit
def _dot_arrays(a, b):
    total = 0.0
    for i in range(a.shape[0]):
        total = total + a[i] * b[i]
    return total


@jit
def _rows(h, x):
    out = np.empty(h.shape[0])
    for i in range(h.shape[0]):
        out[i] = _dot_arrays(h[i], x)
    return out


dot = _either(lambda a, b: a * b, lambda a, b: _dot_arrays(a, b), _new_stub())
matvec = _new_stub()


@overload(matvec, jit_options=_OPTIONS)
def _matvec(a, b):
    return (lambda a, b: _rows(a, b)) if isinstance(a, types.Array) and a.ndim == 2 else (lambda a, b: a * b)


sqrt = jit(lambda x: np.sqrt(x))
divide = jit(lambda a, b: a / b)
absolute = jit(lambda x: abs(x))
sign = jit(lambda x: np.sign(x))
less = jit(lambda a, b: a < b)
exp = jit(lambda x: math.exp(x))
log1p = jit(lambda x: math.log1p(x))


@jit
def where(condition, a, b):
    return a if condition else b


@jit
def _size(x):
    # the bits of |x|, ordered as |x| is: compared as an integer it takes no floating-point register from the round
    return np.float64(x).view(np.int64) & _MAGNITUDE


@jit
def finite(x):
    return _size(x) < _INFINITE


add, bisect = jit(reference.add), jit(reference.bisect)


@intrinsic
def _flush(typing, tiny, s):
    """(0, s != 0) if s is tiny, else (s, False): by a branch, so that the next round need not await the answer."""

    def emit(context, builder, signature, arguments):
        tiny, s = arguments
        kept, lost = cgutils.alloca_once_value(builder, s), cgutils.alloca_once_value(builder, cgutils.false_bit)
        with builder.if_then(tiny, likely=False):  # without this weight LLVM makes it a select
            builder.store(s.type(0.0), kept)
            builder.store(builder.fcmp_ordered("!=", s, s.type(0.0)), lost)
        return context.make_tuple(builder, signature.return_type, (builder.load(kept), builder.load(lost)))

    return types.Tuple((types.float64, types.boolean))(types.boolean, types.float64), emit


def flush(state: tuple) -> tuple:
    raise AssertionError("compiled code only")


@overload(flush, jit_options=_OPTIONS)
def _flush_tuple(state):
    if len(state) == 0:
        return lambda state: ((), False)

    def flush_each(state):
        kept, lost = _flush(_size(state[0]) < _NORMAL, state[0])
        rest, more = flush(state[1:])
        return (kept,) + rest, lost | more

    return flush_each


# --- tuples out of flat buffers -------------------------------------------------------------------------------------


def reader(kinds: str) -> Callable:
    """read(reals, ints, i, j) -> the tuple of `kinds`, in turn: w a Weight, s a number, i an integer, v a vector, m a
    matrix. Reals are taken from `reals` at i on; integers, and the shapes of arrays, from `ints` at j on."""
    if not kinds:
        return jit(lambda reals, ints, i, j: ())
    rest = reader(kinds[1:])
    first = {
        "w": lambda reals, ints, i, j: (Weight(reals[i], reals[i + 1]),) + rest(reals, ints, i + 2, j),
        "s": lambda reals, ints, i, j: (reals[i],) + rest(reals, ints, i + 1, j),
        "i": lambda reals, ints, i, j: (ints[j],) + rest(reals, ints, i, j + 1),
        "v": lambda reals, ints, i, j: (reals[i : i + ints[j]],) + rest(reals, ints, i + ints[j], j + 1),
        "m": lambda reals, ints, i, j: (
            (reals[i : i + ints[j] * ints[j + 1]].reshape((ints[j], ints[j + 1])),)
            + rest(reals, ints, i + ints[j] * ints[j + 1], j + 2)
        ),
    }[kinds[0]]
    return jit(first)


def _writer(n: int) -> Callable:
    """write(where, i, values): n numbers into a buffer from i on."""
    if not n:
        return jit(lambda where, i, values: None)
    rest = _writer(n - 1)

    def write(where, i, values):
        where[i] = values[0]
        rest(where, i + 1, values[1:])

    return jit(write)


def _columns(n: int) -> tuple[Callable, Callable]:
    """(gather, scatter) between column i of an n x d array and a tuple of n numbers."""
    if not n:
        return jit(lambda a, i, k: ()), jit(lambda a, i, k, values: None)
    more, fewer = _columns(n - 1)

    def scatter(a, i, k, values):
        a[k, i] = values[0]
        fewer(a, i, k + 1, values[1:])

    return jit(lambda a, i, k: (a[k, i],) + more(a, i, k + 1)), jit(scatter)


# --- drivers --------------------------------------------------------------------------------------------------------
# numbers: the HEAD power, total, error, alpha, decay, then hyper, region, data;  x and state are buffers of their own
# counters: the COUNTERS t, end, phase, period, next record, number of records, first underflow, stopped at, length of
# numbers, then SHAPES for dimensions and integers

_F, _I = types.CPointer(types.float64), types.CPointer(types.int64)
SIGNATURE = types.void(_F, _I, _I, _F, _F, _F)


def scalar_driver(play: Callable, n_state: int, kinds: tuple[str, str, str], periodic: bool) -> Callable:
    """The loop of a scalar run; see `run` in simlab.backends.numba for the buffers."""
    read, widths = reader("".join(kinds)), tuple(len(k) for k in kinds)
    read_state, write_state = reader("s" * n_state), _writer(n_state)
    h, r = widths[0], widths[0] + widths[1]
    plus, is_finite = add, finite

    def drive(numbers, counters, rounds, records, xs, states):
        c = carray(counters, (COUNTERS + SHAPES,))
        n = carray(numbers, (int(c[8]),))
        known = read(n, c, HEAD, COUNTERS)
        hyper, region, data = known[:h], known[h:r], known[r:]
        alpha, decay = n[3], n[4]
        power, total, error = n[0], n[1], n[2]
        x = carray(xs, (1,))[0]
        held = carray(states, (n_state + 1,))
        state = read_state(held, c, 0, 0)
        t, end, phase, period, k = c[0], c[1], c[2], c[3], c[4]
        due = carray(rounds, (int(c[5]),))
        rows = carray(records, (int(c[5]), 6))
        while t < end:
            last = min(due[k] - 1, end) if k < c[5] else end
            bad = False
            while t < last:
                now = play(t + 1, phase if periodic else t + 1, x, state, power, alpha, decay, hyper, data, region)
                if now.direction != 0:  # else x stays: the branch lets LLVM skip the roots and divisions of the rate
                    if not is_finite(now.proposal):
                        bad = True
                        break
                    x = now.x
                t += 1
                if now.underflow and c[6] == 0:
                    c[6] = t
                total, error = plus(total, error, now.loss)
                state, power = now.state, now.power
                if periodic:
                    phase = 1 if phase == period else phase + 1
            if bad or t < end:  # the round that is recorded
                now = play(t + 1, phase if periodic else t + 1, x, state, power, alpha, decay, hyper, data, region)
                t += 1
                total, error = plus(total, error, now.loss)
                rows[k, 0], rows[k, 1], rows[k, 2] = x, now.rate, now.direction
                rows[k, 3], rows[k, 4], rows[k, 5] = now.loss, total, error
                k += 1
                if now.underflow and c[6] == 0:
                    c[6] = t
                if not is_finite(now.proposal):
                    c[7] = t
                    break
                x, state, power = now.x, now.state, now.power
                if periodic:
                    phase = 1 if phase == period else phase + 1
        n[0], n[1], n[2] = power, total, error
        carray(xs, (1,))[0] = x
        write_state(held, 0, state)
        c[0], c[2], c[4] = t, phase, k

    return drive


def vector_driver(
    propose: Callable,
    loss: Callable,
    grad: Callable,
    project: Callable,
    n_state: int,
    kinds: tuple[str, str, str],
    periodic: bool,
) -> Callable:
    """The loop of a d-dimensional run: the rule coordinate by coordinate, the projection on the whole."""
    read, widths = reader("".join(kinds)), tuple(len(k) for k in kinds)
    gather, scatter = _columns(n_state)
    h, r = widths[0], widths[0] + widths[1]
    plus, is_finite = add, finite

    def drive(numbers, counters, rounds, records, xs, states):
        c = carray(counters, (COUNTERS + SHAPES,))
        n = carray(numbers, (int(c[8]),))
        d = int(c[COUNTERS])
        known = read(n, c, HEAD, COUNTERS + 1)
        hyper, region, data = known[:h], known[h:r], known[r:]
        alpha, decay = n[3], n[4]
        power, total, error = n[0], n[1], n[2]
        x = carray(xs, (d,))
        state = carray(states, (max(n_state, 1), d))
        t, end, phase, period, k = c[0], c[1], c[2], c[3], c[4]
        due = carray(rounds, (int(c[5]),))
        rows = carray(records, (int(c[5]), 3 * d + 3))
        y, rate, direction = np.empty(d), np.empty(d), np.empty(d)
        new = np.empty((max(n_state, 1), d))
        while t < end:
            t += 1
            seen = (phase if periodic else t, x) + data
            value, g = loss(*seen), grad(*seen)
            total, error = plus(total, error, value)
            lost, fine, after = False, True, power
            for i in range(d):
                y[i], rate[i], direction[i], kept, after, gone = propose(
                    t, g[i], x[i], gather(state, i, 0), power, alpha, decay, hyper
                )
                scatter(new, i, 0, kept)
                lost = lost | gone
                fine = fine & is_finite(y[i])
            projection = (y, rate) + region
            moved = project(*projection)
            for i in range(d):
                fine = fine & is_finite(moved[i])
            if lost and c[6] == 0:
                c[6] = t
            if not fine or (k < c[5] and t == due[k]):
                rows[k, :d], rows[k, d : 2 * d], rows[k, 2 * d : 3 * d] = x, rate, direction
                rows[k, 3 * d], rows[k, 3 * d + 1], rows[k, 3 * d + 2] = value, total, error
                k += 1
            if not fine:
                c[7] = t
                break
            x[:] = moved
            state[:] = new
            power = after
            if periodic:
                phase = 1 if phase == period else phase + 1
        n[0], n[1], n[2] = power, total, error
        c[0], c[2], c[4] = t, phase, k

    return drive


def native(function: Callable, memo: dict) -> Callable:
    """A function of rules, losses or the protocol as Numba compiles it, for compiled code to call (never Python)."""
    return rebind(function, sys.modules[__name__], jit, memo)


def build(driver: Callable) -> tuple[dict, bytes]:
    """(description, object code) of a driver."""
    slp, config.SLP_VECTORIZE = config.SLP_VECTORIZE, FLAGS["slp"]
    try:
        callback = ccallback.CFunc(driver, sigutils.normalize_signature(SIGNATURE), locals={}, options=dict(_OPTIONS))
        callback.compile()
    finally:
        config.SLP_VECTORIZE = slp
    return object_code(callback.native_name, llvm.parse_assembly(callback.inspect_llvm()), machine())
