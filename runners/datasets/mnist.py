"""MNIST: 70,000 grey 28 x 28 handwritten digits in 10 classes (LeCun, Cortes, Burges)."""

from __future__ import annotations

from runners.datasets.abstract import DATASETS
from runners.datasets.fashion_mnist import read_mnist_files
from runners.datasets.files import FileSet
from runners.datasets.images import AbstractImages
from runners.datasets.pool import Pool

FILES = FileSet(
    name="mnist",
    title="MNIST",
    checksums={
        "train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        "train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
        "t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
        "t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c",
    },
    addresses=(
        "https://ossci-datasets.s3.amazonaws.com/mnist",
        "https://storage.googleapis.com/cvdf-datasets/mnist",
    ),
)


@DATASETS.register("mnist")
class MNIST(AbstractImages):
    """MNIST, from a folder or a download.

    References
    ----------
    LeCun, Bottou, Bengio, Haffner (1998), doi:10.1109/5.726791.
    """

    def load(self) -> Pool:
        return read_mnist_files(FILES, self.folder)
