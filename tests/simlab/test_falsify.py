"""The search finds what is false, and finds nothing where a theorem is true."""

from __future__ import annotations

import json
from fractions import Fraction as Q

import pytest
from numpy.random import default_rng

from simlab import cli
from simlab.audit import audit
from simlab.errors import BadInput
from simlab.falsify import Space, falsify
from simlab.regret_bound import regret_bound


def test_adabound_is_violated_unaided() -> None:
    """Bound functions of the paper's form with two gammas: a violation that balls confirm, of short fractions."""
    found = falsify("luo2019_theorem_4", free=True, generations=100)
    shown = found.audit
    assert found.ratio > 1
    assert shown is not None
    assert shown.grade == "enclosed"
    assert shown.broken_step == "telescoping"
    assert all(reason is None for reason in shown.failed.values())  # every hypothesis holds
    assert max(g.denominator for g in found.gradients) <= 100


@pytest.mark.parametrize(
    ("bound", "rule", "low"),
    [("zinkevich2003_constant", None, 0.99), ("master_m", "adam_analysed", 0.99), ("reddi2018_theorem_4", None, 0.3)],
)
def test_true_bounds_stand(bound: str, rule: str | None, low: float) -> None:
    """Tight ones are reached and none is passed."""
    found = falsify(bound, rule, rounds=4, generations=60, restarts=1)
    assert low < found.ratio <= 1 + 1e-12
    assert found.audit is None


def test_candidates_played_together_are_runs() -> None:
    """The ratio of a point of the search is that of an audit of its exact instance."""
    for bound, free in (("luo2019_theorem_4", True), ("luo2019_theorem_5", False), ("duchi2011", False)):
        from simlab import catalog

        theorem = catalog.bound(bound)
        space = Space(theorem, theorem.rules[0], 6, free)
        z = default_rng(3).random((space.size, 5))
        together = space.ratios(z)
        for j in range(5):
            g, x1, hyper = space.read(z[:, [j]])
            exact = [Q(float(v)) for v in (*g[:, 0], x1[0])]
            one = space.audited(tuple(exact[:-1]), exact[-1], {n: Q(float(v[0])) for n, v in hyper.items()})
            assert one.ratio[-1] == pytest.approx(together[j], rel=1e-9)


def test_a_false_sibling_is_found() -> None:
    """Half of Zinkevich's constant bound is violated."""
    from simlab import catalog

    true = catalog.bound("zinkevich2003_constant")

    def halved(h):
        """Half of a bound that is tight.

        Reference: nobody.
        """
        return {name: term / 2 for name, term in true.terms(h).items()}

    bound = regret_bound(rules=("sgd",), ledger=true.ledger, schedule="constant")(halved)
    found = falsify(bound, rounds=3, generations=20, restarts=1)
    assert found.audit is not None
    assert (
        audit(
            "sgd", "linear_periodic", true, {"gradients": found.gradients, "alpha": found.hyper["alpha"]}, found.x1, 3
        ).first_violation
        is None
    )


def test_the_command(capsys: pytest.CaptureFixture) -> None:
    assert cli.main(["falsify", "--bound", "duchi2011", "--rounds", "3", "--generations", "3", "--json"]) == 0
    got = json.loads(capsys.readouterr().out)
    assert (got["violated"], got["grade"], len(got["gradients"])) == (False, "observed", 3)
    assert cli.main(["falsify", "--bound", "duchi2011", "--rounds", "3", "--generations", "3"]) == 0
    assert "which shows nothing" in capsys.readouterr().out
    assert cli.main(["falsify", "--bound", "duchi2011", "--free"]) == 2
    assert "free bound functions" in capsys.readouterr().err


def test_what_is_refused() -> None:
    with pytest.raises(BadInput, match="is about amsgrad, not about sgd"):
        falsify("reddi2018_theorem_4", "sgd")
