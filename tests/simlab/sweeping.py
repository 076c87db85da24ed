"""What the tests of sweeps share: a small grid, a sweep of it in this process, and what its store holds."""

from __future__ import annotations

import sqlite3
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


def written(folder: Path, text: str, name: str = "spec.toml") -> Path:
    (folder / name).write_text(text)
    return folder / name


def swept(text: str, folder: Path, **how: Any) -> Any:
    """The outcome of a sweep on two threads of this process, which is the quickest way."""
    folder.mkdir(exist_ok=True)
    messages: list[str] = []
    done = run(read(written(folder, text)), folder / "out", how.pop("workers", 2), True, tell=messages.append, **how)
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
