"""What the tests of sweeps share: a small grid, a sweep of it in this process, and what its store holds."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from simlab.errors import BadInput
from simlab.sweeps.run import run
from simlab.sweeps.specification import read

HEAD = 'rule = "adam_analysed"\nproblem = "reddi2018_stochastic"\n'
SMALL = HEAD + (
    "rounds = 1e3\nroot = 7\n[set]\nalpha = 0.1\n"
    "[axes]\nC = [3, 5]\nbeta2 = { linspace = [0.1, '9/10'], count = 3 }\nseed = { seeds = 2 }\n"
)

LONG = (
    'rule = "adam_analysed"\nproblem = "reddi2018_periodic"\nrounds = 8e6\n[axes]\n'
    "C = { linspace = [3, 12], count = 10 }\nbeta2 = { linspace = [0.1, 0.9], count = 10 }\n"
)


def written(folder: Path, text: str, name: str = "spec.toml") -> Path:
    (folder / name).write_text(text)
    return folder / name


def swept(text: str, folder: Path, **how: Any) -> Any:
    """The outcome of a sweep on two threads of this process, which is the quickest way."""
    folder.mkdir(exist_ok=True)
    messages: list[str] = []
    how = {"workers": 2, "executor": "threads", "yes": True, "tell": messages.append, **how}
    done = run(read(written(folder, text)), folder / "out", **how)
    done.messages = messages
    return done


def problems(folder: Path, text: str) -> list[str]:
    with pytest.raises(BadInput) as caught:
        read(written(folder, text))
    return [p.removeprefix("spec.toml: ") for p in caught.value.problems]


def shards(folder: Path) -> list[Path]:
    return sorted((folder / "shards").glob("*.sqlite"))


def stored(folder: Path) -> Counter[bytes]:
    """How often each cell is in the store."""
    found: Counter[bytes] = Counter()
    for path in shards(folder):
        try:
            shard = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
            found.update(k for (k,) in shard.execute("SELECT key FROM cells"))
            shard.close()
        except sqlite3.OperationalError:  # not there yet
            continue
    return found


# --- in a process of its own ----------------------------------------------------------------------------------------


def start(spec: Path, out: Path, *options: str, wrap: tuple[str, ...] = ()) -> subprocess.Popen:
    """The command, in a group of its own; `wrap` is what starts it, such as strace."""
    line = [
        *wrap,
        sys.executable,
        "-m",
        "simlab.cli",
        "sweep",
        str(spec),
        "--out",
        str(out),
        "--workers",
        "2",
        "--json",
    ]
    return subprocess.Popen(
        [*line, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def command(spec: Path, out: Path, *options: str) -> dict[str, Any]:
    """What the command says, in a process of its own."""
    said, errors = (process := start(spec, out, *options)).communicate(timeout=60)
    assert process.returncode == 0, errors
    return json.loads(said)


def offspring(pid: int) -> list[int]:
    """The workers of a sweep, by their pids."""
    found = []
    for thread in Path(f"/proc/{pid}/task").iterdir():
        for child in (thread / "children").read_text().split():
            if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes():
                found.append(int(child))
    return found
