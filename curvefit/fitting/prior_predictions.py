"""Prior predictive check: the curves that the priors of a fit expect before it sees any error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from curvefit.arguments import equal_tails
from curvefit.curves.fittable import curve_means
from curvefit.curves.learning_curves import LearningCurves
from curvefit.fitting.counted_runs import CountedRuns
from curvefit.fitting.curve_fit import CurveFit
from curvefit.fitting.estimate import read_request
from curvefit.fitting.hierarchical import natural_draws
from curvefit.fitting.hierarchy import Hierarchy, build_hierarchy
from curvefit.fitting.inference_data import labelled_draws, triplet_coords
from curvefit.fitting.layout import Layout, lay_out
from curvefit.fitting.noise import standard_noise
from curvefit.fitting.saveable import Saveable
from curvefit.fitting.settings import FitSettings
from curvefit.fitting.status import FitStatus
from curvefit.fitting.top_level_prior import top_level_priors
from curvefit.seeding import generator
from curvefit.triplet import AXES, Triplet

if TYPE_CHECKING:
    import arviz as az

#: A curve is at chance while it has lost less than this share of chance less floor, and at its floor when so much is left.
NEAR = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class PriorPrediction(Saveable):
    """What the priors of a fit say of its curves.

    Parameters
    ----------
    triplets
        Which curves.
    n
        Sizes, all that were observed (sizes,).
    curve_draws, seed_draws
        Draws of the curve itself, with bend and walk, and of one run with its seed noise, counted as the curve's runs
        were (draws, triplets, sizes).
    parameters
        Draws of the law's parameters by name (draws, triplets).
    chance
        Chance levels, NaN where the law has none (triplets,).
    observed
        Mean errors that were observed, NaN elsewhere (triplets, sizes).
    """

    triplets: tuple[Triplet, ...]
    n: np.ndarray
    curve_draws: np.ndarray
    seed_draws: np.ndarray
    parameters: dict[str, np.ndarray]
    chance: np.ndarray
    observed: np.ndarray

    @property
    def draws(self) -> az.InferenceData:
        """ArviZ ``InferenceData`` with groups ``prior``, ``prior_predictive`` (curve and run) and ``observed_data``."""
        import arviz as az

        dims = ["triplet", "size"]
        data = labelled_draws(
            self.parameters,
            {name: ["triplet"] for name in self.parameters}
            | {"curve": dims, "seed": dims, "mean_error": dims},
            chains=1,
            coords={**triplet_coords(self.triplets), "size": self.n},
            constant={"mean_error": self.observed},
            predictions={"curve": self.curve_draws, "seed": self.seed_draws},
        )
        return az.InferenceData(
            prior=data.posterior, prior_predictive=data.predictions, observed_data=data.constant_data
        )

    def summary(self, probability: float = 0.9) -> pd.DataFrame:
        """Return a row per size: what the priors expect of a curve there, and what was observed.

        Returns
        -------
        pandas.DataFrame
            n_train; median, low and high error over all drawn curves; at_chance and at_floor, shares of drawn curves that have
            not begun to fall or have all but ended (NaN for laws without chance or floor); observed_median, observed_low and
            observed_high over curves; observed_inside, share of observed means within the interval of their own curve.
        """
        tails = equal_tails(probability)
        low, middle, high = np.quantile(self.curve_draws, tails, axis=(0, 1))
        own_low, own_high = np.quantile(self.curve_draws, [tails[0], tails[2]], axis=0)
        floor = self.parameters.get("floor", np.full(self.curve_draws.shape[:2], np.nan))[..., None]
        left = (self.curve_draws - floor) / (self.chance[:, None] - floor)
        rows = []
        for j, n in enumerate(self.n):
            seen = np.isfinite(self.observed[:, j])
            values = self.observed[seen, j]
            inside = (own_low[seen, j] <= values) & (values <= own_high[seen, j])
            known = np.isfinite(left[..., j]).all()
            rows.append(
                {
                    "n_train": n,
                    "median": middle[j],
                    "low": low[j],
                    "high": high[j],
                    "at_chance": (left[..., j] > 1 - NEAR).mean() if known else np.nan,
                    "at_floor": (left[..., j] < NEAR).mean() if known else np.nan,
                    "observed_median": np.median(values),
                    "observed_low": values.min(),
                    "observed_high": values.max(),
                    "observed_inside": inside.mean(),
                }
            )
        return pd.DataFrame(rows)

    def __str__(self) -> str:
        table = self.summary()
        first, last = table.iloc[0], table.iloc[-1]
        seen = np.isfinite(self.observed).sum(axis=0)
        inside = (table["observed_inside"] * seen).sum() / seen.sum()
        lines = [
            f"the priors expect errors of {row.low:.3g} to {row.high:.3g} at n = {row.n_train:,.0f} (90 %); observed: "
            f"{row.observed_low:.3g} to {row.observed_high:.3g}"
            for row in (first, last)
        ]
        if np.isfinite(table["at_chance"]).all():
            lines.append(
                f"{first.at_chance:.0%} of the curves they draw are still at chance at the smallest size, {last.at_chance:.0%} at the "
                f"largest, where {last.at_floor:.0%} have reached their floor"
            )
        return "\n".join([*lines, f"{inside:.0%} of observed means lie within the 90 % of their curves"])


def prior_predictive(
    curves: LearningCurves, *, family: str = "power-law", seed: int = 0, draws: int = 1000, **settings: Any
) -> PriorPrediction:
    """Draw curves from the priors of the fit that `fit` would make, to hold them against those observed.

    Everything is drawn as the model has it: grand means, scales, effects of data, model and inference, common parameters, bend,
    walks and seed noise. The data give the triplets, sizes and chance levels; without a chance level also the unit of errors.

    Parameters
    ----------
    curves
        Learning curves; a frame or a dictionary of columns is read with `LearningCurves.from_frame`.
    family
        Registered name of the curve family.
    seed
        Root of all random numbers.
    draws
        Number of studies to draw, with all their curves.
    **settings
        Other fields of `FitSettings`, such as priors, pooling and discrepancy.
    """
    chosen = {"family": family, "seed": seed, "draws": draws, **settings}
    curves, asked = read_request(curves, chosen, where="prior_predictive")
    layout = lay_out(curves, family=asked.family, likelihood=asked.likelihood)
    asked = asked.for_family(layout.family)
    hierarchy, rng = build_hierarchy(layout, asked), generator(seed, "prior-predictive")
    drawn = {name: x[None] for name, x in _prior_draws(layout, hierarchy, asked, rng).items()}
    walk = drawn.pop("walk", None)
    data = natural_draws(layout, hierarchy, drawn, curves.triplets, None)
    fit = CurveFit(
        curves, curves.triplets, data, FitStatus(True), layout.family.name, layout.likelihood.name, asked
    )
    observed = curves.means().pivot_table(index=list(AXES), columns="n_train", values="value")
    observed = observed.reindex([tuple(t) for t in curves.triplets])
    n = observed.columns.to_numpy(float)
    error, scored = fit.expected_error(n), fit.expected_error(n, on_test_set=True)
    if walk is not None:
        walks = _walks(layout, n, walk[0], rng)
        error, scored = layout.scale.shifted(error, walks), layout.scale.shifted(scored, walks)
    noise = fit.noise_sd(n) * standard_noise(layout.likelihood, error.shape, rng)
    run = layout.scale.shifted(scored, noise)
    if layout.scale.of_rates:
        means = curve_means(curves)
        runs = CountedRuns.like(run, (means[t] for t in curves.triplets), fit.fresh_counting)
        run = runs.draw([rng] * len(n))
    return PriorPrediction(
        curves.triplets,
        n,
        error,
        run,
        {name: np.array(fit.parameter(name)) for name in fit.law.parameter_names},
        fit.chance,
        observed.to_numpy(float),
    )


def _prior_draws(
    layout: Layout, hierarchy: Hierarchy, settings: FitSettings, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Return draws of all parameters of the model from their priors, by name; first axis over draws."""
    many, n_own = settings.draws, len(hierarchy.curve_specs)
    given = top_level_priors(layout, hierarchy, settings)
    found = {
        name: prior.rvs((many, *np.shape(prior.mean())), random_state=rng) for name, prior in given.items()
    }
    if hierarchy.pooled:
        scale = np.exp(found["log_scale"])
        effects = scale[:, hierarchy.column_term] * rng.standard_normal((many, hierarchy.design.shape[1]))
        theta = np.tile(found["mean"][:, None], (1, hierarchy.n_rows, 1))
        for k in range(n_own):
            mine = hierarchy.column_parameter == k
            theta[..., k] += effects[:, mine] @ hierarchy.design[:, mine].T
        theta += scale[:, None, len(hierarchy.terms) :] * rng.standard_normal(theta.shape)
        found["theta"] = theta
    if "bend_step" in found:
        found["bend"] = np.cumsum(found.pop("bend_step"), axis=1)
    if "log_walk" in found:
        found["walk"] = np.exp(found.pop("log_walk"))
    if layout.test_sets:
        found["test_shift"] = rng.standard_normal((many, len(layout.test_sets)))
    return found


def _walks(layout: Layout, n: np.ndarray, walk: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return walks of all triplets from 0 at the smallest size of each, shape (draws, triplets, sizes)."""
    smallest = np.full(len(layout.triplets), np.inf)
    np.minimum.at(smallest, layout.cell_curve, layout.cell_size * layout.size_unit)
    walked = np.maximum(np.log2(n / smallest[:, None]), 0.0)
    steps = np.sqrt(np.diff(walked, prepend=0.0, axis=1))
    steps = steps * rng.standard_normal((len(walk), *steps.shape))
    return walk[:, None, None] * np.cumsum(steps, axis=-1)[:, layout.curve_of]
