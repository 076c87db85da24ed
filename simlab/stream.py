"""The loop over the rounds of one d-dimensional run, as machine code: memory is read once and written once a round.

Coordinates are in the lanes. Loss, gradient, rule and projection are one piece of code, and x and the state are updated
where they are. That is possible where a coordinate waits for no other: sums (`dot`) may enter the loss alone. They are
added in index order. As for blocks of cells nothing is looked at; if the processor's flags rise, what was computed is
not used.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir

from simlab.backends.numba import COUNTERS, HEAD
from simlab.lanes import compiled, register
from simlab.ops import Weight, add, rebind
from simlab.protocol import Plan, online_round
from simlab.vectors import INT, POINTER, TYPES, VOID, Trace, Untraceable, Value, prefetch, settled
from simlab.watch import WATCH, Control, subnormal

INTEGERS = 5  # counters before the integers of the data
AHEAD = 4096  # bytes of memory that are asked for beforehand (measured)
_DOUBLE = TYPES["d"]


class _Coordinates(Value):
    """A vector of the problem: in arithmetic a number in each lane, by an index one of its numbers."""

    at: Callable[[Any], Value]

    def __getitem__(self, i: Any) -> Value:
        return self.at(i)


class _Indexed:
    """A vector or a matrix that can only be indexed."""

    def __init__(self, at: Callable[[Any], Value]) -> None:
        self.at = at

    def __getitem__(self, i: Any) -> Value:
        return self.at(i)


class _Loop(Trace):
    """One of the two loops over the coordinates, that of whole vectors or that of what they leave over.

    A sum is known after both. What is computed from it is `late`, and no coordinate may wait for it.
    """

    def __init__(self, width: int, before: ir.IRBuilder, head: ir.IRBuilder, lane: ir.IRBuilder, after: Any) -> None:
        super().__init__("d", width, before, lane, after)
        self.head = head
        self.i: Any
        self.sums: list[Any] = []
        self.begin: Callable[[int], tuple[Any, Any]]  # what sum k is before the loop, and the block that it comes from
        self.system.dot, self.system.matvec = self.dot, self.matvec
        self.system.flush = lambda state: (self.sound(state), self.constant(False, "b", weak=False))

    def apply(self, make: Callable, kind: str, weak: bool, *values: Value, divider: bool = False) -> Value:
        late, wide = any(v.late for v in values), any(v.wide for v in values)
        if late and wide:
            raise Untraceable("a coordinate waits for a sum over all of them")
        emit: Any = self.after if late else self.lane if wide else self.before
        out = Value(self, make(emit, *(self.widen(v) if wide else v.code for v in values)), kind, wide, weak)
        out.late = late
        return out

    def dot(self, a: Any, b: Any) -> Value:
        product = self.arithmetic("mul", a, b)
        if not product.wide:
            return product
        total = so_far = self.head.phi(_DOUBLE)
        total.add_incoming(*self.begin(len(self.sums)))
        self.sums.append(total)
        for j in map(INT, range(self.width)):
            so_far = self.lane.fadd(so_far, self.lane.extract_element(product.code, j))
        total.add_incoming(so_far, self.lane.block)
        out = Value(self, total, "d", False, False)
        out.late = True
        return out

    def matvec(self, h: Any, x: Any) -> Value:
        if not isinstance(h, (Value, int, float)):
            raise Untraceable("a coordinate waits for all the others")
        return self.arithmetic("mul", h, x)


class Stream:
    """Writes the code of

        play(numbers, counters, x, states)

    numbers: power, total, error, alpha, decay, then hyper, region, data.    counters: rounds played, the round to end
    with, phase, period, alarm, then the integers of the data.    x: (d,).    states: (n, d).
    None of the rounds is recorded. After an alarm nothing of what was computed is to be used.

    differs: of which parts of the state each coordinate has its own; of the others the first number stands for all.
    """

    def __init__(self, plan: Plan, d: int, known: tuple[tuple, tuple, tuple], differs: tuple[bool, ...]) -> None:
        self.plan, self.d, self.known, self.differs = plan, d, known, differs

    def text(self) -> tuple[str, tuple[bool, ...]]:
        """(the code in LLVM's language, which parts differ after a round).

        Raises Untraceable, or another TypeError, where a coordinate is not alone.
        """
        module = ir.Module("stream")
        module.triple = llvm.get_default_triple()
        play = ir.Function(module, ir.FunctionType(VOID, [POINTER] * 4), "play")
        for argument in play.args:
            argument.add_attribute("noalias")
        self.numbers, self.counters, self.x, self.states = play.args
        names = ("entry", "head", "first", "whole", "body", "rest", "more", "last", "leave", "unused")
        entry, head, first, whole, body, rest, more, last, leave, unused = (
            ir.IRBuilder(play.append_basic_block(name)) for name in names
        )
        control = Control(entry)
        begun, end = (self._counter(entry, n) for n in (0, 1))
        entry.branch(head.block)
        t = head.phi(INT)
        t.add_incoming(begun, entry.block)
        head.cbranch(head.icmp_signed("<", t, end), first.block, leave.block)
        now, width = first.add(t, INT(1)), register() // 8
        many, few = _Loop(width, first, whole, body, unused), _Loop(1, first, rest, more, last)
        many.begin = lambda k: (_DOUBLE(0.0), first.block)
        few.begin = lambda k: (many.sums[k], whole.block)
        between = self.d - self.d % width
        self._round(many, now, first.block, 0, between)
        after = self._round(few, now, whole.block, between, self.d)
        whole.cbranch(whole.icmp_signed("<", many.i, INT(between)), body.block, rest.block)
        rest.cbranch(rest.icmp_signed("<", few.i, INT(self.d)), more.block, last.block)
        unused.unreachable()
        first.branch(whole.block)
        *sums, phase, state = after
        shared = [(self.states, k * self.d, s) for k, s in enumerate(state) if not (s.wide or self.differs[k])]
        for base, n, value in (*((self.numbers, n, value) for n, value in enumerate(sums)), *shared):
            last.store(few.number(value).code, last.gep(base, [INT(n)], source_etype=_DOUBLE))
        last.store(phase.code, last.gep(self.counters, [INT(2)], source_etype=INT))
        t.add_incoming(now, last.block)
        last.branch(head.block)
        for n, value in ((0, t), (4, leave.zext(control.end(leave), INT))):
            leave.store(value, leave.gep(self.counters, [INT(n)], source_etype=INT))
        leave.ret_void()
        return str(module), tuple(d or s.wide for d, s in zip(self.differs, state, strict=True))

    def _round(self, loop: _Loop, now: Any, source: Any, start: int, stop: int) -> tuple:
        """One round in one of the loops; returns (power, total, error, phase, state) after it."""
        loop.i = i = loop.head.phi(INT)
        i.add_incoming(INT(start), source)
        periodic, n = self.plan.problem.period is not None, len(self.plan.rule.state)
        power, total, error, alpha, decay = (self._number(loop, INT(k)) for k in range(HEAD))
        phase, period = (self._integer(loop, k) for k in (2, 3))
        self.reals, self.integers = HEAD, INTEGERS
        hyper, region, data = (tuple(self._given(loop, v) for v in values) for values in self.known)
        x = self._wide(loop, self.x, 0)
        state = tuple(self._part(loop, k) for k in range(n))
        memo: dict = {}
        step, plus = (rebind(f, loop.system, memo=memo) for f in (online_round(self.plan), add))
        t = Value(loop, now, "i", False, True)
        done = step(t, phase if periodic else t, x, state, power, alpha, decay, hyper, data, region)
        total, error = plus(total, error, done.loss)
        for base, first, value in (
            (self.x, 0, done.x),
            *((self.states, k * self.d, s) for k, s in enumerate(done.state) if self.differs[k]),
        ):
            loop.lane.store(loop.widen(value), self._address(loop.lane, base, first, i), align=8)
        beside = loop.lane.add(i, INT(loop.width))
        i.add_incoming(beside, loop.lane.block)
        loop.lane.branch(loop.head.block)
        phase = loop.where(phase == period, 1, phase + 1) if periodic else phase
        return done.power, total, error, phase, done.state

    def _address(self, emit: ir.IRBuilder, base: Any, first: int, i: Any) -> Any:
        return emit.gep(base, [emit.add(INT(first), i)], source_etype=_DOUBLE)

    def _wide(self, loop: _Loop, base: Any, first: int) -> Value:
        kind, where = loop.kind_of("d", True), self._address(loop.lane, base, first, loop.i)
        if loop.width > 1:
            prefetch(loop.lane, where, AHEAD)
        return Value(loop, loop.lane.load(where, typ=kind, align=8), "d", True, False)

    def _part(self, loop: _Loop, k: int) -> Value:
        """A part of the state."""
        first = k * self.d
        return self._wide(loop, self.states, first) if self.differs[k] else self._number(loop, INT(first), self.states)

    def _number(self, loop: _Loop, at: Any, base: Any = None) -> Value:
        where = loop.before.gep(base or self.numbers, [at], source_etype=_DOUBLE)
        return Value(loop, loop.before.load(where, typ=_DOUBLE), "d", False, False)

    def _integer(self, loop: _Loop, at: int) -> Value:
        return Value(loop, self._counter(loop.before, at), "i", False, False)

    def _counter(self, emit: ir.IRBuilder, at: int) -> Any:
        return emit.load(emit.gep(self.counters, [INT(at)], source_etype=INT), typ=INT)

    def _given(self, loop: _Loop, v: Any) -> Any:
        """A hyperparameter, bound or datum, from where the buffers have it."""
        if isinstance(v, Weight):
            return Weight(self._given(loop, v.beta), self._given(loop, v.rest))
        if isinstance(v, int):
            self.integers += 1
            return self._integer(loop, self.integers - 1)
        start = self.reals
        self.reals += np.size(v)
        if not np.ndim(v):
            return self._number(loop, INT(start))
        self.integers += np.ndim(v)

        def entry(i: Any) -> Any:
            at = loop.value(i)
            if at.kind != "i" or at.wide:
                raise Untraceable("a vector is indexed by an integer")
            return loop.where(at < 0, at + len(v), at)

        if np.ndim(v) == 1 and len(v) == self.d:
            out = _Coordinates(loop, self._wide(loop, self.numbers, start).code, "d", True, False)
            out.at = lambda i: self._number(loop, (start + entry(i)).code)
            return out
        if np.ndim(v) == 1:
            return _Indexed(lambda i: self._number(loop, (start + entry(i)).code))
        if v.shape[1] != self.d:
            raise Untraceable("rows of a matrix are vectors of the problem's dimension")

        def row(i: Any) -> Value:
            where = loop.lane.add((start + entry(i) * self.d).code, loop.i)
            code = loop.lane.load(
                self._address(loop.lane, self.numbers, 0, where), typ=loop.kind_of("d", True), align=8
            )
            return Value(loop, code, "d", True, False)

        return _Indexed(row)


# --- a run ----------------------------------------------------------------------------------------------------------

WORTH, CALL = 1 << 14, 1 << 29  # coordinates times rounds that are worth a call, and those of the longest one: 1 s
_CALL = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 4)
_calls: dict[str, Any] = {}


class Quickly:
    """Plays the long stretches without a record, as long as all goes well."""

    def __init__(self, call: Any, recorded: np.ndarray, worth: np.ndarray, d: int, differs: tuple[bool, ...]) -> None:
        self.call, self.recorded, self.worth, self.most = call, recorded, np.append(worth, False), CALL // d + 1
        self.differs = differs
        self.wary, self.patience = 0, 1  # calls to leave out, and how many after the next alarm
        self.before: list[np.ndarray] = []  # memory for what a call begins with

    def until(self, t: int, k: int) -> int:
        """The last round to play from t on, before the k-th record, with one kernel; it may be beyond the horizon."""
        if self.worth[k] and t < self.recorded[k] - 1:
            return min(int(self.recorded[k]) - 1, t + self.most)
        later = self.worth[k + 1 :]
        return int(self.recorded[k + np.argmax(later)]) if later.any() else t + self.most

    def __call__(self, t: int, end: int, k: int, buffers: tuple[np.ndarray, ...]) -> bool:
        """Play the rounds t+1..end, or leave all as it is and return False: another kernel has to."""
        if not self.worth[k] or end >= self.recorded[k]:
            return False
        if self.wary:
            self.wary -= 1
            return False
        counters, *changing = buffers
        numbers, x, state = changing
        rows = list(zip(state, self.differs, strict=False))  # a rule without state has a row that nobody reads
        shared = [row for row, own in rows if not own]
        if any((row != row[0]).any() for row in shared):
            return False
        parts = [row if own else row[:1] for row, own in rows]
        kept = (numbers[:HEAD], x, *parts)
        self.before = self.before or [np.empty_like(a) for a in kept]
        for a, b in zip(self.before, kept, strict=True):
            np.copyto(a, b)
        own = np.concatenate([[t, end, *counters[2:4], 0], counters[COUNTERS + 1 :]])
        self.call(*(b.ctypes.data for b in (numbers, own, x, state)))
        if own[4] or any(map(subnormal, parts)):
            for a, b in zip(self.before, kept, strict=True):
                np.copyto(b, a)
            self.wary, self.patience = self.patience, 2 * self.patience
            return False
        for row in shared:
            row[1:] = row[0]
        counters[0], counters[2] = end, own[2]
        return True


def quickly(plan: Plan, d: int, known: tuple[tuple, tuple, tuple]) -> Quickly | None:
    """What plays a run of d coordinates quickly, or None where nothing can or where it is not worth it."""
    worth = (np.diff(plan.recorded, prepend=0) - 1) * d >= WORTH
    if not (WATCH and worth.any() and all(bool(np.isfinite(v).all()) for part in known for v in part)):
        return None
    try:
        text, differs = settled(len(plan.rule.state), lambda differs: Stream(plan, d, known, differs).text())
    except (TypeError, AttributeError):  # a coordinate is not alone
        return None
    if text not in _calls:
        _calls[text] = _CALL(compiled(text))
    return Quickly(_calls[text], plan.recorded, worth, d, differs)
