"""The house rules, held: rules are straight-line, layers import downwards, nothing dangerous is used anywhere."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from simlab import catalog

ROOT = Path(__file__).parents[2]
SOURCES = sorted(p for d in ("simlab", "counterexamples", "proofs", "scripts") for p in (ROOT / d).rglob("*.py"))
RULES = sorted((ROOT / "simlab/rules").glob("[!_]*.py"))
# what is correctly rounded everywhere
EXACT = {"sqrt", "divide", "minimum", "maximum", "absolute", "where", "less", "clip", "ema", "sign"}

# who may import whom: a module sees the layers before its own
LAYERS = [
    ["errors"],
    ["files"],
    ["ops"],
    ["noise", "exact"],
    ["schedules"],
    ["rule"],
    ["feasible", "data"],
    ["problem"],
    ["comparator"],
    ["rules", "problems"],
    ["protocol"],
    ["catalog"],
    ["datasets"],
    ["provenance"],
    ["trajectory"],
    ["machine_code"],
    ["backends", "kernels", "cells", "vectors", "watch", "lines", "jump", "lanes", "blocks", "stream"],
    ["online", "optim"],
    ["gather"],
    ["batch"],
    ["grid"],
    ["sweeps"],
    ["experiment"],
    ["experiments", "models"],
    ["minibatches", "snapshot"],
    ["training"],
    ["comparison"],
    ["learning"],
    ["history"],
    ["many", "ascent"],
    ["regret_bound", "minimax"],
    ["corridor"],
    ["bounds"],
    ["audit"],
    ["falsify"],
    ["checker"],
    ["surd", "affine", "families"],
    ["claims", "condition", "lemma", "orbit", "latex", "coq", "coqc"],
    ["filters"],
    ["iid"],
    ["threshold", "phase", "horizon", "argument", "directions", "scaling"],
    ["climb"],
    ["hunt"],
    ["plotting"],
    ["figures"],
    ["console"],
    ["commands"],
    ["cli"],
]


def forbidden(tree: ast.AST) -> list[str]:
    """What a straight-line rule must not contain."""
    bad = {
        ast.If: "if",
        ast.For: "for",
        ast.While: "while",
        ast.IfExp: "if expression",
        ast.Compare: "comparison",
        ast.Div: "/",
        ast.Pow: "**",
        ast.Try: "try",
        ast.Lambda: "lambda",
        ast.BoolOp: "boolean operator",
    }
    found = [
        f"{word} in line {node.lineno}" if hasattr(node, "lineno") else word
        for node in ast.walk(tree)
        for kind, word in bad.items()
        if isinstance(node, kind)
    ]
    return found + [
        f"the float {n.value}" for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, float)
    ]


def bodies(path: Path) -> list[ast.stmt]:
    """The statements of all innermost functions of a file: docstrings, defaults and decorators left out."""
    functions = [n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.FunctionDef)]
    return [s for f in functions if not any(isinstance(s, ast.FunctionDef) for s in f.body) for s in f.body]


@pytest.mark.parametrize("path", RULES, ids=lambda p: p.stem)
def test_rules_are_straight_line(path: Path) -> None:
    """No branch, loop, power, division sign or float literal; only operations that all floats round correctly."""
    for statement in bodies(path):
        assert not forbidden(statement)
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "simlab.ops":
            assert {a.name for a in node.names} <= EXACT


def test_the_straight_line_test_can_fail() -> None:
    for text in ("x = 1 if g else 2", "x = a / b", "x = 0.5 * g", "x = g ** 2", "x = g < 0", "for i in x: pass"):
        assert forbidden(ast.parse(text))


def imported(path: Path) -> set[str]:
    """The first-level parts of this package that a file imports, at the top or late."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{a.name}" for a in node.names}
        elif isinstance(node, ast.Import):
            names |= {a.name for a in node.names}
    return names


def room(path: Path) -> str:
    relative = path.relative_to(ROOT / "simlab")
    return relative.parts[0].removesuffix(".py")


@pytest.mark.parametrize(
    "path", [p for p in SOURCES if p.is_relative_to(ROOT / "simlab")], ids=lambda p: str(p.relative_to(ROOT))
)
def test_layers(path: Path) -> None:
    """A module imports only from layers before its own; nothing in simlab imports claims that live above it."""
    level = {name: i for i, names in enumerate(LAYERS) for name in names}
    if room(path) == "__init__":
        return
    assert room(path) in level, f"{path.name} has no place among the layers"
    for name in imported(path):
        head, *rest = name.split(".")
        assert head not in ("counterexamples", "proofs", "scripts", "tests")
        if head == "simlab" and rest and rest[0] in level:
            assert level[rest[0]] <= level[room(path)], f"{path.name} imports {name} from a layer above"


@pytest.mark.parametrize("package", ["counterexamples", "proofs"])
def test_claims_do_not_import_each_other(package: str) -> None:
    other = {"counterexamples": "proofs", "proofs": "counterexamples"}[package]
    for path in (ROOT / package).glob("*.py"):
        assert not any(n.split(".")[0] in (other, "scripts", "tests") for n in imported(path))


DANGEROUS = re.compile(
    r"fastmath=True|cache=True|allow_pickle=True|weights_only=False|\bpickle\b(?! of)|np\.random\.(?!Generator)|"
    r"\beval\(|"
    r"sympify\(['\"]|parse_expr|is_convex|nsimplify|posify|force=True|shell=True"
)


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_nothing_dangerous(path: Path) -> None:
    """No fastmath, no pickle, no eval, no global random state, no verdict of SymPy's, and no file that needs a map."""
    text = path.read_text()
    code = "\n".join(line.split("#")[0] for line in text.splitlines())
    for node in ast.walk(ast.parse(text)):  # docstrings may name what the code must not do
        if isinstance(node, (ast.Module, ast.FunctionDef, ast.ClassDef)) and (
            doc := ast.get_docstring(node, clean=False)
        ):
            code = code.replace(doc, "")
    assert not DANGEROUS.search(code), DANGEROUS.search(code)
    assert len(text.splitlines()) <= 420


@pytest.mark.parametrize("kind", ["rules", "problems", "figures", "datasets"])
def test_the_name_is_the_path(kind: str) -> None:
    """Everything found has a summary that ends, and a reference."""
    from simlab.cli import described, found

    things = found(kind)
    assert things
    for name, thing in things.items():
        row = described(name, thing)
        assert row["summary"].endswith((".", ")")), row
        assert row["reference"], f"{name} has no Reference: line"


def test_adding_a_rule_is_adding_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file in the folder of rules is found, shown and run with no other edit; so is one given by its path."""
    import simlab.rules

    (tmp_path / "mine.py").write_text(
        "from simlab.rule import Step\n\n\ndef mine(t, alpha, g):\n"
        '    """Twice the gradient.\n\n    Reference: nobody."""\n'
        "    return Step(direction=g + g, rate=alpha), ()\n"
    )
    monkeypatch.setattr(simlab.rules, "__path__", [*simlab.rules.__path__, str(tmp_path)])
    catalog.names.cache_clear()
    try:
        assert "mine" in simlab.rules
        named = simlab.run("mine", "reddi2018_periodic", rounds=1, hyper={"alpha": "1/10"})
        by_path = simlab.run(f"{tmp_path}/mine.py:mine", "reddi2018_periodic", rounds=1, hyper={"alpha": "1/10"})
        assert named.x_last == by_path.x_last == -(0.1 * 6.0)
    finally:
        catalog.names.cache_clear()
        import sys

        sys.modules.pop("simlab.rules.mine", None)


def test_importing_simlab_is_light() -> None:
    """`import simlab` and the catalog load neither Numba nor torch, SymPy, SciPy or matplotlib."""
    import subprocess
    import sys

    code = (
        "import sys, simlab.cli as c; c.main(['list', '--json']); "
        "heavy = ('numba', 'torch', 'sympy', 'scipy', 'matplotlib', 'xarray'); "
        "print([m for m in heavy if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
