"""Errors for people: what was wrong, what is allowed, the nearest right name. Each class has its exit code."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class SimlabError(Exception):
    """An error that a person can act on; `problems` is a list of sentences, one a line of the report."""

    exit_code = 1

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = list(problems)


class BadInput(SimlabError):
    """Something asked for is not allowed (exit code 2)."""

    exit_code = 2


class NotHere(SimlabError):
    """This machine lacks a device or an extra (exit code 4)."""

    exit_code = 4


class Undecided(SimlabError):
    """Balls overlap, so a comparison has no certain answer at this precision."""


def nearest(name: str, known: Iterable[str]) -> str:
    """'; did you mean ...?' if something known is near, else ''."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""
