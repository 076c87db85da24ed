"""The checker accepts what follows and nothing else: golden certificates, ways to cheat, mutants by the hundred."""

from __future__ import annotations

import random
from fractions import Fraction as Q
from typing import Any

import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

import simlab.lemma
from simlab import catalog
from simlab.checker import Fact, Polynomial, Proof, Refused, Square, cone, follows, identity, letter, polynomial
from simlab.claims import Grade
from simlab.lemma import induction, lemma

b, p, v, x, y = map(letter, "bpvxy")
B0, B1 = b > 0, b < 1
HALF = {"b": Q(1, 2), "p": Q(1, 64), "v": Q(0)}


# --- polynomials ------------------------------------------------------------------------------------------------------

small = st.fractions(min_value=-5, max_value=5, max_denominator=7)
polynomials = st.dictionaries(
    st.lists(st.sampled_from("xyz"), max_size=3).map(lambda m: tuple(sorted(m))), small, max_size=4
).map(Polynomial)
points = st.fixed_dictionaries(dict.fromkeys("xyz", small))


@given(polynomials, polynomials, points, small)
def test_arithmetic_is_that_of_the_values(f: Polynomial, g: Polynomial, at: dict, c: Q) -> None:
    assert (f + g).value(at) == f.value(at) + g.value(at)
    assert (f * g).value(at) == f.value(at) * g.value(at)
    assert (f - g).value(at) == f.value(at) - g.value(at)
    assert (c - f * c).value(at) == c - c * f.value(at)
    assert f.at({"x": g}).value(at) == f.value({**at, "x": g.value(at)})
    assert (f > g).holds(at) == (f.value(at) > g.value(at))
    assert (f <= g).holds(at) == (f.value(at) <= g.value(at))
    assert (f == g).holds(at) == (f.value(at) == g.value(at))
    identity((f + g) * (f - g), f * f - g * g)


@given(polynomials, polynomials)
def test_an_identity_is_accepted_only_if_it_is_one(f: Polynomial, g: Polynomial) -> None:
    if f.terms == g.terms:
        identity(f, g)
    else:
        with pytest.raises(Refused):
            identity(f, g)


@pytest.mark.parametrize("wrong", [0.5, True, "1", None, sympy.Integer(1), complex(1)])
def test_only_exact_numbers(wrong: Any) -> None:
    with pytest.raises(TypeError):
        polynomial(wrong)
    with pytest.raises(TypeError):
        b * wrong
    with pytest.raises(TypeError):
        Polynomial({("b",): wrong})
    with pytest.raises((TypeError, Refused)):
        (b > 0).holds({"b": wrong})


def test_facts_are_not_truth_values() -> None:
    for fact in (b > 0, b == b, b <= 1):
        with pytest.raises(TypeError):
            bool(fact)
    with pytest.raises(TypeError):
        0 < b < 1  # noqa: B015 the chain asks the first fact for its truth
    with pytest.raises(Refused, match="gives no value"):
        (b > 0).holds({"p": Q(1)})


def test_how_polynomials_and_facts_read() -> None:
    assert str(1 - b + 2 * b * b * v - Q(1, 3) * v) == "1 - b - 1/3 v + 2 b^2 v"
    assert [str(f) for f in (polynomial(0), polynomial(-1), -b, b * 0 + 5)] == ["0", "- 1", "- b", "5"]
    assert [str(f) for f in (b < 1, 2 * b >= v, b == v)] == ["1 - b > 0", "2 b - v >= 0", "b - v = 0"]


# --- what is accepted -------------------------------------------------------------------------------------------------


def test_golden_certificates() -> None:
    """v2 - 4 v1 = b(1-b)/5 + (4/5) b (1 - b - 5p(4-b)) + b p (4-v)(4-b), and two classics."""
    p0, condition, v4 = p > 0, 5 * p * (4 - b) <= 1 - b, v <= 4
    v1 = b * (p * v) + (1 - b)
    claim = (b * v1 + 4 * (1 - b)) - 4 * v1 > 0
    by = ((Q(1, 5), B0, B1), (Q(4, 5), B0, condition), (3, B0, p0, v4), (B0, B1, p0, v4))
    follows(Proof(claim, by), (B0, B1, p0, condition, v4), HALF)
    follows(Proof(x * x + y * y >= 2 * x * y, ((Square(x - y),),)), (), {})
    r0, square = x >= 0, x * x == y
    follows(
        Proof(x > 0, ((r0,), (y0 := y > 0,)), times=((1,), (r0,)), modulo=((1, square),)),
        (r0, square, y0),
        {"x": Q(2), "y": Q(4)},
    )


def test_cases() -> None:
    """p >= 0 where one of two numbers is 0, with a multiplier that may be 0; and p >= 0 from p^3 >= 0."""
    a0, b0, both = x >= 0, y >= 0, (x - p) * (y - p) == 0  # p is x or y
    given, here = (a0, b0, both), {"x": Q(0), "y": Q(2), "p": Q(0)}
    follows(Proof(p >= 0, ((Square(p),), (a0, b0)), ((a0,), (b0,)), ((-1, both),)), given, here)
    cube = x * x * x >= 0
    follows(Proof(x >= 0, ((Square(x), Square(x)),), ((cube,),)), (cube,), {"x": Q(0)})
    flat = x * x == 0
    follows(Proof(x >= 0, ((Square(x),),), (), ((-1, flat),)), (flat,), {"x": Q(0)})


# --- every way to cheat -----------------------------------------------------------------------------------------------

NONNEGATIVE = x >= 0
CHEATS = {
    "a wrong claim": (Proof(b > Q(1, 2), ((B0,),)), (B0, B1), HALF),
    "a negative weight": (Proof(-b > 0, ((-1, B0),)), (B0,), HALF),
    "no weight": (Proof(polynomial(0) > 0, ((0, B0),)), (B0,), HALF),
    "a float": (Proof(b > 0, ((1.0, B0),)), (B0,), HALF),
    "a bare polynomial as a factor": (Proof(b > 0, ((b,),)), (), HALF),
    "a fact that is not given": (Proof(b > 0, ((b > 0,),)), (B0,), HALF),
    "an equality as a factor": (Proof(x >= 0, ((E := x == 0,),)), (E,), {"x": Q(0)}),
    "an inequality modulo": (Proof(x == 0, modulo=((1, NONNEGATIVE),)), (NONNEGATIVE,), {"x": Q(1)}),
    "an equality that is not given": (Proof(x == 0, modulo=((1, x == 0),)), (), {}),
    "an equality from a product": (Proof(x == 0, ((NONNEGATIVE,),)), (NONNEGATIVE,), {"x": Q(1)}),
    "an equality from a generator": (Proof(x == 0, (t for t in [(NONNEGATIVE,)])), (NONNEGATIVE,), {"x": Q(1)}),  # type: ignore[arg-type]
    "strictness from >=": (Proof(x > 0, ((NONNEGATIVE,),)), (NONNEGATIVE,), {"x": Q(1)}),
    "strictness from a square": (Proof(x * x > 0, ((Square(x),),)), (), {}),
    "strictness from nothing": (Proof(polynomial(0) > 0), (), {}),
    "a multiplier that may be 0": (
        Proof(y > 0, ((1,),), times=((NONNEGATIVE,),), modulo=((1, F := x * y == 1),)),
        (NONNEGATIVE, F),
        {"x": Q(1), "y": Q(1)},
    ),
    "a multiplier that is a square": (
        Proof(y >= 0, times=((Square(x),),), modulo=((1, G := x * x * y == 0),)),
        (G,),
        {"x": Q(0), "y": Q(1)},
    ),
    "a multiplier that may be 0, for p > 0": (
        Proof(x > 0, ((Square(x),),), times=((NONNEGATIVE,),)),
        (NONNEGATIVE,),
        {"x": Q(1)},
    ),
    "a multiplier that may be 0, and the square of something else": (
        Proof(y >= 0, ((Square(x),),), times=((NONNEGATIVE,),), modulo=((1, L := x * y == x * x),)),
        (NONNEGATIVE, L),
        {"x": Q(1), "y": Q(1)},
    ),
    "a multiplier that may be 0, and the square times what may be 0": (
        Proof(y >= 0, ((NONNEGATIVE, Square(y)),), times=((NONNEGATIVE,),), modulo=((1, M := x * y == x * y * y),)),
        (NONNEGATIVE, M),
        {"x": Q(1), "y": Q(1)},
    ),
    "a multiplier that may be 0, and the square times another": (
        Proof(y >= 0, ((Square(x), Square(y)),), times=((Square(x),),), modulo=((1, N := x * x * y == x * x * y * y),)),
        (N,),
        {"x": Q(1), "y": Q(1)},
    ),
    "a multiplier that may be 0, and the square times a negative number": (
        Proof(y >= 0, ((-1, Square(y)),), times=((NONNEGATIVE,),), modulo=((1, J := x * y == -y * y),)),
        (NONNEGATIVE, J),
        {"x": Q(1), "y": Q(-1)},
    ),
    "a negative multiplier and the square": (
        Proof(y >= 0, ((Square(y),),), times=((-1,),), modulo=((1, P := -y == y * y),)),
        (P,),
        {"y": Q(-1)},
    ),
    "a multiplier that may be 0, for p = 0": (
        Proof(y == 0, times=((NONNEGATIVE,),), modulo=((1, R := x * y == 0),)),
        (NONNEGATIVE, R),
        {"x": Q(0), "y": Q(1)},
    ),
    "an equality by its square": (
        Proof(y == 0, ((Square(y),),), times=((NONNEGATIVE,),), modulo=((1, U := x * y == y * y),)),
        (NONNEGATIVE, U),
        {"x": Q(1), "y": Q(1)},
    ),
    "no multiplier and no square": (Proof(y >= 0, times=()), (), {}),
    "a negative multiplier": (Proof(-b > 0, ((B0,),), times=((-1,),)), (B0,), HALF),
    "an empty multiplier": (Proof(-b > 0, times=()), (B0,), HALF),
    "a contradiction": (Proof(x > 5, ((4,), (H := x > 0,), (K := x < 0,))), (H, K), {"x": Q(1)}),
    "no witness": (Proof(b > 0, ((B0,),)), (B0,), {}),
    "a false witness": (Proof(b > 0, ((B0,),)), (B0,), {"b": Q(-1)}),
}


@pytest.mark.parametrize("cheat", CHEATS)
def test_cheats_are_refused(cheat: str) -> None:
    with pytest.raises(Refused):
        follows(*CHEATS[cheat])


def test_an_unknown_relation_is_no_fact() -> None:
    with pytest.raises(KeyError):
        follows(Proof(Fact(b, "<"), ((B0,),)), (B0,), HALF)
    with pytest.raises(KeyError):
        follows(Proof(b > 0, ((odd := Fact(b, "<"),),)), (odd,), HALF)


# --- lemmas and inductions --------------------------------------------------------------------------------------------


def test_an_induction_needs_its_base_and_its_turn() -> None:
    """0 < p_n <= 1 for p_0 = 1, p_(n+1) = b p_n; not from p_0 = 2, not with b + 1 for b, not without b < 1."""
    low, high = p > 0, p <= 1
    base, turn = (Proof(low, ((1,),)), Proof(high)), (Proof(low, ((B0, low),)), Proof(high, ((high,), (low, B1))))
    grow = (Proof(low, ((B0, low),)), Proof(high, ((high,),)))

    def made(first: Any, then: Any, steps: tuple = turn, facts: tuple = (B0, B1)) -> Grade:
        return induction("n", "s", base, steps, {"p": first}, {"p": then}, facts, HALF).check().grade

    assert made(polynomial(1), b * p) is Grade.PROVED
    assert made(polynomial(2), b * p) is Grade.UNDECIDED
    assert made(polynomial(1), (b + 1) * p) is Grade.UNDECIDED
    assert made(polynomial(1), b * p, grow) is Grade.UNDECIDED
    assert made(polynomial(1), b * p, turn, (B0,)) is Grade.UNDECIDED
    with pytest.raises(ValueError, match="the same claims"):
        induction("n", "s", base, turn[:1] + (Proof(p <= 1),), {"p": 1}, {"p": p}, (B0, B1), HALF)
    with pytest.raises(ValueError, match="the same claims"):
        induction("n", "s", base, turn, {"p": 1}, {}, (B0, B1), HALF)


def test_a_neighbour_that_follows_is_not_called_false() -> None:
    """A true sibling comes out proved, a false one refuted at its point, and one without a counterexample undecided."""
    step = lemma("l", "b > 0", (Proof(B0, ((B0,),)),), (B0,), HALF,
                 false=(("the same", b > 0, (B0,), HALF), ("b > 1/2", b > Q(1, 2), (B0,), HALF),
                        ("2 b > 0", 2 * b > 0, (B0,), HALF), ("no value", x > 0, (B0,), HALF)))  # fmt: skip
    grades = [check().grade for _, check in step.siblings]
    assert grades == [Grade.PROVED, Grade.REFUTED, Grade.UNDECIDED, Grade.UNDECIDED]
    assert step.shows == (B0,)
    assert step.check().data["witness"] == "b = 1/2, p = 1/64, v = 0"


# --- mutants of every certificate that is installed -------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificates() -> list[tuple]:
    """(proof, given, witness) of every call of the checker that the installed theorems make, each once."""
    found: dict[str, tuple] = {}

    def record(proof: Proof, given: tuple, witness: Any) -> None:
        found.setdefault(f"{proof}{given}", (proof, given, witness))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(simlab.lemma, "follows", record)
        for claim in catalog.claims().values():
            if claim.kind == "theorem":
                claim.check()
    assert len(found) > 60
    return list(found.values())


def mutants(proof: Proof, given: tuple, rng: random.Random) -> list[tuple[str, Proof, tuple]]:
    """Changes that turn the certificate into another equation, or take away what it rests on."""
    claim, by, times, modulo = proof
    names = sorted({n for f in (claim, *given) for m in f.polynomial.terms for n in m}) or ["b"]
    extra = letter(rng.choice(names)) * Q(rng.randint(1, 9), 7)
    made = [
        ("a claim with another term", proof._replace(claim=Fact(claim.polynomial + extra, claim.relation)), given),
        ("twice the multiplier", proof._replace(times=(*times, *times)), given),
    ]
    if claim.relation == ">=" and not cone(by, given)[1]:
        made.append(("a strict claim", proof._replace(claim=Fact(claim.polynomial, ">")), given))
    for i in range(len(by)):
        others = by[:i] + by[i + 1 :]
        made += [
            ("a product fewer", proof._replace(by=others), given),
            ("another weight", proof._replace(by=(*others, (Q(1, 3), *by[i]))), given),
            ("a negative weight", proof._replace(by=(*others, (-1, *by[i]))), given),
        ]
        made += [
            ("without what a factor rests on", proof, tuple(h for h in given if h is not f))
            for f in by[i]
            if isinstance(f, Fact)
        ]
    for i, (q, e) in enumerate(modulo):
        another = proof._replace(modulo=(*modulo[:i], (polynomial(q) + 1, e), *modulo[i + 1 :]))
        made += [
            ("another multiple of an equality", another, given),
            ("without an equality", proof, tuple(h for h in given if h is not e)),
        ]
    return made


def refusals(certificates: list[tuple], most: int | None) -> int:
    """How many mutants were refused, and all that were tried were: `most` of each certificate's, or every one."""
    rng, refused = random.Random(1), 0
    for proof, facts, witness in certificates:
        follows(proof, facts, witness)
        made = mutants(proof, facts, rng)
        for what, mutant, fewer in made if most is None else rng.sample(made, min(most, len(made))):
            if what == "twice the multiplier" and not (cone(proof.times, facts)[0] * proof.claim.polynomial).terms:
                continue  # 0 = 0 either way: the claim is an identity, or the multiplier is 0
            with pytest.raises(Refused):
                follows(mutant, fewer, witness)
            refused += 1
    return refused


def test_mutants_are_refused(certificates: list[tuple]) -> None:
    """Of every certificate two, drawn at random."""
    assert refusals(certificates, 2) > 1000


@pytest.mark.slow
def test_all_mutants_are_refused(certificates: list[tuple]) -> None:
    assert refusals(certificates, None) > 5000


def test_sympy_agrees(certificates: list[tuple]) -> None:
    """The equation of each certificate, multiplied out by an independent implementation."""

    def foreign(f: Polynomial) -> Any:
        return sympy.Add(
            *(sympy.Rational(c.numerator, c.denominator) * sympy.Mul(*map(sympy.Symbol, m)) for m, c in f.terms.items())
        )

    def factor(f: Any) -> Any:
        if isinstance(f, Fact):
            return foreign(f.polynomial)
        return foreign(f.root) ** 2 if isinstance(f, Square) else sympy.Rational(f.numerator, f.denominator)

    for proof, _, _ in certificates:
        claim, by, times, modulo = proof
        left = sympy.Add(*(sympy.Mul(*map(factor, t)) for t in times)) * foreign(claim.polynomial)
        right = sympy.Add(*(sympy.Mul(*map(factor, t)) for t in by))
        right += sympy.Add(*(foreign(polynomial(q)) * foreign(e.polynomial) for q, e in modulo))
        assert sympy.expand(left - right) == 0


def test_accepted_claims_are_true_at_points(certificates: list[tuple]) -> None:
    """Points around the witness where the given inequalities hold: the claim holds there too."""
    rng, tried = random.Random(2), 0
    for proof, facts, witness in certificates:
        letters = {n for f in (proof.claim, *facts) for m in f.polynomial.terms for n in m}
        if any(h.relation == "=" for h in facts):
            continue  # points of a curve are not found by chance
        for _ in range(20):
            point = {n: witness.get(n, Q(0)) * Q(rng.randint(0, 40), 20) + Q(rng.randint(-9, 9), 30) for n in letters}
            if all(h.holds(point) for h in facts):
                assert proof.claim.holds(point), (proof.claim, point)
                tried += 1
    assert tried > 200
