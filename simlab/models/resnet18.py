"""ResNet-18 for 32x32 images: 4 stages of 2 blocks."""

from __future__ import annotations

from torch import nn

from simlab.models._resnet import resnet


def resnet18(channels: int = 3, classes: int = 10) -> nn.Module:
    """(n, channels, 32, 32) images to (n, classes) logits; 11,173,962 parameters.

    Reference: He et al. 2016.
    """
    return resnet(channels, classes, [(64, 2), (128, 2), (256, 2), (512, 2)])
