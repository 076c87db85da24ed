"""The learning rates of a network in training: by layer, and of ten single parameters.

The ten are those of the paper's first figure: one weight from each of nine 3x3 kernels of different layers, and one
bias of the last layer. Luo et al. 2019, Section 3.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from simlab import models, noise
from simlab.experiment import Experiment

QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
KERNELS, STREAM = 9, 3


def coordinates(experiment: Experiment) -> dict[str, Any]:
    """The names of what `snapshot` returns: layer, quantile and sample."""
    model = models.build(experiment.model, experiment.model_options)
    return {"layer": layers(model), "quantile": list(QUANTILES), "sample": sampled(model)}


def layers(model: nn.Module) -> list[str]:
    """The names of the weights of all linear and convolution layers."""
    return [name for name, p in model.named_parameters() if p.ndim > 1]


def sampled(model: nn.Module) -> list[str]:
    """Nine weights of 3x3 convolutions, evenly spaced in depth, and the last bias."""
    kernels = [name for name, p in model.named_parameters() if p.shape[2:] == (3, 3)]
    spread = [kernels[round(i * (len(kernels) - 1) / (KERNELS - 1))] for i in range(KERNELS)]
    return spread + [name for name, _ in model.named_parameters() if name.endswith("bias")][-1:]


def snapshot(model: nn.Module, x: nn.Parameter, optimizer: Any, seed: int) -> dict[str, torch.Tensor]:
    """The learning rates as they are now.

    rate_quantiles: (layers, len(QUANTILES)).    rate_samples: (10,), of single parameters that are drawn from the seed.
    """
    pieces = optimizer.rates(x).rate.double().cpu().split([p.numel() for p in model.parameters()])
    rates = dict(zip((name for name, _ in model.named_parameters()), pieces, strict=True))
    share = torch.tensor(QUANTILES, dtype=torch.float64)
    names = sampled(model)
    at = [noise.draw(seed, i, STREAM) % len(rates[name]) for i, name in enumerate(names)]
    return {
        "rate_quantiles": torch.stack([ranked(rates[name], share) for name in layers(model)]),
        "rate_samples": torch.stack([rates[name][i] for name, i in zip(names, at, strict=True)]),
    }


def ranked(values: torch.Tensor, share: torch.Tensor) -> torch.Tensor:
    """Quantiles, each a value that occurs (torch.quantile refuses more than 2^24 values)."""
    return values.sort().values[(share * (len(values) - 1)).round().long()]
