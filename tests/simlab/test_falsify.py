"""The search finds what is false, and finds nothing where a theorem is true."""

from __future__ import annotations

import json
import sys
from fractions import Fraction as Q
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.random import default_rng

import simlab.backends
from simlab import catalog, cli
from simlab.ascent import ascend
from simlab.audit import audit
from simlab.backends import torch as tensors
from simlab.errors import BadInput
from simlab.falsify import HOW, HOW_WITHOUT_TORCH, SHORT, Space, _short, falsify
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


def test_what_cannot_be_played_is_no_finding() -> None:
    """A point whose fractions leave a range at every denominator gives nothing; at the finest alone, a shorter one."""

    def audited(*instance: Any) -> Any:
        if instance[0] in refused:
            raise BadInput("alpha must be > 0")
        return SimpleNamespace(first_violation=3, failed={"lambda < 1": None})

    space: Any = SimpleNamespace(exact=lambda z, denominator: (denominator,), audited=audited)
    refused = set(SHORT)
    assert _short(space, np.zeros(1)) is None
    refused = {1, SHORT[-1]}
    found = _short(space, np.zeros(1))
    assert found
    assert found[0] == (2,)


def test_candidates_played_together_are_runs() -> None:
    """The ratio of a point of the search is that of an audit of its exact instance."""
    for bound, free in (("luo2019_theorem_4", True), ("luo2019_theorem_5", False), ("duchi2011", False)):
        theorem = catalog.bound(bound)
        space = Space(theorem, theorem.rules[0], 6, free)
        z = default_rng(3).random((space.size, 5))
        together = space.ratios(z)
        for j in range(5):
            g, x1, hyper = space.read(z[:, [j]])
            exact = [Q(float(v)) for v in (*g[:, 0], x1[0])]
            one = space.audited(tuple(exact[:-1]), exact[-1], {n: Q(float(v[0])) for n, v in hyper.items()})
            assert one.ratio[-1] == pytest.approx(together[j], rel=1e-9)


SEARCHED = [
    ("luo2019_theorem_4", "adabound", True),
    ("luo2019_theorem_5", "amsbound", True),
    ("savarese2019_theorem_3", "adabound", False),
    ("kingma2015_theorem_4_1", "adam", False),
    ("reddi2018_theorem_4", "amsgrad", False),
    ("duchi2011", "adagrad", False),
    ("padam", "padam", False),
    ("master_m", "adamnc", False),
    ("zinkevich2003", "sgd", False),
]


@pytest.mark.parametrize(("bound", "rule", "free"), SEARCHED)
def test_the_slope_of_the_ratio(bound: str, rule: str, free: bool) -> None:
    """In all that is searched, through the rule, the protocol and the bound: as central differences have it."""
    space, step = Space(catalog.bound(bound), rule, 4, free), 1e-6
    z = 0.2 + 0.6 * default_rng(5).random((space.size, 6))
    at = torch.tensor(z, requires_grad=True)
    found = space.ratios(at, tensors)
    np.testing.assert_allclose(found.detach().numpy(), space.ratios(z), rtol=1e-13)
    (slope,) = torch.autograd.grad(found.sum(), at)
    for i in range(space.size):
        up, down = z.copy(), z.copy()
        up[i] += step
        down[i] -= step
        numeric = (space.ratios(up) - space.ratios(down)) / (2 * step)
        np.testing.assert_allclose(slope[i], numeric, rtol=1e-4, atol=1e-6)
    assert np.count_nonzero(slope) > space.size


def test_ascent_keeps_the_best() -> None:
    """To the top of a hill inside the cube and to a corner of one outside; where there is no slope, the start."""

    def hill(z: torch.Tensor) -> torch.Tensor:
        top = torch.tensor([[0.3, 1.5, 0.5], [0.7, 0.2, 0.5]], dtype=torch.float64)
        off = ((z - top) ** 2).sum(0)
        return torch.where(torch.arange(3) < 2, 1 - off, 0.25 + 0 * torch.sqrt(off))  # 0/0 where it starts at the top

    counted: list[None] = []
    points, values = ascend(hill, np.full((2, 3), 0.5), 200, lambda: counted.append(None))
    np.testing.assert_allclose(points, [[0.3, 1.0, 0.5], [0.7, 0.2, 0.5]], atol=1e-3)
    np.testing.assert_allclose(values, [1, 0.75, 0.25], atol=1e-5)
    assert len(counted) == 200


def without_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "simlab.backends.torch")
    monkeypatch.delattr(simlab.backends, "torch")


def test_gradients_find_what_evolution_misses(monkeypatch: pytest.MonkeyPatch) -> None:
    """From the same starts, in fewer runs; without torch the search goes on by evolution, and says so."""
    options: dict[str, Any] = {"free": True, "seed": 3, "generations": 60, "restarts": 1}
    both = falsify("luo2019_theorem_4", **options)
    without_torch(monkeypatch)
    alone = falsify("luo2019_theorem_4", **options)
    assert (both.how, alone.how) == (HOW, HOW_WITHOUT_TORCH)
    assert both.ratio > 1 > alone.ratio > 0.3
    assert both.evaluations <= alone.evaluations
    assert both.audit is not None
    assert alone.audit is None


def test_a_false_sibling_is_found() -> None:
    """Half of Zinkevich's constant bound is violated."""
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
    assert got["how"] == HOW
    assert cli.main(["falsify", "--bound", "duchi2011", "--rounds", "3", "--generations", "3"]) == 0
    assert "which shows nothing" in capsys.readouterr().out
    assert cli.main(["falsify", "--bound", "duchi2011", "--free"]) == 2
    assert "free bound functions" in capsys.readouterr().err


def test_what_is_refused() -> None:
    with pytest.raises(BadInput, match="is about amsgrad, not about sgd"):
        falsify("reddi2018_theorem_4", "sgd")
    with pytest.raises(BadInput, match="supposes losses that curve, and linear ones are searched"):
        falsify("hazan2007")
    with pytest.raises(BadInput, match="for adabound and amsbound, not for adabound_released"):
        falsify("master_m", "adabound_released", free=True)
