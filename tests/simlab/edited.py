"""What new processes answer, one after the other, while a file that a rule takes a helper from is edited."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

RULE = """
from simlab.rule import Step
from helpers import size

def mine(t, alpha, g):
    return Step(direction=size(g), rate=alpha), ()
"""
TWICE = "def size(g):\n    return 2 * g\n"
HELPERS = [  # each in turn is what the file says
    TWICE,
    TWICE,  # from the cache
    "K = 5\n\n\ndef size(g):\n    return K * g\n",
    "K = 7\n\n\ndef size(g):\n    return K * g\n",  # only a global constant changed
    TWICE,  # the first one again
]


def answers(folder: Path, run: str) -> list[str]:
    """What the program `run` prints for each of HELPERS, with a cache in `folder` that starts empty."""
    env = {**os.environ, "SIMLAB_CACHE": str(folder / "cache"), "PYTHONDONTWRITEBYTECODE": "1"}
    (folder / "mine.py").write_text(RULE)
    said = []
    for text in HELPERS:
        (folder / "helpers.py").write_text(text)
        command = [sys.executable, "-c", run.format(folder=str(folder))]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        assert not done.returncode, done.stderr
        said.append(done.stdout.strip())
    return said
