"""The master chain with Young's inequality for the momentum term, where w' is at hand and |g - m| is not.

beta1 (g - m)(x - u)  <=  beta1 w' D^2/2 + beta1 (g^2 + m^2)/w',      z sums the right side
"""

from __future__ import annotations

from fractions import Fraction as Q
from typing import Any

from proofs._master import Master
from proofs._regret import NEAR, column, g, m, side, u, x
from simlab.checker import Polynomial, Proof, Square
from simlab.claims import Step
from simlab.lemma import lemma, without
from simlab.regret_bound import master_terms


class Young(Master):
    """The momentum term, and the step that bounds it."""

    momentum = "z"

    def adds_momentum(self) -> Polynomial:
        """What the round adds to z."""
        return self.beta * (self.weight * side * side / 2 + (g * g + m * m) * self.inverse)

    def bound(self, pv: Any, e: Any, z: Any) -> Polynomial:
        """The master terms, with z for the whole of the momentum term."""
        return self.read_terms(master_terms, variation=column(pv), energy=column(e), surprise=column(0)) + z

    def surprises(self) -> Step:
        """w'^2 (x - u)^2 - 2 w' (g - m)(x - u) + 2 (g^2 + m^2) = (w' (x - u) - (g - m))^2 + (g + m)^2."""
        ((is_inverse,),), (low, high), b0, heavy = self.about(self.inverse), NEAR, self.beta_low, self.heavy
        given, half = (b0, heavy, is_inverse, *NEAR), Q(1, 2)
        here = self.point(beta1=Q(1, 2), vhat=1)
        return lemma(
            "surprise",
            "beta1 (g - m)(x - u) <= beta1 w' D^2/2 + beta1 (g^2 + m^2)/w'",
            (
                Proof(
                    self.surprise,
                    times=((heavy,),),
                    by=(
                        (half, b0, heavy, heavy, low, high),
                        (half, b0, Square(self.weight * (x - u) - (g - m))),
                        (half, b0, Square(g + m)),
                    ),
                    modulo=((self.beta * (g * g + m * m), is_inverse),),
                ),
            ),
            given,
            here,
            false=(
                ("a quarter of it", 4 * self.lag <= self.z_step, given, here),
                (
                    "without (g^2 + m^2)/w'",
                    self.lag <= self.beta * self.weight * side * side / 2,
                    given,
                    self.point(beta1=Q(1, 2), vhat=1, g=2),
                ),
                ("another 1/w'", self.surprise, without(is_inverse, given), {**here, str(self.inverse): Q(-9)}),
            ),
        )
