"""What every subcommand shares: the group, --json, --set, progress, and how errors reach a person."""

from __future__ import annotations

import contextlib
import json
import math
import re
import shlex
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import click

from simlab import __version__
from simlab.errors import BadInput, nearest


class Commands(click.Group):
    """A group that answers an unknown command with the nearest one."""

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        name = args[0] if args else ""
        if name and not name.startswith("-") and self.get_command(ctx, name) is None:
            known = self.list_commands(ctx)
            raise BadInput(f"unknown command {name!r}{nearest(name, known)} (there are {', '.join(known)})")
        return super().resolve_command(ctx, args)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="simlab")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def app(debug: bool) -> None:
    """Simulate, enclose and prove: online convex optimization, exactly."""


def json_option(command: Callable) -> Callable:
    """The --json flag of a subcommand."""
    return click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")(command)


def say(as_json: bool, payload: dict[str, Any], text: Callable[[], str]) -> None:
    """Print the payload as JSON, or the text for people."""
    click.echo(json.dumps(payload, indent=2, allow_nan=False, default=str) if as_json else text())


def command_line() -> str:
    """What was typed, so that a result can be made again."""
    return shlex.join(["simlab", *sys.argv[1:]])


def settings(pairs: Sequence[str]) -> dict[str, str]:
    """name=value options as a dictionary; raises BadInput for anything else, and for a name given twice."""
    known: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise BadInput(f"--set takes name=value, such as beta2=9/10; got {pair!r}")
        if name in known:
            raise BadInput(f"--set {name} is given twice")
        known[name] = value
    return known


def live() -> Callable[[str], None]:
    """A writer of one line on a terminal's stderr, each text in place of the last, five a second at most.

    An empty text clears the line. Where stderr is no terminal it writes nothing.
    """
    if not sys.stderr.isatty():
        return lambda text: None
    last = [-math.inf]

    def write(text: str) -> None:
        now = time.perf_counter()
        if not text or now - last[0] > 0.2:
            last[0] = now
            sys.stderr.write(f"\r\x1b[K{text}")
            sys.stderr.flush()

    return write


def progress_bar(total: int, unit: str = "rounds") -> Callable[[int], None] | None:
    """A reporter of rounds (or another unit) done and time left on a terminal's stderr, None elsewhere."""
    if not sys.stderr.isatty():
        return None
    from simlab.online import duration

    began, write = time.perf_counter(), live()

    def report(t: int) -> None:
        now = time.perf_counter()
        if now - began > 1:
            left = "" if t == total else duration((now - began) * (total - t) / t)
            write(left and f"{t:,} of {total:,} {unit}  {left} left")

    return report


def fail(error: BaseException | None, debug: bool, *messages: str, code: int) -> int:
    """One line per problem on stderr, the traceback before them under --debug, and the exit code."""
    with contextlib.suppress(OSError):  # the code tells even where nothing can be said
        if debug and error is not None:
            import traceback

            traceback.print_exception(error)
        for message in messages:
            short = re.sub(r"\d{100,}", lambda n: f"{n[0][:20]}... ({len(n[0])} digits)", message)
            click.echo(f"error: {short}", err=True)
    return code
