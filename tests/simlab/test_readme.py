"""Every command and every Python line of the README does what the README shows."""

from __future__ import annotations

import doctest
import re
import shlex
from pathlib import Path

import pytest

from simlab import cli

README = Path(__file__).parents[2] / "README.md"
BLOCKS = re.findall(r"```console\n\$ simlab (.*)\n((?:.*\n)*?)```", README.read_text())


@pytest.mark.parametrize(("command", "shown"), BLOCKS, ids=[b[0][:40] for b in BLOCKS])
def test_commands(command: str, shown: str, capsys: pytest.CaptureFixture) -> None:
    assert cli.main(shlex.split(command)) == ("breaks" in shown)  # 1: an audit found a violation
    out = capsys.readouterr().out
    assert out == shown, f"the README shows\n{shown}\nand the command prints\n{out}"


def test_python_lines() -> None:
    text = "\n".join(re.findall(r"```python\n(>>>.*?)```", README.read_text(), re.DOTALL))
    lines = doctest.DocTestParser().get_doctest(text, {}, "README", str(README), 0)
    assert len(lines.examples) >= 3
    assert doctest.DocTestRunner().run(lines).failed == 0


def test_links_and_pictures_exist() -> None:
    targets = re.findall(r"\]\(([^)#:]+)\)", README.read_text())
    assert "docs/luo2019_trajectories.png" in targets
    for target in targets:
        assert (README.parent / target).exists(), target


def test_the_rule_in_the_readme_is_a_rule(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    """The example that a newcomer copies runs as it stands."""
    example = re.search(r"```python\n(from fractions.*?)```", README.read_text(), re.DOTALL)
    assert example
    (tmp_path / "mine.py").write_text(example[1])
    args = [
        "run",
        "--rule",
        f"{tmp_path}/mine.py:mine",
        "--problem",
        "quadratic",
        "--rounds",
        "50",
        "--backend",
        "reference",
    ]
    code = cli.main(args)
    out, err = capsys.readouterr()
    assert (code, err) == (0, "")
    assert out.startswith("mine on quadratic, 50 rounds\n")
