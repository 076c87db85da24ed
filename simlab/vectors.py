"""LLVM's vectors as a number system: one round of a rule on a problem as machine code.

The rule, the losses, the schedules and the protocol are called once, as everywhere, and on Values: what they do to them
becomes the code, each operation a single IEEE operation on a vector. Nothing is contracted or reordered.

Values meet as NumPy's numbers do. Two precisions become the larger one, integers and float32 become double; what
stands for a Python number (the round, a literal) is weak, and is rounded where it meets a number of the run.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, TypeVar

import numpy as np
from llvmlite import ir

from simlab.backends import _single, reference


class Untraceable(TypeError):
    """A rule or a problem says what is no straight-line arithmetic."""


INT = ir.IntType(64)
TYPES = {"b": ir.IntType(1), "i": INT, "f": ir.FloatType(), "d": ir.DoubleType()}  # truth to double: the smallest first
SIZES = {"i": 8, "f": 4, "d": 8}  # in bytes
LEAST = {"f": float(np.finfo(np.float32).tiny), "d": float(np.finfo(np.float64).tiny)}  # the least normal numbers
VOID, POINTER = ir.VoidType(), ir.PointerType()
_KINDS = "".join(TYPES)
_CASTS = {"bi": "zext", "bf": "uitofp", "bd": "uitofp", "if": "sitofp", "id": "sitofp", "fd": "fpext", "df": "fptrunc"}
_OPERATORS = {  # by its name in Python: of floats, of integers
    "add": ("fadd", "add"),
    "sub": ("fsub", "sub"),
    "mul": ("fmul", "mul"),
    "truediv": ("fdiv", ""),
    "and": ("", "and_"),
    "or": ("", "or_"),
    "xor": ("", "xor"),
    "lshift": ("", "shl"),
    "rshift": ("", "ashr"),
}
T = TypeVar("T")
_EXACT = 2**24  # integers up to here are float32


def _of_two(name: str) -> tuple[Callable[..., Value], Callable[..., Value]]:
    """The methods of an operator with a Value on the left, and with one on the right alone."""
    return (lambda a, b: a.trace.arithmetic(name, a, b)), (lambda b, a: b.trace.arithmetic(name, a, b))


def _comparing(name: str) -> Callable[..., Value]:
    return lambda a, b: a.trace.compare(name, a, b)


class Value:
    """A number of a kernel under construction.

    kind: b, i, f or d.    wide: a vector with a lane for each cell, or else one number for all of them.
    weak: whether it stands for one of Python's own.
    rounded: the nearest number of the run as a Value, where that is known without converting.
    late: whether it is computed in the second loop over the lanes, see Trace.
    deep: whether it waited for the divider.
    made: the function of (builder, codes) and the Values that it was made from.
    """

    __hash__ = None  # type: ignore[assignment]
    __array_ufunc__ = None

    def __init__(self, trace: Trace, code: Any, kind: str, wide: bool, weak: bool) -> None:
        self.trace, self.code, self.kind, self.wide, self.weak = trace, code, kind, wide, weak
        self.rounded: Value | None = None
        self.late = self.deep = False
        self.made: tuple[Callable, tuple[Value, ...]] | None = None

    __add__, __radd__ = _of_two("add")
    __sub__, __rsub__ = _of_two("sub")
    __mul__, __rmul__ = _of_two("mul")
    __truediv__, __rtruediv__ = _of_two("truediv")
    __and__, __rand__ = _of_two("and")
    __or__, __ror__ = _of_two("or")
    __xor__, __rxor__ = _of_two("xor")
    __lshift__, __rlshift__ = _of_two("lshift")
    __rshift__, __rrshift__ = _of_two("rshift")
    __lt__, __le__, __gt__, __ge__ = map(_comparing, ("<", "<=", ">", ">="))
    __eq__, __ne__ = map(_comparing, ("==", "!="))  # type: ignore[assignment]

    def __neg__(self) -> Value:
        if self.kind == "i":
            return self.trace.arithmetic("sub", 0, self)
        return self.trace.apply(lambda emit, x: emit.fneg(x), self.kind, self.weak, self)

    def __pos__(self) -> Value:
        return self

    def __abs__(self) -> Value:
        return self.trace.absolute(self)

    def __invert__(self) -> Value:
        return self.trace.arithmetic("xor", self, True if self.kind == "b" else -1)

    def __bool__(self) -> bool:
        raise Untraceable("a branch depends on a number of the run; use where(condition, a, b)")


class Trace:
    """Where the operations of one round go: those of single numbers before the loop over the lanes, vectors into it.

    A second loop, if there is one, takes what waits for the divider twice, and all that follows from it: the chain of a
    root and a division is longer than what a processor holds of a loop at once, and it would wait for each of them.
    `carry` gives it, as a vector, what was computed before.

    kind: f or d, the numbers of the run.    width: of vectors.
    """

    def __init__(
        self, kind: str, width: int, before: ir.IRBuilder, lane: ir.IRBuilder, after: ir.IRBuilder | None = None
    ) -> None:
        self.kind, self.width, self.before, self.lane, self.after = kind, width, before, lane, after
        self.carry: Callable[[Value], Any]
        self._carried: dict[int, Value] = {}
        names = ("sqrt", "divide", "minimum", "maximum", "absolute", "sign", "less", "where", "exp", "log1p")
        self.system = SimpleNamespace(
            **{name: getattr(self, name) for name in (*names, "number", "scale", "flush", "finite", "bisect")},
            dot=operator.mul,  # a column is no vector
            matvec=operator.mul,
            add=reference.add,
        )

    def kind_of(self, kind: str, wide: bool) -> Any:
        return ir.VectorType(TYPES[kind], self.width) if wide else TYPES[kind]

    def apply(self, make: Callable, kind: str, weak: bool, *values: Value, divider: bool = False) -> Value:
        """The Value of make(builder, *codes), put where its arguments are known."""
        wide = any(v.wide for v in values)
        waited = divider and any(v.deep and v.wide for v in values)
        late = wide and self.after is not None and (waited or any(v.late for v in values))
        emit = (self.after if late else self.lane) if wide else self.before
        codes = [self.widen(self._later(v) if late else v) if wide else v.code for v in values]
        out = Value(self, make(emit, *codes), kind, wide, weak)
        out.late, out.deep, out.made = late, divider or any(v.deep for v in values), (make, values)
        return out

    def _later(self, v: Value) -> Value:
        """A Value for the second loop: truths are found again, what was computed comes through memory."""
        if v.late or not (v.wide or v.deep):
            return v
        if id(v.code) not in self._carried:
            if v.kind == "b" and v.made is not None:
                make, values = v.made
                code = make(self.after, *(self.widen(self._later(x)) for x in values))
            else:
                code = self.carry(v)
            self._carried[id(v.code)] = found = Value(self, code, v.kind, True, v.weak)
            found.late = True
        return self._carried[id(v.code)]

    def constant(self, x: Any, kind: str, weak: bool) -> Value:
        as_kind: dict[str, Callable] = {"b": bool, "i": int, "f": _to_single, "d": float}
        x = as_kind[kind](x)
        if kind == "i" and not -(2**63) <= x < 2**63:
            raise Untraceable(f"the integer {x} has more than 64 bits")
        out = Value(self, ir.Constant(TYPES[kind], x), kind, False, weak)
        if kind == "i" and abs(x) <= _EXACT:
            out.rounded = self.constant(x, self.kind, weak)
        return out

    def value(self, x: Any) -> Value:
        """A Value; of a Python number a weak one."""
        if isinstance(x, Value):
            return x
        if isinstance(x, (bool, int, float)):
            return self.constant(x, "b" if isinstance(x, bool) else "i" if isinstance(x, int) else "d", weak=True)
        raise Untraceable(f"numbers of a run meet {type(x).__name__} {x!r}")

    def convert(self, v: Value, kind: str) -> Value:
        if v.kind == kind:
            return v
        if isinstance(v.code, ir.Constant):
            return self.constant(v.code.constant, kind, v.weak)
        if kind == self.kind and v.rounded is not None:
            return v.rounded
        cast, goal = _CASTS[v.kind + kind], self.kind_of(kind, v.wide)
        return self.apply(lambda emit, x: getattr(emit, cast)(x, goal), kind, v.weak, v)

    def widen(self, v: Value) -> Any:
        """The code of v as a vector."""
        if v.wide:
            return v.code
        kind = self.kind_of(v.kind, True)
        if isinstance(v.code, ir.Constant):
            return ir.Constant(kind, [v.code.constant] * self.width)
        return splat(self.before, v.code, self.width)

    def meet(self, *values: Value) -> tuple[str, list[Value]]:
        """(the kind in which values meet, the values in it)."""
        strong, weak = {v.kind for v in values if not v.weak}, {v.kind for v in values if v.weak}
        kinds = strong - {"b"} or strong | weak
        if kinds == {"i", "f"} or (kinds == {"i"} and weak & {"f", "d"}):
            kinds = {"d"}
        kind = max(kinds, key=_KINDS.index)
        return kind, [self.convert(v, kind) for v in values]

    def _rounded(self, *values: Value) -> list[Value]:
        """The values as numbers of the run, if that is known of all of them without converting."""
        known = [v if v.kind == self.kind else v.rounded for v in values]
        return [] if any(v is None for v in known) else known  # type: ignore[return-value]

    # --- what rules and problems say --------------------------------------------------------------------------------

    def arithmetic(self, name: str, a: Any, b: Any) -> Value:
        a, b = self.value(a), self.value(b)
        kind, met = self.meet(a, b)
        of_floats, of_integers = _OPERATORS[name]
        if kind in "bi" and (not of_integers or (kind == "b" and of_floats)):
            kind = "i" if of_integers else "d"
            met = [self.convert(v, kind) for v in met]
        operation = of_floats if kind in "fd" else of_integers
        if not operation:
            raise Untraceable(f"{name} of numbers that are not integers")
        weak, divider = a.weak and b.weak, operation == "fdiv"
        out = self.apply(lambda emit, *x: getattr(emit, operation)(*x), kind, weak, *met, divider=divider)
        if name == "mul" and {a.kind, b.kind} == {"i", "f"} and (known := self._rounded(a, b)):
            out.rounded = self.arithmetic(name, *known)  # the product is exact in double: one rounding
        return out

    def compare(self, sign: str, a: Any, b: Any) -> Value:
        a, b = self.value(a), self.value(b)
        kind, met = self.meet(a, b)
        method = "icmp_signed" if kind in "bi" else "fcmp_unordered" if sign == "!=" else "fcmp_ordered"
        return self.apply(lambda emit, *x: getattr(emit, method)(sign, *x), "b", a.weak and b.weak, *met)

    def where(self, condition: Any, a: Any, b: Any) -> Any:
        if isinstance(condition, (bool, np.bool_)):
            return a if condition else b
        a, b = self.value(a), self.value(b)
        kind, met = self.meet(a, b)
        weak = a.weak and b.weak and condition.weak
        out = self.apply(lambda emit, *x: emit.select(*x), kind, weak, condition, *met)
        if kind != self.kind and (known := self._rounded(a, b)):
            out.rounded = self.where(condition, *known)
        return out

    def number(self, x: Any) -> Value:
        """A number of the run."""
        if not isinstance(x, (Value, float)):
            exact = _single.number(x) if self.kind == "f" else reference.number(x)
            return self.constant(float(exact), self.kind, weak=False)
        v = self.convert(self.value(x), self.kind)
        if not v.weak:
            return v
        out = Value(self, v.code, v.kind, v.wide, False)
        out.late, out.deep, out.made = v.late, v.deep, v.made
        return out

    def minimum(self, a: Any, b: Any) -> Value:
        return self.where(self.compare("<", a, b), a, b)

    def maximum(self, a: Any, b: Any) -> Value:
        return self.where(self.compare(">", a, b), a, b)

    def less(self, a: Any, b: Any) -> Value:
        return self.compare("<", a, b)

    def divide(self, a: Any, b: Any) -> Value:
        return self.arithmetic("truediv", a, b)

    def sign(self, x: Any) -> Value:
        return self.where(x > 0, 1.0, self.where(x < 0, -1.0, 0.0 * x))

    def sqrt(self, x: Any) -> Value:
        return self._intrinsic("sqrt", self.value(x), divider=True)

    def absolute(self, x: Any) -> Value:
        v = self.value(x)
        return self._intrinsic("fabs", v) if v.kind in "fd" else self.where(v < 0, -v, v)

    def _intrinsic(self, name: str, v: Value, divider: bool = False) -> Value:
        v = self.convert(v, "d") if v.kind in "bi" else v

        def make(emit: ir.IRBuilder, x: Any) -> Any:
            return call(emit, f"llvm.{name}{suffix(x.type)}", x.type, x)

        return self.apply(make, v.kind, v.weak, v, divider=divider)

    def exp(self, x: Any) -> Value:
        return self._library("exp", x)

    def log1p(self, x: Any) -> Value:
        return self._library("log1p", x)

    def _library(self, name: str, x: Any) -> Value:
        """The C library's function of doubles, lane by lane; of a float32 it is rounded to one."""
        given = self.value(x)
        v = self.convert(given, "d")

        def make(emit: ir.IRBuilder, x: Any) -> Any:
            if not v.wide:
                return call(emit, name, TYPES["d"], x)
            out = ir.Constant(x.type, ir.Undefined)
            for j in map(INT, range(self.width)):
                out = emit.insert_element(out, call(emit, name, TYPES["d"], emit.extract_element(x, j)), j)
            return out

        found = self.apply(make, "d", v.weak, v)
        return self.convert(found, "f") if given.kind == "f" else found

    def scale(self, rate: Any, direction: Any) -> Value:
        return self.where(self.compare("==", direction, 0), 0.0, rate * direction)

    def flush(self, state: tuple) -> tuple:
        kept, lost = [], self.constant(False, "b", weak=False)
        for s in self.sound(state):
            tiny = self.absolute(s) < LEAST[self.kind]
            kept.append(self.where(tiny, 0.0, s))
            lost = lost | (tiny & (s != 0))
        return tuple(kept), lost

    def sound(self, state: tuple) -> tuple:
        """State as numbers of the run, which it must be."""
        values = tuple(map(self.value, state))
        if any(s.kind != self.kind and not s.weak for s in values):
            raise Untraceable("state has another precision than the run")
        return tuple(map(self.number, values))

    def finite(self, x: Value) -> Value:
        return x - x == 0

    def bisect(self, *_: Any) -> Any:
        raise Untraceable("a projection that searches for a root goes on for as long as each cell needs")


def settled(parts: int, write: Callable[[tuple[bool, ...]], tuple[T, tuple[bool, ...]]]) -> tuple[T, tuple[bool, ...]]:
    """(the code of a round, in which parts of the state lanes differ): of as few parts as follow from themselves.

    write(differs): the code where that is so of these parts before the round, and of which it is so after it.
    """
    differs = (False,) * parts
    code, found = write(differs)
    while found != differs:
        differs = found
        code, found = write(differs)
    return code, differs


def call(emit: ir.IRBuilder, name: str, result: Any, *given: Any) -> Any:
    """The call of a function of LLVM's own, by its whole name, or of the C library; `result` is its type."""
    kinds = [POINTER if v.type.is_pointer else v.type for v in given]  # LLVM has one type for all pointers
    kind = ir.FunctionType(result, kinds)
    return emit.call(emit.module.globals.get(name) or ir.Function(emit.module, kind, name), given)


def prefetch(emit: ir.IRBuilder, where: Any, ahead: int) -> None:
    """Ask for the memory so many bytes behind a place; by itself a loop that waits for roots asks too late."""
    word, there = ir.IntType(32), emit.gep(where, [INT(ahead)], source_etype=ir.IntType(8))
    call(emit, "llvm.prefetch.p0", VOID, there, word(0), word(3), word(1))  # to read, near, data


def suffix(kind: Any) -> str:
    """What LLVM appends to the name of a function of its own for numbers or vectors of this type."""
    vector = isinstance(kind, ir.VectorType)
    return f".v{kind.count}{kind.element.intrinsic_name}" if vector else f".{kind.intrinsic_name}"


def splat(emit: ir.IRBuilder, code: Any, width: int) -> Any:
    """The vector that is `code` in every lane."""
    anything = ir.Constant(ir.VectorType(code.type, width), ir.Undefined)
    first = emit.insert_element(anything, code, INT(0))
    return emit.shuffle_vector(first, anything, ir.VectorType(ir.IntType(32), width)([0] * width))


def _to_single(x: Any) -> float:
    with np.errstate(over="ignore"):
        return float(np.float32(x))
