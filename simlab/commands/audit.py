"""`simlab audit`: a regret bound along one run, its hypotheses, and the step of its proof that breaks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click
import numpy as np

from simlab.console import app, command_line, json_option, progress_bar, say, settings


@app.command()
@click.option("--rule", required=True, help="A rule's name.")
@click.option("--problem", required=True, help="A problem's name.")
@click.option("--bound", required=True, help="A regret bound's name; simlab list bounds shows them.")
@click.option("--set", "pairs", multiple=True, metavar="NAME=VALUE", help="A hyperparameter or constant, read exactly.")
@click.option("--x0", help="The first decision: a number, or numbers separated by commas.")
@click.option("--rounds", default="1000", show_default=True, help="The horizon T.")
@json_option
def audit(
    rule: str, problem: str, bound: str, pairs: Sequence[str], x0: str | None, rounds: str, as_json: bool
) -> None:
    """Evaluate a regret bound along one run.

    With its hypotheses and the ledger of its proof. Exit code 1 if it is violated.
    """
    from simlab import exact
    from simlab.audit import ROUNDING
    from simlab.audit import audit as examine
    from simlab.trajectory import plain

    horizon = exact.integer(rounds, "rounds")
    found = examine(rule, problem, bound, settings(pairs), x0, horizon, progress_bar(horizon))
    theorem, at, ratio = found.bound, found.first_violation, found.ratio
    most = int(np.argmax(ratio))
    payload: dict[str, Any] = {
        "rule": found.run.rule,
        "problem": found.run.problem,
        "bound_name": theorem.name,
        "status": theorem.status,
        "rounds": horizon,
        "violated": at is not None,
        "first_violation": at,
        "refuted": found.refuted,
        "regret": plain(found.regret[-1]),
        "bound": plain(found.curve[-1]),
        "ratio": plain(ratio[-1]),
        "largest_ratio": {"round": most + 1, "ratio": plain(ratio[most])},
        "hypotheses": [{"name": n, "holds": r is None, "first_failure": r} for n, r in found.failed.items()],
        "broken_step": found.broken_step,
        "ledger": {
            "round": found.at,
            "rows": [
                {"name": r.name, "left": plain(r.left), "right": plain(r.right), "slack": plain(r.slack)}
                for r in found.rows
            ],
        },
        "grade": found.grade,
        "provenance": {**found.run.provenance, "command": command_line()},
    }

    def text() -> str:
        lines = [
            f"{theorem.name} along {found.run.rule} on {found.run.problem}, {horizon} rounds",
            f"  the theorem       {theorem.status}",
            f"  R_T, bound        {found.regret[-1]:.15g}, {found.curve[-1]:.15g}",
            f"  largest ratio     {ratio[most]:.6g} at T = {most + 1}",
            f"  first violation   {'none' if at is None else f'T = {at} ({found.grade})'}",
        ]
        if found.refuted:
            lines.append(f"  refuted           the bound is passed in floats at T = {found.refuted}, and not in balls")
        for name, failure in found.failed.items():
            lines.append(f"  supposes          {name}: {'holds' if failure is None else f'fails in round {failure}'}")
        lines += ["", f"  the proof at T = {found.at}", f"    {'':<24}{'left':>16}{'right':>16}{'right - left':>16}"]
        scale = max(abs(float(v)) for r in found.rows for v in (r.left, r.right))
        for row in found.rows:
            mark = "   breaks" if row.name == found.broken_step else ""
            slack = float(row.slack)
            slack = 0.0 if abs(slack) <= ROUNDING * scale else slack  # an equality, but for roundings
            lines.append(f"    {row.name:<24}{float(row.left):>16.8g}{float(row.right):>16.8g}{slack:>16.8g}{mark}")
        return "\n".join(lines)

    say(as_json, payload, text)
    if payload["violated"]:
        raise click.exceptions.Exit(1)
