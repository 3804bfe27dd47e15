"""How it was done: methods in words, the exact settings, and the versions that did it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from curvefit.fitting.known_likelihoods import LIKELIHOODS

if TYPE_CHECKING:
    from curvefit.fitting import CurveFit

PACKAGES = ("curvefit", "numpy", "scipy", "pandas", "pymc", "nutpie", "arviz", "statsmodels", "matplotlib")
POOLING = {
    "partial": "effects of data, model and inference and their interactions are pooled with estimated scales",
    "member": "main effects of data, model and inference are pooled with estimated scales, and every triplet has a residual",
    "none": "every curve is fitted for itself; only the noise parameters are shared",
    "full": "one law is fitted to all curves",
}
TRAINING_SETS = {
    "nested": "training sets are nested",
    "independent": "training sets are independent",
    "unknown": "how training sets were drawn is not known",
}


def methods_of(
    fit: CurveFit, *, assumptions: Sequence[str] = (), theory: Sequence[str] = ()
) -> tuple[str, ...]:
    """Return sentences on data, law, noise, pooling and sampling, for this very fit."""
    usable = fit.curves.usable
    seeds = usable["seed"].nunique()
    size_words = (
        f"{len(fit.triplets)} learning curves with {len(usable):,} runs ({seeds} seed{'s' if seeds != 1 else ''}) at "
        f"n = {usable['n_train'].min():,} to {usable['n_train'].max():,} training inputs; the metric is "
        f"{fit.curves.metric}, {TRAINING_SETS[fit.curves.training_sets]}."
    )
    sentences = [size_words, _law_words(fit), *_fitting_words(fit)]
    if fit.has_power_law:
        sentences.append(
            "The cross-check by least squares fits a power law with floor to the means over seeds of each curve alone, from the chance "
            "level where that is known, without priors; its intervals are profiles with Fisher's F, and know nothing of "
            "correlated seeds."
        )
    sentences.append(
        "An interval holds the stated share of the posterior between equal tails."
        + (
            " Exponents of error rates are no exponents of squared errors, and say nothing beyond the measured sizes by "
            "themselves."
            if fit.has_power_law
            else ""
        )
    )
    sentences += [f"Gains assume: {assumption}" for assumption in dict.fromkeys(assumptions)]
    sentences += [f"What theory says of gains. {reason[0].upper()}{reason[1:]}." for reason in theory]
    return tuple(sentences)


def _law_words(fit: CurveFit) -> str:
    """Return a sentence on the curve family."""
    if not fit.has_power_law:
        return f"The curve family is {fit.family}: no power law at large n, so no exponents to compare and no gains."
    start = ", and starts at the chance level where that is known" if fit.law.needs_chance else ""
    return f"The curve family is {fit.family}: the error falls as floor + amplitude · n^-exponent at large n{start}."


def _fitting_words(fit: CurveFit) -> list[str]:
    """Return sentences on noise, pooling and sampling; a fit made of draws says only that."""
    settings = fit.settings
    if not fit.has_noise:
        return [
            f"The draws were not sampled here ({fit.likelihood}): noise, priors and pooling are those of whoever made them."
        ]
    known = LIKELIHOODS.get(fit.likelihood)
    words = [
        known.sentence if known is not None else f"The likelihood is {fit.likelihood}.",
        f"Pooling is {settings.pooling}: {POOLING[settings.pooling]}.",
    ]
    if "test_shift" in fit.draws["posterior"]:
        words.append(
            "Runs on a data set are scored on the same test points: their counting noise is taken to be "
            "correlated alike, whatever model and size, and what they share enters intervals, as a shift of all curves on a test set "
            "that cancels between them. Bands are for all points that could be drawn, new runs are scored on the shared ones."
        )
    if "bend" in fit.draws["posterior"]:
        words.append(
            "Exponents are those at the largest sizes: at smaller ones, and beyond the data, they may differ by a factor common to "
            "all curves (the bend)."
        )
    if settings.walks:
        words.append(
            "Around its law every curve walks at random in log n, by an estimated step: intervals and bands allow for a law "
            "that is not quite right, and more so the farther beyond the data."
        )
    if settings.method == "approximate":
        words.append(
            "The posterior is a normal approximation at the penalised fit: its intervals were not shown to cover."
        )
    else:
        words.append(
            f"The posterior is sampled with NUTS ({settings.sampler}): {settings.chains} chains, {settings.tune} warm-up "
            f"and {settings.draws} kept draws each, seed {settings.seed}"
            + (
                "."
                if fit.n_draws == settings.chains * settings.draws
                else f"; what is reported are {fit.n_draws:,} draws, see the status of the fit."
            )
        )
    return words


def settings_of(fit: CurveFit, provenance: Mapping[str, Any] | None = None) -> dict[str, str]:
    """Return settings of the fit, versions of the packages, and where the runs were made.

    A fit made of draws has a family alone: no settings of the sampler, and no priors.
    """
    settings = {"family": fit.family, "draws": fit.likelihood}
    if fit.has_noise:
        settings = {
            name: str(value)
            for name, value in fit.settings.model_dump(mode="json").items()
            if name != "priors"
        }
        settings |= {f"prior: {name}": prior for name, prior in fit.settings.priors.table(fit.law)}
    settings |= {f"version of {name}": _version(name) for name in PACKAGES}
    settings |= {f"runs: {name}": str(value) for name, value in (provenance or {}).items()}
    return settings


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
