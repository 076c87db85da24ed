"""`draw`: a figure at a venue's size, as PDF, SVG and PNG, with its data and the command that made it beside it.

A figure is a function of a venue, simlab/figures/NAME.py: NAME, that returns (matplotlib Figure, xarray Dataset): every
curve is a row of the Dataset. One of (venue, results) shows a training. Its docstring is the caption. Equal inputs give
equal bytes of PDF and SVG: matplotlib's own defaults and own fonts, no date, no pyplot. Curves differ in colour, in
dash and in marker, so they read in grey.
"""

from __future__ import annotations

import datetime
import inspect
import json
import math
import os
import shlex
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from simlab import catalog
from simlab.comparison import result
from simlab.errors import BadInput, nearest
from simlab.files import check_writable, netcdf, no_empty_folders, whole
from simlab.provenance import source_hash, versions
from simlab.rule import read_doc

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from xarray import DataArray, Dataset

    from simlab.trajectory import Trajectory


class Venue(NamedTuple):
    """Width of a column and of the text, in inches, and size of the running text, in points."""

    column: float
    text: float
    font: float


VENUES = {  # what each style file sets
    "neurips": Venue(5.5, 5.5, 10),
    "icml": Venue(3.25, 6.75, 10),
    "iclr": Venue(5.5, 5.5, 10),
    "jmlr": Venue(6.0, 6.0, 11),
    "siam": Venue(5.125, 5.125, 10),  # siamart
    "arxiv": Venue(345 / 72.27, 345 / 72.27, 10),  # arXiv sets nothing: LaTeX's article, 345pt
}


class Look(NamedTuple):
    """How a curve is told from the others."""

    color: str
    dash: Any
    marker: str


# Okabe and Ito (2008), "Color universal design", those of its colours that are dark enough for a thin line on white
LOOKS = (
    Look("#D55E00", "-", ""),  # vermilion
    Look("#0072B2", (0, (5, 1.5)), "o"),  # blue
    Look("#009E73", (0, (1, 1)), "s"),  # bluish green
    Look("#000000", (0, (4, 1, 1, 1)), "^"),  # black
    Look("#CC79A7", (0, (7, 1)), "v"),  # reddish purple
    Look("#E69F00", (0, (2, 1)), "D"),  # orange
)
QUIET = "#606060"  # of limits, guides and small print
GUIDE: dict[str, Any] = {"color": QUIET, "linewidth": 0.6, "zorder": 0}
SHADES = ("#E4E4E4", "#F2F2F2")  # of regions

_FORMATS = ("pdf", "svg", "png")
_SMALL = 1 << 20  # bytes of data that are also worth a CSV


def alone() -> tuple[str, ...]:
    """The figures that code alone draws: all that take no results of a training."""
    found = catalog.names("simlab.figures")
    return tuple(name for name in found if not _wants_results(getattr(catalog.figure(name), name)))


def _wants_results(function: Any) -> bool:
    return "results" in inspect.signature(function).parameters


def draw(
    name: str,
    out: str | os.PathLike | None = None,
    venue: str = "neurips",
    results: str | os.PathLike | None = None,
) -> dict[str, Any]:
    """Draw the figure of that name and write it, its data (netCDF, and CSV if small) and its provenance (JSON).

    out: a folder (out/ unless given), for NAME.pdf, .svg and .png; or a file with one of these endings, for it alone.
    results: the folder of a training, for the figures that show one: NAME(venue, results) is given its Dataset.
    Returns {"files": the pictures, "data": the netCDF, "provenance": what the JSON holds}, paths as text. Each file
    appears whole or not at all, the JSON last. Raises BadInput for an unknown name or venue, and where `out` cannot be
    written, before anything is computed.
    """
    import matplotlib

    function = getattr(catalog.figure(name), name)
    if venue not in VENUES:
        raise BadInput(f"unknown venue {venue!r}; it is one of {', '.join(VENUES)}{nearest(venue, VENUES)}")
    if _wants_results(function) != (results is not None):
        needs = "is drawn from a training: --results DIR names its folder" if results is None else "takes no --results"
        raise BadInput(f"the figure {name!r} {needs}")
    given = [] if results is None else [result(results)]
    stem, formats = _targets(name, out)
    title, caption, reference = read_doc(function)
    command = ["simlab", "figure", name, "--venue", venue]
    command += [] if results is None else ["--results", os.fspath(results)]
    told = {"Title": title, "Keywords": shlex.join(command), "Creator": "simlab"}
    with no_empty_folders(f"{stem}.json"), matplotlib.rc_context():
        paths = {kind: check_writable(f"{stem}.{kind}") for kind in (*formats, "nc", "csv", "json")}
        matplotlib.rcdefaults()  # whatever a matplotlibrc says, equal inputs give equal bytes
        matplotlib.rcParams.update(_style(VENUES[venue]))
        figure, data = function(VENUES[venue], *given)
        for kind in formats:
            more = told | _METADATA[kind](caption)
            whole(paths[kind], partial(figure.savefig, format=kind, metadata=more))
    data.attrs |= {"title": title, "caption": caption, "command": shlex.join(command)}
    netcdf(paths["nc"], data)
    if data.nbytes <= _SMALL:
        whole(paths["csv"], lambda file: data.to_dataframe().to_csv(file))
    provenance = {
        "figure": name,
        "venue": venue,
        "caption": caption,
        "reference": reference,
        "grade": data.attrs["grade"],
        "command": shlex.join(command + ([] if out is None else ["--out", os.fspath(out)])),
        "source": source_hash(function),
        "versions": versions("matplotlib", "xarray"),
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "runs": json.loads(data.attrs["runs"]),
    }
    whole(paths["json"], lambda file: Path(file).write_text(json.dumps(provenance, indent=2) + "\n", encoding="utf-8"))
    return {"files": [str(paths[kind]) for kind in formats], "data": str(paths["nc"]), "provenance": provenance}


_METADATA = {
    "pdf": lambda caption: {"Subject": caption, "CreationDate": None},
    "svg": lambda caption: {"Description": caption, "Date": None},
    "png": lambda caption: {"Description": caption},
}


def _targets(name: str, out: str | os.PathLike | None) -> tuple[Path, Sequence[str]]:
    """(path without ending, formats) that `out` means."""
    path = Path("out" if out is None else out)
    ending = path.suffix[1:].lower()
    if path.is_dir() or not ending:
        return path / name, _FORMATS
    if ending not in _FORMATS:
        raise BadInput(f"--out {str(path)!r} must end in .{', .'.join(_FORMATS)}, or be a folder")
    return path.with_suffix(""), (ending,)


def _style(venue: Venue) -> dict[Any, Any]:
    """Type one size below the text's as in captions, thin frames; fonts that come with matplotlib, embedded as such."""
    return {
        "font.family": "STIXGeneral",
        "mathtext.fontset": "stix",
        "font.size": venue.font - 1,
        "xtick.labelsize": "small",
        "ytick.labelsize": "small",
        "legend.fontsize": "small",
        "axes.linewidth": 0.6,
        "xtick.major.width": 0.6,
        "ytick.major.width": 0.6,
        "xtick.minor.width": 0.4,
        "ytick.minor.width": 0.4,
        "lines.linewidth": 1.1,
        "lines.markersize": 3.2,
        "lines.markeredgewidth": 0.8,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "legend.frameon": False,
        "legend.handlelength": 2.6,
        "pdf.fonttype": 42,
        "svg.hashsalt": "simlab",
        "savefig.dpi": 300,
    }


# --- what figures are made of ---------------------------------------------------------------------------------------


def canvas(venue: Venue, panels: int = 1, ratio: float = 0.5) -> tuple[Figure, Sequence[Axes]]:
    """(figure, axes): panels side by side across the text, one in a column; `ratio` is a panel's height to width."""
    from matplotlib.figure import Figure

    width = venue.column if panels == 1 else venue.text
    height = max(ratio * width / panels, 2.2)  # inches: below that the words in the picture collide
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots(1, panels, squeeze=False)[0]


def table(
    columns: dict[str, tuple[Any, Any, str]],
    coordinates: dict[str, tuple[Any, Any, str]],
    grade: str,
    runs: Sequence[Trajectory] = (),
) -> Dataset:
    """The data of a figure: (dimensions, values, long name) by name, all dimensionless, and the runs they come from."""
    from xarray import Dataset

    def described(part: dict[str, tuple[Any, Any, str]]) -> dict[str, Any]:
        return {name: (dims, values, {"long_name": says, "units": "1"}) for name, (dims, values, says) in part.items()}

    told = [
        {"rule": r.rule, "problem": r.problem, "backend": r.backend, "rounds": r.rounds} | r.provenance for r in runs
    ]
    return Dataset(described(columns), described(coordinates), {"grade": grade, "runs": json.dumps(told)})


def curve(axes: Axes, row: DataArray, look: Look, **more: Any) -> Line2D:
    """Draw a one-dimensional row of the data against its coordinate, hollow markers an eighth of the axes apart."""
    phase = LOOKS.index(look) / len(LOOKS)  # so that the markers of curves that coincide alternate
    style = {
        "color": look.color,
        "linestyle": look.dash,
        "marker": look.marker,
        "markerfacecolor": "white",
        "markevery": (phase / 8, 1 / 8),
    }
    (line,) = axes.plot(row[row.dims[0]].values, row.values, **style | more)
    return line


def note(axes: Axes, x: float, y: float, words: str, lift: float = 0, **more: Any) -> None:
    """Quiet words beside the data point (x, y), `lift` points above it, or below it where negative."""
    side = "bottom" if lift > 0 else "top" if lift < 0 else "center"
    style: dict[str, Any] = {
        "va": side,
        "fontsize": "small",
        "color": QUIET,
        "linespacing": 1.05,
        "textcoords": "offset points",
    }
    axes.annotate(words, (x, y), (0, lift), **style | more)


def legend(figure: Figure, handles: Sequence[Line2D]) -> None:
    """The labelled curves above the panels, in as few rows of equal length as the width allows."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    renderer = FigureCanvasAgg(figure).get_renderer()  # type: ignore[no-untyped-call]
    for rows in range(1, len(handles) + 1):
        made = figure.legend(
            handles=handles,
            loc="outside upper center",
            ncols=math.ceil(len(handles) / rows),
            columnspacing=1,
            handletextpad=0.4,
        )
        if made.get_window_extent(renderer).width <= figure.bbox.width or rows == len(handles):
            break
        made.remove()


def small_print(figure: Figure, words: str) -> None:
    """The grade of the evidence, in the lower right corner."""
    figure.text(1, 0, f"{words} ", ha="right", va="bottom", fontsize="x-small", color=QUIET)
