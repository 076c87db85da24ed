"""Digits: small grey handwritten digits, which come with this package."""

import numpy as np

from simlab.datasets._dataset import File, Form, Get, Images, Package, data_set
from simlab.datasets._read import gunzip, images

TRAIN = 1437  # of 1,797: four fifths


@data_set(
    files=(File("digits.csv", 264712, "6ebb3d2fee246a4e99363262ddf8a00a3c41bee6014c373ed9d9216ba7f651b8"),),
    forms=(Form("digits/{name}"), Form("digits/{name}.gz", gunzip)),
    licence="CC BY 4.0 (Alpaydin and Kaynak, UCI Machine Learning Repository); LICENSE beside the file",
    package=Package(
        "pip",
        "scikit-learn",
        "1.9.1",
        9.3,
        lambda get, file: gunzip(get(f"sklearn/datasets/data/{file.name}.gz"), file.size),
    ),
)
def digits(get: Get) -> Images:
    """Digits: 1,437 + 360 grey handwritten digits of 8 x 8 pixels, shipped with this package.

    train_x (1437, 1, 8, 8), test_x (360, 1, 8, 8), of values 0..16 (the pixels set in a 4 x 4 block); 10 classes,
    33 to 37 of each in the test. These are the 1,797 images by 13 people that their authors kept for testing; here the
    first 1,437 train and the last 360 test, in the order of the file, so that some hands are only in the test.
    mean, std: of the training images.

    Reference: Alpaydin and Kaynak 1998, "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository,
    doi 10.24432/C50P49.
    """
    table = np.loadtxt(get("digits.csv").decode("ascii").splitlines(), delimiter=",", dtype=np.uint8)
    x, y = table[:, :-1].reshape(-1, 8, 8), table[:, -1]
    return images((x[:TRAIN], y[:TRAIN]), (x[TRAIN:], y[TRAIN:]))
