"""Training: every experiment in miniature, runs that are killed and go on, what a batch is, and what is refused."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from simlab import catalog, cli, comparison, datasets, learning, models, optim, snapshot, training
from simlab.errors import BadInput, NotHere
from simlab.experiment import Experiment, Setting, chosen, experiment, named
from simlab.minibatches import columns, cropped, task

NAMES = catalog.names("simlab.experiments")
SIX = ["sgdm", "adagrad", "adam", "amsgrad", "adabound", "amsbound"]
CPU = torch.device("cpu")
HOW = {"device": "cpu", "threads": 1, "bf16": False, "compiled": False}


def images(n: int = 12, channels: int = 1, side: int = 8, seed: int = 0) -> datasets.Images:
    draw = np.random.Generator(np.random.PCG64(seed))
    x = draw.integers(0, 256, (2, n, channels, side, side), dtype=np.uint8)
    y = draw.integers(0, 10, (2, n))
    return datasets.Images(x[0], y[0], x[1], y[1], (0.5,) * channels, (0.25,) * channels, 10, "tiny", "sha", "")


def text(n: int = 300, words: int = 20, seed: int = 0) -> datasets.Text:
    draw = np.random.Generator(np.random.PCG64(seed))
    parts = [draw.integers(0, words, n, dtype=np.int32) for _ in range(3)]
    return datasets.Text(*parts, tuple(map(str, range(words))), "tiny", "sha", "")


def miniature(name: str, **changed: Any) -> tuple[Experiment, Any]:
    """The experiment, small, and data for it; a residual network has its small sibling in its place."""
    made = experiment(name)
    if made.model == "lstm":
        options = {**made.model_options, "words": 20, "width": 4}
        small: dict[str, Any] = {"model_options": options, "batch": 2, "length": 7, "epochs": 2}
        return replace(made, **small | changed), text()
    channels = 3 if made.data == "cifar10" else 1
    network, options = {
        "ffn": ("ffn", {"inputs": 64}),
        "densenet121": ("densenet121", {"growth": 2, "blocks": (1, 2, 2, 1)}),
    }.get(made.model, ("resnet_small", {"channels": channels}))
    small = {"model": network, "model_options": options, "batch": 5, "epochs": 2}
    return replace(made, **small | changed), images(channels=channels)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let learning.train find a miniature in place of the experiment of that name."""

    def use(name: str, **changed: Any) -> None:
        made, data = miniature(name, **changed)
        monkeypatch.setattr(learning, "read", lambda *_: made)
        monkeypatch.setattr(learning.datasets, "load", lambda *_: data)

    return use


def trained(folder: Path, name: str, label: str, stop_after: int = 0, **changed: Any) -> dict[str, Any]:
    """One run, interrupted after so many epochs, if any."""
    made, data = miniature(name, **changed)
    setting, left = named(made.settings, label), [stop_after]

    def report() -> None:
        left[0] -= 1
        if left[0] == 0:
            raise KeyboardInterrupt

    who = training.identity(made, setting, 0, data.sha256, HOW)
    return training.run(made, setting, 0, task(made, data, CPU), who, folder / "run.pt", CPU, report)


def equal(a: dict[str, Any], b: dict[str, Any]) -> bool:
    """Whether two runs have one curve and one end, to the bit."""
    same = [torch.equal(a["x"], b["x"])] + [
        torch.equal(a["curves"][k], b["curves"][k]) for k in a["curves"] if k != "seconds"
    ]
    return a["curves"].keys() == b["curves"].keys() and all(same)


# --- every experiment -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_every_experiment_in_miniature(name: str, tmp_path: Path, small: Callable[..., None]) -> None:
    """From data to result.nc: its own task, schedule and settings, with a small network, few images or words."""
    models.build(experiment(name).model, experiment(name).model_options)
    small(name)
    made = learning.read()
    label = next(s.label for s in reversed(made.settings) if not s.optional)
    found = learning.train(name, tmp_path, optimizers=[label])
    data = comparison.result(tmp_path)
    assert data["test"].dims == ("optimizer", "seed", "epoch")
    assert bool(np.isfinite(data["test"]).all())
    assert ("valid" in data) == (made.model == "lstm")
    assert found["protocol"] == data.attrs["protocol"] == made.protocol
    assert found["final"][label]["mean"] == float(data["test"][0, 0, -1])
    assert json.loads((tmp_path / "result.json").read_text()) == json.loads(json.dumps(found))
    if name == "learning_rates":
        assert data["rate_samples"].shape == (1, 1, 2, 10)
        assert bool((data["rate_quantiles"] > 0).all())
        assert len(set(data["sample"].values.tolist())) == 10


@pytest.mark.parametrize("name", NAMES)
def test_protocols_say_what_they_are(name: str) -> None:
    assert experiment(name).protocol.startswith("full")
    assert experiment(name, short=True).protocol.startswith("short")
    assert experiment(name, epochs=3).protocol.startswith("3 epochs in place of")
    made = experiment(name)
    assert len({s.label for s in made.settings}) == len(made.settings)
    assert set(made.published) <= {s.label for s in made.settings}
    if name not in ("learning_rates", "robustness"):
        assert list(dict.fromkeys(s.name for s in chosen(made.settings, []))) == SIX
        assert {f"{n}_paper" for n in SIX} <= {s.name for s in made.settings}


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_makes_its_optimizer(name: str) -> None:
    for s in experiment(name).settings:
        getattr(optim, s.optimizer)([nn.Parameter(torch.zeros(2))], **s.options)


def test_the_papers_schedule() -> None:
    """lr/10 after epoch 150 of 200; published final accuracies are those of the authors' curves."""
    made = experiment("cifar10_resnet34")
    rates = [training.rate_at(0.1, made, epoch) for epoch in (1, 150, 151, 200)]
    assert rates == [0.1, 0.1, 0.01, 0.01]
    assert (made.batch, made.weight_decay, made.crop, made.flip) == (128, 5e-4, 4, True)
    assert named(made.settings, "adam").options["betas"][0] == 0.99
    assert named(experiment("cifar10_densenet121").settings, "adam").options["betas"][0] == 0.9
    lstm = experiment("ptb_lstm1")
    assert [training.rate_at(1.0, lstm, e) for e in (100, 101, 145, 146)] == [1, 0.1, 0.1, 0.01]


# --- runs that end early --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "label"), [("digits", "amsbound"), ("digits", "sgdm"), ("ptb_lstm2", "adam")])
def test_a_run_that_was_stopped_goes_on_to_the_same_curve(tmp_path: Path, name: str, label: str) -> None:
    """After every epoch: crops and dropout are drawn, state and averages are kept, to the bit."""
    for folder in ("whole", "parts"):
        (tmp_path / folder).mkdir()
    whole = trained(tmp_path / "whole", name, label, epochs=4)
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            trained(tmp_path / "parts", name, label, 1, epochs=4)
    assert equal(trained(tmp_path / "parts", name, label, epochs=4), whole)
    assert whole["curves"]["test"].shape == (4,)


@pytest.mark.slow
def test_kill_9(tmp_path: Path) -> None:
    """`simlab train digits`, killed at moments that nobody chose, has the curve of one that was not."""
    words = ["train", "digits", "--epochs", "6", "--optimizer", "adabound", "--json", "--out"]
    assert cli.main([*words, str(tmp_path / "whole")]) == 0
    runs = [tmp_path / folder / "runs" / "adabound-0.pt" for folder in ("whole", "parts")]
    for pause in (0.0, 0.1, 0.3):
        process = subprocess.Popen(
            [sys.executable, "-m", "simlab.cli", *words, str(tmp_path / "parts")], stdout=subprocess.DEVNULL
        )
        before, patience = runs[1].stat().st_mtime if runs[1].exists() else 0, time.monotonic() + 60
        while process.poll() is None and not (runs[1].exists() and runs[1].stat().st_mtime > before):
            assert time.monotonic() < patience
            time.sleep(0.01)
        time.sleep(pause)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert cli.main([*words, str(tmp_path / "parts")]) == 0
    assert equal(*(torch.load(run, weights_only=True) for run in runs))


def test_divergence_keeps_what_was_done(tmp_path: Path, small: Callable[..., None]) -> None:
    settings = [Setting("sgdm", "sgdm", "SGDM", {"lr": 1e30}), Setting("adam", "adam", "Adam", {"lr": 1e-3})]
    small("digits", settings=tuple(settings))
    found = learning.train("digits", tmp_path)
    assert found["stopped"]["sgdm, seed 0"].startswith("diverged: the gradient was not finite in step ")
    assert found["final"]["sgdm"]["mean"] is None
    assert found["final"]["adam"]["mean"] >= 0
    again = learning.train("digits", tmp_path)
    assert again["stopped"] == found["stopped"]
    alone = learning.train("digits", tmp_path, optimizers=["sgdm"])  # no run has any epoch to show
    assert alone["stopped"] == found["stopped"]
    assert alone["final"]["sgdm"] == found["final"]["sgdm"]


def test_out_of_memory_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> Any:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(training, "_epoch", full)
    with pytest.raises(NotHere, match="batches of 5; what was finished is kept"):
        trained(tmp_path, "digits", "sgdm")


# --- what a step and a batch are ------------------------------------------------------------------------------------


@pytest.mark.parametrize("label", SIX)
def test_one_vector_steps_like_many_parameters(label: str) -> None:
    """Optimizing all parameters as one vector changes no bit."""
    s = named(experiment("digits").settings, label)
    one, many = (models.build("resnet_small", {}).to_empty(device="cpu") for _ in range(2))
    x = training.flattened(one)
    for model in (one, many):
        models.start(model, training.draws(0, 0, training.START))
    make = getattr(optim, s.optimizer)
    of_one, of_many = make([x], weight_decay=0.01, **s.options), make(many.parameters(), weight_decay=0.01, **s.options)
    pixels = torch.rand(3, 6, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    for batch in pixels:
        for model, optimizer in ((one, of_one), (many, of_many)):
            for p in model.parameters():
                if p.grad is not None:
                    p.grad.zero_()
            model(batch).square().sum().backward()
            optimizer.step()
    assert torch.equal(x, nn.utils.parameters_to_vector(many.parameters()))


def test_crops_are_slices() -> None:
    """The gather against slices taken one by one."""
    draw = torch.Generator().manual_seed(0)
    padded = torch.randint(256, (5, 3, 12, 12), generator=draw, dtype=torch.uint8)
    index, at, flip = (
        torch.tensor([4, 0, 2]),
        torch.randint(5, (3, 2), generator=draw),
        torch.tensor([True, False, True]),
    )
    made = cropped(padded, index, at, flip, 8)
    for i in range(3):
        window = padded[index[i], :, at[i, 0] : at[i, 0] + 8, at[i, 1] : at[i, 1] + 8]
        assert torch.equal(made[i], window.flip(2) if flip[i] else window)


def test_an_epoch_sees_every_image_once() -> None:
    made, data = miniature("digits", crop=0)
    seen: list[torch.Tensor] = []

    class Eye(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            seen.append(x)
            return torch.zeros(len(x), 10)

    batches = list(task(made, data, CPU).train(Eye(), training.draws(0, 1, 1), training.draws(0, 1, 2)))
    assert [b.size for b in batches] == [5, 5, 2]
    back = (torch.cat(seen) * 0.25 + 0.5) * 255
    want = torch.from_numpy(data.train_x).float()
    assert torch.equal(back.round().flatten(1).sum(1).sort().values, want.flatten(1).sum(1).sort().values)
    assert len({float(b.loss) for b in batches}) == 1  # log 10 of logits that are equal


def test_perplexity_of_a_uniform_guess_is_the_number_of_words() -> None:
    made, data = miniature("ptb_lstm1")
    model = models.build("lstm", made.model_options).to_empty(device="cpu")
    for p in model.parameters():
        nn.init.zeros_(p)
    for batches in task(made, data, CPU).tests.values():
        with torch.no_grad():
            loss, _ = training._means(batches(model))
        assert np.exp(loss) == pytest.approx(20, rel=1e-6)


def test_columns_read_down() -> None:
    assert columns(np.arange(11, dtype=np.int32), 2, CPU).tolist() == [[0, 5], [1, 6], [2, 7], [3, 8], [4, 9]]


def test_the_snapshot_is_adams_rate(tmp_path: Path) -> None:
    """alpha/(sqrt(v/(1 - beta2^t)) + epsilon), by a formula of its own, at the median of the last layer's weights."""
    kept = trained(tmp_path, "learning_rates", "adam", decay=())
    model = models.build("resnet_small", {"channels": 3})
    v, t = kept["optimizer"]["state"][0]["v"].double(), 2 * 3  # 12 images in batches of 5, twice
    assert int(kept["optimizer"]["state"][0]["step"]) == t
    rate = 1e-3 / ((v / (1 - 0.999**t)).sqrt() + 1e-8)
    last = rate[-170:-10].sort().values[round(0.5 * 159)]  # 10 x 16 weights, before 10 biases
    assert float(kept["curves"]["rate_quantiles"][-1, -1, 3]) == pytest.approx(float(last), rel=1e-6)
    assert snapshot.layers(model)[-1] == snapshot.sampled(model)[-1].replace("bias", "weight")


def test_bf16_is_another_run(tmp_path: Path, small: Callable[..., None]) -> None:
    small("digits")
    plain = learning.train("digits", tmp_path / "a", optimizers=["adam"])
    rough = learning.train("digits", tmp_path / "b", optimizers=["adam"], bf16=True)
    assert rough["provenance"]["bf16"]
    first = [float(comparison.result(tmp_path / run).train_loss[0, 0, 0]) for run in "ab"]
    assert first[0] != first[1]
    assert plain["final"]["adam"]["mean"] is not None


# --- the command, and what it refuses -------------------------------------------------------------------------------


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    words = ["train", "digits", "--epochs", "1", "--optimizer", "sgdm", "--out", str(tmp_path)]
    assert cli.main([*words, "--json"]) == 0
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert found.keys() >= {"experiment", "optimizers", "seeds", "final", "best", "provenance"}
    assert (found["experiment"], found["optimizers"], found["seeds"]) == ("digits", ["sgdm"], [0])
    assert found["best_is"].startswith("chosen on test data")
    assert err == ""
    assert cli.main(words) == 0
    told = capsys.readouterr().out
    assert "1 epochs in place of 200" in told
    assert "chosen on test data" in told
    assert cli.main([*words[:3], "2", *words[4:]]) == 2
    assert "another run (epochs: 1 there, 2 asked for; " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["digit"], 2, "did you mean 'digits'"),
        (["digits", "--optimizer", "adabond"], 2, "did you mean 'adabound'"),
        (["digits", "--device", "cuda:7"], 4, "no device 'cuda:7'"),
        (["cifar10_resnet34"], 4, "simlab data fetch cifar10"),
        (["digits", "--seeds", "0"], 2, "seeds"),
        (["digits", "--epochs", "few"], 2, "epochs"),
    ],
)
def test_bad_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture, words: list, code: int, says: str
) -> None:
    if "cuda:7" in words and torch.cuda.device_count() > 7:
        pytest.skip("it is there")
    monkeypatch.setenv("SIMLAB_DATA", str(tmp_path / "none"))
    assert cli.main(["train", *words, "--out", str(tmp_path / "out")]) == code
    err = capsys.readouterr().err
    assert err.startswith("error: ")
    assert says in err


def test_processes_share_a_folder(tmp_path: Path, small: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that another process is at is left to it, and read when it is done; nothing is trained twice."""
    small("digits")
    run, trained_here = training.run, []

    def locked(path: Path, wait: bool = False) -> Any:
        if path.name == "adam-0.lock" and not wait:
            return contextlib.nullcontext(False)
        if path.name == "adam-0.lock":  # the other process finishes while we wait
            made = learning.read()
            s = named(made.settings, "adam")
            who = training.identity(made, s, 0, "sha", HOW)
            run(made, s, 0, task(made, images(), CPU), who, path.with_suffix(".pt"), CPU)
        return contextlib.nullcontext(True)

    def counted(*args: Any) -> Any:
        trained_here.append(args[1].label)
        return run(*args[:-1], lambda: trained_here.append(f"an epoch of {args[1].label}"))

    monkeypatch.setattr(learning, "locked", locked)
    monkeypatch.setattr(training, "run", counted)
    found = learning.train("digits", tmp_path, optimizers=["adam", "sgdm"])
    assert trained_here == ["sgdm", "an epoch of sgdm", "an epoch of sgdm", "adam"]
    assert set(found["final"]) == {"sgdm", "adam"}


def test_a_damaged_checkpoint(tmp_path: Path) -> None:
    trained(tmp_path, "digits", "sgdm")
    content = (tmp_path / "run.pt").read_bytes()
    for bad in (content[: len(content) // 2], b"not a checkpoint"):
        (tmp_path / "run.pt").write_bytes(bad)
        with pytest.raises(BadInput, match="damaged or no checkpoint"):
            trained(tmp_path, "digits", "sgdm")
    assert (tmp_path / "run.pt").read_bytes() == bad
