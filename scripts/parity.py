"""How many units in the last place is each way to play cells away from the reference? Every rule, both precisions.

    python scripts/parity.py [--rounds 10000] [--interpreted 200] [--together 8] [--device cpu] [--rules adam,sgd]
                             [--out docs/parity.md]

The reference is the plain loop of simlab.cells on NumPy columns, whose cells are single runs to the last bit. Compared
are x, rate, direction, loss and the sum of losses at 20 log-spaced rounds and the last, and the rounds of stops, over
12 cells of `luo2019_periodic` (periods 3, 5, 10, 50; three values of beta2, or of alpha where there is none). Exit
code 1: a number differs.
"""

from __future__ import annotations

import argparse
import math
import os
import platform
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np

import simlab
from simlab import catalog
from simlab.backends import reference
from simlab.cells import SHOWN, CellRecords, Cells
from simlab.files import check_writable, whole
from simlab.gather import Column, gather

CELLS, KEPT = 12, 20
FIELDS = (*SHOWN, "x_last", "total_last", "error_last")
PRECISIONS = {"float64": False, "float32": True}


def cells(rule: str, rounds: int, single: bool) -> Cells:
    """The batch of one row of the table."""
    own = ["beta2", ["0.5", "0.9", "0.99"]] if "beta2" in simlab.rules[rule].hyper else ["alpha", ["0.1", "1/7", "3"]]
    at = np.arange(CELLS)
    settings = {
        "rule": Column([rule], 0 * at),
        "problem": Column(["luo2019_periodic"], 0 * at),
        "rounds": Column([rounds], 0 * at),
        "C": Column(["3", "5", "10", "50"], at // 3),
        own[0]: Column(own[1], at % 3),
    }
    return gather(settings, CELLS, KEPT, single)[0][0]


@cache
def wanted(rule: str, rounds: int, single: bool) -> CellRecords:
    """What the reference makes of a batch."""
    return reference.run_cells(cells(rule, rounds, single))


def distance(found: CellRecords, known: CellRecords, single: bool) -> float:
    """The largest difference in ulps of the precision; infinite where one is no number or the stops differ."""
    stops = np.array_equal(found.stopped, known.stopped) and np.array_equal(found.underflow, known.underflow)
    worst = 0.0 if stops else math.inf
    for name in FIELDS:
        a, b = getattr(found, name), getattr(known, name)
        differ = ~((a == b) | (np.isnan(a) & np.isnan(b)))
        if differ.any():
            a, b = a[differ], b[differ]
            unit = np.spacing(np.abs(b).astype(np.float32 if single else np.float64))
            away = np.abs(a - b) / unit
            worst = max(worst, float(np.where(np.isfinite(away), away, np.inf).max()))
    return worst


def interpreted(batch: Cells) -> CellRecords:
    """In Triton's interpreter, which Triton has to be asked for in the environment."""
    os.environ["TRITON_INTERPRET"] = "1"
    try:
        return catalog.backend("torch").run_cells(batch, how="triton")
    finally:
        del os.environ["TRITON_INTERPRET"]


def ways(device: str, few: int, rounds: int) -> dict[str, tuple[int, Callable[[Cells], CellRecords]]]:
    """By name: the rounds that are played and what plays them."""
    torch = catalog.backend("torch")

    def on_torch(how: str) -> tuple[int, Callable[[Cells], CellRecords]]:
        return rounds, lambda batch: torch.run_cells(batch, device=device, how=how)

    if device != "cpu":
        return {f"torch eager, {device}": on_torch("eager"), f"triton kernel, {device}": on_torch("triton")}
    return {
        "numba lanes": (rounds, catalog.backend("numba").run_cells),
        "torch eager": on_torch("eager"),
        "torch.compile": on_torch("compile"),
        "triton interpreter": (few, interpreted),
    }


def machine(device: str) -> list[str]:
    """What the numbers depend on."""
    import torch

    lines = [f"Python {platform.python_version()}, numpy {np.__version__}, torch {torch.__version__}"]
    try:
        import triton

        lines.append(f"triton {triton.__version__}")
    except ModuleNotFoundError:
        pass
    if device.startswith("cuda"):
        name, capability = torch.cuda.get_device_name(device), torch.cuda.get_device_capability(device)
        lines.append(f"{name}, compute capability {capability[0]}.{capability[1]}, CUDA {torch.version.cuda}")
    else:
        lines.append(f"{platform.machine()}, {torch.backends.cpu.get_cpu_capability()}")
    return lines


def shown(ulps: float) -> str:
    return "differs" if math.isinf(ulps) else f"{ulps:.3g}"


WHY = """
Why the bits agree: a rule says only operations that IEEE 754 rounds to nearest (+ - * / sqrt min max), each machinery
does each of them once and in the same order, no multiplication and addition are fused, subnormal numbers are kept, and
schedules of t are doubles everywhere. torch's own eager square root on a CPU and its division of a number by a tensor
are not rounded to nearest; `simlab/backends/torch.py` replaces them. inductor compiles for the CPU with contraction and
unsafe mathematics off, and its vectors' square roots and quotients are the processor's.

Where bits may differ, and by what:

* `exp` and `log1p` (logistic regression) are not correctly rounded by anyone. On the CPU every path calls the C
  library, one number at a time, and agrees. A GPU has its own; such problems are played by eager calls, and no kernel
  is made of them.
* A problem in float32 that computes with the integer phase itself (`t * x`) is double where NumPy's integers meet
  float32, and float32 where torch's do. No problem here does: phases choose, and integers met are exact in both.
* `mps` has no float64, in which schedules are computed whatever the precision of the run, so it is refused.
* torch.compile on CUDA fuses and approximates unless told not to. The graph is compiled with torch's settings against
  it, but on CUDA the kernel is what runs, and only what it cannot play falls to eager calls.

On a machine with a GPU:

    python scripts/parity.py --device cuda --out docs/parity_cuda.md
    python -m pytest -m gpu tests/simlab/test_torch_cells.py

Without one, `tests/simlab/test_triton.py` compiles the kernel for compute capability 9.0 and reads its instructions:
sqrt.rn, div.rn, add.rn and mul.rn, no fma, no flush to zero, nothing approximate.
"""


def report(table: dict[str, dict[str, float]], rules: int, rounds: dict[str, int], command: str, device: str) -> str:
    """The page of a table, which is to have so many rules."""
    names = list(next(iter(table.values())))
    zero = sum(v == 0 for row in table.values() for v in row.values())
    every = sum(len(row) for row in table.values())
    played = "; ".join(f"{name}: {count} rounds" for name, count in rounds.items())
    lines = ["# Parity: units in the last place against the reference", "", f"    {command}", ""]
    lines += [f"{'; '.join(machine(device))}. {zero} of {every} are 0. {played}.", ""]
    if len(table) < rules:
        lines += [f"The table was cut off after {len(table)} of {rules} rules; the command makes it whole.", ""]
    lines += ["| rule | " + " | ".join(names) + " |", "| --- |" + " ---: |" * len(names)]
    lines += [f"| {rule} | " + " | ".join(shown(v) for v in row.values()) + " |" for rule, row in table.items()]
    return "\n".join(lines) + "\n" + WHY


def main() -> int:
    parser = argparse.ArgumentParser(description="The distance of every path from the reference, in ulps.")
    parser.add_argument("--rounds", type=int, default=10_000)
    parser.add_argument("--interpreted", type=int, default=200, help="rounds in Triton's interpreter, which is slow")
    parser.add_argument("--together", type=int, default=8, help="rounds in a graph of torch.compile")
    parser.add_argument("--device", default="cpu", help="cpu, or a device of torch such as cuda")
    parser.add_argument("--rules", help="comma-separated; all unless given")
    parser.add_argument("--out", type=Path, help="write the page there instead of printing it")
    given = parser.parse_args()
    if given.out:
        check_writable(given.out)
    if given.device == "cpu":
        from simlab.backends import _compiled

        _compiled.TOGETHER = given.together
    rules = given.rules.split(",") if given.rules else list(simlab.rules)
    paths = ways(given.device, given.interpreted, given.rounds)
    command = "python scripts/parity.py " + " ".join(sys.argv[1:])
    played = {name: rounds for name, (rounds, _) in paths.items()}
    table: dict[str, dict[str, float]] = {}
    for rule in rules:
        row: dict[str, float] = {}
        for way, (rounds, play) in paths.items():
            for precision, single in PRECISIONS.items():
                row[f"{way}, {precision}"] = distance(
                    play(cells(rule, rounds, single)), wanted(rule, rounds, single), single
                )
        print(rule, *(shown(v) for v in row.values()), file=sys.stderr, flush=True)
        table[rule] = row
        text = report(table, len(rules), played, command.strip(), given.device)
        if given.out:  # after each rule, since all of them take long
            whole(given.out, lambda file, text=text: Path(file).write_text(text, encoding="utf-8"))
    if not given.out:
        print(text)
    return int(any(v for row in table.values() for v in row.values()))


if __name__ == "__main__":
    sys.exit(main())
