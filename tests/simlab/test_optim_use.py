"""The torch optimizers in use: groups, saving, schedulers and scalers, which break published AdaBounds; refusals."""

from __future__ import annotations

import copy
import inspect
import io
import math
import pickle
import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch

from simlab.optim import SGDM, AdaBound, AdaGrad, Adam, Refused, RMSProp
from simlab.rules.adabound import eta_l
from tests.simlab.optimizers import (
    draws,
    drive,
    each_form,
    every,
    one_thread,  # noqa: F401 the fixture is used by being here
    parameter,
    saved,
)

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
    kept = saved(ours)
    before = copy.deepcopy(kept)
    again.load_state_dict(kept)
    after.load_state_dict(scheduler.state_dict())
    assert {n: v.dtype for n, v in again.state[q].items()} == {n: v.dtype for n, v in ours.state[p].items()}
    go(ours, scheduler, p, gradients[10:])
    go(again, after, q, gradients[10:])
    assert str(kept) == str(before)  # what was loaded is not what is written
    assert torch.equal(p, q)
    assert all(torch.equal(value, again.state[q][name]) for name, value in ours.state[p].items())


@every
@pytest.mark.parametrize("whole", ["deepcopy", "pickle", "a file"])
def test_copies(make: Any, whole: str) -> None:
    """An optimizer copied with its parameter, by deepcopy, pickled or through a file, goes on alike."""
    p = parameter(4)
    ours = make([p], lr=0.01)
    drive(ours, p, draws(5, 4))
    if whole == "deepcopy":
        q, again = copy.deepcopy((p, ours))
    elif whole == "pickle":
        q, again = pickle.loads(pickle.dumps((p, ours)))
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
    """torch's shared keywords are all there; those that say how a step is taken change no bit."""
    shown = inspect.signature(make).parameters
    for name in ("lr", "weight_decay", "foreach", "maximize", "capturable", "differentiable", "fused"):
        assert name in shown
    plain = drive(make([p := parameter(3)]), p, draws(5, 3))
    for how in ({"foreach": True}, {"foreach": False, "fused": True}, {"fused": False}, {"check_finite": False}):
        assert torch.equal(plain, drive(make([q := parameter(3)], **how), q, draws(5, 3)))


def test_the_signature_of_torchs_adam() -> None:
    """Its parameters, those given by place in its order; and a group made with defaults has torch's options."""
    theirs, ours = (inspect.signature(make).parameters for make in (torch.optim.Adam, Adam))
    assert {name: p.kind for name, p in ours.items() if name in theirs} == {n: p.kind for n, p in theirs.items()}
    placed = [name for name, p in theirs.items() if p.kind is p.POSITIONAL_OR_KEYWORD]
    assert list(ours)[: len(placed)] == placed
    group, known = Adam([parameter(1)]).param_groups[0], torch.optim.Adam([parameter(1)]).param_groups[0]
    assert {name: group.get(name, False) for name in known if name != "params"} == {
        name: value for name, value in known.items() if name != "params"
    }


@every
@pytest.mark.parametrize("fused", [None, False])
def test_a_tensor_for_lr(make: Any, fused: bool | None) -> None:
    """It is the number that it is; set in place, it takes effect."""
    p, q, lr = parameter(3), parameter(3), torch.tensor(0.01, dtype=torch.float64)
    ours, plain = make([p], lr=lr, fused=fused), make([q], lr=0.01, fused=fused)
    assert torch.equal(drive(ours, p, draws(3, 3)), drive(plain, q, draws(3, 3)))
    lr.fill_(0.002)
    plain.param_groups[0]["lr"] = 0.002
    assert torch.equal(drive(ours, p, draws(3, 3)), drive(plain, q, draws(3, 3)))


@every
@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16], ids=str)
def test_gradients_that_are_trusted(make: Any, dtype: torch.dtype) -> None:
    """With check_finite=False a nan is the coordinate's own, as in torch."""
    p, q = parameter(3, dtype=dtype), parameter(3, dtype=dtype)
    g = draws(1, 3, dtype=dtype)
    drive(make([q]), q, g)
    g[0, 1] = math.nan
    drive(make([p], check_finite=False), p, g)
    assert p.isnan().tolist() == [False, True, False]
    assert torch.equal(p[::2], q[::2])


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
    "fused": (lambda p: Adam(p, fused=True, differentiable=True), "no derivative"),
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


def test_fused_is_never_taken_for_something_else() -> None:
    """Where no machine code is, fused=True is refused, and leaves nothing behind."""
    p, q = parameter(2), torch.ones(2, device="meta", requires_grad=True)
    p.grad, q.grad = torch.ones_like(p), torch.ones_like(q)
    before = p.detach().clone()
    ours = Adam([p, q], fused=True)
    with pytest.raises(Refused, match="parameter 1 in group 0 is not on the CPU; nothing was updated"):
        ours.step()
    assert torch.equal(p, before)
    assert not ours.state


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU that torch can use here")
@every
@each_form
def test_on_a_gpu(make: Any, form: str) -> None:
    """50 steps in float64 have the CPU's bits, and a state saved there loads onto the CPU."""
    p, q = parameter(5), parameter(5).detach().cuda().requires_grad_()
    ours, theirs = make([p], lr=0.01, form=form), make([q], lr=0.01, form=form)
    gradients = draws(50, 5)
    assert torch.equal(drive(theirs, q, gradients.cuda()).cpu(), drive(ours, p, gradients))
    moved = make([r := parameter(5)], form=form)
    moved.load_state_dict(saved(theirs))
    assert all(s.device.type == "cpu" for s in moved.state[r].values())


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
    short = copy.deepcopy(before)
    del short["param_groups"][0]["check_finite"]  # how a step is carried out is nothing of the state's
    ours.load_state_dict(short)
    assert ours.param_groups[0]["check_finite"] is True
