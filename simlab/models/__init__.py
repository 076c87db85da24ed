"""Networks for the learning experiments, one a file: simlab/models/NAME.py defines NAME, found and never listed.

A network is made without numbers, on torch's meta device, and `simlab.models.start` gives it its first decision: a pure
function of a generator, so that no draw touches torch's global state and every device starts alike.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn

from simlab import catalog


def build(name: str, options: dict[str, Any]) -> nn.Module:
    """The network of that name, on the meta device: it has shapes, no numbers."""
    with torch.device("meta"):
        return getattr(catalog.lookup("simlab.models", name, "model"), name)(**options)


def count(model: nn.Module) -> int:
    """How many numbers are trained."""
    return sum(p.numel() for p in model.parameters())


@torch.no_grad()
def start(model: nn.Module, generator: torch.Generator) -> None:
    """Fill a network in place with torch's own first values, from a generator of the CPU.

    Linear and convolution: U(-k, k), k = 1/sqrt(fan in), of weight and bias; LSTM: k = 1/sqrt(width); embedding:
    U(-1/10, 1/10); batch normalisation: weight 1, bias 0, averages 0 and 1.
    """
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            for buffer in module.buffers():
                buffer.zero_()
            module.bias.zero_()
            module.weight.fill_(1)
            assert module.running_var is not None
            module.running_var.fill_(1)
            continue
        if isinstance(module, nn.Embedding):
            k = 0.1
        elif isinstance(module, nn.LSTM):
            k = 1 / math.sqrt(module.hidden_size)
        elif isinstance(module, (nn.Linear, nn.Conv2d)):
            k = 1 / math.sqrt(module.weight[0].numel())
        else:
            assert not list(module.parameters(recurse=False)), f"{type(module).__name__} has no first values here"
            continue
        for p in module.parameters(recurse=False):
            p.copy_(torch.empty(p.shape).uniform_(-k, k, generator=generator))
