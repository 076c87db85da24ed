"""ResNet-34 for 32x32 images: 4 stages of 3, 4, 6 and 3 blocks."""

from __future__ import annotations

from torch import nn

from simlab.models._resnet import resnet


def resnet34(channels: int = 3, classes: int = 10) -> nn.Module:
    """(n, channels, 32, 32) images to (n, classes) logits; 21,282,122 parameters.

    Reference: He et al. 2016; Luo et al. 2019, Section 5.
    """
    return resnet(channels, classes, [(64, 3), (128, 4), (256, 6), (512, 3)])
