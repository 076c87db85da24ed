"""Minibatches of images and of text, and the loss on each: what training and testing walk through.

All of a data set lies on the device as it is on disk: pixels as bytes, words as places in the vocabulary. Random crops,
flips and (x/255 - mean)/std are tensor code on one batch at a time, so no worker process is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.nn.functional import cross_entropy, pad

from simlab.datasets import Images, Text
from simlab.errors import BadInput
from simlab.experiment import Experiment

_TESTED = 500  # images, or words of each column, that are looked at together; no result depends on it
_HELD = 10  # columns of held-out text; each begins without a state, so its perplexity depends on this a little


class Batch(NamedTuple):
    """The mean loss of a batch (differentiable), how many answers were right, and of how many."""

    loss: torch.Tensor
    right: torch.Tensor
    size: int


class Task(NamedTuple):
    """What an experiment does with its data.

    train(model, draws, device_draws): the batches of one epoch, each computed when it is asked for, so that the model
        may have moved since the last.    tests: the same for held-out data, by name.    steps: batches in an epoch.
    score: "accuracy" in percent, or "perplexity".
    """

    train: Callable[[nn.Module, torch.Generator, torch.Generator], Iterator[Batch]]
    tests: dict[str, Callable[[nn.Module], Iterator[Batch]]]
    steps: int
    score: str


def task(experiment: Experiment, data: Images | Text, device: torch.device) -> Task:
    """The task of an experiment on its data, which is moved to the device."""
    return _images(experiment, data, device) if isinstance(data, Images) else _text(experiment, data, device)


def score(kind: str, loss: float, right: float) -> float:
    """The number that is reported, from the mean loss and the share of right answers."""
    if kind == "accuracy":
        return 100 * right
    return float(torch.tensor(loss, dtype=torch.float64).exp())  # inf where math.exp would raise


# --- images ---------------------------------------------------------------------------------------------------------


def cropped(padded: torch.Tensor, index: torch.Tensor, at: torch.Tensor, flip: torch.Tensor, side: int) -> torch.Tensor:
    """(n, c, side, side) windows of images `index` of (N, c, H, W), their upper left corners `at` (n, 2), and flipped.

    One gather; its channels lie last in memory, which is what convolutions like best.
    """
    along = torch.arange(side, device=padded.device)
    rows = at[:, :1] + along
    columns = at[:, 1:] + torch.where(flip[:, None], side - 1 - along, along)
    return padded[index[:, None, None], :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def _images(experiment: Experiment, data: Images, device: torch.device) -> Task:
    train_x, train_y, test_x, test_y = (
        torch.from_numpy(a).to(device) for a in (data.train_x, data.train_y, data.test_x, data.test_y)
    )
    scale = (data.mean, data.std) if experiment.centred else ((0.0,), (1.0,))
    mean, std = (torch.tensor(v, device=device).view(-1, 1, 1) for v in scale)
    n, side, crop, batch = len(train_x), train_x.shape[-1], experiment.crop, experiment.batch
    padded = pad(train_x, (crop,) * 4)  # with black, before the mean is taken off, as in the authors' code

    def judged(model: nn.Module, pixels: torch.Tensor, y: torch.Tensor) -> Batch:
        logits = model((pixels.float() / 255 - mean) / std)
        return Batch(cross_entropy(logits.float(), y), (logits.argmax(1) == y).sum(), len(y))

    def train(model: nn.Module, draws: torch.Generator, device_draws: torch.Generator) -> Iterator[Batch]:
        order = torch.randperm(n, generator=draws).to(device)
        at = torch.randint(2 * crop + 1, (n, 2), generator=draws).to(device)
        flip = torch.randint(2 if experiment.flip else 1, (n,), generator=draws).to(device) == 1
        for begin in range(0, n, batch):
            index = order[begin : begin + batch]
            moved = crop or experiment.flip
            pixels = cropped(padded, index, at[index], flip[index], side) if moved else train_x[index]
            yield judged(model, pixels, train_y[index])

    def test(model: nn.Module) -> Iterator[Batch]:
        for begin in range(0, len(test_x), _TESTED):
            yield judged(model, test_x[begin : begin + _TESTED], test_y[begin : begin + _TESTED])

    return Task(train, {"test": test}, -(-n // batch), "accuracy")


# --- text -----------------------------------------------------------------------------------------------------------


def columns(tokens: Any, count: int, device: torch.device) -> torch.Tensor:
    """(length, count): the text cut into `count` columns of equal length, what is left over at its end dropped."""
    length = len(tokens) // count
    return torch.from_numpy(tokens[: length * count]).long().view(count, length).t().contiguous().to(device)


def _text(experiment: Experiment, data: Text, device: torch.device) -> Task:
    if len(data.train) < 2 * experiment.batch:
        raise BadInput(f"{len(data.train)} words are too few for {experiment.batch} columns")
    text = columns(data.train, experiment.batch, device)
    held = {name: columns(getattr(data, name), _HELD, device) for name in ("valid", "test")}

    def walk(model: nn.Module, words: torch.Tensor, length: int, draws: torch.Generator | None) -> Iterator[Batch]:
        state = None  # of the layers, handed on from one stretch of text to the next
        for begin in range(0, len(words) - 1, length):
            end = min(begin + length, len(words) - 1)
            logits, state = model(words[begin:end], state, draws)
            y = words[begin + 1 : end + 1].flatten()
            flat = logits.flatten(0, 1).float()
            yield Batch(cross_entropy(flat, y), (flat.argmax(1) == y).sum(), y.numel())

    def train(model: nn.Module, draws: torch.Generator, device_draws: torch.Generator) -> Iterator[Batch]:
        return walk(model, text, experiment.length, device_draws)

    def tested(words: torch.Tensor) -> Callable[[nn.Module], Iterator[Batch]]:
        return lambda model: walk(model, words, _TESTED, None)

    steps = -(-(len(text) - 1) // experiment.length)
    return Task(train, {name: tested(words) for name, words in held.items()}, steps, "perplexity")
