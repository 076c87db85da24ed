"""Six optimizers on CIFAR-10 with DenseNet-121."""

from __future__ import annotations

from dataclasses import replace

from simlab.experiment import Experiment, six
from simlab.experiments.cifar10_resnet34 import cifar10_resnet34

FINAL = {"sgdm": 92.99, "adagrad": 91.88, "adam": 93.01, "amsgrad": 93.35, "adabound": 94.83, "amsbound": 95.10}


def cifar10_densenet121(short: bool) -> Experiment:
    """DenseNet-121 on CIFAR-10, as cifar10_resnet34 but for beta1 = .9 of Adam and AMSGrad.

    Reference: Luo et al. 2019, Section 5, and the settings of the authors' code.
    """
    return replace(cifar10_resnet34(short), model="densenet121", settings=six(), published=FINAL)
