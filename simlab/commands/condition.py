"""`simlab condition`: Luo et al.'s condition on the period, exactly, and the sharp one beside it."""

from __future__ import annotations

import click

from simlab.console import app, json_option, say


@app.command()
@click.option("--beta2", required=True, help="A rational number in (0, 1).")
@click.option("--C", "period", help="A period to decide, an integer >= 3.")
@json_option
def condition(beta2: str, period: str | None, as_json: bool) -> None:
    """Decide Luo et al.'s condition on the period.

    5 beta2^(C-2) <= (1-beta2)/(4-beta2), exactly, and the sharp threshold beside it.
    """
    from simlab import exact
    from simlab.condition import report

    answer = report(exact.rational(beta2, "beta2"), None if period is None else exact.integer(period, "C", 3))
    say(as_json, answer.payload, lambda: str(answer))
