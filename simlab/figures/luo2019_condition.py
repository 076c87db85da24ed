"""The smallest period C for which Adam fails on the C-periodic problem, by the paper's condition and by the sharp one.

    5 beta2^(C-2) <= (1 - beta2)/(4 - beta2)      the paper's, sufficient;        16 beta2^(C-2) < 1      sharp

Luo, Xiong, Liu and Sun (2019), "Adaptive gradient methods with dynamic bound of learning rate", Theorem 1.
"""

from __future__ import annotations

from fractions import Fraction as Q
from typing import Any

from simlab.condition import report
from simlab.plotting import LOOKS, SHADES, Venue, canvas, curve, legend, note, small_print, table

MARKED = [Q(1, 2), *(Q(1, 10**k) for k in range(1, 5))]  # values of 1 - beta2
GRID = [Q(round(10 ** (7 - k / 20)), 10**7) for k in range(2, 95)]  # twenty more a decade


def luo2019_condition(venue: Venue) -> tuple[Any, Any]:
    """Adam fails from a shorter period on than the paper's condition says, by a factor of ln(15/(1 - beta2))/ln 16.

    (That is the factor in the limit beta2 -> 1.) Luo et al.'s C-periodic problem, Adam with beta1 = 0 and steps
    alpha/sqrt(t). On and above the upper curve the condition of the paper's Theorem 1 holds,
    5 beta2^(C-2) <= (1 - beta2)/(4 - beta2). On the lower one 16 beta2^(C-2) = 1: above it regret is linear (proved).
    By theory that is not checked here, x_t then goes to the worst decision and R_t/t to 4/C; on the curve x_t stops
    inside F and R_t/t has a positive limit; below it x_t goes to the best decision. Marked: the smallest integer C that
    meets the paper's condition, and the smallest with 16 beta2^(C-2) < 1, for beta2 = 1/2, 9/10, 99/100, 999/1000 and
    9999/10000, decided in exact arithmetic (proved); the curves are enclosed real numbers, rounded (enclosed).

    Reference: Luo et al. 2019, Theorem 1; luo2019_sharp and luo2019_regret of this project for the sharp threshold.
    """
    rest = sorted({*MARKED, *GRID})
    reports = [report(1 - r) for r in rest]
    data = table(
        {
            "C_sufficient": ("rest", [r.C_sufficient for r in reports], "smallest C that meets the paper's condition"),
            "C_sharp": ("rest", [r.C_sharp for r in reports], "smallest C with 16 beta2^(C-2) < 1"),
            "real_sufficient": (
                "rest",
                [middle(r.real_sufficient) for r in reports],
                "real C of equality in the paper's",
            ),
            "real_sharp": ("rest", [middle(r.real_sharp) for r in reports], "real C with 16 beta2^(C-2) = 1"),
        },
        {
            "rest": ("rest", [float(r) for r in rest], "1 - beta2"),
            "beta2": ("rest", [str(r.beta2) for r in reports], "beta2, exactly"),
        },
        "enclosed",
    )
    figure, (axes,) = canvas(venue)
    top = 10**6
    axes.fill_between(data.rest, data.real_sufficient, top, color=SHADES[0], linewidth=0)
    axes.fill_between(data.rest, data.real_sharp, data.real_sufficient, color=SHADES[1], linewidth=0)
    axes.set(
        xscale="log",
        yscale="log",
        xlabel=r"$1-\beta_2$",
        ylabel="$C$",
        ylim=(1.5, top),
        xlim=(float(rest[0]), float(rest[-1])),
    )
    marks = [rest.index(r) for r in MARKED]
    lines = []
    for which, words, look, lift, side in (
        ("sufficient", r"$5\beta_2^{C-2}=(1-\beta_2)/(4-\beta_2)$", LOOKS[1], 3, "left"),
        ("sharp", r"$16\beta_2^{C-2}=1$", LOOKS[0], -3, "right"),
    ):
        lines.append(curve(axes, data[f"real_{which}"], look, marker="", label=words))
        curve(axes, data[f"C_{which}"], look, linestyle="", marker="o", markevery=marks)
        for i in marks:
            C = int(data[f"C_{which}"][i])
            note(axes, float(data.rest[i]), C, str(C), lift, ha=side)
    corner = {"xycoords": "axes fraction", "color": "black"}
    note(axes, 0.98, 0.98, "Adam fails:\nproved in the paper", -1, ha="right", **corner)
    note(axes, 0.02, 0.02, "Adam goes to the\nbest decision (by theory)", 1, **corner)
    band = data.sel(rest=10**-2.5, method="nearest")
    axes.annotate(
        "Adam fails: sharp",
        (float(band.rest), float(band.real_sharp * band.real_sufficient) ** 0.5),
        (float(band.rest), 30),
        fontsize="small",
        ha="center",
        va="top",
        arrowprops={"arrowstyle": "-", "linewidth": 0.6},
    )
    legend(figure, lines)
    small_print(figure, "integers proved, curves enclosed")
    return figure, data


def middle(ball: str) -> float:
    """The double nearest to the midpoint of a printed ball, such as "[2.5 +/- 1e-9]"."""
    from flint import arb

    return float(arb(ball).mid())
