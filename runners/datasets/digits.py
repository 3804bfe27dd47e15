"""The 1,797 real 8 x 8 digits that come with scikit-learn: always there, small."""

from __future__ import annotations

import numpy as np

from curvefit.errors import MissingDependencyError
from runners.datasets.abstract import DATASETS
from runners.datasets.images import AbstractImages
from runners.datasets.pool import Pool


@DATASETS.register("digits")
class Digits(AbstractImages):
    """Handwritten digits of scikit-learn, 8 x 8 grey, 10 classes; test images are split off by the study's seed.

    References
    ----------
    Alpaydin, Kaynak (1998), "Optical recognition of handwritten digits", UCI, doi:10.24432/C50P49.
    """

    n_test: int = 600

    def load(self) -> Pool:
        try:
            from sklearn.datasets import load_digits
        except ImportError as error:
            raise MissingDependencyError(
                "dataset 'digits' needs scikit-learn: pip install 'curvefit[runners]'"
            ) from error
        digits = load_digits()
        return Pool(
            source="scikit-learn digits",
            x=digits.images[..., None],
            y=digits.target.astype(np.int64),
            n_classes=10,
        )
