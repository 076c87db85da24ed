"""A step on a GPU: in Triton's interpreter the kernel has the bits of single operations, for a GPU it has no
instruction that rounds otherwise, and nothing waits for the device."""

from __future__ import annotations

import copy
import importlib.util
import itertools
import math
import re
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import torch

pytest.importorskip("triton", reason="triton is not installed: pip install 'simlab[triton]'")

from simlab.backends import _triton
from simlab.ops import Weight
from simlab.optim import SGDM, AdaBound, Adam, AMSGrad, Refused, fused, launched
from simlab.optim.moves import RULES, Job, Kind, Numbers, move, rule, width
from tests.simlab.optimizers import (
    draws,
    drive,
    every,
    one_thread,  # noqa: F401 the fixture is used by being here
    parameter,
    saved,
)

STEPS = [(kind, form) for kind in RULES for form in RULES[kind]]
TYPES = [torch.float64, torch.float32, torch.bfloat16, torch.float16]
each_step = pytest.mark.parametrize(("kind", "form"), STEPS)
each_type = pytest.mark.parametrize("dtype", TYPES, ids=str)
MANNERS = list(itertools.product((False, True), ("", "coupled", "decoupled"), (False, True)))
BITS = {8: torch.int64, 4: torch.int32, 2: torch.int16}
VALUES = {"beta1": 0.5, "beta2": 0.99, "epsilon": 1e-8, "alpha_star": 0.1, "gamma": 0.01, "dampening": 0.1}


@pytest.fixture
def interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel in Triton's interpreter; in place of a CPU's machine code where an optimizer steps."""
    monkeypatch.setenv("TRITON_INTERPRET", "1")
    monkeypatch.setattr(launched, "BLOCK", 32)
    monkeypatch.setattr(fused, "takes", lambda device: False)


def numbers(of: Kind) -> Numbers:
    hyper = {name: p for name, p in rule(of.kind, of.form).hyper.items() if name != "alpha"}
    given = (Weight(VALUES[n], 1 - VALUES[n]) if p.range.weight else VALUES[n] for n, p in hyper.items())
    return Numbers(0.01, 0.1, -0.75, 0.5, tuple(given))


def fresh(of: Kind, dtype: torch.dtype, n: int) -> Job:
    state = {name: torch.tensor(v, dtype=torch.float64) for name, v in rule(of.kind, of.form).state.items()}
    x = draws(1, n, dtype=dtype)[0]
    x[0] = 0
    return Job(x, torch.empty_like(x), {**state, "step": torch.tensor(0)})


def gradient(n: int, dtype: torch.dtype, t: int) -> torch.Tensor:
    """Of all sizes; a third is 0, and some are subnormal."""
    g = draws(1, n, seed=t)[0] * 10.0 ** torch.linspace(-3, 3, n, dtype=torch.float64)
    g[t % 3 :: 3] = 0
    g[1::6] = g[1::6].sign() * torch.finfo(dtype).tiny / 3
    return g.to(dtype)


def wear(job: Job) -> None:
    """Let state be what decays to the least normal number, which stays, or below, where it is set to 0."""
    for s in job.kept.values():
        if s.ndim:
            tiny = torch.finfo(s.dtype).tiny
            s[:8] = torch.tensor([0, 0.5, 2, 1, 1.001, 1.2, 0.99, 1e3], dtype=s.dtype) * tiny


def same(a: Any, b: Any) -> bool:
    """Bit for bit, what is not a number being equal."""
    a, b = a.cpu(), b.cpu()
    if not a.dtype.is_floating_point:
        return torch.equal(a, b)
    equal = a.view(BITS[a.itemsize]) == b.view(BITS[b.itemsize])
    return a.dtype == b.dtype and bool((equal | (a.isnan() & b.isnan())).all())


def agree(ours: Job, theirs: Job) -> None:
    assert same(ours.x, theirs.x)
    assert ours.kept.keys() == theirs.kept.keys()
    assert all(same(ours.kept[name], theirs.kept[name]) for name in theirs.kept), ours.kept.keys()


def on_tensors(of: Kind, given: Numbers, jobs: list[Job]) -> None:
    for job in jobs:
        move(of, given, job, differentiable=False)


def played(
    of: Kind, dtype: torch.dtype, n: int, *, device: str = "cpu", way: Any = launched.move, spoilt: bool = False
) -> Iterator[tuple[Job, Job]]:
    """(a parameter stepped this way on the device, one by single operations on the CPU) after each step."""
    ours, theirs = (fresh(of, dtype, n) for _ in range(2))
    ours = Job(ours.x.to(device), ours.g, ours.kept)
    for t in range(3):
        g = gradient(n, dtype, t)
        if spoilt:
            g[t] = math.nan
        if t == 2:
            wear(ours)
            wear(theirs)
        ours, theirs = Job(ours.x, g.to(device), ours.kept), Job(theirs.x, g, theirs.kept)
        way(of, numbers(of), [ours])
        on_tensors(of, numbers(of), [theirs])
        yield ours, theirs


# --- the bits -------------------------------------------------------------------------------------------------------


def stepped_alike(kind: str, form: str, dtype: torch.dtype, manners: list) -> None:
    for manner in manners:
        for ours, theirs in played(Kind(kind, form, *manner), dtype, 43):
            agree(ours, theirs)


@pytest.mark.usefixtures("interpreter")
@each_step
@each_type
def test_the_bits_of_single_operations(kind: str, form: str, dtype: torch.dtype) -> None:
    """From the first step on, and where state fades; the last block is not full. Each type has its share of manners."""
    stepped_alike(kind, form, dtype, MANNERS[TYPES.index(dtype) :: len(TYPES)])


@pytest.mark.slow
@pytest.mark.usefixtures("interpreter")
@each_step
@each_type
def test_the_bits_in_every_manner(kind: str, form: str, dtype: torch.dtype) -> None:
    stepped_alike(kind, form, dtype, MANNERS)


@pytest.mark.usefixtures("interpreter")
@each_step
def test_what_is_not_a_number_spreads(kind: str, form: str) -> None:
    """Where gradients are trusted, a nan is the coordinate's own, also in a box."""
    for dtype in (torch.float32, torch.bfloat16):
        for ours, theirs in played(Kind(kind, form, boxed=True), dtype, 43, spoilt=True):
            agree(ours, theirs)
        assert ours.x.isnan().sum() == 3


def test_machine_code_lets_it_spread_too() -> None:
    p, q = parameter(40), parameter(40)
    for x, how in ((p, None), (q, False)):
        g = draws(3, 40)
        g[0, 7] = math.nan
        drive(AdaBound([x], box=(-1, 1), check_finite=False, fused=how), x, g)
    assert same(p, q)
    assert p.isnan().nonzero().tolist() == [[7]]


@pytest.mark.usefixtures("interpreter")
def test_bfloat16_is_rounded_to_even() -> None:
    """257 lies between 256 and 258, 259 between 258 and 260; what a GPU writes for no number stays none."""
    ours = SGDM([p := torch.tensor([256.0, 258, 1], dtype=torch.bfloat16, requires_grad=True)], lr=1.0)
    p.grad = -torch.ones_like(p)
    ours.step()
    assert p.tolist() == [256, 260, 2]
    ours.state[p]["m"].view(torch.int32)[2] = 2**31 - 1
    ours.step()
    assert p.isnan().tolist() == [False, False, True]


@pytest.mark.usefixtures("interpreter")
@every
def test_parameters_of_many_kinds(make: Any) -> None:
    """Pairs of reals, other orders of memory, no coordinate at all; what has gaps is stepped by single operations."""
    last = torch.channels_last
    for how, dtype in itertools.product((None, False), (torch.float32, torch.complex64)):
        xs = [parameter(3, 5, dtype=dtype), parameter(0, dtype=dtype), parameter(dtype=dtype)]
        xs += [parameter(2, 3, 4, 5, dtype=dtype).detach().contiguous(memory_format=last).requires_grad_()]
        xs += [parameter(6, 8, dtype=dtype).detach()[:, ::2].requires_grad_()]
        ours = make(xs, lr=0.01, fused=how, weight_decay=0.1)
        for t in range(3):
            for x in xs:
                x.grad = torch.empty_like(x).copy_(draws(1, *x.shape, seed=t, dtype=dtype)[0])
            ours.step()
        if how is None:
            kept, before = ours.state_dict()["state"], [x.detach().resolve_conj() for x in xs]
    for i, x in enumerate(xs):
        assert torch.equal(x, before[i])
        assert all(torch.equal(v, kept[i][name]) for name, v in ours.state[x].items())


@pytest.mark.usefixtures("interpreter")
def test_autograd_sees_that_a_step_was_taken() -> None:
    p = parameter(4)
    loss = (p * p).sum()
    p.grad = draws(1, 4)[0]
    AdaBound([p]).step()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


@pytest.mark.usefixtures("interpreter")
@pytest.mark.parametrize("make", [Adam, AMSGrad, AdaBound])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_state_goes_from_one_way_to_another(make: Any, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel, a CPU's machine code and single operations, each saved and loaded by the next: the bits of one."""
    gradients = draws(12, 37, dtype=dtype)
    lr = torch.tensor(0.01, dtype=torch.float64)
    plain = drive(make([q := parameter(37, dtype=dtype)], lr=lr, fused=False), q, gradients)
    p, kept = parameter(37, dtype=dtype), None
    for t, how in zip(range(0, 12, 3), ("kernel", "cpu", "single", "kernel"), strict=True):
        monkeypatch.setattr(fused, "takes", lambda device, how=how: how == "cpu")
        ours = make([p], lr=lr, fused=False if how == "single" else None)
        if kept:
            ours.load_state_dict(kept)
        drive(ours, p, gradients[t : t + 3])
        kept = saved(ours)
    assert torch.equal(p, plain)


# --- what is refused ------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("interpreter")
def test_nothing_is_updated_on_a_bad_gradient() -> None:
    p, q = parameter(40), parameter(3)
    ours = Adam([p, q])
    p.grad, q.grad = draws(1, 40)[0], draws(1, 3)[0]
    ours.step()
    before = copy.deepcopy((p, q, ours.state_dict()["state"]))
    q.grad[1] = math.nan
    with pytest.raises(Refused, match="parameter 1 in group 0 is not finite; nothing was updated"):
        ours.step()
    assert torch.equal(p, before[0])
    assert torch.equal(q, before[1])
    assert str(ours.state_dict()["state"]) == str(before[2])


def test_where_there_is_no_triton(monkeypatch: pytest.MonkeyPatch) -> None:
    """fused=True says what to install, and otherwise a step is single operations."""
    assert not _triton.unavailable(torch.device("cuda"))
    assert _triton.unavailable(torch.device("mps")) == "triton has no mps of its own"
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    why = _triton.unavailable(torch.device("cuda"))
    assert why == "triton is not installed: pip install 'simlab[triton]'"
    p = torch.ones(2, device="meta", requires_grad=True)
    p.grad = torch.ones_like(p)
    assert not launched.takes(torch.device("cuda"))
    monkeypatch.setattr("simlab.optim.core.unavailable", lambda device: why)
    with pytest.raises(Refused, match=r"is not on the CPU; nothing was updated, .* pip install 'simlab\[triton\]'"):
        Adam([p], fused=True).step()


# --- for a GPU ------------------------------------------------------------------------------------------------------


@each_step
def test_nothing_waits_for_the_device(kind: str, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """On torch's device without memory, asking for a number is an error: of lr, of state, of a parameter."""
    of, there = Kind(kind, form, False, "coupled", True), torch.device("meta")
    calls: list[tuple] = []
    module = SimpleNamespace(step={(1,): lambda *args, **options: calls.append(args)})
    monkeypatch.setattr(_triton, "compiled", lambda text, interpreted: module)
    job, given = fresh(of, torch.float32, 40), numbers(of)._replace(alpha=torch.tensor(0.01, device=there))
    job = Job(job.x.to(there), job.g.to(there), job.kept)
    for _ in range(3):
        launched.move(of, given, [job, job])
    assert len(calls) == 6
    assert all(a.device == there for call in calls for a in call if isinstance(a, torch.Tensor))
    assert [call[1:3] for call in calls] == [(t, 40) for t in range(1, 7)]


@pytest.mark.parametrize(
    ("kind", "form", "dtype"),
    [
        ("adam", "released", torch.float32),
        ("adabound", "released", torch.bfloat16),
        ("amsbound", "paper", torch.float16),
        ("momentum", "paper", torch.float64),
    ],
)
def test_the_code_for_an_h100_rounds_as_a_cpu(kind: str, form: str, dtype: torch.dtype) -> None:
    """Compiled for compute capability 9.0, which needs no GPU: roots and quotients to nearest, nothing contracted,
    nothing approximate, no subnormal number flushed; places in memory have 64 bits."""
    code = launched.assemble(Kind(kind, form, False, "coupled", True), dtype, 90).asm["ptx"]
    wide = "f32" if width(kind, form, dtype) == torch.float32 else "f64"
    for expected in (f"add.rn.{wide}", f"mul.rn.{wide}", f"sub.rn.{wide}"):
        assert expected in code
    if kind != "momentum":
        assert f"sqrt.rn.{wide}" in code
        assert f"div.rn.{wide}" in code
    assert not re.search(r"\bfma|\bmad\.\w*\.?f|\.ftz|\.approx|\.full", code)
    program = re.search(r"(%r\d+), %ctaid.x", code)[1]
    users = {line.split()[0] for line in code.splitlines() if re.search(rf"{program}\b(?!>)", line)}
    assert {user for user in users if user.startswith(("mul", "mad", "shl"))} == {"mul.wide.u32"}


on_a_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU that torch can use here")


@pytest.mark.gpu
@on_a_gpu
@pytest.mark.parametrize("way", [launched.move, on_tensors], ids=["kernel", "single operations"])
@each_step
@each_type
def test_the_bits_on_a_gpu(kind: str, form: str, dtype: torch.dtype, way: Any) -> None:
    """Those of single operations on a CPU."""
    for manner in MANNERS:
        for ours, theirs in played(Kind(kind, form, *manner), dtype, 5003, device="cuda", way=way):
            agree(ours, theirs)


@pytest.mark.gpu
@on_a_gpu
def test_more_coordinates_than_32_bits_count() -> None:
    n, tail = 2**31 + 1000, 2000
    if torch.cuda.mem_get_info()[0] < 5 * 4 * n:
        pytest.skip("the GPU has too little memory free")
    of, half = Kind("momentum", "released"), torch.float16
    x, g = torch.zeros(n, dtype=half, device="cuda"), torch.zeros(n, dtype=half, device="cuda")
    g[-tail:] = draws(1, tail, dtype=half)[0]
    small = fresh(of, half, tail)
    small.x.zero_()
    small.g.copy_(g[-tail:])
    big = Job(x, g, dict(small.kept))
    launched.move(of, numbers(of), [big])
    on_tensors(of, numbers(of), [small])
    assert same(big.x[-tail:], small.x)
    assert not big.x[:-tail].any()


@pytest.mark.gpu
@on_a_gpu
def test_the_speed_on_a_gpu() -> None:
    """A step of Adam takes the device no longer than torch's fused one, and at most 10/9 of a copy of as many bytes."""
    n = 10**7

    def milliseconds(act: Any) -> float:
        """Of the device alone: it sleeps until the host has said all that it is to do."""
        start, stop = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        taken = []
        for _ in range(20):
            torch.cuda._sleep(20_000_000)
            start.record()
            for _ in range(5):
                act()
            stop.record()
            stop.synchronize()
            taken.append(start.elapsed_time(stop) / 5)
        return min(taken)

    steps = {}
    for name, make in (
        ("ours", lambda p: Adam(p, fused=True, check_finite=False)),
        ("torch", lambda p: torch.optim.Adam(p, fused=True)),
    ):
        p = draws(1, n, dtype=torch.float32)[0].cuda().requires_grad_()
        p.grad = torch.ones_like(p)
        steps[name] = milliseconds(make([p]).step)
    moved = torch.zeros(7 * n // 2, device="cuda")  # four arrays are read and three are written
    copy_to = torch.empty_like(moved)
    steps["copy"] = milliseconds(lambda: copy_to.copy_(moved))
    print(torch.cuda.get_device_name(), {name: f"{taken:.4f} ms" for name, taken in steps.items()})
    assert steps["copy"] >= 0.9 * steps["ours"]
    assert steps["ours"] <= steps["torch"]
