"""The smallest period C for which Adam fails on the C-periodic problem, by the paper's condition and by the sharp one.

    5 beta2^(C-2) <= (1 - beta2)/(4 - beta2)      the paper's, sufficient;        16 beta2^(C-2) < 1      sharp

Luo, Xiong, Liu and Sun (2019), "Adaptive gradient methods with dynamic bound of learning rate", Theorem 1.
"""

from __future__ import annotations

from fractions import Fraction as Q
from typing import Any

from simlab.condition import equality, report, sharp, sufficient
from simlab.plotting import GUIDE, LOOKS, Venue, canvas, curve, note, small_print

MARKED = [Q(1, 2), *(Q(1, 10**k) for k in range(1, 5))]
GRID = [Q(round(10**7 * 10 ** (-k / 20)), 10**7) for k in range(2, 87)]  # 1 - beta2, twenty a decade, as short rationals


def luo2019_condition(venue: Venue) -> tuple[Any, Any]:
    """The paper's sufficient condition asks for a period up to four times as long as the sharp threshold does.

    The C-periodic problem of Luo et al., Adam with beta1 = 0 and steps alpha/sqrt(t). On and above the upper curve,
    5 beta2^(C-2) <= (1 - beta2)/(4 - beta2), the condition of the paper's Theorem 1, holds. Adam's regret is linear if
    and only if 16 beta2^(C-2) <= 1, which is on and above the lower curve: x_t goes to the worst decision above it, to
    a point inside F on it, and to the best decision below it. Marked: the smallest integer C that meets the condition
    (with 16 beta2^(C-2) < 1) at beta2 = 1/2, 9/10, 99/100, 999/1000, 9999/10000, decided in exact arithmetic (proved);
    the curves are roundings of enclosed real numbers (enclosed).

    Reference: Luo et al. 2019, Theorem 1; the sharp threshold is the theorem luo2019_sharp of this project.
    """
    import xarray

    rest = sorted({*MARKED, *GRID})
    reports = [report(1 - r) for r in rest]
    real = {condition.__name__: [2 + float(equality(Q(left) / right, 1 - r).mid())
                                 for r in rest for left, right in [condition(1 - r)]]
            for condition in (sufficient, sharp)}  # fmt: skip
    data = xarray.Dataset(
        {name: ("rest", values, {"long_name": words, "units": "1"}) for name, values, words in (
            ("C_sufficient", [r.C_sufficient for r in reports], "smallest C that meets the paper's condition"),
            ("C_sharp", [r.C_sharp for r in reports], "smallest C with 16 beta2^(C-2) < 1"),
            ("real_sufficient", real["sufficient"], "real C of equality in the paper's condition"),
            ("real_sharp", real["sharp"], "real C with 16 beta2^(C-2) = 1"))},
        {"rest": ("rest", [float(r) for r in rest], {"long_name": "1 - beta2", "units": "1"}),
         "beta2": ("rest", [str(r.beta2) for r in reports], {"long_name": "beta2, exactly"})},
        {"grade": "enclosed"},
    )  # fmt: skip
    figure, (axes,) = canvas(venue, ratio=0.55)
    marks = [rest.index(r) for r in MARKED]
    for which, look, lift in (("sufficient", LOOKS[1], 4), ("sharp", LOOKS[0], -4)):
        curve(axes, data[f"real_{which}"], look, marker="")
        curve(axes, data[f"C_{which}"], look, linestyle="", marker="o", markevery=marks)
        for i in marks:
            C = int(data[f"C_{which}"][i])
            note(axes, float(data.rest[i]), C, str(C), lift, ha="left" if lift > 0 else "right")
    axes.set(xscale="log", yscale="log", xlabel=r"$1-\beta_2$", ylabel="$C$", xlim=(float(rest[0]), float(rest[-1])), ylim=(3, 5e5))
    note(axes, 0.02, 1e4, "Adam fails: proved in the paper\n" + r"$5\beta_2^{C-2}\leq(1-\beta_2)/(4-\beta_2)$", ha="center")
    note(axes, 0.0005, 50, "Adam goes to the best decision\n" + r"$16\beta_2^{C-2}>1$", ha="center")
    small_print(figure, "integers proved, curves enclosed")
    return figure, data
