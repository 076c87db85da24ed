"""Every claim that is installed, found and never listed: it holds, its grade is earned, its neighbours do not pass."""

from __future__ import annotations

import inspect
import json
import random
from dataclasses import replace
from fractions import Fraction as Q
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest
import sympy

import simlab
from proofs._luo2019 import REST, Period
from simlab import catalog
from simlab.claims import Argument, Certificate, Gap, Grade, Step, Theorem, theorem
from simlab.ops import Weight, rebind, where

CLAIMS = catalog.claims()
THEOREMS = {name: claim for name, claim in CLAIMS.items() if isinstance(claim, Theorem)}


@cache
def checked(name: str) -> Certificate:
    """The claim's certificate, made once for all tests."""
    return CLAIMS[name].check()


def ranks(grade: Grade) -> int:
    return ["observed", "enclosed", "decided", "proved", "machine_checked"].index(grade.value)


@pytest.mark.parametrize("name", CLAIMS)
def test_it_holds_and_says_what_it_is(name: str) -> None:
    claim, shown = CLAIMS[name], checked(name)
    assert claim.name == name
    assert shown.holds, shown.evidence
    assert claim.statement.strip()
    assert claim.reference.strip()
    assert claim.summary.endswith(".")
    assert len(claim.summary) <= 120
    assert "real" in claim.statement, "the domain (over the reals, for real beta2) is part of a statement"
    assert shown.evidence
    json.dumps(shown.data)


@pytest.mark.parametrize("name", CLAIMS)
def test_the_grade_is_at_most_what_the_evidence_allows(name: str) -> None:
    """Balls enclose, certificates prove, a theorem is worth its least step; floats would only observe."""
    shown = checked(name)
    if shown.steps:
        assert ranks(shown.grade) == min(ranks(c.grade) for c in shown.steps.values())
        assert ranks(shown.grade) <= ranks(Grade.PROVED)
        for step in shown.steps.values():
            assert "simlab.checker" in step.evidence or step.grade is not Grade.PROVED
    else:
        assert ranks(shown.grade) <= ranks(Grade.ENCLOSED)
        assert type(shown.margin).__module__.startswith("flint")
        assert shown.margin > 0
        assert shown.margin.rad() < shown.margin.mid()
        assert len(shown.data["parts"]) >= 4


@pytest.mark.parametrize("name", THEOREMS)
def test_false_neighbours_are_refuted(name: str) -> None:
    """At least three a step, perturbed in a constant, a strictness or a hypothesis, each false at a named point."""
    for step in THEOREMS[name].steps:
        if isinstance(step, Gap):
            continue  # nothing is claimed to be checked there
        assert len(step.siblings) >= 3, step.name
        for text, check in step.siblings:
            shown = check()
            assert shown.grade is Grade.REFUTED, f"{step.name}: {text}: {shown.evidence}"
            assert shown.evidence.startswith("false at ")


@pytest.mark.parametrize("name", THEOREMS)
def test_no_step_can_be_left_out(name: str) -> None:
    """Without a step that others use the theorem is undecided."""
    argument, known = THEOREMS[name].argue(), checked(name).steps  # what each step shows does not depend on the others
    steps = (s if isinstance(s, Gap) else replace(s, check=partial(known.get, s.name)) for s in argument.steps)
    argument = argument._replace(steps=tuple(steps))
    assert argument.check().grade is checked(name).grade
    used = {id(f) for s in argument.steps for f in s.given}
    for i, step in enumerate(argument.steps):
        if any(id(f) in used for f in step.shows):
            rest = argument._replace(steps=argument.steps[:i] + argument.steps[i + 1 :]).check()
            assert rest.grade is Grade.UNDECIDED, step.name
    if used:
        assert argument._replace(assumes=()).check().grade is Grade.UNDECIDED


def test_gaps_and_failures_show() -> None:
    """A gap makes a theorem undecided, a refuted step refutes it, and neither counts as holding."""
    good = Step("a", "1 = 1.", lambda: Certificate(Grade.PROVED, "by simlab.checker"))
    gap = Gap("b", "2 = 2.", "nobody looked")
    bad = Step("c", "1 = 0.", lambda: Certificate(Grade.REFUTED, "no"))
    for steps, grade in (
        ((good,), Grade.PROVED),
        ((good, gap), Grade.UNDECIDED),
        ((good, gap, bad), Grade.REFUTED),
        ((), Grade.UNDECIDED),
    ):
        shown = theorem("t", "T.", "nobody", lambda steps=steps: Argument(steps)).check()
        assert shown.grade is grade
        assert shown.holds == (grade is Grade.PROVED)
        with pytest.raises(TypeError):
            bool(shown)
        with pytest.raises(TypeError):
            bool(grade)


# --- the proofs are about the code that runs --------------------------------------------------------------------------

MUTANTS = {
    "g for g^2": ("ema(v, g * g, beta2)", "ema(v, g, beta2)"),
    "a sum for an average": ("ema(v, g * g, beta2)", "beta2.beta * v + g * g"),
    "v frozen": ("ema(v, g * g, beta2)", "v"),
    "v twice": ("ema(v, g * g, beta2)", "ema(v, g * g + v, beta2)"),
    "no root": ("divide(alpha, sqrt(v))", "divide(alpha, v)"),
    "no step size": ("divide(alpha, sqrt(v))", "divide(1, sqrt(v))"),
    "no schedule": ("@scheduled(inv_sqrt)\n", ""),
    "uphill": ("direction=m", "direction=-m"),
    "v starts at 1": ("m=0, v=0", "m=0, v=1"),
    "another step": ("divide(alpha, sqrt(v))", "alpha + divide(alpha, sqrt(v))"),
}


def about(name: str) -> Any:
    """The rule that a theorem's argument is about unless another is given; None where it is about none."""
    return next((p.default for p in inspect.signature(THEOREMS[name].argue).parameters.values()), None)


@pytest.mark.parametrize("name", [n for n in THEOREMS if about(n) == "adam_analysed"])
def test_the_theorem_is_about_the_running_rule(name: str, tmp_path: Path) -> None:
    """Given a rule that is wrong in one place, the argument does not go through; given a copy, it does."""
    source = Path(str(simlab.rules.__path__[0]), "adam_analysed.py").read_text()
    argue: Any = THEOREMS[name].argue

    def outcome(text: str, at: int) -> bool:
        path = tmp_path / f"copy{at}.py"
        path.write_text(text)
        return argue(f"{path}:adam_analysed").check().holds

    assert outcome(source, 0)
    for at, (what, (old, new)) in enumerate(MUTANTS.items(), 1):
        assert source.count(old) == 1, what
        assert not outcome(source.replace(old, new), at), what


def test_all_phases_from_three_on_are_read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A loss that treats one late phase apart is not read as if it did not, however late the phase."""
    import simlab.problems.luo2019_periodic as problem

    assert not any(phase == REST for phase in (1, 2))
    assert Period().read().check().holds
    plain = problem.coefficient
    for late in (3, 60):
        monkeypatch.setattr(problem, "coefficient", lambda t, late=late: where(t == late, 1, plain(t)))
        with pytest.raises(TypeError, match=f"whether the phase is {late}"):
            Period().read()


def test_the_reading_is_the_rule_at_random_points() -> None:
    """v1 and v2 as polynomials, against the rule run on fractions: ten thousand rational points."""
    period, rng = Period(), random.Random(3)
    rule = catalog.rule("adam_analysed").function
    for _ in range(10_000):
        beta2, before = Q(rng.randint(1, 99), 100), Q(rng.randint(0, 400), rng.randint(1, 100))
        weights = {"beta1": Weight(Q(0), Q(1)), "beta2": Weight(beta2, 1 - beta2)}
        _, (m, v1) = rule(1, Q(1), Q(-1), Q(0), before, **weights)
        _, (_, v2) = rule(2, Q(1), Q(2), m, v1, **weights)
        point = {"beta2": beta2, "v": before}
        assert (period.v1.value(point), period.v2.value(point)) == (v1, v2)


def test_sympy_reads_the_same() -> None:
    """The second reading of the rule: SymPy's symbols give the same v1, v2 and squared rate."""
    from simlab.backends import sympy as symbols

    period = Period()
    beta2, before, alpha = sympy.symbols("beta2 v alpha", positive=True)
    symbol = {"beta2": beta2, "v": before}
    rule = rebind(catalog.rule("adam_analysed").function, symbols)
    weights = (Weight(sympy.Integer(0), sympy.Integer(1)), Weight(beta2, 1 - beta2))
    step, (_, v1) = rule(sympy.Integer(1), alpha, sympy.Integer(-1), sympy.Integer(0), before, *weights)
    _, (_, v2) = rule(sympy.Integer(2), alpha, sympy.Integer(2), sympy.Integer(0), v1, *weights)
    for mine, theirs in ((period.v1, v1), (period.v2, v2)):
        foreign = sympy.Add(
            *(
                sympy.Rational(c.numerator, c.denominator) * sympy.Mul(*(symbol[n] for n in m))
                for m, c in mine.terms.items()
            )
        )
        assert sympy.expand(foreign - theirs) == 0
    assert sympy.cancel(step.rate**2 * v1 - alpha**2) == 0


# --- and the theorems hold in runs ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("beta2", "C", "alpha"), [("1/2", 7, 30), ("1/2", 8, 9), ("9/10", 50, 20), ("1/20", 3, 20)])
def test_the_regret_theorem_in_a_run(beta2: str, C: int, alpha: int) -> None:
    """From -2, x passes 0 as luo2019_escape bounds it, stays above, and R_T >= 2T/C - 2 (k1 + 3) all the way."""
    b, hyper = float(Q(beta2)), {"beta1": 0, "beta2": beta2, "C": C, "alpha": alpha}
    run = simlab.run(
        "adam_analysed",
        "luo2019_periodic",
        hyper=hyper,
        x0=-2,
        rounds=20_000 // C * C,
        backend="reference",
        record="all",
    )
    starts = run.x[::C]
    first = [k * C + 1 for k in range(len(starts))]
    k0 = next(k for k, N in enumerate(first) if 4 * (1 - b) * (N + 1) >= alpha * alpha)
    k1 = next(k for k in range(k0, len(starts)) if starts[k] >= 0)  # the runs start below 0 and pass it
    m = b * (1 - b) * (1 - 16 * b ** (C - 2))
    assert m > 0
    for k in range(k0, k1):
        assert alpha * m * (first[k] ** 0.5 - first[k0] ** 0.5) < 8 * C
    assert (starts[k1:] >= 0).all()
    late = run.t > k1 * C
    assert (run.regret_curve[late] >= 2 * run.t[late] / C - 2 * (k1 + 3)).all()
