"""What the numbers of a run depend on: sources, versions, exact inputs, date and command."""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import inspect
import platform
import types
from collections.abc import Callable
from fractions import Fraction
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from simlab.ops import PRIMITIVES, children
from simlab.protocol import Plan


def source_hash(*functions: Callable) -> str:
    """The SHA-256 of the source of functions, of all the helpers they reach, and of the values that these mention.

    Two rules made by one builder differ in what they close over, so values count; the operations are left out.
    """
    seen: dict[Any, str] = {}

    def visit(f: Any) -> None:
        if f in seen or f in PRIMITIVES:
            return
        reached = sorted(children(f).items())
        seen[f] = _source(f.__code__) + repr([(name, child) for name, child in reached if _is_value(child)])
        for _, child in reached:
            if inspect.isfunction(child):
                visit(child)

    for f in functions:
        visit(f)
    return hashlib.sha256("\n".join(seen.values()).encode()).hexdigest()


def _is_value(x: Any) -> bool:
    return all(map(_is_value, x)) if isinstance(x, tuple) else isinstance(x, (int, float, str, bytes, Fraction))


@cache
def _source(code: types.CodeType) -> str:
    try:
        return inspect.getsource(code)
    except (OSError, TypeError):  # typed at a prompt
        return code.co_code.hex() + repr(code.co_consts)


@cache
def versions(*packages: str) -> dict[str, str]:
    """The versions of packages that are installed, Python and the machine included."""
    found = {"python": platform.python_version(), "machine": platform.machine()}
    for name in ("simlab", "numpy", *packages):
        with contextlib.suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def provenance(
    plan: Plan, device: str | None, bits: int | None, command: str, packages: tuple[str, ...]
) -> dict[str, Any]:
    """Everything that the numbers of a run depend on, exact numbers as text; `packages` are those of the backend."""
    return {
        "hyper": {n: str(v) for n, v in plan.hyper.items()},
        "constants": {n: _brief(v) for n, v in plan.constants.items()},
        "problem_data": [_brief(d) for d in plan.problem.data],
        "feasible": str(plan.problem.feasible),
        "x0": _brief(plan.x0),
        "schedule": plan.rate_schedule.__name__,
        "beta1_schedule": plan.beta1_schedule.__name__,
        "lambda": str(plan.decay),
        "rule_source": source_hash(plan.rule.function),
        "problem_source": source_hash(plan.problem.loss, plan.problem.grad),
        "device": device or "cpu",
        "bits": bits,
        "versions": versions(*packages),
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "command": command,
    }


def _brief(x: Any) -> str:
    text = str(x) if not isinstance(x, tuple) else "(" + ", ".join(_brief(v) for v in x) + ")"
    return text if len(text) <= 400 else f"{text[:300]}... sha256:{hashlib.sha256(text.encode()).hexdigest()}"
