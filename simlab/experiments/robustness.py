"""How much SGDM depends on alpha, and AdaBound on alpha_star and on the speed of its bounds."""

from __future__ import annotations

from dataclasses import replace

from simlab.experiment import Experiment, named, over
from simlab.experiments._residual import residual

ALPHAS = (1.0, 0.3, 0.1, 0.03, 0.01, 0.003)
GAMMAS = (1e-1, 2e-2, 1e-2, 2e-3, 1e-3)  # 1 - beta of the paper's bound functions


def robustness(short: bool) -> Experiment:
    """SGDM over alpha; AdaBound over alpha_star, the same numbers, and over gamma = 1 - beta.

    SGDM sums gradients and AdaBound averages them, so SGDM's alpha steps like alpha/(1 - beta1): compare there too.

    Reference: Luo et al. 2019, Section 6 (robustness to alpha_star, and to beta of the bound functions).
    """
    base = residual(short)
    sgdm, adabound = (named(base.settings, n) for n in ("sgdm", "adabound"))
    return replace(
        base,
        protocol=base.protocol + ", 40 of 200 epochs" * short,
        epochs=40 if short else base.epochs,
        settings=(
            *over(sgdm, "lr", "alpha", ALPHAS),
            *over(adabound, "final_lr", "alpha_star", ALPHAS),
            *over(adabound, "gamma", "gamma", GAMMAS),
        ),
    )
