"""What the model is built from: its arrays, and where its coordinates start; for PyMC's and the one written out alike."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import logit

from curvefit.fitting.bend import step_scale
from curvefit.fitting.hierarchy import Hierarchy
from curvefit.fitting.layout import Layout
from curvefit.fitting.penalised import Penalised
from curvefit.fitting.settings import FitSettings


def model_data(layout: Layout, hierarchy: Hierarchy, start: Penalised) -> dict[str, np.ndarray]:
    """Return every array of the model by name."""
    arrays = {
        "cell_curve": layout.cell_curve,
        "cell_log_size": np.log(layout.cell_size),
        "middle_log_size": np.full(len(layout.cell_size), np.log(layout.middle_size)),
        "cell_stride": layout.strides,
        "cell_bend": layout.cell_bend,
        "walk_cell": walk_cells(layout),
        "cell_test": layout.cell_test if layout.counted else None,
        "cell_variance": layout.cell_variance,
        "cell_test_set": layout.test_set[layout.cell_curve] if layout.test_sets else None,
        "curve_chance": layout.chance,
        "curve_unit": layout.unit,
        "curve_row": hierarchy.row,
        "noise_group": layout.noise_group,
        "design": hierarchy.design,
        "effect_known": start.effect_known,
        "rate": start.ridge.rate,
        "information": start.ridge.information,
        "score": start.ridge.score,
        "cell_seen": start.seen,
        "path": start.ridge.path,
        "floor_centre": start.ridge.centre,
        "floor_width": start.ridge.width,
        "projection": start.projection,
    }
    for name in ("cell", "gap", "mask", "count", "mean", "cross"):
        arrays[f"pattern_{name}"] = getattr(layout, f"pattern_{name}")
    arrays["pattern_walk"] = pattern_walk(layout)
    arrays |= {"run_cell": layout.run_cell, "run_value": layout.run_value}
    arrays |= {"run_errors": layout.run_errors.astype(int), "run_test": layout.run_test.astype(int)}
    return arrays


def n_bends(layout: Layout, settings: FitSettings) -> int:
    """Return the number of pieces of the bend, 0 without one."""
    return layout.cell_bend.shape[1] if settings.discrepancy == "bend-walk" else 0


def pattern_walk(layout: Layout) -> np.ndarray:
    """Return the doublings that a cell and its predecessors have walked, and those that two of them share, shape (patterns, 6)."""
    walked = layout.cell_doublings[layout.pattern_cell]
    return np.column_stack([walked, walked[:, [1, 2, 2]] * layout.pattern_mask[:, [0, 1, 1]]])


def walk_cells(layout: Layout) -> np.ndarray:
    """Return the cells of every curve in order of size, shape (curves, most cells of a curve); behind its last the number of all cells."""
    cells = np.arange(len(layout.cell_curve))
    of_curve = np.full((len(layout.triplets), np.bincount(layout.cell_curve).max()), len(cells))
    of_curve[layout.cell_curve, cells - np.searchsorted(layout.cell_curve, layout.cell_curve)] = cells
    return of_curve


def start_point(
    layout: Layout, hierarchy: Hierarchy, settings: FitSettings, start: Penalised
) -> dict[str, np.ndarray]:
    """Return unconstrained starting values by the name of the value variable."""
    shared = start.shared
    point: dict[str, Any] = {"theta_free": np.zeros_like(start.theta)}
    if hierarchy.pooled:
        point["log_scale"] = np.log(start.scale)
        names = [spec.estimated_name for spec in hierarchy.curve_specs]
        point |= {f"mean_{name}": start.mean[k] for k, name in enumerate(names)}
        for k, name in enumerate(names):
            if (hierarchy.column_parameter == k).any():
                point[f"effect_{name}"] = np.zeros((hierarchy.column_parameter == k).sum())
    if hierarchy.common_specs:
        point["common"] = shared.common
    if n_bends(layout, settings):
        point["bend_step"] = np.zeros(n_bends(layout, settings))
        if len(shared.bend):
            size = step_scale(settings.priors.bend, layout.bend_edges)
            point["bend_step"] = np.diff(shared.bend, prepend=0.0) / size
    if settings.walks:
        point["log_walk"] = np.log(shared.walk)
        if not layout.walk_integrates:
            point["walk_free"] = np.zeros(np.count_nonzero(layout.strides))
    point |= {
        "log_noise": np.log(shared.noise),
        "noise_slope_log__": np.log(shared.noise_slope),
        "noise_floor_signed": shared.noise_floor,
    }
    if layout.correlated:
        point["noise_correlation_logodds__"] = logit(shared.correlation)
    if layout.agreement_estimated:
        point["test_correlation_logodds__"] = logit(shared.test_correlation)
    if layout.test_sets:
        point["test_shift"] = np.zeros(len(layout.test_sets))
    return {name: np.asarray(value, float) for name, value in point.items()}
