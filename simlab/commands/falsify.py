"""`simlab falsify`: search for a run that violates a regret bound, and audit what is found."""

from __future__ import annotations

from typing import Any

import click

from simlab.console import app, command_line, json_option, progress_bar, say


@app.command()
@click.option("--bound", required=True, help="A regret bound's name; simlab list bounds shows them.")
@click.option("--rule", help="A rule that the bound is about; the first of them unless given.")
@click.option("--rounds", default="12", show_default=True, help="The horizon T of the runs that are tried.")
@click.option("--free", is_flag=True, help="Give eta_l and eta_u each a gamma of its own (bounded rules).")
@click.option("--seed", default="0", show_default=True, help="Of the search; the same seed finds the same run.")
@click.option("--generations", default="150", show_default=True, help="How long to search.")
@json_option
def falsify(bound: str, rule: str | None, rounds: str, free: bool, seed: str, generations: str, as_json: bool) -> None:
    """Search for a run that violates a regret bound.

    What floats find is audited in balls.
    """
    from simlab import exact
    from simlab.falsify import falsify as search
    from simlab.falsify import steps

    length, turns = exact.integer(rounds, "rounds", 2), exact.integer(generations, "generations", 1)
    start = exact.integer(seed, "seed", 0)
    found = search(bound, rule, length, free, start, turns, progress=progress_bar(steps(turns), "steps"))
    shown = found.audit
    grade = "observed" if shown is None else shown.grade
    payload: dict[str, Any] = {
        "bound": found.bound.name,
        "rule": found.rule.name,
        "rounds": length,
        "violated": shown is not None,
        "largest_ratio": found.ratio,
        "gradients": [str(g) for g in found.gradients],
        "x0": str(found.x1),
        "hyper": {n: str(v) for n, v in found.hyper.items()},
        "regret": None if shown is None else float(shown.regret[shown.at - 1]),
        "bound_value": None if shown is None else float(shown.curve[shown.at - 1]),
        "first_violation": None if shown is None else shown.first_violation,
        "broken_step": None if shown is None else shown.broken_step,
        "failed_hypotheses": [] if shown is None else [words for words, at in shown.failed.items() if at],
        "evaluations": found.evaluations,
        "how": found.how,
        "grade": grade,
        "command": command_line(),
    }

    def text() -> str:
        lines = [
            f"{found.bound.name} on {found.rule.name}, T = {length}: {found.evaluations} runs tried",
            f"  by                {found.how}",
        ]
        if shown is None:
            return "\n".join(
                [*lines, f"  largest R_T/bound  {found.ratio:.6g}", "  no violation found, which shows nothing"]
            )
        regret, value = (curve[shown.at - 1] for curve in (shown.regret, shown.curve))
        lines += [
            f"  violated at T = {shown.at}: {regret:.12g} > {value:.12g} ({grade})",
            f"  gradients         {', '.join(map(str, found.gradients))}",
            f"  x_1               {found.x1}",
            *(f"  {n:<17} {v}" for n, v in found.hyper.items()),
            f"  breaks at         {shown.broken_step}",
            *(f"  supposes          {words}, which fails" for words in payload["failed_hypotheses"]),
        ]
        return "\n".join(lines)

    say(as_json, payload, text)
