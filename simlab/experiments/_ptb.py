"""What the experiments on Penn Treebank share.

The paper never released its settings. The full protocol is a schedule that a second group published (200 epochs, lr/10
after 100 and 145, 20 columns, clipping at 1/4) with the network of Zaremba et al. in its middle size. The short one is
small enough for a CPU, and offline: another text, which comes with the package, and width 64.
"""

from __future__ import annotations

from simlab.experiment import Experiment, Setting, named, over, six

ALPHA_STARS = (0.1, 1.0, 10.0, 30.0)


def _settings() -> tuple[Setting, ...]:
    base = six(
        sgdm={"lr": 3.0},
        adagrad={"lr": 0.1},
        adam={"lr": 3e-3},
        amsgrad={"lr": 3e-3},
        adabound={"lr": 1e-2},
        amsbound={"lr": 1e-2},
    )
    grids = {n: over(named(base, n), "final_lr", "alpha_star", ALPHA_STARS) for n in ("adabound", "amsbound")}
    return tuple(s for b in base for s in grids.get(b.label, (b,)))


def language_model(layers: int, short: bool) -> Experiment:
    """An LSTM of that many layers on Penn Treebank, with alpha_star over {.1, 1, 10, 30}."""
    words = "short: State of the Union addresses in place of Penn Treebank, width 64, 20 of 200 epochs"
    return Experiment(
        protocol=words if short else "full: width 650 and 200 epochs; ours, since the paper's was never released",
        data="state_of_the_union" if short else "penn_treebank",
        model="lstm",
        model_options={"layers": layers, "width": 64 if short else 650, "dropout": 0.2 if short else 0.5},
        settings=_settings(),
        epochs=20 if short else 200,
        batch=20,
        decay=(0.5, 0.725),
        clip=0.25,
        length=35,
    )
