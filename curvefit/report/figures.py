"""Figures of a report: drawn by `curvefit.plots`, rendered to SVG and PNG, and closed."""

from __future__ import annotations

import io
import warnings
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from curvefit.curves.predicted_exponents import predicted_exponents
from curvefit.errors import InvalidInputError
from curvefit.fitting.bands import exponents_of
from curvefit.plots import (
    curve_bands,
    dimension_alignment,
    local_slopes,
    paper_style,
    parameter_table,
    plot_cross_check,
    plot_curves,
    plot_dimension,
    plot_exponents,
    plot_heatmap,
    plot_local_slopes,
    plot_multiplier,
    plot_predictions,
    plot_residuals,
    shown_curves,
)
from curvefit.plots.shown import AT_MOST, chosen_words
from curvefit.report.content import ReportFigure, key_of
from curvefit.triplet import AXES, Triplet

if TYPE_CHECKING:
    from curvefit.curves import LearningCurves
    from curvefit.dimension.gain import SymmetryGain
    from curvefit.fitting import CurveFit

AT_MOST_LEVELS = 5
AT_MOST_SLOPES = 6
PNG_DPI = 150


def render(key: str, draw: Callable[[], Any], *, caption: str) -> ReportFigure:
    """Draw, write as SVG and PNG, and close the figure; whatever goes wrong while drawing is raised."""
    import matplotlib.pyplot as plt

    with paper_style(), plt.ioff(), warnings.catch_warnings():
        axes = draw()
        first = np.atleast_1d(np.asarray(axes, dtype=object)).flat[0]
        figure = first.figure
        warnings.filterwarnings("ignore", "Glyph .* missing from font")  # plot_curves said so, in one warning
        try:
            svg, png = io.StringIO(), io.BytesIO()
            figure.savefig(svg, format="svg", bbox_inches="tight", metadata={"Date": None, "Creator": None})
            figure.savefig(png, format="png", dpi=PNG_DPI, bbox_inches="tight", metadata={"Software": None})
        finally:
            plt.close(figure)
    text = svg.getvalue()
    return ReportFigure(key, caption, text[text.index("<svg") :], png.getvalue())


def curve_figures(fit: CurveFit, *, probability: float = 0.9) -> Iterator[ReportFigure]:
    """Yield learning curves with bands, a figure per group of datasets that belong together."""
    exponents = exponents_of(fit, probability=probability)
    for number, (name, labels) in enumerate(data_groups(fit.curves).items(), start=1):
        part = exponents[exponents["data"].isin(labels)]
        shown = shown_curves(part)
        bands = curve_bands(fit, probability=probability, triplets=shown)
        yield render(
            f"curves-{number}",
            partial(plot_curves, bands),
            caption=f"Learning curves of {name}: means over seeds with their range, fitted curve with its "
            f"{probability:.0%} credible band{_predictive_words(bands)}. Both axes are logarithmic."
            + (
                f" {len(shown)} of {len(part)} curves are drawn, {chosen_words(part)}; the table below has all."
                if len(shown) < len(part)
                else ""
            ),
        )


def _predictive_words(bands: Any) -> str:
    return "; the paler band is where a new run is expected" if len(bands.triplets) == 1 else ""


def exponent_figures(fit: CurveFit, *, probability: float = 0.9) -> Iterator[ReportFigure]:
    """Yield the heat map of exponents where its columns can be read, and a forest per group of datasets."""
    table = parameter_table(fit, "exponent", probability=probability)
    if len(table) > 3 and len(table[["model", "inference"]].drop_duplicates()) <= AT_MOST:
        yield render(
            "exponent-map",
            lambda: plot_heatmap(table),
            caption="Median exponent of every triplet: data in rows, models within inference in columns.",
        )
    known = predicted_exponents(fit.curves.facts)
    for number, (name, labels) in enumerate(data_groups(fit.curves).items(), start=1):
        part = table[table["data"].isin(labels)]
        expected = np.array([known.get(tuple(row), np.nan) for row in part[list(AXES)].to_numpy()])
        yield render(
            f"exponents-{number}",
            partial(plot_exponents, part, predicted=expected),
            caption=f"Exponents of {name} with {probability:.0%} intervals"
            + (
                "."
                if np.isnan(expected).all()
                else "; hollow diamonds are theory, where it speaks of this student."
            ),
        )


def cross_check_figures(checked: pd.DataFrame, *, probability: float = 0.9) -> Iterator[ReportFigure]:
    """Yield exponents against those of least squares; nothing where there are fewer than three curves to see."""
    if np.isfinite(checked["least_squares_exponent"]).sum() < 3:
        return
    yield render(
        "cross-check",
        partial(plot_cross_check, checked),
        caption=f"Exponents of the fit with {probability:.0%} intervals against least squares on each curve alone with its profile "
        "intervals: on the dashed line they agree; what lies far beyond is drawn at the edge.",
    )


def slope_figure(fit: CurveFit, *, probability: float = 0.9) -> ReportFigure:
    """Return local slopes of a few curves: whether one exponent is enough."""
    from curvefit.dimension.pairs import reference_data

    slopes = local_slopes(fit, probability=probability)
    rotated = reference_data(fit.curves)
    chosen = slopes.select(_varied(slopes.triplets, rotated)[:AT_MOST_SLOPES])
    rest = len(slopes.triplets) - len(chosen.triplets)
    first = "unrotated data and every model" if rotated else "every model on every data set"
    return render(
        "local-slopes",
        partial(plot_local_slopes, chosen),
        caption="Local slope between neighbouring sizes (points) and of the fitted curve "
        f"({probability:.0%} bands): a plateau or a slow start would show here."
        + (f" {len(chosen.triplets)} curves are drawn: {first} first, {rest} are left out." if rest else ""),
    )


def _varied(triplets: Sequence[Triplet], rotated: Collection[str]) -> list[Triplet]:
    """Order triplets so that the first few differ: unrotated data first, each (data, model) before any comes again."""
    seen: Counter[tuple[str, str]] = Counter()
    ranks = []
    for triplet in triplets:
        ranks.append((triplet.data in rotated, seen[triplet[:2]]))
        seen[triplet[:2]] += 1
    return [triplet for _, triplet in sorted(zip(ranks, triplets, strict=True), key=lambda pair: pair[0])]


def check_figures(fit: CurveFit, *, probability: float = 0.9) -> Iterator[ReportFigure]:
    """Yield predictive checks and residuals; a fit built from given draws has no noise to check, and yields none."""
    from curvefit.fitting.criticism import check_predictions

    if not fit.has_noise:
        return
    table = check_predictions(fit, probability=probability)
    yield render(
        "predictions",
        partial(plot_predictions, table, probability=probability),
        caption="Observed means against what the fit predicts for new runs of the same size and number of seeds, with "
        f"{probability:.0%} intervals.",
    )
    yield render(
        "residuals",
        partial(plot_residuals, table),
        caption="Residuals against training-set size in units of the predictive standard deviation; a fit of the wrong "
        "shape shows as a run of one sign.",
    )


def data_groups(curves: LearningCurves) -> dict[str, list[str]]:
    """Group data labels: transforms of one dataset belong together; otherwise a few labels at a time."""
    from curvefit.dimension.pairs import reference_data

    labels = list(dict.fromkeys(triplet.data for triplet in curves.triplets))
    reference = reference_data(curves)
    if reference:
        groups: dict[str, list[str]] = {}
        for label in labels:
            groups.setdefault(reference.get(label, label), []).append(label)
        return {
            f"{first} and its rotations" if len(rest) > 1 else first: rest for first, rest in groups.items()
        }
    parts = [labels[i : i + AT_MOST_LEVELS] for i in range(0, len(labels), AT_MOST_LEVELS)]
    return {", ".join(part): part for part in parts}


def gain_figures(gain: SymmetryGain, baseline: str, *, probability: float = 0.9) -> Iterator[ReportFigure]:
    """Yield the data multiplier of every comparison with a model baseline, where errors were measured by both."""
    if any(pair.changed != "model" for pair in gain.pairs):
        return
    yield render(
        key_of("multiplier", baseline),
        partial(plot_multiplier, gain, probability=probability),
        caption=f"How many times more training inputs {baseline} needs for the same error, with "
        f"{probability:.0%} intervals; read "
        "at errors that both curves were measured at.",
    )
    draw_dimension = _dimension_drawing(gain, probability)
    if draw_dimension is not None:
        yield render(
            key_of("dimension", baseline),
            draw_dimension,
            caption=f"Effective dimension with {probability:.0%} intervals, read from the exponents as said under Methods, against "
            "the group under which (data, model, inference) learns: the part of the group of (model, inference) that is left on its data. "
            "Aligned triplets stand on the left, low where alignment pays.",
        )


def _dimension_drawing(gain: SymmetryGain, probability: float) -> Callable[[], Any] | None:
    """Return what draws dimension against alignment, or None where the records name no groups."""
    from curvefit.dimension import effective_dimension
    from curvefit.dimension.covariates import alignment_table

    try:
        if alignment_table(gain.fit)["lie_dimension"].notna().sum() < 2:
            return None
    except InvalidInputError:
        return None
    table = dimension_alignment(effective_dimension(gain.fit), probability=probability)
    return partial(plot_dimension, table)
