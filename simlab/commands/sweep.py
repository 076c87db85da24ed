"""`simlab sweep`: a grid of runs from a TOML file, which may be killed and started again."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from simlab.console import app, command_line, json_option, live, say

if TYPE_CHECKING:
    from simlab.sweeps.workers import Outcome


@app.command()
@click.argument("spec")
@click.option("--out", required=True, metavar="DIR", help="The folder of the store and the results, on a local disk.")
@click.option(
    "--executor",
    default="processes",
    show_default=True,
    help="processes or threads of this machine; dask or slurm for others.",
)
@click.option("--workers", help="How many; as many as there are unless given. The results are the same.")
@click.option("--address", help="The scheduler of dask (tcp://...), or a folder that this machine and SLURM's share.")
@click.option("--export", "exports", default="", help="Formats beside netCDF and CSV: zarr,parquet.")
@click.option("--yes", is_flag=True, help="Go ahead although it takes long.")
@json_option
def sweep(
    spec: str,
    out: str,
    executor: str,
    workers: str | None,
    address: str | None,
    exports: str,
    yes: bool,
    as_json: bool,
) -> None:
    """Run a grid of settings, resumably.

    What was finished is kept whatever happens, and the same command goes on.
    """
    from simlab import exact
    from simlab.sweeps.run import run
    from simlab.sweeps.specification import read

    count = None if workers is None else exact.integer(workers, "workers")
    formats = [name.strip() for name in exports.split(",") if name.strip()]
    grid = read(spec)
    began = time.perf_counter()

    def tell(message: str) -> None:
        click.echo(f"simlab sweep: {message}", err=True)

    done = run(grid, Path(out), count, executor, address, formats, yes, tell, reporter())
    seconds = time.perf_counter() - began
    payload: dict[str, Any] = {
        "cells": done.cells,
        "done": done.done,
        "computed": done.computed,
        "failed": done.failed,
        "seconds": seconds,
        "jump": grid.jump,
        "store": str(Path(out) / "shards"),
        "sha256": done.digest,
        "files": done.files,
        "command": command_line(),
    }

    def text() -> str:
        lines = [
            f"{done.cells:,} cells: {done.found:,} were there, {done.computed:,} computed in {seconds:.3g} s",
            f"  sha256            {done.digest}",
            *(f"  written           {file}" for file in done.files),
        ]
        if done.failed:
            why = "forbidden settings, or a run that stopped; `reason` says which"
            lines.insert(1, f"  without result    {done.failed:,} ({why})")
        return "\n".join(lines)

    say(as_json, payload, text)


def reporter() -> Callable[[Outcome], None]:
    """Reports cells done, cells/s and time left on a terminal's stderr, nothing elsewhere."""
    from simlab.online import duration

    began, write = time.perf_counter(), live()

    def report(outcome: Outcome) -> None:
        rate = outcome.computed / (time.perf_counter() - began)
        left = duration((outcome.cells - outcome.done) / rate) if rate else "?"
        line = f"{outcome.done:,} of {outcome.cells:,} cells  {rate:.3g} cells/s  {left} left"
        write(line if outcome.done < outcome.cells else "")

    return report
