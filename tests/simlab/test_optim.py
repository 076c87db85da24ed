"""The torch optimizers: the rules' own bits, torch's where the algorithms agree, what breaks in published AdaBounds."""

from __future__ import annotations

import copy
import inspect
import io
import math
import warnings
from collections.abc import Callable, Iterator
from fractions import Fraction as Q
from typing import Any

import pytest
import torch

import simlab
import simlab.optim.core
from simlab.optim import SGDM, AdaBound, AdaBoundW, AdaGrad, Adam, AMSBound, AMSGrad, Refused, RMSProp
from simlab.optim.core import RULES
from simlab.rules.adabound import eta_l, eta_u

ALL = [SGDM, AdaGrad, RMSProp, Adam, AMSGrad, AdaBound, AMSBound, AdaBoundW]
FORMS = ["released", "paper"]
every = pytest.mark.parametrize("make", ALL, ids=lambda c: c.__name__)
each_form = pytest.mark.parametrize("form", FORMS)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def draws(rounds: int, *shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.randn(rounds, *shape, dtype=dtype, generator=torch.Generator().manual_seed(seed))


def parameter(*shape: int, dtype: torch.dtype = torch.float64, seed: int = 1) -> torch.Tensor:
    return draws(1, *shape, seed=seed, dtype=dtype)[0].requires_grad_()


def drive(optimizer: torch.optim.Optimizer, p: torch.Tensor, gradients: torch.Tensor) -> torch.Tensor:
    """The decision after the optimizer has seen these gradients, one a step."""
    for g in gradients:
        p.grad = g.to(p.dtype)
        optimizer.step()
    return p.detach().clone()


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


# --- what breaks elsewhere ------------------------------------------------------------------------------------------


@every
@each_form
def test_a_rate_of_zero(make: Any, form: str) -> None:
    """At lr = 0 nothing moves, whether the group was made so or a warm-up starts there; afterwards it learns."""
    for start in (0.0, 0.01):
        p = parameter(3)
        first = p.detach().clone()
        ours = make([p], lr=start, form=form)
        ours.param_groups[0]["lr"] = 0.0
        assert torch.equal(drive(ours, p, draws(3, 3)), first)
        ours.param_groups[0]["lr"] = 0.01
        assert torch.isfinite(drive(ours, p, draws(3, 3))).all()
        assert not torch.equal(p, first)


def test_a_group_made_with_a_rate_of_zero() -> None:
    """final_lr is unscaled, until initial_lr is set."""
    p = parameter(1)
    ours = AdaBound([p], lr=0.0, gamma=1e6)
    ours.param_groups[0]["lr"] = 0.01
    drive(ours, p, draws(1, 1))
    assert ours.rates(p).upper == pytest.approx(0.1, rel=1e-5)
    ours.param_groups[0]["initial_lr"] = 0.1
    assert ours.rates(p).upper == pytest.approx(0.01, rel=1e-5)


@every
def test_a_group_added_later(make: Any) -> None:
    """It is updated, under its own options and its own initial_lr, as if it had an optimizer to itself."""
    p, q, alone = parameter(3), parameter(3), parameter(3)
    ours = make([p], lr=0.01)
    drive(ours, p, draws(5, 3))
    p.grad = None
    ours.add_param_group({"params": [q], "lr": 0.1, "weight_decay": 0.01})
    assert [group["initial_lr"] for group in ours.param_groups] == [0.01, 0.1]
    before = p.detach().clone()
    last = drive(ours, q, draws(5, 3))
    assert torch.equal(last, drive(make([alone], lr=0.1, weight_decay=0.01), alone, draws(5, 3)))
    assert torch.equal(p, before)


def saved(optimizer: torch.optim.Optimizer) -> Any:
    """The state as it comes back from a file, read without running any code from it."""
    file = io.BytesIO()
    torch.save(optimizer.state_dict(), file)
    file.seek(0)
    return torch.load(file, weights_only=True)


@every
@each_form
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.complex64], ids=str)
def test_resuming(make: Any, form: str, dtype: torch.dtype) -> None:
    """Half a run, saved under a decayed lr, loaded into an optimizer made with another: the same bits go on."""

    def scheduled(optimizer: Any) -> Any:
        return torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)

    def go(optimizer: Any, scheduler: Any, p: torch.Tensor, gradients: torch.Tensor) -> None:
        for g in gradients:
            drive(optimizer, p, g[None])
            scheduler.step()

    gradients = draws(20, 4, dtype=dtype)
    p = parameter(4, dtype=dtype)
    ours = make([p], lr=0.01, form=form)
    scheduler = scheduled(ours)
    go(ours, scheduler, p, gradients[:10])
    q = p.detach().clone().requires_grad_()
    again = make([q], lr=0.5, form=form)
    after = scheduled(again)
    again.load_state_dict(saved(ours))
    after.load_state_dict(scheduler.state_dict())
    assert {n: v.dtype for n, v in again.state[q].items()} == {n: v.dtype for n, v in ours.state[p].items()}
    go(ours, scheduler, p, gradients[10:])
    go(again, after, q, gradients[10:])
    assert torch.equal(p, q)
    assert all(torch.equal(value, again.state[q][name]) for name, value in ours.state[p].items())


@every
@pytest.mark.parametrize("whole", ["deepcopy", "a file"])
def test_copies(make: Any, whole: str) -> None:
    """An optimizer copied with its parameter, by deepcopy or through a file, goes on alike."""
    p = parameter(4)
    ours = make([p], lr=0.01)
    drive(ours, p, draws(5, 4))
    if whole == "deepcopy":
        q, again = copy.deepcopy((p, ours))
    else:
        file = io.BytesIO()
        torch.save((p, ours), file)
        file.seek(0)
        q, again = torch.load(file, weights_only=False)  # written a line above
    assert again.param_groups[0]["params"][0] is q
    assert torch.equal(drive(ours, p, draws(5, 4, seed=2)), drive(again, q, draws(5, 4, seed=2)))


SCHEDULERS: dict[str, Callable] = {
    "LambdaLR": lambda s, o: s.LambdaLR(o, lambda t: t / 10),
    "MultiplicativeLR": lambda s, o: s.MultiplicativeLR(o, lambda t: 0.9),
    "StepLR": lambda s, o: s.StepLR(o, 3),
    "MultiStepLR": lambda s, o: s.MultiStepLR(o, [2, 5]),
    "ConstantLR": lambda s, o: s.ConstantLR(o),
    "LinearLR": lambda s, o: s.LinearLR(o),
    "ExponentialLR": lambda s, o: s.ExponentialLR(o, 0.9),
    "PolynomialLR": lambda s, o: s.PolynomialLR(o, 8),
    "CosineAnnealingLR": lambda s, o: s.CosineAnnealingLR(o, 8),
    "CosineAnnealingWarmRestarts": lambda s, o: s.CosineAnnealingWarmRestarts(o, 4),
    "CyclicLR": lambda s, o: s.CyclicLR(o, 1e-3, 1e-2, 3),
    "OneCycleLR": lambda s, o: s.OneCycleLR(o, 1e-2, 12),
    "ReduceLROnPlateau": lambda s, o: s.ReduceLROnPlateau(o, patience=1),
    "SequentialLR": lambda s, o: s.SequentialLR(o, [s.ConstantLR(o), s.ExponentialLR(o, 0.9)], [4]),
    "ChainedScheduler": lambda s, o: s.ChainedScheduler([s.ConstantLR(o), s.ExponentialLR(o, 0.9)]),
}


def test_schedulers_are_all_here() -> None:
    module = torch.optim.lr_scheduler
    known = {
        name
        for name, kind in vars(module).items()
        if inspect.isclass(kind) and issubclass(kind, module.LRScheduler) and not name.startswith("_")
    }
    assert known - {"LRScheduler"} == set(SCHEDULERS)


@pytest.mark.parametrize("name", SCHEDULERS)
@pytest.mark.parametrize("tensor", [False, True], ids=["float", "tensor"])
@pytest.mark.parametrize("make", [SGDM, AdaBound], ids=lambda c: c.__name__)
def test_schedulers(name: str, tensor: bool, make: Any) -> None:
    """Every scheduler moves lr; AdaBound's corridor closes on final_lr lr/initial_lr, and the step is by that lr."""
    p = parameter(3)
    ours = make([p], lr=torch.tensor(0.01, dtype=torch.float64) if tensor else 0.01)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of SequentialLR, which steps before the optimizer
        scheduler = SCHEDULERS[name](torch.optim.lr_scheduler, ours)
    seen = []
    for g in draws(10, 3):
        group = ours.param_groups[0]
        seen.append(float(group["lr"]))
        before = p.detach().clone()
        drive(ours, p, g[None])
        if make is AdaBound:
            rates, target = ours.rates(p), 0.1 * seen[-1] / float(group["initial_lr"])
            assert rates.lower == pytest.approx(float(eta_l(len(seen), target, 1e-3)), rel=1e-12)
            assert torch.allclose(p, before - rates.rate * ours.state[p]["m"], rtol=0, atol=1e-15)
        else:
            assert torch.allclose(p, before - seen[-1] * ours.state[p]["m"], rtol=0, atol=1e-15)
        scheduler.step(1.0) if name == "ReduceLROnPlateau" else scheduler.step()
    assert len(set(seen)) > 1


@every
def test_a_scaler_of_gradients(make: Any) -> None:
    """GradScaler unscales, skips a step whose gradient overflowed, and otherwise changes no bit (its scale is 2^k)."""
    p, q = parameter(3, dtype=torch.float32), parameter(3, dtype=torch.float32)
    ours, plain = make([p], lr=0.01), make([q], lr=0.01)
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    for t, g in enumerate(draws(6, 3, dtype=torch.float32)):
        ours.zero_grad()
        scaler.scale((p * (g * math.inf if t == 3 else g)).sum()).backward()
        scaler.step(ours)
        scaler.update()
        if t != 3:
            drive(plain, q, g[None])
    assert torch.equal(p, q)
    assert scaler.get_scale() == 512.0


# --- kinds of parameters --------------------------------------------------------------------------------------------


@every
@each_form
def test_complex_parameters_are_pairs_of_reals(make: Any, form: str) -> None:
    z = draws(1, 3, 2)[0]
    p, q = torch.view_as_complex(z.clone()).requires_grad_(), z.clone().requires_grad_()
    gradients = draws(10, 3, 2, seed=2)
    ours, real = (make([x], lr=0.01, form=form, weight_decay=0.1) for x in (p, q))
    last = drive(ours, p, torch.view_as_complex(gradients))
    assert torch.equal(torch.view_as_real(last), drive(real, q, gradients))
    assert torch.equal(ours.rates(p).rate, real.rates(q).rate)


@every
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
def test_parameters_of_16_bits(make: Any, dtype: torch.dtype) -> None:
    """The step is the float32 one, rounded once at the end; no state has 16 bits."""
    p, q = parameter(5, dtype=dtype), parameter(5, dtype=dtype).detach().float().requires_grad_()
    ours, wide = make([p], lr=0.01), make([q], lr=0.01)
    for g in draws(10, 5, dtype=dtype):
        drive(ours, p, g[None])
        drive(wide, q, g[None])
        assert torch.equal(p.float(), q.to(dtype).float())
        with torch.no_grad():
            q.copy_(p)
    assert not any(v.dtype == dtype for v in ours.state[p].values())


@every
@each_form
def test_gradients_that_underflow(make: Any, form: str) -> None:
    """Squares of 1e-30 are 0 in float32; the step stays finite all the same, and after them too."""
    p = torch.zeros(2, requires_grad=True)
    ours = make([p], form=form, lr=0.01)
    tiny = torch.tensor([[1e-30, 1.0]] + [[0.0, 0.0]] * 50)
    assert torch.isfinite(drive(ours, p, tiny)).all()


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
def test_subnormal_state_is_0(dtype: torch.dtype) -> None:
    """A first moment of the smallest normal size stays; half of it is 0, and so is no part of a later step."""
    tiny, p = torch.finfo(dtype).tiny, torch.zeros(2, dtype=dtype, requires_grad=True)
    ours = Adam([p], betas=(0.5, 0.999))
    drive(ours, p, torch.tensor([[4 * tiny, -2 * tiny]], dtype=dtype))
    assert ours.state[p]["m"].tolist() == [2 * tiny, -tiny]
    drive(ours, p, torch.zeros(1, 2, dtype=dtype))
    assert ours.state[p]["m"].tolist() == [tiny, 0]


@every
def test_strides_and_scalars(make: Any) -> None:
    """A transposed parameter and one with no axis are stepped as the rest."""
    values, gradients = draws(1, 3, 4)[0], draws(5, 3, 4, seed=2)
    p, q = values.t().clone().t().requires_grad_(), values.clone().requires_grad_()
    assert torch.equal(drive(make([p]), p, gradients), drive(make([q]), q, gradients))
    s = parameter()
    assert drive(make([s]), s, draws(3)).shape == ()


@every
@each_form
@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.complex64], ids=str)
def test_large_parameters(make: Any, form: str, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    """A step that is taken in pieces has the bits of one that is not, also when it resumes or starts anew."""
    gradients, p, q = draws(4, 5, 3, dtype=dtype), parameter(5, 3, dtype=dtype), parameter(5, 3, dtype=dtype)
    ours, pieces = (make([x], lr=0.01, form=form, weight_decay=0.1, box=(-1, 1)) for x in (p, q))
    drive(ours, p, gradients)
    monkeypatch.setattr(simlab.optim.core, "PIECE", 4)
    drive(pieces, q, gradients[:2])
    kept = saved(pieces)
    pieces = make([q])
    pieces.load_state_dict(kept)
    before = str(kept)
    drive(pieces, q, gradients[2:])
    assert str(kept) == before  # what was loaded is not what is written
    assert torch.equal(p, q)
    assert all(torch.equal(value, pieces.state[q][name]) for name, value in ours.state[p].items())
    assert {n: v.dtype for n, v in ours.state[p].items()} == {n: v.dtype for n, v in pieces.state[q].items()}


def test_differentiable() -> None:
    """The step's derivative with respect to gradient, lr and decision agrees with differences."""

    def stepped(x: torch.Tensor, g: torch.Tensor, lr: torch.Tensor, make: Any, form: str) -> torch.Tensor:
        p = x.clone()
        p.retain_grad()
        p.grad = g
        ours = make([p], lr=lr, form=form, weight_decay=0.1, differentiable=True)
        ours.step()
        return p

    x, g = parameter(3), draws(1, 3, seed=3)[0].requires_grad_()
    lr = torch.tensor(0.03, dtype=torch.float64, requires_grad=True)
    for make in ALL:
        for form in FORMS:
            assert torch.autograd.gradcheck(lambda *args, of=(make, form): stepped(*args, *of), (x, g, lr))


# --- using it -------------------------------------------------------------------------------------------------------


@every
@each_form
def test_a_small_network_learns(make: Any, form: str) -> None:
    """Two layers on random data, with a closure: the loss falls to less than half."""
    data = torch.Generator().manual_seed(5)
    inputs = torch.randn(64, 8, generator=data)
    targets = torch.tanh(inputs @ torch.randn(8, 1, generator=data))
    first, second = (torch.nn.Linear(n, m) for n, m in ((8, 16), (16, 1)))
    for layer in (first, second):
        for w in layer.parameters():
            w.data = 0.3 * torch.randn(w.shape, generator=data)
    lr = 0.3 if make in (SGDM, AdaGrad) and form == "paper" else 0.05
    ours = make([{"params": first.parameters()}, {"params": second.parameters(), "lr": lr / 2}], lr=lr)

    def loss() -> torch.Tensor:
        ours.zero_grad()
        value = ((second(torch.tanh(first(inputs))) - targets) ** 2).mean()
        value.backward()
        return value

    losses = [float(ours.step(loss).detach()) for _ in range(60)]
    assert losses[-1] < losses[0] / 2


@every
def test_the_keywords_of_torch(make: Any) -> None:
    """torch's shared keywords are all there; those that are only hints change no bit."""
    shown = inspect.signature(make).parameters
    for name in ("lr", "weight_decay", "foreach", "maximize", "capturable", "differentiable", "fused"):
        assert name in shown
    plain = drive(make([p := parameter(3)]), p, draws(5, 3))
    hinted = drive(make([q := parameter(3)], foreach=True, fused=True), q, draws(5, 3))
    assert torch.equal(plain, hinted)


WRONG: dict[str, tuple[Callable, str]] = {
    "lr": (lambda p: Adam(p, lr=-1.0), "lr must be finite and >= 0; got -1.0"),
    "lr nan": (lambda p: Adam(p, lr=math.nan), "lr must be finite"),
    "lr inf": (lambda p: Adam(p, lr=math.inf), "lr must be finite"),
    "lr pair": (lambda p: Adam(p, lr=torch.ones(2)), "one element"),
    "beta2": (lambda p: Adam(p, betas=(0.9, 1.0)), r"betas\[1\] must be in \[0, 1\); got 1; .* did you mean 0.999"),
    "betas": (lambda p: Adam(p, betas=(0.9,)), "pair"),
    "momentum": (lambda p: SGDM(p, momentum=1.5), r"momentum must be in \[0, 1\)"),
    "alpha": (lambda p: RMSProp(p, alpha=-0.1), r"alpha must be in \[0, 1\)"),
    "final_lr": (lambda p: AdaBound(p, final_lr=0.0), "final_lr must be > 0"),
    "gamma": (lambda p: AdaBound(p, gamma=-1.0), "gamma must be > 0"),
    "eps": (lambda p: Adam(p, eps=-1e-8), "eps must be >= 0"),
    "no eps": (lambda p: RMSProp(p, eps=1e-8), "RMSProp in its released form has no epsilon"),
    "paper's eps": (lambda p: AdaBound(p, eps=1e-8, form="paper"), "AdaBound in its paper form has no epsilon"),
    "decay": (lambda p: AdaGrad(p, weight_decay=-1.0), "weight_decay must be finite and >= 0"),
    "form": (lambda p: AdaBound(p, form="papers"), "did you mean 'paper'"),
    "box": (lambda p: AdaBound(p, box=(1, 0)), "lower <= upper"),
    "capturable": (lambda p: Adam(p, capturable=True), "capturable=True is not supported"),
    "amsgrad": (lambda p: Adam(p, amsgrad=True), "simlab.optim.AMSGrad"),
    "group": (lambda p: Adam([{"params": p, "betas": (2.0, 0.9)}]), r"betas\[0\] must be in"),
    "integers": (lambda p: Adam([torch.ones(2, dtype=torch.int64)]), "floating-point tensors; got torch.int64"),
}


@pytest.mark.parametrize("name", WRONG)
def test_options_that_are_refused(name: str) -> None:
    """A ValueError, as in torch, that says what is allowed."""
    make, words = WRONG[name]
    with pytest.raises(Refused, match=words) as caught:
        make([parameter(2)])
    assert isinstance(caught.value, ValueError)


def test_a_group_that_is_refused_is_not_added() -> None:
    ours = Adam([parameter(2)])
    with pytest.raises(Refused, match="floating-point"):
        ours.add_param_group({"params": [torch.ones(2, dtype=torch.int64)]})
    assert len(ours.param_groups) == 1


@every
@pytest.mark.parametrize("wrong", ["sparse", "nan", "inf"])
def test_gradients_that_are_refused(make: Any, wrong: str) -> None:
    """The last parameter's gradient is bad: no parameter and no state has changed."""
    p, q = parameter(3), parameter(3)
    ours = make([{"params": [p]}, {"params": [q]}], lr=0.1)
    p.grad, q.grad = draws(2, 3)
    ours.step()
    before = copy.deepcopy((p, q, ours.state_dict()["state"]))
    if wrong == "sparse":
        q.grad = q.grad.to_sparse()
    else:
        q.grad[1] = float(wrong)
    with pytest.raises(Refused, match=f"parameter 0 in group 1 is {'sparse' if wrong == 'sparse' else 'not finite'}"):
        ours.step()
    assert torch.equal(p, before[0])
    assert torch.equal(q, before[1])
    assert str(ours.state_dict()["state"]) == str(before[2])


def test_states_that_are_refused() -> None:
    """A state of another algorithm, form or shape is named, and nothing is loaded."""
    p = parameter(3)
    ours = AdaBound([p])
    drive(ours, p, draws(2, 3))
    before = copy.deepcopy(ours.state_dict())
    theirs = torch.optim.Adam([q := parameter(3)])
    drive(theirs, q, draws(2, 3))
    wider = AdaBound([r := parameter(4)])
    drive(wider, r, draws(2, 4))
    mixed = copy.deepcopy(before)
    mixed["param_groups"][0]["form"] = "paper"
    mixed["param_groups"][0]["eps"] = 0.0
    beyond = copy.deepcopy(before)
    beyond["param_groups"][0]["gamma"] = -1.0
    for state, words in (
        (theirs.state_dict(), "it has no amsbound, box, final_lr, form, gamma, initial_lr"),
        (wider.state_dict(), r"shape \(4,\); the parameter's is \(3,\)"),
        (mixed, r"is \['c1', 'c2', 'm', 'step', 'v'\]; the rule's is \['m', 'step', 'v'\]"),
        (beyond, "gamma must be > 0"),
        (AdaBound([parameter(3), parameter(3)]).state_dict(), "doesn't match the size"),
    ):
        with pytest.raises(ValueError, match=words):
            ours.load_state_dict(state)
        assert str(ours.state_dict()) == str(before)
