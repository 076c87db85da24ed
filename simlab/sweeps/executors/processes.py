"""Processes of this machine, each with a shard of its own, in which it commits every cell as soon as it is played.

A worker that dies ends its pipe, and the next chunk of its slot gets a new one. A worker whose parent dies stops with
the first cell that it commits then.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import queue
import signal
import sqlite3
import threading
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from simlab.blocks import cores
from simlab.errors import BadInput
from simlab.sweeps.chunk import Answer, work
from simlab.sweeps.store import StoreTrouble, connect, full, locked, put, shard_path
from simlab.sweeps.workers import SECONDS, Crew, WorkerDied


@contextlib.contextmanager
def start(folder: Path, workers: int | None, address: str | None) -> Iterator[Crew]:
    """A crew of processes; one for each core of this machine unless told otherwise."""
    if address is not None:
        raise BadInput("--address is for executors beyond this machine; processes has none")
    count = workers or cores()
    slots: queue.LifoQueue[int] = queue.LifoQueue()  # the last one back is the first one out: it has a worker
    for slot in reversed(range(count)):
        slots.put(slot)
    alive: dict[int, tuple[Connection, Any]] = {}
    ended, hiring = threading.Event(), threading.Lock()

    def ask(chunk: list[str]) -> Answer:
        slot = slots.get()
        try:
            with hiring:
                if ended.is_set():
                    raise WorkerDied("the sweep ends")
                pipe, _ = alive[slot] = alive.get(slot) or _hire(folder, slot)
            try:
                pipe.send(chunk)
                answer = pipe.recv()
            except (EOFError, OSError):
                _, body = alive.pop(slot)
                pipe.close()
                body.join()
                raise WorkerDied(f"worker {slot} died") from None
        finally:
            slots.put(slot)
        if isinstance(answer, str):
            raise StoreTrouble(answer)
        return answer

    def stop() -> None:
        """Let the idle go, and kill who is at work."""
        with hiring:
            ended.set()
        for _, body in list(alive.values()):
            body.kill()

    try:
        yield Crew(lambda: count, ask, stop, SECONDS, count)
    finally:
        stop()
        for pipe, body in alive.values():
            pipe.close()
            body.join()


def _hire(folder: Path, slot: int) -> tuple[Connection, Any]:
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    body = spawn.Process(target=serve, args=(theirs, folder, slot, os.getpid()), daemon=True)
    body.start()
    theirs.close()  # so that the death of the worker ends the pipe
    return ours, body


def serve(orders: Connection, folder: Path, slot: int, parent: int) -> None:
    """Compute the chunks that come in, until the parent is gone or ends this process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    path = shard_path(folder, slot)
    with orders, locked(path.with_suffix(".lock"), wait=True):
        try:
            shard = connect(path)

            def keep(cell: str, blob: bytes) -> None:
                put(shard, cell, blob)
                if os.getppid() != parent:
                    raise EOFError

            while True:
                orders.send(work(orders.recv(), SECONDS, keep))
        except (sqlite3.Error, StoreTrouble) as error:
            orders.send(full(path, error))
        except (EOFError, OSError):  # the parent is gone
            pass
