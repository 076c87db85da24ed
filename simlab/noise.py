"""Randomness as a pure function of (seed, t): Philox4x32-10 in integer arithmetic, so that every backend draws alike.

Salmon, Moraes, Dror and Shaw (2011), "Parallel random numbers: as easy as 1, 2, 3". Products of two 32-bit words may
wrap in signed 64-bit integers: the shift and the mask take the right bits either way.
"""

from __future__ import annotations

from typing import Any

_M = 0xFFFFFFFF


def philox(c0: Any, c1: Any, c2: Any, c3: Any, k0: Any, k1: Any) -> tuple:
    """The four 32-bit words of Philox4x32-10 for a counter of four words and a key of two."""
    for _ in range(10):
        p, q = c0 * 0xD2511F53, c2 * 0xCD9E8D57
        c0, c1, c2, c3 = ((q >> 32) & _M) ^ c1 ^ k0, q & _M, ((p >> 32) & _M) ^ c3 ^ k1, p & _M
        k0, k1 = (k0 + 0x9E3779B9) & _M, (k1 + 0xBB67AE85) & _M
    return c0, c1, c2, c3


def draw(seed: Any, t: Any, stream: Any = 0) -> Any:
    """A uniform integer in [0, 2^63), for 0 <= seed, t < 2^63 and 0 <= stream < 2^32."""
    a, b, _c, _d = philox(t & _M, t >> 32, stream, 0, seed & _M, seed >> 32)
    return (a << 31) | (b >> 1)
