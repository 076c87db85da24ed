"""`simlab batch`: a grid of runs from a TOML file, at once and in memory."""

from __future__ import annotations

import click

from simlab.console import app, command_line, json_option, progress_bar, say
from simlab.errors import BadInput


@app.command()
@click.argument("spec")
@click.option("--backend", help="numba, reference or torch, in place of the file's.")
@click.option("--device", help="A device of torch, such as cpu or cuda.")
@click.option("--single", is_flag=True, help="Play in float32.")
@click.option("--jump", is_flag=True, help="Jump stretches of rounds without gradient; last digits change.")
@click.option("--budget", default="1e9", show_default=True, help="Bytes of memory that a slice of the grid may take.")
@click.option("--out", metavar="F.nc", help="Write the Dataset there.")
@click.option("--yes", is_flag=True, help="Go ahead although it takes long or much memory.")
@json_option
def batch(
    spec: str,
    backend: str | None,
    device: str | None,
    single: bool,
    jump: bool,
    budget: str,
    out: str | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Play a grid of settings at once.

    The grid is read as `simlab sweep` reads it; nothing is kept but --out, and nothing resumes.
    """
    from simlab import exact
    from simlab.files import check_writable, netcdf, no_empty_folders
    from simlab.grid import play_grid
    from simlab.sweeps.specification import read

    if out is not None and not out.endswith(".nc"):
        raise BadInput(f"--out {out!r}: a grid is written as netCDF, so the name ends in .nc")
    sweep = read(spec)
    with no_empty_folders(out or ""):
        if out is not None:
            check_writable(out)
        data = play_grid(
            sweep.fixed,
            [(axis.name, axis.columns) for axis in sweep.axes],
            sweep.record,
            backend or ("torch" if device else sweep.backend),
            device,
            single,
            jump or sweep.jump,
            exact.integer(budget, "budget"),
            yes,
            progress_bar(len(sweep), "cells"),
            command_line(),
        )
    failed = int((data["reason"].values != "").sum())
    told = {name: data.attrs[name] for name in ("backend", "device", "precision", "path", "grade", "seconds")}
    payload = {"cells": len(sweep), "failed": failed, "axes": dict(data.sizes), **told, "command": command_line()}
    if out is not None:
        payload["out"] = str(netcdf(out, data))

    def text() -> str:
        lines = [
            f"{len(sweep):,} cells ({' x '.join(map(str, sweep.shape)) or 1}) in {told['seconds']:.3g} s",
            f"  played by         {told['path']} ({told['backend']}, {told['device']}, {told['precision']})",
            f"  regret R_T        {_span(data['regret'])}",
            f"  last decision     {_span(data['x_last'])}",
        ]
        if failed:
            lines.append(f"  without result    {failed:,} (forbidden settings, or a run that stopped; see `reason`)")
        return "\n".join([*lines, *([f"  written           {payload['out']}"] if out is not None else [])])

    say(as_json, payload, text)


def _span(values: object) -> str:
    import numpy as np

    sound = np.asarray(values)[np.isfinite(np.asarray(values))]
    return f"from {sound.min():.6g} to {sound.max():.6g}" if sound.size else "none"
