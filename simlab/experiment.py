"""What a learning experiment is: data, a network, a schedule, and the settings of the optimizers that it compares.

An experiment is a function simlab/experiments/NAME.py: NAME(short) that returns an Experiment, in the full protocol or
in a short one; its docstring is the statement. One run of it trains one network with one Setting from one seed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from simlab import catalog
from simlab.errors import BadInput, nearest


class Setting(NamedTuple):
    """An optimizer of simlab.optim and the options that it is made with.

    name: what `--optimizer` calls it; several settings may share one.    label: what tells it from all others.
    optional: left out unless `--optimizer` names it.
    """

    name: str
    label: str
    optimizer: str
    options: dict[str, Any]
    optional: bool = False


@dataclass(frozen=True)
class Experiment:
    """Everything that the curves of a run depend on, besides its seed and the machine.

    protocol: in words, and whose it is.    lr is divided by 10 after each share of the epochs in `decay`.
    weight_decay acts coupled.    clip: the largest Euclidean norm of a gradient, or None.
    Images: a network sees (x/255 - mean)/std if `centred`, else x/255; `crop` is the padding of black that random crops
    are taken from (0: none), and half of them are flipped if `flip`.
    Text: `batch` columns, read `length` words at a time; the network is told how many types of words there are.
    snapshot: record the learning rates after every epoch.
    published: what others report as final, by label, and `source`: who.
    """

    protocol: str
    data: str
    model: str
    model_options: dict[str, Any]
    settings: tuple[Setting, ...]
    epochs: int
    batch: int
    decay: tuple[float, ...] = ()
    weight_decay: float = 0.0
    clip: float | None = None
    centred: bool = True
    crop: int = 0
    flip: bool = False
    length: int = 0
    snapshot: bool = False
    published: Mapping[str, float] = field(default_factory=dict)
    source: str = ""


PAPER = "_paper"  # ends the name of a setting in its analysed form


def six(beta1: float = 0.9, **changed: dict[str, Any]) -> tuple[Setting, ...]:
    """The paper's six optimizers with its settings, in the released form and, optional, in the analysed one.

    beta1: of Adam and AMSGrad alone.    changed: options by name, such as sgdm={"lr": 1.0}.
    """
    bound = {"lr": 1e-3, "betas": (0.9, 0.999), "final_lr": 0.1, "gamma": 1e-3}
    options: dict[str, tuple[str, dict[str, Any]]] = {
        "sgdm": ("SGDM", {"lr": 0.1, "momentum": 0.9}),
        "adagrad": ("AdaGrad", {"lr": 1e-2}),
        "adam": ("Adam", {"lr": 1e-3, "betas": (beta1, 0.999)}),
        "amsgrad": ("AMSGrad", {"lr": 1e-3, "betas": (beta1, 0.999)}),
        "adabound": ("AdaBound", bound),
        "amsbound": ("AMSBound", bound),
    }
    released = [Setting(n, n, of, {**known, **changed.get(n, {})}) for n, (of, known) in options.items()]
    analysed = [
        Setting(s.name + PAPER, s.label + PAPER, s.optimizer, {**s.options, "form": "paper"}, True) for s in released
    ]
    return (*released, *analysed)


def over(setting: Setting, option: str, letter: str, values: Sequence[float]) -> tuple[Setting, ...]:
    """The setting with one option changed to each of the values, labelled in the paper's letter."""
    return tuple(
        setting._replace(label=f"{setting.name} {letter}={v:g}", options={**setting.options, option: v}) for v in values
    )


def named(settings: Sequence[Setting], name: str) -> Setting:
    """The one setting of that label."""
    return next(s for s in settings if s.label == name)


def experiment(name: str, short: bool = False, epochs: int | None = None) -> Experiment:
    """The experiment of that name. `epochs` other than its own make another schedule, and its protocol says so."""
    module = catalog.lookup("simlab.experiments", name, "experiment")
    made: Experiment = getattr(module, name)(short)
    if epochs is None or epochs == made.epochs:
        return made
    return replace(made, epochs=epochs, protocol=f"{epochs} epochs in place of {made.epochs}: {made.protocol}")


def chosen(settings: Sequence[Setting], names: Sequence[str]) -> tuple[Setting, ...]:
    """The settings of these names or labels, in the experiment's order; all that are not optional if none is given."""
    if not names:
        return tuple(s for s in settings if not s.optional)
    known = {n: None for s in settings for n in (s.name, s.label)}
    wrong = [n for n in names if n not in known]
    if wrong:
        raise BadInput(*(f"unknown optimizer {n!r}{nearest(n, known)} (there are {', '.join(known)})" for n in wrong))
    return tuple(s for s in settings if s.name in names or s.label in names)
