"""What there is, found and never listed: rules, problems, backends, bounds, data sets, figures, and claims.

A name is a path: `simlab/rules/adam.py` defines `adam`. Claims live in packages that announce themselves under the
entry point group `simlab.claims`; each of their modules holds one claim under the module's own name.
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from simlab.errors import BadInput, nearest


@cache
def names(package: str) -> tuple[str, ...]:
    """The public modules of a package, sorted."""
    found = importlib.import_module(package).__path__
    return tuple(sorted(m.name for m in pkgutil.iter_modules(found) if not m.name.startswith("_")))


def lookup(package: str, name: str, what: str) -> ModuleType:
    """The module of that name in the package; raises BadInput with the nearest name."""
    known = names(package)
    if name not in known:
        raise BadInput(f"unknown {what} {name!r}{nearest(name, known)} (there are {', '.join(known)})")
    return importlib.import_module(f"{package}.{name}")


def rule(name: Any) -> Any:
    """The UpdateRule of that name, of a function, or of `path/to/file.py:name`."""
    from simlab.rule import UpdateRule, read_rule

    if isinstance(name, UpdateRule):
        return name
    if callable(name):
        return read_rule(name)
    if ".py:" in name:
        return read_rule(_from_file(name))
    return read_rule(getattr(lookup("simlab.rules", name, "rule"), name))


def problem(name: Any) -> Any:
    """The ProblemFamily of that name, or of a function of constants."""
    from simlab.problem import ProblemFamily, read_problem

    if isinstance(name, ProblemFamily):
        return name
    return read_problem(name if callable(name) else getattr(lookup("simlab.problems", name, "problem"), name))


def backend(name: str) -> ModuleType:
    """The backend module of that name."""
    return lookup("simlab.backends", name, "backend")


def _from_file(spec: str) -> Any:
    path, _, name = spec.rpartition(":")
    file = Path(path)
    if not file.is_file():
        raise BadInput(f"no file {path!r} to take the rule {name!r} from")
    module = importlib.util.module_from_spec(made := importlib.util.spec_from_file_location(file.stem, file))  # type: ignore[arg-type]
    try:
        made.loader.exec_module(module)  # type: ignore[union-attr]
    except Exception as error:
        raise BadInput(f"{path} does not run: {type(error).__name__}: {error}") from error
    if not callable(getattr(module, name, None)):
        raise BadInput(f"{path} defines no function {name!r}{nearest(name, vars(module))}")
    return getattr(module, name)


@cache
def claim_modules() -> dict[str, str]:
    """The module of every claim that is installed, by the claim's name; nothing is imported.

    Raises RuntimeError if there is none (silence is not success), and where two have one name.
    """
    found: dict[str, str] = {}
    for entry in sorted(entry_points(group="simlab.claims"), key=lambda e: e.name):
        for name in names(entry.value):
            if name in found:
                raise RuntimeError(f"two claims are called {name!r}")
            found[name] = f"{entry.value}.{name}"
    if not found:
        raise RuntimeError("no claims are installed; install the packages that announce themselves as simlab.claims")
    return found


def claim(name: str) -> Any:
    """The claim of that name."""
    known = claim_modules()
    if name not in known:
        raise BadInput(f"unknown claim {name!r}{nearest(name, known)} (simlab list claims shows all {len(known)})")
    found = getattr(importlib.import_module(known[name]), name, None)
    if found is None:
        raise RuntimeError(f"{known[name].replace('.', '/')}.py defines no {name!r}: a claim's name is its path")
    return found


def claims() -> dict[str, Any]:
    """Every claim that is installed, by name."""
    return {name: claim(name) for name in claim_modules()}


def bound(name: str) -> Any:
    """The regret bound of that name."""
    return getattr(lookup("simlab.bounds", name, "bound"), name)


def dataset(name: str) -> Any:
    """The data set of that name."""
    return getattr(lookup("simlab.datasets", name, "data set"), name)


def figure(name: str) -> ModuleType:
    """The module of the figure of that name."""
    return lookup("simlab.figures", name, "figure")
