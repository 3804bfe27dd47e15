"""Sensitivity: does the gain survive other sizes, other families, other links, and fewer data sets?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from curvefit.curves.learning_curves import LearningCurves
from curvefit.dimension.baselines import baseline_pairs
from curvefit.dimension.expectations import SURE
from curvefit.dimension.gain import symmetry_gain
from curvefit.dimension.intervals import PROBABILITY, cell, columns, gain_probabilities, number
from curvefit.dimension.links import Link
from curvefit.dimension.pairs import Pair
from curvefit.dimension.saved import Saveable
from curvefit.errors import CurvefitError
from curvefit.fitting.curve_fit import CurveFit

MIN_SIZES = 4
"""Fewest sizes a curve may keep when the smallest are dropped."""
AS_FITTED = "as fitted"

LinkName = str | Link | Mapping[str, Any]
Refit = Callable[[LearningCurves, str], CurveFit]


@dataclass(frozen=True, slots=True, eq=False)
class Sensitivity(Saveable):
    """A gain measured over and over, one thing changed at a time; build it with `sensitivity`.

    Parameters
    ----------
    table
        One row per variant and pair: kind, variant, pair, dimension gain, sample gain and slope with bounds,
        p_dimension_gain, p_dimension_same, p_dimension_loss, status (``"ok"``, ``"not converged"``, or why there is no number). A variant
        that could not be fitted has one row without a pair.
    status
        Status of the fit whose gain is in question.
    """

    table: pd.DataFrame
    status: str

    def summary(self) -> pd.DataFrame:
        """Return a table to read: a row per variant, a column per pair, dimension gains with intervals."""
        cells = self.table.dropna(subset=["pair"])
        written = cells.apply(
            lambda row: cell(row.dimension_gain, row.dimension_gain_low, row.dimension_gain_high), axis=1
        )
        wide = cells.assign(written=written).pivot(index="variant", columns="pair", values="written")
        variants = self.table.drop_duplicates("variant").set_index("variant")
        wide = wide.reindex(index=variants.index, columns=list(dict.fromkeys(cells["pair"])))
        return wide.fillna("").assign(status=variants["status"]).rename_axis(columns=None).reset_index()

    def sentences(self) -> list[str]:
        """Return a sentence per pair: the range of its dimension gain, and under what it does not hold."""
        measured = self.table.dropna(subset=["dimension_gain"])
        return [_judge(str(pair), rows) for pair, rows in measured.groupby("pair", sort=False)]

    def __str__(self) -> str:
        failed = self.table[~self.table["status"].isin(["ok", "not converged"])]
        lines = [self.status, *self.sentences()]
        lines += [f"{row.variant}: {row.status}" for row in failed.itertuples()]
        loose = list(dict.fromkeys(self.table.loc[self.table["status"] == "not converged", "variant"]))
        if loose:
            lines.append(f"not converged, so not to be leaned on: {', '.join(loose)}.")
        return "\n".join(lines)


def sensitivity(
    fit: CurveFit,
    baseline: str | None = None,
    *,
    pairs: Sequence[Pair] = (),
    families: Sequence[str] = ("gradual-power-law", "corrected-power-law"),
    links: Sequence[LinkName] = ("noisy",),
    dropped_sizes: int = 2,
    leave_out_data: bool = True,
    refit: Refit | None = None,
    probability: float = PROBABILITY,
    reference: Mapping[str, str] | None = None,
) -> Sensitivity:
    """Repeat a gain with the smallest sizes dropped, other families, other links, and each data set left out.

    Every variant but the links is a fit of its own, as long as the first: with many data sets that adds up, and
    `leave_out_data` or `refit` save them.

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
    reference
        As in `invariance_table`.

    Returns
    -------
    Sensitivity
        With the table; printed, it says what holds and what does not. A variant that cannot be fitted is a row
        with the reason.
    """
    chosen = tuple(pairs or baseline_pairs(fit.curves, fit.triplets, baseline=baseline, reference=reference))
    again = refit or _refit_like(fit)
    rows: list[dict[str, Any]] = []
    for variant in _variants(fit, families, links, dropped_sizes, leave_out_data):
        unchanged = variant.curves is fit.curves and variant.family == fit.family
        try:
            fitted = fit if unchanged else again(variant.curves, variant.family)
            present = [p for p in chosen if {p.baseline, p.aligned} <= set(fitted.triplets)]
            if present:
                rows += _rows(variant, fitted, present, probability)
        except CurvefitError as error:
            rows.append({"kind": variant.kind, "variant": variant.label, "pair": None, "status": str(error)})
    return Sensitivity(pd.DataFrame(rows), str(fit.status))


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
    link: LinkName | None = None


def _variants(
    fit: CurveFit,
    families: Sequence[str],
    links: Sequence[LinkName],
    dropped_sizes: int,
    leave_out_data: bool,
) -> Iterator[Variant]:
    curves = fit.curves
    yield Variant(AS_FITTED, AS_FITTED, curves, fit.family)
    for link in links:
        yield Variant("link", f"link {_link_name(link)}", curves, fit.family, link)
    sizes = np.sort(curves.usable["n_train"].unique())
    for dropped in range(1, dropped_sizes + 1):
        if len(sizes) - dropped < MIN_SIZES:
            break
        smallest = int(sizes[dropped])
        yield Variant("sizes", f"n_train >= {smallest}", curves.drop_sizes(below=smallest), fit.family)
    for family in families:
        if family != fit.family:
            yield Variant("family", f"family {family}", curves, family)
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
        p = gain_probabilities(gain.dimension_gain[:, i], gain.rope)
        rows.append(
            {
                "kind": variant.kind,
                "variant": variant.label,
                "pair": str(pair),
                **columns("dimension_gain", gain.dimension_gain[:, i], probability),
                **columns("sample_gain", gain.sample_gain[:, i], probability),
                **columns("slope", gain.slope[:, i], probability),
                "p_dimension_gain": p.more,
                "p_dimension_same": p.same,
                "p_dimension_loss": p.less,
                "status": "ok" if fitted.status.converged else "not converged",
            }
        )
    return rows


def _judge(pair: str, rows: pd.DataFrame) -> str:
    """Return whether a pair's claim, or lack of one, is the same under every variant."""
    fitted = rows[rows["variant"] == AS_FITTED].iloc[0]
    claim = _claim(fitted["p_dimension_gain"], fitted["p_dimension_loss"])
    least, most = (
        rows.loc[index()] for index in (rows["dimension_gain"].idxmin, rows["dimension_gain"].idxmax)
    )
    spread = " to ".join(f"{number(row['dimension_gain'])} ({row['variant']})" for row in (least, most))
    told = cell(fitted["dimension_gain"], fitted["dimension_gain_low"], fitted["dimension_gain_high"])
    start = f"{pair}: dimension gain {told} as fitted, medians {spread} over {len(rows) - 1} variants"
    others = rows[rows["variant"] != AS_FITTED]
    differs = [
        f"{row.variant} ({cell(row.dimension_gain, row.dimension_gain_low, row.dimension_gain_high)})"
        for row in others.itertuples()
        if _claim(row.p_dimension_gain, row.p_dimension_loss) != claim
    ]
    if not differs:
        return f"{start}; {claim} under all of them."
    return f"{start}; {claim} as fitted, but not under {', '.join(differs)}."


def _claim(p_gain: float, p_loss: float) -> str:
    if p_gain >= SURE:
        return "a lower dimension is established"
    return "a higher dimension is established" if p_loss >= SURE else "no change is established"


def _link_name(link: LinkName) -> str:
    return link if isinstance(link, str) else str(link["name"] if isinstance(link, Mapping) else link.name)


def _refit_like(fit: CurveFit) -> Refit:
    from curvefit.fitting.estimate import fit as fit_curves

    settings = {k: v for k, v in fit.settings.non_default().items() if k not in ("family", "seed")}

    def refit(curves: LearningCurves, family: str) -> CurveFit:
        return fit_curves(curves, family=family, seed=fit.settings.seed, **settings)

    return refit
