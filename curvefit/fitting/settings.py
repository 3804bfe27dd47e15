"""FitSettings: everything that decides a fit, apart from the data."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, PositiveInt

from curvefit.families import AbstractFamily
from curvefit.fitting.known_likelihoods import Name
from curvefit.fitting.priors import Priors
from curvefit.settings import Settings

#: Acceptance rates of fits of `_FEW` curves or more, and of fewer.
_ACCEPT, _ACCEPT_FEW, _FEW = 0.85, 0.95, 10


class FitSettings(Settings):
    """Settings of a hierarchical fit; `fit` takes them by keyword.

    Attributes
    ----------
    family
        Registered name of the curve family.
    pooling
        ``"partial"``: factorial effects of data, model and inference with estimated scales; ``"member"``: the
        same for main effects alone, plus a residual per triplet; ``"none"``: every curve for itself (noise,
        bend, the walk's step and common parameters stay shared); ``"full"``: one law for all curves.
    likelihood
        ``"auto"``, ``"beta-binomial"``, ``"logit-gaussian"``, ``"logit-student"``, ``"log-gaussian"`` or
        ``"log-student"``.
    discrepancy
        How laws may be not quite right, so that intervals and bands allow for it, and more so the farther beyond the data.
        ``"bend-walk"``: the exponents at smaller sizes differ from those at the largest by a factor common to all curves
        (`curvefit.fitting.bend`), and every curve walks at random in log n around its law, by an estimated step common to
        all; ``"walk"``: walks alone; ``"none"``.
    method
        ``"nuts"``, or ``"approximate"`` (normal at the penalised fit: start values, not to be quoted).
    sampler
        ``"nutpie"``, ``"pymc"`` or ``"numpyro"``.
    draws, tune, chains
        Kept and warm-up draws per chain, and chains.
    cores
        Chains run at once; None for as many as the machine has processors.
    target_accept
        Acceptance rate the step size aims at; by default higher for few curves, whose noise and scales have long tails (`acceptance`).
    reruns
        How often a fit that fails the gate is sampled more: by more chains where they agree, else by all chains again, with more
        draws, twice the warm-up, and smaller steps where they diverged (`curvefit.fitting.gate`).
    seed
        Root of all random numbers of the fit.
    priors
        See `Priors`; print one to see them all.
    """

    family: str = "power-law"
    pooling: Literal["partial", "member", "none", "full"] = "partial"
    likelihood: Literal["auto", Name] = "auto"
    discrepancy: Literal["bend-walk", "walk", "none"] = "bend-walk"
    method: Literal["nuts", "approximate"] = "nuts"
    sampler: Literal["nutpie", "pymc", "numpyro"] = "nutpie"
    draws: PositiveInt = 2000
    tune: PositiveInt = 500
    chains: PositiveInt = 4
    cores: PositiveInt | None = None
    target_accept: float | None = Field(None, gt=0.5, lt=1.0)
    reruns: int = Field(2, ge=0, le=3)
    seed: int = Field(0, ge=0)
    priors: Priors = Priors()

    def acceptance(self, curves: int) -> float:
        """Return the acceptance rate the step size aims at in a fit of so many curves."""
        if self.target_accept is not None:
            return self.target_accept
        return _ACCEPT_FEW if curves < _FEW else _ACCEPT

    @property
    def usual_walk(self) -> float:
        """Prior median of the step of the curves' walk; 0 without one."""
        return self.priors.walk[0] if self.walks else 0.0

    def for_family(self, family: AbstractFamily) -> FitSettings:
        """Return the settings of a fit of that family: a constant, fitted to one size of every curve, has no discrepancy."""
        return self.model_copy(update={"discrepancy": "none"}) if family.constant else self

    @property
    def walks(self) -> bool:
        """Whether curves walk around their laws."""
        return self.discrepancy != "none"
