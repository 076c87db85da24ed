"""The clock of the benchmarks: entries take turns, so that a busy machine disturbs them alike."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

from benchmark_peers import Skip

Entry = tuple[Callable[[], Any], float]  # what is timed, and of how many units (rounds, coordinates) it is


def say(words: str) -> None:
    """Progress, for a person who is watching."""
    if sys.stderr.isatty():
        print(f"\r{words:<60}", end="\r", file=sys.stderr, flush=True)


def prepared(makers: dict[str, Callable[[], Any]], what: str) -> tuple[dict[str, Any], dict[str, str]]:
    """({name: what its maker gave}, {name: why it cannot run here})."""
    made, skipped = {}, {}
    for name, make in makers.items():
        say(f"{what}: preparing {name}")
        try:
            made[name] = make()
        except Skip as reason:
            skipped[name] = str(reason)
    return made, skipped


def turns(entries: dict[str, Entry], repeats: int, what: str) -> dict[str, dict[str, list[float]]]:
    """{name: {clock: nanoseconds a unit in each repetition}} by the processor's clock (cpu) and by the wall's."""
    found: dict[str, dict[str, list[float]]] = {name: {"cpu": [], "wall": []} for name in entries}
    for run, _ in entries.values():
        run()  # caches, compilation for this number of rounds
    for i in range(repeats):
        say(f"{what}: repetition {i + 1} of {repeats}")
        for name, (run, units) in entries.items():
            cpu, wall = time.process_time(), time.perf_counter()
            run()
            spent = {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}
            for clock, seconds in spent.items():
                found[name][clock].append(seconds / units * 1e9)
    return found
