"""The torch optimizers: the rules' own bits, torch's where the algorithms agree, on every kind of parameter."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction as Q
from typing import Any

import pytest
import torch

import simlab
import simlab.optim.fused
from simlab.optim import SGDM, AdaBound, AdaBoundW, AdaGrad, Adam, AMSBound, AMSGrad, Refused, RMSProp
from simlab.optim.fused import fits
from simlab.optim.moves import RULES, Job, Kind
from simlab.rules.adabound import eta_l, eta_u
from tests.simlab.optimizers import (
    ALL,
    FORMS,
    draws,
    drive,
    each_form,
    every,
    one_thread,  # noqa: F401 the fixture is used by being here
    parameter,
    saved,
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


KINDS = [torch.float64, torch.float32, torch.bfloat16, torch.float16, torch.complex64]
OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "coupled": {"weight_decay": 0.1, "maximize": True, "box": (-1, 1)},
    "decoupled": {"weight_decay": 0.1, "decoupled_weight_decay": True},
}


@every
@each_form
@pytest.mark.parametrize("dtype", KINDS, ids=str)
def test_machine_code_has_the_bits_of_single_operations(make: Any, form: str, dtype: torch.dtype) -> None:
    """Several parameters, one of them without gradient at times, also resumed: 0 ulp, and the same state."""
    for options in OPTIONS.values() if dtype == torch.float64 else [OPTIONS["coupled"]]:
        runs = []
        for fused in (None, False):
            ours, shapes = None, [(37,), (3, 5), (1,), ()]
            xs = [parameter(*shape, dtype=dtype, seed=i) for i, shape in enumerate(shapes)]
            for t in range(6):
                if t in (0, 3):
                    kept = saved(ours) if ours else None
                    ours = make(xs, lr=0.01, form=form, fused=fused, **options)
                    if kept:
                        ours.load_state_dict(kept)
                for i, x in enumerate(xs):
                    g = 10.0 ** (t - 3) * draws(1, *x.shape, seed=9 * t + i, dtype=dtype)[0]
                    x.grad = None if t == 1 and i == 1 else g
                xs[0].grad[:5] = 0
                ours.step()
            runs.append((xs, ours))
        (xs, code), (ys, single) = runs
        for x, y in zip(xs, ys, strict=True):
            assert torch.equal(x, y)
            assert all(torch.equal(value, code.state[x][name]) for name, value in single.state[y].items())
            types = ({n: v.dtype for n, v in o.state[p].items()} for o, p in ((code, x), (single, y)))
            assert next(types) == next(types)


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16], ids=str)
def test_threads_change_no_bit(threads: int, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where deterministic algorithms are asked for: coordinates do not see each other."""
    monkeypatch.setattr(simlab.optim.fused, "GRAIN", 64)
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True)
    try:
        xs, ys = ([parameter(n, dtype=dtype, seed=n) for n in (500, 3, 131)] for _ in range(2))
        for optimizer, ps in ((AdaBound(xs), xs), (AdaBound(ys, fused=False), ys)):
            for t in range(3):
                for p in ps:
                    p.grad = draws(1, *p.shape, seed=t, dtype=dtype)[0]
                optimizer.step()
    finally:
        torch.use_deterministic_algorithms(False)
    assert all(torch.equal(x, y) for x, y in zip(xs, ys, strict=True))


@pytest.mark.parametrize("fused", [None, False])
def test_a_parameter_whose_shape_changes(fused: bool | None) -> None:
    """torch's error, and no memory beyond the old state is touched."""
    ours = Adam([p := parameter(4)], fused=fused)
    drive(ours, p, draws(1, 4))
    p.grad = None
    p.data = torch.zeros(5000, dtype=torch.float64)
    with pytest.raises(RuntimeError, match="must match the size"):
        drive(ours, p, draws(1, 5000))
    assert not p.any()


@pytest.mark.parametrize("fused", [None, False])
def test_bfloat16_is_rounded_to_even(fused: bool | None) -> None:
    """257 lies between 256 and 258, and 259 between 258 and 260."""
    p = torch.tensor([256.0, 258.0], dtype=torch.bfloat16, requires_grad=True)
    assert drive(SGDM([p], lr=1.0, fused=fused), p, -torch.ones(1, 2)).tolist() == [256, 260]


def test_a_parameter_whose_type_changes() -> None:
    """State keeps the type that it had, until it meets the new one."""
    runs = []
    for fused in (None, False):
        ours = AdaBound([p := parameter(5, dtype=torch.float32)], fused=fused)
        drive(ours, p, draws(3, 5))
        p.grad = None
        p.data = p.data.double()
        runs.append(drive(ours, p, draws(3, 5, seed=2)))
        assert ours.state[p]["v"].dtype == torch.float64
    assert torch.equal(*runs)


def test_autograd_sees_that_a_step_was_taken() -> None:
    """A graph that saved the parameter refuses to go backwards through the stepped one."""
    p = parameter(4)
    loss = (p * p).sum()
    p.grad = draws(1, 4)[0]
    AdaBound([p]).step()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_layouts() -> None:
    """Memory without gaps is stepped as it lies; a gradient laid out otherwise, by single operations; bits are one."""
    gradients, plain = draws(5, 2, 3, 4, 5), parameter(2, 3, 4, 5)
    expected, last = drive(AdaBound([plain]), plain, gradients), torch.channels_last
    for ours, theirs in ((last, last), (last, torch.contiguous_format), (torch.contiguous_format, last)):
        p = parameter(2, 3, 4, 5).detach().contiguous(memory_format=ours).requires_grad_()
        optimizer = AdaBound([p])
        for g in gradients:
            p.grad = g.contiguous(memory_format=theirs)
            optimizer.step()
        assert torch.equal(p, expected)
        state = [s for s in optimizer.state[p].values() if s.ndim]
        assert fits(Kind("adabound", "released"), p, Job(p, p.grad, optimizer.state[p])) == (ours == theirs)
        assert ours != theirs or all(s.stride() == p.stride() for s in state)
    gaps = torch.ones(3, 8, dtype=torch.float64)
    p = gaps[:, ::2].requires_grad_()
    p.grad = torch.ones(3, 8, dtype=torch.float64)[:, ::2]
    Adam([p], lr=0.5).step()
    assert gaps[0].tolist() == pytest.approx([0.5, 1] * 4)


def test_gradients_that_torch_has_not_written_out() -> None:
    """Lazily conjugated, and lazily negated, they are what they stand for."""
    h = draws(1, 1, dtype=torch.complex128)[0]
    for g in (h.conj(), h.conj().imag):
        p, q = (parameter(1, dtype=g.dtype) for _ in range(2))
        p.grad = g
        SGDM([p]).step()
        q.grad = g.resolve_conj().resolve_neg().clone()
        SGDM([q]).step()
        assert torch.equal(p, q)


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
