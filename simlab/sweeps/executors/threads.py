"""Threads of this process: quick to start, and as fast as processes where the rounds of a cell dominate."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from simlab.blocks import cores
from simlab.errors import BadInput
from simlab.sweeps.chunk import work
from simlab.sweeps.workers import SECONDS, Crew


@contextlib.contextmanager
def start(folder: Path, workers: int | None, address: str | None) -> Iterator[Crew]:
    """A crew of threads; all cores of this machine unless told otherwise."""
    if address is not None:
        raise BadInput("--address is for executors beyond this machine; threads has none")
    count = workers or cores()
    yield Crew(lambda: count, lambda chunk: work(chunk, SECONDS), lambda: None)
