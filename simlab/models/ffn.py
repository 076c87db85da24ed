"""A feed-forward network with one hidden layer: W_2 relu(W_1 x + b_1) + b_2."""

from __future__ import annotations

from torch import nn


def ffn(inputs: int = 784, hidden: int = 100, classes: int = 10) -> nn.Module:
    """(n, c, h, w) images with c h w = inputs to (n, classes) logits.

    Reference: Luo et al. 2019, Section 5 (a single hidden layer; 784-100-10 has 79,510 parameters).
    """
    return nn.Sequential(nn.Flatten(), nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, classes))
