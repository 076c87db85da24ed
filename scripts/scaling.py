"""What a sweep costs against its cells and its rounds, over three decades of each, and what a large one would cost.

    python scripts/scaling.py [--quick] [--out docs/sweeps_scaling.png]

A sweep of n cells of T rounds costs fixed + n (each + T round) seconds of one core, in CPU time on one thread (so that
other work on the machine counts little), store and files included. Against cells it is less that of one cell; against
rounds, where many cells are played side by side, less that of one round. log(cost) = a + exponent log(n or T) is fitted
by least squares. Of `each`, the command itself spends `alone`, which no second worker shares: what the
same sweep costs again, when all its cells are there.

    a sweep on m machines of k cores takes max(n (each + T round) / (m k), n alone)                 computed
"""

from __future__ import annotations

import argparse
import platform
import resource
import tempfile
import time
from pathlib import Path

import numpy as np

from simlab.blocks import cores
from simlab.files import check_writable, whole
from simlab.online import duration
from simlab.sweeps.run import run
from simlab.sweeps.specification import Sweep, read

PROBLEM = 'rule = "adam_analysed"\nproblem = "reddi2018_periodic"\n'
TOTAL = 10**12  # cell-rounds of the large sweep
HORIZONS = (10**5, 10**6, 10**7)  # of its cells
MACHINES = (1, 10, 100)
CELLS = 1000  # of the sweeps that are measured against rounds
REPEATS, SMALL = 7, 2.0  # of a cost below so many seconds


def specified(folder: str, cells: int, rounds: int) -> Sweep:
    axis = f"beta2 = {{ linspace = ['1/10', '9/10'], count = {cells} }}" if cells > 1 else "beta2 = [0.5]"
    spec = Path(folder, "spec.toml")
    spec.write_text(f"{PROBLEM}rounds = {rounds}\n[axes]\n{axis}\n")
    return read(spec)


def of_sweep(cells: int, rounds: int) -> tuple[float, float]:
    """CPU seconds of a sweep, from its specification to its files; and of the same again."""
    with tempfile.TemporaryDirectory() as folder:
        at = [time.process_time()]
        for _ in range(2):
            sweep, out = specified(folder, cells, rounds), Path(folder, "out")
            run(sweep, out, workers=1, executor="threads", yes=True, tell=lambda message: None)
            at.append(time.process_time())
        return at[1] - at[0], at[2] - at[1]


def least(cells: int, rounds: int) -> tuple[float, float]:
    """The least of several such costs, where they are small: what else the machine does only adds to them."""
    found = [of_sweep(cells, rounds)]
    while len(found) < REPEATS and found[0][0] < SMALL:
        found.append(of_sweep(cells, rounds))
    first, again = zip(*found, strict=True)
    return min(first), min(again)


def exponent(sizes: list[int], rest: np.ndarray) -> float:
    """The slope of log(rest) against log(size)."""
    return float(np.polyfit(np.log(sizes), np.log(rest), 1)[0])


def draw(path: Path, series: list[tuple[str, list[int], np.ndarray, float]]) -> None:
    """Cost against size, a panel each."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 2.8), layout="constrained")
    for axes, (words, sizes, rest, slope) in zip(figure.subplots(1, len(series)), series, strict=True):
        axes.loglog(sizes, rest, "o", color="black", markersize=4)
        axes.loglog(sizes, np.exp(np.polyval(np.polyfit(np.log(sizes), np.log(rest), 1), np.log(sizes))), lw=0.8)
        axes.set_xlabel(words)
        axes.set_ylabel("CPU time (s)")
        axes.set_title(f"exponent {slope:.3f}", fontsize=9)
    whole(path, lambda temporary: figure.savefig(temporary, dpi=150, metadata={"Software": None}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="two decades of each")
    parser.add_argument("--out", default="docs/sweeps_scaling.png")
    given = parser.parse_args()
    out, decades = check_writable(given.out), 2 if given.quick else 3

    of_sweep(2, 10)  # imports, and the kernel
    fixed, idle = least(1, 1)
    counts = np.unique(np.round(np.geomspace(10**3, 10 ** (decades + 3), 2 * decades + 1)).astype(int)).tolist()
    rounds = np.round(np.geomspace(10**5, 10 ** (decades + 5), 2 * decades + 1)).astype(int).tolist()
    costs = [least(n, 100) for n in counts]
    by_cells = np.array([first - fixed for first, _ in costs])
    by_rounds = np.array([least(CELLS, t)[0] for t in rounds]) - least(CELLS, 1)[0]
    alone = (costs[-1][1] - idle) / counts[-1]
    slopes = exponent(counts, by_cells), exponent(rounds, by_rounds)
    each, a_round = float(by_cells[-1] / counts[-1]), float(by_rounds[-1] / rounds[-1] / CELLS)
    draw(
        out,
        [
            ("cells of 100 rounds", counts, by_cells, slopes[0]),
            (f"rounds of {CELLS:,} cells", rounds, by_rounds, slopes[1]),
        ],
    )

    print(f"{platform.processor() or platform.machine()}, {cores()} cores; {PROBLEM.split(chr(34))[1]} in doubles")
    print(f"fixed {fixed:.2g} s; a cell {each * 1e3:.3g} ms, {alone * 1e3:.2g} ms of it in the command;", end=" ")
    print(f"a round {a_round * 1e9:.3g} ns (CPU time of one core)")
    print(f"exponent in cells {slopes[0]:.3f} ({counts[0]:,} to {counts[-1]:,}), in rounds {slopes[1]:.3f}", end=" ")
    print(f"({rounds[0]:,} to {rounds[-1]:,})")
    print(f"most memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB")
    print(f"\n| {TOTAL:.0e} cell-rounds as | CPU time |", " | ".join(f"{m} x {cores()} cores" for m in MACHINES), "|")
    print("| --- " * (2 + len(MACHINES)) + "|")
    for horizon in HORIZONS:
        work = TOTAL * a_round + TOTAL / horizon * each
        times = [duration(max(work / (m * cores()), TOTAL / horizon * alone)) for m in MACHINES]
        print(f"| {TOTAL // horizon:,} cells of {horizon:,} rounds | {duration(work)} |", " | ".join(times), "|")


if __name__ == "__main__":
    main()
