"""Likelihoods in numpy, a run at a time: how likely a fit makes the runs that were seen, and draws of new ones.

What `curvefit.fitting.likelihoods` says in pytensor, given the walks; correlation of the noise along n is left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import stats

from curvefit.errors import InvalidInputError
from curvefit.fitting.curve_fit import CurveFit
from curvefit.fitting.layout import Layout, lay_out
from curvefit.fitting.noise import (
    SMALLEST_VARIANCE,
    STUDENT_FREEDOM,
    counting_variance,
    standard_noise,
    student_scale,
)
from curvefit.triplet import Triplet


@dataclass(frozen=True, slots=True, eq=False)
class SeenCell:
    """The runs of one measured curve at one size, and what the draws of a fit expect of them.

    Parameters
    ----------
    triplet, n_train
        Curve and training-set size.
    runs
        Positions of its runs in the layout, shape (runs,).
    error, variance
        Expected error, walk included, on the test points that its runs share, if they do, and variance between seeds on the
        likelihood's scale, shape (draws, 1).
    fresh
        Share of the counting variance that every run has for itself, shape (draws, 1) or a number.
    """

    triplet: Triplet
    n_train: int
    runs: np.ndarray
    error: np.ndarray
    variance: np.ndarray
    fresh: np.ndarray | float = 1.0


def fitted_layout(fit: CurveFit) -> Layout:
    """Return the curves as the likelihood saw them.

    Raises
    ------
    InvalidInputError
        For fits without a noise model, such as those built from given draws.
    """
    if not fit.has_noise:
        raise InvalidInputError(f"this fit ({fit.likelihood}) has no model of seed noise")
    return lay_out(fit.curves, family=fit.family, likelihood=fit.likelihood)


def seen_cells(fit: CurveFit, layout: Layout) -> Iterator[SeenCell]:
    """Yield the cells of every measured curve in order of size; seeds and test sets of one size are taken together."""
    own = fit.fresh_counting
    fresh = 1.0 if own is None else own[:, None]
    run_curve, run_size = layout.cell_curve[layout.run_cell], layout.cell_size[layout.run_cell]
    for curve, triplet in enumerate(layout.triplets):
        mine = np.flatnonzero(run_curve == curve)
        sizes, at_size = np.unique(run_size[mine], return_inverse=True)
        n, at = sizes * layout.size_unit, [fit.index(triplet)]
        error, sd = fit.expected_error(n, at=at, on_test_set=True)[:, 0], fit.noise_sd(n, at=at)[:, 0]
        error = layout.scale.inside(error)
        for j, size in enumerate(n):
            here = slice(j, j + 1)
            yield SeenCell(
                triplet, round(size), mine[at_size == j], error[:, here], sd[:, here] ** 2, fresh
            )  # fmt: skip


def run_log_density(layout: Layout, cell: SeenCell) -> np.ndarray:
    """Return the log density of a cell's runs, on the likelihood's scale (counts have probabilities), shape (draws, runs)."""
    if layout.likelihood.noise == "beta-binomial":
        test, wrong = layout.run_test[cell.runs], layout.run_errors[cell.runs]
        return stats.betabinom.logpmf(wrong, test, *_beta_shapes(cell))
    value = layout.run_value[cell.runs]
    centre, variance = _centre_and_variance(layout, cell)
    if layout.likelihood.noise == "student":
        return stats.t.logpdf(value, STUDENT_FREEDOM, centre, student_scale(variance))
    return stats.norm.logpdf(value, centre, np.sqrt(variance))


def run_values(layout: Layout, cell: SeenCell) -> np.ndarray:
    """Return the values of a cell's runs as measured: error rates, losses; shape (runs,)."""
    if layout.counted:
        return layout.run_errors[cell.runs] / layout.run_test[cell.runs]
    return layout.scale.errors(layout.run_value[cell.runs])


def replicate_runs(layout: Layout, cell: SeenCell, rng: np.random.Generator) -> np.ndarray:
    """Draw a cell's runs anew, a copy of them for every draw of the fit, as values that could be measured.

    Returns
    -------
    numpy.ndarray
        Error rates (whole numbers of errors where those were counted) or losses, shape (draws, runs).
    """
    shape, test = (len(cell.error), len(cell.runs)), layout.run_test[cell.runs]
    if layout.likelihood.noise == "beta-binomial":
        rate = rng.beta(*_beta_shapes(cell), shape)
        return rng.binomial(test.astype(int), rate) / test
    centre, variance = _centre_and_variance(layout, cell)
    value = layout.scale.errors(centre + np.sqrt(variance) * standard_noise(layout.likelihood, shape, rng))
    # The inverse of the empirical logit, log((k + .5) / (m - k + .5)).
    return np.clip(np.round((test + 1) * value - 0.5), 0, test) / test if layout.counted else value


def _centre_and_variance(layout: Layout, cell: SeenCell) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and variance of runs on the likelihood's scale, shapes (draws, 1) and (draws, runs)."""
    at = layout.run_cell[cell.runs]
    test = layout.cell_test[at] if layout.counted else None
    counting = cell.fresh * counting_variance(cell.error, test, layout.cell_variance[at])
    return layout.scale.transform(cell.error), cell.variance + counting


def _beta_shapes(cell: SeenCell) -> tuple[np.ndarray, np.ndarray]:
    """Return the two parameters of the beta distribution of rates, shape (draws, 1) each."""
    variance = np.maximum(cell.variance, SMALLEST_VARIANCE)
    return 1.0 / (variance * (1.0 - cell.error)), 1.0 / (variance * cell.error)
