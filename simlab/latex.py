"""LaTeX for write-ups: a rule's formulas come from executing the rule on symbols, so that they are the code's."""

from __future__ import annotations

import re
from typing import Any

_LETTERS = {
    "alpha": r"\alpha",
    "beta1": r"\beta_1",
    "beta2": r"\beta_2",
    "epsilon": r"\epsilon",
    "gamma": r"\gamma",
    "alpha_star": r"\alpha^{*}",
    "dampening": r"\delta",
}
_STATE = {"vhat": r"\hat{v}_{%s}", "c1": "c_{1,%s}", "c2": "c_{2,%s}"}  # at a time
_SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
}


def escape(text: str) -> str:
    """Plain text as LaTeX sets it, whatever characters it holds."""
    return re.sub(r"[\\~^#$%&_{}<>]", lambda m: _SPECIAL.get(m[0], "\\" + m[0]), text)


def quoted(text: str) -> str:
    """Text as a quotation, line by line."""
    paragraphs = ["\\\\\n".join(escape(line) for line in part.split("\n")) for part in text.strip().split("\n\n")]
    return "\\begin{quote}\n" + "\n\n".join(paragraphs) + "\n\\end{quote}"


def proof(theorem: Any) -> str:
    """The steps of a theorem and how each was checked, nothing for what has no steps."""
    if not hasattr(theorem, "argue"):
        return ""
    argument = theorem.argue()
    shown = argument.check()
    items = [
        rf"\item \textbf{{{escape(s.name)}.}} {escape(s.statement)}. \emph{{({shown.steps[s.name].grade}: "
        rf"{escape(shown.steps[s.name].evidence)})}}"
        for s in argument.steps
    ]
    head = rf"\noindent\emph{{Proof}} ({escape(theorem.name)}, {shown.grade}: {escape(shown.evidence)}).".replace(
        "\n", " "
    )
    return "\n" + "\n".join([head, r"\begin{enumerate}", *items, r"\end{enumerate}"])


def source(kind: str, thing: Any) -> str:
    """A rule's formulas as an align* environment; a theorem's statement and proof, checked now; or the statement."""
    if kind != "rule":
        return quoted(getattr(thing, "statement", None) or thing.__doc__ or "") + proof(thing)
    import sympy

    from simlab.backends import sympy as symbols
    from simlab.ops import rebind
    from simlab.protocol import bound_hyper

    def letter(name: str) -> Any:
        return sympy.Symbol(_LETTERS.get(name, name), positive=True)

    def at(name: str, time: str) -> str:
        return _STATE.get(name, name + "_{%s}") % time

    def timed(name: str, time: str) -> Any:
        return sympy.Symbol(at(name, time), real=True)

    state = tuple(timed(n, "t-1") for n in thing.state)
    values = bound_hyper(thing, {n: letter(n) for n in thing.hyper}, symbols.number)
    step, after = rebind(thing.function, symbols)(letter("t"), letter("alpha"), timed("g", "t"), *state, *values)
    rate = rebind(thing.schedule, symbols)(letter("t"), 1) * step.rate
    new = [(value, timed(n, "t")) for n, value in zip(thing.state, after, strict=True)]

    def brief(expression: Any, known: int) -> str:
        """The formula in which the first `known` new states stand by their letters, the last of them replaced first."""
        for value, name in reversed(new[:known]):
            if sympy.sympify(value).free_symbols:  # a number stands for itself wherever it is met
                expression = sympy.sympify(expression).subs(value, name)
        return sympy.latex(expression)

    direction = brief(step.direction, len(new))
    if sympy.sympify(step.direction).is_Add and not any(step.direction == value for value in after):
        direction = rf"\left({direction}\right)"
    rows = [f"{at(n, 't')} &= {brief(value, i)}" for i, (n, value) in enumerate(zip(thing.state, after, strict=True))]
    rows += [
        f"\\eta_t &= {brief(rate, len(new))}",
        f"x_{{t+1}} &= \\Pi_{{F, 1/\\eta_t}}\\left(x_t - \\eta_t\\, {direction}\\right)",
    ]
    return "\\begin{align*}\n" + " \\\\\n".join(rows) + "\n\\end{align*}"
