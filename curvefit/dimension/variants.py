"""Sensitivity: does the gain survive other sizes, other families, other links, and fewer data sets?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from curvefit.curves.learning_curves import LearningCurves
from curvefit.dimension.gain import symmetry_gain
from curvefit.dimension.intervals import PROBABILITY, columns, probability_of
from curvefit.dimension.links import AbstractLink
from curvefit.dimension.pairs import Pair
from curvefit.errors import CurvefitError
from curvefit.fitting.curve_fit import CurveFit

MIN_SIZES = 4
"""Fewest sizes a curve may keep when the smallest are dropped."""

Refit = Callable[[LearningCurves, str], CurveFit]


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to do the analysis over.

    Parameters
    ----------
    kind
        ``"as fitted"``, ``"sizes"``, ``"family"``, ``"data"`` or ``"link"``.
    label
        What was changed.
    curves
        What to fit.
    family
        With which family.
    link
        Through which link the gain is read, or None for the one of the call.
    """

    kind: str
    label: str
    curves: LearningCurves
    family: str
    link: str | AbstractLink | Mapping[str, Any] | None = None


def sensitivity(
    fit: CurveFit,
    baseline: str = "fcn",
    *,
    pairs: Sequence[Pair] | None = None,
    families: Sequence[str] = (),
    links: Sequence[str | AbstractLink | Mapping[str, Any]] = (),
    dropped_sizes: int = 2,
    leave_out_data: bool = True,
    refit: Refit | None = None,
    probability: float = PROBABILITY,
) -> pd.DataFrame:
    """Repeat a gain with the smallest sizes dropped, other families, other links, and each data set left out.

    Parameters
    ----------
    fit
        The fit whose gain is in question.
    baseline, pairs
        As in `symmetry_gain`.
    families
        Other curve families to fit.
    links
        Other links to read the same exponents through (no refit).
    dropped_sizes
        Up to how many of the smallest sizes to drop, one after the other, as long as `MIN_SIZES` remain.
    leave_out_data
        Whether to leave each data label out in turn, where there are three or more (its neighbours then borrow
        nothing from it).
    refit
        ``(curves, family) -> CurveFit``; `curvefit.fitting.fit` with the settings of `fit` by default.
    probability
        Posterior probability of the intervals.

    Returns
    -------
    pandas.DataFrame
        One row per variant and pair: kind, variant, aligned, baseline, dimension gain, sample gain and slope with
        bounds, p_dimension_gain, status (``"ok"``, or why the variant could not be fitted or trusted).
    """
    from curvefit.dimension.pairs import baseline_pairs

    chosen = tuple(pairs or baseline_pairs(fit.curves, fit.triplets, baseline=baseline))
    again = refit or _refit_like(fit)
    rows: list[dict[str, Any]] = []
    for variant in _variants(fit, families, links, dropped_sizes, leave_out_data):
        same = variant.curves is fit.curves and variant.family == fit.family
        try:
            fitted = fit if same else again(variant.curves, variant.family)
        except CurvefitError as error:
            rows.append({"kind": variant.kind, "variant": variant.label, "status": str(error)})
            continue
        present = [p for p in chosen if {p.baseline, p.aligned} <= set(fitted.triplets)]
        if present:
            rows += _rows(variant, fitted, present, probability)
    return pd.DataFrame(rows)


def _variants(
    fit: CurveFit,
    families: Sequence[str],
    links: Sequence[str | AbstractLink | Mapping[str, Any]],
    dropped_sizes: int,
    leave_out_data: bool,
) -> Iterator[Variant]:
    curves = fit.curves
    yield Variant("as fitted", fit.family, curves, fit.family)
    for link in links:
        yield Variant("link", _link_label(link), curves, fit.family, link)
    sizes = np.sort(curves.usable["n_train"].unique())
    for dropped in range(1, dropped_sizes + 1):
        if len(sizes) - dropped < MIN_SIZES:
            break
        smallest = int(sizes[dropped])
        yield Variant("sizes", f"n_train >= {smallest}", curves.drop_sizes(below=smallest), fit.family)
    for family in families:
        if family != fit.family:
            yield Variant("family", family, curves, family)
    labels = list(dict.fromkeys(t.data for t in curves.triplets))
    if leave_out_data and len(labels) > 2:
        for label in labels:
            kept = [other for other in labels if other != label]
            yield Variant("data", f"without {label}", curves.select(data=kept), fit.family)


def _rows(
    variant: Variant, fitted: CurveFit, pairs: Sequence[Pair], probability: float
) -> list[dict[str, Any]]:
    gain = symmetry_gain(fitted, pairs=pairs, link=variant.link)
    rows = []
    for i, pair in enumerate(pairs):
        log_gain = np.log(gain.dimension_gain[:, i])
        rows.append(
            {
                "kind": variant.kind,
                "variant": variant.label,
                "aligned": str(pair.aligned),
                "baseline": str(pair.baseline),
                **columns("dimension_gain", gain.dimension_gain[:, i], probability),
                **columns("sample_gain", gain.sample_gain[:, i], probability),
                **columns("slope", gain.slope[:, i], probability),
                "p_dimension_gain": probability_of(log_gain > 0, log_gain),
                "status": "ok" if fitted.status.converged else "not converged",
            }
        )
    return rows


def _link_label(link: str | AbstractLink | Mapping[str, Any]) -> str:
    if isinstance(link, AbstractLink):
        return link.name
    return link if isinstance(link, str) else str(link["name"])


def _refit_like(fit: CurveFit) -> Refit:
    from curvefit.fitting.estimate import fit as fit_curves

    settings = {k: v for k, v in fit.settings.non_default().items() if k not in ("family", "seed")}

    def refit(curves: LearningCurves, family: str) -> CurveFit:
        return fit_curves(curves, family=family, seed=fit.settings.seed, **settings)

    return refit
