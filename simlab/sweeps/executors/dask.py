"""The workers of a dask.distributed scheduler, on any number of machines.

They compute and give blobs back; the store is on the machine of the command alone. dask sends a chunk to another
worker where one dies, and gives up when several have died on it.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from simlab.errors import BadInput, NotHere
from simlab.sweeps.chunk import Answer, work
from simlab.sweeps.workers import DEATHS, SECONDS, Crew, WorkerDied

try:
    import distributed
except ImportError as missing:
    raise NotHere("--executor dask needs dask, which is not installed: pip install 'simlab[dask]'") from missing

PATIENCE = 60  # seconds that are waited for a first worker, or with none left
KNOCK = 10  # seconds that a scheduler has to answer
EACH = 5e-3  # seconds that the scheduler and the store spend on a chunk, about


@contextlib.contextmanager
def start(folder: Path, workers: int | None, address: str | None) -> Iterator[Crew]:
    """A crew of a scheduler's workers; as many chunks at a time as they have threads, unless told otherwise."""
    if address is None:
        raise BadInput("--executor dask needs --address, that of its scheduler, such as tcp://127.0.0.1:8786")
    for name in ("distributed", "distributed.client"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # what goes wrong is said below, in one line
    try:
        client = distributed.Client(address, timeout=KNOCK, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise NotHere(f"no dask scheduler answers at {address!r}: {error}") from error
    ended = threading.Event()
    try:
        client.wait_for_workers(1, timeout=PATIENCE)
    except TimeoutError as error:
        client.close()
        raise NotHere(f"the dask scheduler at {address!r} has no workers; start some: dask worker {address}") from error
    counted = [0.0, 0]

    def threads() -> int:
        """The threads of all workers, asked for every few seconds."""
        if time.monotonic() > counted[0]:
            counted[:] = time.monotonic() + KNOCK / 2, sum(client.nthreads().values())
        return int(counted[1])

    def ask(chunk: list[str]) -> Answer:
        future, done = client.submit(work, chunk, seconds, pure=False), threading.Event()
        future.add_done_callback(lambda _: done.set())
        lonely = time.monotonic()
        while not done.wait(1):
            if ended.is_set():
                raise WorkerDied("the sweep ends")
            if threads():
                lonely = time.monotonic()
            elif time.monotonic() - lonely > PATIENCE:
                raise NotHere(f"the dask scheduler at {address!r} has no workers left; what is finished is kept")
        return _answer(future, address)

    def stop() -> None:
        ended.set()
        client.close()

    seconds = max(SECONDS, (workers or threads()) * EACH)
    try:
        yield Crew(lambda: workers or max(threads(), 1), ask, stop, seconds)
    finally:
        stop()


def _answer(future: Any, address: str) -> Answer:
    """What a chunk came to."""
    try:
        return future.result(timeout=KNOCK)
    except distributed.KilledWorker as death:
        raise WorkerDied("several workers of dask died on a chunk", DEATHS) from death
    except Exception as error:  # the scheduler is gone, or a worker cannot even import this package
        what = str(error).partition("\n")[0]
        raise NotHere(f"dask at {address!r}: {type(error).__name__}: {what}; what is finished is kept") from error
