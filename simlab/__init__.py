"""simlab: a simulation toolkit for optimization theory.

Every update rule, loss and bound is written once, and every number system reads it: compiled floats, tensors, balls
that enclose the exact run, and the symbols of proofs. See `simlab.run`, `simlab.rules` and `simlab.problems`.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

__version__ = "0.1.0"
__all__ = ["bounds", "datasets", "load", "problems", "rules", "run", "run_batch"]

_LATE = {"run": "simlab.online", "run_batch": "simlab.grid", "load": "simlab.trajectory"}
_FAMILIES = ("rules", "problems", "bounds", "datasets")


def __getattr__(name: str) -> Any:
    if name in _LATE:
        return getattr(importlib.import_module(_LATE[name]), name)
    if name in _FAMILIES:
        return importlib.import_module(f"simlab.{name}")
    raise AttributeError(f"module 'simlab' has no attribute {name!r}")


class Family(ModuleType):
    """A package of rules, problems, bounds or data sets that is also a mapping from names to what they declare."""

    def __getitem__(self, name: str) -> Any:
        from simlab import catalog

        return getattr(catalog, self.__name__.rpartition(".")[2][:-1])(name)

    def __iter__(self) -> Iterator[str]:
        from simlab import catalog

        return iter(catalog.names(self.__name__))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __contains__(self, name: object) -> bool:
        return any(name == known for known in self)

    def __dir__(self) -> list[str]:
        return list(self)


def family(name: str) -> None:
    """Make the package of that name a Family; each such package calls this."""
    sys.modules[name].__class__ = Family
