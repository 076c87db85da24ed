"""What the figures of trainings share: curves over seeds, names as the paper has them, and what is said of a run."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from simlab.errors import BadInput
from simlab.experiment import PAPER, six
from simlab.plotting import LOOKS, Look, small_print

NAMES = {s.name: s.optimizer for s in six() if not s.optional}
LETTERS = {"alpha_star": r"\alpha^{\star}", "alpha": r"\alpha", "gamma": r"\gamma"}


def titled(label: str) -> str:
    """A setting's label in the paper's words: adabound alpha_star=0.1 is AdaBound, alpha* = 0.1."""
    name, _, setting = label.partition(" ")
    stem, paper, _ = name.partition(PAPER)
    words = NAMES.get(stem, stem) + (" (analysed)" if paper else "")
    letter, _, value = setting.partition("=")
    return f"{words}, ${LETTERS.get(letter, letter)}={value}$" if setting else words


def look(name: str) -> Look:
    """How an optimizer looks in every figure of a training."""
    return LOOKS[list(NAMES).index(name.removesuffix(PAPER))]


def option(results: Any, label: str, name: str) -> float:
    """A number that the optimizer of a setting was made with."""
    return json.loads(results.options.sel(optimizer=label).item())[name]


def over_seeds(part: Any) -> dict[str, np.ndarray]:
    """Mean, least and greatest over the seeds of (optimizer, seed, ...); nan where a seed has no value."""
    return {
        "mean": part.mean("seed", skipna=False).values,
        "low": part.min("seed", skipna=False).values,
        "high": part.max("seed", skipna=False).values,
    }


def wanted(results: Any, what: str, *, variable: str = "", experiment: str = "") -> None:
    """Raises BadInput where the training is of another kind than the figure shows."""
    if (variable and variable not in results) or (experiment and results.attrs["experiment"] != experiment):
        raise BadInput(f"{what}; these results are of {results.attrs['experiment']}")


def axis(results: Any) -> str:
    """The score in words, with its unit."""
    return {"accuracy": "accuracy (%)", "perplexity": "perplexity"}[results.attrs["score"]]


def signed(figure: Any, data: Any, results: Any) -> None:
    """Say in the picture whether the protocol is the full one and how many seeds there are; in its data, all of it."""
    seeds, protocol = results.sizes["seed"], results.attrs["protocol"]
    word = "full" if protocol.startswith("full") else "shortened"
    small_print(figure, f"{word}, {seeds} seed{'s' * (seeds > 1)}")
    data.attrs["protocol"] = protocol
    data.attrs["runs"] = json.dumps([json.loads(results.attrs["provenance"])])
