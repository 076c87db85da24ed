r"""The certificates of simlab.checker as lemmas for the Coq proof assistant, whose kernel is a second checker.

    m p = v + r,  m > 0,  v > 0,  r = 0   =>   p > 0          (and so on, for p >= 0 and p = 0)

A lemma states over the reals what the checker was given, the given facts as hypotheses and the claim, and its proof
writes the certificate out: m and v are positive by the standard library's lemmas on sums and products, r is a sum of
multiples of zeros, and the identity is a matter of `ring` or `field`. Nothing is searched for. What is given has a
lemma of its own, that it holds somewhere.

An induction becomes a lemma about sequences, functions from the natural numbers, with one for its base and its turn.

That a lemma is about the running rule, and that the steps of an argument lead to the theorem, is not stated in Coq:
there this project's own word stands. Coq is optional (Debian: apt install coq).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from functools import reduce
from typing import Any, NamedTuple

from simlab.checker import Fact, Polynomial, Proof, Square, letter, polynomial
from simlab.claims import Argument, Certificate, Grade, Step, Theorem
from simlab.lemma import Point

PRELUDE = """\
Require Import Reals Lra.
Local Open Scope R_scope.

Lemma positive_claim : forall m p v r : R, 0 < m -> 0 < v -> r = 0 -> m * p = v + r -> 0 < p.
Proof.
  intros m p v r hm hv hr e. apply (Rmult_lt_reg_l m); [exact hm |].
  rewrite Rmult_0_r, e, hr, Rplus_0_r. exact hv.
Qed.

Lemma nonnegative_claim : forall m p v r : R, 0 < m -> 0 <= v -> r = 0 -> m * p = v + r -> 0 <= p.
Proof.
  intros m p v r hm hv hr e. apply (Rmult_le_reg_l m); [exact hm |].
  rewrite Rmult_0_r, e, hr, Rplus_0_r. exact hv.
Qed.

Lemma zero_claim : forall m p v r : R, 0 < m -> v = 0 -> r = 0 -> m * p = v + r -> p = 0.
Proof.
  intros m p v r hm hv hr e. apply (Rmult_eq_reg_l m); [| exact (Rgt_not_eq m 0 hm)].
  rewrite Rmult_0_r, e, hv, hr. exact (Rplus_0_r 0).
Qed.

Lemma claim_unless : forall m p v r : R, 0 <= m -> (p <> 0 -> 0 < v) -> r = 0 -> m * p = v + r -> 0 <= p.
Proof.
  intros m p v r hm hv hr e. apply Rnot_lt_le. intro h. apply (Rlt_not_le (m * p) 0).
  - rewrite e, hr, Rplus_0_r. exact (hv (Rlt_not_eq p 0 h)).
  - rewrite <- (Rmult_0_r m). exact (Rmult_le_compat_l m p 0 hm (Rlt_le p 0 h)).
Qed.

Lemma positive_square : forall x : R, x <> 0 -> 0 < x ^ 2.
Proof. intros x h. rewrite <- Rsqr_pow2. exact (Rsqr_pos_lt x h). Qed.

Lemma zero_multiple : forall q e : R, e = 0 -> q * e = 0.
Proof. intros q e h. rewrite h. exact (Rmult_0_r q). Qed.

Lemma zero_sum : forall a b : R, a = 0 -> b = 0 -> a + b = 0.
Proof. intros a b ha hb. rewrite ha, hb. exact (Rplus_0_r 0). Qed.
"""
QUESTION = "Print Assumptions all.\n"
AND = " /\\\n  "
SUM = {
    (True, True): "Rplus_lt_0_compat",
    (True, False): "Rplus_lt_le_0_compat",
    (False, True): "Rplus_le_lt_0_compat",
    (False, False): "Rplus_le_le_0_compat",
}
KEYWORDS = frozenset(
    "as at by cofix else end exists exists2 fix for forall fun if in let match mod nat Prop R return S Set SProp then "  # noqa: SIM905
    "Type using where with".split()
)
OURS = re.compile(r"turn|(given|first|next|now)\d+")


def stated(claim: Fact) -> bool:
    """Whether a claim says something: 0 = 0 is all that is left of an identity whose sides were read from a rule."""
    return bool(about(claim))


# --- text -----------------------------------------------------------------------------------------------------------


def identifiers(letters: set[str]) -> dict[str, str]:
    """Coq's names of letters: the same where they can be."""
    names: dict[str, str] = {}
    for x in sorted(letters):
        name = re.sub(r"[^A-Za-z0-9_]", "_", x)
        if not name[0].isalpha():
            name = f"x{name}"
        while name in KEYWORDS or OURS.fullmatch(name) or name in names.values():
            name += "_"
        names[x] = name
    return names


class Letters(NamedTuple):
    """What stands for each letter."""

    names: dict[str, str]

    def term(self, f: Any) -> str:
        """A polynomial, in the order in which simlab.checker writes it; a letter without a name is worth 0."""
        text = ""
        for m, c in sorted(polynomial(f).terms.items(), key=lambda term: (len(term[0]), term[0])):
            if not self.names.keys() >= set(m):
                continue
            powers = [self.names[x] + (f" ^ {n}" if (n := m.count(x)) > 1 else "") for x in dict.fromkeys(m)]
            size = [number(abs(c))] * (abs(c) != 1 or not m)
            text += f" {'-' if c < 0 else '+'} " + " * ".join(size + powers)
        return text.removeprefix(" + ").strip() or "0"

    def fact(self, f: Fact) -> str:
        """A fact."""
        text = self.term(f.polynomial)
        return f"{text} = 0" if f.relation == "=" else f"0 {f.relation.replace('>', '<')} {text}"


def number(c: Fraction) -> str:
    """A number that is not negative."""
    return f"{c.numerator}" if c.denominator == 1 else f"{c.numerator} / {c.denominator}"


def wrapped(term: str) -> str:
    """A term as a factor."""
    return f"({term})" if " " in term else term


def about(*things: Any) -> set[str]:
    """The letters in facts and polynomials."""
    found = (f.polynomial if isinstance(f, Fact) else polynomial(f) for f in things)
    return {x for f in found for m in f.terms for x in m}


class Positive(NamedTuple):
    """A term, the proof that it is > 0 or >= 0, and which."""

    term: str
    proof: str
    strict: bool

    @property
    def weak(self) -> str:
        """The proof that it is >= 0."""
        return f"(Rlt_le _ _ {self.proof})" if self.strict else self.proof


def factor(f: Any, given: tuple[Fact, ...], names: Letters, nonzero: Polynomial | None) -> Positive:
    """A factor of a product, as simlab.checker.cone reads it; given0 says that `nonzero` is not 0."""
    if isinstance(f, Square):
        root = wrapped(names.term(f.root))
        if nonzero is not None and f.root.terms == nonzero.terms:
            return Positive(f"{root} ^ 2", "(positive_square _ given0)", True)
        return Positive(f"{root} ^ 2", f"(pow2_ge_0 {root})", False)
    if isinstance(f, Fact):
        return Positive(wrapped(names.term(f.polynomial)), hypothesis(f, given), f.relation == ">")
    term = wrapped(number(Fraction(f)))
    return Positive(term, f"(ltac:(lra) : 0 < {term})", True)


def times(a: Positive, b: Positive) -> Positive:
    """Their product."""
    if a.strict and b.strict:
        return Positive(f"{a.term} * {b.term}", f"(Rmult_lt_0_compat _ _ {a.proof} {b.proof})", True)
    return Positive(f"{a.term} * {b.term}", f"(Rmult_le_pos _ _ {a.weak} {b.weak})", False)


def plus(a: Positive, b: Positive) -> Positive:
    """Their sum."""
    proof = f"({SUM[a.strict, b.strict]} _ _ {a.proof} {b.proof})"
    return Positive(f"{a.term} + {b.term}", proof, a.strict or b.strict)


def cone(
    products: tuple[tuple, ...], given: tuple[Fact, ...], names: Letters, nonzero: Polynomial | None = None
) -> Positive:
    """A sum of products, as simlab.checker.cone reads it."""
    read = [reduce(times, [factor(f, given, names, nonzero) for f in product or (1,)]) for product in products]
    return reduce(plus, read) if read else Positive("0", "(Rle_refl 0)", False)


def zeros(modulo: tuple[tuple[Any, Fact], ...], given: tuple[Fact, ...], names: Letters) -> tuple[str, str]:
    """A sum of multiples of what is given to be 0, and the proof that it is 0."""
    terms = [f"{wrapped(names.term(q))} * {wrapped(names.term(e.polynomial))}" for q, e in modulo]
    proofs = [f"(zero_multiple _ _ {hypothesis(e, given)})" for _, e in modulo]
    if not terms:
        return "0", "(eq_refl 0)"
    return " + ".join(terms), reduce(lambda a, b: f"(zero_sum _ _ {a} {b})", proofs)


def hypothesis(fact: Fact, given: tuple[Fact, ...]) -> str:
    """The name of a given fact."""
    return next(f"given{i}" for i, h in enumerate(given, 1) if h is fact)


def lemma(name: str, proof: Proof, given: tuple[Fact, ...]) -> str:
    """The lemma that the claim of a proof follows from what is given, and its certificate."""
    claim = proof.claim
    names = Letters(identifiers(about(claim, *given)))
    goal, (rest, zero) = names.term(claim.polynomial), zeros(proof.modulo, given, names)
    multiplier, value = cone(proof.times, given, names), cone(proof.by, given, names)
    rule, shown = {
        ">": ("positive_claim", value.proof),
        ">=": ("nonnegative_claim", value.weak),
        "=": ("zero_claim", "(eq_refl 0)"),
    }[claim.relation]
    if not multiplier.strict:
        value = cone(proof.by, given, names, claim.polynomial)
        rule, shown = "claim_unless", f"(fun given0 : {goal} <> 0 => {value.proof})"
    tactic = "field" if "/" in multiplier.term + value.term + rest + goal else "ring"
    variables = " ".join(names.names.values())
    hypotheses = "".join(f" given{i}" for i in range(1, len(given) + 1))
    return "\n".join(
        [
            f"Lemma {name} : forall {variables} : R,",
            *(f"  {names.fact(h)} ->" for h in given),
            f"  {names.fact(claim)}.",
            "Proof.",
            f"  intros {variables}{hypotheses}.",
            f"  exact ({rule}",
            *(f"    {wrapped(term)}" for term in (multiplier.term, goal, value.term, rest)),
            *(f"    {one}" for one in (multiplier.proof, shown, zero)),
            f"    ltac:({tactic})).",
            "Qed.",
            "",
        ]
    )


def possible(name: str, given: tuple[Fact, ...], witness: Point) -> str:
    """The lemma that all that is given holds somewhere."""
    names = Letters(identifiers(about(*given)))
    values = {x: polynomial(witness[x]).value({}) for x in names.names}
    return "\n".join(
        [
            f"Lemma {name} : exists {' '.join(names.names.values())} : R,",
            f"  {AND.join(map(names.fact, given))}.",
            "Proof.",
            f"  exists {', '.join('(' + names.term(v) + ')' for v in values.values())}.",
            "  repeat split; lra.",
            "Qed.",
            "",
        ]
    )


def always(name: str, step: Step) -> str:
    """The lemma name_always that the claims of an induction hold at every turn, from those of its base and its turn.

    All letters are functions of the turn but those that a claim has and the sequence does not.
    """
    assert step.course is not None
    (start, after), claims, ((base, given, _), (later, known, _)) = step.course, step.shows, step.asks
    still = about(*claims) - start.keys()
    names = identifiers(still | start.keys() | about(*start.values(), *after.values(), *given))

    def at(turn: str) -> Letters:
        """The letters at a turn."""
        return Letters({x: n if x in still else f"({n} {turn})" for x, n in names.items()})

    first, here, then = at("0%nat"), at("turn"), at("(S turn)")
    moved = {x: v for x, v in start.items() if polynomial(v).terms != letter(x).terms}
    firsts = {x: f"first{i}" for i, x in enumerate(moved, 1)}
    nexts = {x: f"next{i}" for i, x in enumerate(after, 1)}
    givens = [f"given{i}" for i in range(1, len(given) + 1)]
    nows = [f"now{i}" for i in range(1, len(claims) + 1)]

    def shown(kind: str, proofs: tuple[Proof, ...], facts: tuple[Fact, ...]) -> list[str]:
        """The claims at turn 0, or at the next one: those of the lemmas, once its letters have their values."""
        was, now = (first, first) if kind == "base" else (here, then)
        rules = firsts if kind == "base" else {x: f"({n} turn)" for x, n in nexts.items()}
        held = [f"({h} 0%nat)" for h in givens] if kind == "base" else [*(f"({h} turn)" for h in givens), *nows]
        lines = [f"  - refine {reduce(lambda rest, _: f'(conj _ {rest})', claims[1:], '_')}."]
        for i, (claim, proof) in enumerate(zip(claims, proofs, strict=True), 1):
            old, new = now.term(claim.polynomial), was.term(proof.claim.polynomial)
            rewrite = "".join(f"rewrite {rule}; " for x, rule in rules.items() if x in about(claim))
            values = [was.names[x] for x in sorted(about(proof.claim, *facts))]
            end = f"exact ({' '.join([f'{name}_{kind}_{i}', *values, *held])})" if stated(proof.claim) else "lra"
            lines += [
                f"    + replace ({old})",
                f"        with ({new}) by ({rewrite}{'field' if '/' in old + new else 'ring'}).",
                f"      {end}.",
            ]
        return lines

    constants, functions = ([n for x, n in names.items() if (x in still) is kind] for kind in (True, False))
    variables = [f"({' '.join(of)} : {what})" for of, what in ((constants, "R"), (functions, "nat -> R")) if of]
    return "\n".join(
        [
            f"Lemma {name}_always : forall {' '.join(variables)},",
            *(f"  (forall turn : nat, {here.fact(h)}) ->" for h in given),
            *(f"  {names[x]} 0%nat = {first.term(v)} ->" for x, v in moved.items()),
            *(f"  (forall turn : nat, {names[x]} (S turn) = {here.term(v)}) ->" for x, v in after.items()),
            f"  forall turn : nat, {AND.join(map(here.fact, claims))}.",
            "Proof.",
            f"  intros {' '.join([*constants, *functions, *givens, *firsts.values(), *nexts.values()])} turn.",
            f"  induction turn as [| turn {reduce(lambda rest, now: f'[{now} {rest}]', nows[-2::-1], nows[-1])}].",
            *shown("base", base, given),
            *shown("turn", later, known),
            "Qed.",
            "",
        ]
    )


def comment(text: str) -> str:
    """Text as a comment, which no text can close."""
    apart = re.sub(r"(?<=\()(?=\*)|(?<=\*)(?=\))", " ", text.replace('"', "'"))  # both pairs that "(*)" has
    return f"(* {apart} *)"


def lemmas(argument: Argument, shown: Certificate) -> Iterator[tuple[str, str]]:
    """(name of a lemma, its text), for all that Coq can be asked of the steps that simlab.checker accepted."""
    for at, step in enumerate(argument.steps, 1):
        if shown.steps[step.name].grade is Grade.PROVED:
            name = "_".join([f"step_{at}", re.sub(r"\W+", "_", step.name).strip("_")])
            head = "\n" + comment(f"{step.name}: {step.statement}") + "\n"
            for lemma_name, text in of_step(name, step):
                yield lemma_name, head + text
                head = ""


def of_step(name: str, step: Any) -> Iterator[tuple[str, str]]:
    """The lemmas of a step."""
    kinds = ("_base", "_turn") if step.course else ("",)[: len(step.asks)]
    for kind, (proofs, given, witness) in zip(kinds, step.asks, strict=True):
        for i, proof in enumerate(proofs, 1):
            if stated(proof.claim):
                yield f"{name}{kind}_{i}", lemma(f"{name}{kind}_{i}", proof, given)
        if about(*given):
            yield f"{name}{kind}_possible", possible(f"{name}{kind}_possible", given, witness)
    if step.course and any(map(stated, step.shows)):
        yield f"{name}_always", always(name, step)


def file(theorem: Theorem, found: dict[str, str]) -> str:
    """A theorem's lemmas, and the question which axioms they stand on."""
    head = (
        f"Lemmas of {theorem.name}, as simlab.checker was given them.\n\n{theorem.statement}\n\n"
        "Not stated here: that the lemmas are about the running rule, and that they lead to the theorem."
    )
    together = "".join(f"\n  (conj {name}" for name in found) + "\n  I" + ")" * len(found)
    return "\n".join([comment(head), PRELUDE, *found.values(), f"Definition all :={together}.", "", QUESTION])


def source(theorem: Theorem) -> str:
    """A theorem's Coq file."""
    argument = theorem.argue()
    return file(theorem, dict(lemmas(argument, argument.check())))
