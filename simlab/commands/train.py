"""`simlab train`: the paper's learning experiments, which may be killed and started again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from simlab import catalog
from simlab.console import app, command_line, json_option, progress_bar, say


@app.command(epilog=f"Experiments: {', '.join(catalog.names('simlab.experiments'))}.")
@click.argument("experiment")
@click.option("--optimizer", "optimizers", multiple=True, metavar="NAME", help="This one alone; may be repeated.")
@click.option("--seeds", default="1", show_default=True, help="How many seeds: 0, 1, ...")
@click.option("--device", default="cpu", show_default=True, help="A device of torch, such as cpu or cuda.")
@click.option("--epochs", help="Another number of epochs; the schedule is stretched.")
@click.option("--short", is_flag=True, help="The short protocol, which is not the paper's.")
@click.option("--out", required=True, metavar="DIR", help="The folder of checkpoints and results.")
@click.option("--root", metavar="DIR", help="Where the data sets are.")
@click.option("--threads", default="1", show_default=True, help="Of torch on the CPU; small networks want one.")
@click.option("--bf16", is_flag=True, help="Compute the network in bfloat16 (autocast).")
@click.option("--compile", "compiled", is_flag=True, help="Compile the network (torch.compile).")
@json_option
def train(
    experiment: str,
    optimizers: Sequence[str],
    seeds: str,
    device: str,
    epochs: str | None,
    short: bool,
    out: str,
    root: str | None,
    threads: str,
    bf16: bool,
    compiled: bool,
    as_json: bool,
) -> None:
    """Train networks as the AdaBound paper does, on real data.

    What was finished is kept whatever happens, and the same command goes on.
    """
    from simlab import exact

    catalog.lookup("simlab.experiments", experiment, "experiment")  # before torch is loaded
    count, cores = exact.integer(seeds, "seeds"), exact.integer(threads, "threads")
    length = None if epochs is None else exact.integer(epochs, "epochs")

    from simlab.comparison import table
    from simlab.learning import train as trained

    made = trained(
        experiment,
        Path(out),
        optimizers=optimizers,
        seeds=count,
        epochs=length,
        short=short,
        device=device,
        threads=cores,
        bf16=bf16,
        compiled=compiled,
        root=root,
        progress=lambda total: progress_bar(total, "epochs"),
        command=command_line(),
    )
    say(as_json, made, lambda: "\n".join([*table(made), *(f"written  {file}" for file in made["files"])]))
