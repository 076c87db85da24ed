"""Six optimizers on CIFAR-10 with ResNet-34."""

from __future__ import annotations

from simlab.experiment import Experiment, six

SOURCE = "the curves in the authors' repository, one seed, epoch 200"
FINAL = {"sgdm": 92.64, "adagrad": 92.66, "adam": 92.27, "amsgrad": 93.18, "adabound": 94.86, "amsbound": 94.82}


def cifar10_resnet34(short: bool) -> Experiment:
    """ResNet-34 on CIFAR-10: 200 epochs of batches of 128, lr/10 after 150, weight decay 5e-4, crops and flips.

    Reference: Luo et al. 2019, Section 5, and the settings of the authors' code (beta1 = .99 for Adam and AMSGrad).
    """
    return Experiment(
        protocol="short: 30 of the paper's 200 epochs" if short else "full: the paper's",
        data="cifar10",
        model="resnet34",
        model_options={},
        settings=six(beta1=0.99),
        epochs=30 if short else 200,
        batch=128,
        decay=(0.75,),
        weight_decay=5e-4,
        crop=4,
        flip=True,
        published=FINAL,
        source=SOURCE,
    )
