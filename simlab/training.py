"""One run: a network, an optimizer of `simlab.optim` and a seed, epoch after epoch, resumable at each.

    x <- x_1(seed);   for each epoch e, for each batch:  g <- clip(grad f(x)),  x <- optimizer(x, g)

All parameters are views of one vector x, so the optimizer sees one parameter: its rules act coordinate by coordinate, a
step has the same bits, and it costs a few operations whatever the number of layers.

Every draw is a pure function of (seed, epoch): nothing of a generator has to be saved, torch's global state is never
read, and a run that was killed goes on to the very curve of one that was not. A checkpoint is written whole after each
epoch, and holds tensors, numbers and text, nothing that could run.
"""

from __future__ import annotations

import contextlib
import json
import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from simlab import models, noise, optim
from simlab.errors import BadInput, NotHere
from simlab.experiment import Experiment, Setting
from simlab.files import whole
from simlab.minibatches import Batch, Task, score
from simlab.snapshot import snapshot

import torch  # isort: skip  # after the optimizers, which say what to install where it is missing
from torch import nn

START, ORDER, DROPOUT = range(3)  # streams of draws; simlab.snapshot has the next


def draws(seed: int, epoch: int, stream: int, device: str | torch.device = "cpu") -> torch.Generator:
    """The generator of a stream in an epoch."""
    return torch.Generator(device).manual_seed(noise.draw(seed, epoch, stream))


def flattened(model: nn.Module) -> nn.Parameter:
    """One vector of which all parameters of the model are views, and whose gradient theirs are views of."""
    where = next(model.parameters()).device
    x = nn.Parameter(torch.zeros(sum(p.numel() for p in model.parameters()), device=where))
    x.grad, at = torch.zeros_like(x), 0
    for p in model.parameters():
        part = slice(at, at := at + p.numel())
        p.data, p.grad = x.data[part].view(p.shape), x.grad[part].view(p.shape)
    return x


def rate_at(alpha: float, experiment: Experiment, epoch: int) -> float:
    """alpha, divided by 10 for each share of the epochs in `decay` that is over before this epoch (counted from 1)."""
    return alpha / 10 ** sum(epoch > share * experiment.epochs for share in experiment.decay)


def identity(experiment: Experiment, setting: Setting, seed: int, data: str, how: dict[str, Any]) -> dict[str, Any]:
    """What two runs must share to have one curve, besides the machine and its software.

    data: the SHA-256 of the data set.    how: {"device": its type, "threads", "bf16", "compiled"}.
    """
    known = {k: v for k, v in vars(experiment).items() if k not in ("settings", "published", "source")}
    own = {"optimizer": setting.optimizer, "options": setting.options, "seed": seed, "data_sha256": data}
    return json.loads(json.dumps({**known, **own, **how}))


def left(experiment: Experiment, who: dict[str, Any], path: Path) -> int:
    """How many epochs the run still has to do."""
    kept = load(path, who)
    return experiment.epochs if kept is None else 0 if kept["stopped"] else experiment.epochs - int(kept["epoch"])


def run(
    experiment: Experiment,
    setting: Setting,
    seed: int,
    task: Task,
    who: dict[str, Any],
    path: Path,
    device: torch.device,
    report: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """Train to the last epoch, from the checkpoint at `path` if there is one; returns what the checkpoint then holds.

    who: the run's identity.    report: called after each epoch.
    Returns {"identity", "epoch", "stopped": why it ended early or "", "curves": a tensor by name, one row an epoch}.
    Raises BadInput where `path` is the checkpoint of another run or is damaged, NotHere where memory does not suffice.
    """
    kept = load(path, who)
    if kept is not None and (kept["stopped"] or kept["epoch"] == experiment.epochs):
        return kept
    with _memory(experiment, device):
        model = models.build(experiment.model, experiment.model_options).to_empty(device=device)
        x = flattened(model)
        models.start(model, draws(seed, 0, START))
        optimizer = getattr(optim, setting.optimizer)([x], weight_decay=experiment.weight_decay, **setting.options)
        curves: dict[str, list[torch.Tensor]] = {}
        if kept is not None:
            x.data.copy_(kept["x"])
            for buffer, value in zip(model.buffers(), kept["buffers"], strict=True):
                buffer.copy_(value)
            optimizer.load_state_dict(kept["optimizer"])
            curves = {name: list(rows) for name, rows in kept["curves"].items()}
        seen: Any = torch.compile(model) if who["compiled"] else model
        for epoch in range(1 if kept is None else kept["epoch"] + 1, experiment.epochs + 1):
            began = time.perf_counter()
            optimizer.param_groups[0]["lr"] = rate_at(setting.options["lr"], experiment, epoch)
            with torch.autocast(device.type, torch.bfloat16, enabled=who["bf16"]):
                row = _epoch(experiment, seen, x, optimizer, task, seed, epoch)
            if isinstance(row, str):  # weights that have diverged are of no use to anybody
                save(path, state := _state(who, epoch - 1, row, curves))
                return state
            row["seconds"] = time.perf_counter() - began
            if experiment.snapshot:
                row |= snapshot(model, x, optimizer, seed)
            for name, value in row.items():
                curves.setdefault(name, []).append(torch.as_tensor(value, dtype=torch.float64))
            inner = {"x": x.data, "buffers": list(model.buffers()), "optimizer": optimizer.state_dict()}
            save(path, state := _state(who, epoch, "", curves) | inner)
            report()
    return state


def _state(who: dict[str, Any], epoch: int, stopped: str, curves: dict[str, list[torch.Tensor]]) -> dict[str, Any]:
    rows = {name: torch.stack(rows) for name, rows in curves.items()}
    return {"identity": who, "epoch": epoch, "stopped": stopped, "curves": rows}


def _epoch(
    experiment: Experiment, model: nn.Module, x: nn.Parameter, optimizer: Any, task: Task, seed: int, epoch: int
) -> dict[str, Any] | str:
    """The scores of one epoch of training and of the tests after it; or why it could not be finished."""
    assert x.grad is not None
    gradient, done = x.grad, 0

    def stepped() -> Iterator[Batch]:
        nonlocal done
        for batch in task.train(model, draws(seed, epoch, ORDER), draws(seed, epoch, DROPOUT, x.device)):
            gradient.zero_()
            batch.loss.backward()  # type: ignore[no-untyped-call]
            if experiment.clip is not None:
                nn.utils.clip_grad_norm_([x], experiment.clip)
            optimizer.step()
            done += 1
            yield batch

    model.train()
    try:
        loss, right = _means(stepped())
    except optim.Refused:
        return f"diverged: the gradient was not finite in step {(epoch - 1) * task.steps + done + 1} (epoch {epoch})"
    if not math.isfinite(loss):
        return f"diverged: the loss was not finite in epoch {epoch}"
    row: dict[str, Any] = {"train_loss": loss, "train": score(task.score, loss, right)}
    model.train(False)
    with torch.no_grad():
        for name, batches in task.tests.items():
            row[name] = score(task.score, *_means(batches(model)))
    return row


def _means(batches: Iterator[Batch]) -> tuple[float, float]:
    """(mean loss, share of right answers) over the batches; nothing waits for the device before the last."""
    loss: Any = 0.0
    right: Any = 0
    size = 0
    for batch in batches:
        loss += batch.loss.detach().double() * batch.size
        right += batch.right
        size += batch.size
    return float(loss) / size, float(right) / size


# --- checkpoints ----------------------------------------------------------------------------------------------------


def save(path: Path, state: dict[str, Any]) -> None:
    """Write a checkpoint whole."""
    whole(path, lambda temporary: torch.save(state, temporary))


def load(path: Path, who: dict[str, Any]) -> dict[str, Any] | None:
    """The checkpoint of the run `who`; None if there is no file. Raises BadInput for another run's."""
    if not path.exists():
        return None
    try:
        kept: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        found = kept["identity"]
    except Exception as error:  # whatever bytes a file may hold
        raise BadInput(f"{str(path)!r} is damaged or no checkpoint; move it away to train that run again") from error
    if found != who:
        differs = sorted(k for k in found.keys() | who.keys() if found.get(k) != who.get(k))
        shown = "; ".join(f"{k}: {found.get(k)!r} there, {who.get(k)!r} asked for" for k in differs[:3])
        raise BadInput(f"{str(path)!r} is the checkpoint of another run ({shown}); choose another --out")
    return kept


@contextlib.contextmanager
def _memory(experiment: Experiment, device: str | torch.device) -> Iterator[None]:
    """Says where memory did not suffice; the last checkpoint is kept."""
    try:
        yield
    except RuntimeError as error:
        if not isinstance(error, torch.OutOfMemoryError) and "allocate memory" not in str(error):
            raise
        raise NotHere(
            f"out of memory on {device} with {experiment.model} in batches of {experiment.batch}; what was finished is "
            "kept: free memory there, or use another --device, and give the same command again"
        ) from error
