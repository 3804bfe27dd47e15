"""From a fit (or a gain) to the content of a report: all numbers are final before anything is rendered."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

from curvefit.dimension.pairs import baseline_name
from curvefit.errors import InvalidInputError
from curvefit.report.content import Report, ReportFigure, ReportTable
from curvefit.report.cross_checks import cross_check
from curvefit.report.figures import (
    check_figures,
    cross_check_figures,
    curve_figures,
    exponent_figures,
    gain_figures,
    slope_figure,
)
from curvefit.report.findings import most_telling
from curvefit.report.gains import gain_table, gains_of, model_grid, rotation_grid, theory_reasons
from curvefit.report.methods import methods_of, settings_of
from curvefit.report.tables import (
    exponent_table,
    flagged_table,
    invariance_grids,
    invariance_list,
    parameter_values,
)
from curvefit.report.theory_records import theory_parts

if TYPE_CHECKING:
    from curvefit.dimension.gain import SymmetryGain
    from curvefit.fitting import CurveFit

PLAIN_QUESTION = (
    "How fast does the test error fall with the number of training inputs, for each of these curves?"
)


@dataclass(frozen=True, slots=True)
class Occasion:
    """What a report knows beyond its fit.

    Parameters
    ----------
    name
        Name of the study or file.
    question
        What was asked.
    repeat
        Shell lines that make the report again.
    provenance
        How the runs were made.
    study
        The study file, as text.
    theory
        Measured beside predicted losses of kernel triplets, as `theory_beside` returns them; None without any.
    """

    name: str = "learning curves"
    question: str = PLAIN_QUESTION
    repeat: tuple[str, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)
    study: str = ""
    theory: pd.DataFrame | None = None


def build_report(
    source: CurveFit | SymmetryGain, *, occasion: Occasion | None = None, probability: float = 0.9
) -> Report:
    """Compute everything a report says.

    Parameters
    ----------
    source
        A fit, or a gain (then its own comparisons are reported).
    occasion
        Name, question and how to repeat.
    probability
        Mass of all intervals.
    """
    occasion = occasion or Occasion()
    fit, gains = _fit_and_gains(source)
    invariance = compare_transforms(fit, probability)
    flagged = flagged_table(fit.curves)
    checked = cross_check(fit, probability=probability) if fit.has_power_law else None
    grids: Sequence[ReportTable] = ()
    if invariance is not None:
        grids = (
            *invariance_grids(invariance, fit.curves, probability=probability),
            invariance_list(invariance, fit.curves, probability=probability),
        )
    return Report(
        name=occasion.name,
        question=occasion.question,
        verdict=most_telling(fit, invariance=invariance, gains=gains, probability=probability),
        status=str(fit.status),
        converged=fit.status.converged,
        quotable=fit.status.quotable,
        notes=(*fit.curves.notes, *fit.notes),
        curves=tuple(curve_figures(fit, probability=probability)),
        exponents=_exponent_parts(fit, checked, probability),
        gains=_gain_parts(gains, probability),
        theory=() if occasion.theory is None else theory_parts(occasion.theory),
        invariance=tuple(grids),
        criticism=(
            *check_figures(fit, probability=probability),
            slope_figure(fit, probability=probability),
            *(() if flagged is None else (flagged,)),
        ),
        methods=methods_of(
            fit,
            assumptions=[text for _, gain in gains for text in gain.assumptions],
            theory=theory_reasons([gain for _, gain in gains]),
        ),
        settings=settings_of(fit, occasion.provenance),
        repeat=occasion.repeat,
        study=occasion.study,
    )


def _exponent_parts(
    fit: CurveFit, checked: pd.DataFrame | None, probability: float
) -> tuple[ReportTable | ReportFigure, ...]:
    """Return the table of parameters, and figures of the exponents where the family has a power law."""
    if checked is None:
        return (parameter_values(fit, probability=probability),)
    return (
        exponent_table(fit, checked, probability=probability),
        *exponent_figures(fit, probability=probability),
        *cross_check_figures(checked, probability=probability),
    )


def _gain_parts(
    gains: Sequence[tuple[str, SymmetryGain]], probability: float
) -> tuple[ReportTable | ReportFigure, ...]:
    """Return figures and grids first, and the full tables, folded, after them."""
    over_models = [pair for pair in gains if pair[1].pairs and pair[1].pairs[0].changed == "model"]
    rotations = rotation_grid(gains, probability=probability)
    return (
        *itertools.chain.from_iterable(
            gain_figures(gain, name, probability=probability) for name, gain in over_models
        ),
        *(model_grid(gain, name, probability=probability) for name, gain in over_models),
        *(() if rotations is None else (rotations,)),
        *(gain_table(gain, name, probability=probability) for name, gain in gains),
    )


def compare_transforms(fit: CurveFit, probability: float) -> pd.DataFrame | None:
    """Return the invariance table with intervals of this mass, or None when no data is a transform of another."""
    from curvefit.dimension import invariance_table
    from curvefit.dimension.pairs import transform_pairs

    return invariance_table(fit, probability=probability) if transform_pairs(fit.curves) else None


def all_gains(report: Report) -> pd.DataFrame:
    """Return the numbers of every gain table in one frame; empty when there is none."""
    frames = [table.frame for table in report.tables if table.key.startswith("gains-")]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def _fit_and_gains(source: Any) -> tuple[CurveFit, list[tuple[str, SymmetryGain]]]:
    from curvefit.fitting import CurveFit

    if isinstance(source, CurveFit):
        return source, list(gains_of(source))
    if not hasattr(source, "pairs") or not hasattr(source, "dimension_gain"):
        raise InvalidInputError(f"a report needs a CurveFit or a SymmetryGain, not a {type(source).__name__}")
    return source.fit, [(baseline_name(source.pairs), source)]
