"""The networks: numbers of parameters against printed ones, shapes, first values, and what a layer computes."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from simlab import catalog, models
from simlab.errors import BadInput

COUNTS = {  # ResNet-34 and DenseNet-121 as the authors' code prints them; the others by hand, below
    "resnet18": 11_173_962,
    "resnet34": 21_282_122,
    "densenet121": 6_956_298,
    "ffn": (784 + 1) * 100 + (100 + 1) * 10,
    "lstm": 10_000 * 650 + 4 * (650 * 650 * 2 + 650 * 2) + 651 * 10_000,
}


def made(name: str, seed: int = 0, **options: object) -> nn.Module:
    model = models.build(name, options).to_empty(device="cpu")
    models.start(model, torch.Generator().manual_seed(seed))
    return model


@pytest.mark.parametrize("name", COUNTS)
def test_counts(name: str) -> None:
    assert models.count(models.build(name, {})) == COUNTS[name]


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_a_layer_of_lstm_adds_its_own_parameters(layers: int) -> None:
    words, width = 50, 8
    expected = words * width + layers * 4 * (2 * width * width + 2 * width) + (width + 1) * words
    assert models.count(models.build("lstm", {"words": words, "width": width, "layers": layers})) == expected


def test_every_network_is_counted_or_small() -> None:
    assert set(catalog.names("simlab.models")) == {*COUNTS, "resnet_small"}
    model = models.build("resnet_small", {})
    assert models.count(model) == 10_978
    assert len([p for p in model.parameters() if p.shape[2:] == (3, 3)]) == 9


@pytest.mark.parametrize(
    ("name", "options", "shape"),
    [
        ("resnet18", {}, (2, 3, 32, 32)),
        ("densenet121", {"growth": 4}, (2, 3, 32, 32)),
        ("resnet_small", {}, (2, 1, 8, 8)),
        ("ffn", {}, (2, 1, 28, 28)),
    ],
)
def test_images_become_logits(name: str, options: dict, shape: tuple) -> None:
    out = made(name, **options)(torch.zeros(shape))
    assert out.shape == (2, 10)
    assert torch.isfinite(out).all()


def test_first_values_are_a_function_of_the_generator() -> None:
    """Equal seeds, equal bits; torch's global state is neither read nor moved; ranges are torch's own."""
    before = torch.get_rng_state()
    a, b, c = made("resnet_small"), made("resnet_small"), made("resnet_small", seed=1)
    assert torch.equal(torch.get_rng_state(), before)
    for p, q, r in zip(a.parameters(), b.parameters(), c.parameters(), strict=True):
        assert torch.equal(p, q)
        assert p.ndim == 1 or not torch.equal(p, r)
    linear = made("ffn")[1]
    k = 1 / math.sqrt(784)
    assert 0.99 * k < float(linear.weight.detach().abs().max()) <= k
    norm = next(m for m in a.modules() if isinstance(m, nn.BatchNorm2d))
    assert float(norm.weight.detach().min()) == float(norm.running_var.min()) == 1
    assert float(norm.bias.detach().abs().max()) == float(norm.running_mean.abs().max()) == 0


def test_a_dense_layer_keeps_what_it_was_given() -> None:
    model = made("densenet121", growth=4)
    layer = next(m for m in model.modules() if type(m).__name__ == "Layer")
    x = torch.randn(2, 8, 4, 4, generator=torch.Generator().manual_seed(0))
    assert torch.equal(layer(x)[:, :8], x)
    assert layer(x).shape == (2, 12, 4, 4)


def test_a_block_whose_last_scale_is_zero_is_relu() -> None:
    """With F = 0 a block is relu of the identity."""
    block = next(m for m in made("resnet_small").modules() if type(m).__name__ == "Block")
    nn.init.zeros_(block.second[1].weight)
    x = torch.randn(2, 8, 4, 4, generator=torch.Generator().manual_seed(0))
    assert torch.equal(block.eval()(x), x.relu())


def test_a_language_model_reads_on_where_it_stopped() -> None:
    """State handed on: two halves of a text give the logits of the whole; dropout acts in training alone."""
    model = made("lstm", words=20, width=8, layers=2, dropout=0.5)
    words = torch.randint(20, (12, 3), generator=torch.Generator().manual_seed(1))
    whole, _ = model.eval()(words)
    first, state = model(words[:5])
    second, _ = model(words[5:], state)
    torch.testing.assert_close(torch.cat([first, second]), whole)
    one, two = (model.train()(words, None, torch.Generator().manual_seed(i))[0] for i in (1, 2))
    assert not torch.equal(one, two)
    assert torch.equal(one, model(words, None, torch.Generator().manual_seed(1))[0])


def test_unknown_model() -> None:
    with pytest.raises(BadInput, match="did you mean 'resnet34'"):
        models.build("resnet43", {})
