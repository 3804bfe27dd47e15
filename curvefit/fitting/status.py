"""FitStatus: how far a fit may be trusted, said before anything else."""

from __future__ import annotations

from dataclasses import dataclass

#: The gate: every draw-based fit must pass all of these or say that it did not.
MAX_R_HAT = 1.02
#: Of theta, the curves' own parameters.
MAX_R_HAT_THETA = 1.01
#: Up to this R-hat chains are long enough: more of them do not make it smaller, longer ones do.
MAX_R_HAT_JOINED = 1.005
#: Chains with a larger R-hat than this may be stuck in different places, and their ESS says little.
MAX_R_HAT_APART = 1.1
MIN_ESS = 400.0
MAX_DIVERGENT_FRACTION = 0.005


@dataclass(frozen=True, slots=True)
class FitStatus:
    """Whether a fit converged, and what to know before reading it.

    Parameters
    ----------
    converged
        Whether every check was passed.
    messages
        What failed, and what was done about it, as sentences.
    max_r_hat
        Largest rank-normalised split R-hat over all sampled parameters; NaN when there is one chain or none.
    min_ess_bulk, min_ess_tail
        Smallest effective sample sizes over all sampled parameters.
    divergences
        Number of divergent transitions.
    n_draws
        Draws kept, over all chains.
    quotable
        False for approximate fits, whose intervals were not shown to cover.
    interrupted
        Whether Ctrl-C cut the sampling short; the draws so far are kept.
    """

    converged: bool
    messages: tuple[str, ...] = ()
    max_r_hat: float = float("nan")
    min_ess_bulk: float = float("nan")
    min_ess_tail: float = float("nan")
    divergences: int = 0
    n_draws: int = 0
    quotable: bool = True
    interrupted: bool = False

    @property
    def diverges(self) -> bool:
        """Whether more draws diverged than the gate lets through."""
        return self.divergences > MAX_DIVERGENT_FRACTION * self.n_draws

    @property
    def needs_only_draws(self) -> bool:
        """Whether chains are long enough to agree, and rarely diverge: more of them then make up for what is missing."""
        return not self.diverges and self.max_r_hat <= MAX_R_HAT_JOINED

    def __str__(self) -> str:
        word = "converged" if self.converged else "NOT converged"
        if not self.quotable:
            word = f"APPROXIMATE, intervals not to be quoted ({word})"
        figures = f"{self.n_draws:,} draws"
        if self.max_r_hat == self.max_r_hat:
            figures += (
                f", largest R-hat {self.max_r_hat:.3f}, smallest ESS {self.min_ess_bulk:.0f} bulk / "
                f"{self.min_ess_tail:.0f} tail, {self.divergences} divergence(s)"
            )
        return f"{word}: {figures}" + "".join(f"; {m}" for m in self.messages) + "."
