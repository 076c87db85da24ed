"""Rounds without gradient, a whole stretch of them in one step.

A round is idle if its loss and its gradient are 0 whatever x is. Where a rule's direction is then 0 as well, x and all
sums stay, and n idle rounds only take the rule's own map of its state n times. It has a closed form where it is one of

    z -> a z + b                                   z -> a^n z + b (1 + a + ... + a^(n-1))         (moving averages)
    z -> max(a z, k y, 0)  while  y -> c y         z -> max(a^n z, a^(n-1) k y, k c^(n-1) y, 0)   (running maxima)

with a, k, c in [0, 1]: a^(n-1-i) k c^i y, i = 0..n-1, is geometric in i, so the largest is the first or the last.

What is skipped changes nothing but the rounding: a^n is rounded once here, where n rounds round n times. A stretch in
which a record is due is jumped up to that and behind it, in steps whose lengths are powers of two. Both facts, that
a round is idle and what it does to the state, are read off by calling the problem and the rule on numbers that tell how
they depend on x and on the state (simlab.lines). What they do not tell is not jumped.
"""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal
from fractions import Fraction
from functools import reduce
from typing import Any, NamedTuple

import numpy as np

from simlab.cells import Cells
from simlab.errors import BadInput
from simlab.lines import OPAQUE, Line, Number, System, letter, number
from simlab.ops import Weight, rebind
from simlab.problem import Problem
from simlab.protocol import proposer

_DIGITS = Context(prec=60, Emin=MIN_EMIN, Emax=MAX_EMAX)  # a power is off by some 1e-43 of itself for every n < 2^53
ONE = Decimal(1)
SAID = "zero-gradient stretches jumped"  # of what was played so


class Piece(NamedTuple):
    """state[part], or 0 for None, times the factors and plus the constant if there is one.

    Columns for the lengths of a jump, (n, k); a constant without a part has none of them, (n,).
    """

    part: int | None
    factors: tuple[np.ndarray, ...] = ()
    constant: tuple[np.ndarray, ...] = ()


@dataclass(frozen=True)
class Jump:
    """What the longest stretch of idle rounds does to each of n cells.

    kind: (n,), equal for cells that share their period and their stretch.    first: (n,), its first phase.
    lengths: (n, k), how many rounds are jumped at once, all of the stretch or a power of two, falling to 1.
    pieces: for each part of the state; it is the largest of them afterwards.    touched: for x and for each part of the
    state, the parts that are added 0 times, which is nothing while they are finite.
    """

    kind: np.ndarray
    first: np.ndarray
    lengths: np.ndarray
    pieces: tuple[tuple[Piece, ...], ...]
    touched: tuple[tuple[int, ...], ...]

    def __getitem__(self, some: Any) -> Jump:
        """That of some of the cells."""

        def cut(columns: tuple[np.ndarray, ...]) -> tuple[np.ndarray, ...]:
            return tuple(column[some] for column in columns)

        pieces = tuple(tuple(Piece(p.part, cut(p.factors), cut(p.constant)) for p in ps) for ps in self.pieces)
        return Jump(self.kind[some], self.first[some], self.lengths[some], pieces, self.touched)

    @property
    def columns(self) -> tuple:
        """The factors and the constant of every piece."""
        return tuple(tuple((p.factors, p.constant) for p in pieces) for pieces in self.pieces)

    @property
    def form(self) -> tuple:
        """All that is no column."""
        return tuple(tuple(p.part for p in pieces) for pieces in self.pieces), self.touched


def land(form: tuple, columns: tuple, x: Any, state: tuple, least: float, system: Any) -> tuple[Any, tuple, Any]:
    """(x, state, whether some was flushed) after a jump, in a number system; `least` is its least normal number."""
    parts, (still, *touched) = form

    def touch(value: Any, those: tuple[int, ...]) -> Any:
        return reduce(lambda v, j: v + 0 * state[j], those, value)

    after, gone = [], False
    for which, given, those in zip(parts, columns, touched, strict=True):
        values, lost = [], False
        for j, (factors, constant) in zip(which, given, strict=True):
            value = constant[0] if j is None else reduce(operator.mul, factors, state[j])
            if j is not None and constant:
                value = value + constant[0]
            elif factors:  # it may have gone to 0 all the way; a factor 0 is no underflow
                lost = lost | ((abs(value) < least) & (state[j] != 0) & (factors[0] != 0))
            values.append(value)
        value = touch(reduce(system.maximum, values), those)
        tiny = abs(value) < least
        gone = gone | (tiny & (lost | (value != 0)))
        after.append(system.where(tiny, 0.0, value))
    return touch(x, still), tuple(after), gone


def jumps(cells: Cells) -> Jump:
    """The Jump of scalar cells; raises BadInput where the problem or the rule does not allow one, and says why."""
    with np.errstate(all="ignore"):
        first, rounds = _stretches(cells)
        x, kept = _idle_round(cells)
        pieces = tuple(_after(cells, kept, j, rounds) for j in range(len(kept)))
    kind = np.unique(np.stack([cells.period, first, rounds]), axis=1, return_inverse=True)[1].reshape(-1)
    touched = tuple(tuple(j for j in value.touched if isinstance(j, int)) for value in (x, *kept))
    most = int(rounds.max())
    lengths = _each(cells, lambda n: [steps(n, most)], rounds)[0].astype(np.int64)
    return Jump(kind, first, lengths, pieces, touched)


def paces(cells: Cells) -> np.ndarray:
    """(n,): about how many rounds of a cell are the work of one. Raises what `jumps` raises, and takes no power."""
    with np.errstate(all="ignore"):
        _, rounds = _stretches(cells)
        _, kept = _idle_round(cells)
        for j in range(len(kept)):
            _after(cells, kept, j, np.ones_like(rounds))
    return cells.period / (cells.period - rounds + 1)


def _stretches(cells: Cells) -> tuple[np.ndarray, np.ndarray]:
    """(first phase, length), each (n,), of the stretch of every cell."""
    table = np.zeros((len(cells.problems), 2), dtype=np.int64)
    for k in np.unique(cells.problem_at).tolist():
        table[k] = stretch(cells.problems[k], cells.number)
    first, rounds = table[cells.problem_at].T
    if not rounds.all():
        raise BadInput(
            "no jump: a problem here has no round in which loss and gradient are shown to be 0 whatever x is; "
            "only such rounds of a periodic problem are jumped"
        )
    return first, rounds


def stretch(problem: Problem, exact: Callable) -> tuple[int, int]:
    """(first phase, length) of the longest stretch of idle rounds, which may run on into the next period.

    exact: the run's rounding of an exact number. The length is 0 where no round is shown to be idle.
    """
    if problem.period is None:
        return 1, 0
    data = tuple(d if isinstance(d, int) else exact(d) for d in problem.data)
    memo: dict = {}
    loss, grad = (rebind(f, System(exact), memo=memo) for f in (problem.loss, problem.grad))
    seen = (np.arange(1, problem.period + 1), letter("x"), *data)
    idle = number(_called(loss, *seen)).zero() & number(_called(grad, *seen)).zero()
    busy = np.flatnonzero(~np.broadcast_to(idle, problem.period))
    if not len(busy):
        return 1, problem.period
    gaps = np.diff(busy, append=busy[0] + problem.period) - 1
    longest = int(np.argmax(gaps))
    return (int(busy[longest]) + 1) % problem.period + 1, int(gaps[longest])


def _called(function: Callable, *args: Any) -> Any:
    try:
        return function(*args)
    except (TypeError, ValueError, IndexError) as error:
        raise BadInput(f"no jump: a rule or a problem is not read as straight-line arithmetic ({error})") from error


# --- what idle rounds do ---------------------------------------------------------------------------------------------


def _idle_round(cells: Cells) -> tuple[Number, tuple[Number, ...]]:
    """(x, the state) after an idle round, for the cells' own hyperparameters."""
    plan = cells.plan
    propose = rebind(proposer(plan), System(cells.number))
    hyper = tuple(Weight(*map(number, v)) if isinstance(v, Weight) else number(v) for v in cells.hyper)

    def after(hyper: tuple) -> tuple:
        state = tuple(map(letter, range(len(plan.rule.state))))
        settings = (letter("power"), number(cells.alpha), number(cells.decay), hyper)
        return _called(propose, OPAQUE, number(0.0), letter("x"), state, *settings)

    x, _, _, kept, power, _ = after(hyper)
    if not x.is_letter("x"):
        why = ""
        for i, name in enumerate([name for name in plan.rule.hyper if name != "alpha"]):
            none = Weight(number(0.0), number(1.0)) if isinstance(hyper[i], Weight) else number(0.0)
            if after((*hyper[:i], none, *hyper[i + 1 :]))[0].is_letter("x"):
                why = f" unless {name} = 0"
        raise BadInput(f"no jump: {plan.rule.name} is not shown to stand still in rounds without gradient{why}")
    if not power.is_letter("power"):
        raise BadInput(f"no jump: beta1_schedule = {plan.beta1_schedule.__name__} goes on in rounds without gradient")
    return x, tuple(map(number, kept))


def _after(cells: Cells, kept: tuple[Number, ...], j: int, n: np.ndarray) -> tuple[Piece, ...]:
    """Part j of the state after n idle rounds, from what every part is after one."""
    rule = cells.plan.rule
    refusal = BadInput(
        f"no jump: in rounds without gradient the state {list(rule.state)[j]!r} of {rule.name} is not shown to shrink "
        "by one factor, to tend to a constant, or to be a running maximum of what shrinks"
    )
    about = np.finfo(cells.x0.dtype)

    def sound(line: Line | None) -> Line:
        """The line, if it neither grows nor turns round, and its constant is too large for a sum to be flushed."""
        if line is None or not all(np.all((k >= 0) & (k <= 1)) for k in line.factors):
            raise refusal
        size = np.abs(line.constant)
        if not np.all((size == 0) | ((size >= about.tiny / about.eps) & (size < np.inf))):
            raise refusal
        return line

    def shrinking(line: Line | None) -> Line:
        if np.any(sound(line).constant != 0):
            raise refusal
        return sound(line)

    alone = kept[j].line
    if alone is not None and alone.letter is None:
        return (Piece(None, (), _column(cells, sound(alone).constant)),)
    if alone is not None and alone.letter == j:
        return (Piece(j, _power(cells, (), sound(alone).factors, n), _sum(cells, alone.factors, alone.constant, n)),)
    lines = [shrinking(line) for line in kept[j].lines]
    own = [line.factors for line in lines if line.letter == j]
    if not lines or len(own) > 1:
        raise refusal
    pieces = [Piece(j, _power(cells, (), factors, n)) for factors in own]
    for part, factors, _ in lines:
        if part is None:
            pieces.append(Piece(None, (), _column(cells, 0)))
        elif part != j:
            if not isinstance(part, int) or (other := shrinking(kept[part].line)).letter != part:
                raise refusal
            pieces += [Piece(part, _power(cells, factors, often, n, 1)) for often in (*own, other.factors)]
    return tuple(pieces)


# --- columns ---------------------------------------------------------------------------------------------------------


def steps(n: float, most: int) -> list[int]:
    """The lengths of jumps in a stretch of n rounds; as many as in one of `most`, by more of 1."""
    top, count = (int(k - 1).bit_length() for k in (n, most))
    return [int(n), *(1 << max(top - k, 0) for k in range(1, count + 1))]


def _column(cells: Cells, constant: Any) -> tuple[np.ndarray]:
    return (np.broadcast_to(np.asarray(constant, dtype=cells.x0.dtype), len(cells)),)


def _power(cells: Cells, once: tuple, often: tuple, rounds: np.ndarray, less: int = 0) -> tuple[np.ndarray, ...]:
    """Columns whose product is that of `once` and of `often`, to the power of the rounds less `less`; none for a 1.

    All are normal numbers or 0, and powers of two but for the first, so that the product has one rounding.
    """
    about = np.finfo(cells.x0.dtype)
    floor = _DIGITS.power(2, int(about.minexp - about.maxexp - 4))  # less than this makes all numbers subnormal as well

    most = int(rounds.max())

    def one(times: int, first: tuple[float, ...], again: tuple[float, ...]) -> list:
        if not all(first) or (times and not all(again)):
            return [0]
        exact = Fraction(max(_product(first, _DIGITS.power(_product(again), times) if times else ONE), floor))
        down = exact.denominator.bit_length() - exact.numerator.bit_length()
        count = max(1, math.ceil(down / (-about.minexp - 4)))
        rest = Fraction(1, 2 ** (down // count)) if count > 1 else Fraction(1)
        return [cells.number(exact / rest ** (count - 1)), *[cells.number(rest)] * (count - 1)]

    def make(n: float, *factors: float) -> list:
        made = [one(m - less, factors[: len(once)], factors[len(once) :]) for m in steps(n, most)]
        return list(itertools.zip_longest(*made, fillvalue=1))

    return _each(cells, make, rounds, *once, *often) if once or often else ()


def _sum(cells: Cells, factors: tuple, constant: Any, rounds: np.ndarray) -> tuple[np.ndarray, ...]:
    """The column b (1 + a + ... + a^(n-1)) for the constant b and a, the product of the factors; none for b = 0."""
    most = int(rounds.max())

    def make(n: float, b: float, *factors: float) -> list:
        a, found = _product(factors), []
        for m in steps(n, most):
            less = _DIGITS.subtract(1, _DIGITS.power(a, m))
            terms = Decimal(m) if a == 1 else _DIGITS.divide(less, _DIGITS.subtract(1, a))
            found.append(cells.number(Fraction(_DIGITS.multiply(Decimal(b), terms))))
        return [found]

    return _each(cells, make, rounds, constant, *factors) if np.any(constant != 0) else ()


def _product(factors: tuple[float, ...], value: Decimal = ONE) -> Decimal:
    for k in factors:
        value = _DIGITS.multiply(value, Decimal(k))
    return value


def _each(cells: Cells, make: Callable, *given: Any) -> tuple[np.ndarray, ...]:
    """The columns of make(*row), for each distinct row of the given columns; columns of 1 where it makes fewer."""
    table = np.stack([np.broadcast_to(np.asarray(c, dtype=np.float64), len(cells)) for c in given], axis=1)
    rows, at = np.unique(table, axis=0, return_inverse=True)
    made = [np.array(make(*row), dtype=np.float64) for row in rows.tolist()]
    columns = np.ones((max(map(len, made)), len(rows), made[0].shape[1]), dtype=cells.x0.dtype)
    for i, one in enumerate(made):
        columns[: len(one), i] = one
    if len(rows) > 1:
        return tuple(c[at.reshape(-1)] for c in columns)
    return tuple(np.broadcast_to(c[0], (len(cells), c.shape[1])) for c in columns)
