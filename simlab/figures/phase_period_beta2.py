"""For which period C and beta2 Adam goes to the worst decision of Luo et al.'s problem: the sign of its drift.

    g = (-1, 2, 0, ..., 0), period C
    D = 0: 16 beta2^(C-2) = 1;      the paper's condition: 5 beta2^(C-2) <= (1-beta2)/(4-beta2)

Luo, Xiong, Liu and Sun (2019), "Adaptive gradient methods with dynamic bound of learning rate", Theorem 1.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction as Q
from typing import Any

import numpy as np

from simlab import catalog
from simlab.condition import equality, sharp, sufficient
from simlab.figures._phase import Posed, marks, sample
from simlab.phase import WORDS, Row, diagram, resting
from simlab.plotting import LOOKS, SHADES, Venue, canvas, curve, legend, note, small_print, table

TOP, LEAST = 10**5, 1e-4  # the largest C and the smallest 1 - beta2
CELLS, STEP = 120, (11, 13)  # on each side; from one run to the next


def phase_period_beta2(venue: Venue) -> tuple[Any, Any]:
    """Where the drift of RMSProp, which is Adam with beta1 = 0, points to the worst decision of the C-periodic problem.

    Shaded: (beta2, C) where the drift of g = (-1, 2, 0, ..., 0) on F = [-2, 2] is wrong-signed, in float64 from the
    rule's own source (observed; cells that floats do not tell are decided in balls). Sharp: 16 beta2^(C-2) = 1, where
    the drift is 0. Theorem 1: the paper's sufficient condition, 5 beta2^(C-2) = (1-beta2)/(4-beta2). Both curves are
    enclosed real numbers, rounded. Marks are runs from both ends of F (observed), with alpha and T from the drift;
    where T is above two million none was made.

    Reference: Luo et al. 2019, Theorem 1; the drift is simlab.orbit's.
    """
    rule, minus, two, zero = catalog.rule("rmsprop"), Q(-1), Q(2), Q(0)
    rest = np.geomspace(LEAST, 0.9, CELLS)
    beta2 = 1 - rest
    periods = [int(C) for C in np.unique(np.geomspace(3, TOP, CELLS).round())]

    def pose(C: int) -> Row:
        return Row(resting(rule, C - 2), (minus, two, zero), {"alpha": Q(1)})

    found = diagram(pose, ("C", periods), ("beta2", beta2))
    coarse = (range(STEP[0] // 2, len(periods), STEP[0]), np.arange(STEP[1] // 2, CELLS, STEP[1]))
    runs = sample(lambda C: (pose(C), Posed("luo2019_periodic", {"C": C}, (-2, 2), C)), periods, beta2, coarse)
    dims = ("C", "rest")
    data = table(
        {
            "drift": (dims, found.drift.values, "drift D per period"),
            "verdict": (dims, found.verdict.values, "1 wrong-signed, -1 right-signed, 0 neutral, 2 undecided"),
            "grade_of_verdict": (dims, found.grade.values, "0 observed, 1 enclosed, 2 proved, 3 undecided"),
            "simulated": (dims, runs, "1 runs end at the worst end, -1 at the best, 2 one at each, 0 no run"),
            "real_sufficient": ("rest", real(sufficient, beta2), "real C of equality in the paper's condition"),
            "real_sharp": ("rest", real(sharp, beta2), "real C with 16 beta2^(C-2) = 1"),
        },
        {
            "C": ("C", periods, "period C"),
            "rest": ("rest", rest, "1 - beta2"),
            "beta2": ("rest", beta2, "beta2"),
        },
        found.attrs["grade"],
    )
    data.attrs["provenance"] = found.attrs["provenance"]
    figure, (axes,) = canvas(venue)
    axes.contourf(rest, periods, data.verdict == WORDS["wrong"], [0.5, 1.5], colors=SHADES[:1])
    lines = []
    for which, words, look in (
        ("sufficient", "Theorem 1", LOOKS[1]),
        ("sharp", "sharp", LOOKS[3]),
    ):
        lines.append(curve(axes, data[f"real_{which}"], look, marker="", label=words))
    handles = marks(axes, rest, periods, data.simulated)
    axes.set(xscale="log", yscale="log", xlabel=r"$1-\beta_2$", ylabel="$C$", xlim=(LEAST, rest[-1]), ylim=(1.5, TOP))
    corner: dict[str, Any] = {"xycoords": "axes fraction", "color": "black"}
    note(axes, 0.98, 0.98, "wrong-signed, $DG>0$", -1, ha="right", **corner)
    note(axes, 0.02, 0.02, "right-signed, $DG<0$", 1, **corner)
    legend(figure, lines + handles)
    small_print(figure, "observed; curves enclosed")
    return figure, data


def real(condition: Callable[[Any], tuple[Any, Any]], beta2: np.ndarray) -> list[float]:
    """The real C where left beta2^(C-2) = right, for each beta2."""
    sides = [(b, *condition(b)) for b in map(Q, beta2.tolist())]
    return [float(equality(Q(left) / right, b)[0].mid()) for b, left, right in sides]
