"""Fashion-MNIST: grey pictures of clothes."""

from simlab.datasets._dataset import File, Get, Images, Package, data_set
from simlab.datasets._read import gunzip, idx_forms, idx_images


@data_set(
    files=(
        File("train-images-idx3-ubyte", 47040016, "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888"),
        File("train-labels-idx1-ubyte", 60008, "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9"),
        File("t10k-images-idx3-ubyte", 7840016, "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b"),
        File("t10k-labels-idx1-ubyte", 10008, "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"),
    ),
    forms=idx_forms("FashionMNIST/raw"),
    licence="MIT (Zalando SE 2017)",
    package=Package(
        "apt",
        "dataset-fashion-mnist",
        "0.0~git20200523.55506a9-1",
        30.9,
        lambda get, file: gunzip(get(f"./usr/share/datasets/fashion-mnist/{file.name}.gz"), file.size),
    ),
)
def fashion_mnist(get: Get) -> Images:
    """Fashion-MNIST: 60,000 + 10,000 grey pictures of clothes of 28 x 28 pixels.

    train_x (60000, 1, 28, 28), test_x (10000, 1, 28, 28); 10 classes. mean, std: of the training images.

    Reference: Xiao, Rasul and Vollgraf 2017, "Fashion-MNIST: a novel image dataset for benchmarking machine learning
    algorithms", arXiv 1708.07747.
    """
    return idx_images(get)
