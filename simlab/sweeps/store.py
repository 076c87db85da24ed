"""The store of a sweep: one SQLite file a process, on local disk, in which a cell is absent or complete.

    key = SHA-256(canonical text of the cell)        check = SHA-256(key, blob)

A commit survives the death of any process (WAL, synchronous=NORMAL); a loss of power may undo the last commits, and
those cells are then computed again. A shard has one writer at a time, held by a lock that dies with its process. What
fails its checksum is set aside, never deleted. SQLite's WAL does not work on network file systems.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import itertools
import json
import math
import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from simlab.errors import SimlabError

MARK, FORMAT = int.from_bytes(b"swee"), 1  # SQLite's application_id and user_version
_SCHEMA = """
BEGIN;
CREATE TABLE cells (key BLOB PRIMARY KEY, cell TEXT NOT NULL, blob BLOB NOT NULL, checked BLOB NOT NULL);
CREATE TABLE aside (key BLOB, cell TEXT, blob BLOB, checked BLOB);
PRAGMA application_id = {};
PRAGMA user_version = {};
COMMIT;
"""


class StoreTrouble(SimlabError):
    """A sweep's store cannot be used, or is in use (exit code 3)."""

    exit_code = 3


def key(cell: str) -> bytes:
    """The key of a cell's canonical text."""
    return hashlib.sha256(cell.encode()).digest()


def encode(about: dict[str, Any], numbers: dict[str, np.ndarray]) -> bytes:
    """A cell's result: a line of JSON that names the parts and their shapes, then their little-endian doubles."""
    head = json.dumps({**about, "shapes": [[name, a.shape] for name, a in numbers.items()]})
    return b"\n".join([head.encode(), b"".join(a.astype("<f8").tobytes() for a in numbers.values())])


def decode(blob: bytes) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """(about, numbers) as they were encoded, to the bit."""
    head, _, body = blob.partition(b"\n")
    about, flat, at = json.loads(head), np.frombuffer(body, "<f8"), 0
    numbers = {}
    for name, shape in about.pop("shapes"):
        size = math.prod(shape)
        numbers[name] = flat[at : at + size].reshape(shape)
        at += size
    return about, numbers


@contextlib.contextmanager
def locked(path: Path, wait: bool = False) -> Iterator[bool]:
    """Hold the lock of a path (True), or learn that another process has it (False). It ends with its holder."""
    with open(path, "a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
        else:
            yield True


def shard_path(folder: Path, slot: int) -> Path:
    """The file of a worker."""
    return folder / "shards" / f"{slot:03}.sqlite"


def connect(path: Path) -> sqlite3.Connection:
    """A shard, made if it is not there. Raises StoreTrouble for a file that is something else."""
    shard = sqlite3.connect(path, timeout=30, isolation_level=None)
    try:
        if not shard.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:  # new, or killed as it was made
            shard.executescript(_SCHEMA.format(MARK, FORMAT))
        found = [shard.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")]
        if found != [MARK, FORMAT]:
            what = f"has format {found[1]}, not {FORMAT}" if found[0] == MARK else "was not written by a sweep"
            raise StoreTrouble(f"{str(path)!r} {what}; choose another --out, or move the file away")
        shard.execute("PRAGMA journal_mode = WAL")
        shard.execute("PRAGMA synchronous = NORMAL")
    except BaseException:
        shard.close()
        raise
    return shard


def checksum(cell: str, blob: bytes) -> bytes:
    """What a cell's blob is known by."""
    return hashlib.sha256(key(cell) + blob).digest()


def put(shard: sqlite3.Connection, cell: str, blob: bytes) -> None:
    """Keep a finished cell; it is on disk when this returns. A cell that is there already is an error."""
    shard.execute("INSERT INTO cells VALUES (?, ?, ?, ?)", (key(cell), cell, blob, checksum(cell, blob)))


def full(path: Path, error: Exception) -> str:
    """What to do where a store cannot be written."""
    return (
        f"{str(path)!r} could not be written ({error}); what is finished is kept: make room and run the same command "
        "again"
    )


def checked_rows(shard: sqlite3.Connection, cell: str) -> Iterator[tuple[bytes, bool]]:
    """(blob, whether it is what was written) of a cell in a shard."""
    rows = shard.execute("SELECT cell, blob, checked FROM cells WHERE key = ?", [key(cell)])
    for text, blob, checked in rows.fetchall():
        yield blob, text == cell and checked == checksum(cell, blob)


@contextlib.contextmanager
def reader(folder: Path) -> Iterator[Callable[[str], bytes | None]]:
    """get(cell): the blob or None, from shards that other processes may be writing."""
    paths = sorted((folder / "shards").glob("*.sqlite"))
    with contextlib.ExitStack() as held:
        shards = [sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", timeout=30, uri=True) for path in paths]
        for shard in shards:
            held.callback(shard.close)
        yield lambda cell: next((b for shard in shards for b, sound in checked_rows(shard, cell) if sound), None)


class Store:
    """All shards of a folder, for the one process that holds its lock. `tell` is given messages for a person."""

    def __init__(self, folder: Path, slots: int, tell: Callable[[str], None]) -> None:
        (folder / "shards").mkdir(parents=True, exist_ok=True)
        self.folder, self.tell = folder, tell
        paths = {shard_path(folder, i) for i in range(max(slots, 1))} | set((folder / "shards").glob("*.sqlite"))
        self.shards = {path: self._open(path) for path in sorted(paths)}

    def _open(self, path: Path) -> sqlite3.Connection:
        with locked(path.with_suffix(".lock")) as free:
            if not free:
                self.tell(f"a worker of an earlier sweep is finishing its cells in {path.name}; waiting for it")
        with locked(path.with_suffix(".lock"), wait=True):
            try:
                shard = connect(path)
                [[verdict]] = shard.execute("PRAGMA quick_check(1)").fetchall()
                if verdict == "ok":
                    return shard
                shard.close()
            except sqlite3.OperationalError as error:  # a full disk, a missing permission: nothing is wrong in the file
                raise StoreTrouble(f"{str(path)!r} cannot be opened: {error}") from error
            except sqlite3.DatabaseError as error:
                verdict = str(error)
            kept = next(p for n in itertools.count(1) if not (p := path.with_suffix(f".damaged{n}")).exists())
            for end in ("", "-wal", "-shm"):
                with contextlib.suppress(FileNotFoundError):
                    os.replace(f"{path}{end}", f"{kept}{end}")
            self.tell(f"{path.name} is damaged ({verdict}): kept as {kept.name}, and its cells are computed again")
            return connect(path)

    def close(self) -> None:
        for shard in self.shards.values():
            shard.close()

    def get(self, cell: str) -> bytes | None:
        """The blob of a cell, or None. Sets aside what is damaged; raises StoreTrouble where two shards disagree."""
        found: dict[bytes, Path] = {}
        for path, shard in self.shards.items():
            for blob, sound in checked_rows(shard, cell):
                if sound:
                    found[blob] = path
                else:
                    self._set_aside(path, cell)
        if len(found) > 1:
            names = " and ".join(path.name for path in found.values())
            raise StoreTrouble(f"{names} disagree on the cell {cell}; one of them was written by other code: remove it")
        return next(iter(found), None)

    def _set_aside(self, path: Path, cell: str) -> None:
        shard = self.shards[path]
        shard.execute("BEGIN IMMEDIATE")
        shard.execute("INSERT INTO aside SELECT * FROM cells WHERE key = ?", [key(cell)])
        shard.execute("DELETE FROM cells WHERE key = ?", [key(cell)])
        shard.execute("COMMIT")
        self.tell(f"a cell in {path.name} is damaged: set aside and computed again: {cell}")

    def keep(self, results: Mapping[str, Any]) -> dict[str, str]:
        """Keep the sealed blobs of an Answer in this process's own shard; the reasons of the cells that have none."""
        shard, left = self.shards[shard_path(self.folder, 0)], {}
        with shard:
            shard.execute("BEGIN IMMEDIATE")
            for cell, result in results.items():
                if isinstance(result, str):
                    left[cell] = result
                elif result is not None:  # None was kept by the worker
                    blob, checked = result
                    if checked == checksum(cell, blob):
                        put(shard, cell, blob)
                    else:
                        left[cell] = "its result was damaged on the way"
        return left

    def size(self) -> int:
        """How many cells are stored, of this sweep and of all others that used this folder."""
        return sum(shard.execute("SELECT count(*) FROM cells").fetchone()[0] for shard in self.shards.values())
