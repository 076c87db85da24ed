"""For which (beta1, beta2) Adam goes to the worst decision of a periodic linear problem: the sign of its drift.

    g = (10, -1, ..., -1)          Reddi et al.'s family of Theorem 2, period 10
    g = (2 N + 1, -N, -N)          period 3, for N = 1, 2, 12

Reddi, Kale and Kumar (2018), "On the convergence of Adam and beyond", Theorems 1 and 2.
"""

from __future__ import annotations

from fractions import Fraction as Q
from functools import partial
from typing import Any

import numpy as np

from simlab import catalog
from simlab.exact import sequence
from simlab.figures._phase import Posed, marks, sample
from simlab.phase import WORDS, Row, diagram
from simlab.plotting import GUIDE, LOOKS, SHADES, Venue, canvas, curve, legend, note, small_print, table
from simlab.threshold import thresholds

PATTERNS = ("10,-1*9", "3,-1,-1", "5,-2,-2", "25,-12,-12")
CELLS, STEP = 96, 16
DARK = "#CFCFCF"
TITLES = (r"$g=(10,-1,\ldots,-1)$", "$g=(2N+1,-N,-N)$")


def phase_beta1_beta2(venue: Venue) -> tuple[Any, Any]:
    """Where Adam's drift points to the worst decision, on a problem of period 10 and on three of period 3.

    Adam as analysed (no bias correction, step alpha/sqrt(t)) on f_t(x) = g_t x, F = [-1, 1], G = 1. Left, shaded:
    (beta1, beta2) where the drift of g = (10, -1, ..., -1), period 10, is wrong-signed. Right: g = (2N+1, -N, -N); the
    shaded regions for N = 1, 2 and 12 lie in each other, and grow towards the whole square as N does. Shades are signs
    of the drift per cell, in float64 (observed; cells near the boundary in balls); curves are critical beta1, to three
    digits, by bisection in balls (enclosed). Marks are runs from both ends of F (observed), on the right for N = 12,
    with alpha and T from the drift; where T is above two million none was made. Dotted: beta1 = sqrt(beta2), below
    which Reddi et al.'s Theorem 2 finds a failing problem for each pair.

    Reference: Reddi, Kale and Kumar 2018, Theorems 1 and 2; the drift is simlab.orbit's.
    """
    rule, posed = catalog.rule("adam_analysed"), [sequence(g) for g in PATTERNS]
    rows = np.arange(CELLS) / CELLS
    column = np.unique([*rows, *(last(rule, g) for g in posed)])

    def pose(g: Any, beta1: float) -> Row:
        return Row(rule, g, {"alpha": Q(1), "beta1": Q(beta1)})

    found = [diagram(partial(pose, g), ("beta1", rows), ("beta2", column)) for g in posed]
    runs = np.zeros((len(posed), len(rows), len(column)), dtype=np.int8)
    coarse = np.arange(STEP // 2, CELLS, STEP)
    for k in (0, len(posed) - 1):
        problem = Posed("linear_periodic", {"gradients": posed[k]}, (-1, 1), len(posed[k]))

        def both(beta1: float, k: int = k, problem: Posed = problem) -> tuple[Row, Posed]:
            return pose(posed[k], beta1), problem

        runs[k] = sample(both, rows, column, (coarse, np.searchsorted(column, rows[coarse])))
    words = np.stack([d.verdict.values for d in found])
    data = table(
        {
            "drift": (("pattern", "beta1", "beta2"), np.stack([d.drift.values for d in found]), "drift D per period"),
            "verdict": (
                ("pattern", "beta1", "beta2"),
                words,
                "1 wrong-signed, -1 right-signed, 0 neutral, 2 undecided",
            ),
            "grade_of_verdict": (
                ("pattern", "beta1", "beta2"),
                np.stack([d.grade.values for d in found]),
                "0 observed, 1 enclosed, 2 proved, 3 undecided",
            ),
            "simulated": (
                ("pattern", "beta1", "beta2"),
                runs,
                "1 runs end at the worst end, -1 at the best, 2 one at each, 0 no run",
            ),
            "critical_beta1": (
                ("pattern", "beta2"),
                [critical(rule, g, w, rows, column) for g, w in zip(posed, words, strict=True)],
                "beta1 where D = 0",
            ),
        },
        {
            "pattern": ("pattern", list(PATTERNS), "gradients of a period"),
            "beta1": ("beta1", rows, "beta1"),
            "beta2": ("beta2", column, "beta2"),
        },
        "observed",
    )
    data.attrs["provenance"] = found[0].attrs["provenance"]
    figure, panels = canvas(venue, panels=2, ratio=1)
    looks = dict(zip(PATTERNS, (LOOKS[3], *LOOKS[:3]), strict=True))
    lines: list[Any] = []
    for axes, shown, title in zip(panels, (PATTERNS[:1], PATTERNS[1:]), TITLES, strict=True):
        wrong = (data.verdict.sel(pattern=list(shown)) == WORDS["wrong"]).sum("pattern")
        shades = SHADES[:1] if len(shown) == 1 else (*SHADES[::-1], DARK)
        axes.contourf(column, rows, wrong, np.arange(len(shades) + 1) + 0.5, colors=shades)
        for pattern in shown:
            label = f"$N={-posed[PATTERNS.index(pattern)][1]}$" if len(shown) > 1 else "_"
            line = curve(axes, data.critical_beta1.sel(pattern=pattern), looks[pattern], marker="", label=label)
            lines += [line] if len(shown) > 1 else []
        handles = marks(axes, column, rows, data.simulated.sel(pattern=shown[-1]))
        axes.plot(column, np.sqrt(column), linestyle=":", **GUIDE | {"zorder": 2})
        axes.set(xlabel=r"$\beta_2$", ylabel=r"$\beta_1$", xlim=(0, 1), ylim=(0, 1), aspect="equal")
        axes.set_title(title, fontsize="medium")
    note(panels[0], 0.6, 1 / 3, "wrong-signed, $DG>0$", ha="center", color="black")
    note(panels[0], 0.63, 0.78, r"$\beta_1=\sqrt{\beta_2}$ ", 2, ha="right")
    legend(figure, lines + handles)
    small_print(figure, "observed; curves enclosed")
    return figure, data


def last(rule: Any, gradients: Any) -> float:
    """A beta2 just below the one that is critical for beta1 = 0, where the curve comes down to the axis."""
    hyper = {"alpha": Q(1), "beta1": Q(0)}
    return float(thresholds(rule, gradients, hyper, "beta2", points=40, digits=6)[-1].low) * (1 - 1e-4)


def critical(rule: Any, gradients: Any, words: np.ndarray, rows: np.ndarray, column: np.ndarray) -> list[float]:
    """beta1 below which the drift is wrong-signed, to three digits, for each beta2; nan where it nowhere is."""
    out = []
    for j, beta2 in enumerate(column):
        wrong = np.count_nonzero(words[:, j] == WORDS["wrong"])
        if not wrong:
            out.append(np.nan)
        elif words[wrong, j] == WORDS["neutral"]:
            out.append(float(rows[wrong]))
        else:
            low, high = (Q(float(b)) for b in rows[wrong - 1 : wrong + 1])
            hyper = {"alpha": Q(1), "beta2": Q(float(beta2))}
            (root,) = thresholds(rule, gradients, hyper, "beta1", low, high, points=2, digits=3)
            out.append(float(root.low))
    return out
