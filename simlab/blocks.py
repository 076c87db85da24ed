"""Many scalar runs in lanes: the cells cut into blocks, and the blocks played by a pool of threads.

First every stretch of rounds is played without a look at the numbers. Only where the processor's own flags say that one
overflowed or became subnormal, the stretch is played again with care. In which round a cell stopped that kernel says;
how, is seen when the round is played once more. A lane whose cell has stopped plays another cell along, unseen, as do
the lanes that the last cells leave over.

A block is one piece of memory: a row for every column that differs between cells, one number for every other.

Where stretches of idle rounds are jumped (simlab.jump), the cells of a block have one period and one such stretch.
"""

from __future__ import annotations

import ctypes
import itertools
import math
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np

from simlab.backends import reference
from simlab.cells import CellRecords, Cells
from simlab.jump import SAID, Jump
from simlab.lanes import ALIGN, COUNTERS, KEPT, Made, Slot, made, register
from simlab.ops import Weight
from simlab.protocol import why
from simlab.vectors import Untraceable, settled
from simlab.watch import WATCH, subnormal

FIRST, CHUNK, ROWS = 1 << 8, 1 << 14, 256  # rounds of the first call and at most, and recorded rounds: some 0.01 s
MOST, ROOM = 384, 32 << 10  # lanes of a block; bytes of its rows, which stay in the first cache
WORTH = 192  # cells with one period that are worth a block of their own
TICK = 0.1  # seconds between looks at the progress
_NAMES = ("x", "rate", "direction", "loss", "total", "error")
_CALL = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 4)


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def play(cells: Cells, progress: Callable[[int], None], threads: int = 0, jump: Jump | None = None) -> CellRecords:
    """The runs of scalar cells on that many threads (0: one a core), as simlab.cells.play_cells has them, bit for bit.

    jump: jump the idle rounds between the records; the bits are then not those, but still the cell's own.
    Raises simlab.vectors.Untraceable where a rule or a problem is no straight-line arithmetic.
    """
    n, threads = len(cells), threads or cores()
    kind = jump.kind if jump else cells.period
    order = np.argsort(kind, kind="stable")
    steps = np.flatnonzero(np.diff(kind[order])) + 1  # where the next period begins
    in_step = jump is not None or len(steps) * WORTH < n
    if in_step and len(steps):
        cells, jump = cells[order], jump and jump[order]
    width = register() // cells.x0.itemsize
    tree, slots, lanes, size, make = arranged(cells, in_step, jump)
    quick = _CALL(make(careful=False).address) if _usual(tree) else None
    kernels = _Kernels(quick, cache(lambda: _CALL(make(careful=True).address)))
    cuts = _cuts([0, *(steps if in_step else []), n], lanes, width, threads)
    count, k = len(cuts) - 1, len(cells.plan.recorded)
    kept = {name: np.full((k, n), np.nan) for name in _NAMES}
    last = {name: np.empty(n) for name in ("x", "total", "error")}
    stopped, underflow, reason = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=bool), dict[int, str]()
    played, halt = [0] * count, threading.Event()

    def one(b: int) -> None:
        if halt.is_set():
            return
        block = _Block(cells, tree, slots, lanes, size, width, cuts[b], cuts[b + 1])
        for t in block.play(kernels, kept, last, stopped, underflow, reason):
            played[b] = t
            if halt.is_set():
                return
        played[b] = cells.plan.rounds

    with ThreadPoolExecutor(threads) as pool:
        tasks = [pool.submit(one, b) for b in range(count)]
        try:
            while wait(tasks, TICK).not_done:
                progress(sum(played) // count)
                if any(task.done() and task.exception() for task in tasks):
                    break
        finally:
            halt.set()
    for task in tasks:
        task.result()
    late = cells.plan.recorded[:, None] > np.where(stopped > 0, stopped, cells.plan.rounds)
    back = np.argsort(order) if in_step and len(steps) else slice(None)
    for name, rows in kept.items():
        rows[late] = np.nan
        kept[name] = rows[:, back]
    return CellRecords(
        **kept,
        **{f"{name}_last": values[back] for name, values in last.items()},
        stopped=stopped[back],
        underflow=underflow[back],
        reason={int(order[i]) if in_step else i: text for i, text in reason.items()},
        path=f"{width} lanes of float{8 * cells.x0.itemsize}, {min(threads, count)} threads"
        + (f", {SAID}" if jump else ""),
    )


def _cuts(steps: list[int], lanes: int, width: int, threads: int) -> list[int]:
    """Where the blocks begin, and the end: between the steps as few as possible, and as many for each thread."""
    cuts = [0]
    for start, stop in itertools.pairwise(map(int, steps)):
        n = stop - start
        count = -(-n // lanes)
        if len(steps) == 2:
            count = min(-(-count // threads) * threads, -(-n // width))
        cuts += [start + n * b // count for b in range(1, count + 1)]
    return cuts


# --- the memory of a block --------------------------------------------------------------------------------------------


class Column(NamedTuple):
    """The first values of a column, (n,) or for a table (n, length), and whether the cells of a block differ in it."""

    values: np.ndarray
    wide: bool


def columns(cells: Cells, in_step: bool, differs: tuple[bool, ...], jump: Jump | None = None) -> dict[str, Any]:
    """All that a run carries and reads, by name: trees of Columns.

    in_step: the cells of a block have one period.    differs: in which parts of the state they differ.
    """
    n, dtype = len(cells), cells.x0.dtype
    word = np.int32 if cells.single else np.int64

    def given(v: Any) -> Any:
        if isinstance(v, np.ndarray):
            return Column(v, v.strides[0] != 0 and bool((v != v[:1]).any()))
        parts = tuple(map(given, v))
        return Weight(*parts) if isinstance(v, Weight) else parts

    def carried(value: Any, kind: Any = dtype, wide: bool = True) -> Column:
        return Column(np.full(n, value, kind), wide)

    period = Column(cells.period, not in_step)
    if period.wide and cells.period.max() <= np.iinfo(word).max:
        period = Column(period.values.astype(word), True)
    decay = given(cells.decay)
    more: dict[str, Any] = {}
    if jump:
        more = {"first": Column(jump.first, False), "lengths": Column(jump.lengths, False)}
        more["pieces"] = given(jump.columns)
    return {
        "x": Column(cells.x0, True),
        "state": tuple(carried(s, wide=d) for s, d in zip(cells.plan.rule.state.values(), differs, strict=True)),
        "total": carried(0),
        "error": carried(0),
        "gone": carried(0, word),
        "phase": Column(np.ones_like(period.values), period.wide),
        "period": period,
        "power": Column(np.ones_like(decay.values), decay.wide),
        "decay": decay,
        **{name: given(getattr(cells, name)) for name in ("alpha", "hyper", "data", "region")},
        **more,
    }


def leaves(tree: Any) -> Iterator[Any]:
    """The Columns or Slots of a tree, in order."""
    if isinstance(tree, (Column, Slot)):
        yield tree
    else:
        for part in tree.values() if isinstance(tree, dict) else tree:
            yield from leaves(part)


def place(tree: dict[str, Any], single: bool) -> tuple[dict[str, Any], int, int]:
    """(the tree with a Slot for each Column, lanes of a block, its bytes)."""
    rows = sum(c.values.dtype.itemsize for c in leaves(tree) if c.wide and c.values.ndim == 1)
    lanes = max(ALIGN, min(MOST, ROOM // rows // ALIGN * ALIGN))
    end = 0

    def slot(c: Any) -> Any:
        nonlocal end
        if not isinstance(c, Column):
            parts = tuple(map(slot, c))
            return Weight(*parts) if isinstance(c, Weight) else parts
        if c.values.ndim > 2:
            raise Untraceable("the data of a scalar run are numbers or vectors")
        kind = {"f4": "f", "f8": "d", "i4": "w", "i8": "i"}[c.values.dtype.str[1:]]
        length = c.values.shape[1] if c.values.ndim > 1 else 0
        start = end
        end += -(-c.values.dtype.itemsize * (length or 1) * (lanes if c.wide else 1) // ALIGN) * ALIGN
        return Slot(kind, c.wide, length, start)

    return {name: slot(part) for name, part in tree.items()}, lanes, end


class Arranged(NamedTuple):
    """How blocks lie in memory: their columns, the slots of these, lanes, bytes; and what makes the kernel for them."""

    tree: dict[str, Any]
    slots: dict[str, Any]
    lanes: int
    size: int
    make: Callable[..., Made]


def arranged(cells: Cells, in_step: bool, jump: Jump | None = None) -> Arranged:
    """What cells share is one number, among the state too: there it is what a round keeps so."""

    def write(differs: tuple[bool, ...]) -> tuple[Arranged, tuple[bool, ...]]:
        tree = columns(cells, in_step, differs, jump)
        slots, lanes, size = place(tree, cells.single)
        make = cache(partial(made, cells.plan, slots, cells.single, lanes, size, rest=jump and jump.form))
        kernel = make(careful=not _usual(tree))
        return Arranged(tree, slots, lanes, kernel.size, make), kernel.differs

    return settled(len(cells.plan.rule.state), write)[0]


def _usual(tree: dict[str, Any]) -> bool:
    """Whether the processor's flags say if all is well: infinities that are given come without an exception."""
    return WATCH and all(bool(np.isfinite(c.values).all()) for c in leaves(tree))


# --- playing a block --------------------------------------------------------------------------------------------------


class _Kernels(NamedTuple):
    quick: Callable | None
    careful: Callable[[], Callable]  # compiled when it is needed


class _Block:
    """The memory of the cells start..stop, and the calls that play them."""

    def __init__(
        self, cells: Cells, tree: dict, slots: dict, lanes: int, size: int, width: int, start: int, stop: int
    ) -> None:
        self.plan, self.lanes, self.start, self.stop = cells.plan, lanes, start, stop
        self.memory = _aligned(size)
        self.counters = np.zeros(COUNTERS, dtype=np.int64)
        self.counters[3] = -(-(stop - start) // width) * width
        self.due = np.append(cells.plan.recorded, cells.plan.rounds + 1).astype(np.int64)
        shape = (min(ROWS, len(self.due) - 1), KEPT, lanes)  # more would cost more than a short run takes
        self.rows = _aligned(math.prod(shape) * cells.x0.itemsize).view(cells.x0.dtype).reshape(shape)
        self.alive = np.ones(stop - start, dtype=bool)
        self.wide: list[np.ndarray] = []
        for slot, column in zip(leaves(slots), leaves(tree), strict=True):
            rows = self._rows(slot, column.values.dtype)
            if slot.wide:
                rows[:, : stop - start] = column.values[start:stop].T
                self.wide.append(rows)
            else:
                rows[:, 0] = column.values[start]
        self._replace()
        self.last = {name: self._rows(slots[name], cells.x0.dtype)[0] for name in ("x", "total", "error")}
        self.gone = self._rows(slots["gone"], tree["gone"].values.dtype)[0]
        self.idle: list[np.ndarray] = []  # the phase, which goes on; the period; the stretch
        self.pace = 1
        if "lengths" in slots:
            where = (slots[name] for name in ("phase", "period", "first", "lengths"))
            self.idle = [self._rows(slot, np.int64)[0] for slot in where]
            _, period, _, rounds = self.idle
            self.pace = int(period[0] // (period[0] - rounds[0] + 1))  # rounds for the work of one
        self.state = [self._rows(slot, cells.x0.dtype) for slot in slots["state"]]

    def _rows(self, slot: Slot, dtype: Any) -> np.ndarray:
        shape = (slot.length or 1, self.lanes if slot.wide else 1)
        return np.ndarray(shape, dtype, self.memory.data, slot.offset)

    def _replace(self) -> None:
        """Let the lanes that have no cell, or whose cell has stopped, play the first one along that goes on."""
        idle = np.ones(self.lanes, dtype=bool)
        idle[: len(self.alive)] = ~self.alive
        for rows in self.wide:
            rows[:, idle] = rows[:, [np.argmax(self.alive)]]

    def _call(self, call: Callable, start: int, end: int, due: np.ndarray) -> int:
        """Play the rounds start+1..end, or to the first that stops; returns how many were recorded."""
        self.counters[:3], self.counters[4] = (start, end, 0), 0
        call(*(a.ctypes.data for a in (self.memory, self.counters, due, self.rows)))
        return int(self.counters[2])

    def play(
        self, kernels: _Kernels, kept: dict, last: dict, stopped: Any, underflow: Any, reason: dict
    ) -> Iterator[int]:
        """Play all rounds; yields the number of those that are done."""
        m, some, due = len(self.alive), slice(self.start, self.stop), self.due
        t, k, stretch, wary, patience = 0, 0, FIRST, 0, 1
        while t < self.plan.rounds:
            before, began = self.memory.copy(), t
            end = min(self.plan.rounds, t + stretch * self.pace, int(due[min(k + ROWS, len(due) - 1)]) - 1)
            alarm = True
            if kernels.quick and not wary:
                took = self._call(kernels.quick, t, end, due[k:])
                if alarm := bool(self.counters[4]) or any(map(subnormal, self.state)):
                    self.memory[:] = before
                    wary, patience = patience, 2 * patience
            else:
                wary = max(0, wary - 1)
            if alarm:
                took = self._call(kernels.careful(), t, end, due[k:])
            for j, name in enumerate(_NAMES):
                kept[name][k : k + took, some] = self.rows[:took, j, :m]
            t, k, stretch = int(self.counters[0]), k + took, min(CHUNK, 2 * stretch)
            if alarm and self.counters[4]:
                self.memory[:] = before
                lost, again = self._stop(kernels.careful(), began, t, due[k - took :], reason)
                at = self.start + np.flatnonzero(lost)
                for name, row in zip(_NAMES, self.rows[0, :, :m], strict=True):
                    if name in last:
                        last[name][at] = row[lost]
                stopped[at], underflow[at] = t, self.gone[:m][lost] != 0
                self.alive &= ~lost
                if not self.alive.any():
                    return
                if again is not None and lost.any():
                    self.memory[:], t = again, t - 1
                self._replace()
            yield t
        at = self.start + np.flatnonzero(self.alive)
        for name, row in self.last.items():
            last[name][at] = row[:m][self.alive]
        underflow[at] = self.gone[:m][self.alive] != 0

    def _stop(
        self, call: Callable, began: int, t: int, due: np.ndarray, reason: dict
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Play round t again with a record, from the memory as it was after round `began`: (who stopped, None).

        Where that was a jump, for which the others wait, the memory before it comes in place of None.
        """
        self._call(call, began, t - 1, due)
        before = None
        if self.idle and t < due[self.counters[2]]:
            phase, period, first, rounds = (int(number[0]) for number in self.idle)
            before = self.memory.copy() if (phase - first) % period < rounds else None
        self._call(call, t - 1, t, np.append(np.int64(t), self.due[-1:]))
        x, rate, direction = self.rows[0, :3, : len(self.alive)]
        with np.errstate(all="ignore"):
            proposal = x - reference.scale(rate, direction)
        lost = self.alive & ~np.isfinite(proposal)
        for i in np.flatnonzero(lost).tolist():
            reason[self.start + i] = why(rate[i], direction[i], reference)
        return lost, before


def _aligned(size: int) -> np.ndarray:
    """`size` bytes that begin where a line of the cache does."""
    whole = np.zeros(size + ALIGN, dtype=np.uint8)
    start = -whole.ctypes.data % ALIGN
    return whole[start : start + size]
