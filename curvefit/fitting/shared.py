"""What all curves share while each is fitted: seed noise, the step of their walks, the bend, and common parameters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from curvefit.fitting.bend import bent_size
from curvefit.fitting.hierarchy import Hierarchy, natural_values
from curvefit.fitting.layout import Layout
from curvefit.fitting.modes import Modes, walk_modes
from curvefit.fitting.noise import counting_variance, covariance_of_means, seed_variance

_FLOOR_VARIANCE = 4e-4
_NOISE_FLOOR = 0.03
#: Before seeds say how alike their counting noise is.
_TEST_CORRELATION = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Shared:
    """Values of what curves share, held while the penalised fit goes from curve to curve.

    Parameters
    ----------
    noise, noise_slope, noise_floor, correlation
        Seed noise per group at the middle size, its fall with n, what is left, correlation per doubling.
    test_correlation
        Of the counting noise of runs on the same test points, 0 where it is not estimated.
    walk
        Step of the curves' walk that is assumed, standard deviation a doubling.
    bend
        See `curvefit.fitting.bend`, shape (pieces,).
    common
        Common parameters of the family on the estimated scale, shape (common,).
    """

    noise: np.ndarray
    noise_slope: float
    noise_floor: float
    correlation: float
    test_correlation: float
    walk: float
    bend: np.ndarray
    common: np.ndarray

    def cell_means(self, layout: Layout, hierarchy: Hierarchy, theta: np.ndarray) -> np.ndarray:
        """Return the law at every cell on the transformed scale, given theta of shape (rows, parameters)."""
        values = natural_values(layout, hierarchy, theta, self.common)
        size = layout.cell_size
        if len(self.bend):
            size = bent_size(np, np.log(size), layout.cell_bend, self.bend)
        error = layout.family.error(size, chance=layout.chance[layout.cell_curve], **values)
        return layout.scale.transform(layout.scale.inside(error))

    def run_variances(self, layout: Layout, mean: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the variances of every cell's runs between seeds and from counting, at means on the transformed scale."""
        relative = np.log(layout.cell_size / layout.middle_size)
        log_noise = np.log(self.noise)[layout.noise_group[layout.cell_curve]]
        between = seed_variance(np, log_noise, self.noise_slope, self.noise_floor, relative)
        return between, fresh_counting_at(layout, mean, self.test_correlation)

    def modes(self, layout: Layout, hierarchy: Hierarchy, mean: np.ndarray) -> Modes:
        """Return the modes of the means over seeds around a law that walks."""
        between, counting = self.run_variances(layout, mean)

        def covariances(curve: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
            cells = np.flatnonzero(layout.cell_curve == curve)
            walked = layout.cell_doublings[cells]
            covariance = covariance_of_means(
                walked, between[cells], counting[cells], layout.shared_seeds(cells), self.correlation
            )
            return cells, covariance, np.minimum.outer(walked, walked)

        return walk_modes(hierarchy.row, map(covariances, range(len(layout.triplets))), hierarchy.n_rows)


def moment_estimates(
    layout: Layout, hierarchy: Hierarchy, mean: np.ndarray, count: np.ndarray, *, walk: float
) -> Shared:
    """Return moment estimates of seed noise, its slope and its correlation, given means over seeds and their counts; no bend."""
    spread = np.bincount(
        layout.run_cell, (layout.run_value - mean[layout.run_cell]) ** 2, minlength=len(mean)
    )
    several, groups = count > 1, len(layout.noise_names)
    noise, slope = np.full(groups, 0.1), 0.1
    correlation = 0.3 if layout.correlated else 0.0
    test_correlation = _TEST_CORRELATION if layout.agreement_estimated else 0.0
    if several.any():
        counting = fresh_counting_at(layout, mean, test_correlation)[several]
        excess = spread[several] / (count[several] - 1) - counting
        log_excess = np.log(np.maximum(excess, _FLOOR_VARIANCE))
        x = np.log(layout.cell_size[several] / layout.middle_size)
        design = np.column_stack([np.eye(groups)[layout.noise_group[layout.cell_curve[several]]], x])
        ridge = np.diag([0.5] * groups + [1.0])
        target = np.r_[np.full(groups, np.log(0.15**2)), -0.4]
        solved = np.linalg.solve(design.T @ design + ridge, design.T @ log_excess + ridge @ target)
        noise = np.exp(0.5 * solved[:groups] + 0.3)
        slope = float(np.clip(-0.5 * solved[-1], 0.02, 0.8))
        if layout.correlated:
            product = layout.pattern_cross[:, 3] * layout.pattern_mask[:, 0]
            norm = (
                np.sqrt(layout.pattern_cross[:, 0] * layout.pattern_cross[:, 1]) * layout.pattern_mask[:, 0]
            )
            correlation = float(np.clip(product.sum() / max(norm.sum(), 1e-12), 0.1, 0.9))
    common = hierarchy.common_prior[:, 0]
    return Shared(noise, slope, _NOISE_FLOOR, correlation, test_correlation, walk, np.zeros(0), common)


def fresh_counting_at(layout: Layout, mean: np.ndarray, test_correlation: float) -> np.ndarray:
    """Return the variance of every cell's runs that the test set causes in each for itself, at means on the transformed scale."""
    test = layout.cell_test if layout.counted else None
    return (1.0 - test_correlation) * counting_variance(layout.scale.errors(mean), test, layout.cell_variance)
