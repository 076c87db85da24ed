"""A small residual network for 8x8 digits: 2 stages of 2 blocks, with nine 3x3 convolutions in all."""

from __future__ import annotations

from torch import nn

from simlab.models._resnet import resnet


def resnet_small(channels: int = 1, classes: int = 10, width: int = 8) -> nn.Module:
    """(n, channels, h, w) images to (n, classes) logits; 10,978 parameters of width 8.

    Reference: He et al. 2016, for the block.
    """
    return resnet(channels, classes, [(width, 2), (2 * width, 2)])
