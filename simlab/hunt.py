"""The smallest periodic gradients found on which a rule goes to the worst decision: searched by drift, never by runs.

    g_1, ..., g_P integers, G = g_1 + ... + g_P > 0, gcd 1;        wrong-signed: D > 0 (simlab.orbit)
    smaller: the shorter period, then the smaller max |g_i|, then the larger D

First the rule's own source is asked whether it can be wrong-signed at all (simlab.argument). Then, period by period,
all directions are excluded but those that hold an answer (simlab.directions); where there are too many, a local search
(simlab.climb) finds what it can and says so. In a family (simlab.families) the smallest size is looked for. The answer
is decided in balls.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby
from typing import Any

import numpy as np

from simlab import catalog
from simlab.argument import never_wrong
from simlab.climb import climb, drifts
from simlab.directions import MOST, size, smallest, wrong
from simlab.errors import BadInput, nearest
from simlab.families import FAMILIES
from simlab.horizon import horizon
from simlab.online import run
from simlab.orbit import Verdict, verdict
from simlab.rule import Decay, UpdateRule, Weight
from simlab.scaling import scale_free

LONGEST = 1 << 15  # the longest period of a family
EVERY = 256  # sizes of a family up to here are all looked at
BUDGET = 1 << 19  # boxes of directions looked at for one period
FAR = 256  # the longest period looked at where none is given
MOST_PERIOD = 512  # of a search without a family
DIMENSIONS = 12  # the longest period whose directions are covered by boxes
PERIOD_2 = "period_2_never_fails"  # the theorem about adam_analysed, where it is installed
Report = Callable[[str], None]


@dataclass(frozen=True)
class Hunt:
    """gradients: the smallest found, or None.    verdict: of them.    how: what was searched, and what was not."""

    gradients: tuple[int, ...] | None
    verdict: Verdict | None
    grade: str
    how: str


def run_lengths(gradients: Sequence[Any]) -> list[list[int]]:
    """[[value, count], ...] of equal neighbours."""
    return [[int(v), len(list(same))] for v, same in groupby(gradients)]


def hunt(
    rule: UpdateRule,
    hyper: dict[str, Any],
    *,
    period: int | None = None,
    family: str | None = None,
    largest: int | None = None,
    start: Sequence[Fraction] | None = None,
    report: Report = lambda text: None,
) -> Hunt:
    """The smallest wrong-signed gradients that are found for the rule with these exact hyperparameters.

    period: P, else the smallest.    family: a name in FAMILIES, instead.    largest: the largest max |g_i| allowed.
    start: gradients from which a local search starts; they fix the period.
    Raises BadInput where the drift of the rule is not known, and for a start that shows nothing.
    """
    most = largest or MOST
    if most > MOST:
        raise BadInput(f"--largest must be at most {MOST}: beyond, doubles cannot tell a drift from 0; got {largest}")
    probe = verdict(rule, [Fraction(v) for v in (3, -1, -1)], hyper)  # refuses what has no steady state
    if sum(given is not None for given in (period, family, start)) > 1:
        raise BadInput("--period, --family and --gradients exclude each other: each says which periods are searched")
    if max(period or 0, len(start or ())) > MOST_PERIOD:
        raise BadInput(f"a search without a family goes up to period {MOST_PERIOD}")
    begin = integers(start) if start is not None else None
    if reason := never_wrong(rule, hyper, probe.orbit.growing):
        return Hunt(None, None, "observed" if probe.orbit.growing else "decided", f"none exists: {reason}")
    if probe.orbit.growing:
        raise BadInput(f"rule {rule.name}: its state {probe.orbit.growing[0]!r} grows without end; hunt needs a limit")
    if family is not None:
        return in_family(rule, hyper, family, most, report)
    free = scale_free(rule, hyper)
    if begin is not None:
        return _searched(rule, hyper, len(begin), begin if wrong(rule, hyper, begin) else None, begin, most, 1, report)
    if period is not None:
        return of_period(rule, hyper, period, most, free, report)
    P, boxed, shorter = 1, free, "every shorter period is excluded"
    while P <= FAR:
        found = of_period(rule, hyper, P, most, boxed, report)
        if found.gradients:
            return Hunt(found.gradients, found.verdict, found.grade, f"{found.how}; {shorter}" if P > 1 else found.how)
        if found.grade in ("undecided", "observed"):
            shorter = "not every shorter period is excluded"
            boxed = boxed and P < 3
        P += 1 if boxed or P < 4 else P // 4
    return Hunt(None, None, "undecided", f"nothing found up to period {FAR} with max |g_i| <= {most}; {shorter}")


def integers(values: Sequence[Fraction]) -> tuple[int, ...]:
    """The gradients as integers without a common factor; raises BadInput where they show nothing or are too large."""
    if not any(values):
        raise BadInput("all gradients are 0, so nothing moves and there is no drift")
    if not sum(values):
        raise BadInput("the gradients of a period add up to 0, so no decision is worse than another")
    scale = math.lcm(*(v.denominator for v in values))
    whole = [int(v * scale) for v in values]
    whole = [v // math.gcd(*whole) for v in whole]
    if max(map(abs, whole)) > MOST:
        raise BadInput(f"as integers the gradients are as large as {max(map(abs, whole))}; the most is {MOST}")
    return tuple(v if sum(whole) > 0 else -v for v in whole)


def in_family(
    rule: UpdateRule, hyper: dict[str, Any], name: str, most: int, report: Report = lambda text: None
) -> Hunt:
    """The smallest size of a family that is wrong-signed: sizes 1, 2, ... EVERY, then powers of 2 and bisection."""
    if name not in FAMILIES:
        raise BadInput(f"unknown family {name!r}{nearest(name, FAMILIES)} (there are {', '.join(sorted(FAMILIES))})")

    def at(n: int) -> np.ndarray | None:
        """The patterns of size n on which D G > 0 in floats, those of the largest D first; None if not allowed."""
        rows = FAMILIES[name](n)
        if rows.shape[1] > LONGEST or np.abs(rows).max(initial=0) > most:
            return None
        if not len(rows):
            return rows
        report(f"{name}: size {n}")
        score = drifts(rule, hyper, rows) * np.sign(rows.sum(axis=1))
        return rows[np.argsort(-score)[: np.count_nonzero(score > 0)]]

    low, high = 0, 1
    while (rows := at(high)) is not None and not len(rows):
        low, high = high, high + 1 if high < EVERY else 2 * high
    if rows is None:
        return Hunt(
            None, None, "observed", f"none in the family {name}: no size up to {low} {_looked(low)} is wrong-signed"
        )
    while high - low > 1:
        middle = (low + high) // 2
        inner = at(middle)
        if inner is not None and len(inner):
            high, rows = middle, inner
        else:
            low = middle
    sure = wrong(rule, hyper, rows[0])
    if sure is None:
        return Hunt(None, None, "undecided", f"balls do not show what floats saw at size {high} of the family {name}")
    gradients = tuple(int(v) for v in rows[0])
    how = f"size {high} of the family {name}, the smallest {_looked(high)}"
    if low and len(below := FAMILIES[name](low)) == 1:
        beside = verdict(rule, [Fraction(int(v)) for v in below[0]], hyper)
        how += f"; size {low}: {beside.word} ({beside.grade})"
    return Hunt(gradients, sure, sure.grade, how)


def _looked(size: int) -> str:
    every = "(every size looked at, in floats)"
    return every if size <= EVERY else f"(every size up to {EVERY}, then by doubling and bisection, in floats)"


def of_period(
    rule: UpdateRule, hyper: dict[str, Any], period: int, most: int, exact: bool, report: Report = lambda text: None
) -> Hunt:
    """The smallest of one period. exact: exclude directions, for rules that are scale_free."""
    if period == 1:
        if sure := wrong(rule, hyper, [1]):
            return Hunt((1,), sure, sure.grade, "the gradient 1")
        found = verdict(rule, [Fraction(1)], hyper)
        how = f"the drift on a constant gradient: {found.word}" + ("" if exact else ", for the gradient 1")
        return Hunt(None, None, found.grade if exact else "observed", how)
    if period == 2 and rule == catalog.rule("adam_analysed") and hyper["beta2"] and PERIOD_2 in catalog.claim_modules():
        claim = catalog.claim(PERIOD_2).check()
        return Hunt(None, None, str(claim.grade), f"none exists: theorem {PERIOD_2} (simlab check {PERIOD_2})")
    best, excluded = None, 1
    if exact and period <= DIMENSIONS:
        search = smallest(rule, hyper, period, most, BUDGET, report)
        best, excluded, boxes = search
        why = f"for any G, all other directions are excluded by enclosures of D ({boxes:,} boxes)"
        if best and search.minimal:
            best = leading(best)
            sure = verdict(rule, [Fraction(v) for v in best], hyper)
            return Hunt(best, sure, sure.grade, f"smallest of period {period}: {why}")
        if excluded > most:
            return Hunt(None, None, "enclosed", f"none of period {period} with max |g_i| <= {most}: {why}")
    return _searched(rule, hyper, period, best, None, most, excluded, report)


def _searched(
    rule: UpdateRule,
    hyper: dict[str, Any],
    period: int,
    best: tuple[int, ...] | None,
    start: Sequence[int] | None,
    most: int,
    excluded: int,
    report: Report,
) -> Hunt:
    """The better one of `best` and what a local search finds."""
    known = f"enclosures exclude max |g_i| < {excluded}" if excluded > 1 else "no size is excluded"
    found = climb(rule, hyper, period, start, size(best) - 1 if best else most, report)
    if found is None and best is None:
        return Hunt(None, None, "undecided", f"nothing of period {period} with max |g_i| <= {most} found; {known}")
    sure = found or verdict(rule, [Fraction(v) for v in best or ()], hyper)
    how = "a seeded local search" if found else "what was given" if start else "boxes of directions, stopped early"
    gradients = leading(tuple(int(v) for v in sure.orbit.gradients))
    return Hunt(gradients, sure, sure.grade, f"{how}, not proved smallest of period {period}: {known}")


def leading(gradients: tuple[int, ...]) -> tuple[int, ...]:
    """The rotation, which has the same drift, that starts with the largest |g_i|."""
    turns = [gradients[i:] + gradients[:i] for i in range(len(gradients))]
    return max(turns, key=lambda turn: [(abs(v), v) for v in turn])


# --- shown once by a run --------------------------------------------------------------------------------------------

ROUNDS = 1 << 28  # a second or two of compiled rounds
SHARE = 1 / 8  # of the width of F: how near to the worst decision the run ends by design


def shown(rule: UpdateRule, hyper: dict[str, Any], found: Verdict) -> dict[str, Any] | None:
    """One run on F = [-1, 1] from the best decision -1, alpha and T by simlab.horizon; None if that takes too long.

    Just beyond the boundary between right and wrong D is tiny and T huge. The run is then on gradients of twice the
    size, g -> 2 g - (G, 0, ..., 0), or of 4 times, ...: the same G, so that they are further from that boundary.
    """
    weights = [hyper[n] for n, p in rule.hyper.items() if p.range in (Weight, Decay)]
    for _ in range(8):
        plan = horizon(found.orbit, 2.0, SHARE, max(weights, default=Fraction(0)))
        if plan.rounds <= ROUNDS:
            gradients = found.orbit.gradients
            given = {**hyper, "alpha": plan.alpha, "gradients": gradients, "schedule": "inv_sqrt"}
            made = run(rule, "linear_periodic", hyper=given, x0=-1, rounds=plan.rounds, record=1)
            return {
                "gradients": run_lengths(gradients),
                "alpha": str(plan.alpha),
                "rounds": plan.rounds,
                "x0": -1,
                "x_last": float(made.x_last),
            }
        G, now = found.orbit.total, found.orbit.gradients
        further = wrong(rule, hyper, [2 * now[0] - G, *(2 * v for v in now[1:])])
        if further is None:
            return None
        found = further
    return None
