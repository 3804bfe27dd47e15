"""One curve's forecast: a weighted mixture over families, with a random walk that goes on beyond the data."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import logsumexp, ndtr
from scipy.stats import truncnorm

from curvefit.fitting.forecast_posterior import ShapePosterior, shape_posterior
from curvefit.fitting.forecast_shapes import DEFAULT_SHAPES, get_shape
from curvefit.fitting.seen_curve import NoiseGrid, SeenCurve

EVIDENCE_TEMPER = 0.1


@dataclass(frozen=True, slots=True)
class Mixture:
    """Predictions of one curve at some sizes: normal components on the log scale.

    Parameters
    ----------
    weight
        Of each component (components,), summing to one.
    log_mean
        Of the curve's log value, discrepancy expected inside the data included: (components, sizes).
    inside_sd, beyond_sd
        Standard deviation of the discrepancy inside the data, and of what it grows by beyond them (components, sizes).
    noise_sd
        Of one further observation of the kind that was seen (a mean, if means were), relative: (components, sizes).
    seed_sd
        Of one further seed (components, sizes); equals `noise_sd` where single seeds were seen.
    """

    weight: np.ndarray
    log_mean: np.ndarray
    inside_sd: np.ndarray
    beyond_sd: np.ndarray
    noise_sd: np.ndarray
    seed_sd: np.ndarray

    @property
    def walk_sd(self) -> np.ndarray:
        """Standard deviation of the discrepancy (components, sizes)."""
        return np.hypot(self.inside_sd, self.beyond_sd)

    def inflated(self, inflation: float | np.ndarray) -> Mixture:
        """Return the predictions with a walk that is so many times as fast beyond the data; (components, 1) or one factor."""
        return replace(self, beyond_sd=inflation * self.beyond_sd)

    def scale(self) -> np.ndarray:
        """Return the standard deviation of the log of one further observation (components, sizes)."""
        return np.sqrt(self.walk_sd**2 + self.noise_sd**2)

    def centre(self) -> np.ndarray:
        """Return the geometric mean of the curve at each size."""
        return np.exp(self.weight @ self.log_mean)

    def log_density(self, values: np.ndarray) -> np.ndarray:
        """Return the log predictive density of observations (one a size), in the value's own unit."""
        logs, sd = np.log(values), self.scale()
        parts = -0.5 * ((logs - self.log_mean) / sd) ** 2 - np.log(sd) - 0.5 * np.log(2 * np.pi)
        return logsumexp(parts, axis=0, b=self.weight[:, None]) - logs

    def probability_below(self, values: np.ndarray) -> np.ndarray:
        """Return the predictive probability of an observation below `values` (one a size)."""
        return self.weight @ ndtr((np.log(values) - self.log_mean) / self.scale())


@dataclass(frozen=True, slots=True)
class CurveEnsemble:
    """Posteriors of all families for one curve."""

    curve: SeenCurve
    grid: NoiseGrid
    posteriors: tuple[ShapePosterior, ...]

    @property
    def families(self) -> tuple[str, ...]:
        """Names of the families."""
        return tuple(p.shape.family for p in self.posteriors)

    def weights(self, prior: np.ndarray | None = None, *, temper: float = EVIDENCE_TEMPER) -> np.ndarray:
        """Return family weights: prior weights (rolling-origin ones, or equal) times tempered evidence.

        In-sample evidence is over-confident about extrapolation, so that only its power `temper` counts.
        """
        log_prior = np.zeros(len(self.posteriors)) if prior is None else np.log(np.maximum(prior, 1e-12))
        logs = log_prior + temper * np.array([p.log_evidence for p in self.posteriors])
        return np.exp(logs - logsumexp(logs))

    def mixture(
        self,
        targets: np.ndarray,
        *,
        weights: np.ndarray,
        draws: int = 200,
        seed: int = 0,
        seeds_per_mean: float = 1.0,
    ) -> Mixture:
        """Return the predictive mixture of all families, weighted so, at target sizes; see `mixtures`."""
        parts = self.mixtures(targets, draws=draws, seed=seed, seeds_per_mean=seeds_per_mean)
        weight = np.concatenate([share * part.weight for share, part in zip(weights, parts)])
        names = ("log_mean", "inside_sd", "beyond_sd", "noise_sd", "seed_sd")
        return Mixture(weight, *(np.concatenate([getattr(part, name) for part in parts]) for name in names))

    def mixtures(
        self,
        targets: np.ndarray,
        *,
        draws: int = 200,
        seed: int = 0,
        seeds_per_mean: float = 1.0,
    ) -> tuple[Mixture, ...]:
        """Return the predictive mixture of each family at target sizes, of `draws` components.

        Parameters
        ----------
        targets
            Sizes (sizes,).
        draws
            Components a family, equally weighted.
        seed
            Of the draws.
        seeds_per_mean
            Seeds behind every mean that was seen.
        """
        rng = np.random.default_rng(seed)
        return tuple(self._family(p, targets, draws, rng, seeds_per_mean) for p in self.posteriors)

    def _family(
        self,
        posterior: ShapePosterior,
        targets: np.ndarray,
        draws: int,
        rng: np.random.Generator,
        seeds_per_mean: float,
    ) -> Mixture:
        curve, grid = self.curve, self.grid
        flat = np.exp(posterior.log_weights.ravel())
        ladder = (np.arange(draws) + rng.random()) / draws
        chosen = np.searchsorted(np.cumsum(flat) / flat.sum(), ladder).clip(0, len(flat) - 1)
        particle, cell = np.unravel_index(chosen, posterior.log_weights.shape)
        order = rng.permutation(draws)
        particle, cell = particle[order], cell[order]
        floor, height = _floor_and_height(
            posterior.mean[particle, cell], posterior.covariance[particle, cell], rng
        )
        values = {name: value[particle] for name, value in posterior.values.items()}
        seen = posterior.shape.evaluate(curve.n, values)
        first = np.maximum(seen[:, :1], 1e-300)
        law_seen = floor[:, None] + height[:, None] * seen / first
        law = floor[:, None] + height[:, None] * posterior.shape.evaluate(targets, values) / first
        s = np.log(targets)
        inside = np.minimum(s, grid.s[-1])
        beyond = s - inside
        gain, variance = grid.discrepancy(inside)
        residual = (curve.value - law_seen) / grid.level
        expected = np.einsum("dti,di->dt", gain[cell], residual)
        tiny = max(1e-3 * grid.level[-1], 1e-5 * grid.level.max())
        log_mean = np.log(np.maximum(law, tiny)) + expected.clip(-2.0, 2.0)
        grown = grid.speed[cell, None] * np.sqrt(beyond)
        known = grid.known_sd * np.sqrt(np.clip(grid.level[-1] / np.maximum(law, tiny), 0.1, 10.0))
        noise = np.sqrt(grid.sigma[cell, None] ** 2 + known**2)
        single = np.sqrt(grid.sigma[cell, None] ** 2 + known**2 * seeds_per_mean)
        return Mixture(np.full(draws, 1.0 / draws), log_mean, np.sqrt(variance[cell]), grown, noise, single)


def fit_ensemble(
    curve: SeenCurve, families: tuple[str, ...] = DEFAULT_SHAPES, *, seed: int = 0
) -> CurveEnsemble:
    """Integrate every family over one curve (about 0.05 s a family)."""
    grid = NoiseGrid(curve)
    return CurveEnsemble(
        curve, grid, tuple(shape_posterior(curve, grid, get_shape(name), seed=seed) for name in families)
    )


def _floor_and_height(
    mean: np.ndarray, covariance: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draw (floor, height) from their normal posterior with the floor at or above zero."""
    sd = np.sqrt(covariance[:, 0, 0])
    floor = truncnorm.rvs(-mean[:, 0] / sd, np.inf, loc=mean[:, 0], scale=sd, random_state=rng)
    slope = covariance[:, 0, 1] / covariance[:, 0, 0]
    left = np.sqrt(np.maximum(covariance[:, 1, 1] - slope * covariance[:, 0, 1], 0.0))
    height = mean[:, 1] + slope * (floor - mean[:, 0]) + left * rng.standard_normal(len(floor))
    return floor, height
