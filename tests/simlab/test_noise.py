"""Philox against the vectors of its authors' Random123 library, in every integer arithmetic; and its frequencies."""

from __future__ import annotations

import math

import numba
import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from simlab import kernels
from simlab.noise import draw, philox
from simlab.ops import rebind

ONES = 0xFFFFFFFF
KNOWN = [  # counter, key, answer: kat_vectors of Random123, philox4x32 with 10 rounds
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((ONES,) * 4, (ONES,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),  # digits of pi
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]

compiled: dict = {}
ARITHMETICS = {
    "python": lambda f, *args: f(*args),
    "numpy": lambda f, *args: f(*(np.array([a], dtype=np.int64) for a in args)),
    "torch": lambda f, *args: f(*(torch.tensor([a], dtype=torch.int64) for a in args)),
    "numba": lambda f, *args: rebind(f, kernels, numba.njit, compiled)(*args),
}


def words_of(answer) -> tuple[int, ...]:
    """The answer as plain integers; arrays and tensors hold one number each."""
    return tuple(int(w[0]) if hasattr(w, "shape") and w.shape else int(w) for w in answer)


WORD = st.integers(0, ONES)
BELOW_2_63 = st.integers(0, 2**63 - 1)


@pytest.mark.parametrize("arithmetic", ARITHMETICS)
@pytest.mark.parametrize(("counter", "key", "answer"), KNOWN)
def test_known_answers(counter, key, answer, arithmetic):
    assert words_of(ARITHMETICS[arithmetic](philox, *counter, *key)) == answer


@pytest.mark.parametrize("arithmetic", ["numpy", "torch", "numba"])
@given(st.tuples(*[WORD] * 6), BELOW_2_63, BELOW_2_63, WORD)
@example((ONES,) * 6, 2**63 - 1, 2**63 - 1, ONES)
def test_arithmetics_agree(arithmetic, words, seed, t, stream):
    """64-bit integers that wrap give what Python's, which do not, give."""
    run = ARITHMETICS[arithmetic]
    assert words_of(run(philox, *words)) == philox(*words)
    assert words_of([run(draw, seed, t, stream)]) == (draw(seed, t, stream),)


@given(BELOW_2_63, BELOW_2_63, WORD)
def test_draws_are_the_first_63_bits(seed, t, stream):
    """The first two words of philox(t, stream, 0; seed), the last bit dropped; in [0, 2^63)."""
    a, b, _, _ = philox(t & ONES, t >> 32, stream, 0, seed & ONES, seed >> 32)
    assert draw(seed, t, stream) == (a * 2**32 + b) // 2
    assert 0 <= draw(seed, t, stream) < 2**63


N, SIGMAS = 1 << 18, 5  # draws; standard deviations that a frequency may be off (the draws are fixed, so no flakiness)


def off(hits: int | np.ndarray, p: float) -> float:
    """How many standard deviations a count of N trials is away from N p."""
    return float(np.max(np.abs(np.asarray(hits) - N * p))) / math.sqrt(N * p * (1 - p))


@pytest.mark.parametrize("seed", [0, 1, 2**40 + 7])
def test_frequencies(seed):
    """Thresholds, single bits, equal neighbours' bits and the top byte come as often as they should."""
    x = draw(seed, np.arange(1, N + 1))
    for p in (0.01, 2 / 11, 0.5, 0.99):
        assert off((x < int(p * 2**63)).sum(), p) < SIGMAS
    bits = (x[:, None] >> np.arange(63)) & 1
    assert off(bits.sum(0), 1 / 2) < SIGMAS
    assert off((bits[1:] == bits[:-1]).sum(0), 1 / 2) < SIGMAS
    assert off(np.bincount(x >> 55, minlength=256), 1 / 256) < SIGMAS
    assert len(np.unique(x)) == N


def test_seeds_rounds_and_streams_are_independent_inputs():
    """Every one of the three changes the draw, and none can be traded for another."""
    draws = {draw(seed, t, stream) for seed in range(8) for t in range(8) for stream in range(8)}
    assert len(draws) == 8**3
    high = {draw(2**32, 0), draw(0, 2**32), draw(0, 0, 1), draw(1, 0), draw(0, 1), draw(0, 0)}
    assert len(high) == 6
