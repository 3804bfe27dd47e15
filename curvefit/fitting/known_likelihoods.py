"""The likelihoods by name: on which scale noise adds, and how it is distributed.

A new one is an entry here, and its density: in pytensor (`likelihoods`), in numpy (`run_likelihoods`), and with derivatives
(`density`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from curvefit.fitting.scale import LOG, LOGIT, AbstractScale

Name = Literal["beta-binomial", "logit-gaussian", "logit-student", "log-gaussian", "log-student"]


@dataclass(frozen=True, slots=True)
class Likelihood:
    """How runs lie around the law.

    Parameters
    ----------
    name
        As settings, fits and tables call it.
    scale
        Where seed noise adds.
    noise
        Distribution of runs: ``"gaussian"`` on that scale, where it may be correlated along n and a walk that seeds share can be
        integrated out; ``"student"`` there, every run by itself; or ``"beta-binomial"``, of counts.
    sentence
        What the methods section of a report says of it.
    """

    name: Name
    scale: AbstractScale
    noise: Literal["gaussian", "student", "beta-binomial"]
    sentence: str

    @property
    def needs_counts(self) -> bool:
        """Whether every run must come with its number of errors and of test points."""
        return self.noise == "beta-binomial"


LIKELIHOODS: dict[str, Likelihood] = {
    likelihood.name: likelihood
    for likelihood in (
        Likelihood(
            "beta-binomial",
            LOGIT,
            "beta-binomial",
            "Error counts are beta-binomial: counting noise of the test set and, beyond it, noise between seeds.",
        ),
        Likelihood(
            "logit-gaussian",
            LOGIT,
            "gaussian",
            "Error rates are Gaussian on the logit scale, with counting noise of the test set and noise between seeds.",
        ),
        Likelihood(
            "logit-student",
            LOGIT,
            "student",
            "Error rates are Student-t on the logit scale, with counting noise and noise between seeds.",
        ),
        Likelihood(
            "log-gaussian",
            LOG,
            "gaussian",
            "Errors are Gaussian on the log scale, with noise between seeds.",
        ),
        Likelihood(
            "log-student",
            LOG,
            "student",
            "Errors are Student-t on the log scale, with noise between seeds.",
        ),
    )
}
