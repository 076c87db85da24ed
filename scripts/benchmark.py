"""How fast the compiled online loop is, beside its peers, in one run.

    python scripts/benchmark.py [--quick] [--rounds N] [--repeats N] [--only PART] [--out FILE]

    loop    one scalar loop of Adam written in every way that people use (benchmark_peers.py), and what recording,
            compensated regret and a whole call of simlab.run cost
    rules   every rule that is found, beside the limit that the processor's divider sets
    start   wall time from the start of a process
    sweep   4096 runs at once, and vector: one long one, beside their limits (benchmark_arrays.py)

Every figure is the least of several repetitions of the processor time of this process; all entries of a table take
turns, so that a busy machine disturbs them alike. Quote ratios, not nanoseconds. A peer that is not installed is
skipped, with the reason. Only the decisions are checked (exit code 1 where they differ), never a time.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import benchmark_arrays as arrays
import benchmark_peers as peers
from benchmark_peers import Case, Skip
from benchmark_tables import text
from benchmark_turns import prepared, say, turns
from llvmlite.binding import get_host_cpu_name

import simlab
from simlab import ops
from simlab.backends import numba, reference
from simlab.errors import BadInput
from simlab.files import check_writable, whole
from simlab.online import make_plan
from simlab.protocol import Plan, bound, online_round
from simlab.provenance import versions

Setting = tuple[str, str, tuple[tuple[str, Any], ...], Any]  # rule, problem, hyperparameters and constants, x0
BUSY = ("adam_analysed", "reddi2018_periodic", (("C", 3), ("beta1", "0.9"), ("beta2", "0.99"), ("alpha", "0.01")), 0)
IDLE = ("adam_analysed", "luo2019_periodic", (("C", 1000), ("beta1", "0"), ("beta2", "0.9"), ("alpha", "0.5")), 1)
AGREE = 1e-9  # peers round differently (bias correction undone, contraction): this is how far their x may be apart
SCALE = {"optax": 4, "python": 200, "numpy": 1000, "reference": 4000, "torch": 10_000}  # slow peers run fewer rounds

Entry = tuple[Callable[[int], Any], int]  # (run this many rounds, rounds of one repetition)


def main() -> int:
    parser = argparse.ArgumentParser(description="Time the compiled online loop beside its peers.")
    parser.add_argument("--quick", action="store_true", help="half a minute: two repetitions of short loops, two rules")
    parser.add_argument("--rounds", type=int, help="rounds of one repetition of a compiled loop (10,000,000)")
    parser.add_argument("--repeats", type=int, help="repetitions (9)")
    parser.add_argument("--only", choices=PARTS, help="one part instead of all")
    parser.add_argument("--out", help="write the JSON to this file, whole or not at all")
    options = parser.parse_args()
    options.rounds = options.rounds or (100_000 if options.quick else 10_000_000)
    options.repeats = options.repeats or (2 if options.quick else 9)
    if options.out:
        try:
            check_writable(options.out)
        except BadInput as error:
            parser.error(str(error))
    report: dict[str, Any] = {"about": about(), "rounds": options.rounds, "repeats": options.repeats}
    for name, part in PARTS.items():
        if options.only in (None, name):
            report[name] = part(options)
    if options.out:
        whole(options.out, lambda path: Path(path).write_text(json.dumps(report, indent=1) + "\n"))
    say("")
    print(text(report))
    return 0 if report.get("loop", {}).get("agree", True) else 1


def about() -> dict[str, str]:
    """The machine, the versions and the compiler that the figures belong to."""
    try:
        compiled_by = peers.compiler()[1]
    except Skip as missing:
        compiled_by = str(missing)
    return {
        "processor": get_host_cpu_name(),
        "cores": str(os.cpu_count()),
        "system": " ".join((platform.system(), *platform.libc_ver())),
        "compiler": compiled_by,
        **versions("numba", "llvmlite", "torch", "jax", "optax"),
    }


# --- timing ---------------------------------------------------------------------------------------------------------


def take_turns(entries: dict[str, Entry], repeats: int, what: str) -> dict[str, dict[str, float]]:
    """{name: least and median processor time a round, in nanoseconds}; the entries take turns."""
    found = turns({name: (partial(run, rounds), rounds) for name, (run, rounds) in entries.items()}, repeats, what)
    return {name: {"least": min(t["cpu"]), "median": statistics.median(t["cpu"])} for name, t in found.items()}


# --- loop -----------------------------------------------------------------------------------------------------------


@cache
def plan(setting: Setting, rounds: int = 1, record: int = 1) -> Plan:
    """The plan of a run; made before the clock starts."""
    return make_plan(*setting[:2], dict(setting[2]), setting[3], rounds, record)[0]


def case(setting: Setting) -> Case:
    """The numbers of a setting's loop as doubles, rounded as our own backends round them."""
    settled = plan(setting)
    alpha, _, (beta1, beta2), data, (lower, upper) = bound(settled, reference.number)
    g = [float(settled.problem.grad(t, 0.0, *data)) for t in (1, 2, 3)]
    return Case(*g, *beta1, *beta2, alpha, lower, upper, reference.number(settled.x0), settled.problem.period)


def backend(module: Any, setting: Setting, record: int = 1) -> Callable[[int], float]:
    """A backend's own loop, without the exact comparator and the provenance that simlab.run adds once a run."""

    return lambda rounds: module.run(plan(setting, rounds, record)).x_last


def without_sum(setting: Setting) -> Callable[[int], float]:
    """Our compiled loop with the sum of the losses taken out: what compensated regret costs is the difference."""
    from simlab import kernels
    from simlab.machine_code import load

    settled = plan(setting)
    hyper, data, region = (numba._kinds(values) for values in bound(settled, reference.number)[2:])
    with mock.patch.object(kernels, "add", kernels.jit(lambda total, error, x: (total, error))):
        play = kernels.native(online_round(settled), {})
        driver = kernels.scalar_driver(play, len(settled.rule.state), (hyper, region, data), periodic=True)
        call = numba._CALL(load(*kernels.build(driver)))
    ours = backend(numba, setting)

    def run(rounds: int) -> float:
        with mock.patch.object(numba, "_kernel", return_value=call):
            return ours(rounds)

    return run


def loop(options: argparse.Namespace) -> dict[str, Any]:
    """The loop of BUSY by every peer, the loop of IDLE by the compiled ones, and what recording and regret cost."""
    c = case(BUSY)
    ours = {"simlab numba, 1 round recorded": lambda: backend(numba, BUSY),
            "simlab numba, 1000 recorded": lambda: backend(numba, BUSY, 1000),
            "simlab numba, no sum of losses": lambda: without_sum(BUSY),
            "simlab reference": lambda: backend(reference, BUSY)}  # fmt: skip
    others = {
        "C -O3 -march=native, no contraction": lambda: peers.c_loop(c),
        "C -O3 -march=native": lambda: peers.c_loop(c, flags=peers.NATIVE),
        "C, no contraction, plain sum": lambda: peers.c_loop(c, "summed"),
        "C, no contraction, compensated sum": lambda: peers.c_loop(c, "compensated"),
        "jax fori_loop, jit": lambda: peers.jax_fori(c), "jax lax.scan, jit": lambda: peers.jax_scan(c),
        "optax + lax.scan, jit": lambda: peers.optax_scan(c), "python floats": lambda: peers.python_loop(c),
        "numpy scalars": lambda: peers.numpy_scalars(c), "torch.optim.Adam": lambda: peers.torch_optim(c),
        "torch.optim.Adam, fused": lambda: peers.torch_optim(c, fused=True),
    }  # fmt: skip
    found = race({**ours, **others}, options, "loop")
    d = case(IDLE)
    idle = race({"simlab numba, 1 round recorded": lambda: backend(numba, IDLE),
                 "C -O3 -march=native, no contraction": lambda: peers.c_loop(d),
                 "jax fori_loop, jit": lambda: peers.jax_fori(d), "python floats": lambda: peers.python_loop(d)},
                options, "idle loop")  # fmt: skip
    return {"setting": BUSY, **found, "idle": {"setting": IDLE, **idle}, "agree": found["agree"] and idle["agree"],
            "call": call_cost(options)}  # fmt: skip


def race(makers: dict[str, Callable[[], peers.Peer]], options: argparse.Namespace, what: str) -> dict[str, Any]:
    """{times, skipped, x of each entry after the same few rounds, whether they agree}."""
    made, skipped = prepared(makers, what)
    slow = {name: next((n for word, n in SCALE.items() if word in name), 1) for name in made}
    entries: dict[str, Entry] = {name: (run, max(1000, options.rounds // slow[name])) for name, run in made.items()}
    x = {name: run(1000) for name, (run, _) in entries.items()}
    exact = x["python floats"]  # the same operations in the same order as ours and as C without contraction
    agree = all(x[n] == exact for n in x if "simlab" in n or "no contraction" in n)
    agree = agree and all(abs(v - exact) <= AGREE for v in x.values())
    return {"times": take_turns(entries, options.repeats, what), "skipped": skipped, "x": x, "agree": agree}


def call_cost(options: argparse.Namespace) -> dict[str, Any]:
    """Milliseconds that simlab.run takes beyond the loop: plan, provenance, exact comparators, regret."""

    def run(record: int, rounds: int) -> None:
        simlab.run(*BUSY[:2], hyper=dict(BUSY[2]), x0=BUSY[3], rounds=1000, record=record).regret  # noqa: B018 computed here

    times = take_turns({str(n): (partial(run, n), 1) for n in (1, 1000)}, options.repeats, "whole calls")
    return {f"record={n}": t["least"] * 1e-6 for n, t in times.items()}


# --- rules ----------------------------------------------------------------------------------------------------------


def roots_and_divisions(setting: Setting) -> tuple[int, int]:
    """How many square roots and divisions the divider does in one round, counted by running that round."""
    counts = {"sqrt": 0, "divide": 0}

    def counting(name: str) -> Callable:
        def operation(*args: Any) -> Any:
            counts[name] += 1
            return getattr(reference, name)(*args)

        return operation

    system = SimpleNamespace(**{name: getattr(reference, name) for name in ops.PRIMITIVES.values()})
    for name in counts:
        setattr(system, name, counting(name))
    settled = plan(setting)
    alpha, decay, hyper, data, region = bound(settled, reference.number)
    state = tuple(float(s) for s in settled.rule.state.values())
    ops.rebind(online_round(settled), system)(1, 1, 1.0, state, 1.0, alpha, decay, hyper, data, region)
    return counts["sqrt"], counts["divide"]


def rules(options: argparse.Namespace) -> dict[str, Any]:
    """Every rule on reddi2018_periodic at its defaults, beside what the divider alone would take."""
    names = ["adam_analysed", "sgd"] if options.quick else list(simlab.rules)
    settings: dict[str, Setting] = {name: (name, "reddi2018_periodic", (("C", 3),), 1) for name in names}
    entries: dict[str, Entry] = {name: (backend(numba, s), options.rounds) for name, s in settings.items()}
    skipped = {}
    try:
        for width, flags in (("one", ("-fno-tree-vectorize",)), ("pair", ("-mprefer-vector-width=128",))):
            for name in ("roots", "quotients"):
                entries[f"{name}, {width}"] = peers.throughput(name, *flags), options.rounds
    except Skip as reason:
        skipped["divider"] = str(reason)
    times = take_turns(entries, options.repeats, "rules")
    divider = {name: t["least"] for name, t in times.items() if name not in settings}
    found = {}
    for name, setting in settings.items():
        root, quotient = roots_and_divisions(setting)
        found[name] = {**times[name], "sqrt": root, "div": quotient}
        for width in ("one", "pair") if not skipped else ():
            found[name][width] = root * divider[f"roots, {width}"] + quotient * divider[f"quotients, {width}"]
    return {"problem": "reddi2018_periodic", "rules": found, "skipped": skipped, "divider": divider}


# --- start ----------------------------------------------------------------------------------------------------------

FIRST = "import simlab; simlab.run({!r}, {!r}, hyper={!r}, x0={!r}, rounds=1000).regret".format(
    *BUSY[:2], dict(BUSY[2]), BUSY[3])  # fmt: skip


def start(options: argparse.Namespace) -> dict[str, Any]:
    """Wall seconds of whole processes: Python alone, `simlab list`, a first compiled result, then a second."""
    skipped = {}
    with tempfile.TemporaryDirectory() as cache:
        environment = {**os.environ, "SIMLAB_CACHE": cache}

        def seconds(*command: str) -> float:
            began = time.perf_counter()
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 ours
            if done.returncode:
                raise Skip(f"exit code {done.returncode}: {(done.stderr.strip().splitlines() or ['no message'])[-1]}")
            return time.perf_counter() - began

        found = {"first result, nothing cached": seconds(sys.executable, "-c", FIRST)}
        commands = {"python alone": (sys.executable, "-c", "pass"),
                    "first result, second process": (sys.executable, "-c", FIRST)}  # fmt: skip
        tool = shutil.which("simlab", path=str(Path(sys.executable).parent)) or shutil.which("simlab")
        if tool:
            commands["simlab list"] = (tool, "list")
        else:
            skipped["simlab list"] = "the command is not installed"
        for i in range(repeats := max(1, options.repeats // 2)):
            say(f"start: repetition {i + 1} of {repeats}")
            for name, command in commands.items():
                try:
                    found[name] = min(found.get(name, float("inf")), seconds(*command))
                except Skip as reason:
                    skipped[name] = str(reason)
    return {"seconds": found, "skipped": skipped}


PARTS: dict[str, Callable[[argparse.Namespace], dict[str, Any]]] = {
    "loop": loop,
    "rules": rules,
    "start": start,
    "sweep": arrays.sweep,
    "vector": arrays.vector,
}


if __name__ == "__main__":
    sys.exit(main())
