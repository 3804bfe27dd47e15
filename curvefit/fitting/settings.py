"""FitSettings: everything that decides a fit, apart from the data."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, PositiveInt

from curvefit.fitting.priors import Priors
from curvefit.settings import Settings


class FitSettings(Settings):
    """Settings of a hierarchical fit; `fit` takes them by keyword.

    Attributes
    ----------
    family
        Registered name of the curve family.
    pooling
        ``"partial"``: factorial effects of data, model and inference with estimated scales; ``"member"``: the
        same for main effects alone, plus a residual per triplet; ``"none"``: every curve for itself (noise
        parameters stay shared); ``"full"``: one law for all curves.
    likelihood
        ``"auto"``, ``"beta-binomial"``, ``"logit-gaussian"``, ``"logit-student"``, ``"log-gaussian"`` or
        ``"log-student"``.
    discrepancy
        ``"walk"``: around its law every curve walks at random in log n, by an estimated step common to all, so that
        intervals and bands allow for a law that is not quite right, and more so the farther beyond the data; ``"none"``.
    method
        ``"nuts"``, or ``"approximate"`` (normal at the penalised fit: start values, not to be quoted).
    sampler
        ``"nutpie"``, ``"pymc"`` or ``"numpyro"``.
    draws, tune, chains
        Kept and warm-up draws per chain, and chains.
    cores
        Chains run at once; None for as many as the machine has processors.
    target_accept
        Acceptance rate the step size aims at.
    reruns
        How often a fit that fails the gate is run again with twice the draws and warm-up.
    seed
        Root of all random numbers of the fit.
    priors
        See `Priors`; print one to see them all.
    """

    family: str = "power-law"
    pooling: Literal["partial", "member", "none", "full"] = "partial"
    likelihood: Literal[
        "auto", "beta-binomial", "logit-gaussian", "logit-student", "log-gaussian", "log-student"
    ] = "auto"
    discrepancy: Literal["walk", "none"] = "walk"
    method: Literal["nuts", "approximate"] = "nuts"
    sampler: Literal["nutpie", "pymc", "numpyro"] = "nutpie"
    draws: PositiveInt = 1000
    tune: PositiveInt = 1000
    chains: PositiveInt = 4
    cores: PositiveInt | None = None
    target_accept: float = Field(0.95, gt=0.5, lt=1.0)
    reruns: int = Field(1, ge=0, le=3)
    seed: int = Field(0, ge=0)
    priors: Priors = Priors()

    @property
    def usual_walk(self) -> float:
        """Prior median of the step of the curves' walk; 0 without one."""
        return self.priors.walk[0] if self.discrepancy == "walk" else 0.0
