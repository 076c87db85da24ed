"""What a worker does with a chunk of cells, wherever it runs.

    compute(chunk, seconds) -> piece by piece, each cell with its blob; or with the reason, as text, why it has none
    work(chunk, seconds) -> an Answer: what was computed, until about twice the seconds were over

The cells of a piece are played side by side, in about the seconds, and are there all at once. Long cells that lanes can
play wait for one another too, since some together take hardly longer than one. A worker has its own copy of the code.
Every cell names the source that its numbers depend on, and a worker whose own is another one refuses it.
"""

from __future__ import annotations

import contextlib
import json
import platform
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from simlab.batch import in_lanes, jumped, nanoseconds, play
from simlab.errors import BadInput, NotHere
from simlab.gather import Column
from simlab.sweeps.specification import RUN, source
from simlab.sweeps.store import checksum, encode

TOGETHER, LONGEST = 16, 30.0  # long cells that are played side by side all the same, if in so many seconds


class Sealed(NamedTuple):
    """A blob and the checksum that it had where it was computed."""

    blob: bytes
    checked: bytes


class Answer(NamedTuple):
    """What a worker gives back for a chunk.

    results: by cell, its sealed blob; None where the worker itself has kept it; or as text why there is none. Cells
    that the time did not suffice for are absent.
    seconds: what they took. refusal: why this worker computes nothing here, or "".
    """

    results: dict[str, Sealed | str | None]
    seconds: float
    refusal: str = ""


def work(chunk: list[str], seconds: float, keep: Callable[[str, bytes], Any] | None = None) -> Answer:
    """Compute a chunk; `keep` stores a blob at once, and without it the blobs are in the Answer, sealed."""
    began = time.perf_counter()
    results: dict[str, Any] = {}
    refusal = ""
    try:
        for piece in compute(chunk, seconds):
            for cell, result in piece.items():
                if isinstance(result, str):
                    results[cell] = result
                else:
                    results[cell] = keep(cell, result) if keep else Sealed(result, checksum(cell, result))
            if time.perf_counter() - began > 2 * seconds:  # the size of a chunk is an estimate
                break
    except NotHere as error:
        refusal = str(error)
    return Answer(results, time.perf_counter() - began, refusal)


def compute(chunk: list[str], seconds: float) -> Iterator[dict[str, bytes | str]]:
    """By cell its blob, or as text the defect of its rule, a piece at a time. Raises NotHere where the code is another.

    Cells with the same settings by name are played together, as many at a time as take about the seconds, or few long
    ones where that is quicker.
    """
    read = {text: json.loads(text) for text in chunk}
    kinds: dict[Any, list[str]] = {}
    for text, cell in read.items():
        names = ("backend", "rounds", "rule", "problem", "record")
        kind = (*(cell[name] for name in names), "jump" in cell, cell["x0"] is None, *sorted(cell["set"]))
        kinds.setdefault(kind, []).append(text)
    for rule, problem, backend, known in {(c["rule"], c["problem"], c["backend"], c["source"]) for c in read.values()}:
        _agree(rule, problem, backend, known)
    for texts in kinds.values():
        backend, each = read[texts[0]]["backend"], _each([read[text] for text in texts])
        size = max(1, int(seconds / each))
        if size < TOGETHER and in_lanes(_columns([read[texts[0]]]), backend):
            size = max(size, min(TOGETHER, int(LONGEST / each)))
        for at in range(0, len(texts), size):
            yield from _pieces({text: read[text] for text in texts[at : at + size]})


def _each(cells: list[dict[str, Any]]) -> float:
    """About the seconds that a cell takes, on average over cells with the same settings by name."""
    seconds = int(cells[0]["rounds"]) * nanoseconds(cells[0]["backend"]) * 1e-9
    if "jump" in cells[0]:
        with contextlib.suppress(Exception):  # what is wrong is said where it is played
            return seconds * float(np.mean(1 / jumped(_columns(cells), len(cells), cells[0]["backend"])))
    return seconds


def _pieces(cells: dict[str, dict[str, Any]]) -> Iterator[dict[str, bytes | str]]:
    """Cells that are played together; where one of them is at fault, each alone, and then it is seen which."""
    try:
        yield dict(zip(cells, _play(list(cells.values())), strict=True))
    except Exception as error:
        if len(cells) == 1:
            yield dict.fromkeys(cells, f"{type(error).__name__}: {error}")
        else:
            for text, cell in cells.items():
                yield from _pieces({text: cell})


def _play(cells: list[dict[str, Any]]) -> list[bytes]:
    """The blobs of cells that have the same settings by name, in their own thread.

    A run that its settings forbid is a result too: its reason, and no numbers.
    """
    record, backend, jump = cells[0]["record"], cells[0]["backend"], "jump" in cells[0]
    played = play(_columns(cells), len(cells), record=record, backend=backend, threads=1, jump=jump)
    blobs = []
    for i in range(len(cells)):
        reason, stopped = played.reason.get(i, ""), int(played.stopped[i])
        numbers = {} if reason and not stopped else {name: column[i] for name, column in played.values.items()}
        blobs.append(encode({"reason": reason, "stopped": stopped}, numbers))
    return blobs


def _columns(cells: list[dict[str, Any]]) -> dict[str, Column]:
    """Their settings, by name."""
    given = [c["set"] | {name: c[name] for name in RUN if c[name] is not None} for c in cells]

    def column(name: str) -> Column:
        known: dict[str, int] = {}
        at = np.array([known.setdefault(one[name], len(known)) for one in given])
        return Column(list(known), at)

    return {name: column(name) for name in given[0]}


def _agree(rule: str, problem: str, backend: str, known: str) -> None:
    """Raise NotHere unless the code of cells is this worker's."""
    why = "its source differs, or a version of simlab, NumPy or the backend"
    try:
        if source(rule, problem, backend) == known:
            return
    except (OSError, BadInput) as error:
        why = str(error)
    raise NotHere(
        f"a worker on {platform.node()} has not the code of {rule} on {problem} that the sweep began "
        f"with ({why}): workers need the same installation, and the file of a rule at the same path; if it was edited "
        "meanwhile, run the command again"
    )
