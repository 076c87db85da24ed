"""The mutation score of the core: how many small wrong changes the tests notice. Works on a copy, never in the tree.

    python scripts/mutate.py [--target simlab/ops.py ...] [--sample N] [--workers N] [--json FILE]

One process loads the libraries once; every mutant is a fork of it that imports the mutated copy and runs the quick
tests until one fails. A mutant that hangs counts as noticed.
"""

from __future__ import annotations

import argparse
import ast
import copy
import importlib
import json
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TARGETS = ["simlab/ops.py", "simlab/protocol.py", "simlab/checker.py", "simlab/rules"]
TESTS = [  # quick ones first: most mutants die in the first second
    "tests/simlab/test_bounds.py",
    "tests/simlab/test_anchors.py",
    "tests/conformance/test_backends.py",
    "tests/simlab/test_golden_runs.py",
    "tests/simlab/test_structure.py",
    "tests/simlab/test_checker.py",
]
SPARED = ["test_rule", "test_problem"]  # minutes of random runs: a survivor is worth them, not every mutant
LIMIT = 400  # seconds a mutant may take

_BINARY = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.Pow: ast.Mult,
}
_COMPARE = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_NAMES = {"minimum": "maximum", "maximum": "minimum", "min": "max", "max": "min", "any": "all", "all": "any"}


def changes(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """(what was changed, the node after it) for every small change of one node."""

    def new(**fields: object) -> ast.AST:
        other = copy.copy(node)
        for name, value in fields.items():
            setattr(other, name, value)
        return other

    if isinstance(node, ast.BinOp) and type(node.op) in _BINARY:
        yield f"{type(node.op).__name__} -> {_BINARY[type(node.op)].__name__}", new(op=_BINARY[type(node.op)]())
    elif isinstance(node, ast.Compare) and len(node.ops) == 1:
        yield f"{type(node.ops[0]).__name__} flipped", new(ops=[_COMPARE[type(node.ops[0])]()])
    elif isinstance(node, ast.BoolOp):
        yield "and <-> or", new(op=ast.Or() if isinstance(node.op, ast.And) else ast.And())
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.Not, ast.USub)):
        yield f"{type(node.op).__name__} dropped", node.operand
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield f"{node.value} flipped", new(value=not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int):
        yield f"{node.value} + 1", new(value=node.value + 1)
        if node.value:
            yield f"{node.value} - 1", new(value=node.value - 1)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str) and re.fullmatch(r"[\d.e-]+", node.value):
        yield f"{node.value!r} with a 5 after it", new(value=node.value + "5")
    elif isinstance(node, ast.Call) and len(node.args) >= 2 and not any(isinstance(a, ast.Starred) for a in node.args):
        yield "arguments swapped", new(args=[node.args[1], node.args[0], *node.args[2:]])
    elif isinstance(node, ast.Name) and node.id in _NAMES and isinstance(node.ctx, ast.Load):
        yield f"{node.id} -> {_NAMES[node.id]}", new(id=_NAMES[node.id])
    elif isinstance(node, ast.IfExp):
        yield "branches swapped", new(body=node.orelse, orelse=node.body)
    elif isinstance(node, ast.If):
        yield "condition always true", new(test=ast.Constant(True))
        yield "condition always false", new(test=ast.Constant(False))
    elif isinstance(node, (ast.Raise, ast.Break, ast.Continue, ast.AugAssign)):
        yield f"{type(node).__name__} dropped", ast.Pass()
    elif isinstance(node, ast.Return) and node.value is not None:
        yield "returns None", new(value=ast.Constant(None))
    elif isinstance(node, ast.FunctionDef) and node.decorator_list:
        yield "decorator dropped", new(decorator_list=node.decorator_list[1:])


def mutants(text: str) -> Iterator[tuple[int, str, str]]:
    """(line, what was changed, the whole mutated source), docstrings, annotations and messages left alone."""
    tree = ast.parse(text)
    spared = {id(n) for node in ast.walk(tree) for n in _spared(node)}

    def visit(parent: ast.AST) -> Iterator[tuple[int, str, str]]:
        for name, value in ast.iter_fields(parent):
            for i, child in enumerate(value if isinstance(value, list) else [value]):
                if not isinstance(child, ast.AST) or id(child) in spared:
                    continue
                for what, other in changes(child):
                    if isinstance(value, list):
                        value[i] = other
                    else:
                        setattr(parent, name, other)
                    yield getattr(child, "lineno", 0), what, ast.unparse(ast.fix_missing_locations(tree))
                    if isinstance(value, list):
                        value[i] = child
                    else:
                        setattr(parent, name, child)
                yield from visit(child)

    yield from visit(tree)


def _spared(node: ast.AST) -> list[ast.AST]:
    if isinstance(node, ast.arg) and node.annotation:
        return [node.annotation]
    if isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.Module)) and ast.get_docstring(node):
        return [node.body[0], *([node.returns] if isinstance(node, ast.FunctionDef) and node.returns else [])]
    if isinstance(node, ast.FunctionDef) and node.returns:
        return [node.returns]
    if isinstance(node, ast.AnnAssign):
        return [node.annotation]
    return [node] if isinstance(node, (ast.JoinedStr, ast.Assert)) else []


def run_tests(tree: Path, file: Path, log: Path) -> None:
    """In a fork: import the mutated copy, run the tests until one fails, and leave with pytest's exit code.

    The file's own tests come first, where there are some.
    """
    import pytest

    os.chdir(tree)
    os.environ["SIMLAB_CACHE"] = str(tree / ".cache")
    sys.path.insert(0, str(tree))
    sys.dont_write_bytecode = True
    with open(log, "w") as out:
        os.dup2(out.fileno(), 1)
        os.dup2(out.fileno(), 2)
        own = f"tests/simlab/test_{file.stem}.py"
        found = dict.fromkeys([own, *TESTS] if (tree / own).exists() else TESTS)
        spared = [f"--deselect=tests/conformance/test_backends.py::{t}" for t in SPARED]
        code = pytest.main(["-x", "-q", "-p", "no:cacheprovider", "--no-header", *spared, *found])
        out.flush()
    os._exit(int(code))


def main() -> int:
    """Print each survivor and the score; exit code 1 if the tests fail on the unchanged copy."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--target", action="append", help="a file or folder (default: the core)")
    options.add_argument("--workers", type=int, default=2)
    options.add_argument("--sample", type=int, help="only so many mutants, drawn with a fixed seed")
    options.add_argument("--json", type=Path, help="write the results here")
    given = options.parse_args()
    files = [
        f
        for t in given.target or TARGETS
        for f in (sorted((ROOT / t).rglob("*.py")) if (ROOT / t).is_dir() else [ROOT / t])
    ]
    for library in (
        "flint",
        "h5netcdf",
        "matplotlib.figure",
        "mpmath",
        "numba",
        "pytest",
        "scipy.optimize",
        "sympy",
        "torch",
        "xarray",
    ):
        importlib.import_module(library)
    sys.modules["torch"].set_num_threads(1)
    with tempfile.TemporaryDirectory() as scratch:
        trees = [Path(scratch) / str(i) for i in range(given.workers)]
        for tree in trees:
            shutil.copytree(
                ROOT,
                tree,
                ignore=shutil.ignore_patterns(".git", ".venv", "out", "*.egg-info", "__pycache__", ".*_cache"),
            )
        work = [(f.relative_to(ROOT), *m) for f in files for m in mutants(f.read_text())]
        if given.sample and given.sample < len(work):
            work = random.Random(0).sample(work, given.sample)  # noqa: S311 a sample, no secret
        whole = [(files[0].relative_to(ROOT), 0, "unchanged", files[0].read_text())]
        if play(whole, trees)[0]["code"] != 0:
            print((trees[0].parent / "0.log").read_text()[-3000:], file=sys.stderr)
            print("the tests fail on the unchanged copy", file=sys.stderr)
            return 1
        results = play(work, trees)
    report(results)
    if given.json:
        given.json.write_text(json.dumps(results, indent=1))
    return 0


def play(work: list[tuple], trees: list[Path]) -> list[dict]:
    """Run the tests on every mutant, one a tree at a time."""
    results: list[dict] = []
    free, busy, queue = list(trees), {}, list(enumerate(work))
    began = time.monotonic()
    while queue or busy:
        while queue and free:
            i, (file, line, what, text) = queue.pop(0)
            tree = free.pop()
            original = (tree / file).read_text()
            (tree / file).write_text(text)
            pid = os.fork()
            if not pid:
                os.setsid()
                try:
                    run_tests(tree, file, tree.parent / f"{i}.log")
                except BaseException:
                    traceback.print_exc()
                finally:
                    os._exit(3)  # a fork must not clean up what its parent still uses
            busy[pid] = (tree, file, line, what, original, time.monotonic())
        pid, status = os.waitpid(-1, os.WNOHANG)
        for late in [p for p, v in busy.items() if time.monotonic() - v[-1] > LIMIT and p != pid]:
            os.killpg(late, signal.SIGKILL)
        if not pid:
            time.sleep(0.05)
            continue
        tree, file, line, what, original, started = busy.pop(pid)
        (tree / file).write_text(original)
        free.append(tree)
        code = os.waitstatus_to_exitcode(status)
        results.append(
            {"file": str(file), "line": line, "change": what, "code": code, "seconds": time.monotonic() - started}
        )
        if sys.stderr.isatty():
            spent = time.monotonic() - began
            sys.stderr.write(
                f"\r\x1b[K{len(results)} of {len(work)}, {spent * (len(work) / len(results) - 1):.0f} s left"
            )
    return results


def report(results: list[dict]) -> None:
    """The score per file, and every survivor."""
    for file in sorted({r["file"] for r in results}):
        here = [r for r in results if r["file"] == file]
        dead = sum(r["code"] != 0 for r in here)
        print(f"{file:<40} {dead:>4} of {len(here):>4} noticed")
    dead = sum(r["code"] != 0 for r in results)
    print(f"{'all':<40} {dead:>4} of {len(results):>4} noticed: {100 * dead / len(results):.1f} %")
    for r in results:
        if r["code"] == 0:
            print(f"survivor: {r['file']}:{r['line']}  {r['change']}")


if __name__ == "__main__":
    sys.exit(main())
