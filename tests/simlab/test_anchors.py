"""Anchors from independent sources: torch.optim, and every rule again in mpmath from the sums that define it.

An error in the operations would be shared by all backends, so agreement among them is not correctness; here nothing of
simlab computes what a run is compared with. The twins take no recursion from a rule: averages are sums over all past
gradients, and bias corrections are 1 - beta^t. (No postponed annotations: rules are declared below.)
"""

from fractions import Fraction as Q
from itertools import pairwise

import mpmath
import numpy as np
import pytest
import torch
from flint import arb, ctx

import simlab
from simlab.ops import divide, ema, maximum, sqrt
from simlab.rule import NonNegative, Step, Weight

# --- mpmath -----------------------------------------------------------------------------------------------------------

mp = mpmath.MPContext()
mp.dps = 60


def exact(x):
    """The number of 60 digits nearest to a fraction."""
    x = Q(x)
    return mp.mpf(x.numerator) / x.denominator


def average(values, beta):
    """(1 - beta) sum_{s<=t} beta^(t-s) values_s"""
    return (1 - beta) * mp.fsum(beta ** (len(values) - 1 - i) * v for i, v in enumerate(values))


def squares(g):
    return [v * v for v in g]


def largest_average(values, beta):
    return max(average(values[: s + 1], beta) for s in range(len(values)))


def clipped(x, alpha_star, gamma, t):
    return min(max(x, alpha_star * (1 - 1 / (gamma * t + 1))), alpha_star * (1 + 1 / (gamma * t)))


# twin(g_1..g_t, alpha, the defaults of the interface) -> (direction m_t, rate eta_t with its schedule)
B1, B2, EPS, END, SLOW, B3, B4 = map(exact, ("0.9", "0.999", "1e-8", "0.1", "0.001", "0.9999", "0.99"))
DELTA = exact("0.01")


def sgd(g, alpha):
    return g[-1], alpha / mp.sqrt(len(g))


def momentum(g, alpha, beta1=B1, dampening=0):
    return (1 - dampening) * mp.fsum(beta1 ** (len(g) - 1 - i) * v for i, v in enumerate(g)), alpha / mp.sqrt(len(g))


def adagrad(g, alpha):
    return g[-1], alpha / mp.sqrt(mp.fsum(squares(g)))


def rmsprop(g, alpha, beta2=B2):
    return g[-1], alpha / mp.sqrt(len(g) * average(squares(g), beta2))


def adam_analysed(g, alpha, beta1=B1, beta2=B2):
    return average(g, beta1), alpha / mp.sqrt(len(g) * average(squares(g), beta2))


def adam(g, alpha, beta1=B1, beta2=B2, epsilon=EPS):
    t = len(g)
    vhat = average(squares(g), beta2) / (1 - beta2**t)
    return average(g, beta1) / (1 - beta1**t), alpha / (mp.sqrt(vhat) + epsilon)


def amsgrad(g, alpha, beta1=B1, beta2=B2):
    return average(g, beta1), alpha / mp.sqrt(len(g) * largest_average(squares(g), beta2))


def _bounded(g, alpha, v, beta1, beta2, alpha_star, gamma):
    gamma = 1 - beta2 if gamma is None else gamma
    return average(g, beta1), clipped(alpha / mp.sqrt(v), alpha_star, gamma, len(g)) / mp.sqrt(len(g))


def adabound(g, alpha, beta1=B1, beta2=B2, alpha_star=END, gamma=None):
    return _bounded(g, alpha, average(squares(g), beta2), beta1, beta2, alpha_star, gamma)


def amsbound(g, alpha, beta1=B1, beta2=B2, alpha_star=END, gamma=None):
    return _bounded(g, alpha, largest_average(squares(g), beta2), beta1, beta2, alpha_star, gamma)


def _released(g, alpha, v, beta1, beta2, alpha_star, gamma, epsilon):
    t = len(g)
    size = alpha * mp.sqrt(1 - beta2**t) / (1 - beta1**t)
    return average(g, beta1), clipped(size / (mp.sqrt(v) + epsilon), alpha_star, gamma, t)


def adabound_released(g, alpha, beta1=B1, beta2=B2, alpha_star=END, gamma=SLOW, epsilon=EPS):
    return _released(g, alpha, average(squares(g), beta2), beta1, beta2, alpha_star, gamma, epsilon)


def amsbound_released(g, alpha, beta1=B1, beta2=B2, alpha_star=END, gamma=SLOW, epsilon=EPS):
    return _released(g, alpha, largest_average(squares(g), beta2), beta1, beta2, alpha_star, gamma, epsilon)


def nadam(g, alpha, beta1=B1, beta2=B2):
    return beta1 * average(g, beta1) + (1 - beta1) * g[-1], alpha / mp.sqrt(len(g) * average(squares(g), beta2))


def adamax(g, alpha, beta1=B1, beta2=B2):
    largest = max(beta2**i * abs(v) for i, v in enumerate(reversed(g)))
    return average(g, beta1), alpha / (mp.sqrt(len(g)) * largest)


def adabelief(g, alpha, beta1=B1, beta2=B2):
    surprise = [v - average(g[: s + 1], beta1) for s, v in enumerate(g)]
    return average(g, beta1), alpha / mp.sqrt(len(g) * average(squares(surprise), beta2))


def adopt(g, alpha, beta1=B1, beta2=B3, epsilon=0):
    def before(s):  # v_s from v_1 = g_1^2
        return beta2 ** (s - 1) * g[0] ** 2 + (average([0, *squares(g[1:s])], beta2) if s > 1 else 0)

    scaled = [0, *(v / max(mp.sqrt(before(s)), epsilon) for s, v in enumerate(g) if s)]
    return average(scaled, beta1), alpha / mp.sqrt(len(g))


def signsgd(g, alpha):
    return mp.sign(g[-1]), alpha / mp.sqrt(len(g))


def lion(g, alpha, beta1=B1, beta2=B4):
    past = average(g[:-1], beta2) if len(g) > 1 else 0
    return mp.sign(beta1 * past + (1 - beta1) * g[-1]), alpha / mp.sqrt(len(g))


def adamx(g, alpha, beta1=B1, beta2=B2):
    return amsgrad(g, alpha, beta1, beta2)  # while beta1 is constant; a schedule is below


def adamnc(g, alpha, beta1=B1):
    return average(g, beta1), alpha / mp.sqrt(mp.fsum(squares(g)))


def padam(g, alpha, beta1=B1, beta2=B2):
    return average(g, beta1), alpha / (mp.sqrt(len(g)) * largest_average(squares(g), beta2) ** mp.mpf("0.125"))


def sc_adagrad(g, alpha, delta=DELTA):
    return g[-1], alpha / (mp.fsum(squares(g)) + delta)


def sadam(g, alpha, beta1=B1, gamma=B1, delta=DELTA):
    weights = [gamma / s * mp.fprod(1 - gamma / r for r in range(s + 1, len(g) + 1)) for s in range(1, len(g) + 1)]
    v = mp.fsum(w * q for w, q in zip(weights, squares(g), strict=True))
    return average(g, beta1), alpha / (len(g) * v + delta)


CHANGED = {
    "alpha": "2/7",
    "beta1": "3/5",
    "beta2": "7/10",
    "dampening": "1/4",
    "epsilon": "1/50",
    "delta": "1/30",
    "alpha_star": "1/5",
    "gamma": "1/3",
}
PROBLEMS = {  # hyper, F, the gradient
    "reddi2018_periodic": ({"C": "5/2"}, (-1, 1), lambda t, x: exact("5/2") if t % 3 == 1 else mp.mpf(-1)),
    "quadratic": (
        {"curvature": 3, "center": "5/3", "lower": -2, "upper": "3/2"},
        (-2, exact("3/2")),
        lambda t, x: 3 * (x - exact("5/3")),
    ),
}


def distance(ball, number):
    """|ball - number| as a ball that contains it."""
    with ctx.workprec(200):
        return abs(ball - arb(mp.nstr(number, 58)))


@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("changed", [False, True], ids=["defaults", "changed"])
@pytest.mark.parametrize("rule", list(simlab.rules))
def test_rules_against_sums_in_mpmath(rule, changed, problem):
    """x, direction and rate to 45 digits, for every rule that is found; one without a twin here has no anchor yet."""
    assert rule in globals(), f"write {rule} here as its paper has it, in sums over all past gradients"
    twin = globals()[rule]
    known = {n: v for n, v in CHANGED.items() if n == "alpha" or n in simlab.rules[rule].hyper} if changed else {}
    constants, (lower, upper), gradient = PROBLEMS[problem]
    run = simlab.run(rule, problem, hyper={**constants, **known}, x0="1/3", rounds=30, backend="arb", bits=200)
    hyper = {"alpha": exact("0.001"), **{n: exact(v) for n, v in known.items()}}
    x, g = exact("1/3"), []
    for i, (before, after) in enumerate(pairwise([*run.records.x, run.x_last])):
        assert distance(before, x) < 1e-45
        g.append(gradient(i + 1, x))
        direction, rate = twin(g, **hyper)
        assert distance(run.records.direction[i], direction) < 1e-45
        assert distance(run.records.rate[i], rate) < 1e-45
        x = min(max(x - rate * direction, lower), upper)
        assert distance(after, x) < 1e-45


def test_adamx_under_a_beta1_that_falls():
    """beta1_t = beta1/t: x from the recursion as it is printed, which divides by 1 - beta1_{t-1}."""
    hyper = {"alpha": "1/5", "beta1": "3/5", "beta2": "7/10", "beta1_schedule": "inv"}
    run = simlab.run("adamx", "reddi2018_periodic", hyper=hyper, x0="1/3", rounds=30, backend="arb", bits=200)
    x, m, v, vhat, before = exact("1/3"), 0, 0, 0, 1
    for i, decision in enumerate([*run.records.x[1:], run.x_last], 1):
        g, beta1, beta2 = mp.mpf(3 if i % 3 == 1 else -1), exact("3/5") / i, exact("7/10")
        m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g * g
        vhat, before = max(((1 - beta1) / before) ** 2 * vhat, v), 1 - beta1
        x = min(max(x - exact("1/5") * m / mp.sqrt(i * vhat), -1), 1)
        assert distance(decision, x) < 1e-45


# --- torch.optim ------------------------------------------------------------------------------------------------------

CURVATURE, CENTER, START = (1, 10, Q(1, 2)), (1, -2, Q(1, 3)), (Q(1, 4), 1, -1)


def quadratic_run(make, rounds):
    """The decisions of a torch optimizer on the diagonal quadratic, gradients by autograd."""
    h, c, x = (torch.tensor([float(v) for v in vector], dtype=torch.float64) for vector in (CURVATURE, CENTER, START))
    x.requires_grad_()
    optimizer, rows = make([x]), []
    for _ in range(rounds):
        rows.append(x.detach().numpy().copy())
        optimizer.zero_grad()
        (h * (x - c) ** 2 / 2).sum().backward()
        optimizer.step()
    return np.array(rows)


def periodic_run(make, rounds):
    """The decisions of a torch optimizer on 3x, -x, -x, ..., kept in [-1, 1]."""
    x = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)
    optimizer, rows = make([x]), []
    for t in range(1, rounds + 1):
        rows.append(x.item())
        optimizer.zero_grad()
        ((3 if t % 3 == 1 else -1) * x).backward()
        optimizer.step()
        with torch.no_grad():
            x.clamp_(-1, 1)
    return np.array(rows)


def dampened(parameters):
    """torch.optim.SGD with dampening, from a zero buffer: torch itself sets m_1 = g_1 whatever the dampening."""
    optimizer = torch.optim.SGD(parameters, lr=0.05, momentum=0.8, dampening=0.3)
    for p in parameters:
        optimizer.state[p]["momentum_buffer"] = torch.zeros_like(p)
    return optimizer


PAIRS = [  # our rule, its hyperparameters, torch's
    ("sgd", {"alpha": "0.05"}, lambda p: torch.optim.SGD(p, lr=0.05)),
    ("momentum", {"alpha": "0.05", "beta1": "0.8"}, lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.8)),
    ("momentum", {"alpha": "0.05", "beta1": "0.8", "dampening": "0.3"}, dampened),
    ("adagrad", {"alpha": "0.1"}, lambda p: torch.optim.Adagrad(p, lr=0.1, eps=0)),
    ("rmsprop", {"alpha": "0.01", "beta2": "0.95"}, lambda p: torch.optim.RMSprop(p, lr=0.01, alpha=0.95, eps=0)),
    ("adam", {"alpha": "0.01"}, lambda p: torch.optim.Adam(p, lr=0.01)),
    (
        "adam",
        {"alpha": "0.1", "beta1": "0.5", "beta2": "0.9", "epsilon": "0.01"},
        lambda p: torch.optim.Adam(p, lr=0.1, betas=(0.5, 0.9), eps=0.01),
    ),
]


def ours(rule, hyper, problem):
    """Decisions of a run under a constant schedule, which is torch's."""
    if problem == "quadratic":
        constants, x0 = {"curvature": CURVATURE, "center": CENTER}, START
    else:
        constants, x0 = {"C": 3}, 1
    hyper = {**hyper, **constants, "schedule": "constant"}
    return simlab.run(rule, problem, hyper=hyper, x0=x0, rounds=200, record="all", backend="reference").x


@pytest.mark.parametrize(("rule", "hyper", "make"), PAIRS, ids=lambda v: v if isinstance(v, str) else None)
def test_rules_against_torch(rule, hyper, make):
    """All decisions of 200 rounds to 1e-14, on a quadratic in three dimensions and on the periodic problem."""
    np.testing.assert_allclose(ours(rule, hyper, "quadratic"), quadratic_run(make, 200), rtol=0, atol=1e-14)
    np.testing.assert_allclose(ours(rule, hyper, "reddi2018_periodic"), periodic_run(make, 200), rtol=0, atol=1e-14)


def test_torch_starts_dampened_momentum_from_the_first_gradient():
    """m_1 = g_1 in torch, (1 - dampening) g_1 by the formula, which the rule follows."""
    torchs = quadratic_run(lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.8, dampening=0.3), 2)
    mine = ours("momentum", {"alpha": "0.05", "beta1": "0.8", "dampening": "0.3"}, "quadratic")
    first = mine[1] - mine[0]
    np.testing.assert_allclose(first, 0.7 * (torchs[1] - torchs[0]), rtol=1e-14)


def amsgrad_torch(
    t,
    alpha,
    g,
    m=0,
    v=0,
    vhat=0,
    c1=0,
    c2=0,
    *,
    beta1: Weight = Q("0.9"),
    beta2: Weight = Q("0.999"),
    epsilon: NonNegative = Q("1e-8"),
):
    """AMSGrad as torch has it: the largest uncorrected v_t, then Adam's bias correction; epsilon; a constant step."""
    m = ema(m, g, beta1)
    v = ema(v, g * g, beta2)
    vhat = maximum(vhat, v)
    c1 = ema(c1, 1, beta1)
    c2 = ema(c2, 1, beta2)
    rate = divide(alpha, divide(sqrt(vhat), sqrt(c2)) + epsilon)
    return Step(direction=divide(m, c1), rate=rate), (m, v, vhat, c1, c2)


def test_torchs_amsgrad_is_another_algorithm():
    """It equals the form above, and its first step is alpha where the paper's is alpha (1 - beta1)/sqrt(1 - beta2)."""

    def make(p):
        return torch.optim.Adam(p, lr=0.01, amsgrad=True)

    hyper = {"alpha": "0.01"}
    for problem, torchs in (("quadratic", quadratic_run(make, 200)), ("reddi2018_periodic", periodic_run(make, 200))):
        np.testing.assert_allclose(ours(amsgrad_torch, hyper, problem), torchs, rtol=0, atol=1e-14)
        assert np.abs(ours("amsgrad", hyper, problem) - torchs).max() > 0.01
    paper = ours("amsgrad", hyper, "reddi2018_periodic")
    assert paper[0] - paper[1] == pytest.approx(0.01 * 0.1 / 0.001**0.5, rel=1e-12)
    assert torchs[0] - torchs[1] == pytest.approx(0.01, rel=1e-7)  # epsilon/C moves the eighth digit


def test_exact_steps_of_gradient_descent():
    """x_t = (1 - alpha h)^(t-1) x_1 on h x^2/2, in exact rationals inside the balls."""
    run = simlab.run(
        "sgd",
        "quadratic",
        hyper={"alpha": "1/7", "curvature": 3, "schedule": "constant"},
        x0="2/3",
        rounds=50,
        backend="arb",
        record="all",
    )
    for t, x in zip(run.records.t, run.records.x, strict=True):
        expected = Q(4, 7) ** (t - 1) * Q(2, 3)
        with ctx.workprec(400):
            assert (x * expected.denominator).contains(expected.numerator)
        assert x.rad() < 1e-20
