"""The main job, end to end: the C-periodic counterexample with every optimizer of the AdaBound paper.

the condition, decided exactly  ->  runs of every rule, with regret against the bounds  ->  figures, in out/
"""

from __future__ import annotations

import sys
import time
from fractions import Fraction
from pathlib import Path

import simlab
from simlab.condition import report
from simlab.history import history
from simlab.plotting import alone, draw

BETA2, PERIOD, ROUNDS = Fraction(9, 10), 50, 20_000
RULES = ("sgd", "adagrad", "rmsprop", "adam_analysed", "amsgrad", "adabound", "amsbound")


def main(out: Path) -> None:
    """Print the condition and the table, and draw every figure into `out`."""
    began = time.perf_counter()
    print(report(BETA2, PERIOD), end="\n\n")
    print(
        f"f_t(x) = -x, 2x, then 0 (period C = {PERIOD}) on [-2, 2], best decision -2; {ROUNDS} rounds, "
        f"beta1 = 0, beta2 = {BETA2}, alpha = alpha_star = 1\n"
    )
    print(f"{'rule':<15} {'x_T+1':>9} {'R_T':>12} {'R_T/T':>9}   bounds on R_T (observed, float64)")
    for rule in RULES:
        known = simlab.rules[rule].hyper
        hyper = {n: v for n, v in {"beta1": 0, "beta2": BETA2, "alpha": 1, "alpha_star": 1}.items() if n in known}
        run = simlab.run(rule, "luo2019_periodic", hyper={"C": PERIOD, **hyper}, rounds=ROUNDS, record="all")
        seen = history(run)
        theorems = [simlab.bounds[b] for b in simlab.bounds if simlab.bounds[b].about(run.plan)]
        shown = [f"{b.name} {b(seen)[-1]:.0f}{' (false)' * bool(b.false)}" for b in theorems]
        print(f"{rule:<15} {run.x_last:>9.5f} {run.regret:>12.4f} {run.average_regret:>9.5f}   {', '.join(shown)}")
    print("\n(false): as it is stated, the theorem is false; simlab show NAME says what refutes it\n")
    for name in alone():
        made = draw(name, out)
        print("\n".join(made["files"]))
    print(f"\n{time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "out"))
