"""The hierarchical fit from curves to CurveFit: layout, penalised start, draws, gate, natural parameters."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from curvefit.curves.learning_curves import LearningCurves
from curvefit.errors import FitError
from curvefit.fitting.bend import bend_notes
from curvefit.fitting.curve_fit import CurveFit
from curvefit.fitting.gate import sample_through_gate
from curvefit.fitting.hierarchy import Hierarchy, build_hierarchy
from curvefit.fitting.inference_data import labelled_draws, triplet_coords
from curvefit.fitting.layout import Layout, lay_out
from curvefit.fitting.penalised import Penalised
from curvefit.fitting.settings import FitSettings
from curvefit.fitting.start import start_of_fit
from curvefit.fitting.status import FitStatus
from curvefit.fitting.walk_draws import draw_walks
from curvefit.seeding import generator
from curvefit.triplet import Triplet

if TYPE_CHECKING:
    import arviz as az


def run_fit(curves: LearningCurves, settings: FitSettings, *, progress_bar: bool = False) -> CurveFit:
    """Fit curves with given settings; see `curvefit.fitting.fit`."""
    layout = lay_out(curves, family=settings.family, likelihood=settings.likelihood)
    settings = settings.for_family(layout.family)
    if settings.method == "approximate":  # its normal distribution knows of no shift
        layout = replace(layout, test_sets=())
    hierarchy = build_hierarchy(layout, settings)
    start = start_of_fit(layout, hierarchy, settings)
    if not np.isfinite(start.theta).all():
        raise FitError("the penalised start is not finite; look at the flags of the curves")
    if settings.method == "approximate":
        from curvefit.fitting.approximate import approximate_draws

        draws = approximate_draws(layout, hierarchy, start, settings)
        status = FitStatus(True, (), n_draws=int(draws["theta"].shape[1]), quotable=False)
        stats = None
    else:
        found, status = sample_through_gate(layout, hierarchy, start, settings, progress_bar=progress_bar)
        posterior = found["posterior"]
        draws = {v: np.asarray(posterior[v].values) for v in posterior.data_vars if not v.endswith("__")}
        stats = {
            v: np.asarray(found["sample_stats"][v].values)
            for v in ("diverging", "n_steps")
            if v in found["sample_stats"]
        }
    data = natural_draws(layout, hierarchy, draws, curves.triplets, stats, settings.seed)
    limits = exponent_limits(layout, hierarchy, start)[layout.curve_of]
    data.constant_data["exponent_sd_limit"] = ("triplet", limits)
    notes = (*layout.notes, *training_notes(curves, layout), *flag_notes(curves), *limit_notes(data))
    if "bend" in draws:
        bend = draws["bend"].reshape(-1, draws["bend"].shape[2])
        notes += bend_notes(data.constant_data["bend_edge"].values, bend)
    return CurveFit(
        curves, curves.triplets, data, status, layout.family.name, layout.likelihood.name, settings, notes
    )


def natural_draws(
    layout: Layout,
    hierarchy: Hierarchy,
    draws: dict[str, np.ndarray],
    triplets: tuple[Triplet, ...],
    stats: dict[str, np.ndarray] | None,
    seed: int = 0,
) -> az.InferenceData:
    """Return InferenceData with the walks and the family's natural parameters of all `triplets` beside the sampled ones."""
    theta = draws["theta"][:, :, hierarchy.row[layout.curve_of]]
    unit, level = layout.unit[layout.curve_of], layout.chance[layout.curve_of]
    values: dict[str, Any] = {
        spec.name: spec.constrain(theta[..., k], unit) for k, spec in enumerate(hierarchy.curve_specs)
    }
    for i, spec in enumerate(hierarchy.common_specs):
        values[spec.name] = spec.constrain(draws["common"][..., i])
    with np.errstate(over="ignore"):
        values = layout.family.rescale_sizes(values, layout.size_unit)
        wide = {k: v[..., None] if v.ndim == 2 else v for k, v in values.items()}
        amplitude = layout.family.amplitude(chance=level, **wide)
    posterior = dict(values)
    constant = {"chance": level if layout.family.needs_chance else np.full(len(triplets), np.nan)}
    if amplitude is not None:
        posterior["amplitude"] = amplitude
    dims = {name: ["triplet"] for name, value in posterior.items() if np.ndim(value) == 3}
    dims |= {"theta": ["row", "parameter"], "chance": ["triplet"]}
    coords: dict[str, Any] = {
        **triplet_coords(triplets),
        "row": np.arange(hierarchy.n_rows),
        "parameter": [s.estimated_name for s in hierarchy.curve_specs],
        "noise": list(layout.noise_names),
    }
    dims |= {name: [dim] for name, dim in _DIMS.items() if name in draws}
    if "log_scale" in draws:
        coords["scale_of"] = hierarchy.scale_names()
    if "walk" in draws:
        sizes, walks = draw_walks(layout, hierarchy, draws, generator(seed, "walks"))
        posterior |= {
            "walk": draws["walk"],
            "walks": walks[:, :, layout.curve_of],
        }
        dims["walks"] = ["triplet", "walk_size"]
        coords["walk_size"] = sizes * layout.size_unit
    if "bend" in draws:
        posterior["bend"] = draws["bend"]
        constant["bend_edge"] = edges = layout.bend_edges * layout.size_unit
        dims |= {"bend": ["piece"], "bend_edge": ["edge"]}
        coords |= {"piece": edges[1:], "edge": np.arange(len(edges))}
    if hierarchy.common_specs:
        coords["common_parameter"] = [s.estimated_name for s in hierarchy.common_specs]
    if layout.test_sets:
        coords["test_set"] = list(layout.test_sets)
    for name in ("theta", *_DIMS, "noise_slope", "noise_floor", "noise_correlation", "test_correlation"):
        if name in draws:
            posterior[name] = draws[name]
    data = labelled_draws(posterior, dims, coords=coords, constant=constant, sample_stats=stats)
    groups = [layout.noise_names[g] for g in layout.noise_group[layout.curve_of]]
    data.constant_data["noise_group"] = ("triplet", groups)
    ends = np.zeros(len(layout.triplets))
    np.maximum.at(ends, layout.cell_curve, layout.cell_size * layout.size_unit)
    data.constant_data["walk_end"] = ("triplet", ends[layout.curve_of])
    data.constant_data["measurement"] = (
        "triplet",
        [str(layout.triplets[curve]) for curve in layout.curve_of],
    )
    data.constant_data["noise_size"] = ((), layout.middle_size * layout.size_unit)
    if layout.test_sets:
        sets = [layout.test_sets[s] for s in layout.test_set[layout.curve_of]]
        data.constant_data["scored_on"] = ("triplet", sets)
        data.constant_data["test_points"] = (
            "triplet",
            layout.cell_test[np.searchsorted(layout.cell_curve, layout.curve_of)],
        )
    return data


_DIMS = {
    "mean": "parameter",
    "log_noise": "noise",
    "log_scale": "scale_of",
    "common": "common_parameter",
    "test_shift": "test_set",
}


def exponent_limits(layout: Layout, hierarchy: Hierarchy, start: Penalised) -> np.ndarray:
    """Return the Cramer-Rao bound of the sd of each curve's log exponent, its other parameters unknown.

    Without any prior, from the curves of its row (the curve alone unless pooling is full); up to 1,000 where sizes determine nothing,
    NaN for a family without exponent.
    """
    names = [s.name for s in hierarchy.curve_specs]
    if "exponent" not in names:
        return np.full(len(layout.triplets), np.nan)
    bound = np.sqrt(
        np.maximum(np.linalg.inv(start.fisher)[:, names.index("exponent"), names.index("exponent")], 0)
    )
    return bound[hierarchy.row]


def training_notes(curves: LearningCurves, layout: Layout) -> tuple[str, ...]:
    """Return sentences about how training and test sets entered the likelihood."""
    notes = []
    if layout.correlated:
        word = "nested" if curves.training_sets == "nested" else "not known to be independent"
        notes.append(
            f"training sets are {word}: seed noise is correlated along n, the correlation is estimated"
        )
    if layout.test_sets:
        notes.append(
            "runs share the test points of their data: their counting noise is taken to be correlated alike, whatever model and size; "
            "intervals of curves are for errors on all points that could be drawn, new runs are scored on the shared ones"
        )
        if not layout.agreement_estimated:
            notes.append(
                "that correlation is held at the mean of its prior, since a beta-binomial is never narrower than binomial: where seeds "
                "agree by more than binomial counts, intervals are too wide"
            )
    elif curves.shared_test_set:
        notes.append("all runs share their test points: intervals are for errors on those")
    return tuple(notes)


def flag_notes(curves: LearningCurves) -> tuple[str, ...]:
    """Return a sentence per kind of quality flag: how many curves have it, and the first one's reason."""
    notes = []
    for flag, part in curves.warnings.groupby("flag", sort=False):
        first = part.iloc[0]
        triplet = " | ".join(first[axis] for axis in ("data", "model", "inference"))
        more = f" (and {len(part) - 1} more)" if len(part) > 1 else ""
        notes.append(f"{flag}: {triplet}{more}: {first['reason']}")
    return tuple(notes)


def limit_notes(data: az.InferenceData) -> tuple[str, ...]:
    """Return a sentence when many curves cannot identify their exponent by themselves."""
    from curvefit.fitting.summaries import WEAK_LIMIT

    limits = np.asarray(data["constant_data"]["exponent_sd_limit"].values)
    weak = int((limits > WEAK_LIMIT).sum())
    if not weak:
        return ()
    sentence = (
        f"{weak} of {len(limits)} curve(s) cannot tell floor from exponent by their own sizes; larger sizes help, "
        "more seeds do not"
    )
    return (sentence,)
