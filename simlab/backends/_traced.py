"""Rules and problems as straight lines of code: a number system whose operations write down what they would do.

A round is played once on these numbers; each operation becomes one line of a Triton kernel, and says what the systems
of columns do: one IEEE operation, correctly rounded, not a number where they have one. So the kernel is the rule's own
source, read by one more number system.

    kinds   d float64     f float32     i int64     b truth value
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

from simlab.backends import _single, reference
from simlab.backends._round import REFUSED, CannotCompileError

TYPES = {"d": "tl.float64", "f": "tl.float32", "i": "tl.int64", "b": "tl.int1"}
_RANK = "bifd"
_ARITHMETIC = {"add": "+", "sub": "-", "mul": "*"}
_WHOLE = {"and": "&", "or": "|", "xor": "^", "lshift": "<<", "rshift": ">>"}
_ORDER = {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!="}


class Line(NamedTuple):
    """value = text, made of some parts."""

    value: Traced
    text: str
    parts: tuple[Traced, ...]

    def __str__(self) -> str:
        return f"{self.value} = {self.text}"


class Tape:
    """The lines written so far, the constants that they mention, and the kind of the run's numbers."""

    def __init__(self, single: bool) -> None:
        self.kind = "f" if single else "d"
        self.lines: list[Line] = []
        self.constants: dict[str, Traced] = {}
        self._said: dict[str, Traced] = {}

    def say(self, kind: str, text: str, *parts: Any, weak: bool = False) -> Traced:
        """The value of an expression of some parts; the same expression is written once."""
        if text not in self._said:
            parts = tuple(v for v in parts if isinstance(v, Traced))
            value = Traced(self, kind, f"v{len(self.lines)}", weak, any(v.wide for v in parts))
            self._said[text] = value
            self.lines.append(Line(value, text, parts))
        return self._said[text]

    def literal(self, x: Any, kind: str) -> Traced:
        """A number of Python's or NumPy's as a constant of a kind."""
        if kind in "df":
            x = float(x if kind == "d" else np.float32(x))
            shown = repr(x) if np.isfinite(x) else f'float("{x}")'
        else:
            shown = repr(int(x)) if kind == "i" else repr(bool(x))
        text = f"tl.full((), {shown}, {TYPES[kind]})"
        return self.constants.setdefault(text, Traced(self, kind, f"k{len(self.constants)}", wide=False))

    def as_kind(self, x: Any, kind: str) -> Traced:
        """x as a value of a kind, rounded to nearest where it must be."""
        if not isinstance(x, Traced):
            return self.literal(x, kind)
        return x if x.kind == kind else self.say(kind, f"{x}.to({TYPES[kind]})", x, weak=x.weak)

    def meet(self, a: Any, b: Any, least: str = "b") -> tuple[Traced, Traced]:
        """Both in one kind, as NumPy's promotion has it: what stands for a Python number bends to the other."""
        strong, weak = ({_kind(v) for v in (a, b) if _weak(v) is w} for w in (False, True))
        kind = max(_single.meeting(strong, weak), least, key=_RANK.index)
        return self.as_kind(a, kind), self.as_kind(b, kind)


def _weak(x: Any) -> bool:
    return x.weak if isinstance(x, Traced) else not isinstance(x, np.generic)


def _kind(x: Any) -> str:
    if isinstance(x, Traced):
        return x.kind
    if isinstance(x, (float, np.floating)):
        return "f" if isinstance(x, np.float32) else "d"
    return "b" if isinstance(x, (bool, np.bool_)) else "i"


class Traced:
    """A value of a kernel, by the name that it has there.

    weak: whether it stands for one of Python's own numbers; wide: whether there is one for each cell.
    """

    __hash__ = object.__hash__

    def __init__(self, tape: Tape, kind: str, name: str, weak: bool = False, wide: bool = True) -> None:
        self.tape, self.kind, self.name, self.weak, self.wide = tape, kind, name, weak, wide

    def __str__(self) -> str:
        return self.name

    def __bool__(self) -> bool:
        raise CannotCompileError("it branches on a number of the run")

    def __neg__(self) -> Traced:
        x, minus = self.tape.meet(self, -1, "i")  # Triton's own is 0 - x, which has no -0
        return self.tape.say(x.kind, f"{x} * {minus}", x, minus, weak=self.weak)

    def __invert__(self) -> Traced:
        return self.tape.say(self.kind, f"~{self}", self, weak=self.weak)

    def __abs__(self) -> Traced:
        return self.tape.say(self.kind, f"tl.abs({self})", self, weak=self.weak)


def _method(sign: str, kind: str | None, least: str, swapped: bool) -> Callable:
    def method(self: Traced, other: Any) -> Any:
        first, second = (other, self) if swapped else (self, other)
        a, b = self.tape.meet(first, second, least)
        return self.tape.say(kind or a.kind, f"{a} {sign} {b}", a, b, weak=self.weak and _weak(other))

    return method


for _name, _sign in {**_ARITHMETIC, **_WHOLE}.items():
    for _swapped in (False, True):
        _least = "i" if _name in (*_ARITHMETIC, "lshift", "rshift") else "b"
        setattr(Traced, f"__{'r' * _swapped}{_name}__", _method(_sign, None, _least, _swapped))
for _name, _sign in _ORDER.items():
    setattr(Traced, f"__{_name}__", _method(_sign, "b", "b", False))


class TracedRows:
    """A vector for each cell in memory: rows[j] loads entry j of the cell's own."""

    def __init__(self, tape: Tape, kind: str, pointer: str) -> None:
        self.tape, self.kind, self.pointer = tape, kind, pointer

    def __getitem__(self, j: Any) -> Traced:
        at = self.tape.as_kind(j, "i")
        cell = Traced(self.tape, "i", "i")
        return self.tape.say(self.kind, f"tl.load({self.pointer} + {at}, mask=here, other=0)", at, cell)


def system(tape: Tape) -> SimpleNamespace:
    """The number system that writes on a tape."""
    plain = _single.number if tape.kind == "f" else reference.number

    def number(x: Any) -> Traced:
        return tape.as_kind(x if isinstance(x, Traced) else plain(x), tape.kind)

    def traced(*args: Any) -> bool:
        return any(isinstance(v, Traced) for v in args)

    def sqrt(x: Any) -> Any:
        if not traced(x):
            return reference.sqrt(x)
        x = tape.as_kind(x, "d") if x.kind == "i" else x
        text = f"tl.sqrt_rn({x})" if x.kind == "f" else f"tl.sqrt({x})"  # of doubles, it is rounded
        return tape.say(x.kind, text, x, weak=x.weak)

    def divide(a: Any, b: Any) -> Any:
        if not traced(a, b):
            return reference.divide(a, b)
        p, q = tape.meet(a, b)
        p, q = (tape.as_kind(v, "d" if p.kind == "i" else p.kind) for v in (p, q))
        return tape.say(
            p.kind, f"tl.div_rn({p}, {q})" if p.kind == "f" else f"{p} / {q}", p, q, weak=_weak(a) and _weak(b)
        )

    def where(condition: Any, a: Any, b: Any) -> Any:
        if not traced(condition):
            return a if condition else b
        p, q = tape.meet(a, b)
        weak = all(map(_weak, (condition, a, b)))
        return tape.say(p.kind, f"tl.where({condition}, {p}, {q})", condition, p, q, weak=weak)

    def sign(x: Any) -> Any:
        return where(x > 0, 1, where(x < 0, -1, 0 * x))

    def scale(rate: Any, direction: Any) -> Any:
        return where(direction == 0, 0.0, rate * direction)

    def flush(state: tuple) -> tuple:
        tiny = float(np.finfo(np.float32).tiny) if tape.kind == "f" else reference.TINY
        return reference.flushed(state, where, lambda _: tiny)

    return SimpleNamespace(
        **REFUSED,
        number=lambda x: x if isinstance(x, Traced) and x.kind == tape.kind else number(x),
        sqrt=sqrt,
        divide=divide,
        minimum=lambda a, b: where(a < b, a, b),
        maximum=lambda a, b: where(a > b, a, b),
        absolute=abs,
        sign=sign,
        less=operator.lt,
        where=where,
        scale=scale,
        flush=flush,
        add=reference.add,
        each_finite=lambda x: abs(x) < float("inf"),
    )
