"""What all residual networks share: y = relu(F(x) + S(x)), F two 3x3 convolutions, S the identity where shapes agree.

He, Zhang, Ren and Sun (2016), "Deep residual learning for image recognition", in its form for small images: the first
layer is a 3x3 convolution with no pooling. Each convolution is followed by batch normalisation, so it has no bias.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn.functional import relu


def _normalised(inputs: int, outputs: int, size: int, stride: int) -> nn.Sequential:
    convolution = nn.Conv2d(inputs, outputs, size, stride, padding=size // 2, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs))


class Block(nn.Module):
    """relu(F(x) + S(x)); where the shape changes, S is a 1x1 convolution."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.first = _normalised(inputs, outputs, 3, stride)
        self.second = _normalised(outputs, outputs, 3, 1)
        same = stride == 1 and inputs == outputs
        self.shortcut = nn.Identity() if same else _normalised(inputs, outputs, 1, stride)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return relu(self.second(relu(self.first(x))) + self.shortcut(x))


def resnet(channels: int, classes: int, stages: Sequence[tuple[int, int]]) -> nn.Module:
    """(n, channels, h, w) images to (n, classes) logits.

    A stage is (width, blocks); all but the first halve h and w.
    """
    width = stages[0][0]
    layers: list[nn.Module] = [_normalised(channels, width, 3, 1), nn.ReLU()]
    for i, (outputs, blocks) in enumerate(stages):
        for k in range(blocks):
            layers.append(Block(width, outputs, 2 if i and not k else 1))
            width = outputs
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, classes))
