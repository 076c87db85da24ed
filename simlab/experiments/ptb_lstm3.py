"""Optimizers on Penn Treebank with 3 layers of LSTM."""

from __future__ import annotations

from simlab.experiment import Experiment
from simlab.experiments._ptb import language_model


def ptb_lstm3(short: bool) -> Experiment:
    """A language model of 3 layers of LSTM on Penn Treebank, AdaBound and AMSBound with alpha_star in {.1, 1, 10, 30}.

    Reference: Luo et al. 2019, Section 5; Zaremba, Sutskever and Vinyals 2014.
    """
    return language_model(3, short)
