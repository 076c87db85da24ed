"""The torch optimizers: the rules' own bits, torch's where the algorithms agree, and the corridor's learning rates."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction as Q
from typing import Any

import pytest
import torch

import simlab
from simlab.optim import SGDM, AdaBound, AdaBoundW, AdaGrad, Adam, AMSBound, AMSGrad, Refused, RMSProp
from simlab.optim.moves import RULES
from simlab.rules.adabound import eta_l, eta_u
from tests.simlab.optimizers import (
    draws,
    drive,
    each_form,
    one_thread,  # noqa: F401 the fixture is used by being here
    parameter,
)

# --- the arithmetic -------------------------------------------------------------------------------------------------


@each_form
@pytest.mark.parametrize("make", [SGDM, AdaGrad, RMSProp, Adam, AMSGrad, AdaBound, AMSBound])
def test_the_bits_of_a_run(make: Any, form: str) -> None:
    """100 rounds on a periodic loss, projected: simlab.run on the torch backend, bit for bit."""
    gradients, p = [-1, 2, 0, 0, 0], torch.tensor(0.5, dtype=torch.float64, requires_grad=True)
    ours = make([p], lr=0.005, form=form, box=(-2, 2))
    last = drive(ours, p, torch.tensor(gradients * 20, dtype=torch.float64))
    # the run is given the binary values that torch's floats have
    group, name = ours.param_groups[0], RULES[make.kind][form]
    known = simlab.rules[name].hyper
    betas = {"beta1": group.get("betas", [0.9])[0], "beta2": group.get("alpha", 0.999)}
    hyper = {letter: Q(value) for letter, value in betas.items() if letter in known}
    problem = {"gradients": gradients, "lower": -2, "upper": 2}
    kind = {"schedule": "constant"} if form == "released" else {}
    hyper |= {"alpha": 0.005, **problem, **kind}
    run = simlab.run(name, "linear_periodic", hyper=hyper, x0=Q(1, 2), rounds=100, backend="torch")
    assert float(last) == float(run.x_last)
    assert float(last) not in (0.5, -2.0, 2.0)
    assert float(ours.rates(p).rate) == pytest.approx(float(run.rate[-1]), rel=1e-15)


TWINS: dict[str, tuple[Callable, Callable]] = {
    "Adam": (Adam, torch.optim.Adam),
    "Adam, decayed and maximised": (
        lambda p: Adam(p, weight_decay=0.1, maximize=True, betas=(0.8, 0.9), eps=1e-3),
        lambda p: torch.optim.Adam(p, weight_decay=0.1, maximize=True, betas=(0.8, 0.9), eps=1e-3),
    ),
    "AdamW": (
        lambda p: Adam(p, weight_decay=0.1, decoupled_weight_decay=True),
        lambda p: torch.optim.AdamW(p, weight_decay=0.1),
    ),
    "SGD": (
        lambda p: SGDM(p, lr=0.01, momentum=0.7, weight_decay=0.1),
        lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.7, weight_decay=0.1),
    ),
    "RMSprop": (lambda p: RMSProp(p, weight_decay=0.1), lambda p: torch.optim.RMSprop(p, eps=0, weight_decay=0.1)),
    "Adagrad": (lambda p: AdaGrad(p, weight_decay=0.1), lambda p: torch.optim.Adagrad(p, eps=0, weight_decay=0.1)),
}


@pytest.mark.parametrize("name", TWINS)
def test_torch_twins(name: str) -> None:
    """200 steps of random gradients: torch's optimizer to 1e-14, where the algorithm is the same."""
    ours, theirs = (drive(make([p := parameter(7)]), p, draws(200, 7) + 0.3) for make in TWINS[name])
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-14)
    assert (ours - parameter(7)).abs().max() > 0.05


def test_dampening() -> None:
    """torch.optim.SGD does not dampen the first gradient, and is otherwise the rule."""
    gradients = draws(50, 3)
    ours = drive(SGDM([p := parameter(3)], lr=0.1, dampening=0.75), p, gradients)
    gradients[0] *= 1 - 0.75
    theirs = drive(torch.optim.SGD([q := parameter(3)], lr=0.1, momentum=0.9, dampening=0.75), q, gradients)
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-14)


def test_amsgrad_of_torch_is_another_algorithm() -> None:
    """torch corrects the bias of m and of the largest v; the paper's Algorithm 2 has no correction."""
    ours = drive(AMSGrad([p := parameter(7)]), p, draws(200, 7))
    theirs = drive(torch.optim.Adam([q := parameter(7)], amsgrad=True), q, draws(200, 7))
    assert (ours - theirs).abs().max() > 0.01


def by_the_book(x: float, gradients: list[float], rates: list[float], amsbound: bool, decay: float) -> float:
    """The authors' package read as scalar arithmetic, with powers of beta; an lr a step, initial lr = 1/1000."""
    m = v = top = 0.0
    for t, (g, lr) in enumerate(zip(gradients, rates, strict=True), 1):
        g += decay * x
        m, v = 0.9 * m + (1 - 0.9) * g, 0.999 * v + (1 - 0.999) * g * g
        top = max(top, v)
        size = lr * math.sqrt(1 - 0.999**t) / (1 - 0.9**t) / (math.sqrt(top if amsbound else v) + 1e-8)
        final = 0.1 * lr / 1e-3
        x -= min(max(size, final * (1 - 1 / (0.001 * t + 1))), final * (1 + 1 / (0.001 * t))) * m
    return x


@pytest.mark.parametrize(("amsbound", "decay"), [(False, 0.1), (True, 0.0)])
def test_the_released_adabound(amsbound: bool, decay: float) -> None:
    """2000 steps under StepLR against an independent reading of adabound 0.0.5: final_lr follows lr/initial_lr."""
    gradients = draws(2000).tolist()
    p = torch.tensor(0.25, dtype=torch.float64, requires_grad=True)
    ours = AdaBound([p], weight_decay=decay, amsbound=amsbound)
    scheduler = torch.optim.lr_scheduler.StepLR(ours, 500, 0.5)
    rates = []
    for g in gradients:
        rates.append(ours.param_groups[0]["lr"])
        drive(ours, p, torch.tensor([g], dtype=torch.float64))
        scheduler.step()
    assert rates[-1] == 1e-3 / 8
    book = by_the_book(0.25, gradients, rates, amsbound, decay)
    assert float(p.detach()) == pytest.approx(book, abs=1e-12)


def test_decoupled_decay() -> None:
    """AdaBoundW is AdaBound on x (1 - lr weight_decay)."""
    p, q = parameter(5), parameter(5)
    ours, plain = AdaBoundW([p], lr=0.01, weight_decay=0.5), AdaBound([q], lr=0.01)
    for g in draws(20, 5):
        drive(ours, p, g[None])
        with torch.no_grad():
            q *= 1 - 0.01 * 0.5
        drive(plain, q, g[None])
    assert torch.equal(p, q)


# --- the corridor ---------------------------------------------------------------------------------------------------


@each_form
@pytest.mark.parametrize("make", [AdaBound, AMSBound, AdaBoundW])
def test_rates(make: Any, form: str) -> None:
    """With beta = 0 a rate is lr/|g|: two gradients are huge, one is tiny, and two are between."""
    p = torch.zeros(5, dtype=torch.float64, requires_grad=True)
    ours = make([p], form=form, lr=1e-2, gamma=0.5, betas=(0.0, 0.0))
    before = drive(ours, p, torch.tensor([[1e4, 1e-6, 0.1, 0.1, 1e4]] * 5, dtype=torch.float64))
    rates = ours.rates(p)
    s = 1 if form == "released" else 1 / math.sqrt(5)
    assert (rates.below, rates.above) == pytest.approx((2 / 5, 1 / 5))
    assert rates.lower == pytest.approx(s * float(eta_l(5, 0.1, 0.5)), rel=1e-15)
    assert rates.upper == pytest.approx(s * float(eta_u(5, 0.1, 0.5)), rel=1e-15)
    assert rates.rate[0] == rates.lower
    assert rates.rate[1] == rates.upper
    assert rates.lower < rates.rate[2] == rates.rate[3] < rates.upper
    m = ours.state[p]["m"]
    with torch.no_grad():
        p.copy_(before)
    kept = ours.state_dict()
    assert torch.equal(ours.rates(p).rate, rates.rate)  # reading changes nothing
    assert torch.equal(kept["state"][0]["m"], m)
    ours.param_groups[0]["lr"] = 0.005  # the corridor follows lr
    assert ours.rates(p).lower == pytest.approx(rates.lower / 2, rel=1e-15)


@pytest.mark.parametrize(("make", "rate"), [(SGDM, 0.01), (AdaGrad, 0.01 / math.sqrt(8)), (RMSProp, None)])
def test_rates_without_a_corridor(make: Any, rate: float | None) -> None:
    p = parameter(2, dtype=torch.float32)
    ours = make([p], lr=0.01)
    drive(ours, p, torch.full((2, 2), 2.0))
    rates = ours.rates(p)
    rate = 0.01 / math.sqrt(4 * (1 - 0.99**2)) if rate is None else rate
    assert rates.rate.tolist() == pytest.approx([rate] * 2, rel=1e-14)
    assert rates[1:] == (0.0, math.inf, 0.0, 0.0)


def test_rates_of_strangers() -> None:
    ours, p = AdaBound([q := parameter(2)]), parameter(2)
    with pytest.raises(Refused, match="is not in any group"):
        ours.rates(p)
    with pytest.raises(Refused, match="has not been stepped yet"):
        ours.rates(q)


@pytest.mark.parametrize("make", [AdaBound, AMSBound])
@pytest.mark.parametrize("gamma", [1.0, 2.5])
def test_gamma_of_one_and_more(make: Any, gamma: float) -> None:
    p = parameter(3)
    ours = make([p], gamma=gamma)
    drive(ours, p, draws(3, 3))
    assert ours.rates(p).lower == pytest.approx(0.1 * (1 - 1 / (3 * gamma + 1)), rel=1e-14)


def test_gamma_unless_set() -> None:
    """1/1000 as released, 1 - beta2 in the paper."""
    assert AdaBound([parameter(1)]).param_groups[0]["gamma"] == 1e-3
    assert AdaBound([parameter(1)], betas=(0.9, 0.96875), form="paper").param_groups[0]["gamma"] == 1 - 0.96875
