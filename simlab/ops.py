"""The language that update rules and losses speak, and how a number system joins it.

A rule is straight-line arithmetic: `+ - *` and the operations below.  Each operation is written once per number
system (floats, compiled floats, tensors, balls, symbols); a rule is written once for all of them.

    sqrt(x)  divide(a, b)  minimum(a, b)  maximum(a, b)  absolute(x)  sign(x)                        primitive
    where(c, a, b)  less(a, b)                                                                       primitive
    clip(x, lo, hi) = minimum(maximum(x, lo), hi)                                                    derived
    ema(average, new, beta) = beta average + (1 - beta) new                                          derived

Two ways lead from a rule to a number system.  Called directly, an operation looks at *every* argument and hands over
to the system they belong to; two systems in one call, or a type that nobody has claimed, are refused and never
rounded.  Or `rebind` replaces the operations in a function, and in all that it calls, by those of one system: this is
how rules are compiled.
"""

from __future__ import annotations

import contextlib
import importlib
import types
from collections.abc import Callable
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

__all__ = [
    "Weight",
    "absolute",
    "clip",
    "divide",
    "dot",
    "ema",
    "exp",
    "join",
    "less",
    "log1p",
    "matvec",
    "maximum",
    "minimum",
    "rebind",
    "sign",
    "sqrt",
    "system_of",
    "where",
]


class Weight(NamedTuple):
    """The weight beta of a moving average and 1 - beta, each rounded once from the exact value (dimensionless)."""

    beta: Any
    rest: Any


# --- number systems -------------------------------------------------------------------------------------------------

_systems: dict[type, Any] = {}
_home = {"builtins": "reference", "numpy": "reference", "flint": "arb"}  # where a library is not named as its system


def join(system: Any, *kinds: type) -> None:
    """Declare that numbers of these types belong to `system`, a module that defines every primitive."""
    _systems.update(dict.fromkeys(kinds, system))


def _system(kind: type) -> Any:
    for base in kind.__mro__:
        if base in _systems:
            return _systems[base]
    name = kind.__module__.partition(".")[0]
    with contextlib.suppress(ModuleNotFoundError):
        importlib.import_module(f"simlab.backends.{_home.get(name, name)}")
    for base in kind.__mro__:
        if base in _systems:
            return _systems[base]
    raise TypeError(f"no number system knows the type {kind.__module__}.{kind.__qualname__}; see simlab.ops.join")


def system_of(*args: Any) -> Any:
    """The one number system that all arguments belong to; exact integers and fractions belong to every one.

    Raises TypeError where there is none, or more than one.
    """
    # an array of balls or symbols belongs where its entries do
    kinds = (type(a.flat[0]) if isinstance(a, np.ndarray) and a.dtype == object and a.size else type(a) for a in args)
    found = {_system(kind) for kind in kinds if not issubclass(kind, (int, Fraction))}
    if len(found) > 1:
        names = " and ".join(sorted(s.__name__.rpartition(".")[2] for s in found))
        raise TypeError(f"numbers of different systems meet: {names}; convert one of them first")
    return found.pop() if found else _system(float)


PRIMITIVES: dict[Callable, str] = {}


def _primitive(statement: str, name: str) -> Callable:
    def operation(*args: Any) -> Any:
        return getattr(system_of(*args), name)(*args)

    operation.__name__ = operation.__qualname__ = name
    operation.__doc__ = statement
    PRIMITIVES[operation] = name
    return operation


# what a rule may say: correctly rounded on every float system, so that all of them agree to the last bit
sqrt = _primitive("The square root, correctly rounded; of a negative number nan.", "sqrt")
divide = _primitive("a / b with IEEE meaning everywhere: 1/0 is inf and 0/0 is nan, never an exception.", "divide")
minimum = _primitive("The smaller of two.", "minimum")
maximum = _primitive("The larger of two.", "maximum")
absolute = _primitive("|x|.", "absolute")
sign = _primitive("1, 0 or -1 with sign(0) = 0; a ball around 0 raises, since its sign is not known.", "sign")
less = _primitive("a < b; balls that overlap raise, since the answer is not known.", "less")


def where(condition: Any, a: Any, b: Any) -> Any:
    """`a` where the condition holds, else `b`; a plain bool chooses without touching either."""
    if isinstance(condition, (bool, np.bool_)):
        return a if condition else b
    return (
        np.where(condition, a, b)
        if isinstance(condition, np.ndarray)
        else system_of(condition, a, b).where(condition, a, b)
    )


PRIMITIVES[where] = "where"

# what a problem may say besides: libm's, so equal bits need one libm; and sums in index order
exp = _primitive("The exponential, from the C library on a CPU: not correctly rounded.", "exp")
log1p = _primitive("log(1 + x), from the C library on a CPU: not correctly rounded.", "log1p")
dot = _primitive("sum_i a_i b_i, added in the order of i, so that every system rounds alike; a b for scalars.", "dot")
matvec = _primitive("H x for a scalar, a diagonal (vector) or a dense H, rows added in index order.", "matvec")

# what the protocol alone says
number = _primitive("The exact or foreign number x as a number of the run's system.", "number")
scale = _primitive("rate * direction, and 0 where the direction is 0 whatever the rate (0 * inf is 0 here).", "scale")
flush = _primitive("(the tuple with subnormal numbers set to 0, whether it had any); exact systems have none.", "flush")
finite = _primitive("Whether every coordinate is finite.", "finite")
add = _primitive("(total, error) + x as an unevaluated pair: Knuth's TwoSum on floats, a plain sum elsewhere.", "add")
bisect = _primitive(
    "bisect(f, low, *args): the root in [low, inf) of a decreasing f(z, *args); low if f(low) <= 0.", "bisect"
)


def clip(x: Any, lower: Any, upper: Any) -> Any:
    """x clipped to [lower, upper]."""
    return minimum(maximum(x, lower), upper)


def _ema(average: Any, new: Any, weight: Any) -> Any:
    return weight.beta * average + weight.rest * new


def ema(average: Any, new: Any, beta: Any) -> Any:
    """The moving average beta * average + (1 - beta) * new, for 0 <= beta < 1 (a number, or a Weight)."""
    if not isinstance(beta, Weight):
        to = system_of(average, new, beta).number
        exact = isinstance(beta, (int, Fraction))
        beta = Weight(to(beta), to(1 - beta) if exact else 1 - beta)
    return _ema(average, new, beta)


CORE: dict[Callable, Callable] = {ema: _ema}  # what compilers see in place of a function that serves direct calls too

# --- rebinding ------------------------------------------------------------------------------------------------------


def children(function: types.FunctionType) -> dict[str, Any]:
    """What a function's code refers to by name: its globals and its closure, by the name that the code uses."""
    names = dict.fromkeys(_names(function.__code__))
    found = {n: function.__globals__[n] for n in names if n in function.__globals__}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        found[name] = cell.cell_contents
    return found


def _names(code: types.CodeType) -> list[str]:
    inner = [n for c in code.co_consts if isinstance(c, types.CodeType) for n in _names(c)]
    return [*code.co_names, *inner]


def rebind(function: Callable, system: Any, wrap: Callable = lambda f: f, memo: dict | None = None) -> Callable:
    """`function` with every operation, in it and in all that it calls, replaced by `system`'s; `wrap` sees each one.

    Keyword-only parameters become positional (compilers want that), and defaults are then lost. Fractions that the code
    mentions become numbers of the system.
    """
    memo = {} if memo is None else memo
    if function in memo:
        return memo[function]
    if function in PRIMITIVES:
        return memo.setdefault(function, getattr(system, PRIMITIVES[function]))
    if function in CORE:
        return memo.setdefault(function, rebind(CORE[function], system, wrap, memo))

    def convert(value: Any) -> Any:
        if isinstance(value, types.FunctionType):
            return rebind(value, system, wrap, memo)
        return system.number(value) if isinstance(value, Fraction) else value

    assert isinstance(function, types.FunctionType), function
    code = function.__code__
    defaults = None if code.co_kwonlyargcount else function.__defaults__
    code = code.replace(co_argcount=code.co_argcount + code.co_kwonlyargcount, co_kwonlyargcount=0)
    known = {name: convert(value) for name, value in children(function).items()}
    cells = tuple(types.CellType(known[name]) for name in code.co_freevars)
    bound = types.FunctionType(
        code,
        {"__builtins__": __builtins__, "__name__": function.__module__, **known},
        function.__name__,
        defaults,
        cells or None,
    )
    memo[function] = wrap(bound)
    return memo[function]
