"""The theorems on regret bounds are about the code that runs: the rules, the ledgers, the terms of the bounds."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Callable
from fractions import Fraction as Q
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import simlab
from simlab import catalog
from simlab.audit import audit
from simlab.history import History, history
from simlab.ops import divide, sqrt, where
from simlab.rules.amsbound import amsbound_with

RULES = Path(str(simlab.rules.__path__[0]))

# theorem: (file of the rule, what the argument takes from it, {old: new})
MUTANTS: dict[str, tuple[str, Callable, dict[str, str]]] = {
    "zinkevich2003_holds": (
        "sgd",
        lambda path: f"{path}:sgd",
        {
            "direction=g": "direction=-g",
            "rate=alpha)": "rate=alpha * alpha)",
            "@scheduled(inv_sqrt)\n": "",
            "t, alpha, g)": "t, alpha, g, m=1)",
        },
    ),
    "duchi2011_holds": (
        "adagrad",
        lambda path: f"{path}:adagrad",
        {
            "s = s + g * g": "s = s + g",
            "divide(alpha, sqrt(s))": "divide(alpha, s)",
            "direction=g": "direction=2 * g",
            "return Step": "g = 2 * g\n    return Step",
        },
    ),
    "alacaoglu2020_holds": (
        "amsgrad",
        lambda path: f"{path}:amsgrad",
        {
            "maximum(vhat, v)": "v + 0 * vhat",
            "ema(v, g * g, beta2)": "beta2.beta * v + g * g",
            "ema(m, g, beta1)": "beta1.beta * m + g",
            "@scheduled(inv_sqrt)\n": "",
            "direction=m": "direction=-m",
        },
    ),
    "savarese2019_theorem_3_holds": (
        "adabound",
        lambda path: catalog._from_file(f"{path}:adabound_with"),
        {
            "clip(divide(alpha, sqrt(v)), lower(t, alpha_star, gamma), upper": "minimum(divide(alpha, sqrt(v)), upper",
            "m = ema(m, g, beta1)\n        v": "m = g\n        v",
            "    @scheduled(inv_sqrt)\n": "",
            "direction=m": "direction=-m",
        },
    ),
    "amsbound_repaired_holds": (
        "amsbound",
        lambda path: catalog._from_file(f"{path}:amsbound_with"),
        {
            "vhat = maximum(vhat, v)": "vhat = v + 0 * vhat",
            "ema(v, g * g, beta2)": "ema(v, g, beta2)",
            "m = ema(m, g, beta1)\n        v": "m = g\n        v",
            "alpha, vhat, alpha_star": "alpha, v, alpha_star",
            "    @scheduled(inv_sqrt)\n": "",
            "direction=m": "direction=-m",
        },
    ),
    "master_m_holds": (
        "adam",
        lambda path: (f"{path}:adam",),
        {
            "divide(m, c1)": "divide(m, c2)",
            "ema(m, g, beta1)": "beta1.beta * m + g",
            "ema(c1, 1, beta1)": "ema(c1, 1, beta2)",
            "m=0,": "m=1,",
        },
    ),
}
MUTANTS["reddi2018_theorem_4_holds"] = MUTANTS["alacaoglu2020_holds"]
MUTANTS["master_a_holds"] = MUTANTS["master_m_holds"]


def holds(name: str, *args: Any) -> bool:
    """Whether the argument goes through: a rule that it cannot even read is one that it does not cover."""
    try:
        return bool(importlib.import_module(f"proofs.{name}").argue(*args).check().holds)
    except (TypeError, KeyError, ValueError):
        return False


@pytest.mark.parametrize("name", MUTANTS)
def test_a_wrong_rule_breaks_the_argument(name: str, tmp_path: Path) -> None:
    """A copy of the rule passes, and one that is wrong in one place does not."""
    rule, take, wrong = MUTANTS[name]
    source = (RULES / f"{rule}.py").read_text().replace("import clip, ", "import clip, minimum, ")
    for at, (old, new) in enumerate({"": "", **wrong}.items()):
        assert not old or source.count(old) == 1, old
        path = tmp_path / f"copy{at}.py"
        path.write_text(source.replace(old, new) if old else source)
        assert holds(name, take(path)) is (not old), old


@pytest.mark.parametrize(
    "name",
    [
        "zinkevich2003",
        "duchi2011",
        "alacaoglu2020",
        "reddi2018_theorem_4",
        "savarese2019_theorem_3",
        "amsbound_repaired",
    ],
)
def test_a_smaller_bound_breaks_the_argument(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The terms that are proved are those of the bound itself: with half of one of them there is no proof."""
    module = importlib.import_module(f"proofs.{name}_holds")
    bound = getattr(module, name)
    whole = bound.terms
    assert holds(f"{name}_holds")
    for part in ("distance", "energy"):

        def halved(h: Any, part: str = part) -> Any:
            terms = whole(h)
            return {**terms, part: terms[part] / 2}

        monkeypatch.setattr(module, name, dataclasses.replace(bound, terms=halved))
        assert not holds(f"{name}_holds"), part


@pytest.mark.parametrize(
    ("name", "broken"),
    [
        ("master_m_holds", lambda h: 0 * h.m[:, 0]),
        ("master_a_holds", lambda h: (h.m * h.m).sum(axis=1)),
    ],
)
def test_a_wrong_ledger_breaks_the_argument(name: str, broken: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the ledger calls the energy is read from simlab.history."""
    monkeypatch.setattr(History, "energy", property(broken))
    assert not holds(name)


@pytest.mark.parametrize(
    "peak",
    [
        lambda h: divide(h.w, sqrt(h.t)[:, None])[:, 0],  # the last 1/etahat, as was claimed
        lambda h: h.w[:, 0],
        lambda h: 2 * divide(h.w, sqrt(h.t)[:, None])[:, 0],
    ],
)
def test_the_repaired_bound_is_about_the_peak(peak: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the bound itself calls the peak is read, and another one is not proved."""
    from proofs import _crest

    assert holds("amsbound_repaired_holds")
    monkeypatch.setattr(_crest, "peak", peak)
    assert not holds("amsbound_repaired_holds")


def test_a_corridor_that_crosses_refutes_the_repaired_bound() -> None:
    """eta_l <= eta_u is needed: x is brought to -1 again by a rate that rises for a while, and walks back once more."""

    def low(t: Any, alpha_star: Any, gamma: Any) -> Any:
        return where(t < 152, 3 * alpha_star / 10, alpha_star)

    def high(t: Any, alpha_star: Any, gamma: Any) -> Any:
        return where(t < 177, alpha_star, 3 * alpha_star / 10)

    gradients = ["0"] * 80 + ["-1"] * 71 + ["1"] * 25 + ["-1"] * 84
    hyper = {"alpha": "1/100", "alpha_star": 1, "beta1": 0, "beta2": "1/2", "gradients": ",".join(gradients)}
    found = audit(amsbound_with(low, high), "linear_periodic", "amsbound_repaired", hyper, -1, len(gradients))
    assert {words for words, at in found.failed.items() if at} == {"eta_l(t) <= eta_u(t)"}
    assert found.failed["eta_l(t) <= eta_u(t)"] == 177
    assert (found.grade, found.broken_step) == ("enclosed", "corollary, distance")


def test_the_variation_of_amsbound_in_a_run() -> None:
    """The positive variation of sqrt(t)/etahat against sqrt(t) max 1/etahat, while eta_l lifts etahat."""
    given = {"alpha": "1/10", "alpha_star": 1, "gamma": "1/50", "beta1": 0, "beta2": "9/10"}
    given["gradients"] = "0,0,1/9,1,-3,1,1,0"
    how = {"x0": 1, "rounds": 2000, "backend": "reference", "record": "all"}
    h = history(simlab.run("amsbound", "linear_periodic", hyper=given, **how))
    w = h.w[:, 0]
    assert (np.diff(w) < 0).any()
    variation = w[0] + np.concatenate([[0], np.cumsum(np.maximum(np.diff(w), 0))])
    most = np.sqrt(h.t) * np.maximum.accumulate(w / np.sqrt(h.t))
    assert (variation <= most * (1 + 1e-12)).all()
    assert (variation > 1.01 * w).any()


@pytest.mark.parametrize("alpha", ["1/10", "1", "5"])
@pytest.mark.parametrize("beta1", ["0", "1/2", "9/10"])
def test_alacaoglu_with_the_harmonic_sum_in_a_run(alpha: str, beta1: str) -> None:
    """The bound with H_T for 1 + ln T, in every round of a run; written out here from the statement alone."""
    given = {"alpha": alpha, "beta1": beta1, "beta2": "99/100", "gradients": "3,-1,-1,-2,1,1,1"}
    how = {"x0": 1, "rounds": 2000, "backend": "reference", "record": "all"}
    h = history(simlab.run("amsgrad", "linear_periodic", hyper=given, **how))
    a, b1, b2 = (float(Q(given[n])) for n in ("alpha", "beta1", "beta2"))
    v, vhat, bound = 0.0, 0.0, []
    for t, g in enumerate(h.g[:, 0], 1):
        v = b2 * v + (1 - b2) * g * g
        vhat = max(vhat, v)
        harmonic = sum(1 / s for s in range(1, t + 1)) if t < 50 else np.log(t) + 0.5772156649015329
        norm = np.sqrt((h.g[:t] ** 2).sum())
        constant = np.sqrt((1 - b2) * (1 - b1 * b1 / b2))
        bound.append(4 * np.sqrt(t * vhat) / (2 * a * (1 - b1)) + a * np.sqrt(harmonic) * norm / constant)
    assert (h.regret <= np.array(bound)).all()
