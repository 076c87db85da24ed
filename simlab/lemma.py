"""Steps of a proof about polynomials: lemmas and inductions that simlab.checker decides, each with false neighbours."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from simlab.checker import Fact, Proof, Refused, follows
from simlab.claims import Certificate, Grade, Step, least

Point = Mapping[str, Any]  # a letter's exact value
NOWHERE: Point = MappingProxyType({})  # satisfies what gives nothing


def without(fact: Fact, given: tuple[Fact, ...]) -> tuple[Fact, ...]:
    """All that is given but this one."""
    return tuple(h for h in given if h is not fact)


def accept(proofs: tuple[Proof, ...], given: tuple[Fact, ...] = (), witness: Point = NOWHERE) -> Certificate:
    """Proved if the checker accepts every proof, else undecided with its reason."""
    try:
        for p in proofs:
            follows(p, given, witness)
    except Refused as reason:
        return Certificate(Grade.UNDECIDED, f"refused: {reason}")
    data = {
        "claims": [str(p.claim) for p in proofs],
        "given": [str(h) for h in given],
        "certificates": [str(p[1:]) for p in proofs],
        "witness": shown(witness),
    }
    return Certificate(Grade.PROVED, f"{len(proofs)} accepted by simlab.checker", data=data)


def shown(point: Point) -> str:
    """A point as text."""
    return ", ".join(f"{x} = {v}" for x, v in point.items())


def refute(claim: Fact, given: tuple[Fact, ...], point: Point) -> Certificate:
    """Refuted if all that is given holds at the point and the claim does not, evaluated exactly; else undecided."""
    try:
        if all(h.holds(point) for h in given) and not claim.holds(point):
            return Certificate(Grade.REFUTED, f"false at {shown(point)}")
    except Refused as reason:
        return Certificate(Grade.UNDECIDED, f"refused: {reason}")
    return Certificate(Grade.UNDECIDED, "refused, and no counterexample is named")


def lemma(
    name: str,
    statement: str,
    proofs: tuple[Proof, ...],
    given: tuple[Fact, ...] = (),
    witness: Point = NOWHERE,
    false: tuple[tuple, ...] = (),
) -> Step:
    """The step that the claims of `proofs` follow from the `given` facts, which hold together at the point `witness`.

    false: neighbours (statement, claim, given, point), each false at its point.
    """

    def neighbour(claim: Fact, given: tuple[Fact, ...], point: Point) -> Certificate:
        tried = [accept((p._replace(claim=claim),), given, point) for p in proofs]
        return next((c for c in tried if c.holds), refute(claim, given, point))

    shows = tuple(p.claim for p in proofs)
    siblings = tuple((text, lambda args=args: neighbour(*args)) for text, *args in false)
    asked = (proofs, given, witness)
    return Step(name, statement, lambda: accept(*asked), siblings, given, shows, (asked,))


def induction(
    name: str,
    statement: str,
    base: tuple[Proof, ...],
    turn: tuple[Proof, ...],
    start: Point,
    after: Point,
    given: tuple[Fact, ...] = (),
    witness: Point = NOWHERE,
    false: tuple[tuple, ...] = (),
) -> Step:
    """The step that facts about a sequence hold for ever: the claims of `base`, which are those of `turn`.

    The sequence's letters are worth `start` at first and `after` one turn later. The base shows each claim at the start
    from what is given, which holds at every turn; the turn shows it one turn later from what is given and from all the
    claims now. false: neighbours (statement, claim, given, point) as for a lemma.
    """
    if start.keys() != after.keys() or not all(b.claim is t.claim for b, t in zip(base, turn, strict=True)):
        raise ValueError(f"{name}: base and turn are about the same claims and letters")
    now = tuple(p.claim for p in base)
    first = tuple(p._replace(claim=p.claim.at(start)) for p in base), given, witness
    later = tuple(p._replace(claim=p.claim.at(after)) for p in turn)
    onwards = lemma(name, statement, later, given + now, witness, false)

    def check() -> Certificate:
        parts = {"base": accept(*first), "turn": onwards.check()}
        evidence = "; ".join(f"{n}: {c.evidence}" for n, c in parts.items())
        return Certificate(least([c.grade for c in parts.values()]), evidence, steps=parts)

    return Step(name, statement, check, onwards.siblings, given, now, (first, *onwards.asks), (start, after))


def standing(
    name: str,
    statement: str,
    turn: tuple[Proof, ...],
    later: tuple[Fact, ...],
    start: Point,
    after: Point,
    given: tuple[Fact, ...],
    witness: Point,
    false: tuple[tuple, ...],
) -> tuple[Step, Step]:
    """An induction whose claims hold at the start by themselves, and the lemma that they hold `after` the round too.

    later: the claims after the round, as the steps that use them know them.
    """
    claims = tuple(p.claim for p in turn)
    base = tuple(map(Proof, claims))
    shows = tuple(p._replace(claim=claim) for p, claim in zip(turn, later, strict=True))
    return (
        induction(name, f"{statement}, by induction", base, turn, start, after, given, witness, false),
        lemma(f"{name}, with the round", f"{statement}, after the round", shows, given + claims, witness, false),
    )
