"""`simlab drift`: where a rule goes on a periodic linear problem."""

from __future__ import annotations

from collections.abc import Sequence

import click

from simlab import catalog
from simlab.console import app, command_line, json_option, say, settings


@app.command()
@click.option("--rule", required=True, help="A rule's name, or path/to/file.py:name.")
@click.option("--gradients", required=True, help="One period, such as -1,2,0*48.")
@click.option("--set", "pairs", multiple=True, metavar="NAME=VALUE", help="A hyperparameter, read exactly.")
@json_option
def drift(rule: str, gradients: str, pairs: Sequence[str], as_json: bool) -> None:
    """Where a rule goes on a periodic linear problem as T grows: the drift of its steady state, enclosed."""
    from simlab import exact
    from simlab.orbit import verdict
    from simlab.rule import settle
    from simlab.trajectory import plain, precision

    spec, period = catalog.rule(rule), exact.sequence(gradients)
    given = {n: exact.rational(v, n) for n, v in settings(pairs).items()}
    hyper = settle(spec.hyper, given, f"rule {spec.name}")
    found = verdict(spec, period, hyper)
    with precision(found.bits):
        behind = found.orbit.behind() if found.word in ("right", "wrong") else []
        linear, root = found.orbit.regret()
    # by theory (the averages converge to the periodic ones), for steps alpha/sqrt(t)
    falling = bool(found.orbit.growing) or spec.schedule.__name__ == "inv_sqrt"
    limits = {
        "end": None if not behind else "upper" if found.orbit.drift > 0 else "lower",
        "behind": [plain(a) for a in behind],
        "regret_over_T": None if linear is None else str(linear),
        "regret_over_sqrt_T": None if root is None else plain(root),
        "grade": "undecided",
    }
    payload = {
        "rule": spec.name,
        "period": len(period),
        "total": str(found.orbit.total),
        "drift": plain(found.orbit.drift),
        "verdict": found.word or None,
        "grade": found.grade,
        "limits": limits if falling else None,
        "hyper": {n: str(v) for n, v in hyper.items()},
        "command": command_line(),
    }
    meaning = {
        "right": "right: towards the best decision",
        "wrong": "wrong: away from the best decision",
        "neutral": "neutral: neither way",
        "undecided": "undecided: the ball of the drift still holds 0",
        "": "none: the gradients of a period add up to 0, so every decision is as good",
    }

    def text() -> str:
        scale = "alpha/sqrt(t)" if found.orbit.growing else "alpha s(t)"
        lines = [
            f"{spec.name}, period {len(period)}, gradients add up to {found.orbit.total}",
            f"  drift per period  {found.orbit.drift.str(20)} times {scale}",
            f"  verdict           {meaning[found.word]}",
            f"  grade             {found.grade}",
        ]
        if falling and behind:
            most = max(behind, key=lambda a: float(a.mid()))
            lines += [
                "  as T grows, by theory, with steps alpha/sqrt(t) on an interval of width W:",
                f"  x_t               to the {limits['end']} end, behind it by {most.str(15)} alpha/sqrt(t) at most",
                f"  regret            R_T/T to {linear} W"
                if root is None
                else f"  regret            R_T/sqrt(T) to {root.str(15)} alpha",
            ]
        return "\n".join(lines)

    say(as_json, payload, text)
