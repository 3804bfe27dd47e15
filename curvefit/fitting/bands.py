"""Fitted curves as tables: bands, exponents, and means over seeds beside them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from curvefit.arguments import equal_tails
from curvefit.curves.size_means import size_means
from curvefit.fitting.intervals import end_columns, interval_columns
from curvefit.triplet import AXES, Triplet

if TYPE_CHECKING:
    from curvefit.fitting.curve_fit import CurveFit


@dataclass(frozen=True, slots=True)
class CurveBands:
    """Fitted curves with bands, and the measured points they came from.

    Parameters
    ----------
    curves
        A row per triplet and size: data, model, inference, n_train, error (posterior median of the
        expected error), error_low, error_high (credible), predictive_low, predictive_high (where a new
        run's measured error falls).
    points
        A row per triplet and measured size: mean error over seeds, error_low and error_high over seeds,
        n_seeds.
    exponents
        A row per triplet: exponent, exponent_low, exponent_high; NaN where the family of the fit has no power law.
    metric
        What error means: ``"error-rate"``, ``"mse"`` or ``"loss"``.
    probability
        Mass of every interval.
    """

    curves: pd.DataFrame
    points: pd.DataFrame
    exponents: pd.DataFrame
    metric: str
    probability: float

    @property
    def triplets(self) -> tuple[Triplet, ...]:
        """The triplets, in the order of the fit."""
        return tuple(Triplet(*row) for row in self.exponents[list(AXES)].itertuples(index=False))

    def select(self, **levels: str) -> CurveBands:
        """Return the bands whose data, model or inference label equals the given one."""
        return replace(
            self,
            curves=_where(self.curves, levels),
            points=_where(self.points, levels),
            exponents=_where(self.exponents, levels),
        )

    def of(self, triplets: Collection[Triplet]) -> CurveBands:
        """Return the bands of the given triplets."""
        return replace(
            self,
            curves=_rows_of(self.curves, triplets),
            points=_rows_of(self.points, triplets),
            exponents=_rows_of(self.exponents, triplets),
        )


def _where(frame: pd.DataFrame, levels: dict[str, str]) -> pd.DataFrame:
    for axis, level in levels.items():
        frame = frame[frame[axis] == level]
    return frame


def _rows_of(frame: pd.DataFrame, triplets: Collection[Triplet]) -> pd.DataFrame:
    wanted = set(map(tuple, triplets))
    return frame[[row in wanted for row in frame[list(AXES)].itertuples(index=False, name=None)]]


def curve_bands(
    fit: CurveFit,
    *,
    sizes: Any = None,
    probability: float = 0.9,
    triplets: Sequence[Triplet | tuple[str, str, str] | str] | None = None,
) -> CurveBands:
    """Compute the bands of fitted curves.

    Parameters
    ----------
    fit
        A fitted set of curves.
    sizes
        Training-set sizes at which to draw, shape (sizes,); 40 between the smallest and the largest
        measured size by default.
    probability
        Mass of the intervals, within (0, 1).
    triplets
        The curves that are wanted, as in `CurveFit.index`; all by default.

    Raises
    ------
    InvalidInputError
        When `probability` is not within (0, 1).
    UnknownNameError
        When one of `triplets` was not fitted.
    """
    tails = equal_tails(probability)
    usable = fit.curves.usable
    if sizes is None:
        sizes = np.geomspace(usable["n_train"].min(), usable["n_train"].max(), 40)
    n = np.asarray(sizes, dtype=float)
    if triplets is not None:
        fit = _part(fit, [fit.index(triplet) for triplet in triplets])
        usable = _rows_of(usable, fit.triplets)
    predictive = new_run_quantiles(fit, n, (tails[0], tails[2]))
    rows = []
    for t, triplet in enumerate(fit.triplets):
        error = np.quantile(fit.expected_error(n, at=[t])[:, 0], tails, axis=0)
        rows.append(
            pd.DataFrame(
                {
                    **dict(zip(AXES, triplet, strict=True)),
                    "n_train": n,
                    **interval_columns("error", error),
                    **dict(zip(end_columns("predictive"), predictive[:, t], strict=True)),
                }
            )
        )
    return CurveBands(
        curves=pd.concat(rows, ignore_index=True),
        points=seed_means(usable),
        exponents=exponents_of(fit, probability=probability),
        metric=fit.curves.metric,
        probability=probability,
    )


def _part(fit: CurveFit, at: list[int]) -> CurveFit:
    """Return the fit seen at some of its triplets only; its data stay what they were."""
    return replace(fit, triplets=tuple(fit.triplets[i] for i in at), draws=fit.draws.isel(triplet=at))


def new_run_quantiles(fit: CurveFit, sizes: np.ndarray, probabilities: tuple[float, ...]) -> np.ndarray:
    """Return quantiles of the error a new run would measure, shape (probabilities, triplets, sizes)."""
    from curvefit.fitting.forecasts import forecast

    return forecast(fit, sizes).quantiles(list(probabilities), kind="seed")


def parameter_table(fit: CurveFit, parameter: str, *, probability: float = 0.9) -> pd.DataFrame:
    """Return a row per triplet with the median and interval of one curve parameter."""
    quantiles = np.quantile(fit.parameter(parameter), equal_tails(probability), axis=0)
    table = pd.DataFrame(list(fit.triplets), columns=list(AXES))
    return table.assign(**interval_columns(parameter, quantiles))


def exponents_of(fit: CurveFit, *, probability: float = 0.9) -> pd.DataFrame:
    """Return `parameter_table` of the exponent, with NaN where the family of the fit has no power law."""
    if fit.has_power_law:
        return parameter_table(fit, "exponent", probability=probability)
    table = pd.DataFrame(list(fit.triplets), columns=list(AXES))
    return table.assign(**interval_columns("exponent", (np.nan, np.nan, np.nan)))


def seed_means(usable: pd.DataFrame) -> pd.DataFrame:
    """Return a row per triplet and size: the mean error over seeds, as in `LearningCurves.means`, with the seeds' range."""
    by_size = [*AXES, "n_train"]
    means = size_means(usable)[[*by_size, "value"]].rename(columns={"value": "error"})
    grouped = usable.groupby(by_size, sort=False, observed=True)["value"]
    ranges = grouped.agg(error_low="min", error_high="max", n_seeds="count")
    return means.merge(ranges.reset_index(), on=by_size)
