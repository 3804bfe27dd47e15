"""Priors as data: printable, settable, and checked by what curves they predict (`curvefit.fitting.prior_predictive`)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from curvefit.families import AbstractFamily, ParamSpec
from curvefit.settings import Settings

Positive = Annotated[float, Field(gt=0)]


class Priors(Settings):
    """All priors of the hierarchical model, on the estimated (log or root) scale.

    Attributes
    ----------
    mean
        Grand means by estimated name, for example ``{"log_exponent": (-0.9, 0.7)}``: mean and sd of a normal.
        What is not given comes from the family's table.
    spread
        Typical between-curve standard deviations by estimated name; the family's table otherwise.
    interaction_ratio, residual_ratio
        Spread of two-way interactions and of the residual per triplet, relative to that of main effects, for the
        parameter with factorial effects. Other parameters have no interactions and a residual of the full spread.
    scale_width
        Standard deviation of the log of every scale: a scale is lognormal with median spread / 2.
    noise
        Median and log-sd of the seed-to-seed standard deviation at the geometric middle of the sizes, on the logit (or log) scale.
    noise_slope
        Scale of the half-normal prior of the exponent with which that noise falls in n.
    noise_floor
        Scale of the half-normal prior of the noise left at large n.
    noise_correlation
        Parameters of the beta prior of the correlation between sizes a factor of two apart (same seed).
    test_correlation
        Parameters of the beta prior of the correlation between the counting noise of runs that are scored on the same test points;
        held at its mean where counts are beta-binomial.
    walk
        Median and log-sd of the standard deviation, a doubling of n, of every curve's walk around its law, on the logit
        (or log) scale: never 0, because no law is quite right.
    bend
        Scale of the Student-t prior (4 degrees of freedom) of how the log of all curves' exponents changes over a doubling of
        n, from piece to piece of the bend.
    """

    mean: dict[str, tuple[float, Positive]] = Field(default_factory=dict)
    spread: dict[str, Positive] = Field(default_factory=dict)
    interaction_ratio: Positive = 0.6
    residual_ratio: Positive = 0.4
    scale_width: Positive = 0.8
    noise: tuple[Positive, Positive] = (0.15, 0.8)
    noise_slope: Positive = 0.5
    noise_floor: Positive = 0.1
    noise_correlation: tuple[Positive, Positive] = (1.0, 1.0)
    test_correlation: tuple[Positive, Positive] = (1.0, 1.0)
    walk: tuple[Positive, Positive] = (0.02, 0.8)
    bend: Positive = 0.01

    @property
    def mean_test_correlation(self) -> float:
        """Mean of the prior of the correlation between the counting noise of runs on the same test points."""
        return self.test_correlation[0] / sum(self.test_correlation)

    def mean_of(self, spec: ParamSpec) -> tuple[float, float]:
        """Return mean and sd of the normal prior of a parameter's grand mean."""
        return self.mean.get(spec.estimated_name, spec.prior)

    def spread_of(self, spec: ParamSpec) -> float:
        """Return the typical spread of a parameter between curves."""
        return self.spread.get(spec.estimated_name, spec.spread)

    def table(self, family: AbstractFamily) -> list[tuple[str, str]]:
        """Return (quantity, prior) lines for a family, in words."""
        lines = []
        for spec in family.parameters:
            mean, sd = self.mean_of(spec)
            lines.append((f"mean of {spec.estimated_name}", f"Normal({mean:.3g}, {sd:.3g})"))
            if spec.pooling == "common":
                continue
            spread = self.spread_of(spec)
            terms = {"main effects": 1.0, "residual": 1.0}
            if spec.pooling == "factorial":
                terms = {
                    "main effects": 1.0,
                    "interactions": self.interaction_ratio,
                    "residual": self.residual_ratio,
                }
            for term, ratio in terms.items():
                median = 0.5 * ratio * spread
                lines.append(
                    (
                        f"scale of {spec.estimated_name}, {term}",
                        f"LogNormal(log {median:.3g}, {self.scale_width:.3g})",
                    )
                )
        lines += [
            ("seed noise at the middle size", f"LogNormal(log {self.noise[0]:.3g}, {self.noise[1]:.3g})"),
            ("slope of the seed noise", f"HalfNormal({self.noise_slope:.3g})"),
            ("floor of the seed noise", f"HalfNormal({self.noise_floor:.3g})"),
            ("correlation of the seed noise", "Beta({:.3g}, {:.3g})".format(*self.noise_correlation)),
            (
                "correlation of the counting noise on shared test points",
                "Beta({:.3g}, {:.3g})".format(*self.test_correlation),
            ),
            (
                "walk around the law, a doubling of n",
                f"LogNormal(log {self.walk[0]:.3g}, {self.walk[1]:.3g})",
            ),
            ("bend of log exponents, a doubling of n", f"StudentT(4, {self.bend:.3g})"),
        ]
        return lines

    def __str__(self) -> str:
        from curvefit.families import get_family

        lines = self.table(get_family("power-law"))
        width = max(len(name) for name, _ in lines)
        return "\n".join(f"{name:<{width}}  {prior}" for name, prior in lines)
