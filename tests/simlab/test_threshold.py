"""Critical hyperparameters against values computed independently, and what a grid may say."""

from __future__ import annotations

from fractions import Fraction as Q
from itertools import pairwise

import pytest

from simlab import catalog, exact
from simlab.errors import BadInput
from simlab.orbit import verdict
from simlab.rule import Step, settle
from simlab.threshold import Crossing, grid, thresholds, unexcluded


def found(
    gradients: str, name: str = "beta2", rule: str = "adam_analysed", digits: int = 25, **hyper: object
) -> list[Crossing]:
    spec = catalog.rule(rule)
    values = settle(spec.hyper, {n: exact.rational(v, n) for n, v in hyper.items()}, "the rule")
    return thresholds(spec, exact.sequence(gradients), values, name, digits=digits)


REDDI = {  # g = (C, -1, -1), beta1 = 0
    "2.01": "0.986891932333960",
    "2.1": "0.885926458146376",
    "2.5": "0.629188058720170",
    "3": "0.4723131400589345477324558",
    "4": "0.317014462434650",
    "5": "0.236815167158109",
    "10": "0.098347290309781",
    "100": "0.005663551498265",
}
LONG = {  # g = (n, -1^(n-1)), beta1 = 0, 1/2 and 9/10
    5: (["0.8107437842"], ["0.6900171"], []),
    10: (["0.9554430721054991238731874"], ["0.9433885708"], ["0.0648846403", "0.7746568668"]),
    20: (["0.9893798690"], ["0.9881535170"], ["0.9695071936"]),
    100: (["0.9995947385"], ["0.9995864110"], ["0.9995050061"]),
}
PRINTED = [
    *((f"{C},-1,-1", {"beta1": 0}, [printed]) for C, printed in REDDI.items()),
    *(
        (f"{n},-1*{n - 1}", {"beta1": b}, v)
        for n, row in LONG.items()
        for b, v in zip(("0", "1/2", "9/10"), row, strict=True)
    ),
    ("10,-1*8,10", {"beta1": 0}, ["0.634372235238578"]),
    ("11,-1*10", {"beta1": 0}, ["0.963461538543353"]),
    ("11,-1*10", {"beta1": "1/2"}, ["0.9547193484"]),
    ("11,-1*10", {"beta1": "9/10"}, ["0.0292557056", "0.8295849408"]),
    ("90,-1*9", {"beta1": 0}, ["0.46639832"]),
    ("380,-1*19", {"beta1": 0}, ["0.62923255"]),
    *((f"{n * (n - 1)},-1*{n - 1}", {"beta1": "9/10"}, []) for n in (3, 5, 10, 20)),
]


def meets(crossing: Crossing, printed: str) -> bool:
    """Every number of the bracket rounds to the printed value."""
    unit = Q(1, 10 ** len(printed.partition(".")[2]))
    return max(abs(crossing.low - Q(printed)), abs(crossing.high - Q(printed))) <= unit / 2


@pytest.mark.parametrize(("gradients", "hyper", "printed"), PRINTED, ids=lambda v: str(v)[:24])
def test_printed_thresholds(gradients: str, hyper: dict, printed: list[str]) -> None:
    digits = max(map(len, printed), default=10) + 3  # and leading zeros of the value do not count
    roots = found(gradients, digits=digits, **hyper)
    assert len(roots) == len(printed)
    for crossing, text in zip(roots, printed, strict=True):
        assert meets(crossing, text), crossing
        assert crossing.grade == "enclosed"
        assert 0 < (crossing.high - crossing.low) * 10**digits <= crossing.low
    if roots:
        assert roots[-1].below > 0 > roots[-1].above  # near beta2 = 1 the drift has the right sign, and G > 0
    assert all(a.above == b.below for a, b in pairwise(roots))


def test_printed_thresholds_in_epsilon() -> None:
    """Luo et al.'s problem under Adam as printed: epsilon = sqrt(v2) - 2 sqrt(v1) of the steady state."""
    for zeros, beta2, printed in ((48, Q(9, 10), "0.0604981687"), (6, Q(1, 2), "0.0639844302")):
        (crossing,) = found(f"-1,2,0*{zeros}", "epsilon", "adam", beta1=0, beta2=beta2)
        assert meets(crossing, printed)
        b, period = float(beta2), zeros + 2
        kappa = (1 - b) / (1 - b**period)
        closed = (kappa * (4 + b)) ** 0.5 - 2 * (kappa * (1 + 4 * b ** (period - 1))) ** 0.5
        assert float(crossing.low) == pytest.approx(closed, rel=1e-12)


def test_a_threshold_in_beta1() -> None:
    """The beta1 that is critical for beta2 = 0.95 has 0.95 for its critical beta2."""
    (crossing,) = found("10,-1*9", "beta1", beta2="0.95")
    (back,) = found("10,-1*9", beta1=crossing.low)
    assert abs(back.low - Q("0.95")) < Q(1, 10**20)


def test_exact_roots_are_proved() -> None:
    """16 beta2^(C-2) = 1 at C = 6 and 4."""
    for zeros, root in ((4, "1/2"), (2, "1/4")):
        (crossing,) = found(f"-1,2,0*{zeros}", beta1=0)
        assert (crossing.low, crossing.high, crossing.grade) == (Q(root), Q(root), "proved")
        assert str(crossing) == f"beta2 = {root} (D > 0 below, D < 0 above; proved)"


def test_a_negative_root_and_one_at_zero() -> None:
    def shifted(t, alpha, g, *, weight=Q(1, 2), root=Q(0)):
        """Its rate vanishes at weight = root.

        Reference: nobody.
        """
        return Step(direction=g * (weight - root), rate=alpha), ()

    for root in (Q(0), Q(-1, 10**6 + 3), Q(-1, 3)):
        hyper = {"alpha": Q(1), "root": root}
        (crossing,) = thresholds(catalog.rule(shifted), [Q(1)], hyper, "weight", Q(-1), Q(2), points=10, digits=12)
        assert crossing.low <= root <= crossing.high
        assert (crossing.high - crossing.low) * 10**12 <= -root


def test_a_jump_where_balls_cannot_tell_a_sign() -> None:
    """Lion's sign of 2/3 g_i + 1/3 g_(i-1), which is 0 in the second round: exactly, and not in balls."""
    spec = catalog.rule("lion")
    hyper = {"alpha": Q(1), "beta1": Q(1, 3), "beta2": Q(0)}
    found = verdict(spec, [Q(2), Q(-1), Q(3)], hyper)
    assert (found.word, found.grade, found.orbit.drift) == ("right", "enclosed", -2)
    left = unexcluded(spec, [Q(2), Q(-1), Q(3)], hyper, "beta1", points=10, halvings=2)
    assert any(a <= Q(1, 3) <= b for a, b in left)


def test_the_grid_crowds_at_both_ends() -> None:
    points = grid(Q(2), Q(3), 41)
    assert points == sorted(points)
    assert 2 < points[0] < 2 + Q(1, 10**6)
    assert points[20] == Q(5, 2)
    assert all(abs(a + b - 5) < 1e-12 for a, b in zip(points, points[::-1], strict=True))


@pytest.mark.parametrize(("gradients", "beta1"), [("3,-1,-1", 0), ("10,-1*9", "9/10"), ("5,-1*4", "9/10")])
def test_no_root_hides_outside_the_cells_that_are_left(gradients: str, beta1: object) -> None:
    """As many cells are left as there are roots, each around one, and D is not 0 anywhere else."""
    spec = catalog.rule("adam_analysed")
    hyper = settle(spec.hyper, {"beta1": exact.rational(beta1)}, "the rule")
    left = unexcluded(spec, exact.sequence(gradients), hyper, "beta2")
    roots = found(gradients, beta1=beta1)
    assert len(left) == len(roots)
    for (a, b), crossing in zip(left, roots, strict=True):
        assert a < crossing.low <= crossing.high < b < a + Q(1, 1000)


def test_cells_with_too_wide_balls_stay() -> None:
    """One cell and no halving: nothing can be excluded where there is a root, and nothing is."""
    spec = catalog.rule("rmsprop")
    (cell,) = unexcluded(spec, exact.sequence("3,-1,-1"), settle(spec.hyper, {}, "x"), "beta2", points=2, halvings=0)
    assert cell == tuple(grid(Q(0), Q(1), 2))


def test_what_is_refused() -> None:
    with pytest.raises(BadInput, match=r"no threshold in 'beta3'.*did you mean 'beta2'"):
        found("3,-1,-1", "beta3")
    with pytest.raises(BadInput, match="no threshold in 'alpha'"):
        found("3,-1,-1", "alpha")
    spec = catalog.rule("adam_analysed")
    hyper = settle(spec.hyper, {}, "the rule")
    with pytest.raises(BadInput, match="needs low < high"):
        thresholds(spec, exact.sequence("3,-1,-1"), hyper, "beta2", Q(1), Q(0))
    with pytest.raises(BadInput, match=r"beta2 must be in \[0, 1\)"):
        thresholds(spec, exact.sequence("3,-1,-1"), hyper, "beta2", Q(0), Q(2))

    def still(t, alpha, g, m=0, *, weight=Q(1, 2)):
        """No step at all.

        Reference: nobody.
        """
        return Step(direction=0 * g, rate=alpha), (m,)

    with pytest.raises(BadInput, match="0 or undecided for every weight"):
        thresholds(catalog.rule(still), exact.sequence("3,-1,-1"), {"alpha": Q(1), "weight": Q(1)}, "weight")
