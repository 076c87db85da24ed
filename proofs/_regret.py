"""One round in one coordinate, read from the running code and from the ledgers of simlab.regret_bound.

    m' = beta1 m + (1 - beta1) g     y = x - m'/w'     x' = min(max(y, lower), upper)     w' = 1/rate > 0

m and w are those of the round before (0 before the first one), u any decision. Sums over the rounds are l of g (x - u),
pv of max(0, w' - w), e of m'^2/w' and z of beta1 |g - m| in one coordinate; L, PV, E, Z are theirs over all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np

from proofs._reading import Reading
from simlab import catalog
from simlab.checker import Fact, Polynomial, letter, polynomial
from simlab.history import History
from simlab.lemma import Point
from simlab.online import make_plan
from simlab.ops import Weight, rebind
from simlab.protocol import Round, online_round
from simlab.regret_bound import master, master_terms

Rows = dict[str, tuple[Polynomial, Polynomial]]  # (left, right) by the row's name

x, u, lower, upper, g, m, w, side, t, alpha = (
    letter(n) for n in ("x", "u", "lower", "upper", "g", "m", "w", "D", "t", "alpha")
)
own_l, own_pv, own_e, own_z = (letter(n) for n in ("l", "pv", "e", "z"))
all_l, all_pv, all_e, all_z = (letter(n) for n in ("L", "PV", "E", "Z"))
regret, gap, inner = (letter(n) for n in ("R", "r", "inner"))  # r = f_t(x_t) - f_t(u), inner = <g_t, x_t - u>
first_x, w_0, w_1 = (letter(n) for n in ("x_1", "w_0", "w_1"))

ENDS, X_LOW, X_HIGH, U_LOW, U_HIGH = lower < upper, first_x >= lower, first_x <= upper, u >= lower, u <= upper
LOW, HIGH, WIDE, CONVEX = x >= lower, x <= upper, side >= upper - lower, gap <= inner
NEAR = side - (x - u) >= 0, side + (x - u) >= 0
NONNEGATIVE, LINEAR, NONE, SOME = w >= 0, regret <= all_l, w_0 == 0, w_1 > 0
SUPPOSED = (ENDS, X_LOW, X_HIGH, U_LOW, U_HIGH, WIDE, CONVEX, NONE, SOME)

NOTATION = (
    "In the steps, u is any decision, x, m and w are those before the round, w' = 1/rate is the weight of the round, "
    "y = x - m'/w', and x' the decision after it. l sums g (x - u), pv the rises of w, e the m'^2/w' and z the "
    "beta1 |g - m| of one coordinate; L, PV, E and Z are their sums over the coordinates, and R sums f(x) - f(u). "
)


class Sized(Reading):
    """The reading with |x| = max(x, -x)."""

    def absolute(self, x: Any) -> Polynomial:
        return self.maximum(x, -x)


class Scalar(Polynomial):
    """A polynomial that acts on every entry of an array."""

    def __add__(self, other: Any) -> Any:
        return other + self if isinstance(other, np.ndarray) else Scalar(super().__add__(other).terms)

    def __mul__(self, other: Any) -> Any:
        return other * self if isinstance(other, np.ndarray) else Scalar(super().__mul__(other).terms)

    def __sub__(self, other: Any) -> Any:
        return self + -other

    __radd__, __rmul__ = __add__, __mul__


def scalar(x: Any) -> Scalar:
    """The polynomial or exact number as a Scalar."""
    return Scalar(polynomial(x).terms)


def entrywise(reading: Reading) -> SimpleNamespace:
    """The reading's operations, entry by entry on arrays."""

    def spread(name: str, arity: int) -> Callable:
        own = np.frompyfunc(getattr(reading, name), arity, 1)
        return lambda *args: found if isinstance(found := own(*args), np.ndarray) else scalar(found)

    arity = {"sqrt": 1, "absolute": 1, "divide": 2, "minimum": 2, "maximum": 2, "scale": 2}
    return SimpleNamespace(number=polynomial, **{name: spread(name, n) for name, n in arity.items()})


class Letters:
    """A History on letters: what it is not given it derives as simlab.history does."""

    def __init__(self, reading: Reading, **given: Any) -> None:
        self.__dict__.update(given, reading=reading)

    def __getattr__(self, name: str) -> Any:
        return rebind(vars(History)[name].fget, entrywise(self.reading))(self)


def column(*values: Any) -> np.ndarray:
    """Numbers as an array of polynomials."""
    return np.array([polynomial(v) for v in values], dtype=object)


class Coordinate:
    """One round of a rule in one coordinate, and what the ledger of a chain of inequalities says about it.

    monotone: the weights do not fall (`rises`, which the theorem shows), so that w' - w is their rise.
    """

    chain: ClassVar[tuple[Callable, Callable]] = master, master_terms
    values: ClassVar[Mapping[str, Any]] = {}  # of further letters at the point

    def __init__(self, rule: Any, *, monotone: bool = False, reading: Sized | None = None) -> None:
        self.rule, self.reading, self.monotone = rule, reading or Sized(), monotone
        self.system = entrywise(self.reading)
        spec, divide, maximum = catalog.rule(rule), self.reading.divide, self.reading.maximum
        self.beta = letter("beta1") if "beta1" in spec.hyper else polynomial(0)
        self.seen = self.play(t, g)
        self.state = dict(zip(spec.state, self.seen.state, strict=True))
        self.mean = self.beta * m + (1 - self.beta) * g  # m'
        self.x, self.y, self.rate = self.seen.x, self.seen.proposal, self.seen.rate
        self.weight = divide(1, self.rate)  # as simlab.history takes it
        self.inverse, self.rise = divide(1, self.weight), maximum(self.weight - w, 0)
        self.raised, self.surprising = maximum(self.y, lower), maximum(g - m, m - g)
        # what is supposed of the rule, or shown by the theorem
        self.beta_low, self.positive, self.rises = self.beta >= 0, self.rate > 0, self.weight >= w

    def play(self, at: Any, gradient: Any) -> Round:
        """What round `at` shows from the letters x, m, v, ...; alpha, beta1, beta2, ... are letters too."""
        plan, _ = make_plan(self.rule, "linear_periodic", {}, None, 1, 1)
        spec = catalog.rule(self.rule)
        hyper = tuple(
            Weight(letter(n), 1 - letter(n)) if p.range.weight else letter(n)
            for n, p in spec.hyper.items()
            if n != "alpha"
        )
        go, data = rebind(online_round(plan), self.reading), ((polynomial(gradient),),)
        state = tuple(letter(n) for n in spec.state)
        return go(at, 1, x, state, polynomial(1), alpha, polynomial(1), hyper, data, (lower, upper))

    # --- the ledger ---------------------------------------------------------------------------------------------------

    @property
    def now(self) -> dict[str, Any]:
        """The round."""
        return {"x": x, "g": g, "m": self.mean, "w": self.weight, "beta1": self.beta, "r": gap, "next": self.x}

    def before(self, **known: Any) -> dict[str, Any]:
        """The round before, with the letters m and w."""
        return {n: letter(f"{n}_0") for n in ("x", "g", "beta1", "r")} | {"m": m, "w": w, "next": x} | known

    def record(self, *rounds: Mapping[str, Any]) -> Letters:
        """The history of rounds {x, g, m, w, beta1, r, next}, each a number or a list of one number a coordinate."""

        def rows(values: list) -> np.ndarray:
            return np.array([column(*(v if isinstance(v, list) else [v])) for v in values], dtype=object)

        return Letters(
            self.reading,
            x=rows([*(k["x"] for k in rounds), rounds[-1]["next"]]),
            **{n: rows([k[n] for k in rounds]) for n in ("g", "m", "w")},
            beta1=column(*(k["beta1"] for k in rounds)),
            regret=np.cumsum(column(*(k["r"] for k in rounds))),
            d_inf=scalar(side),
            hyper={"beta1": scalar(self.beta)},
        )

    def ledger(self, *rounds: Mapping[str, Any], best: Any = u) -> Rows:
        """Every row of the ledger after these rounds."""
        (chain, terms), h = (rebind(f, self.system) for f in self.chain), self.record(*rounds)
        found = chain(h, column(*(best if isinstance(best, list) else [best])), terms(h))
        return {row.name: (Polynomial(row.left.terms), Polynomial(row.right.terms)) for row in found}

    def increments(self, now: Mapping[str, Any], before: Mapping[str, Any]) -> Rows:
        """What a round adds to every row."""
        two, one = self.ledger(before, now), self.ledger(before)
        return {name: (two[name][0] - one[name][0], two[name][1] - one[name][1]) for name in two}

    @cached_property
    def increment(self) -> Rows:
        """What the round adds to every row."""
        return self.increments(self.now, self.before())

    def adds(self, name: str) -> Polynomial:
        """What the round adds to a sum along the history."""
        return getattr(self.record(self.before(), self.now), name)[1]

    def read_terms(self, function: Callable, known: Mapping[Callable, Any] | None = None, **fields: Any) -> Polynomial:
        """The terms that a function of a history gives at its last round, added up; `known` replaces what it calls."""
        system = SimpleNamespace(**vars(self.system), log1p=self.log1p)
        found = rebind(function, system, memo=dict(known or {}))(SimpleNamespace(d_inf=scalar(side), **fields))
        last = (v[-1] if isinstance(v, np.ndarray) else v for v in found.values())
        return Polynomial(sum(last, polynomial(0)).terms)

    def log1p(self, x: Any) -> Any:
        """A logarithm has no polynomial; a theorem says what stands for it."""
        raise TypeError(f"log(1 + {x}) is no polynomial")

    # --- facts --------------------------------------------------------------------------------------------------------

    def about(self, *letters: Polynomial) -> list[tuple[Fact, ...]]:
        """The definitions of these letters."""
        return [self.reading.about(each) for each in letters]

    def point(self, **more: Any) -> Point:
        """A point in a first round from one end of F, of length 2, with u at the other."""
        ends = {"x": 1, "u": -1, "lower": -1, "upper": 1, "D": 2, "x_1": 1, "g": 1, "alpha": 1, "t": 1}
        zero = dict.fromkeys(("m", "w", "l", "pv", "e", "z", "L", "PV", "E", "Z", "R", "r", "beta1"), 0)
        return self.reading.point(**({**ends, **zero, **self.values} | more))
