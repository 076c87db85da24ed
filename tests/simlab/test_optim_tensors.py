"""The torch optimizers on every kind of parameter, gradient and memory; machine code has the bits of tensors."""

from __future__ import annotations

import copy
import math
from typing import Any

import pytest
import torch

import simlab.optim.core
import simlab.optim.fused
from simlab.optim import SGDM, AdaBound, Adam, Refused
from simlab.optim.coded import alike
from simlab.optim.moves import Job, Kind
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


def halved(ours: Any, x: torch.Tensor, name: str) -> None:
    ours.state[x][name].data = ours.state[x][name].data.half()


def another(ours: Any, x: torch.Tensor, name: str, value: float) -> None:
    ours.state[x][name] = torch.tensor(value, dtype=ours.state[x][name].dtype)


CHANGES: dict[str, Any] = {  # made to an optimizer of three parameters between its steps
    "nothing": lambda ours, xs: None,
    "a round, in place": lambda ours, xs: ours.state[xs[1]]["step"].fill_(7),
    "a round, of another type": lambda ours, xs: ours.state[xs[1]].update(step=torch.tensor(7.0)),
    "a number, in place": lambda ours, xs: ours.state[xs[2]]["c1"].mul_(0.5),
    "a number, another tensor": lambda ours, xs: another(ours, xs[0], "c2", 0.25),
    "a number, another's": lambda ours, xs: ours.state[xs[0]].update(c1=ours.state[xs[2]]["c1"].clone()),
    "memory, of another type": lambda ours, xs: halved(ours, xs[1], "v"),
    "memory, in another order": lambda ours, xs: ours.state[xs[1]]["m"].set_(ours.state[xs[1]]["m"].mT.clone().mT),
    "memory of the parameter": lambda ours, xs: setattr(xs[1], "data", xs[1].data.mT.clone().mT),
    "the type of a parameter": lambda ours, xs: (setattr(xs[1], "grad", None), setattr(xs[1], "data", xs[1].double())),
    "the state of one": lambda ours, xs: ours.state.pop(xs[1]),
    "options": lambda ours, xs: ours.param_groups[0].update(weight_decay=0.1, maximize=True, betas=(0.5, 0.75)),
    "loaded": lambda ours, xs: ours.load_state_dict(saved(ours)),
    "the same, loaded": lambda ours, xs: ours.load_state_dict(ours.state_dict()),
}


@pytest.mark.parametrize("changed", CHANGES)
def test_nothing_is_remembered_of_the_step_before(changed: str) -> None:
    """State lies together in memory, so that many small parameters are stepped at once; what is done to it between
    steps counts all the same, and steps of some of the parameters, or of a copy, are their own."""
    runs = []
    for fused in (None, False):
        xs = [parameter(3, 3, dtype=torch.float32, seed=i) for i in range(3)]
        ours = Adam(xs, lr=0.01, fused=fused)
        for t in range(8):
            if t in (2, 4):
                CHANGES[changed](ours, xs)
            if t == 5:
                copied = copy.deepcopy((xs, ours))
            if t == 7:
                added = parameter(3, 3, dtype=torch.float32, seed=5)
                ours.add_param_group({"params": [added], "fused": fused})
                xs = [*xs[::-1], added]
                ours.param_groups[0]["params"].reverse()
            for i, x in enumerate(xs):
                x.grad = None if (t, i) in ((1, 0), (3, 2)) else draws(1, 3, 3, seed=9 * t + i)[0].to(x.dtype)
            ours.step()
        again, other = copied
        for i, x in enumerate(again):
            x.grad = draws(1, 3, 3, seed=i)[0].to(x.dtype)
        other.step()
        runs.append([[x, *ours.state[x].values()] for x in xs] + [[x, *other.state[x].values()] for x in again])
    for mine, single in zip(*runs, strict=True):
        assert all(map(torch.equal, mine, single))
    assert all(s.shape in ((), (3, 3)) for parts in runs[0] for s in parts)


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
        assert alike(Kind("adabound", "released"), [Job(p, p.grad, optimizer.state[p])]) == (ours == theirs)
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


def test_gradients_that_are_looked_at_together() -> None:
    """The first that is wrong is named, whatever its size and type; what is finite but sums to inf is taken."""
    huge, big = torch.finfo(torch.float32).max, simlab.optim.core.LARGE + 1
    kinds = [(3, torch.float32), (big, torch.float32), (5, torch.bfloat16), (big, torch.float64), (0, torch.float32)]

    def gradients() -> list[torch.Tensor]:
        return [torch.full((n,), huge if dtype == torch.float32 else 1.0, dtype=dtype) for n, dtype in kinds]

    ps = [torch.ones(n, dtype=dtype, requires_grad=True) for n, dtype in kinds]
    ours = SGDM(ps, lr=1e-30)
    for wrong in ([], [3], [2], [1, 3], [0, 2], [2, "sparse"], ["sparse"]):
        for p, g in zip(ps, gradients(), strict=True):
            p.grad = g
        for k in wrong:
            if k == "sparse":
                ps[3].grad = ps[3].grad.to_sparse()
            else:
                ps[k].grad[-1] = math.nan if k % 2 else -math.inf
        if not wrong:
            ours.step()
            continue
        before = copy.deepcopy((ps, ours.state_dict()["state"]))
        words = "3 in group 0 is sparse" if wrong[0] == "sparse" else f"{wrong[0]} in group 0 is not finite"
        with pytest.raises(Refused, match=words):
            ours.step()
        assert all(map(torch.equal, ps, before[0]))
        assert str(ours.state_dict()["state"]) == str(before[1])


def test_gradients_of_a_class_of_their_own() -> None:
    """They may not be put together with others, and are looked at one by one."""

    class Alone(torch.Tensor):
        @classmethod
        def __torch_function__(cls, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            assert function is not torch._C._nn.flatten_dense_tensors
            return super().__torch_function__(function, types, args, kwargs or {})

    ps = [parameter(3, seed=k) for k in range(2)]
    ps[0].grad, ps[1].grad = draws(1, 3)[0], draws(1, 3)[0].as_subclass(Alone)
    SGDM(ps).step()
    ps[1].grad[0] = math.nan
    with pytest.raises(Refused, match="parameter 1 in group 0 is not finite"):
        SGDM(ps).step()


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
