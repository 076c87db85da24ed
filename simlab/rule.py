"""What an update rule is: a function whose signature is its declaration.

    def adam_analysed(t, alpha, g, m=0, v=0, *, beta1: Weight = Q("0.9"), beta2: Weight = Q("0.999")):
                      inputs       state        hyperparameters: range = exact default
        ...
        return Step(direction=m, rate=divide(alpha, sqrt(v))), (m, v)

The online protocol then moves x to project(x - s(t) * rate * direction): `direction` is m_t and `rate`, times the
schedule s(t), is eta_t of the (phi_t, psi_t) frame of Reddi, Kale and Kumar (2018), Algorithm 1; the projection is in
the metric 1/rate. A rule is pure and straight-line: no `if`, no loop, no `**`, no `/`, no float literal.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

from simlab.errors import BadInput, nearest
from simlab.schedules import constant


class Step(NamedTuple):
    """One proposed step: x moves by -(s(t) * rate) * direction. Both have the shape of x."""

    direction: Any
    rate: Any


@dataclass(frozen=True)
class Range:
    """The exact numbers that a parameter may take, in words and as a test."""

    words: str
    low: Fraction | None = None
    high: Fraction | None = None
    open_low: bool = False
    open_high: bool = False
    integer: bool = False
    weight: bool = False  # a moving average's: the rule is given (beta, 1 - beta)
    depth: int = 0  # 0 a number; 1 up to a vector "1,2,0*3"; 2 up to a matrix "1,0;0,2"

    def __contains__(self, value: Fraction) -> bool:
        below = self.low is not None and (value < self.low or (self.open_low and value == self.low))
        above = self.high is not None and (value > self.high or (self.open_high and value == self.high))
        return not (below or above or (self.integer and value.denominator != 1))


ZERO, ONE = Fraction(0), Fraction(1)
Weight = Range("in [0, 1)", ZERO, ONE, open_high=True, weight=True)
Decay = Range("in [0, 1)", ZERO, ONE, open_high=True)  # a factor that is not averaged with its complement
Share = Range("in [0, 1]", ZERO, ONE)
Positive = Range("> 0", ZERO, open_low=True)
NonNegative = Range(">= 0", ZERO)
Real = Range("a real number")
Reals = Range("numbers, comma-separated; v*n repeats v", depth=1)
Matrix = Range("a number, a vector 1,2 or a matrix 1,0;0,2", depth=2)
Seed = Range("an integer in [0, 2^63)", ZERO, Fraction(2**63 - 1), integer=True)


def at_least(low: int | Fraction, *, integer: bool = False) -> Range:
    """The numbers from `low` upwards, or the integers among them."""
    return Range(f"an integer >= {low}" if integer else f">= {low}", Fraction(low), integer=integer)


@dataclass(frozen=True)
class Parameter:
    """A hyperparameter or a problem's constant: its range and its exact default (or a function of the others)."""

    name: str
    range: Range
    default: Any

    @property
    def shown(self) -> str:
        """The default as a person reads it."""
        return inspect.getdoc(self.default) or "?" if callable(self.default) else str(self.default)

    def check(self, value: Any) -> Any:
        """The value, if it is in range; raises BadInput with what is allowed otherwise."""
        if isinstance(value, tuple):
            return tuple(self.check(v) for v in value)
        if isinstance(value, Fraction) and value not in self.range:
            hint = ""
            if self.range.weight and value == 1:
                hint = "; 1 would freeze the average for ever: did you mean 0.999?"
            raise BadInput(f"{self.name} must be {self.range.words}; got {value}{hint}")
        return value


def parameters(function: Callable) -> dict[str, Parameter]:
    """The keyword-only parameters of a rule or a problem, by name."""
    found = {}
    for p in inspect.signature(function, eval_str=True).parameters.values():
        if p.kind is p.KEYWORD_ONLY:
            kind = Real if p.annotation is p.empty else p.annotation
            if not isinstance(kind, Range):
                raise TypeError(f"{function.__name__}: {p.name} is annotated with its range, see simlab.rule.Range")
            default = Fraction(p.default) if isinstance(p.default, int) else p.default
            found[p.name] = Parameter(p.name, kind, default)
    return found


def settle(known: dict[str, Parameter], given: dict[str, Any], owner: str) -> dict[str, Any]:
    """Every parameter's exact value: the given one where there is one, else the default. All errors at once."""
    problems = [f"{owner} has no parameter {name!r}{nearest(name, known)}" for name in given if name not in known]
    values: dict[str, Any] = {}
    for name, p in known.items():
        try:
            value = given.get(name, p.default)
            if callable(value):
                value = value(**{n: values[n] for n in inspect.signature(value).parameters})
            values[name] = p.check(value)
        except BadInput as error:
            problems += error.problems
        except KeyError:  # its default leans on a value that is itself wrong, and said so already
            pass
    if problems:
        raise BadInput(*problems)
    return values


@dataclass(frozen=True)
class UpdateRule:
    """A rule, read from its signature. `hyper` includes alpha, whose default is 1/1000."""

    name: str
    function: Callable
    state: dict[str, int]
    hyper: dict[str, Parameter]
    schedule: Callable
    summary: str
    statement: str
    reference: str


INPUTS = ("t", "alpha", "g")


def scheduled(schedule: Callable) -> Callable:
    """Mark a rule with the schedule s(t) that its paper multiplies the rate by; without the mark s = 1."""

    def mark(rule: Callable) -> Callable:
        rule.schedule = schedule  # type: ignore[attr-defined]
        return rule

    return mark


def read_rule(function: Callable) -> UpdateRule:
    """The UpdateRule that a plain function declares; raises TypeError where the signature is not one of a rule."""
    name, signature = function.__name__, inspect.signature(function)
    positional = [p for p in signature.parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
    if tuple(p.name for p in positional[:3]) != INPUTS or any(p.default is p.empty for p in positional[3:]):
        raise TypeError(f"rule {name}: the signature starts (t, alpha, g) and state has defaults; got {signature}")
    hyper = parameters(function)
    if "beta1" in hyper and next(iter(hyper)) != "beta1":
        raise TypeError(f"rule {name}: beta1 comes first among the hyperparameters, so that a schedule can act on it")
    summary, statement, reference = read_doc(function)
    return UpdateRule(
        name,
        function,
        {p.name: p.default for p in positional[3:]},
        {"alpha": Parameter("alpha", Positive, Fraction(1, 1000)), **hyper},
        getattr(function, "schedule", constant),
        summary,
        statement,
        reference,
    )


def read_doc(thing: Any) -> tuple[str, str, str]:
    """(first sentence, whole docstring, the text after 'Reference:') of anything documented in this house's way."""
    text = inspect.getdoc(thing) or ""
    found = re.search(r"^Reference: (.*(?:\n\S.*)*)", text, re.MULTILINE)
    reference = " ".join(found[1].split()) if found else ""
    summary = " ".join(text.split("\n\n")[0].split())
    return summary, text, reference
