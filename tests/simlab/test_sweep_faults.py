"""Faults at random moments and at every one: kills of processes, full disks and broken disks lose no finished cell.

The numbers of kills and of faulty calls are small here; SIMLAB_KILLS=200 SIMLAB_EVERY=1 is the whole of it.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.simlab.sweeping import HEAD, command, offspring, start, stored, swept, written

KILLS = int(os.environ.get("SIMLAB_KILLS", "12"))
EVERY = int(os.environ.get("SIMLAB_EVERY", "9"))  # each how manieth call of the system meets a fault

MANY = (
    'rule = "adam_analysed"\nproblem = "reddi2018_periodic"\nrounds = 1e3\n[axes]\n'
    "C = { linspace = [3, 12], count = 15 }\nbeta2 = { linspace = [0.1, 0.9], count = 40 }\n"
)


@pytest.mark.slow
def test_killed_at_random_moments(tmp_path: Path) -> None:
    """The group, the parent or a worker is killed at any moment, as often as it takes; nothing is lost or twice."""
    luck, kills, sweeps = random.Random(7), Counter[str](), 0
    quiet = swept(MANY, tmp_path / "quiet").digest
    spec = written(tmp_path, MANY)
    began = time.monotonic()
    command(spec, tmp_path / "first")
    usual = time.monotonic() - began
    while sum(kills.values()) < KILLS:
        out, before, sweeps = tmp_path / f"out{sweeps}", Counter[bytes](), sweeps + 1
        while True:
            process = start(spec, out, "--executor", luck.choice(["processes", "processes", "threads"]))
            time.sleep(luck.uniform(0, 1.1 * usual))
            victim = luck.choice(["group", "parent", "worker"])
            hands = offspring(process.pid) if process.poll() is None else []
            before = stored(out)  # read before the kill, so all of it was acknowledged
            if process.poll() is None and (hands or victim != "worker"):
                if victim == "group":
                    os.killpg(process.pid, signal.SIGKILL)
                else:
                    os.kill(process.pid if victim == "parent" else luck.choice(hands), signal.SIGKILL)
                kills[victim] += 1
                print(f"\r{dict(kills)}", end="", flush=True)
            said, errors = process.communicate(timeout=120)
            assert before.keys() <= stored(out).keys()
            assert set(stored(out).values()) <= {1}
            if process.returncode == 0:
                assert f'"sha256": "{quiet}"' in said
                assert len(stored(out)) == 600
                break
            assert process.returncode == -signal.SIGKILL, errors
        shutil.rmtree(out)
    print(f"\n{dict(kills)} kills in {sweeps} sweeps of 600 cells: no cell lost, none twice, {sweeps} digests equal")


FEW = HEAD + "rounds = 1e3\n[axes]\nC = [3, 5]\nseed = { seeds = 2 }\n"
CALLS = "pwrite64,write,ftruncate,fsync,fdatasync,rename"
FAULTS = {"killed": "signal=KILL", "full disk": "error=ENOSPC", "broken disk": "error=EIO"}


def traced(log: Path, *options: str) -> tuple[str, ...]:
    return ("strace", "-f", "-qq", "-o", str(log), "-e", f"trace={CALLS}", *options)


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_every_call(fault: str, tmp_path: Path) -> None:
    """Every n-th write, sync or rename of a sweep of four cells fails: it ends or goes on, and then all is there."""
    if shutil.which("strace") is None:
        pytest.skip("needs strace")
    quiet, spec, log = swept(FEW, tmp_path / "quiet").digest, written(tmp_path, FEW), tmp_path / "log"
    how = ("--executor", "threads", "--workers", "1")
    process = start(spec, tmp_path / "whole", *how, wrap=traced(log))
    assert process.communicate(timeout=60)[0]
    if process.returncode:
        pytest.skip("strace may not trace here")
    calls = Counter(re.findall(r"^\d+ +(\w+)\(", log.read_text(), re.MULTILINE))
    assert calls["pwrite64"] > 20
    assert calls["rename"] == 2
    met = 0
    for call, times in calls.items():
        for n in range(1, times + 1, EVERY):
            out = tmp_path / f"{call}{n}"
            inject = ("-e", f"inject={call}:{FAULTS[fault]}:when={n}")
            process = start(spec, out, *how, wrap=traced(log, *inject))
            _, errors = process.communicate(timeout=60)
            if fault == "killed":
                assert process.returncode in (-signal.SIGKILL, 128 + signal.SIGKILL, 0), errors
            else:
                said = re.search(r" write\([12],.*INJECTED", log.read_text())  # what it says itself met the fault
                assert process.returncode in ((0, 2, 3) if said else (0, 3)), (call, n, errors)
                assert "Traceback" not in errors, (call, n, errors)
            met += any(word in log.read_text() for word in ("INJECTED", "killed by SIGKILL"))
            before = stored(out)
            for name in ("result.nc", "result.csv"):  # whole, or not there
                if (out / name).exists():
                    assert (out / name).stat().st_size == (tmp_path / "whole" / name).stat().st_size
            done = command(spec, out, *how)
            assert done["sha256"] == quiet, (call, n)
            assert done["computed"] == 4 - len(before)
            assert set(stored(out).values()) == {1}
            shutil.rmtree(out)
    assert met
    print(f"{fault}: {met} of {dict(calls)}: all resumed to the same digest")
