"""Equality in distribution over seeds: for negative findings, and for user models without a known coupling."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from curvefit.seeding import generator
from curvefit.symmetry.elements import Shape
from runners.certificates.training import FitPredict
from runners.certificates.verdict import Task, draw_telltale_tasks

FALSE_ALARM = 1e-4
LARGEST = 1e150
"""What predictions are cut off at: beyond it their squares overflow."""


def compare_distributions(plain: np.ndarray, transformed: np.ndarray) -> float:
    """Return the p-value that two sets of predictions come from one law.

    Each test prediction, and the logarithm of their mean square, is compared by the
    Kolmogorov-Smirnov and the Mann-Whitney test; the smallest p-value is multiplied by the number
    of comparisons (Bonferroni), so the false-alarm rate is at most what it is held against. Values below 1e-300
    are given as that. Nets that diverged count as very large predictions.

    Parameters
    ----------
    plain, transformed
        Predictions ``(seeds, n_test)`` of nets trained with independent seeds.
    """
    from scipy.stats import ks_2samp, mannwhitneyu

    def columns(predictions: np.ndarray) -> np.ndarray:
        bounded = np.clip(np.nan_to_num(predictions, nan=LARGEST), -LARGEST, LARGEST)
        return np.column_stack([bounded, np.log(np.mean(np.square(bounded), axis=1) + 1e-300)])

    first, second = columns(plain), columns(transformed)
    smallest = min(
        min(ks_2samp(a, b, method="asymp").pvalue, mannwhitneyu(a, b).pvalue)
        for a, b in zip(first.T, second.T)
    )
    return float(np.clip(smallest * 2 * first.shape[1], 1e-300, 1.0))


def check_equal_in_distribution(
    fit_predict: FitPredict,
    transform: Callable[[np.ndarray], np.ndarray],
    shape: Shape,
    *,
    n_seeds: int = 400,
    seed: int = 0,
) -> float:
    """Return the p-value that training and testing on transformed images changes nothing in distribution.

    Works for any learning algorithm that can be called. A p-value below the false-alarm rate refutes
    equivariance; one above it proves nothing, it says that these seeds and images show no difference.

    Parameters
    ----------
    fit_predict
        ``(x_train, y_train, x_test, seeds) -> (len(seeds), n_test)``: one training run per seed.
    transform
        The map of images ``(n, *shape)``, applied to training and test images alike.
    shape
        Of one image.
    n_seeds
        Training runs on either side; the two sides use different seeds.
    seed
        Draws the images and names the seeds.
    """
    tasks = telltale_tasks(shape, seed=seed)
    first = [2 * k for k in range(n_seeds)]
    second = [2 * k + 1 for k in range(n_seeds)]
    p_values = []
    for x, y, x_test in tasks:
        plain = fit_predict(x, y, x_test, first)
        turned = fit_predict(transform(x), y, transform(x_test), second)
        p_values.append(compare_distributions(plain, turned))
    return min(1.0, len(tasks) * min(p_values))


def telltale_tasks(shape: Shape, *, seed: int = 0) -> tuple[Task, ...]:
    """Return the tasks of `draw_telltale_tasks` for one seed."""
    return draw_telltale_tasks(shape, generator("telltale", shape, seed))
