"""DenseNet-121 for 32x32 images: in a dense block every layer sees what all layers before it have made.

    x_{l+1} = [x_l, H(x_l)],   H = conv3x3 relu bn conv1x1 relu bn,   of `growth` channels (4 growth in between)

Between blocks a transition (conv1x1 relu bn, mean of 2x2) halves the channels and the sides.

Huang, Liu, van der Maaten and Weinberger (2017), "Densely connected convolutional networks", in its form for small
images: the first layer is a 3x3 convolution with no pooling.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn


def _activated(inputs: int, outputs: int, size: int) -> nn.Sequential:
    convolution = nn.Conv2d(inputs, outputs, size, padding=size // 2, bias=False)
    return nn.Sequential(nn.BatchNorm2d(inputs), nn.ReLU(), convolution)


class Layer(nn.Module):
    """x -> [x, H(x)]."""

    def __init__(self, inputs: int, growth: int) -> None:
        super().__init__()
        self.grown = nn.Sequential(_activated(inputs, 4 * growth, 1), _activated(4 * growth, growth, 3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([x, self.grown(x)], 1)


def densenet121(
    channels: int = 3, classes: int = 10, growth: int = 32, blocks: Sequence[int] = (6, 12, 24, 16)
) -> nn.Module:
    """(n, channels, 32, 32) images to (n, classes) logits; 6,956,298 parameters.

    Reference: Huang et al. 2017; Luo et al. 2019, Section 5.
    """
    width = 2 * growth
    layers: list[nn.Module] = [nn.Conv2d(channels, width, 3, padding=1, bias=False)]
    for i, depth in enumerate(blocks):
        if i:
            layers += [_activated(width, width // 2, 1), nn.AvgPool2d(2)]
            width //= 2
        for _ in range(depth):
            layers.append(Layer(width, growth))
            width += growth
    end = [nn.BatchNorm2d(width), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, classes)]
    return nn.Sequential(*layers, *end)
