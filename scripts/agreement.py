"""Does a run end where the sign of the drift says? Periodic linear problems, a grid of (beta1, beta2), from both ends.

    python scripts/agreement.py [--quick] [--out docs/agreement.md]

The drift D of Adam as analysed is enclosed in balls (simlab.orbit); x should go up where D > 0 and down where D < 0.
alpha and T come from the steady state (simlab.horizon), so that x has the time to cross F. A run agrees where x_(T+1)
is nearer to the end that D points to. What is not simulated is counted, with its reason. Exit code 1: one disagrees.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction as Q
from pathlib import Path

import simlab
from simlab import catalog
from simlab.backends.reference import TINY
from simlab.exact import sequence, to_float
from simlab.files import check_writable, whole
from simlab.horizon import horizon
from simlab.orbit import verdict

RULE = "adam_analysed"
SHARE = 0.25  # of the width of F: a run should end as near as that to its end
LONGEST = 10**8  # rounds that are simulated
ENDS = (-1, 1)  # F
BETA1 = sequence("0,0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8,0.85,0.9,0.93,0.95,0.98")
BETA2 = sequence("0.11,0.2,0.3,0.4,0.5,0.6,0.7,0.8,0.9,0.95,0.98,0.99,0.995,0.999,0.9995")
KNOWN = {
    "Luo, C = 50": "-1,2,0*48",
    "Luo, C = 2774": "-1,2,0*2772",
    "Luo in blocks, 100 of 3023": "-1*100,2*100,0*2823",
    "Reddi, C = 3": "3,-1,-1",
    "Reddi, long period 10": "10,-1*9",
    "Reddi, long period 74": "74,-1*73",
    "Reddi, 1010 and -10": "1010,-10*100",
    "Shi, twice 10": "10,-1*8,10",
    "Chen, 11": "11,-1*10",
    "Zhang's thesis, n = 10": "90,-1*9",
    "universal, N = 2": "5,-2,-2",
    "universal, N = 12": "25,-12,-12",
    "universal, N = 38014": "76029,-38014,-38014",
    "mirrored, N = 2666": "-5332,2667,2666",
    "three letters 4, 1, 2": "4,-1,-2",
    "three letters 3, 0, 1": "3,0,-1,-1",
    "small integers, P = 5": "-1,-1,-1,2,2",
    "burst 47-95-46": "1*47,0*95,-1*46",
}


def drawn(count: int = 14) -> Iterator[tuple[str, str]]:
    """Random patterns of 3 to 12 integers in -9..9; every second one is ended so that G = 1: those fail more often."""
    letters = random.Random(0)  # noqa: S311 a sample, no secret
    for k in range(1, count + 1):
        g = [letters.randint(-9, 9) for _ in range(letters.randint(3, 12))]
        g[-1] += 1 - sum(g) if k % 2 or not sum(g) else 0
        yield f"random {k}", ",".join(map(str, g))


@dataclass
class Row:
    """What was found on one problem."""

    gradients: str
    words: Counter = field(default_factory=Counter)  # of cells, by verdict and by why they were not simulated
    runs: int = 0
    agree: int = 0
    farthest: float = 0.0  # from the end that D points to, as a part of the width of F
    odd: list[str] = field(default_factory=list)  # what is worth a line of its own


Weights = tuple[Q, ...]


def compare(gradients: str, beta1s: Weights, beta2s: Weights) -> Row:
    """The runs of one problem against the signs of its drifts."""
    spec, g, row = catalog.rule(RULE), sequence(gradients), Row(gradients)
    for beta1, beta2 in ((a, b) for a in beta1s for b in beta2s):
        hyper = {"alpha": Q(1), "beta1": beta1, "beta2": beta2}
        cell = f"beta1 = {float(beta1)}, beta2 = {float(beta2)}"
        found = verdict(spec, g, hyper)
        row.words[found.word] += 1
        if found.word not in ("right", "wrong"):
            row.odd.append(f"{cell}: {found.word}, so there is nothing to compare")
            continue
        alpha, rounds = horizon(found.orbit, ENDS[1] - ENDS[0], SHARE, max(beta1, beta2))
        end = ENDS[found.orbit.drift > 0]
        if rounds > LONGEST:
            row.words["too long"] += 1
            row.odd.append(f"{cell}: not simulated, {rounds:.2g} rounds ({found.word})")
            continue
        if to_float(alpha) < TINY:
            row.words["out of range"] += 1
            row.odd.append(f"{cell}: not simulated, alpha is too small for float64 ({found.word})")
            continue
        for x0 in ENDS:
            given = hyper | {"gradients": g, "lower": ENDS[0], "upper": ENDS[1], "alpha": alpha}
            run = simlab.run(RULE, "linear_periodic", hyper=given, x0=x0, rounds=rounds, record=1, yes=True)
            if run.stopped:
                row.words["out of range"] += 1
                row.odd.append(f"{cell}: stopped in round {run.stopped['round']}, v decayed to 0 ({found.word})")
                break  # the state does not depend on x, so the other run stops there too
            away = abs(run.x_last - end) / (ENDS[1] - ENDS[0])
            row.runs += 1
            row.agree += away < 0.5
            row.farthest = max(row.farthest, away)
            if away >= 0.5:
                row.odd.append(f"**{cell}, from {x0}: x = {run.x_last!r}, not at {end}**")
    return row


def text(rows: dict[str, Row], command: str, beta1s: Weights, beta2s: Weights) -> str:
    """The report."""
    cells = len(beta1s) * len(beta2s)
    runs, agree = sum(r.runs for r in rows.values()), sum(r.agree for r in rows.values())
    words: Counter = sum((r.words for r in rows.values()), Counter())
    lines = [
        "# Runs against the sign of the drift",
        "",
        f"    {command}",
        "",
        f"{agree} of {runs} runs of `{RULE}` end at the end of F = [-1, 1] that the sign of the drift D says, on "
        f"{len(rows)} periodic linear problems, from both ends, at {cells} pairs (beta1, beta2) each. "
        f"{runs - agree} disagree.",
        "",
        "D is enclosed in balls; the runs are observed in float64. alpha and T follow from the steady state "
        f"(`simlab/horizon.py`), so that theory expects x within about {SHARE} of the width of F of its end. Where the "
        "first steps are larger than F the two starts meet at once, and then they are one run and not two.",
        "",
        f"Not simulated: {words['too long']} pairs whose T is above {LONGEST:.0e} (D is almost 0 there), and "
        f"{words['out of range']} pairs beyond the range of float64 (in a long stretch of zeros v decays below the "
        f"smallest double while m does not). Neutral or undecided: {words['neutral'] + words['undecided']} pairs.",
        "",
        "`away`: the largest distance from the end that D points to, as a part of the width of F.",
        "",
        "| problem | gradients | right | wrong | too long | out of range | runs | agree | away |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, r in rows.items():
        counts = [r.words[w] for w in ("right", "wrong", "too long", "out of range")]
        figures = [*counts, r.runs, r.agree, f"{r.farthest:.3f}"]
        shown = r.gradients.replace("*", "\\*")
        lines.append(f"| {name} | {shown} | " + " | ".join(map(str, figures)) + " |")
    totals = [*(words[w] for w in ("right", "wrong", "too long", "out of range")), runs, agree]
    farthest = max(r.farthest for r in rows.values())
    lines.append("| all | | " + " | ".join(map(str, totals)) + f" | {farthest:.3f} |")
    for name, values in (("beta1", beta1s), ("beta2", beta2s)):
        lines += ["", f"{name}: {', '.join(str(float(b)) for b in values)}."]
    lines += ["", "Disagreeing, not simulated or without a verdict:", ""]
    lines += [f"* {name}: {words}" for name, r in rows.items() for words in r.odd] or ["* nothing"]
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description="Compare runs with the sign of the drift.")
    parser.add_argument("--quick", action="store_true", help="every third problem, every third beta1 and beta2")
    parser.add_argument("--out", type=Path, help="write the report there instead of printing it")
    given = parser.parse_args()
    if given.out:
        check_writable(given.out)
    step = 3 if given.quick else 1
    problems = dict([*KNOWN.items(), *drawn()][::step])
    beta1s, beta2s = BETA1[::step], BETA2[::step]
    rows = {}
    for name, gradients in problems.items():
        rows[name] = compare(gradients, beta1s, beta2s)
        print(f"{name}: {rows[name].agree} of {rows[name].runs}", file=sys.stderr)
    told = text(rows, "python scripts/agreement.py" + " --quick" * given.quick, beta1s, beta2s)
    if given.out:
        whole(given.out, lambda file: Path(file).write_text(told, encoding="utf-8"))
    else:
        print(told)
    return int(any(r.agree < r.runs for r in rows.values()))


if __name__ == "__main__":
    sys.exit(main())
