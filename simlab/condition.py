"""When Adam (beta1 = 0) fails on Luo et al.'s C-periodic problem, decided exactly for rational beta2.

    5 beta2^(C-2) <= (1 - beta2)/(4 - beta2)          sufficient: the condition of the paper's Theorem 1
    16 beta2^(C-2) < 1                                sharp: Adam goes to the worst point; = 1: it stops inside;
                                                      > 1: it goes to the best point

Both compare K b^n with 1, for n = C - 2 and a rational K. No float and no library decides: b^n is enclosed between
integers times powers of 2, rounded outwards, at rising precision. Why that ends: if K b^n = 1 with K = k/l and b = p/q
in lowest terms, then k p^n = l q^n, so q^n divides k. While q^n may be that small the power is taken exactly; beyond,
there is no tie, and enough bits tell the two apart. (The ties of the sharp condition are b = 1/16, 1/4, 1/2 with
n = 1, 2, 4. The sufficient one has none: in (0, 1] the rational roots of -5 b^(n+1) + 20 b^n + b - 1 could only be 1
and 1/5, and 1/5 is not one.)

Luo, Xiong, Liu and Sun (2019), Theorem 1; the sharp threshold is the theorem `luo2019_sharp` of this project.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from simlab.errors import BadInput

LONGEST = 10**1000  # beyond, a period is a mistake, and nobody can read the answer


def sufficient(b: Any) -> tuple[Any, Any]:
    """(left, right) of the paper's condition left b^(C-2) <= right, for a number or a letter b."""
    return 5 * (4 - b), 1 - b


def sharp(b: Any) -> tuple[Any, Any]:
    """(left, right) of the sharp condition left b^(C-2) < right; equality is the neutral case."""
    return 16, 1


@dataclass(frozen=True)
class Report:
    """What the two conditions say for one beta2, and for one period C where it was asked for.

    real_sufficient, real_sharp: the real C of equality, 2 - ln K / ln beta2, as text that encloses it (grade enclosed).
    sign_sufficient, sign_sharp: the sign of K beta2^(C-2) - 1, exactly (grade proved, as the two smallest C are).
    Where x goes for such a sign is theory that is not checked here, and graded so (limit_grade: undecided); that regret
    is linear for a negative sign of the sharp condition is the theorem luo2019_regret.
    """

    beta2: Fraction
    C_sufficient: int
    C_sharp: int
    real_sufficient: str
    real_sharp: str
    C: int | None
    sign_sufficient: int
    sign_sharp: int

    @property
    def payload(self) -> dict[str, Any]:
        """The keys that `simlab condition --json` promises."""
        found: dict[str, Any] = {
            "beta2": str(self.beta2),
            "C_sufficient": self.C_sufficient,
            "C_sharp": self.C_sharp,
            "real_sufficient": self.real_sufficient,
            "real_sharp": self.real_sharp,
            "real_grade": "enclosed",
        }
        if self.C is not None:
            found |= {
                "C": self.C,
                "sufficient_holds": self.sign_sufficient <= 0,
                "adam_fails": self.sign_sharp <= 0,
                "limit": {-1: "wrong", 0: "interior", 1: "right"}[self.sign_sharp],
                "limit_grade": "undecided",
            }
        return found | {"grade": "proved"}

    def __str__(self) -> str:
        lines = [f"beta2 = {self.beta2}"]
        for text, C, real in (
            ("5 beta2^(C-2) <= (1 - beta2)/(4 - beta2)", self.C_sufficient, self.real_sufficient),
            ("16 beta2^(C-2) < 1", self.C_sharp, self.real_sharp),
        ):
            lines.append(f"{text:<40}  from C = {C} on; equality at {real}")
        if self.C is not None:
            end = {
                -1: "Adam's regret is linear (luo2019_regret); by theory it goes to the worst point",
                0: "neutral, so by theory Adam stops inside and still fails",
                1: "by theory Adam goes to the best point",
            }[self.sign_sharp]
            holds = "holds" if self.sign_sufficient <= 0 else "fails"
            lines.append(f"C = {self.C}: the paper's condition {holds}; {end}")
        return "\n".join(lines)


def report(beta2: Fraction, C: int | None = None) -> Report:
    """The smallest C of both conditions, and both decided at C, for rational beta2 in (0, 1) and an integer C >= 3."""
    b = Fraction(beta2)
    if not 0 < b < 1:
        hint = "; beta2 = 1 would freeze v for ever: did you mean 0.999?" if b == 1 else ""
        raise BadInput(f"beta2 must be in (0, 1); got {beta2}{hint}")
    if C is not None and (Fraction(C).denominator != 1 or not 3 <= C < LONGEST):
        shown = C if C < LONGEST else "one of more than 1000 digits"
        raise BadInput(f"C must be an integer >= 3, the period of Luo et al.'s problem; got {shown}")
    least, real, signs = [], [], []
    for (left, right), most in ((sufficient(b), 0), (sharp(b), -1)):
        factor = Fraction(left) / right
        ball, near = equality(factor, b)
        least.append(smallest(factor, b, most, near) + 2)
        real.append(ball.str(len(str(least[-1])) + 12))
        signs.append(0 if C is None else compare(factor, b, int(C) - 2))
    return Report(b, least[0], least[1], real[0], real[1], None if C is None else int(C), signs[0], signs[1])


def compare(factor: Fraction, b: Fraction, n: int) -> int:
    """The sign of factor b^n - 1 (-1, 0 or 1), exactly, for factor > 0, 0 < b < 1 and n >= 1."""
    k, whole = factor.numerator, factor.denominator
    if n * (b.denominator.bit_length() - 1) < k.bit_length():  # only here may denominator^n divide k
        power = factor * b**n
        return (power > 1) - (power < 1)
    bits = 64
    while True:
        bits *= 2
        high, up = bound_of_power(b, n, bits, above=True)
        low, down = bound_of_power(b, n, bits, above=False)
        # k m 2^-e against whole; where 2^e alone exceeds k m, the number whole 2^e need not be built
        if up >= (k * high).bit_length() or k * high < whole << up:
            return -1
        if down < (k * low).bit_length() and k * low > whole << down:
            return 1


def bound_of_power(b: Fraction, n: int, bits: int, above: bool) -> tuple[int, int]:
    """(m, e), m of `bits` bits, with m 2^-e <= b^n, or >= b^n if `above`; 0 < b < 1, n >= 1."""
    side = -1 if above else 1  # side * floor(side * x) is the floor of x or its ceiling

    def cut(m: int, e: int) -> tuple[int, int]:
        extra = max(0, m.bit_length() - bits)
        return side * (side * m >> extra), e - extra

    e = bits + b.denominator.bit_length() - b.numerator.bit_length()
    base = power = cut(side * ((side * b.numerator << e) // b.denominator), e)
    for digit in f"{n:b}"[1:]:
        power = cut(power[0] * power[0], 2 * power[1])
        if digit == "1":
            power = cut(power[0] * base[0], power[1] + base[1])
    return power


def smallest(factor: Fraction, b: Fraction, most: int, near: int) -> int:
    """The smallest n >= 1 where the sign of factor b^n - 1 is at most `most`; `near` matters to speed alone."""

    def holds(n: int) -> bool:
        return compare(factor, b, n) <= most

    low, high, stride = max(near, 1) - 1, max(near, 1), 1
    while not holds(high):
        low, high, stride = high, high + stride, 2 * stride
    while low > 0 and holds(low):
        low, high, stride = max(low - stride, 0), low, 2 * stride
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def equality(factor: Fraction, b: Fraction) -> tuple[Any, int]:
    """(a ball around the real C of factor b^(C-2) = 1, which is 2 - ln(factor)/ln(b); an integer near C - 2)."""
    from simlab.backends.arb import number
    from simlab.trajectory import precision

    with precision(128 + 4 * b.denominator.bit_length()):
        n = -number(factor).log() / number(b - 1).log1p()
        return n + 2, int(n.mid().floor().unique_fmpz())
