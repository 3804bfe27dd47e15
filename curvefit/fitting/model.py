"""The PyMC model: one vectorised model for all curves. It defines what is sampled; `density` writes it out for speed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from curvefit.families import ParamSpec
from curvefit.fitting.bend import BEND_FREEDOM, bent_size, step_scale
from curvefit.fitting.hierarchy import Hierarchy
from curvefit.fitting.layout import Layout
from curvefit.fitting.model_data import model_data, n_bends
from curvefit.fitting.modes import certainty
from curvefit.fitting.noise import counting_variance, seed_variance
from curvefit.fitting.penalised import Penalised
from curvefit.fitting.priors import Priors
from curvefit.fitting.ridge import DEGREE, floor_index
from curvefit.fitting.settings import FitSettings

if TYPE_CHECKING:
    import pymc as pm


def build_model(layout: Layout, hierarchy: Hierarchy, settings: FitSettings, start: Penalised) -> pm.Model:
    """Return the PyMC model of a layout; see docs/model.md for the formulas."""
    import pymc as pm
    import pytensor.tensor as pt

    from curvefit.fitting.likelihoods import shared_points_error, walked_error
    from curvefit.fitting.whitening import whitened

    with pm.Model(coords=_coords(layout, hierarchy, settings)) as model:
        arrays = model_data(layout, hierarchy, start)
        data: dict[str, Any] = {k: None if v is None else pt.as_tensor(v) for k, v in arrays.items()}
        pivot = floor_index(hierarchy)
        level = None if pivot is None else _floor_level(hierarchy.curve_specs[pivot], data)
        eta, sd = _expectations(hierarchy, settings.priors, data, pivot, level)
        walk: Any = 0.0
        if settings.walks:
            log_walk = pm.Normal("log_walk", np.log(settings.priors.walk[0]), settings.priors.walk[1])
            walk = pm.Deterministic("walk", pt.exp(log_walk))
        certain = certainty(data["rate"], walk).reshape((*arrays["rate"].shape, 1, 1))
        information, score = ((certain * data[name]).sum(axis=1) for name in ("information", "score"))
        theta = whitened(eta, sd, information, score, pivot, level, start.theta.shape)
        error = layout.scale.inside(_law(layout, hierarchy, settings, data, theta), pt)
        fresh: Any = 1.0
        if layout.test_sets:
            agreement: Any = settings.priors.mean_test_correlation
            if layout.agreement_estimated:
                agreement = pm.Beta("test_correlation", *settings.priors.test_correlation)
                fresh = 1.0 - agreement
            error = shared_points_error(layout.scale, error, agreement, data)
        if settings.walks and not layout.walk_integrates:
            error = walked_error(
                layout.scale, error, walk, data, arrays["cell_stride"], arrays["walk_cell"].shape[1]
            )
        variance = _seed_noise(settings.priors, data)
        counting = fresh * counting_variance(error, data["cell_test"], data["cell_variance"])
        _add_likelihood(layout, settings, error, variance, counting, data, walk)
    return model


def _coords(layout: Layout, hierarchy: Hierarchy, settings: FitSettings) -> dict[str, Any]:
    """Return the labels of the model's dimensions."""
    coords = {
        "row": np.arange(hierarchy.n_rows),
        "parameter": [s.estimated_name for s in hierarchy.curve_specs],
        "noise": list(layout.noise_names),
    }
    if hierarchy.pooled:
        coords["scale_of"] = hierarchy.scale_names()
    if n_bends(layout, settings):
        coords["piece"] = layout.bend_edges[1:] * layout.size_unit
    if hierarchy.common_specs:
        coords["common_parameter"] = [s.estimated_name for s in hierarchy.common_specs]
    if layout.test_sets:
        coords["test_set"] = list(layout.test_sets)
    return coords


def _floor_level(floor: ParamSpec, data: dict[str, Any]) -> Callable[[Any], Any]:
    """Return what takes an estimated floor to where it stands along its curve's ridge, -1 to 1."""
    import pytensor.tensor as pt

    def level(root: Any) -> Any:
        floors = floor.constrain(root, 1.0, pt)
        return pt.clip((floors - data["floor_centre"]) / data["floor_width"], -1.0, 1.0)

    return level


def _expectations(
    hierarchy: Hierarchy, priors: Priors, data: dict[str, Any], pivot: int | None, level: Any
) -> tuple[Any, Any]:
    """Return what is expected of every row, and its standard deviation, shape (rows, parameters): by the group level, or the prior."""
    import pymc as pm
    import pytensor.tensor as pt

    if hierarchy.pooled:
        log_scale = pm.Normal("log_scale", np.log(hierarchy.scale_prior), priors.scale_width, dims="scale_of")
        scale = pt.exp(log_scale)
        eta = _group_level(hierarchy, scale, data, pivot, level)
        return eta, scale[len(hierarchy.terms) :][None, :] * pt.ones((hierarchy.n_rows, 1))
    mean, sd = (pt.as_tensor(np.tile(column, (hierarchy.n_rows, 1))) for column in hierarchy.mean_prior.T)
    return mean, sd


def _law(
    layout: Layout, hierarchy: Hierarchy, settings: FitSettings, data: dict[str, Any], theta: Any
) -> Any:
    """Add common parameters and the bend; return the error that the law expects at every cell."""
    import pymc as pm
    import pytensor.tensor as pt

    common: Any = None
    if hierarchy.common_specs:
        common = pm.Normal("common", *hierarchy.common_prior.T, dims="common_parameter")
    size = pt.exp(data["cell_log_size"])
    if n_bends(layout, settings):
        step = pm.StudentT("bend_step", nu=BEND_FREEDOM, mu=0.0, sigma=1.0, dims="piece")
        scale = step_scale(settings.priors.bend, layout.bend_edges)
        bend = pm.Deterministic("bend", scale * pt.cumsum(step), dims="piece")
        size = bent_size(pt, data["cell_log_size"], data["cell_bend"], bend)
    where, family = data["cell_curve"], layout.family
    unit, row = data["curve_unit"][where], data["curve_row"][where]
    values = {s.name: s.constrain(theta[:, k], 1.0, pt)[row] for k, s in enumerate(hierarchy.curve_specs)}
    values = {k: v * unit if family[k].measures == "error" else v for k, v in values.items()}
    values |= {s.name: s.constrain(common[i], 1.0, pt) for i, s in enumerate(hierarchy.common_specs)}
    return family.formula(pt, size, chance=data["curve_chance"][where], **values)


def _seed_noise(priors: Priors, data: dict[str, Any]) -> Any:
    """Add the noise between seeds; return its variance at every cell."""
    import pymc as pm
    import pytensor.tensor as pt

    log_noise = pm.Normal("log_noise", np.log(priors.noise[0]), priors.noise[1], dims="noise")
    slope = pm.HalfNormal("noise_slope", priors.noise_slope)
    # Only its square matters: sampled with a sign, it is an ordinary value at 0, and the prior is half-normal.
    signed = pm.Normal("noise_floor_signed", 0.0, priors.noise_floor)
    floor = pm.Deterministic("noise_floor", pt.abs(signed))
    relative = data["cell_log_size"] - data["middle_log_size"]
    return seed_variance(pt, log_noise[data["noise_group"][data["cell_curve"]]], slope, floor, relative)


def _add_likelihood(
    layout: Layout,
    settings: FitSettings,
    error: Any,
    variance: Any,
    counting: Any,
    data: dict[str, Any],
    walk: Any,
) -> None:
    """Add how runs lie around the law, given their variances between seeds and from counting."""
    import pymc as pm

    from curvefit.fitting.likelihoods import add_beta_binomial, add_gaussian, add_student

    noise = layout.likelihood.noise
    if noise == "beta-binomial":
        add_beta_binomial(error, variance, data)
    elif noise == "student":
        add_student(layout.scale, error, variance, counting, data)
    else:
        correlation = None
        if layout.correlated:
            correlation = pm.Beta("noise_correlation", *settings.priors.noise_correlation)
        integrated = walk if settings.walks and layout.walk_integrates else None
        add_gaussian(layout.scale, error, variance, counting, data, correlation, integrated)


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
