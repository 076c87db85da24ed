"""The loop over the rounds of many scalar runs at once, as machine code: a cell in each lane of vectors, time outside.

What depends on numbers that the cells share alone (the schedules) is computed once a round, before the lanes. The code
is written by calling the round itself, see simlab.vectors, and goes into the cache of kernels under its own digest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, NamedTuple

import llvmlite.binding as llvm
from llvmlite import ir

from simlab.jump import land
from simlab.machine_code import FLAGS, Unknown, digest, kernel, machine, object_code, surroundings
from simlab.ops import Weight, add, rebind
from simlab.protocol import Plan, online_round
from simlab.vectors import INT, LEAST, POINTER, SIZES, TYPES, VOID, Trace, Untraceable, Value, call, suffix
from simlab.watch import WATCH, Control

ALIGN = 64  # bytes of a line of the cache, where every row begins
COUNTERS, KEPT = 5, 6  # see `Driver`
_BYTE = ir.IntType(8)


class Slot(NamedTuple):
    """Where a block keeps a column: a row of numbers if it is wide, else one; a table has `length` of them in turn."""

    kind: str  # i, f, d, or w: an integer as wide as the numbers of the run
    wide: bool
    length: int  # 0 for what is no table
    offset: int  # in bytes


# --- the code -------------------------------------------------------------------------------------------------------


class Rows:
    """A table in a kernel: `rows[i]` takes entry i_k of the vector of cell k."""

    def __init__(self, driver: Driver, slot: Slot) -> None:
        self.driver, self.slot = driver, slot

    def __getitem__(self, i: Any) -> Value:
        driver, slot, trace = self.driver, self.slot, self.driver.trace
        at = trace.value(i)
        if at.kind != "i":
            raise Untraceable("a vector is indexed by an integer")
        row = trace.where(at < 0, at + slot.length, at) * (driver.lanes if slot.wide else 1)
        if not row.wide:
            return driver.load(slot, row.code)

        def make(emit: ir.IRBuilder, row: Any) -> Any:
            kind = TYPES[slot.kind]
            out = ir.Constant(ir.VectorType(kind, trace.width), ir.Undefined)
            for j in map(INT, range(trace.width)):
                where = emit.extract_element(row, j)
                if slot.wide:
                    where = emit.add(where, emit.add(driver.lane_of(emit), j))
                out = emit.insert_element(out, emit.load(driver.address(emit, slot, where), typ=kind), j)
            return out

        return trace.apply(make, slot.kind, False, row)


class Driver:
    """Writes the code of

        play(block, counters, due, records)

    counters: rounds played, the round to end with, the next record, lanes in use (a multiple of the width), alarm.
    due: the rounds to record, then one that never comes.
    records: for each of them the rows x, rate, direction, loss, total, error, in the precision of the run.

    careful: state is flushed and every proposal looked at; the call ends with the first round that has one which is
        not finite, and then `alarm` is not 0. Otherwise nothing is looked at: the processor keeps account of
        infinities, invalid operations and subnormal operands, and if there was any, the alarm says that what was
        computed is not to be used.
    differing: the parts of the state in which cells differ. It grows while the code is written, and the code is whole
        only if it does not.
    rest: the form of a Jump, where stretches of idle rounds are jumped (simlab.jump), or None. A call may then end
        behind its last round, in a stretch, but jumps over no record.
    """

    def __init__(
        self, plan: Plan, slots: dict[str, Any], single: bool, lanes: int, size: int, careful: bool, rest: Any = None
    ) -> None:
        self.plan, self.slots, self.lanes, self.careful, self.rest = plan, slots, lanes, careful, rest
        self.kind = "f" if single else "d"
        self.size = SIZES[self.kind]
        self.width = register() // self.size
        self.word = ir.IntType(8 * self.size)
        self.bytes = size
        self.differing = {k for k, slot in enumerate(slots["state"]) if slot.wide}
        self.trace: Trace

    def text(self) -> str:
        """The code in LLVM's language."""
        module = ir.Module("lanes")
        module.triple = llvm.get_default_triple()
        play = ir.Function(module, ir.FunctionType(VOID, [POINTER] * 4), "play")
        self.block, counters, due, self.records = play.args
        for argument in play.args:
            argument.add_attribute("noalias")
        blocks = [play.append_basic_block(n) for n in ("entry", "head", "choose", "tail", "leave")]
        begin, head, choose, tail, leave = map(ir.IRBuilder, blocks)

        def counter(emit: ir.IRBuilder, n: int) -> Any:
            return emit.gep(counters, [INT(n)], source_etype=INT)

        played, end, record, self.count = (begin.load(counter(begin, n), typ=INT) for n in range(4))
        control = Control(begin) if WATCH else None
        begin.branch(head.block)
        t, k = head.phi(INT), head.phi(INT)
        head.cbranch(head.icmp_signed("<", t, end), choose.block, leave.block)
        now = choose.add(t, INT(1))
        upcoming = choose.load(choose.gep(due, [k], source_etype=INT), typ=INT)
        wanted = choose.icmp_signed("==", now, upcoming)
        plain, kept = self._round(play, now, None), self._round(play, now, k)
        ways = [(plain, 0, now), (kept, 1, now)]
        if self.rest is not None:
            idle, which, far = self._longest(choose, t, upcoming)
            rest = self._jump(play, which)
            ways.append((rest, 0, far))
            step = ir.IRBuilder(play.append_basic_block("step"))
            choose.cbranch(idle, rest[0], step.block)
            choose = step
        choose.cbranch(wanted, kept[0], plain[0])
        odd, then = tail.phi(self.word), tail.phi(INT)
        reached = tail.phi(INT) if self.rest is not None else now
        for (_, last, found), more, upto in ways:
            emit, bits = ir.IRBuilder(last), self.word(0)
            if found is not None:
                bits = call(emit, f"llvm.vector.reduce.or{suffix(found.type)}", self.word, found)
            odd.add_incoming(bits, last)
            then.add_incoming(emit.add(k, INT(more)), last)
            if self.rest is not None:  # what is not finite stops the first of the rounds, which is not played then
                fine = emit.icmp_signed("==", bits, self.word(0))
                reached.add_incoming(emit.select(fine, upto, now), last)
            emit.branch(tail.block)
        bad = tail.icmp_signed("!=", odd, self.word(0))
        tail.cbranch(bad, leave.block, head.block)
        for phi, first, again in ((t, played, reached), (k, record, then)):
            phi.add_incoming(first, begin.block)
            phi.add_incoming(again, tail.block)
        final = []
        for before, after in ((t, reached), (k, then), (ir.IntType(1)(0), bad)):
            phi = leave.phi(before.type)
            phi.add_incoming(before, head.block)
            phi.add_incoming(after, tail.block)
            final.append(phi)
        leave.store(final[0], counter(leave, 0))
        leave.store(final[1], counter(leave, 2))
        raised = control.end(leave) if control else None
        leave.store(leave.zext(final[2] if self.careful else raised, INT), counter(leave, 4))
        leave.ret_void()
        # volatile: LLVM would make a masked store, which is slow, of what is stored only where it differs
        return str(module).replace("store <", "store volatile <")

    def _longest(self, emit: ir.IRBuilder, t: Any, before: Any) -> tuple[Any, Any, Any]:
        """(whether idle rounds come after round t, the longest jump in them and before the record, its last round)."""
        trace = self.trace = Trace(self.kind, self.width, emit, emit)
        now, due = (Value(trace, v, "i", False, True) for v in (t, before))
        phase, period, first, lengths = (self._values(self.slots[n]) for n in ("phase", "period", "first", "lengths"))
        into = trace.where(phase < first, phase - first + period, phase - first)
        room = trace.minimum(lengths[0] - into, due - now - 1)
        longer = (trace.convert(lengths[n] > room, "i") for n in range(lengths.slot.length - 1))
        which = sum(longer, trace.value(0))
        return (room > 0).code, which.code, (now + lengths[which]).code

    def _jump(self, play: Any, which: Any) -> tuple:
        """The blocks of a jump, as `_round` has them; state is flushed in every kernel."""

        def body(have: SimpleNamespace) -> Any:
            trace, at = self.trace, Value(self.trace, which, "i", False, True)

            def chosen(tree: Any) -> Any:
                if isinstance(tree, tuple):
                    return tuple(map(chosen, tree))
                return tree[at] if isinstance(tree, Rows) else tree

            x, state, gone = land(self.rest, chosen(have.pieces), have.x, have.state, LEAST[self.kind], trace.system)
            phase = have.phase + have.lengths[at]
            new = {"phase": trace.where(phase > have.period, phase - have.period, phase)}
            new |= {"x": x} if x is not have.x else {}
            new |= {"gone": have.gone | trace.convert(gone, "i")} if state else {}
            self._keep(new, state)
            return x

        return self._lanes(play, False, body)

    def _round(self, play: Any, now: Any, record: Any) -> tuple:
        """(first block, last block, bits that are 0 if every proposal was finite) of one round in all lanes."""

        def body(have: SimpleNamespace) -> Any:
            return self._play(have, now, record)

        return self._lanes(play, not self.careful and record is None, body)

    def _lanes(self, play: Any, split: bool, body: Callable) -> tuple:
        """The blocks of a loop over the lanes that does `body`, which returns what has to be finite."""
        first, loop, again, last = (play.append_basic_block(n) for n in ("round", "lanes", "late", "played"))
        lane, after = ir.IRBuilder(loop), ir.IRBuilder(again)
        self.trace = trace = Trace(self.kind, self.width, ir.IRBuilder(first), lane, after if split else None)
        trace.carry = self._carry
        self.carried: list[tuple[Value, ir.Constant]] = []  # what the second loop takes over, and the offset of it
        self.leaves: dict[int, Slot] = {}  # where codes were loaded from, by their id
        self.stored: dict[int, Slot] = {}  # and where the first loop put them
        self.i, self.late = lane.phi(INT), after.phi(INT)
        bits = ir.VectorType(self.word, self.width)
        odd = lane.phi(bits) if self.careful else None
        if not self.careful:
            trace.system.flush = lambda state: (trace.sound(state), trace.constant(False, "b", weak=False))

        have = SimpleNamespace(**{name: self._values(tree) for name, tree in self.slots.items()})
        proposal = body(have)
        self._settle()

        found = None
        if odd is not None:
            gap = trace.widen(proposal - proposal)  # 0, or nan
            found = lane.or_(odd, lane.bitcast(gap, bits))
            odd.add_incoming(bits([0] * self.width), first)
            odd.add_incoming(found, loop)
        for emit, i, begin, end in ((lane, self.i, first, again), (after, self.late, loop, last)):
            beside = emit.add(i, INT(self.width))
            i.add_incoming(INT(0), begin)
            i.add_incoming(beside, emit.block)
            emit.cbranch(emit.icmp_signed("<", beside, self.count), emit.block, end)
        trace.before.branch(loop)
        return first, last, found

    def _play(self, have: SimpleNamespace, now: Any, record: Any) -> Any:
        """One round in the lanes, recorded if there is a record; returns the proposal."""
        trace, lane = self.trace, self.trace.lane
        t, periodic = Value(trace, now, "i", False, True), self.plan.problem.period is not None
        memo: dict = {}
        step, plus = (rebind(f, trace.system, memo=memo) for f in (online_round(self.plan), add))
        phase = have.phase if periodic else t
        done = step(
            t, phase, have.x, have.state, have.power, have.alpha, have.decay, have.hyper, have.data, have.region
        )
        total, error = plus(have.total, have.error, done.loss)

        if record is not None:
            for n, value in enumerate((have.x, done.rate, done.direction, done.loss, total, error)):
                row = lane.mul(lane.add(lane.mul(record, INT(KEPT)), INT(n)), INT(self.lanes))
                where = lane.gep(self.records, [lane.add(row, self.i)], source_etype=TYPES[self.kind])
                lane.store(trace.widen(trace.number(value)), where, align=self.size)
        new = {"x": done.x, "total": total, "error": error}
        if self.careful:
            new["gone"] = have.gone | trace.convert(done.underflow, "i")
        if done.power is not have.power:
            new["power"] = done.power
        if periodic:
            new["phase"] = trace.where(have.phase == have.period, 1, have.phase + 1)
        self._keep(new, done.state)
        return done.proposal

    def _keep(self, new: dict[str, Value], state: tuple) -> None:
        """Store what a run carries on."""
        for name, value in new.items():
            self._store(self.slots[name], value)
        for k, (slot, value) in enumerate(zip(self.slots["state"], state, strict=True)):
            if value.wide and not slot.wide:
                self.differing.add(k)
            else:
                self._store(slot, value)

    def lane_of(self, emit: ir.IRBuilder) -> Any:
        """The first of the lanes that a loop is at."""
        return self.late if emit is self.trace.after else self.i

    def _carry(self, v: Value) -> Any:
        """What was computed before the second loop as a vector in it, from where `_settle` decides on."""
        assert self.trace.after is not None
        offset = ir.Constant(INT, None)
        self.carried.append((v, offset))
        emit, kind = self.trace.after, self.trace.kind_of(v.kind, True)
        where = emit.add(emit.mul(self.late, INT(SIZES[v.kind])), offset) if v.wide else offset
        return emit.load(emit.gep(self.block, [where], source_etype=_BYTE), typ=kind, align=4)

    def _settle(self) -> None:
        """What is carried lies where the round put it anyway, or where it still is, or in a place of its own.

        Even what all lanes share goes through memory: else LLVM would compute it as late as the second loop begins.
        """
        written = {slot.offset for slot in self.stored.values()}
        for v, offset in self.carried:
            slot = self.stored.get(id(v.code)) or self.leaves.get(id(v.code))
            if slot is None or (id(v.code) not in self.stored and slot.offset in written):
                slot = Slot(v.kind, v.wide, 0, self.bytes)
                self.bytes += (self.lanes if v.wide else ALIGN) * SIZES[v.kind]
                emit = self.trace.lane if v.wide else self.trace.before
                emit.store(self.trace.widen(v), self.address(emit, slot, self.i if v.wide else INT(0)), align=4)
            offset.constant = slot.offset

    def _values(self, tree: Any) -> Any:
        if isinstance(tree, Slot):
            return Rows(self, tree) if tree.length else self.load(tree)
        values = tuple(map(self._values, tree))
        return Weight(*values) if isinstance(tree, Weight) else values

    def address(self, emit: ir.IRBuilder, slot: Slot, element: Any) -> Any:
        """Of a number of a slot, counted from its first."""
        where = emit.add(emit.mul(element, INT(SIZES.get(slot.kind, self.size))), INT(slot.offset))
        return emit.gep(self.block, [where], source_etype=_BYTE)

    def load(self, slot: Slot, row: Any = None) -> Value:
        """The number of a slot, or in the lanes its row; of a table, the one that begins with element `row`."""
        emit = self.trace.lane if slot.wide else self.trace.before
        kind, element = self.word if slot.kind == "w" else TYPES[slot.kind], row or INT(0)
        if slot.wide:
            element, kind = emit.add(element, self.i), ir.VectorType(kind, self.width)
        code = emit.load(self.address(emit, slot, element), typ=kind, align=4)
        if slot.kind == "w":
            code = emit.sext(code, self.trace.kind_of("i", slot.wide))
        elif not slot.length:
            self.leaves[id(code)] = slot
        return Value(self.trace, code, "i" if slot.kind == "w" else slot.kind, slot.wide, False)

    def _store(self, slot: Slot, value: Value) -> None:
        trace, kind = self.trace, "i" if slot.kind == "w" else slot.kind
        if value.kind != kind:
            raise Untraceable(f"what a run carries changes from {kind} to {value.kind}")
        if value.wide and not slot.wide:
            raise Untraceable("a number that cells share differs between them")
        emit = trace.before if not slot.wide else trace.after if value.late and trace.after else trace.lane
        code = trace.widen(value) if slot.wide else value.code
        if slot.kind == "w":
            code = emit.trunc(code, ir.VectorType(self.word, self.width))
        elif emit is trace.lane:
            self.stored[id(code)] = slot
        emit.store(code, self.address(emit, slot, self.lane_of(emit) if slot.wide else INT(0)), align=4)


def register() -> int:
    """Bytes of this processor's vectors."""
    features = llvm.get_host_cpu_features()
    return 64 if features.get("avx512f") else 32 if features.get("avx2") else 16


class Made(NamedTuple):
    """A kernel: the address of `play`, the bytes of a block, and the parts of the state that differ after a round.

    Without an address where not all of these differed before it.
    """

    address: int
    size: int
    differs: tuple[bool, ...]


_made: dict[str, Made] = {}


def made(
    plan: Plan, slots: dict[str, Any], single: bool, lanes: int, size: int, careful: bool, rest: Any = None
) -> Made:
    """A kernel for a block with these slots: from this process, or the cache on disk, or compiled."""
    facts = (repr(slots), plan.problem.period is None, single, lanes, size, careful, rest)
    try:
        key = digest([online_round(plan)], facts)
    except Unknown:
        key = None
    if key in _made:
        return _made[key]
    driver = Driver(plan, slots, single, lanes, size, careful, rest)
    text, before = driver.text(), tuple(slot.wide for slot in slots["state"])
    after = tuple(k in driver.differing for k in range(len(before)))
    found = Made(compiled(text) if after == before else 0, driver.bytes, after)
    if key:
        _made[key] = found
    return found


def compiled(text: str) -> int:
    """The address of `play`. The code is its own key in the cache: what was edited is another code."""

    def build() -> tuple[dict, bytes]:
        target, module = machine(), llvm.parse_assembly(text)
        options = llvm.create_pipeline_tuning_options(speed_level=FLAGS["opt"])
        passes = llvm.create_pass_builder(target, options)
        passes.getModulePassManager().run(module, passes)
        return object_code("play", module, target)

    return kernel(hashlib.sha256(repr((text, surroundings())).encode()).hexdigest(), build)[0]
