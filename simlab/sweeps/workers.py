"""The cells of a sweep, computed in chunks by workers that may die at any moment.

An executor takes a chunk of cells and gives back an Answer, or says that its worker died. Then the store tells which of
the cells are missing, and these are sent out again in two halves, so that a cell that kills its workers is found alone.
The loop below is the same on this machine, on a cluster and in threads; it alone decides what is done next. There is no
pool of processes: a pool waits for the dead.
"""

from __future__ import annotations

import itertools
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import NamedTuple

from simlab.errors import NotHere
from simlab.sweeps.chunk import LONGEST, TOGETHER, Answer
from simlab.sweeps.specification import Sweep
from simlab.sweeps.store import Store, StoreTrouble

SECONDS = 0.5  # work of a chunk: long beside what it costs to send, short beside what is lost with it
DEATHS = 3  # workers that a cell may kill before it is left out
MOST_LEFT = 1000  # cells left out that end a sweep: its rule is broken
MOST_OUT = 10_000  # chunks out at a time; each is waited for by a thread


class WorkerDied(Exception):
    """The worker (or so many of them, one after another) that had a chunk is gone."""

    def __init__(self, words: str, workers: int = 1) -> None:
        super().__init__(words)
        self.workers = workers


class Crew(NamedTuple):
    """The workers of an executor. All of it may be called from several threads at once.

    capacity: how many chunks they take at a time. ask(chunk): the Answer; raises WorkerDied, NotHere or StoreTrouble.
    stop: end what is running; whoever waits in ask is let go. seconds: the work that a chunk should hold.
    shards: how many of the store's shards workers write themselves; where it is 0, blobs are in the Answers.
    """

    capacity: Callable[[], int]
    ask: Callable[[list[str]], Answer]
    stop: Callable[[], None]
    seconds: float = SECONDS
    shards: int = 0


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


def carry_out(sweep: Sweep, store: Store, crew: Crew, report: Callable[[Outcome], None]) -> Outcome:
    """Compute every cell of the sweep that the store does not have. Whatever ends it, what was finished is kept."""
    outcome, deaths = Outcome(len(sweep)), Counter[str]()
    again: deque[list[str]] = deque()  # halves of chunks whose worker died
    over: list[str] = []  # cells that came back for want of time
    size, silence = 1, 0  # of the next chunk; deaths with no answer in between

    def missing(cells: Iterator[str]) -> Iterator[str]:
        for cell in cells:
            if store.get(cell) is None:
                yield cell
            else:
                outcome.found += 1

    def take() -> list[str]:
        if again:
            return again.popleft()
        chunk, over[:] = over[:size], over[size:]
        return chunk + list(itertools.islice(todo, size - len(chunk)))

    def bury(chunk: list[str], death: WorkerDied) -> None:
        lost = [cell for cell in chunk if store.get(cell) is None]
        outcome.computed += len(chunk) - len(lost)
        if len(chunk) == len(lost) == 1:  # only then it is known which cell it was
            deaths[chunk[0]] += death.workers
            if deaths[chunk[0]] >= DEATHS:
                outcome.left[lost.pop()] = f"{deaths[chunk[0]]} workers died on it (killed, or out of memory)"
        half = -(-len(lost) // 2)
        again.extend(part for part in (lost[:half], lost[half:]) if part)
        store.tell(f"{death}; {len(lost)} of its cells are sent out again")

    todo = missing(sweep.cells())
    with ThreadPoolExecutor(MOST_OUT) as pool:
        out: dict[Future[Answer], list[str]] = {}
        try:
            while True:
                while len(out) < min(crew.capacity(), MOST_OUT) and (chunk := take()):
                    out[pool.submit(crew.ask, chunk)] = chunk
                report(outcome)
                if not out or len(outcome.left) >= MOST_LEFT:
                    return outcome
                for future in wait(out, return_when=FIRST_COMPLETED).done:
                    chunk = out.pop(future)
                    try:
                        answer = future.result()
                    except WorkerDied as death:
                        bury(chunk, death)
                        silence += 1
                        if silence > DEATHS * (crew.capacity() + 1):
                            raise StoreTrouble("workers die before they answer; what is finished is kept") from None
                        continue
                    silence = 0
                    left = store.keep(answer.results)
                    outcome.left |= left
                    outcome.computed += len(answer.results) - len(left)
                    if answer.refusal:
                        raise NotHere(f"{answer.refusal}; what is finished is kept")
                    over += [cell for cell in chunk if cell not in answer.results]
                    n = len(answer.results)
                    rate = n / max(answer.seconds, 1e-6)
                    size = max(1, min(max(int(rate * crew.seconds), min(TOGETHER, int(rate * LONGEST))), 2 * n))
        finally:
            crew.stop()
