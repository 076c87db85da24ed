"""A language model: embedding, layers of LSTM with dropout between them, and a linear layer of its own (untied).

    P(w_{t+1} | w_1 ... w_t) = softmax(V h_t + b),   (h_t, c_t) = LSTM(E w_t, h_{t-1}, c_{t-1})

Zaremba, Sutskever and Vinyals (2014), "Recurrent neural network regularization": dropout acts on what enters and
leaves a layer, never on what a layer hands to itself.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn


class LanguageModel(nn.Module):
    """(length, n) tokens and the state of the layers to (length, n, words) logits and the state after them.

    The state of no words is None. Dropout, in training alone, draws from `generator`, on the device of the tokens.
    """

    def __init__(self, words: int, width: int, layers: int, dropout: float) -> None:
        super().__init__()
        self.embedding = nn.Embedding(words, width)
        self.layers = nn.ModuleList(nn.LSTM(width, width) for _ in range(layers))
        self.output = nn.Linear(width, words)
        self.dropout = dropout

    def _dropped(self, x: torch.Tensor, generator: torch.Generator | None) -> torch.Tensor:
        if not (self.training and self.dropout):
            return x
        kept = torch.rand(x.shape, device=x.device, generator=generator) >= self.dropout
        return x * kept.to(x.dtype) / (1 - self.dropout)

    def forward(
        self, tokens: torch.Tensor, state: Any = None, generator: torch.Generator | None = None
    ) -> tuple[torch.Tensor, Any]:
        x, after = self._dropped(self.embedding(tokens), generator), []
        for layer, before in zip(self.layers, state or [None] * len(self.layers), strict=True):
            x, pair = layer(x, before)
            after.append(tuple(part.detach() for part in pair))
            x = self._dropped(x, generator)
        return self.output(x), after


def lstm(words: int = 10_000, width: int = 650, layers: int = 1, dropout: float = 0.5) -> nn.Module:
    """A LanguageModel of `words` types of words.

    Reference: Zaremba, Sutskever and Vinyals 2014; Luo et al. 2019, Section 5 (1, 2 and 3 layers).
    """
    return LanguageModel(words, width, layers, dropout)
