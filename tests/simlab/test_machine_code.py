"""The cache of compiled kernels: a key for everything that goes in, and nothing stale, damaged or foreign comes out."""

from __future__ import annotations

import os
import sys
from fractions import Fraction as Q
from pathlib import Path

import pytest

import simlab
from simlab import machine_code
from simlab.machine_code import Unknown, digest, read, write
from tests.simlab.edited import answers

SCALE = 2


def helper(x):
    return SCALE * x


def uses_helper(t, g):
    return helper(g) + t


def test_the_key_sees_a_helper_a_global_a_constant_and_a_closure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of these changes the key; nothing else does."""
    import types

    module = sys.modules[__name__]
    keys = [digest([uses_helper])]
    assert digest([uses_helper]) == keys[0]
    monkeypatch.setattr(module, "SCALE", 3)
    keys.append(digest([uses_helper]))
    monkeypatch.setattr(
        module, "helper", types.FunctionType(helper.__code__.replace(co_consts=(None, 1)), globals(), "helper")
    )
    keys.append(digest([uses_helper]))

    def closing(over):
        return lambda t, g: g * over

    def defaulting(k):
        def size(g, k=k):
            return k * g

        return size

    keys += [digest([defaulting(1)]), digest([defaulting(2)])]
    keys += [digest([closing(1)]), digest([closing(2)]), digest([closing(Q(1, 2))]), digest([closing(1.0)])]
    assert len(set(keys)) == len(keys)
    assert digest([closing(2)]) == digest([closing(2)])
    assert digest([uses_helper], "a fact") != digest([uses_helper], "another")


def test_the_key_refuses_what_it_cannot_describe() -> None:
    state: dict = {}

    def stateful(t, g):
        return g if state else t

    with pytest.raises(Unknown, match="a dict"):
        digest([stateful])

    def through_a_module(t, g):
        return machine_code.FLAGS["opt"] * g

    with pytest.raises(Unknown, match="a module"):  # an edit of what it takes from there would go unseen
        digest([through_a_module])


def test_a_damaged_kernel_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Truncated, bit-flipped or foreign files read as absent, and an unwritable folder is no error."""
    monkeypatch.setenv("SIMLAB_CACHE", str(tmp_path))
    write("key", {"symbol": "f", "needs": []}, b"\x7fELF-like bytes")
    assert read("key") == ({"symbol": "f", "needs": [], "sha256": read("key")[0]["sha256"]}, b"\x7fELF-like bytes")
    file = tmp_path / "kernels" / "key"
    whole = file.read_bytes()
    for damage in (whole[:-1], whole[:-1] + b"!", b"", b"{}\n", b"\xff\xfe", b"[1]\nx"):
        file.write_bytes(damage)
        assert read("key") is None
    assert read("absent") is None
    assert oct((tmp_path / "kernels").stat().st_mode & 0o777) == "0o700"


def test_a_folder_that_others_may_write_is_not_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIMLAB_CACHE", str(tmp_path))
    assert machine_code.folder() is not None
    os.chmod(tmp_path / "kernels", 0o777)
    assert machine_code.folder() is None
    monkeypatch.setenv("SIMLAB_CACHE", "/proc/nowhere")
    assert machine_code.folder() is None


RUN = """
import sys
sys.path.insert(0, {folder!r})
import simlab
hyper = dict(gradients="1", lower=-100, alpha=1)
r = simlab.run({folder!r} + "/mine.py:mine", "linear_periodic", hyper=hyper, rounds=1)
print(r.x_last, "numba" in sys.modules)
"""


def test_an_edited_helper_in_another_file_is_never_stale(tmp_path: Path) -> None:
    """A second process loads the kernel without Numba; after an edit of the helper's file the new code runs."""
    assert answers(tmp_path, RUN) == ["-2.0 True", "-2.0 False", "-5.0 True", "-7.0 True", "-2.0 False"]


def test_a_rule_typed_at_a_prompt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two rules of one name without a source file get two kernels."""
    monkeypatch.setenv("SIMLAB_CACHE", str(tmp_path))
    from simlab.rule import Step

    answers = []
    for factor in (2, 3):
        space: dict = {"Step": Step}
        exec(f"def typed(t, alpha, g):\n    return Step(direction={factor} * g, rate=alpha), ()", space)
        run = simlab.run(
            space["typed"], "linear_periodic", hyper={"gradients": "1", "lower": -100, "alpha": 1}, rounds=1
        )
        answers.append(run.x_last)
    assert answers == [-2.0, -3.0]


def test_what_is_built_after_an_edit_of_the_drivers_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process may hold the old drivers in memory while the file, and so another process's key, is new."""
    monkeypatch.setenv("SIMLAB_CACHE", str(tmp_path))
    monkeypatch.setattr(machine_code, "_sources", lambda: ("edited", "since"))
    monkeypatch.setattr(machine_code, "load", lambda about, code: 1)
    assert machine_code.kernel("key", lambda: ({"symbol": "f", "needs": []}, b"code")) == (1, "compiled")
    assert read("key") is None
    monkeypatch.setattr(machine_code, "_sources", lambda: machine_code._SOURCES)
    machine_code.kernel("key", lambda: ({"symbol": "f", "needs": []}, b"code"))
    assert read("key")
