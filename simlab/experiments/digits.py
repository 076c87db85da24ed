"""Six optimizers on 8x8 digits, offline and in minutes."""

from __future__ import annotations

from simlab.experiment import Experiment, six


def digits(short: bool) -> Experiment:
    """A small residual network on 8x8 digits, under the schedule that the paper has for CIFAR-10.

    It is no experiment of the paper's: it is small, so that all of the machinery can be seen at work in minutes.

    Reference: Luo et al. 2019, Section 5, for the schedule and the settings.
    """
    return Experiment(
        protocol=("short: 20 of 200 epochs" if short else "full") + ", on digits, which the paper does not have",
        data="digits",
        model="resnet_small",
        model_options={},
        settings=six(),
        epochs=20 if short else 200,
        batch=128,
        decay=(0.75,),
        weight_decay=5e-4,
        crop=1,
    )
