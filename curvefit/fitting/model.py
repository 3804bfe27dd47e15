"""The PyMC model: one vectorised model for all curves. It defines what is sampled; `density` writes it out for speed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from curvefit.fitting.bend import BEND_FREEDOM, bent_size, step_scale
from curvefit.fitting.hierarchy import Hierarchy
from curvefit.fitting.layout import Layout
from curvefit.fitting.modes import certainty
from curvefit.fitting.noise import seed_variance
from curvefit.fitting.penalised import Penalised
from curvefit.fitting.ridge import DEGREE, floor_index
from curvefit.fitting.settings import FitSettings

if TYPE_CHECKING:
    import pymc as pm


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


def build_model(layout: Layout, hierarchy: Hierarchy, settings: FitSettings, start: Penalised) -> pm.Model:
    """Return the PyMC model of a layout; see docs/model.md for the formulas."""
    import pymc as pm
    import pytensor.tensor as pt

    from curvefit.fitting.likelihoods import add_beta_binomial, add_gaussian, add_student, walked_error
    from curvefit.fitting.whitening import whitened

    priors, family = settings.priors, layout.family
    own, n_own = hierarchy.curve_specs, len(hierarchy.curve_specs)
    coords = {
        "row": np.arange(hierarchy.n_rows),
        "parameter": [s.estimated_name for s in own],
        "noise": list(layout.noise_names),
    }
    if hierarchy.pooled:
        coords["scale_of"] = hierarchy.scale_names()
    if n_bends(layout, settings):
        coords["piece"] = layout.bend_edges[1:] * layout.size_unit
    if hierarchy.common_specs:
        coords["common_parameter"] = [s.estimated_name for s in hierarchy.common_specs]
    with pm.Model(coords=coords) as model:
        arrays = model_data(layout, hierarchy, start)
        data: dict[str, Any] = {k: None if v is None else pt.as_tensor(v) for k, v in arrays.items()}
        prior_mean, prior_sd = hierarchy.mean_prior.T
        pivot = floor_index(hierarchy)
        level: Any = None
        if pivot is not None:

            def level(root: Any) -> Any:
                floors = own[pivot].constrain(root, 1.0, pt)
                return pt.clip((floors - data["floor_centre"]) / data["floor_width"], -1.0, 1.0)

        if hierarchy.pooled:
            log_scale = pm.Normal(
                "log_scale", np.log(hierarchy.scale_prior), priors.scale_width, dims="scale_of"
            )
            scale = pt.exp(log_scale)
            eta = _group_level(hierarchy, scale, data, pivot, level)
            sd = scale[len(hierarchy.terms) :][None, :] * pt.ones((hierarchy.n_rows, 1))
        else:
            eta = pt.as_tensor(np.tile(prior_mean, (hierarchy.n_rows, 1)))
            sd = pt.as_tensor(np.tile(prior_sd, (hierarchy.n_rows, 1)))
        walk: Any = 0.0
        if settings.walks:
            log_walk = pm.Normal("log_walk", np.log(priors.walk[0]), priors.walk[1])
            walk = pm.Deterministic("walk", pt.exp(log_walk))
        certain = certainty(data["rate"], walk).reshape((*arrays["rate"].shape, 1, 1))
        information, score = ((certain * data[name]).sum(axis=1) for name in ("information", "score"))
        theta = whitened(eta, sd, information, score, pivot, level, (hierarchy.n_rows, n_own))
        common: Any = None
        if hierarchy.common_specs:
            common = pm.Normal("common", *hierarchy.common_prior.T, dims="common_parameter")

        log_size = data["cell_log_size"]
        size = pt.exp(log_size)
        if n_bends(layout, settings):
            step = pm.StudentT("bend_step", nu=BEND_FREEDOM, mu=0.0, sigma=1.0, dims="piece")
            scale_of_step = step_scale(priors.bend, layout.bend_edges)
            bend = pm.Deterministic("bend", scale_of_step * pt.cumsum(step), dims="piece")
            size = bent_size(pt, log_size, data["cell_bend"], bend)
        where = data["cell_curve"]
        unit, row = data["curve_unit"][where], data["curve_row"][where]
        values = {s.name: s.constrain(theta[:, k], 1.0, pt)[row] for k, s in enumerate(own)}
        values = {k: v * unit if family[k].measures == "error" else v for k, v in values.items()}
        values |= {s.name: s.constrain(common[i], 1.0, pt) for i, s in enumerate(hierarchy.common_specs)}
        error = family.formula(pt, size, chance=data["curve_chance"][where], **values)
        error = layout.scale.inside(error, pt)
        if settings.walks and not layout.walk_integrates:
            error = walked_error(
                layout.scale, error, walk, data, arrays["cell_stride"], arrays["walk_cell"].shape[1]
            )

        log_noise = pm.Normal("log_noise", np.log(priors.noise[0]), priors.noise[1], dims="noise")
        slope = pm.HalfNormal("noise_slope", priors.noise_slope)
        # Only its square matters: sampled with a sign, it is an ordinary value at 0, and the prior is half-normal.
        signed = pm.Normal("noise_floor_signed", 0.0, priors.noise_floor)
        floor = pm.Deterministic("noise_floor", pt.abs(signed))
        relative = log_size - data["middle_log_size"]
        variance = seed_variance(pt, log_noise[data["noise_group"][where]], slope, floor, relative)
        if layout.likelihood.noise == "beta-binomial":
            add_beta_binomial(error, variance, data)
        elif layout.likelihood.noise == "student":
            add_student(layout.scale, error, variance, data)
        else:
            correlation = None
            if layout.correlated:
                correlation = pm.Beta("noise_correlation", *priors.noise_correlation)
            integrated = walk if settings.walks and layout.walk_integrates else None
            add_gaussian(layout.scale, error, variance, data, correlation, integrated)
    return model


def _group_level(
    hierarchy: Hierarchy, scale: Any, data: dict[str, Any], pivot: int | None, level: Any
) -> Any:
    """Add grand means and effects; return what they expect of every row, shape (rows, parameters).

    Means and effects are those of `hierarchy` under independent normal priors. They are sampled less what they must change to
    stay on the curves' ridges when the expected floors change, and effects in the units of what their scale and the data at the
    start leave open: both exact for any start, and what makes short curves and few members mix.
    """
    import pymc as pm
    import pytensor.tensor as pt

    n_own, columns = len(hierarchy.curve_specs), hierarchy.column_parameter
    prior_mean, prior_sd = hierarchy.mean_prior.T
    eta: list[Any] = [None] * n_own
    means: list[Any] = [None] * n_own
    shift: Any = pt.zeros((hierarchy.n_rows, n_own))
    for k in sorted(range(n_own), key=lambda k: k != pivot):
        name, mine = hierarchy.curve_specs[k].estimated_name, np.flatnonzero(columns == k)
        moved = pt.dot(data["projection"][k], shift[:, k])
        means[k] = moved + pm.Normal(f"mean_{name}", prior_mean[k] - moved, prior_sd[k])
        eta[k] = means[k] + pt.zeros(hierarchy.n_rows)
        if len(mine):
            part = slice(mine[0], mine[-1] + 1)
            own_scale, known = scale[hierarchy.column_term[mine]], data["effect_known"][part]
            precision = 1.0 / own_scale**2 + known[:, 0]
            expected = pt.dot(data["projection"][n_own:][part], shift[:, k]) + known[:, 1] / precision
            unit = precision**-0.5
            partly = pm.Normal(f"effect_{name}", -expected / unit, own_scale / unit)
            eta[k] = eta[k] + pt.dot(data["design"][:, part], partly * unit + expected)
        if k == pivot:
            at = level(eta[k])[:, None]
            shift = data["path"][..., DEGREE]
            for power in reversed(range(DEGREE)):
                shift = shift * at + data["path"][..., power]
    pm.Deterministic("mean", pt.stack(means), dims="parameter")
    return pt.stack(eta, axis=-1)


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
        odds = shared.correlation / (1 - shared.correlation)
        point["noise_correlation_logodds__"] = np.log(odds)
    return {name: np.asarray(value, float) for name, value in point.items()}
