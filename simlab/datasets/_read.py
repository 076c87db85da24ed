"""The formats of data sets, read from bytes: gzip, idx, CIFAR's records, its pickles of Python, words.

idx: two zero bytes, the type (8: unsigned bytes), the number of dimensions; each dimension as a big-endian uint32; the
entries, the last index running fastest.    A record of CIFAR-10: a byte of label, then 32 x 32 bytes each of red, green
and blue.    Nothing here runs or imports anything that it reads.
"""

from __future__ import annotations

import pickletools
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from simlab.datasets._dataset import Form, Get, Images, Text

PIXELS = (3, 32, 32)  # of a record of CIFAR-10


def gunzip(content: bytes, size: int) -> bytes:
    """What a gzip file of `size` bytes holds, or its first size + 1; raises ValueError where it is damaged."""
    stream = zlib.decompressobj(wbits=31)  # 31: with gzip's header
    try:
        made = stream.decompress(content, size + 1)
    except zlib.error as error:
        raise ValueError(f"it is no gzip file, or a damaged one ({error})") from error
    if len(made) <= size and not stream.eof:
        raise ValueError("it is cut short")
    return made


# --- images ---------------------------------------------------------------------------------------------------------


def images(
    train: tuple[np.ndarray, np.ndarray],
    test: tuple[np.ndarray, np.ndarray],
    mean: tuple[float, ...] | None = None,
    std: tuple[float, ...] | None = None,
) -> Images:
    """Images of (x, y) for training and for test, x uint8 (n, height, width) or (n, channels, height, width).

    mean, std: of each channel in units of x/255; those of the training images unless given.
    """
    (x, y), (test_x, test_y) = (
        (np.array(x if x.ndim == 4 else x[:, None], order="C"), y.astype(np.int64)) for x, y in (train, test)
    )
    if mean is None or std is None:
        often = np.stack([_histogram(x[:, channel]) for channel in range(x.shape[1])])
        share, value = often / often.sum(axis=1, keepdims=True), np.arange(256) / 255
        center = share @ value
        mean = tuple(center.tolist())
        std = tuple(np.sqrt((share * (value - center[:, None]) ** 2).sum(axis=1)).tolist())
    return Images(x, y, test_x, test_y, mean, std, classes=int(y.max()) + 1)


def _histogram(x: np.ndarray) -> np.ndarray:
    """How often x has each of the values 0..255; in parts, since bincount counts a copy of 8 bytes an entry."""
    return np.sum([np.bincount(part.ravel(), minlength=256) for part in np.array_split(x, 64)], axis=0)


def idx(content: bytes) -> np.ndarray:
    """The array of an idx file of unsigned bytes; raises ValueError for another."""
    dimensions = content[3] if content[:3] == b"\0\0\x08" and len(content) > 3 else 0
    begin = 4 + 4 * dimensions
    shape = np.frombuffer(content[4:begin], ">u4").tolist() if len(content) >= begin else []
    if not shape or len(content) != begin + int(np.prod(shape, dtype=object)):
        raise ValueError("it is no idx file of unsigned bytes")
    return np.frombuffer(content, np.uint8, offset=begin).reshape(shape)


def idx_forms(folder: str) -> tuple[Form, ...]:
    """The forms of idx files: in that folder or at the root, as they are or compressed."""
    ends = {"": None, ".gz": gunzip}
    return tuple(Form(f"{at}{{name}}{end}", how) for at in (f"{folder}/", "") for end, how in ends.items())


def idx_images(get: Get) -> Images:
    """Images of the four idx files of MNIST and its kin."""
    train, test = (
        (idx(get(f"{part}-images-idx3-ubyte")), idx(get(f"{part}-labels-idx1-ubyte"))) for part in ("train", "t10k")
    )
    return images(train, test)


def records(content: bytes) -> tuple[np.ndarray, np.ndarray]:
    """(x uint8 (n, 3, 32, 32), y uint8 (n,)) of CIFAR-10's records."""
    table = np.frombuffer(content, np.uint8).reshape(-1, 1 + int(np.prod(PIXELS)))
    return table[:, 1:].reshape(-1, *PIXELS), table[:, 0]


def to_records(x: np.ndarray, y: np.ndarray) -> bytes:
    """CIFAR-10's records of x uint8 (n, 3072) and labels (n,)."""
    return np.column_stack([np.asarray(y, np.uint8), x]).tobytes()


def unpickled_records(content: bytes, size: int) -> bytes:
    """CIFAR-10's records of one of its batches for Python; raises ValueError for another pickle."""
    try:
        batch = plain(content)
        _, shape, dtype, fortran, data = batch["data"].state
        if (dtype.made_by, dtype.of[0], fortran) != ("numpy dtype", "u1", False):
            raise ValueError("its pixels are no array of bytes")
        x = np.frombuffer(data.encode("latin-1"), np.uint8).reshape(shape)
        return to_records(x, batch["labels"])
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError) as error:
        raise ValueError(f"it is no batch of CIFAR-10 ({error})") from error


# --- text -----------------------------------------------------------------------------------------------------------

END, RARE = "<eos>", "<unk>"  # the end of a sentence, a word outside the vocabulary


def text(train: list[str], valid: list[str], test: list[str]) -> Text:
    """Text of words; the vocabulary is that of the training words and <unk>, in the order of their first use."""
    vocabulary = tuple(dict.fromkeys([*train, RARE]))
    place = {word: i for i, word in enumerate(vocabulary)}
    first, second, third = (
        np.array([place.get(word, place[RARE]) for word in words], np.int32) for words in (train, valid, test)
    )
    return Text(first, second, third, vocabulary)


# --- pickles, read but not obeyed -----------------------------------------------------------------------------------

# all that the pickle of an array of bytes asks for
KNOWN = {"numpy.core.multiarray _reconstruct", "numpy ndarray", "numpy dtype"}


@dataclass
class Made:
    """What an object of a pickle would be made of; it is not made."""

    made_by: str
    of: tuple
    state: Any = None


def plain(content: bytes) -> Any:
    """The lists, dictionaries, numbers and texts of a pickle, its objects as Made.

    A pickle is a program for a machine with a stack; this machine knows no instruction that imports or calls
    anything. Texts of Python 2 are read as latin-1. Raises ValueError for whatever CIFAR-10's files do not have.
    """
    stack: list[Any] = []
    marks: list[int] = []
    memo: dict[Any, Any] = {}

    def pop(n: int) -> list[Any]:
        taken = stack[len(stack) - n :]
        del stack[len(stack) - n :]
        return taken

    try:
        for instruction, given, _ in pickletools.genops(content):
            match instruction.name:
                case "PROTO" | "STOP":
                    pass
                case "MARK":
                    marks.append(len(stack))
                case "NONE" | "NEWTRUE" | "NEWFALSE":
                    stack.append({"NONE": None, "NEWTRUE": True, "NEWFALSE": False}[instruction.name])
                case "BININT" | "BININT1" | "BININT2" | "BINSTRING" | "SHORT_BINSTRING" | "BINUNICODE":
                    stack.append(given)
                case "EMPTY_DICT" | "EMPTY_LIST" | "EMPTY_TUPLE":
                    stack.append({"EMPTY_DICT": {}, "EMPTY_LIST": [], "EMPTY_TUPLE": ()}[instruction.name])
                case "TUPLE":
                    stack.append(tuple(pop(len(stack) - marks.pop())))
                case "TUPLE1" | "TUPLE2" | "TUPLE3":
                    stack.append(tuple(pop(int(instruction.name[-1]))))
                case "APPEND":
                    stack[-2].append(pop(1)[0])
                case "APPENDS":
                    entries = pop(len(stack) - marks.pop())
                    stack[-1].extend(entries)
                case "SETITEM":
                    key, value = pop(2)
                    stack[-1][key] = value
                case "SETITEMS":
                    entries = pop(len(stack) - marks.pop())
                    stack[-1].update(zip(entries[::2], entries[1::2], strict=True))
                case "BINPUT" | "LONG_BINPUT":
                    memo[given] = stack[-1]
                case "BINGET" | "LONG_BINGET":
                    stack.append(memo[given])
                case "GLOBAL" if given in KNOWN:
                    stack.append(given)
                case "REDUCE":
                    stack.append(Made(*pop(2)))
                case "BUILD":
                    (state,) = pop(1)
                    stack[-1].state = state
                case name:
                    raise ValueError(f"it asks for {given or name}, which no images need")
        (made,) = stack
    except (LookupError, TypeError, AttributeError) as error:
        raise ValueError(f"its instructions are damaged ({error})") from error
    return made
