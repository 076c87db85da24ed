"""Certificates as Coq lemmas: the text is the statement, and Coq refuses what is tampered with, missing or assumed."""

from __future__ import annotations

import json
import re
import shutil
import sys
import time
from dataclasses import replace
from fractions import Fraction as Q
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import simlab.lemma
from simlab import catalog, coqc
from simlab.checker import Fact, Polynomial, Proof, Refused, Square, follows, letter
from simlab.claims import Argument, Certificate, Grade, Step, Theorem, theorem
from simlab.cli import main
from simlab.coq import KEYWORDS, PRELUDE, QUESTION, Letters, comment, identifiers, lemma, lemmas, of_step, source
from simlab.lemma import Point, induction

needs_coq = pytest.mark.skipif(not (shutil.which("coqc") and shutil.which("coqchk")), reason="Coq is not installed")
THEOREMS = [name for name, claim in catalog.claims().items() if isinstance(claim, Theorem)]
b, n, p, q, x, y, z, g2, odd = map(letter, ("b", "n", "p", "q", "x", "y", "z", "g^2", "exists"))
B0, B1, X0, Y0, ROOT = b > 0, b < 1, x >= 0, y > 0, x * x == y
ENOUGH, EQUAL, ABOVE, ONE_OF = 5 * p * (4 - b) <= 1 - b, y * g2 == y * odd, y >= 0, (x - z) * (y - z) == 0

# each form that a certificate has, with letters that are no names for Coq, and a letter of the certificate's own
GOLDEN: dict[str, tuple[Proof, tuple[Fact, ...], Point]] = {
    "products": (
        Proof(16 * p < 1, ((4,), (11, B0), (16, ENOUGH)), ((15,), (5, B1))),
        (B0, B1, ENOUGH),
        {"b": Q(1, 2), "p": Q(1, 64)},
    ),
    "square": (Proof(x * x / 3 + y * y / 3 >= Q(2, 3) * x * y, ((Q(1, 3), Square(x - y)),)), (), {}),
    "root": (
        Proof(x > 0, ((X0,), (Y0,)), ((1,), (X0,)), ((1, ROOT),)),
        (X0, ROOT, Y0),
        {"x": Q(2), "y": Q(4)},
    ),
    "equality": (
        Proof(g2 == odd, (), ((Y0,),), ((1, EQUAL),)),
        (Y0, EQUAL),
        {"y": Q(1), "g^2": Q(3), "exists": Q(3)},
    ),
    "one of two": (
        Proof(z >= 0, ((Square(z),), (X0, ABOVE)), ((X0,), (ABOVE,)), ((-1, ONE_OF),)),
        (X0, ABOVE, ONE_OF),
        {"x": Q(1), "y": Q(2), "z": Q(2)},
    ),
    "its own letter": (
        Proof(x >= 0, ((X0,),), modulo=((p, ROOT), (-p, ROOT))),
        (X0, ROOT),
        {"x": Q(2), "y": Q(4)},
    ),
}


def whole(texts: Any) -> str:
    """A file of lemmas by name."""
    return f"{PRELUDE}{''.join(texts.values())}Definition all := conj {' '.join(list(texts)[:2])}.\n{QUESTION}"


def run(text: str, folder: Path) -> str:
    """What coqc prints of a file; raises Refused."""
    (folder / "some.v").write_text(text)
    return coqc.call(coqc.program("coqc"), "-q", "some.v", folder=str(folder), seconds=120)


# --- the text is the statement ----------------------------------------------------------------------------------------


def test_a_lemma_reads_as_the_statement() -> None:
    text = lemma("sharp", *GOLDEN["products"][:2])
    assert text.startswith(
        "Lemma sharp : forall b p : R,\n  0 < b ->\n  0 < 1 - b ->\n  0 <= 1 - b - 20 * p + 5 * b * p ->\n"
        "  0 < 1 - 16 * p.\nProof.\n  intros b p given1 given2 given3.\n  exact (positive_claim\n"
        "    (15 + 5 * (1 - b))\n    (1 - 16 * p)\n    (4 + 11 * b + 16 * (1 - b - 20 * p + 5 * b * p))\n    0\n"
    )
    assert text.endswith("    (eq_refl 0)\n    ltac:(ring)).\nQed.\n")
    assert "forall exists_ g_2 y : R" in lemma("names", *GOLDEN["equality"][:2])
    assert "ltac:(field)" in lemma("fractions", *GOLDEN["square"][:2])
    assert "(0) * (" not in (own := lemma("own", *GOLDEN["its own letter"][:2]))
    assert "p" not in re.findall(r"\w+", own)


small = st.fractions(min_value=-5, max_value=5, max_denominator=7)
polynomials = st.dictionaries(
    st.lists(st.sampled_from(["x", "g^2", "in", "in_"]), max_size=4).map(lambda m: tuple(sorted(m))), small, max_size=5
).map(Polynomial)


@given(polynomials, st.sampled_from([">", ">=", "="]), st.lists(small, min_size=4, max_size=4))
def test_the_text_means_the_fact(f: Polynomial, relation: str, values: list[Q]) -> None:
    """Read back by another reader and evaluated, it is what the fact is there."""
    point, fact = dict(zip(["x", "g^2", "in", "in_"], values, strict=True)), Fact(f, relation)
    names = Letters(identifiers(set(point)))
    assert not set(names.names.values()) & KEYWORDS
    assert len(set(names.names.values())) == 4
    said = re.sub(r"(?<![\w])\d+", r"Q(\g<0>)", names.fact(fact)).replace("^", "**").replace(" = ", " == ")
    assert eval(said, {"Q": Q} | {names.names[n]: v for n, v in point.items()}) == fact.holds(point)


@pytest.mark.parametrize("name", ["luo2019_escape", "duchi2011_holds", "adam_two_cycle"])
def test_what_is_stated_is_what_the_checker_was_given(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The very proofs, facts and points, all of them and in order."""
    heard: list[tuple] = []
    monkeypatch.setattr(simlab.lemma, "follows", lambda *args: heard.append(args))
    for step in catalog.claim(name).steps:
        heard.clear()
        step.check()
        told = [(proof, facts, point) for proofs, facts, point in step.asks for proof in proofs]
        assert told
        assert len(heard) == len(told)
        for mine, theirs in zip(told, heard, strict=True):
            assert all(a is b for a, b in zip(mine, theirs, strict=True)), step.name


def test_every_claim_that_says_something_has_its_lemma() -> None:
    argument = catalog.claim("adam_two_cycle").argue()
    found = dict(lemmas(argument, argument.check()))
    assert sum("_possible" not in name for name in found) == 49 - 9 - 3 - 6  # those are 0 = 0 once the rule is read
    assert source(catalog.claim("adam_two_cycle")).count("\nQed.") == len(found) + 4  # and the longer of the prelude
    text = source(catalog.claim("steady_state"))
    assert all(f"_{part} :" in text for part in ("base_1", "turn_1", "always"))


def test_nothing_is_stated_of_what_the_checker_refuses() -> None:
    """Nor is there anything to say about a check of another kind."""
    wrong = simlab.lemma.lemma("wrong", "b > 1", (Proof(b > 1, ((B0,),)),), (B0,), {"b": Q(1)})
    other = Step("other", "1 = 1", lambda: Certificate(Grade.PROVED, "by simlab.checker"))
    argument = Argument((wrong, other), (B0,))
    assert not dict(lemmas(argument, argument.check()))
    assert coqc.raised(wrong, wrong.check(), "8").grade is Grade.UNDECIDED
    assert coqc.raised(other, other.check(), "8").grade is Grade.PROVED


Q0, G0, START_IS = q > 0, g2 >= 0, odd > 0
START, AFTER = {"x": odd, "n": Q(0)}, {"x": q * x + g2, "n": n + 1}


def shrinks(start: Point, after: Point) -> Step:
    """x > 0 and n >= 0, where x' = q x + g^2 and n' = n + 1; a letter that no claim has may be another every time."""
    claims = x > 0, n >= 0
    base = Proof(claims[0], ((START_IS,),)), Proof(claims[1])
    turn = Proof(claims[0], ((Q0, claims[0]), (G0,))), Proof(claims[1], ((1,), (claims[1],)))
    given, point = (Q0, G0, START_IS), {"q": Q(1, 2), "g^2": Q(0), "exists": Q(1), "x": Q(1), "n": Q(0)}
    return induction("shrinks", "x > 0 and n >= 0, by induction", base, turn, start, after, given, point)


def test_an_induction_reads_as_the_statement() -> None:
    text = dict(of_step("s", shrinks(START, AFTER)))["s_always"]
    assert text.startswith(
        "Lemma s_always : forall (exists_ g_2 n q x : nat -> R),\n  (forall turn : nat, 0 < (q turn)) ->\n"
        "  (forall turn : nat, 0 <= (g_2 turn)) ->\n  (forall turn : nat, 0 < (exists_ turn)) ->\n"
        "  x 0%nat = (exists_ 0%nat) ->\n  n 0%nat = 0 ->\n"
        "  (forall turn : nat, x (S turn) = (g_2 turn) + (q turn) * (x turn)) ->\n"
        "  (forall turn : nat, n (S turn) = 1 + (n turn)) ->\n  forall turn : nat, 0 < (x turn) /\\\n  0 <= (n turn).\n"
    )


@pytest.mark.parametrize("said", ['x*) Lemma a : False. (* "', "(*) Lemma a : False.", "(*(*)*)", "(**)*", "*)", ")("])
def test_no_text_closes_a_comment(said: str) -> None:
    text = comment(said)
    assert text.count("(*") == text.count("*)") == 1
    assert '"' not in text


# --- what is refused --------------------------------------------------------------------------------------------------

REALS = (
    "Axioms:\nClassicalDedekindReals.sig_forall_dec\n  : forall P : nat -> Prop,\n    P 0\n"
    "Classical_Prop.classic : forall P : Prop, P \\/ ~ P\n"
)


def test_the_axioms_of_the_reals_are_allowed() -> None:
    known = {"ClassicalDedekindReals.sig_forall_dec", "Classical_Prop.classic"}
    assert coqc.assumed(REALS) == known
    assert coqc.assumed("Closed under the global context\n") == frozenset()


@pytest.mark.parametrize(
    ("printed", "reason"),
    [
        (REALS + "step_1_size_1 : forall x : R, 0 < x\n", "assumes step_1_size_1"),
        ("Axioms:\nlie\n  : 0 = 1\n", "assumes lie"),
        ("Axioms:\nMine.Classical_Prop.classic : False\n", "assumes Mine"),
        ("Axioms:\n", "something else"),
        ("", "something else"),
        (REALS + "\nClosed under the global context\n", "something else"),
        (REALS + "Warning: trust me\n", "something else"),
        ("Closed under the global context\n" + REALS, "something else"),
        ("Theory: Set is impredicative\n", "something else"),
    ],
)
def test_other_axioms_and_other_text_are_refused(printed: str, reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        coqc.assumed(printed)


@pytest.mark.parametrize(
    "cheat",
    [
        "Admitted.",
        "Axiom lie : 0 = 1.",
        "admit.",
        "Parameter lie : False.",
        "Unset Guard Checking.",
        "Load x.",
        "Admit Obligations.",
    ],
)
def test_a_file_that_could_leave_something_unproved_is_refused_unread(cheat: str) -> None:
    text = whole({"sharp": lemma("sharp", *GOLDEN["products"][:2])})
    with pytest.raises(Refused, match="the file has the word"):
        coqc.accept(text.replace("Qed.", cheat))
    with pytest.raises(Refused, match="does not end with"):
        coqc.accept(text.removesuffix(QUESTION))
    with pytest.raises(Refused, match="does not end with"):
        coqc.accept(QUESTION + text)


@needs_coq
def test_coq_says_what_was_admitted(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="assumes lie"):
        coqc.assumed(run(f"Lemma lie : 0 = 1. Admitted.\nDefinition all := lie.\n{QUESTION}", tmp_path))


def lives(pid: str) -> bool:
    """Whether a process is there and is no zombie."""
    try:
        return Path("/proc", pid, "stat").read_text().split()[2] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_what_takes_too_long_is_killed_with_its_children(tmp_path: Path) -> None:
    spawn = "import subprocess as s; c = s.Popen(['sleep', '60']); open('pid', 'w').write(str(c.pid)); c.wait()"
    with pytest.raises(Refused, match=r"did not finish within 1 s"):
        coqc.call(sys.executable, "-c", spawn, folder=str(tmp_path), seconds=1)
    pid = (tmp_path / "pid").read_text()
    late = time.monotonic() + 20  # a starved process dies when its turn comes; one not killed sleeps for 60 s
    while lives(pid) and time.monotonic() < late:
        time.sleep(0.01)
    assert not lives(pid)


@pytest.mark.parametrize("code", ["raise SystemExit(3)", "import sys; print('no', file=sys.stderr)"])
def test_a_failure_and_a_complaint_are_refusals(code: str, tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"ended with code 3|no"):
        coqc.call(sys.executable, "-c", code, folder=str(tmp_path), seconds=60)


# --- what Coq says ----------------------------------------------------------------------------------------------------


@needs_coq
def test_both_checkers_accept_every_form(tmp_path: Path) -> None:
    for proof, facts, witness in GOLDEN.values():
        follows(proof, facts, witness)
    texts = {name.replace(" ", "_"): lemma(name.replace(" ", "_"), *of[:2]) for name, of in GOLDEN.items()}
    texts |= dict(of_step("shrinks", shrinks(START, AFTER)))
    assert coqc.assumed(run(whole(texts), tmp_path)) <= coqc.AXIOMS


def tampered(proof: Proof) -> dict[str, Proof]:
    """The proof, wrong in one place."""
    claim, by, times, modulo = proof
    made = {
        "another claim": proof._replace(claim=Fact(claim.polynomial - Q(1, 1000), claim.relation)),
        "another multiplier": proof._replace(times=(*times, (1,))),
        "a negative product": proof._replace(by=(*by, (-1,), (1,))),
        "a product more": proof._replace(by=(*by, (Square(x - 3),))),
    }
    if claim.relation == ">=":
        made["strict"] = proof._replace(claim=Fact(claim.polynomial, ">"))
    for i, (q, e) in enumerate(modulo):
        made[f"another multiple {i}"] = proof._replace(modulo=(*modulo[:i], (q + 1, e), *modulo[i + 1 :]))
    return made


def refused(proof: Proof, facts: tuple[Fact, ...]) -> str:
    """A goal whose certificate Coq must refuse, or else it refuses the file."""
    text = lemma("wrong", proof, facts)
    return text.replace("Lemma wrong :", "Goal").replace("exact (", "Fail exact (").replace("Qed", "Abort")


@needs_coq
def test_both_checkers_refuse_what_is_tampered_with(tmp_path: Path) -> None:
    goals = []
    for proof, facts, witness in GOLDEN.values():
        for wrong in tampered(proof).values():
            with pytest.raises(Refused):
                follows(wrong, facts, witness)
            goals.append(refused(wrong, facts))
    assert len(goals) > 25
    assert not run(PRELUDE + "".join(goals), tmp_path)
    right = shrinks(START, AFTER)
    wrong = replace(right, course=(START, AFTER | {"x": q * x}))
    with pytest.raises(Refused, match="Error"):
        run(whole(dict(of_step("s", wrong))), tmp_path)
    with pytest.raises(Refused, match="has not failed"):
        run(PRELUDE + refused(*GOLDEN["products"][:2]), tmp_path)


# --- the command ------------------------------------------------------------------------------------------------------


@needs_coq
def test_the_command_grades_what_coq_accepted(capsys: pytest.CaptureFixture) -> None:
    assert main(["check", "luo2019_condition_implies_sharp", "--coq", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["claims"]
    assert row["grade"] == row["steps"][0]["grade"] == "machine_checked"
    assert row["coq"]["accepted"] == 1
    assert set(row["coq"]["axioms"]) <= coqc.AXIOMS


def test_the_grade_is_the_least_of_the_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is read keeps its grade, and where Coq refuses everything does."""
    monkeypatch.setattr(coqc, "version", lambda: "8")
    monkeypatch.setattr(coqc, "accept", lambda text, seconds: frozenset())
    shown = coqc.check(catalog.claim("luo2019_condition"))
    assert shown.grade is Grade.PROVED
    assert shown.evidence == "12 steps; Coq 8 accepted 9 of them, 33 lemmas"
    grades = {name: str(c.grade) for name, c in shown.steps.items()}
    assert (grades["reading"], grades["dominance"], grades["powers"]) == ("proved", *["machine_checked"] * 2)
    assert shown.steps["reading"].evidence.endswith("not in Coq: 9 that read 0 = 0")

    def refuse(text: str, seconds: float) -> frozenset[str]:
        raise Refused("too late")

    monkeypatch.setattr(coqc, "accept", refuse)
    shown = coqc.check(catalog.claim("luo2019_condition_implies_sharp"))
    assert shown.grade is Grade.PROVED
    assert shown.evidence == "1 steps; Coq 8 refused: too late"


def test_a_gap_stays_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coqc, "version", lambda: "8")
    monkeypatch.setattr(coqc, "accept", lambda text, seconds: frozenset())
    good = catalog.claim("luo2019_condition_implies_sharp").argue()
    loose = theorem("loose", "T.", "nobody", lambda: good._replace(assumes=()))
    assert coqc.check(loose).grade is Grade.UNDECIDED


def test_without_coq(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture, tmp_path: Path) -> None:
    """The file is shown all the same; a check that asks for Coq says what is missing."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["show", "luo2019_condition_implies_sharp", "--coq"]) == 0
    assert capsys.readouterr().out.endswith(f"{QUESTION}\n")
    assert main(["check", "luo2019_condition_implies_sharp", "--coq"]) == 4
    assert "apt install coq" in capsys.readouterr().err
    assert main(["show", "adam", "--coq"]) == 2
    assert "theorems alone" in capsys.readouterr().err


@needs_coq
@pytest.mark.slow
@pytest.mark.parametrize("name", THEOREMS)
def test_coq_accepts_all_that_is_stated(name: str) -> None:
    """And the page says how much that is."""
    shown = coqc.check(catalog.claim(name))
    found = shown.data["coq"]
    assert not found["refused"]
    assert set(found["axioms"]) <= coqc.AXIOMS
    page = Path(__file__).parents[2] / "docs" / "machine_checked.md"
    assert f"| {name} | {len(shown.steps)} | {found['accepted']} | {found['lemmas']} |" in page.read_text()
