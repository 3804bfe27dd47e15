"""CurveFit: what is believed after a fit, as posterior draws over triplets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from curvefit.arguments import positive_sizes
from curvefit.curves.learning_curves import LearningCurves
from curvefit.curves.repeats import same_measurement
from curvefit.errors import InvalidInputError, unknown_name
from curvefit.families import AbstractFamily, get_family
from curvefit.fitting.effects import decompose
from curvefit.fitting.settings import FitSettings
from curvefit.fitting.status import FitStatus
from curvefit.shown import Shown
from curvefit.triplet import AXES, Triplet

if TYPE_CHECKING:
    import arviz as az


@dataclass(frozen=True, slots=True, eq=False)
class CurveFit(Shown):
    """Posterior of the learning curves of many triplets; build one with `fit`, `load_fit` or `from_draws`.

    Parameters
    ----------
    curves
        What was fitted.
    triplets
        The triplets, in the order of the ``triplet`` dimension.
    draws
        ArviZ ``InferenceData``; its posterior holds the family's natural parameters and ``amplitude`` over
        (chain, draw, triplet), and whatever else was sampled.
    status
        Whether to trust it.
    family
        Name of the curve family that was used.
    likelihood
        Name of the likelihood that was used.
    settings
        All settings, priors included.
    notes
        What the fit had to decide or wants to warn of, as sentences.
    """

    curves: LearningCurves
    triplets: tuple[Triplet, ...]
    draws: az.InferenceData
    status: FitStatus
    family: str
    likelihood: str
    settings: FitSettings
    notes: tuple[str, ...] = ()

    @property
    def law(self) -> AbstractFamily:
        """The curve family itself."""
        return get_family(self.family)

    @property
    def has_power_law(self) -> bool:
        """Whether the curves end in ``floor + amplitude * n ** -exponent``; no other exponent says how fast a curve falls."""
        return "amplitude" in self.draws["posterior"]

    @property
    def n_draws(self) -> int:
        """Number of draws over all chains."""
        posterior = self.draws["posterior"]
        return int(posterior.sizes["chain"] * posterior.sizes["draw"])

    @property
    def n_chains(self) -> int:
        """Number of chains that the draws come from."""
        return int(self.draws["posterior"].sizes["chain"])

    def thinned(self, most: int) -> CurveFit:
        """Return the fit with at most `most` draws (one a chain at least), evenly spaced within every chain."""
        kept = self.n_draws // self.n_chains
        pick = np.linspace(0, kept - 1, min(kept, max(most // self.n_chains, 1))).round().astype(int)
        return replace(self, draws=self.draws.isel(draw=pick))

    @property
    def chance(self) -> np.ndarray:
        """Chance level of every triplet, shape (triplets,); NaN where it is unknown, or the family has no use for it."""
        return np.asarray(self.draws["constant_data"]["chance"].values, float)

    @property
    def measurements(self) -> tuple[str, ...]:
        """What each triplet measured: its own label, or the first label of the measurement that it repeats under another name."""
        constant = self.draws["constant_data"]
        if "measurement" in constant:
            return tuple(str(label) for label in constant["measurement"].values)
        known = self.curves.triplets
        first = {triplet: str(known[i]) for triplet, i in zip(known, same_measurement(self.curves))}
        return tuple(first[triplet] for triplet in self.triplets)

    def index(self, triplet: tuple[str, str, str] | str) -> int:
        """Return the position of a triplet, given as such or as ``"data | model | inference"``."""
        return self.triplets.index(Triplet.of(triplet, self.triplets))

    def parameter(self, name: str) -> np.ndarray:
        """Return the draws of one parameter.

        Parameters
        ----------
        name
            ``"exponent"``, ``"amplitude"``, ``"floor"``, ``"chance"``, another parameter of the family, or one of
            these with ``log_`` before it.

        Returns
        -------
        numpy.ndarray
            Shape (draws, triplets); a parameter common to all curves is repeated.
        """
        posterior = self.draws["posterior"]
        if name == "chance":
            return np.broadcast_to(self.chance, (self.n_draws, len(self.triplets)))
        if name not in posterior and name.startswith("log_"):
            return np.log(self.parameter(name.removeprefix("log_")))
        if name not in posterior:
            known = [*self.law.parameter_names, "amplitude", "chance"]
            raise unknown_name("parameter", name, [k for k in known if k in posterior or k == "chance"])
        values = np.asarray(posterior[name].values)
        values = values.reshape(self.n_draws, *values.shape[2:])
        return np.broadcast_to(values.reshape(self.n_draws, -1), (self.n_draws, len(self.triplets)))

    def expected_error(
        self,
        n: Any,
        *,
        at: Sequence[int] | None = None,
        seed: int | None = None,
        on_test_set: bool = False,
    ) -> np.ndarray:
        """Return the expected test error at training-set sizes `n`.

        This is the law with its parameters' uncertainty, the bend common to all curves and the curve's walk around it, which
        both go on beyond the data; no seed noise and no counting noise.

        Parameters
        ----------
        n
            Training-set sizes.
        at
            Positions of the triplets that are wanted; all by default.
        seed
            Of bend and walks beyond the data; that of the fit by default.
        on_test_set
            Whether the errors are those on the very test points that the runs were scored on, where they shared them, in place of
            those on all that could be drawn.

        Returns
        -------
        numpy.ndarray
            Shape (draws, triplets, len(n)).
        """
        from curvefit.fitting.expected_errors import expected_errors

        wanted = range(len(self.triplets)) if at is None else at
        seed = self.settings.seed if seed is None else seed
        return expected_errors(self, positive_sizes(n), list(wanted), seed, on_test_set=on_test_set)

    @property
    def has_noise(self) -> bool:
        """Whether the fit has a model of the noise between seeds (fits built from given draws have none)."""
        return "log_noise" in self.draws["posterior"]

    def noise_sd(self, n: Any, *, at: Sequence[int] | None = None) -> np.ndarray:
        """Return the standard deviation between seeds at sizes `n`, on the likelihood's scale (logit or log).

        Parameters
        ----------
        n
            Training-set sizes.
        at
            Positions of the triplets that are wanted; all by default.

        Returns
        -------
        numpy.ndarray
            Shape (draws, triplets, len(n)).

        Raises
        ------
        InvalidInputError
            For sizes that are not positive, and for fits without a noise model, such as those built from given draws.
        """
        from curvefit.fitting.expected_errors import noise_between_seeds

        sizes = positive_sizes(n)
        if not self.has_noise:
            raise InvalidInputError(f"this fit ({self.likelihood}) has no model of seed noise")
        return noise_between_seeds(self, sizes, list(range(len(self.triplets)) if at is None else at))

    @property
    def fresh_counting(self) -> np.ndarray | None:
        """Share of a run's counting variance that no other run on its test points has, shape (draws,); None where it is all of it."""
        posterior = self.draws["posterior"]
        if "test_correlation" not in posterior:
            return None
        return 1.0 - np.asarray(posterior["test_correlation"].values).reshape(-1)

    def effects(self, parameter: str = "log_exponent") -> dict[tuple[str, ...], np.ndarray]:
        """Return the finite-population effects of data, model and inference on a parameter.

        Every draw is decomposed: grand mean, main effects and interactions sum to zero over their levels, weighted
        alike whatever the number of curves. Levels are in order of first appearance (see `levels`).

        Returns
        -------
        dict
            Term, for example ``()``, ``("data",)`` or ``("data", "model")``, to draws of shape (draws, levels...);
            NaN for cells of the grid without a curve. Axes with one level give no term.

        Raises
        ------
        InvalidInputError
            When the exponent is asked of a family that has none.
        """
        if parameter.removeprefix("log_") == "exponent" and "exponent" not in self.draws["posterior"]:
            raise InvalidInputError(
                f"family {self.family!r} has no exponent to decompose; name another parameter"
            )
        return decompose(self.parameter(parameter), self.triplets)

    def levels(self, axis: str) -> tuple[str, ...]:
        """Return the labels of an axis in order of first appearance."""
        if axis not in AXES:
            raise unknown_name("axis", axis, AXES)
        return tuple(dict.fromkeys(getattr(t, axis) for t in self.triplets))

    def summary(self, probability: float = 0.9) -> pd.DataFrame:
        """Return a row per triplet with medians and equal-tailed intervals of the given probability.

        Besides the parameters it holds what is stable when they are not: the error at the largest size, and
        how much the sizes can say about the exponent (`exponent_sd_limit`, the Cramer-Rao bound of its relative
        error for this curve alone).
        """
        from curvefit.fitting.summaries import summarise

        return summarise(self, probability)

    def __str__(self) -> str:
        from curvefit.fitting.summaries import describe

        return describe(self)

    def save(self, path: str | Path) -> Path:
        """Write the fit into the folder `path` (draws as NetCDF, the rest as JSON) and return it."""
        from curvefit.fitting.saved import save_fit

        return save_fit(self, Path(path))

    @classmethod
    def from_draws(
        cls,
        curves: LearningCurves,
        *,
        exponent: Any,
        amplitude: Any,
        floor: Any,
        chance: Any = None,
        likelihood: str = "given draws",
        status: FitStatus | None = None,
    ) -> CurveFit:
        """Build a fit from arrays: bootstrap draws, somebody else's posterior, a test.

        Parameters
        ----------
        curves
            The curves; their triplets give the order of the second dimension.
        exponent, amplitude, floor
            Draws of the law, shape (draws, triplets).
        chance
            Chance level per triplet, shape (triplets,); from the curves' table when not given. Where it is unknown
            for any curve, all curves follow ``floor + amplitude * n ** -exponent``.

        Raises
        ------
        InvalidInputError
            When shapes disagree, or draws are not finite or out of range.
        """
        from curvefit.fitting.given_draws import fit_from_draws

        return fit_from_draws(
            curves,
            exponent=exponent,
            amplitude=amplitude,
            floor=floor,
            chance=chance,
            likelihood=likelihood,
            status=status,
        )
