"""Loss against parameters and tokens, as published: ``floor + A * parameters**-alpha + B * tokens**-beta``.

References
----------
J. Hoffmann et al., Training compute-optimal large language models, arXiv:2203.15556 (approach 3: Huber loss of log loss).
T. Besiroglu, E. Erdil, M. Barnett, J. You, Chinchilla scaling: a replication attempt, arXiv:2404.10102 (sum over runs in
place of their mean, so that the optimiser does not stop early; bootstrap over runs).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd
from scipy.optimize import minimize, nnls
from scipy.special import huber, softmax

from curvefit.arguments import check_count, equal_tails
from curvefit.errors import FitError, InvalidInputError, unknown_name
from curvefit.fitting.saveable import Saveable
from curvefit.seeding import generator

#: Width of the Huber loss of the log loss, as published.
DELTA = 1e-3
NAMES = ("floor", "parameter_amplitude", "token_amplitude", "alpha", "beta")
_EXPONENTS = np.linspace(0.1, 1.0, 10)
_BEST_STARTS = 4


@dataclass(frozen=True, slots=True, eq=False)
class LossSurface(Saveable):
    """A fitted surface.

    Parameters
    ----------
    floor, parameter_amplitude, token_amplitude, alpha, beta
        Of ``floor + parameter_amplitude * parameters**-alpha + token_amplitude * tokens**-beta``.
    objective
        Sum of Huber losses at the optimum.
    replicates
        Bootstrap estimates in that order, shape (replicates, 5).
    """

    floor: float
    parameter_amplitude: float
    token_amplitude: float
    alpha: float
    beta: float
    objective: float
    replicates: np.ndarray

    def predict(self, parameters: np.ndarray, tokens: np.ndarray) -> np.ndarray:
        """Return the fitted loss at these numbers of parameters and tokens."""
        by_parameters = self.parameter_amplitude * np.asarray(parameters, float) ** -self.alpha
        return self.floor + by_parameters + self.token_amplitude * np.asarray(tokens, float) ** -self.beta

    def interval(self, name: str, probability: float = 0.9) -> tuple[float, float]:
        """Return the bootstrap percentile interval of a parameter; NaN without replicates."""
        if name not in NAMES:
            raise unknown_name("parameter of the loss surface", name, NAMES)
        tails = equal_tails(probability)
        column = self.replicates[:, NAMES.index(name)]
        if not len(column):
            return float("nan"), float("nan")
        low, _, high = np.quantile(column, tails)
        return float(low), float(high)

    def summary(self, probability: float = 0.9) -> pd.DataFrame:
        """Return a row per parameter: the estimate and its bootstrap interval."""
        intervals = [self.interval(name, probability) for name in NAMES]
        low, high = zip(*intervals, strict=True)
        estimates = [getattr(self, name) for name in NAMES]
        return pd.DataFrame({"parameter": NAMES, "estimate": estimates, "low": low, "high": high})

    def __str__(self) -> str:
        law = (
            f"loss = {self.floor:.4g} + {self.parameter_amplitude:.4g} * parameters^-{self.alpha:.4g} "
            f"+ {self.token_amplitude:.4g} * tokens^-{self.beta:.4g}"
        )
        if not len(self.replicates):
            return f"{law}; no bootstrap, so no intervals"
        between = [
            "{} {:.4g} to {:.4g}".format(name, *self.interval(name)) for name in ("floor", "alpha", "beta")
        ]
        return f"{law}; 90 % bootstrap intervals from {len(self.replicates)} replicates: {', '.join(between)}"


def loss_surface_fit(
    parameters: np.ndarray, tokens: np.ndarray, loss: np.ndarray, *, replicates: int = 0, seed: int = 0
) -> LossSurface:
    """Fit the surface to runs, one value each of parameters, tokens and loss per run.

    The published grid of starts is replaced by a better one: for every pair of exponents the best amplitudes and floor are a
    linear problem, and the best pairs are polished on the published objective.

    Parameters
    ----------
    parameters, tokens, loss
        Positive, shape (runs,), ten runs or more.
    replicates
        Bootstrap samples of runs; 0 for none.
    seed
        Root of the bootstrap's random numbers.

    Raises
    ------
    InvalidInputError
        When shapes differ, values are not positive, or parameters or tokens do not vary.
    FitError
        When no start leads to an optimum.
    """
    check_count("replicates", replicates, least=0)
    n, d, value = (np.asarray(x, float) for x in (parameters, tokens, loss))
    if not n.shape == d.shape == value.shape or n.ndim != 1 or len(n) < 10:
        raise InvalidInputError(
            f"a loss surface needs ten or more runs with one value each, got shapes {n.shape}, {d.shape}, {value.shape}"
        )
    for name, x in (("parameters", n), ("tokens", d), ("loss", value)):
        if not (np.isfinite(x) & (x > 0)).all():
            raise InvalidInputError(f"{name} must be positive and finite; the smallest is {x.min():g}")
    if len(np.unique(n)) < 3 or len(np.unique(d)) < 3:
        raise InvalidInputError(
            "a loss surface needs three or more different numbers of parameters and of tokens"
        )
    best = _optimum(n, d, value, _starts(n, d, value))
    rng, draws = generator("loss-surface", seed), np.empty((replicates, len(NAMES)))
    for r in range(replicates):
        rows = rng.integers(len(n), size=len(n))
        draws[r] = _natural(_optimum(n[rows], d[rows], value[rows], [best.x]).x)
    floor, by_parameters, by_tokens, alpha, beta = map(float, _natural(best.x))
    return LossSurface(floor, by_parameters, by_tokens, alpha, beta, float(best.fun), draws)


def _starts(n: np.ndarray, d: np.ndarray, value: np.ndarray) -> list[np.ndarray]:
    """Return the best starts over a grid of exponents, amplitudes and floor by non-negative least squares."""
    found = []
    for alpha, beta in product(_EXPONENTS, _EXPONENTS):
        design = np.column_stack([np.ones_like(n), n**-alpha, d**-beta]) / value[:, None]
        size = np.linalg.norm(design, axis=0)
        solved, rest = nnls(design / size, np.ones_like(n))
        linear = np.maximum(solved / size, 1e-9 / size)
        found.append((rest, np.array([*np.log(linear), alpha, beta])))
    return [start for _, start in sorted(found, key=lambda pair: pair[0])[:_BEST_STARTS]]


def _optimum(n, d, value, starts):
    """Return scipy's result of the best local optimum of the sum of Huber losses."""
    log_n, log_d, log_value = np.log(n), np.log(d), np.log(value)

    def objective(x: np.ndarray) -> tuple[float, np.ndarray]:
        terms = np.stack([np.full_like(log_n, x[0]), x[1] - x[3] * log_n, x[2] - x[4] * log_d])
        top = terms.max(axis=0)
        residual = top + np.log(np.exp(terms - top).sum(axis=0)) - log_value
        share = softmax(terms, axis=0) * np.clip(residual, -DELTA, DELTA)
        by_exponents = [-(share[1] * log_n).sum(), -(share[2] * log_d).sum()]
        return float(huber(DELTA, residual).sum()), np.array([*share.sum(axis=1), *by_exponents])

    results = [
        minimize(objective, start, jac=True, method="BFGS", options={"gtol": 1e-8}) for start in starts
    ]
    results = [result for result in results if np.isfinite(result.fun)]
    if not results:
        raise FitError("no start led to a finite optimum of the loss surface")
    return min(results, key=lambda result: result.fun)


def _natural(x: np.ndarray) -> np.ndarray:
    return np.array([*np.exp(x[:3]), *x[3:]])
