"""What the experiments on one residual network share."""

from __future__ import annotations

from dataclasses import replace

from simlab.experiment import Experiment
from simlab.experiments.cifar10_resnet34 import cifar10_resnet34
from simlab.experiments.digits import digits


def residual(short: bool) -> Experiment:
    """ResNet-34 on CIFAR-10; short: a small network on digits, for as many epochs.

    Without the published numbers, which belong to the comparison of six optimizers.
    """
    base = digits(short=False) if short else cifar10_resnet34(short=False)
    words = "short: digits and a small network in place of CIFAR-10 and ResNet-34" if short else base.protocol
    return replace(base, protocol=words, published={}, source="")
