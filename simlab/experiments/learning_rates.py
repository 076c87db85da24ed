"""The learning rates of a trained network under Adam."""

from __future__ import annotations

from dataclasses import replace

from simlab.experiment import Experiment, named
from simlab.experiments._residual import residual


def learning_rates(short: bool) -> Experiment:
    """The learning rates alpha/(sqrt(v) + epsilon) of Adam after every epoch, per layer and of ten single parameters.

    The ten: one weight from each of nine 3x3 kernels of different layers, and one bias of the last layer.

    Reference: Luo et al. 2019, Section 3 and Figure 1.
    """
    base = residual(short)
    return replace(base, settings=(named(base.settings, "adam"),), snapshot=True)
