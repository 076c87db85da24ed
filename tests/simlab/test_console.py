"""What is said where it cannot be written; commands and their errors are in test_cli."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")


def told(*args: str, **streams: Any) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "simlab.cli", *args]
    return subprocess.run(command, text=True, timeout=60, **streams)


def test_output_that_cannot_be_written() -> None:
    with open("/dev/full", "w") as full:
        done = told("list", stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 2
    assert done.stderr == "error: what was to be shown could not be written (No space left on device)\n"


def test_the_code_tells_even_where_nothing_can_be_said() -> None:
    with open("/dev/full", "w") as full:
        done = told("nope", stdout=subprocess.PIPE, stderr=full)
    assert (done.returncode, done.stdout) == (2, "")
