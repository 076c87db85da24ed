"""The learning rates of a trained network under Adam."""

from __future__ import annotations

from dataclasses import replace

from simlab.experiment import Experiment, named
from simlab.experiments.cifar10_resnet34 import cifar10_resnet34
from simlab.experiments.digits import digits


def learning_rates(short: bool) -> Experiment:
    """The learning rates alpha/(sqrt(v) + epsilon) of Adam after every epoch, per layer and of ten single parameters.

    The ten: one weight from each of nine 3x3 kernels of different layers, and one bias of the last layer.

    Reference: Luo et al. 2019, Section 3 and Figure 1.
    """
    base = digits(short=False) if short else cifar10_resnet34(short=False)
    words = "short: digits and a small network in place of CIFAR-10 and ResNet-34" if short else base.protocol
    return replace(base, published={}, protocol=words, settings=(named(base.settings, "adam"),), snapshot=True)
