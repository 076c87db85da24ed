"""Claims, what was shown for them, and how good the evidence is.

    observed < enclosed < decided < proved < machine_checked;      refuted and undecided stand beside

observed         floats: what runs showed, on the instances named
enclosed         balls: holds for the exact run, for finite T and the inputs named
decided          a solver or SymPy says so, and nobody checked it
proved           an exact rational certificate or polynomial identity that simlab.checker accepted
machine_checked  the same accepted by a proof kernel
refuted          an exact witness against it, replayed
undecided        a gap, with a name

A theorem's grade is the least of its steps'. A verdict that is asked for its truth value raises: "not shown" is not
"false". Grades are compared with `<` among the first five; the other two compare with nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, NamedTuple

from simlab.checker import Fact

_LADDER = ("undecided", "observed", "enclosed", "decided", "proved", "machine_checked")


class Grade(Enum):
    """What a piece of evidence is worth; the value is the word in JSON."""

    UNDECIDED = "undecided"
    OBSERVED = "observed"
    ENCLOSED = "enclosed"
    DECIDED = "decided"
    PROVED = "proved"
    MACHINE_CHECKED = "machine_checked"
    REFUTED = "refuted"

    def __bool__(self) -> bool:
        raise TypeError(f"a grade ({self.value}) is not a truth value; compare it, or ask Certificate.holds")

    def __str__(self) -> str:
        return self.value


def least(grades: list[Grade]) -> Grade:
    """The grade of a chain of steps: refuted if any is, else the lowest; no steps at all is undecided."""
    if not grades:
        return Grade.UNDECIDED
    if any(g is Grade.REFUTED for g in grades):
        return Grade.REFUTED
    return min(grades, key=lambda g: _LADDER.index(g.value))


@dataclass(frozen=True)
class Certificate:
    """What was shown for a claim: its grade, the evidence in words, and data enough to check it again.

    margin: the number whose positivity is the claim, where there is one (a ball, a float or an exact number).
    steps: the certificates of a theorem's steps, in order, by their names.
    """

    grade: Grade
    evidence: str
    margin: Any = None
    steps: dict[str, Certificate] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        """Whether the claim was shown, to the stated grade (False for refuted and for undecided)."""
        return self.grade is not Grade.REFUTED and self.grade is not Grade.UNDECIDED

    def __bool__(self) -> bool:
        raise TypeError("a certificate is not a truth value; look at .grade, or ask .holds")


@dataclass(frozen=True)
class Claim:
    """A statement with its source and the function that checks it afresh.

    statement: the claim in full, with its domain (reals or float64, finite T or all T).
    remarks: what is known to be misprinted or misread about it.
    """

    name: str
    statement: str
    reference: str
    check: Callable[[], Certificate]
    remarks: str = ""
    kind: str = "claim"

    @property
    def summary(self) -> str:
        """The first sentence of the statement."""
        return self.statement.strip().split("\n")[0]


@dataclass(frozen=True)
class Step:
    """One step of a proof: a name such as "L3", its statement, its check, and false neighbours that must be refused.

    Each sibling is (statement, check): a perturbed statement (a constant, a strictness, a dropped hypothesis), which
    its check must grade refuted, or undecided where the checker merely refuses the certificate.
    given: the facts that the step uses; shows: the facts that later steps may use (where it is about polynomials).
    asks: what its check asks simlab.checker, each time (proofs, given, witness).
    course: of an induction, what the letters of its sequence are worth at first and one turn later.
    """

    name: str
    statement: str
    check: Callable[[], Certificate]
    siblings: tuple[tuple[str, Callable[[], Certificate]], ...] = ()
    given: tuple[Fact, ...] = ()
    shows: tuple[Fact, ...] = ()
    asks: tuple[tuple, ...] = ()
    course: tuple[Mapping[str, Any], Mapping[str, Any]] | None = None


@dataclass(frozen=True)
class Gap:
    """A step that nobody checks here, with a name and a reason; it makes the theorem undecided."""

    name: str
    statement: str
    reason: str

    siblings: tuple = ()
    given: tuple[Fact, ...] = ()
    shows: tuple[Fact, ...] = ()
    asks: tuple[tuple, ...] = ()
    course: None = None

    def check(self) -> Certificate:
        """Undecided, with the reason."""
        return Certificate(Grade.UNDECIDED, f"gap: {self.reason}")


class Argument(NamedTuple):
    """The steps of a proof, in order, and the facts that it assumes."""

    steps: tuple[Step | Gap, ...]
    assumes: tuple[Fact, ...] = ()

    def check(self) -> Certificate:
        """What the steps show together: the least of their grades.

        A step may use what is assumed and what earlier steps show; one that uses more is undecided.
        """
        known, shown = list(self.assumes), {}
        for s in self.steps:
            assert s.name not in shown, f"two steps are called {s.name!r}"
            shown[s.name] = s.check()
            loose = [f for f in s.given if not any(f is k for k in known)]
            if loose and shown[s.name].holds:
                shown[s.name] = Certificate(Grade.UNDECIDED, f"uses what no earlier step shows: {loose[0]}")
            known += s.shows
        grade = least([c.grade for c in shown.values()])
        lowest = [n for n, c in shown.items() if c.grade is grade]
        least_of = "" if len(lowest) == len(shown) else f"; least: {', '.join(lowest)}"
        return Certificate(grade, f"{len(shown)} steps{least_of}", steps=shown)


@dataclass(frozen=True)
class Theorem(Claim):
    """A claim whose evidence is an argument, made afresh from the running code whenever it is asked for."""

    argue: Callable[[], Argument] = field(kw_only=True)

    @property
    def steps(self) -> tuple[Step | Gap, ...]:
        """The steps of the argument."""
        return self.argue().steps


def theorem(name: str, statement: str, reference: str, argue: Callable[[], Argument], remarks: str = "") -> Theorem:
    """The claim that all the steps of `argue()` hold, graded as the least of them."""
    return Theorem(name, statement, reference, lambda: argue().check(), remarks, "theorem", argue=argue)
