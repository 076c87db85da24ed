"""The `simlab` command. Every subcommand takes --json: one object on stdout, and nothing else there.

Exit codes: 0 done, whatever the answer to a question is; 1 a claim does not hold, or a bound is violated; 2 bad input;
3 a sweep's store; 4 a missing device or extra; 130 interrupted. Errors are one line each on stderr; --debug shows the
traceback. Commands in simlab/commands/ are found.
"""

from __future__ import annotations

import errno
import importlib
import json
import sys
import time
from collections.abc import Sequence
from typing import Any

import click

from simlab import catalog
from simlab.console import app, command_line, fail, json_option, progress_bar, say, settings
from simlab.errors import BadInput, SimlabError, nearest
from simlab.schedules import RATE

for _command in catalog.names("simlab.commands"):
    importlib.import_module(f"simlab.commands.{_command}")

KINDS = ("rules", "problems", "bounds", "claims", "figures", "datasets")


# --- list and show --------------------------------------------------------------------------------------------------


def found(kind: str) -> dict[str, Any]:
    """Everything of a kind, by name."""
    if kind == "claims":
        return catalog.claims()
    one = getattr(catalog, kind[:-1])
    return {name: one(name) for name in catalog.names(f"simlab.{kind}")}


def described(name: str, thing: Any) -> dict[str, str]:
    """One row of `list`: name, summary, reference."""
    if hasattr(thing, "summary"):
        return {"name": name, "summary": thing.summary, "reference": thing.reference}
    from simlab.rule import read_doc

    summary, _, reference = read_doc(getattr(thing, name, thing))
    return {"name": name, "summary": summary, "reference": reference}


@app.command("list")
@click.argument("kind", required=False)
@json_option
def list_(kind: str | None, as_json: bool) -> None:
    """List rules, problems, bounds, claims, figures and data sets."""
    if kind is not None and kind not in KINDS:
        raise BadInput(f"unknown kind {kind!r}{nearest(kind, KINDS)} (there are {', '.join(KINDS)})")
    kinds = KINDS if kind is None else (kind,)
    payload = {k: [described(name, thing) for name, thing in found(k).items()] for k in kinds}

    def text() -> str:
        width = max((len(row["name"]) for rows in payload.values() for row in rows), default=0)
        return "\n\n".join(
            "\n".join(
                [
                    k,
                    *(
                        f"  {row['name']:<{width}}  {row['summary']}"
                        for row in rows or [{"name": "(none)", "summary": ""}]
                    ),
                ]
            )
            for k, rows in payload.items()
        )

    say(as_json, payload, text)


def find(name: str) -> tuple[str, Any]:
    """(kind, thing) for a name of any kind; raises BadInput with the nearest name."""
    for kind in KINDS:
        if name in (catalog.claim_modules() if kind == "claims" else catalog.names(f"simlab.{kind}")):
            return kind[:-1], getattr(catalog, kind[:-1])(name)
    if ".py:" in name:
        return "rule", catalog.rule(name)
    known = [*catalog.claim_modules(), *(n for k in KINDS if k != "claims" for n in catalog.names(f"simlab.{k}"))]
    raise BadInput(f"nothing is called {name!r}{nearest(name, known)} (simlab list shows everything)")


@app.command()
@click.argument("name")
@click.option("--latex", is_flag=True, help="LaTeX source, from the rule executed on symbols.")
@click.option("--coq", is_flag=True, help="A theorem's lemmas as a Coq file.")
@json_option
def show(name: str, latex: bool, coq: bool, as_json: bool) -> None:
    """Show what a name stands for.

    The statement, formula, hyperparameters with ranges, and reference.
    """
    kind, thing = find(name)
    known, steps = {**getattr(thing, "hyper", {}), **getattr(thing, "constants", {})}, getattr(thing, "steps", ())
    statement = thing.statement if hasattr(thing, "statement") else described(name, thing)["summary"]
    payload: dict[str, Any] = {
        "name": name,
        "kind": getattr(thing, "kind", kind),
        "statement": statement,
        "reference": described(name, thing)["reference"],
        "parameters": [{"name": p.name, "range": p.range.words, "default": p.shown} for p in known.values()],
    }
    if kind == "rule":
        payload["schedule"] = thing.schedule.__doc__
    if getattr(thing, "remarks", ""):
        payload["remarks"] = thing.remarks
    if steps:
        payload["steps"] = [{"name": s.name, "statement": s.statement} for s in steps]
    if latex:
        from simlab.latex import source

        payload["latex"] = source(kind, thing)
    if coq:
        from simlab.coq import source as lemmas

        if payload["kind"] != "theorem":
            raise BadInput(f"{name} is a {payload['kind']}; theorems alone have lemmas for Coq")
        payload["coq"] = lemmas(thing)

    def text() -> str:
        if latex or coq:
            return "\n".join(payload[form] for form in ("latex", "coq") if form in payload)
        lines = [f"{name} ({payload['kind']})", "", payload["statement"]]
        if "Reference:" not in payload["statement"] and payload["reference"]:
            lines += ["", f"Reference: {payload['reference']}"]
        if "remarks" in payload:
            lines += ["", f"Remarks: {payload['remarks']}"]
        lines += ["", *(f"  {s['name']}: {s['statement']}" for s in payload["steps"])] if "steps" in payload else []
        lines += ["", *(f"  {p['name']:<12} {p['range']:<28} default {p['default']}" for p in payload["parameters"])]
        if "schedule" in payload:
            lines.append(f"  {'schedule':<12} {', '.join(RATE):<28} default s(t) = {payload['schedule']}")
        return "\n".join(lines).rstrip()

    say(as_json, payload, text)


# --- run ------------------------------------------------------------------------------------------------------------


@app.command()
@click.option("--rule", required=True, help="A rule's name, or path/to/file.py:name.")
@click.option("--problem", required=True, help="A problem's name.")
@click.option("--set", "pairs", multiple=True, metavar="NAME=VALUE", help="A hyperparameter or constant, read exactly.")
@click.option("--x0", help="The first decision: a number, or numbers separated by commas.")
@click.option("--rounds", default="1000", show_default=True, help="The horizon T.")
@click.option("--backend", help="numba (default), reference, torch, arb or sympy.")
@click.option("--device", help="A device of torch, such as cpu or cuda.")
@click.option("--record", default="1000", show_default=True, help="How many log-spaced rounds to keep, or 'all'.")
@click.option("--bits", default="128", show_default=True, help="Precision of balls (arb).")
@click.option("--out", help="Write the trajectory to this netCDF file (.nc).")
@click.option("--project-x0", is_flag=True, help="Start from the point of F nearest to x0.")
@click.option("--yes", is_flag=True, help="Go ahead although it takes long.")
@json_option
def run(
    rule: str,
    problem: str,
    pairs: Sequence[str],
    x0: str | None,
    rounds: str,
    backend: str | None,
    device: str | None,
    record: str,
    bits: str,
    out: str | None,
    project_x0: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Play one online run.

    Shows the last decision and the regret against the best fixed decision.
    """
    from simlab import exact, online
    from simlab.files import check_writable, no_empty_folders
    from simlab.trajectory import shown

    given, horizon = settings(pairs), exact.integer(rounds, "rounds")
    if out is not None and not out.endswith(".nc"):
        raise BadInput(f"--out {out!r}: a trajectory is written as netCDF, so the name ends in .nc")
    with no_empty_folders(out or ""):
        if out is not None:
            check_writable(out)
        result = online.run(
            rule,
            problem,
            hyper=given,
            x0=x0,
            rounds=horizon,
            record=record,
            backend=backend or ("torch" if device else "numba"),
            device=device,
            bits=exact.integer(bits, "bits", 2),
            project_x0=project_x0,
            yes=yes,
            progress=progress_bar(horizon),
            command=command_line(),
        )
        payload = result.to_json()
        if out is not None:
            payload["out"] = str(result.save(out))

    def text() -> str:
        rows = {
            "x_last": shown(result.x_last),
            "regret": shown(result.regret),
            "average regret": shown(result.average_regret),
            "best decision": shown(result.best[-1].u) if result.best[-1].u is not None else "not known",
            "grade": f"{result.grade} ({result.backend})",
        }
        if result.comparator_gap:
            rows["regret up to"] = f"+{result.comparator_gap:.3g} more (the best decision is known to within that)"
        if result.underflow:
            rows["underflow"] = (
                f"state fell below the normal numbers and was set to 0, first in round {result.underflow}"
            )
        if result.stopped:
            rows["stopped"] = f"in round {result.stopped['round']}: {result.stopped['reason']}"
        if out is not None:
            rows["written"] = payload["out"]
        head = f"{result.rule} on {result.problem}, {result.rounds} rounds"
        return "\n".join([head, *(f"  {k:<15} {v}" for k, v in rows.items())])

    say(as_json, payload, text)


# --- check, figure --------------------------------------------------------------------------------------------------


@app.command()
@click.argument("names", nargs=-1)
@click.option("--coq", is_flag=True, help="Theorems by Coq too, which takes seconds each; needs coqc.")
@json_option
def check(names: Sequence[str], coq: bool, as_json: bool) -> None:
    """Check claims and theorems afresh.

    All, or those named. Exit code 1 if one does not hold.
    """
    from simlab import coqc

    chosen = {n: catalog.claim(n) for n in names} if names else catalog.claims()
    rows: list[dict[str, Any]] = []
    for name, claim in chosen.items():
        began = time.perf_counter()
        shown = coqc.check(claim) if coq else claim.check()
        rows.append(
            {
                "name": name,
                "holds": shown.holds,
                "grade": str(shown.grade),
                "evidence": shown.evidence,
                "seconds": round(time.perf_counter() - began, 3),
                "steps": [{"name": n, "grade": str(c.grade), "evidence": c.evidence} for n, c in shown.steps.items()],
                **({"coq": shown.data["coq"]} if coq and "coq" in shown.data else {}),
            }
        )
        if not as_json:
            row = rows[-1]
            click.echo(
                f"{'holds' if row['holds'] else 'DOES NOT HOLD':<6} {row['grade']:<15} {name}  ({row['seconds']:.1f} s)"
            )
            click.echo(f"       {row['evidence']}")
            width = max((len(step["name"]) for step in row["steps"]), default=0)
            for step in row["steps"]:
                click.echo(f"         {step['name']:<{width}}  {step['grade']:<15} {step['evidence']}")
    if as_json:
        click.echo(json.dumps({"claims": rows}, indent=2, default=str))
    if not all(row["holds"] for row in rows):
        raise click.exceptions.Exit(1)


@app.command()
@click.argument("name")
@click.option("--out", help="A file (its name chooses the format) or a folder; out/ unless given.")
@click.option("--venue", default="neurips", show_default=True, help="Whose text width and font size.")
@click.option("--results", metavar="DIR", help="The folder of a training, for figures that show one.")
@json_option
def figure(name: str, out: str | None, venue: str, results: str | None, as_json: bool) -> None:
    """Draw a figure for a write-up.

    PDF, SVG and PNG, with the data and the command beside them.
    """
    from simlab.plotting import draw

    made = draw(name, out, venue, results)
    say(as_json, made, lambda: "\n".join([*made["files"], made["data"]]))


# --- entry ----------------------------------------------------------------------------------------------------------


def main(args: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code; never a traceback unless --debug."""
    given = list(sys.argv[1:] if args is None else args)
    debug = "--debug" in given
    given = [a for a in given if a != "--debug"]
    sys.set_int_max_str_digits(0)  # exact numbers are shown whole; how long they can be is limited where they are read
    try:
        return int(app.main(args=given, prog_name="simlab", standalone_mode=False) or 0)
    except SimlabError as error:
        return fail(error, debug, *error.problems, code=error.exit_code)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as error:
        return fail(error, debug, error.format_message(), code=2)
    except (KeyboardInterrupt, click.Abort):
        return fail(None, debug, "interrupted", code=130)
    except BrokenPipeError:
        sys.stdout = None  # the reader left; nothing more can be said there
        return 0
    except OSError as error:
        if error.filename is not None or error.errno not in (errno.ENOSPC, errno.EIO):
            return defect(error, debug)
        sys.stdout = None  # which holds what it could not write, and would try again at the end
        return fail(error, debug, f"what was to be shown could not be written ({error.strerror})", code=2)
    except MemoryError as error:
        return fail(error, debug, "out of memory; record fewer rounds (--record 1000)", code=2)
    except Exception as error:
        return defect(error, debug)


def defect(error: Exception, debug: bool) -> int:
    """Say that the error is simlab's own."""
    message = f"{type(error).__name__}: {error} (a defect of simlab: please report it with the output of --debug)"
    return fail(error, debug, message.replace("\n", " "), code=1)


def entry() -> None:
    """The console script."""
    sys.exit(main())


if __name__ == "__main__":
    entry()
