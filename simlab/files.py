"""Files that appear whole or not at all."""

from __future__ import annotations

import contextlib
import io
import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from simlab.errors import BadInput


def check_writable(path: str | os.PathLike, option: str = "--out") -> Path:
    """The path, if a file could be written there; raises BadInput before any work is done for it."""
    target = Path(path)
    try:
        with contextlib.suppress(FileNotFoundError):
            if stat.S_ISDIR(os.stat(target).st_mode):  # and a name that no file can have raises here
                raise BadInput(f"{option} {str(target)!r} is a folder; name a file in it")
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=target.parent):
            pass
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise BadInput(f"{option} {str(target)!r} cannot be written ({reason}); choose another place") from error
    return target


@contextlib.contextmanager
def no_empty_folders(path: str | os.PathLike) -> Iterator[None]:
    """Where what is done within raises, no folder above `path` is left that was not there before and holds nothing."""
    new = [folder for folder in Path(path).parents if not os.path.exists(folder)]
    try:
        yield
    except BaseException:
        for folder in new:
            with contextlib.suppress(OSError):
                folder.rmdir()
        raise


def whole(path: str | os.PathLike, write: Callable[[str], Any]) -> Path:
    """`write` a temporary file beside `path` and rename it: the file appears whole or not at all."""
    target = check_writable(path)
    handle, temporary = tempfile.mkstemp(dir=target.parent, suffix=target.suffix)
    os.close(handle)
    try:
        write(temporary)
        with open(temporary, "rb") as written:
            os.fsync(written.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, target)
    except BaseException as error:
        if os.path.exists(temporary):
            os.unlink(temporary)
        if isinstance(error, OSError):
            raise BadInput(
                f"{str(target)!r} could not be written whole ({error.strerror or error}); nothing was left there"
            ) from error
        raise
    return target


def netcdf(path: str | os.PathLike, data: Any, check: Callable[[str], Any] = lambda temporary: None) -> Path:
    """Write an xarray Dataset as netCDF, whole; from memory, since HDF5 can crash where its write meets a full disk.

    `check` is given the file before it gets its name, and raises where it should not get it.
    """
    content = io.BytesIO()
    data.to_netcdf(content, engine="h5netcdf")

    def write(temporary: str) -> None:
        Path(temporary).write_bytes(content.getbuffer())
        content.close()  # the check may need as much memory
        check(temporary)

    return whole(path, write)
