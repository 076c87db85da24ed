"""The condition of Luo et al.'s Theorem 1 implies the sharp one.

5 beta2^(C-2) <= (1 - beta2)/(4 - beta2)   implies   16 beta2^(C-2) < 1          (0 < beta2 < 1)

5 (4 - b)(1 - 16 p) = 4 + 11 b + 16 ((1 - b) - 5 p (4 - b))
"""

from __future__ import annotations

from fractions import Fraction as Q

from proofs._luo2019 import B0, B1, b, p
from simlab.checker import Proof
from simlab.claims import Argument, theorem
from simlab.condition import sharp, sufficient
from simlab.lemma import lemma, without

LEFT, RIGHT = sufficient(b)
CONDITION = LEFT * p <= RIGHT
SHARP = sharp(b)[0] * p < sharp(b)[1]
GIVEN = (B0, B1, CONDITION)


def argue() -> Argument:
    """One certificate."""
    return Argument(
        (
            lemma(
                "implication",
                "5 p (4 - beta2) <= 1 - beta2 implies 16 p < 1",
                (Proof(SHARP, times=((15,), (5, B1)), by=((4,), (11, B0), (16, CONDITION))),),
                GIVEN,
                {"beta2": Q(1, 2), "p": Q(1, 64)},
                false=(
                    ("21 for 16", 21 * p < 1, GIVEN, {"beta2": Q(1, 1000), "p": Q(1, 21)}),
                    (
                        "3 for 5 in the condition",
                        SHARP,
                        (B0, B1, 3 * (4 - b) * p <= 1 - b),
                        {"beta2": Q(1, 100), "p": Q(1, 13)},
                    ),
                    ("without beta2 > 0", SHARP, without(B0, GIVEN), {"beta2": Q(-10), "p": Q(1, 7)}),
                    ("the converse", CONDITION, (B0, B1, SHARP), {"beta2": Q(9, 10), "p": Q(1, 17)}),
                ),
            ),
        ),
        assumes=GIVEN,
    )


luo2019_condition_implies_sharp = theorem(
    "luo2019_condition_implies_sharp",
    "The paper's condition on C implies the sharp one.\n\n"
    "For real 0 < beta2 < 1 and p = beta2^(C-2): if 5 p (4 - beta2) <= 1 - beta2, then 16 p < 1.",
    "Luo, Xiong, Liu and Sun 2019, Theorem 1, against the sharp threshold (theorem luo2019_sharp)",
    argue,
)
