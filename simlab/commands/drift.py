"""`simlab drift`: where a rule goes on a linear problem."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import click

from simlab import catalog
from simlab.console import app, command_line, json_option, say, settings
from simlab.rule import UpdateRule, settle

MEANING = {
    "right": "right: towards the best decision",
    "wrong": "wrong: away from the best decision",
    "neutral": "neutral: neither way",
    "undecided": "undecided: the ball of the drift still holds 0",
    "": "none: the gradients add up to 0, so every decision is as good",
}


@app.command()
@click.option("--rule", required=True, help="A rule's name, or path/to/file.py:name.")
@click.option("--gradients", required=True, help="One period, such as -1,2,0*48; or the values that are drawn.")
@click.option("--probabilities", help="Of the gradients, such as 1/100,99/100: each round draws one of them.")
@click.option("--set", "pairs", multiple=True, metavar="NAME=VALUE", help="A hyperparameter, read exactly.")
@json_option
def drift(rule: str, gradients: str, probabilities: str | None, pairs: Sequence[str], as_json: bool) -> None:
    """Enclose the drift: where a rule goes as T grows.

    The problem is linear, its gradients repeated for ever or drawn at random.
    """
    from simlab import exact

    spec, values = catalog.rule(rule), exact.sequence(gradients)
    given = {n: exact.rational(v, n) for n, v in settings(pairs).items()}
    hyper = settle(spec.hyper, given, f"rule {spec.name}")
    if probabilities is None:
        payload, lines = periodic(spec, values, hyper)
    else:
        payload, lines = drawn(spec, values, exact.sequence(probabilities, "probabilities"), hyper)
    payload |= {"hyper": {n: str(v) for n, v in hyper.items()}, "command": command_line()}
    say(as_json, {"rule": spec.name, **payload}, lambda: "\n".join(lines))


def drawn(
    spec: UpdateRule, values: tuple[Fraction, ...], probabilities: tuple[Fraction, ...], hyper: dict[str, Any]
) -> tuple[dict[str, Any], list[str]]:
    """(what JSON says, what a person reads) about gradients that are drawn independently."""
    from simlab.iid import iid_drift, iid_verdict
    from simlab.trajectory import plain

    known = {n: v for n, v in hyper.items() if n != "alpha"}
    found = iid_verdict(spec, values, probabilities, known)
    ball = found.drift if found.grade in ("proved", "undecided") else iid_drift(spec, values, probabilities, known)
    payload = {
        "mean": str(found.total),
        "drift": plain(ball),
        "verdict": found.word or None,
        "grade": found.grade,
    }
    return payload, [
        f"{spec.name}, gradients drawn independently, mean {found.total}",
        f"  drift per round   {ball.str(15)} times alpha s(t), on average",
        f"  verdict           {MEANING[found.word]}",
        f"  grade             {found.grade}",
    ]


def periodic(spec: UpdateRule, period: tuple[Fraction, ...], hyper: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """(what JSON says, what a person reads) about gradients that are repeated for ever."""
    from simlab.orbit import verdict
    from simlab.trajectory import plain, precision

    found = verdict(spec, period, hyper)
    steady = found.orbit
    with precision(found.bits):
        behind = steady.behind() if found.word in ("right", "wrong") else []
        linear, root = steady.regret()
    end = "upper" if steady.drift > 0 else "lower"
    payload: dict[str, Any] = {
        "period": len(period),
        "total": str(steady.total),
        "drift": plain(steady.drift),
        "verdict": found.word or None,
        "grade": found.grade,
        "limits": None,
    }
    lines = [
        f"{spec.name}, period {len(period)}, gradients add up to {steady.total}",
        f"  drift per period  {steady.drift.str(20)} times {'alpha/sqrt(t)' if steady.growing else 'alpha s(t)'}",
        f"  verdict           {MEANING[found.word]}",
        f"  grade             {found.grade}",
    ]
    # by theory (the averages converge to the periodic ones), for steps alpha/sqrt(t)
    if behind and (steady.growing or spec.schedule.__name__ == "inv_sqrt"):
        payload["limits"] = {
            "end": end,
            "behind": [plain(a) for a in behind],
            "regret_over_T": str(linear),
            "regret_over_sqrt_T": None if root is None else plain(root),
            "grade": "undecided",
        }
        most = max(behind, key=lambda a: float(a.mid()))
        lines += [
            "  as T grows, by theory, with steps alpha/sqrt(t) on an interval of width W:",
            f"  x_t               to the {end} end, behind it by {most.str(15)} alpha/sqrt(t) at most",
            f"  regret            {f'R_T/T to {linear} W' if root is None else f'R_T/sqrt(T) to {root.str(15)} alpha'}",
        ]
    return payload, lines
