"""`simlab threshold`: where in a hyperparameter the drift of a rule changes its sign."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from simlab import catalog
from simlab.console import app, command_line, json_option, say, settings

if TYPE_CHECKING:
    from simlab.threshold import Crossing


def shown(crossing: Crossing) -> str:
    """Its ball to 25 digits."""
    from simlab.trajectory import precision

    with precision(128):
        return str(crossing.ball.str(25))


@app.command()
@click.option("--rule", required=True, help="A rule's name, or path/to/file.py:name.")
@click.option("--gradients", required=True, help="One period, such as 10,-1*9.")
@click.option("--in", "name", default="beta2", show_default=True, help="The hyperparameter that is varied.")
@click.option("--low", default="0", show_default=True, help="It is varied from here,")
@click.option("--high", default="1", show_default=True, help="to here.")
@click.option("--set", "pairs", multiple=True, metavar="NAME=VALUE", help="Another hyperparameter, read exactly.")
@json_option
def threshold(rule: str, gradients: str, name: str, low: str, high: str, pairs: Sequence[str], as_json: bool) -> None:
    """Enclose where the drift changes its sign.

    The problem is linear and periodic; roots are enclosed to 25 digits.
    """
    from simlab import exact
    from simlab.rule import settle
    from simlab.threshold import POINTS, grid, thresholds, unexcluded

    spec, period = catalog.rule(rule), exact.sequence(gradients)
    given = {n: exact.rational(v, n) for n, v in settings(pairs).items()}
    hyper = settle(spec.hyper, given, f"rule {spec.name}")
    span = exact.rational(low, "low"), exact.rational(high, "high")
    found = thresholds(spec, period, hyper, name, *span)
    left = unexcluded(spec, period, hyper, name, *span)
    others = [(a, b) for a, b in left if not any(a <= c.low and c.high <= b for c in found)]
    inner = grid(*span, POINTS)
    side = (sum(period) > 0) - (sum(period) < 0)
    word = {1: "wrong", -1: "right", 0: "no"}
    payload = {
        "rule": spec.name,
        "period": len(period),
        "in": name,
        "roots": [
            {
                "low": str(c.low),
                "high": str(c.high),
                "ball": shown(c),
                "below": word[side * c.below],
                "above": word[side * c.above],
                "grade": c.grade,
            }
            for c in found
        ],
        "searched": [float(inner[0]), float(inner[-1])],
        "not_excluded": [[float(a), float(b)] for a, b in left],
        "hyper": {n: str(v) for n, v in hyper.items() if n != name},
        "command": command_line(),
    }

    def text() -> str:
        lines = [f"{spec.name}, period {len(period)}: changes of sign of the drift in {name}"]
        for c in found:
            value = str(c.low) if c.low == c.high else shown(c)
            lines.append(
                f"  {value}   from {word[side * c.below]}-signed to {word[side * c.above]}-signed  ({c.grade})"
            )
        span = f"from {float(inner[0]):.3g} to {float(inner[-1]):.15g}"
        if others:
            where = ", ".join(f"{float(a):.6g} to {float(b):.6g}" for a, b in others[:5])
            lines.append(f"  no {'other' if found else 'change'} seen {span}; balls leave open {where}")
        elif not found:
            lines.append(f"  none {span} (enclosed)")
        else:
            width = max(float(b - a) for a, b in left)
            lines.append(f"  none elsewhere {span} (enclosed); nearer than {width:.2g} to these, balls exclude nothing")
        return "\n".join(lines)

    say(as_json, payload, text)
