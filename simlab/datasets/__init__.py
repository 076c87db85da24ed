"""Real data sets, one a file; what is here is found, never listed. `load(name)` reads one as NumPy arrays."""

from __future__ import annotations

import os

from simlab import catalog, family
from simlab.datasets._dataset import DataSet, Images, Text

__all__ = ["DataSet", "Images", "Text", "load"]

family(__name__)


def load(name: str, root: str | os.PathLike | None = None) -> Images | Text:
    """The data set of that name, its checksums verified.

    It is looked for under `root`, or else $SIMLAB_DATA, or else the platform's folder of data; then among the sets
    that come with the package. Raises NotHere where it is nowhere, saying what to run; BadInput where the name is
    unknown, or a file is not what it has to be.
    """
    return catalog.dataset(name).load(root)
