"""Fashion-MNIST: 70,000 grey 28 x 28 images of clothes in 10 classes (Xiao, Rasul, Vollgraf 2017, MIT licence)."""

from __future__ import annotations

from runners.datasets.abstract import DATASETS
from runners.datasets.files import FileSet, read_idx
from runners.datasets.images import AbstractImages
from runners.datasets.pool import Pool

FILES = FileSet(
    name="fashion-mnist",
    title="Fashion-MNIST",
    checksums={
        "train-images-idx3-ubyte.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "train-labels-idx1-ubyte.gz": "25c81989df183df01b3e8a0aad5dffbe",
        "t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
        "t10k-labels-idx1-ubyte.gz": "bb300cfdad3c16e7a12a480ee83cd310",
    },
    addresses=(
        "https://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
        "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion",
    ),
    folders={"/usr/share/datasets/fashion-mnist": "Debian package"},
)


def read_mnist_files(files: FileSet, folder: str | None) -> Pool:
    """Return the pool of a dataset published as MNIST's four IDX files."""
    place, source = files.find(folder)
    names = list(files.checksums)
    parts = [
        (read_idx(place, names[i], dimensions=3)[..., None], read_idx(place, names[i + 1], dimensions=1))
        for i in (0, 2)
    ]
    return Pool.join(source, parts, n_classes=10)


@DATASETS.register("fashion-mnist")
class FashionMNIST(AbstractImages):
    """Fashion-MNIST, from a folder, the Debian package ``dataset-fashion-mnist``, or a download.

    References
    ----------
    Xiao, Rasul, Vollgraf (2017), arXiv:1708.07747.
    """

    def load(self) -> Pool:
        return read_mnist_files(FILES, self.folder)
