"""The log density of the hierarchical model and its gradient, written out: what nutpie samples.

`curvefit.fitting.model` says the same in PyMC and is the definition; a test holds the two together. Written out, an
evaluation costs a fraction, and nothing is compiled anew for other data, designs or sizes: only for another likelihood, for
curves that share nothing, and the law of a family.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy.sparse as sp
from scipy.special import betaln, expit

from curvefit.families import ParamSpec
from curvefit.fitting.bend import step_scale
from curvefit.fitting.density import cells, evaluation, stages
from curvefit.fitting.density.coordinates import Coordinates, shifted
from curvefit.fitting.density.law import law_with_partials
from curvefit.fitting.density.native import Native
from curvefit.fitting.hierarchy import Hierarchy
from curvefit.fitting.layout import Layout
from curvefit.fitting.model_data import n_bends, pattern_walk, start_point
from curvefit.fitting.penalised import Penalised
from curvefit.fitting.ridge import floor_index
from curvefit.fitting.scale import LOG
from curvefit.fitting.settings import FitSettings
from curvefit.fitting.top_level_prior import top_level_priors

_SUPPORT = {"positive": cells.POSITIVE, "fraction": cells.FRACTION}


class Density:
    """Log density of the unconstrained parameters, in the order and under the names of `start_point`.

    Parameters
    ----------
    layout, hierarchy, settings, start
        Data, design, settings and penalised fit.

    Attributes
    ----------
    centre
        Starting values, shape (dimensions,).
    scales
        Positions of log scales among the coordinates.
    """

    def __init__(self, layout: Layout, hierarchy: Hierarchy, settings: FitSettings, start: Penalised) -> None:
        point = start_point(layout, hierarchy, settings, start)
        self.centre = np.concatenate([value.ravel() for value in point.values()])
        self._parts = _one_after_another({name: value.shape for name, value in point.items()})
        sizes = dict.fromkeys(stages.BLOCKS, 0)
        for name, value in point.items():
            sizes[_block(name)] += value.size
        starts = np.concatenate([[0], np.cumsum(list(sizes.values()))])
        self.scales = np.concatenate([self.positions("log_scale"), self.positions("log_walk")])
        self._step_row, self._n_rows = hierarchy.row[layout.cell_curve[layout.strides > 0]], hierarchy.n_rows
        prior, ridge, found = hierarchy.mean_prior, start.ridge, floor_index(hierarchy)
        pivot = -1 if found is None else found
        group = None
        if hierarchy.pooled:
            group = (
                hierarchy.design, hierarchy.column_parameter, hierarchy.column_term, start.effect_known, start.projection,
                ridge.path, ridge.centre, ridge.width, pivot,
            )  # fmt: skip
        by_mode = np.concatenate([ridge.information, ridge.score], axis=-1)
        along = (ridge.rate, by_mode, ridge.centre, ridge.width, pivot)
        where = layout.cell_curve
        of_cell = (hierarchy.row[where], layout.unit[where].astype(float), np.zeros(len(where), int))
        own, common = _codes(hierarchy.curve_specs), _codes(hierarchy.common_specs)
        pieces = n_bends(layout, settings)
        scale = step_scale(settings.priors.bend, layout.bend_edges) if pieces else 0.0
        bend = (layout.cell_size.astype(float), layout.cell_bend[:, :pieces], scale)
        before = (starts, prior, group, along, own, common, of_cell, bend)
        after = (starts, prior, group, along, of_cell, bend)
        log_link, counted = layout.scale is LOG, layout.counted
        known = np.zeros(len(where)) if counted else layout.cell_variance.astype(float)
        priors = settings.priors
        betas = [(*beta, betaln(*beta)) for beta in (priors.noise_correlation, priors.test_correlation)]
        points = None
        if layout.test_sets:
            points = (
                priors.mean_test_correlation,
                layout.test_set[where],
                0.5 / np.sqrt(layout.cell_test),
            )
        stepped = layout.strides > 0
        slot = np.where(stepped, np.cumsum(stepped) - 1, -1)
        walks = (layout.strides, slot, np.searchsorted(where, where), start.seen)
        patterns = (
            layout.pattern_cell, layout.pattern_gap, layout.pattern_mask, layout.pattern_count,
            layout.pattern_mean, layout.pattern_cross, pattern_walk(layout),
        )  # fmt: skip
        noise = layout.likelihood.noise
        observed = (
            log_link, counted, layout.correlated, points, (layout.cell_test * float(counted), known),
            walks if "walk_free" in self._parts else None,
            (np.log(layout.cell_size / layout.middle_size), layout.noise_group[where]),
            patterns if noise == "gaussian" else None,
            (layout.run_cell, layout.run_value) if noise == "student" else None,
            (layout.run_cell, layout.run_errors) if noise == "beta-binomial" else None,
            np.array([priors.noise_slope, *betas[0], *betas[1]]),
            self._normal_priors(top_level_priors(layout, hierarchy, settings)),
        )  # fmt: skip
        coefficients = 0.0
        if noise == "beta-binomial":
            right = layout.run_test - layout.run_errors
            coefficients = float(
                -(np.log1p(layout.run_test) + betaln(layout.run_errors + 1.0, right + 1.0)).sum()
            )
        names = tuple(spec.name for spec in (*hierarchy.curve_specs, *hierarchy.common_specs))
        law, chance = law_with_partials(layout.family, names), layout.chance[where].astype(float)
        self._arguments = (law, chance, before, after, (observed, coefficients))
        self._native = self.through(
            shifted(np.zeros_like(self.centre), sp.eye_array(len(self.centre), format="csr"))
        )
        self._levels = Native(evaluation.density, (True, *self._native.arguments[1:]))
        rows = (self._n_rows, len(prior))
        walked = (len(self.positions("walk_free")),)
        shapes = {"theta": rows, "expected": rows, "mean": rows[1:], "bend": (pieces,), "walk_step": walked}
        self._level_parts = _one_after_another(shapes)

    def __call__(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the log density and its gradient at `x`, shape (dimensions,); not finite where it overflows."""
        return self._native(x)

    def through(self, coordinates: Coordinates) -> Native:
        """Return the density, and its gradient, as a function of y."""
        return Native(evaluation.density, (False, coordinates.arguments, *self._arguments))

    def expand(self, x: np.ndarray) -> dict[str, np.ndarray]:
        """Return one draw's parameters by name: natural ones in place of coordinates (names in ``__`` or ``_free``)."""
        at, levels = self.read(x), self._levels_at(x)
        found = {name: value for name, value in at.items() if not name.endswith(("__", "_free"))}
        found["theta"] = levels["theta"]
        found["noise_slope"] = np.exp(at["noise_slope_log__"])
        found["noise_floor"] = abs(found.pop("noise_floor_signed"))
        if "log_scale" in at:
            found["mean"] = levels["mean"]
        if "bend_step" in at:
            found["bend"] = levels["bend"]
        if "log_walk" in at:
            found["walk"] = np.exp(at["log_walk"])
        if "walk_free" in at:
            found["walk_step"] = levels["walk_step"]
        for name in ("noise_correlation", "test_correlation"):
            if f"{name}_logodds__" in at:
                found[name] = expit(at[f"{name}_logodds__"])
        return {name: np.array(value, float) for name, value in found.items()}

    def expected(self, x: np.ndarray) -> np.ndarray:
        """Return what the group level expects of every row's parameters at `x`, shape (rows, parameters)."""
        return self._levels_at(x)["expected"]

    def _levels_at(self, x: np.ndarray) -> dict[str, np.ndarray]:
        _, found = self._levels(x, room=self._level_parts["walk_step"][0].stop)
        return {name: found[part].reshape(shape) for name, (part, shape) in self._level_parts.items()}

    def read(self, x: np.ndarray) -> dict[str, np.ndarray]:
        """Return views of coordinates by the names of `start_point`."""
        return {name: x[part].reshape(shape) for name, (part, shape) in self._parts.items()}

    def positions(self, name: str) -> np.ndarray:
        """Return the positions of a coordinate of `start_point`, in its shape (1, for a number); none where the model lacks it."""
        part, shape = self._parts.get(name, (slice(0, 0), (0,)))
        return np.arange(part.start, part.stop).reshape(shape or 1)

    def shared_positions(self) -> np.ndarray:
        """Return the positions of what belongs to no row, scales apart."""
        own = [self.positions(name).ravel() for name in ("theta_free", "walk_free")]
        return np.setdiff1d(np.arange(len(self.centre)), np.concatenate([*own, self.scales]))

    def step_positions(self) -> list[np.ndarray]:
        """Return the positions of the steps of walks of each row's curves."""
        steps = self.positions("walk_free")
        of_row = self._step_row[: len(steps)]
        return [steps[of_row == row] for row in range(self._n_rows)]

    def _normal_priors(self, given: dict[str, Any]) -> np.ndarray:
        """Return mean and sd of the coordinates with a normal prior of their own, sd 0 elsewhere, shape (dimensions, 2)."""
        found = np.zeros((len(self.centre), 2))
        for name, prior in given.items():
            if name in self._parts and prior.dist.name == "norm":
                found[self._parts[name][0]] = np.column_stack([prior.mean(), prior.std()])
        found[self._parts["noise_floor_signed"][0], 1] = given["noise_floor"].kwds["scale"]
        found[self.positions("test_shift"), 1] = 1.0
        return found


def _one_after_another(shapes: dict[str, tuple[int, ...]]) -> dict[str, tuple[slice, tuple[int, ...]]]:
    """Return the places and shapes of arrays that lie one after another."""
    stops = np.cumsum([math.prod(shape) for shape in shapes.values()])
    return {
        name: (slice(stop - math.prod(shape), stop), shape)
        for (name, shape), stop in zip(shapes.items(), stops)
    }


def _block(name: str) -> str:
    """Return the block of `stages.BLOCKS` that a coordinate belongs to."""
    return next(
        block for block in stages.BLOCKS if name.removeprefix("noise_").startswith(block) or name == block
    )


def _codes(specs: tuple[ParamSpec, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return support codes, and which parameters are fractions of the curve's unit."""
    support = np.array([_SUPPORT[spec.support] for spec in specs], int)
    return support, np.array([spec.measures == "error" for spec in specs], bool)
