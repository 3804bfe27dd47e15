"""Hierarchy: which effects the parameters of all curves share, as design columns and prior numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from curvefit.errors import unknown_name
from curvefit.families import ParamSpec, get_family
from curvefit.fitting.effects import factorial_terms, level_index, term_columns
from curvefit.fitting.layout import Layout
from curvefit.fitting.settings import FitSettings
from curvefit.triplet import AXES


@dataclass(frozen=True, slots=True, eq=False)
class Hierarchy:
    """Design of the curve-level parameters.

    Parameters
    ----------
    curve_specs, common_specs
        Parameters with a value per curve, and those with one value for all.
    row
        Row of theta that each curve uses: its own, or 0 for all under full pooling; shape (curves,).
    pooled
        Whether rows share means, scales and effects (partial pooling).
    design
        Effect columns of all parameters side by side, shape (rows, columns).
    column_parameter, column_term
        Parameter and term number of each column.
    terms
        (parameter number, axes) of each term; the scales of the residuals follow them.
    mean_prior, common_prior
        Mean and sd per curve-level and per common parameter.
    scale_prior
        Median of each scale: terms first, then one residual per curve-level parameter.
    """

    curve_specs: tuple[ParamSpec, ...]
    common_specs: tuple[ParamSpec, ...]
    row: np.ndarray
    pooled: bool
    design: np.ndarray
    column_parameter: np.ndarray
    column_term: np.ndarray
    terms: tuple[tuple[int, tuple[int, ...]], ...]
    mean_prior: np.ndarray
    common_prior: np.ndarray
    scale_prior: np.ndarray

    @property
    def n_rows(self) -> int:
        """Rows of theta."""
        return int(self.row.max()) + 1

    def scale_names(self) -> list[str]:
        """Return names such as ``log_exponent[data:model]`` and ``log_exponent[residual]``."""
        names = [
            f"{self.curve_specs[k].estimated_name}[{':'.join(AXES[a] for a in axes)}]"
            for k, axes in self.terms
        ]
        return names + [f"{s.estimated_name}[residual]" for s in self.curve_specs]


def build_hierarchy(layout: Layout, settings: FitSettings) -> Hierarchy:
    """Return the design for a layout under the settings' pooling; `UnknownNameError` for a prior of what the family lacks."""
    priors, specs = settings.priors, layout.family.parameters
    known = _prior_names(settings.family)
    for name in (*priors.mean, *priors.spread):
        if name not in known:
            raise unknown_name(f"prior of the family {settings.family}", name, known)
    own = tuple(s for s in specs if s.pooling != "common")
    common = tuple(s for s in specs if s.pooling == "common")
    n_curves = len(layout.triplets)
    pooled = settings.pooling in ("partial", "member") and n_curves > 1
    row = np.zeros(n_curves, int) if settings.pooling == "full" else np.arange(n_curves)
    index, _ = level_index(layout.triplets)
    sizes = [int(k) for k in index.max(axis=0) + 1]
    terms: list[tuple[int, tuple[int, ...]]] = []
    medians, blocks, parameter, term_of = [], [], [], []
    for k, spec in enumerate(own if pooled else ()):
        orders = (1, 2) if spec.pooling == "factorial" and settings.pooling == "partial" else (1,)
        for axes in factorial_terms(index, orders):
            columns, _ = term_columns(index, sizes, axes)
            columns = columns[:, np.abs(columns).sum(axis=0) > 0]
            ratio = 1.0 if len(axes) == 1 else priors.interaction_ratio
            medians.append(0.5 * ratio * priors.spread_of(spec))
            blocks.append(columns)
            parameter += [k] * columns.shape[1]
            term_of += [len(terms)] * columns.shape[1]
            terms.append((k, axes))
    for spec in own:
        ratio = priors.residual_ratio if spec.pooling == "factorial" else 1.0
        medians.append(0.5 * ratio * priors.spread_of(spec))
    return Hierarchy(
        curve_specs=own,
        common_specs=common,
        row=row,
        pooled=pooled,
        design=np.hstack(blocks) if blocks else np.zeros((n_curves, 0)),
        column_parameter=np.array(parameter, int),
        column_term=np.array(term_of, int),
        terms=tuple(terms),
        mean_prior=np.array([priors.mean_of(s) for s in own], float).reshape(-1, 2),
        common_prior=np.array([priors.mean_of(s) for s in common], float).reshape(-1, 2),
        scale_prior=np.array(medians, float),
    )


def _prior_names(family: str) -> set[str]:
    """Return the names that priors of a family, or of what stands in for it without a chance level, may have."""
    law = get_family(family)
    laws = [law] if law.without_chance is None else [law, get_family(law.without_chance)]
    return {spec.estimated_name for one in laws for spec in one.parameters}


def natural_values(layout: Layout, hierarchy: Hierarchy, theta, common, *, curve: int | None = None):
    """Return natural parameter values per cell from theta (rows, parameters), or of one curve from its draws of theta.

    Parameters
    ----------
    theta, common
        Values of all rows, shape (rows, parameters), and the common ones (parameters,). For one curve: draws, shape (draws,
        parameters) both.
    curve
        The one curve that is wanted; values then have shape (draws, 1).
    """
    specs, shared = hierarchy.curve_specs, hierarchy.common_specs
    if curve is not None:
        unit = layout.unit[curve]
        values = {s.name: s.constrain(theta[:, k, None], unit) for k, s in enumerate(specs)}
        return values | {s.name: s.constrain(common[:, i, None], 1.0) for i, s in enumerate(shared)}
    where = layout.cell_curve
    unit, row = layout.unit[where], hierarchy.row[where]
    values = {s.name: s.constrain(theta[row, k], unit) for k, s in enumerate(specs)}
    return values | {s.name: s.constrain(common[i], 1.0) for i, s in enumerate(shared)}
