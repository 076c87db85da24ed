"""The processor's own watch over its arithmetic: flags that say whether anything overflowed or became subnormal."""

from __future__ import annotations

import platform
from typing import Any

import numpy as np
from llvmlite import ir

from simlab.backends import reference
from simlab.vectors import VOID, call

WATCH = platform.machine() in ("x86_64", "AMD64")


class Control:
    """MXCSR in a kernel: the arithmetic as IEEE has it whatever the caller set, and what exceptions were raised."""

    USUAL, RAISED = 0x1F80, 0b001111  # nearest, nothing flushed, all masked; invalid, subnormal operand, 1/0, overflow

    def __init__(self, emit: ir.IRBuilder) -> None:
        self.word = ir.IntType(32)
        self.before, self.own = emit.alloca(self.word), emit.alloca(self.word)
        self._do(emit, "stmxcsr", self.before)
        emit.store(self.word(self.USUAL), self.own)
        self._do(emit, "ldmxcsr", self.own)

    def _do(self, emit: ir.IRBuilder, name: str, where: Any) -> None:
        call(emit, f"llvm.x86.sse.{name}", VOID, where)

    def end(self, emit: ir.IRBuilder) -> Any:
        """Give the caller's settings back; returns the exceptions."""
        self._do(emit, "stmxcsr", self.own)
        self._do(emit, "ldmxcsr", self.before)
        return emit.and_(emit.load(self.own, typ=self.word), self.word(self.RAISED))


def subnormal(state: np.ndarray) -> bool:
    """Whether there is state that is to be flushed: what no operation has met yet, no flag tells."""
    flat, least, part = state.ravel(), reference.tiny(state), 1 << 12  # numbers that stay in the cache
    for some in (flat[i : i + part] for i in range(0, len(flat), part)):
        tiny = np.abs(some) < least
        if tiny.any() and some[tiny].any():
            return True
    return False
