"""Six optimizers on MNIST with one hidden layer."""

from __future__ import annotations

from simlab.experiment import Experiment, six


def mnist_ffn(short: bool) -> Experiment:
    """A network with one hidden layer of 100 on MNIST, 100 epochs of batches of 128 at constant learning rates.

    The paper gives no settings for it: these are the ones of its code for CIFAR-10, without weight decay, on pixels in
    [0, 1].

    Reference: Luo et al. 2019, Section 5.
    """
    return Experiment(
        protocol="short: 10 of 100 epochs" if short else "full: 100 epochs; the paper's own settings are not known",
        data="mnist",
        model="ffn",
        model_options={},
        settings=six(),
        epochs=10 if short else 100,
        batch=128,
        centred=False,
    )
