"""Coq as a second checker: theorems whose steps its kernel accepts too, and what it assumed for that.

    coqc lemmas.v         whose last line asks which axioms the lemmas stand on
    coqchk lemmas         reads what coqc compiled, and checks every proof term again

A file is refused if one of them refuses it, if it has a word that could leave something unproved, or if it stands on
another axiom than those of the standard library's reals. A step is machine-checked if Coq accepted all that its check
gives to simlab.checker; what is not stated in Coq keeps its grade (see simlab.coq).
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from simlab.checker import Refused
from simlab.claims import Certificate, Claim, Gap, Grade, Step, Theorem, least
from simlab.coq import QUESTION, file, lemmas, stated
from simlab.errors import NotHere

# what the standard library's reals stand on; nothing else may be assumed
AXIOMS = frozenset(
    {
        "ClassicalDedekindReals.sig_forall_dec",
        "ClassicalDedekindReals.sig_not_dec",
        "FunctionalExtensionality.functional_extensionality_dep",
        "Classical_Prop.classic",
    }
)
CHEATS = re.compile(
    r"\b(Admit|Admitted|admit|give_up|Axioms?|Parameters?|Conjectures?|Hypothes[ie]s|Variables?|Context|Abort|Unset|Set|"
    r"Declare|Load|Redirect|Drop|bypass_check|Primitive|Register|vm_compute|native_compute)\b"
)
SECONDS = 600  # the largest theorem takes a tenth of it


def program(name: str) -> str:
    """Where coqc or coqchk is; raises NotHere."""
    found = shutil.which(name)
    if found is None:
        raise NotHere(
            f"there is no {name} on the path; install Coq (on Debian: apt install coq) or check without --coq"
        )
    return found


def call(*command: str, folder: str, seconds: float) -> str:
    """What a program prints; it is killed, with all that it started, when the time is up. Raises Refused."""
    home = {"PATH": os.environ.get("PATH", os.defpath), "HOME": folder, "LC_ALL": "C.UTF-8"}
    streams: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    name = Path(command[0]).name
    with subprocess.Popen(command, cwd=folder, env=home, text=True, start_new_session=True, **streams) as child:  # noqa: S603 coqc
        try:
            out, complaint = child.communicate(timeout=seconds)
        except BaseException as stop:
            os.killpg(child.pid, signal.SIGKILL)
            if isinstance(stop, subprocess.TimeoutExpired):
                raise Refused(f"{name} did not finish within {seconds:g} s") from None
            raise
    if child.returncode or complaint:
        raise Refused(" ".join(complaint.split()) or f"{name} ended with code {child.returncode}")
    return out


def version() -> str:
    """Coq's version; raises NotHere."""
    with tempfile.TemporaryDirectory(prefix="simlab_coq_") as folder:
        return call(program("coqc"), "-print-version", folder=folder, seconds=SECONDS).split()[0]


def assumed(printed: str) -> frozenset[str]:
    """The axioms in what one Print Assumptions printed; raises Refused for others than AXIOMS, and for other text."""
    if printed.strip() == "Closed under the global context":
        return frozenset()
    head, _, rest = printed.strip().partition("\n")
    entries = re.sub(r"\n +", " ", rest).split("\n")
    found = [re.fullmatch(r"([\w.']+) : \S.*", entry) for entry in entries]
    if head != "Axioms:" or None in found:
        raise Refused(f"coqc printed something else than axioms: {printed[:200]!r}")
    names = frozenset(m[1] for m in found if m)
    if names - AXIOMS:
        raise Refused(f"it assumes {', '.join(sorted(names - AXIOMS))}")
    return names


def accept(text: str, seconds: float = SECONDS) -> frozenset[str]:
    """The axioms from which Coq accepts a file; raises Refused with the reason, and NotHere."""
    if cheat := CHEATS.search(text):
        raise Refused(f"the file has the word {cheat[0]!r}")
    if not text.endswith(QUESTION) or text.count(QUESTION.split()[0]) != 1:
        raise Refused(f"the file does not end with the one question {QUESTION.strip()}")
    compiler, checker = program("coqc"), program("coqchk")
    with tempfile.TemporaryDirectory(prefix="simlab_coq_") as folder:
        Path(folder, "lemmas.v").write_text(text, encoding="utf-8")
        printed = call(compiler, "-q", "-noglob", "-w", "-all", "lemmas.v", folder=folder, seconds=seconds)
        call(checker, "-silent", "-norec", "lemmas", folder=folder, seconds=seconds)
        return assumed(printed)


def check(claim: Claim, seconds: float = SECONDS) -> Certificate:
    """A claim checked afresh, the steps of a theorem by Coq too, where it can; raises NotHere.

    data["coq"] of a theorem: the version, the numbers of lemmas and of accepted steps, the axioms, the seconds, and why
    Coq refused, or "".
    """
    coq = version()
    if not isinstance(claim, Theorem):
        shown = claim.check()
        return replace(shown, evidence=f"{shown.evidence}; nothing of it is for Coq")
    argument = claim.argue()
    shown, began = argument.check(), time.perf_counter()
    found, axioms, refused = dict(lemmas(argument, shown)), frozenset[str](), ""
    try:
        axioms = accept(file(claim, found), seconds)
    except Refused as reason:
        refused = str(reason)
    steps = shown.steps if refused else {s.name: raised(s, shown.steps[s.name], coq) for s in argument.steps}
    accepted = sum(c.grade is Grade.MACHINE_CHECKED for c in steps.values())
    data = {
        "version": coq,
        "lemmas": len(found),
        "accepted": accepted,
        "axioms": sorted(axioms),
        "seconds": round(time.perf_counter() - began, 3),
        "refused": refused,
    }
    said = f"refused: {refused}" if refused else f"accepted {accepted} of them, {len(found)} lemmas"
    grade, evidence = least([c.grade for c in steps.values()]), f"{shown.evidence}; Coq {coq} {said}"
    return replace(shown, grade=grade, evidence=evidence, steps=steps, data={"coq": data})


def raised(step: Step | Gap, shown: Certificate, coq: str) -> Certificate:
    """A step's certificate once Coq accepted what was stated of it: machine-checked if that was all of it."""
    if shown.grade is not Grade.PROVED:
        return shown
    silent = sum(not stated(f) for f in step.shows)
    if not step.asks or silent:
        why = f"{silent} that read 0 = 0" if silent else "how it is checked"
        return replace(shown, evidence=f"{shown.evidence}; not in Coq: {why}")
    return replace(shown, grade=Grade.MACHINE_CHECKED, evidence=f"{shown.evidence} and by Coq {coq}")
