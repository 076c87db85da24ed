"""What the tests of data sets share: sets in miniature, and the files and archives that they lie in."""

from __future__ import annotations

import hashlib
import io
import struct
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from simlab import datasets
from simlab.datasets import DataSet
from simlab.datasets._dataset import File


def small(name: str, contents: dict[str, bytes]) -> DataSet:
    """The data set of that name, as if its published files had these contents."""
    return replace(datasets[name], files=tuple(published(file, content) for file, content in contents.items()))


def published(name: str, content: bytes) -> File:
    return File(name, len(content), hashlib.sha256(content).hexdigest())


def put(folder: Path, contents: dict[str, bytes], pack: Callable[[bytes], bytes] = bytes, end: str = "") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (folder / f"{name}{end}").write_bytes(pack(content))
    return folder


def idx_of(array: np.ndarray) -> bytes:
    return bytes([0, 0, 8, array.ndim]) + b"".join(struct.pack(">I", n) for n in array.shape) + array.tobytes()


def drawn(*shape: int, below: int = 256) -> np.ndarray:
    return np.random.Generator(np.random.PCG64(7)).integers(0, below, shape, dtype=np.uint8)


X, Y, U, V = drawn(20, 3, 5), drawn(20, below=10), drawn(4, 3, 5), drawn(4, below=10)
IDX = {
    "train-images-idx3-ubyte": idx_of(X),
    "train-labels-idx1-ubyte": idx_of(Y),
    "t10k-images-idx3-ubyte": idx_of(U),
    "t10k-labels-idx1-ubyte": idx_of(V),
}


def cifar_batch(x: np.ndarray, labels: list[int], dtype: str = "u1") -> bytes:
    """A batch of CIFAR-10 for Python as Python 2 pickled it."""

    def text(s: str) -> bytes:
        return b"U" + bytes([len(s)]) + s.encode()

    n, width = (struct.pack("<BH", ord("M"), k) for k in x.shape)
    return (
        b"\x80\x02}q\x01(" + text("batch_label") + b"q\x02" + text("training batch 1 of 5") + b"q\x03"
        + text("labels") + b"q\x04]q\x05(" + b"".join(b"K" + bytes([y]) for y in labels) + b"e"
        + text("data") + b"q\x06cnumpy.core.multiarray\n_reconstruct\nq\x07cnumpy\nndarray\nq\x08K\x00\x85"
        + text("b") + b"\x87Rq\x09(K\x01" + n + width + b"\x86cnumpy\ndtype\nq\x0a" + text(dtype)
        + b"K\x00K\x01\x87Rq\x0b(K\x03" + text("|") + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89T"
        + struct.pack("<i", x.size) + x.tobytes() + b"tb" + text("filenames") + b"q\x0c]q\x0d("
        + b"".join(text(f"a_{i}.png") + b"r" + struct.pack("<i", 14 + i) for i in range(len(x))) + b"eu."
    )  # fmt: skip


def tar_of(contents: dict[str, bytes], links: dict[str, str] | None = None) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, content in contents.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        for name, target in (links or {}).items():
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.SYMTYPE, target
            tar.addfile(member)
    return out.getvalue()


def deb_of(data: bytes, name: str = "data.tar.xz") -> bytes:
    parts = {"debian-binary": b"2.0\n", "control.tar.xz": b"odd", name: data}
    return b"!<arch>\n" + b"".join(
        f"{n:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(c):<10}`\n".encode() + c + b"\n" * (len(c) % 2)
        for n, c in parts.items()
    )


def wheel_of(contents: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in contents.items():
            packed.writestr(name, content)
    return out.getvalue()
