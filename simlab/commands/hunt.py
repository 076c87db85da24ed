"""`simlab hunt`: the smallest periodic linear problem found on which a rule goes to the worst decision."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any

import click

from simlab import catalog
from simlab.console import app, command_line, json_option, live, say, settings


@app.command()
@click.option("--rule", required=True, help="A rule's name, or path/to/file.py:name.")
@click.option("--set", "pairs", multiple=True, metavar="NAME=VALUE", help="A hyperparameter, read exactly.")
@click.option("--period", help="The period P; the smallest unless given.")
@click.option("--family", help="Search a family alone, such as reddi, universal, luo, luo_block, burst.")
@click.option("--largest", help="The largest max |g_i| allowed; 10^7 unless given.")
@click.option("--gradients", help="One period to start a local search from, such as 5,-2,-2.")
@json_option
def hunt(
    rule: str,
    pairs: Sequence[str],
    period: str | None,
    family: str | None,
    largest: str | None,
    gradients: str | None,
    as_json: bool,
) -> None:
    """Find the smallest counterexample to a rule.

    Integer gradients, repeated for ever, that lead it to the worst decision.
    """
    from simlab import exact
    from simlab.hunt import hunt as search
    from simlab.hunt import run_lengths, shown
    from simlab.rule import settle
    from simlab.trajectory import plain

    spec = catalog.rule(rule)
    given = {n: exact.rational(v, n) for n, v in settings(pairs).items()}
    hyper = settle(spec.hyper, given, f"rule {spec.name}")
    report = live()
    found = search(
        spec,
        hyper,
        period=None if period is None else exact.integer(period, "period"),
        family=family,
        largest=None if largest is None else exact.integer(largest, "largest"),
        start=None if gradients is None else exact.sequence(gradients),
        report=report,
    )
    made = shown(spec, hyper, found.verdict) if found.verdict and found.gradients else None
    report("")
    if made is not None:
        chosen = {**hyper, "alpha": made["alpha"], "gradients": pattern(made["gradients"]), "schedule": "inv_sqrt"}
        again = [word for n, v in chosen.items() for word in ("--set", f"{n}={v}")]
        made["command"] = shlex.join(
            ["simlab", "run", "--rule", rule, "--problem", "linear_periodic", *again]
            + ["--x0", str(made["x0"]), "--rounds", str(made["rounds"])]
        )
    payload: dict[str, Any] = {
        "rule": spec.name,
        "gradients": None if found.gradients is None else run_lengths(found.gradients),
        "period": None if found.gradients is None else len(found.gradients),
        "drift": plain(found.verdict.orbit.drift) if found.verdict else None,
        "grade": found.grade,
        "how": found.how,
        "run": made,
        "hyper": {n: str(v) for n, v in hyper.items()},
        "command": command_line(),
    }

    def text() -> str:
        if not found.gradients or not found.verdict:
            return f"{spec.name}: no counterexample\n  how      {found.how}\n  grade    {found.grade}"
        lines = [
            f"{spec.name}, period {len(found.gradients)}: {pattern(run_lengths(found.gradients))}",
            f"  drift    {found.verdict.orbit.drift.str(12)} times alpha s(t) a period, G = {sum(found.gradients)}",
            f"  grade    {found.grade}",
            f"  how      {found.how}",
        ]
        if made is None:
            return "\n".join([*lines, "  run      none: it would take too long to show"])
        same = made["gradients"] == payload["gradients"]
        where = "" if same else f" on {pattern(made['gradients'])}, which takes fewer rounds"
        return "\n".join(
            [
                *lines,
                f"  run      from the best decision -1 to x = {made['x_last']:.6f} in {made['rounds']:,} rounds{where}",
                f"  again    {made['command']}",
            ]
        )

    say(as_json, payload, text)


def pattern(runs: list[list[int]]) -> str:
    """Gradients as the command line reads them: 74,-1*73."""
    return ",".join(f"{v}*{n}" if n > 1 else str(v) for v, n in runs)
