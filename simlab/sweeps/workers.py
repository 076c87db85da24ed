"""The cells of a sweep, computed by worker processes (or threads) that may die at any moment.

A worker is sent chunks of cells, about half a second each, and commits every cell to its own shard before the next. A
worker that dies is replaced: its pipe ends, the store says which of its cells are missing, and those are sent out
again. A worker whose parent dies stops before its next cell. There is no pool: a pool waits for the dead.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import multiprocessing
import os
import signal
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, cast

import numpy as np

from simlab import online
from simlab.errors import BadInput
from simlab.sweeps.specification import Sweep, source
from simlab.sweeps.store import Store, StoreTrouble, connect, encode, locked, put, shard_path

CHUNK = 0.5  # seconds of work sent at a time
DEATHS = 3  # workers that a cell may kill before it is left out
MOST_LEFT = 1000  # cells left out that end a sweep: its rule is broken
CURVES = ("x", "rate", "direction", "loss", "regret_curve")


@dataclass
class Outcome:
    """What a sweep did: cells in all, found in the store, computed now, those left out with the reason; its files.

    failed: how many cells have no result, or stopped early.
    """

    cells: int
    found: int = 0
    computed: int = 0
    left: dict[str, str] = field(default_factory=dict)
    failed: int = 0
    digest: str = ""
    files: list[str] = field(default_factory=list)

    @property
    def done(self) -> int:
        return self.found + self.computed


def compute(text: str) -> bytes:
    """The result of a cell. A run that its settings forbid is a result too: its reason, and no numbers."""
    cell = json.loads(text)
    if cell["source"] != source(cell["rule"], cell["problem"], cell["backend"]):
        raise RuntimeError("the source of its rule or problem changed while the sweep ran; run the command again")
    try:
        run = online.run(
            cell["rule"],
            cell["problem"],
            hyper=cell["set"],
            x0=cell["x0"],
            rounds=cell["rounds"],
            record=cell["record"],
            backend=cell["backend"],
            yes=True,
        )
    except (BadInput, ArithmeticError) as error:
        return encode({"reason": str(error), "stopped": 0}, {})
    stopped = run.stopped or {"round": 0, "reason": ""}
    numbers = {
        "x_last": np.asarray(run.x_last, dtype=np.float64),
        **{n: np.array(float(getattr(run, n))) for n in ("regret", "average_regret", "comparator_gap")},
    }
    if cell["record"] > 1:
        due = run.plan.recorded
        numbers |= {name: _at(due, run.t, getattr(run, name)) for name in CURVES}
    return encode({"reason": stopped["reason"], "stopped": stopped["round"]}, numbers)


def _at(due: np.ndarray, t: np.ndarray, curve: np.ndarray) -> np.ndarray:
    """The curve at the rounds that were due; nan after a stop, whose own round need not be one of them."""
    whole = np.full((len(due), *curve.shape[1:]), np.nan)
    whole[np.isin(due, t)] = curve[np.isin(t, due)]
    return whole


# --- a worker -------------------------------------------------------------------------------------------------------


def serve(orders: Connection, folder: Path, slot: int, parent: int) -> None:
    """Compute the chunks that come in until there are no more, or until the parent is gone."""
    if os.getpid() != parent:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    path = shard_path(folder, slot)
    with orders, locked(path.with_suffix(".lock"), wait=True):
        try:
            shard = connect(path)
            while chunk := orders.recv():
                began, left = time.perf_counter(), {}
                for text in chunk:
                    if parent not in (os.getpid(), os.getppid()):
                        return
                    try:
                        blob = compute(text)
                    except Exception as error:
                        left[text] = f"{type(error).__name__}: {error}"
                    else:
                        put(shard, text, blob)
                orders.send((left, time.perf_counter() - began))
            shard.close()
        except (sqlite3.Error, StoreTrouble) as error:
            orders.send(str(error))
        except (EOFError, OSError):  # the parent is gone
            pass


@dataclass
class _Worker:
    slot: int
    body: Any
    chunk: list[str]


class _Crew:
    """The workers that are alive, by the pipe that leads to each."""

    def __init__(self, folder: Path, threads: bool) -> None:
        self.folder, self.threads = folder, threads
        self.at: dict[Connection, _Worker] = {}

    def hire(self, slot: int) -> Connection:
        spawn = multiprocessing.get_context("spawn")
        ours, theirs = spawn.Pipe()
        kind: Any = threading.Thread if self.threads else spawn.Process
        body = kind(target=serve, args=(theirs, self.folder, slot, os.getpid()), daemon=True)
        body.start()
        if not self.threads:
            theirs.close()  # so that the death of the worker ends the pipe
        self.at[ours] = _Worker(slot, body, [])
        return ours

    def dismiss(self, kill: bool) -> None:
        for pipe, worker in self.at.items():
            with contextlib.suppress(OSError):  # it died meanwhile
                if kill and not self.threads:
                    worker.body.kill()
                elif not kill:
                    pipe.send([])
            if kill:
                pipe.close()
            worker.body.join()


def carry_out(
    sweep: Sweep, store: Store, folder: Path, workers: int, threads: bool, report: Callable[[Outcome], None]
) -> Outcome:
    """Compute every cell of the sweep that the store does not have. Whatever ends it, what was finished is kept."""
    outcome, crew, size = Outcome(len(sweep)), _Crew(folder, threads), 1
    deaths: Counter[str] = Counter()
    crashes = 0  # of workers in a row, with no answer in between

    def missing(cells: Iterator[str]) -> Iterator[str]:
        for cell in cells:
            if store.get(cell) is None:
                yield cell
            else:
                outcome.found += 1

    todo, kill = missing(sweep.cells()), True
    try:
        while True:
            free = [pipe for pipe, worker in crew.at.items() if not worker.chunk]
            slots = set(range(workers)) - {w.slot for w in crew.at.values()}
            while (free or slots) and (chunk := list(itertools.islice(todo, size))):
                pipe = free.pop() if free else crew.hire(slots.pop())
                crew.at[pipe].chunk = chunk
                with contextlib.suppress(ConnectionError):  # it died meanwhile: its pipe says so below
                    pipe.send(chunk)
            busy = [pipe for pipe, worker in crew.at.items() if worker.chunk]
            report(outcome)
            if not busy or len(outcome.left) >= MOST_LEFT:
                kill = bool(busy)
                return outcome
            for ready in wait(busy):
                pipe = cast(Connection, ready)
                worker = crew.at[pipe]
                try:
                    answer = pipe.recv()
                except (EOFError, OSError):
                    del crew.at[pipe]
                    pipe.close()
                    worker.body.join()
                    lost = [cell for cell in worker.chunk if store.get(cell) is None]
                    outcome.computed += len(worker.chunk) - len(lost)
                    deaths.update(lost[:1])
                    crashes += 1
                    store.tell(f"worker {worker.slot} died; {len(lost)} of its cells are sent out again")
                    if lost and deaths[lost[0]] == DEATHS:
                        outcome.left[lost.pop(0)] = f"{DEATHS} workers died on it (killed, or out of memory)"
                    if crashes > DEATHS * workers + DEATHS:
                        raise StoreTrouble("workers die before they answer; what is finished is kept") from None
                    todo, size = itertools.chain(lost, todo), 1
                    continue
                if isinstance(answer, str):
                    raise StoreTrouble(
                        f"a worker could not write ({answer}); what is finished is kept: make room and run the same "
                        "command again"
                    )
                left, seconds = answer
                crashes = 0
                outcome.left |= left
                outcome.computed += len(worker.chunk) - len(left)
                size = max(1, min(int(len(worker.chunk) * CHUNK / max(seconds, 1e-6)), 8 * len(worker.chunk)))
                worker.chunk = []
    finally:
        crew.dismiss(kill)
