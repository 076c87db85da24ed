"""What a run leaves behind: decisions, rates, directions, losses and regret at the recorded rounds, with provenance."""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from simlab.errors import BadInput
from simlab.exact import to_float
from simlab.files import netcdf
from simlab.problem import Best
from simlab.protocol import Plan, Records


@dataclass(frozen=True, repr=False)
class Trajectory:
    """One run. Arrays have one row a recorded round; losses and regret have the unit of the loss, x that of F.

    grade: what its numbers are worth, `enclosed` in balls, `observed` in floats.
    rounds: the horizon that was asked for.    t: the recorded rounds, increasing.
    x, rate, direction: x_t, eta_t and m_t (shape n or n x d).    loss: f_t(x_t).    regret: R_t, against the best fixed
    decision of the first t rounds (`comparator`, known to within `comparator_gap`).
    x_last: x_(T+1), the decision after the last update.    underflow: the first round whose state decayed to 0, or 0.
    stopped: None, or {"round", "reason"} where a proposal was not finite; x_last is then the last finite decision.
    """

    rule: str
    problem: str
    backend: str
    grade: str
    plan: Plan
    records: Records
    best: list[Best]
    seconds: float
    provenance: dict[str, Any]

    @property
    def rounds(self) -> int:
        return self.plan.rounds

    @property
    def stopped(self) -> dict[str, Any] | None:
        return {"round": self.records.stopped, "reason": self.records.reason} if self.records.stopped else None

    @property
    def underflow(self) -> int:
        return self.records.underflow

    @cached_property
    def t(self) -> np.ndarray:
        return np.array(self.records.t, dtype=np.int64)

    @property
    def x_last(self) -> Any:
        """x_(T+1) in the backend's own numbers (float, array, ball or expression)."""
        return _own(self.records.x_last)

    @cached_property
    def x(self) -> np.ndarray:
        return _column(self.records.x)

    @cached_property
    def rate(self) -> np.ndarray:
        return _column(self.records.rate, like=self.x)

    @cached_property
    def direction(self) -> np.ndarray:
        return _column(self.records.direction)

    @cached_property
    def loss(self) -> np.ndarray:
        return _column(self.records.loss)

    @cached_property
    def regrets(self) -> list[Any]:
        """R_t at every recorded round, in the backend's own numbers."""
        with precision(self.provenance["bits"]):
            return [_regret(total, best) for total, best in zip(self.records.total, self.best, strict=True)]

    @property
    def regret(self) -> Any:
        """R_T."""
        return self.regrets[-1]

    @property
    def average_regret(self) -> Any:
        """R_T / T."""
        with precision(self.provenance["bits"]):
            return self.regret / int(self.t[-1])

    @cached_property
    def regret_curve(self) -> np.ndarray:
        """R_t at the recorded rounds as floats."""
        return _column(self.regrets)

    @property
    def comparator_gap(self) -> float:
        """By how much at most R_T is under-reported, since the comparator was found numerically (0: exact)."""
        return self.best[-1].gap

    def __repr__(self) -> str:
        head = f"<{self.rule} on {self.problem}, {self.rounds} rounds, {self.backend} ({self.grade})"
        tail = f"; stopped in round {self.records.stopped}: {self.records.reason}" if self.records.stopped else ""
        return f"{head}: x_last = {shown(self.x_last)}, regret = {shown(self.regret)}{tail}>"

    def to_json(self) -> dict[str, Any]:
        """The keys that `simlab run --json` promises; balls are {"midpoint", "radius"} as strings."""
        return {
            "rule": self.rule,
            "problem": self.problem,
            "backend": self.backend,
            "rounds": self.rounds,
            "x_last": plain(self.x_last),
            "regret": plain(self.regret),
            "average_regret": plain(self.average_regret),
            "comparator": plain(self.best[-1].u),
            "comparator_gap": self.comparator_gap,
            "underflow": self.underflow,
            "stopped": self.stopped,
            "grade": self.grade,
            "seconds": self.seconds,
            "provenance": self.provenance,
        }

    def to_xarray(self) -> Any:
        """An xarray Dataset over the dimension `round` (and `coordinate`), units and provenance in its attributes."""
        import xarray

        dims = ("round",) if self.plan.problem.dimension is None else ("round", "coordinate")
        words = {
            "x": "decision x_t",
            "rate": "rate eta_t, the whole factor on the direction",
            "direction": "direction m_t",
        }
        data = {name: (dims, getattr(self, name), {"long_name": text, "units": "1"}) for name, text in words.items()}
        data["loss"] = (("round",), self.loss, {"long_name": "loss f_t(x_t)", "units": "1"})
        data["regret"] = (
            ("round",),
            self.regret_curve,
            {"long_name": "regret R_t against the best fixed decision of t rounds", "units": "1"},
        )
        last = np.atleast_1d(_column([self.records.x_last])[0])
        attributes = {
            "title": f"{self.rule} on {self.problem}",
            "rule": self.rule,
            "problem": self.problem,
            "backend": self.backend,
            "rounds": self.rounds,
            "grade": self.grade,
            "x_last": last,
            "underflow": self.underflow,
            "stopped": json.dumps(self.stopped),
            "comparator_gap": self.comparator_gap,
            "provenance": json.dumps(self.provenance),
        }
        return xarray.Dataset(data, {"round": ("round", self.t, {"long_name": "round t", "units": "1"})}, attributes)

    def save(self, path: str | os.PathLike) -> Path:
        """Write netCDF with a digest of its contents, whole or not at all; see `load` for the way back."""
        data = self.to_xarray()
        data.attrs["sha256"] = _digest(data)
        return netcdf(path, data)


def load(path: str | os.PathLike) -> Any:
    """The Dataset that Trajectory.save wrote; raises BadInput if the file is damaged or is something else."""
    import xarray

    try:
        with xarray.open_dataset(path, engine="h5netcdf") as data:
            found = data.load()
        if found.attrs["sha256"] != _digest(found):
            raise ValueError("the contents are not what was written")
    except FileNotFoundError:
        raise BadInput(f"no result file {os.fspath(path)!r}") from None
    except Exception as error:
        raise BadInput(
            f"{os.fspath(path)!r} is not a whole result of a run ({type(error).__name__}); run it again"
        ) from error
    return found


def _digest(data: Any) -> str:
    """The SHA-256 of all that a Dataset holds: attributes, dimensions, and numbers to the bit."""

    def told(attributes: dict) -> list:
        return [(name, np.ravel(value).tolist()) for name, value in sorted(attributes.items()) if name != "sha256"]

    h = hashlib.sha256(repr(told(data.attrs)).encode())
    for name in sorted(data.variables):
        part = data[name]
        h.update(repr((name, part.dims, told(part.attrs))).encode() + part.values.tobytes())
    return h.hexdigest()


@contextlib.contextmanager
def precision(bits: int | None) -> Iterator[None]:
    """Balls of `bits` bits inside; nothing where there are no balls."""
    if bits is None:
        yield
        return
    from flint import ctx

    before, ctx.prec = ctx.prec, bits
    try:
        yield
    finally:
        ctx.prec = before


def _regret(total: tuple, best: Best) -> Any:
    s, error = total
    if isinstance(best.value, float) and not math.isfinite(best.value):
        return -best.value
    if type(s).__module__.startswith(("flint", "sympy")):
        from simlab.ops import system_of

        value = best.value if isinstance(best.value, (int, Fraction)) else Fraction(best.value)
        return s + error - system_of(s).number(value) - (_ball(best.gap) if best.gap else 0)
    s, error = float(s), float(error)
    if not (math.isfinite(s) and math.isfinite(error)):
        return s + error
    nearest = to_float(best.value)
    if nearest == best.value:
        return math.fsum((s, error, -nearest))  # rounded once, as the line below is
    return to_float(Fraction(s) + Fraction(error) - Fraction(best.value))


def _ball(gap: float) -> Any:
    from flint import arb

    return arb(0).union(-arb(gap))  # the true minimum is lower by up to the gap, so the regret higher


def _own(x: Any) -> Any:
    if isinstance(x, (np.floating, np.bool_)):
        return float(x)
    return x.detach().cpu().numpy() if hasattr(x, "detach") and x.ndim else float(x) if hasattr(x, "detach") else x


def _float(x: Any) -> float:
    if hasattr(x, "mid"):
        return float(x.mid()) if x.is_finite() else math.nan
    return float(x)


def _column(values: list, like: np.ndarray | None = None) -> np.ndarray:
    rows = [_own(v) for v in values]
    out = np.array(
        [[_float(c) for c in row] if isinstance(row, np.ndarray) and row.ndim else _float(row) for row in rows]
    )
    if like is not None and out.ndim < like.ndim:
        out = np.repeat(out[:, None], like.shape[1], axis=1)
    return out


def plain(x: Any) -> Any:
    """A number or vector as JSON holds it; what is not finite becomes a string."""
    x = _own(x)
    if isinstance(x, (np.ndarray, tuple, list)):
        return [plain(v) for v in x]
    if hasattr(x, "mid") and hasattr(x, "rad"):
        return _decimal(x)
    if isinstance(x, (int, type(None))):
        return x
    if isinstance(x, Fraction):
        return float(x)
    if isinstance(x, (float, np.floating)):
        return float(x) if math.isfinite(x) else str(float(x))
    return str(x)


def _decimal(ball: Any) -> dict[str, str]:
    """A ball in decimals that encloses it: the radius takes up the rounding of the midpoint, and is rounded up."""
    from flint import arb

    if not ball.is_finite():
        return {"midpoint": "nan", "radius": "inf"}
    with precision(max(400, 4 * ball.mid().bits())):
        middle = ball.mid().str(40, radius=False)
        radius = abs(ball - arb(middle)).abs_upper() * arb("1.0001")
    return {"midpoint": middle, "radius": radius.str(6, radius=False) if radius != 0 else "0"}


def shown(x: Any) -> str:
    """A number or vector as a person reads it."""
    x = _own(x)
    if isinstance(x, (np.ndarray, tuple, list)):
        head = ", ".join(shown(v) for v in x[:5])
        return f"({head}{', ...' if len(x) > 5 else ''})"
    if hasattr(x, "mid"):
        return x.str(25)
    return f"{float(x):.15g}" if isinstance(x, (int, float, Fraction, np.floating)) else str(x)
