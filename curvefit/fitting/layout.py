"""Layout: learning curves as the index-based arrays that likelihoods work on, ragged grids included."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from curvefit.curves.learning_curves import LearningCurves
from curvefit.errors import InvalidInputError
from curvefit.families import AbstractFamily, get_family
from curvefit.fitting.curve_fit import chance_levels
from curvefit.triplet import AXES, Triplet

#: A count below this, in the mean of a cell, makes the normal approximation on the logit scale doubtful.
SMALL_COUNT = 5.0


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """Curves as arrays. C curves, cells (curve, size, test set), patterns (cell with its two predecessors), R runs.

    Sizes are divided by `size_unit`, errors of a curve are relative to its `unit` where a parameter says so.

    Parameters
    ----------
    family, likelihood
        Resolved family and likelihood.
    triplets
        The curves.
    chance, unit
        Chance level (1 where unknown and not needed) and the unit of error of each curve, shape (C,).
    noise_group, noise_names
        Which curves share a noise scale: those of one model and inference algorithm.
    cell_curve, cell_size, cell_test, cell_variance
        Per cell: curve, size / size_unit, test points (0 when the value is no count), known variance on the
        transformed scale (0 when it is a count or unknown).
    pattern_cell, pattern_gap, pattern_mask
        Per pattern: the cell and its first and second predecessor within a seed, shape (patterns, 3); gaps in
        doublings between 0-1, 0-2, 1-2; whether the predecessors exist, shape (patterns, 2).
    pattern_count, pattern_mean, pattern_cross
        Number of seeds, their mean transformed errors (patterns, 3), and sums of centred products in the order 00, 11,
        22, 01, 02, 12.
    run_cell, run_value, run_errors, run_test
        Per run: cell, transformed value, number of errors and test points.
    correlated
        Whether noise is correlated along n within a seed.
    size_unit, middle_size
        Divisor of the sizes, and the geometric middle of the divided sizes.
    notes
        Decisions taken, as sentences.
    """

    family: AbstractFamily
    likelihood: str
    triplets: tuple[Triplet, ...]
    chance: np.ndarray
    unit: np.ndarray
    noise_group: np.ndarray
    noise_names: tuple[str, ...]
    cell_curve: np.ndarray
    cell_size: np.ndarray
    cell_test: np.ndarray
    cell_variance: np.ndarray
    pattern_cell: np.ndarray
    pattern_gap: np.ndarray
    pattern_mask: np.ndarray
    pattern_count: np.ndarray
    pattern_mean: np.ndarray
    pattern_cross: np.ndarray
    run_cell: np.ndarray
    run_value: np.ndarray
    run_errors: np.ndarray
    run_test: np.ndarray
    correlated: bool
    size_unit: float
    middle_size: float
    notes: tuple[str, ...]

    @property
    def link(self) -> str:
        """Scale on which noise is additive: ``"logit"`` or ``"log"``."""
        return "log" if self.likelihood.startswith("log-") else "logit"

    def transform(self, error: np.ndarray) -> np.ndarray:
        """Return errors on the scale on which noise is additive."""
        return np.log(error) if self.link == "log" else np.log(error) - np.log1p(-error)


def lay_out(curves: LearningCurves, *, family: str, likelihood: str = "auto") -> Layout:
    """Turn curves into a `Layout`, resolving family and likelihood.

    Raises
    ------
    InvalidInputError
        When nothing is usable, chance levels are needed but unknown, or values do not suit the likelihood.
    """
    table = curves.usable
    if not len(table):
        raise InvalidInputError("there is no usable row to fit; see curves.table['flag'] for the reasons")
    notes: list[str] = []
    triplets = curves.triplets
    chance = chance_levels(curves)
    law, chance = _resolve_family(get_family(family), chance, triplets, notes)
    table = table.assign(curve=_codes(table, triplets))
    if law.name == "last-value":
        largest = table.groupby("curve")["n_train"].transform("max")
        table = table[table["n_train"] == largest].reset_index(drop=True)
    counts = (curves.metric == "error-rate") & table["n_errors"].notna().all() & table["n_test"].notna().all()
    chosen = _resolve_likelihood(likelihood, table, curves, bool(counts), notes)
    size_unit = _size_unit(table["n_train"].to_numpy(float))
    unit = chance if law.needs_chance else _start_levels(table, len(triplets))
    y = _transformed(table, chosen, bool(counts), notes)
    use_counts = bool(counts) and not chosen.startswith("log-")
    test = table["n_test"].to_numpy(float) if use_counts else np.zeros(len(table))
    variance = np.zeros(len(table)) if use_counts else _known_variance(table, chosen)
    key = pd.DataFrame(
        {"curve": table["curve"], "n": table["n_train"].astype(float), "test": test, "variance": variance}
    )
    cells = key.drop_duplicates().sort_values(["curve", "n", "test", "variance"]).reset_index(drop=True)
    run_cell = key.merge(cells.reset_index(names="cell"), on=list(key.columns), how="left")["cell"].to_numpy()
    correlated = (
        curves.training_sets != "independent"
        and chosen in ("logit-gaussian", "log-gaussian")
        and bool(table.groupby(["curve", "seed"])["n_train"].nunique().gt(1).any())
    )
    pattern = _patterns(table, y, run_cell, cells["n"].to_numpy(), correlated)
    groups = [f"{t.model} | {t.inference}" for t in triplets]
    names = tuple(dict.fromkeys(groups))
    n = cells["n"].to_numpy() / size_unit
    return Layout(
        family=law,
        likelihood=chosen,
        triplets=triplets,
        chance=chance,
        unit=unit,
        noise_group=np.array([names.index(g) for g in groups]),
        noise_names=names,
        cell_curve=cells["curve"].to_numpy(int),
        cell_size=n,
        cell_test=cells["test"].to_numpy(),
        cell_variance=cells["variance"].to_numpy(),
        **pattern,
        run_cell=run_cell.astype(int),
        run_value=y,
        run_errors=table["n_errors"].fillna(0).to_numpy(float),
        run_test=test,
        correlated=correlated,
        size_unit=size_unit,
        middle_size=float(np.exp(np.log(n).mean())),
        notes=tuple(notes),
    )


def _codes(table: pd.DataFrame, triplets: tuple[Triplet, ...]) -> np.ndarray:
    position = {tuple(t): j for j, t in enumerate(triplets)}
    return np.array([position[row] for row in table[list(AXES)].itertuples(index=False, name=None)])


def _resolve_family(law, chance, triplets, notes):
    missing = [str(t) for t, level in zip(triplets, chance) if not np.isfinite(level)]
    if not law.needs_chance:
        return law, np.ones(len(triplets))
    if not missing:
        if (chance <= 0).any():
            raise InvalidInputError(f"chance_error must be positive, found {chance.min():g}")
        return law, chance
    if law.without_chance is None:
        raise InvalidInputError(
            f"family {law.name!r} starts at the chance level, which is unknown for {missing[0]!r}"
            f"{f' and {len(missing) - 1} more' if len(missing) > 1 else ''}; give chance_error, "
            "or use family='asymptotic-power-law'"
        )
    notes.append(
        f"no chance level is known for {len(missing)} curve(s): fitted {law.without_chance} instead of {law.name}"
    )
    return get_family(law.without_chance), np.ones(len(triplets))


def _resolve_likelihood(likelihood, table, curves, counts, notes) -> str:
    rates = curves.metric == "error-rate"
    if likelihood == "beta-binomial" and not counts:
        raise InvalidInputError("the beta-binomial likelihood needs n_errors and n_test in every row")
    if likelihood.startswith("logit-") and not rates:
        raise InvalidInputError(
            f"likelihood {likelihood!r} is for error rates, the metric is {curves.metric!r}; use 'log-gaussian'"
        )
    if likelihood != "auto":
        if likelihood not in ("logit-gaussian", "log-gaussian") and curves.training_sets == "nested":
            notes.append(
                f"the training sets are nested, which the {likelihood} likelihood ignores: intervals are too short; "
                "use a Gaussian likelihood"
            )
        return likelihood
    if not rates:
        return "log-gaussian"
    if not counts:
        return "logit-gaussian"
    means = table.groupby(["curve", "n_train"])[["n_errors", "n_test"]].mean()
    small = np.minimum(means["n_errors"], means["n_test"] - means["n_errors"]) < SMALL_COUNT
    if not small.any():
        return "logit-gaussian"
    if curves.training_sets != "independent" and small.mean() < 0.2:
        notes.append(
            f"{int(small.sum())} of {len(small)} cells count fewer than {SMALL_COUNT:g} errors; the Gaussian "
            "likelihood is used all the same because nested training sets need its correlations"
        )
        return "logit-gaussian"
    notes.append(
        f"{int(small.sum())} of {len(small)} cells count fewer than {SMALL_COUNT:g} errors: beta-binomial likelihood"
    )
    if curves.training_sets == "nested":
        notes.append("nested training sets are ignored by it, so intervals are too short")
    return "beta-binomial"


def _size_unit(sizes: np.ndarray) -> float:
    smallest = sizes.min()
    return 1.0 if smallest <= 250 else float(10.0 ** np.round(np.log10(smallest / 50.0)))


def _start_levels(table: pd.DataFrame, n_curves: int) -> np.ndarray:
    smallest = table["n_train"] == table.groupby("curve")["n_train"].transform("min")
    return table[smallest].groupby("curve")["value"].median().reindex(range(n_curves)).to_numpy(float)


def _transformed(table, likelihood, counts, notes) -> np.ndarray:
    value = table["value"].to_numpy(float)
    if likelihood.startswith("log-"):
        if (value <= 0).any():
            raise InvalidInputError(
                f"{int((value <= 0).sum())} value(s) are 0 or negative (smallest {value.min():g}): a log-scale "
                "likelihood needs positive values; drop those rows or add the known lowest loss"
            )
        return np.log(value)
    if counts:
        k, m = table["n_errors"].to_numpy(float), table["n_test"].to_numpy(float)
        return np.log(k + 0.5) - np.log(m - k + 0.5)
    inside = value[(value > 0) & (value < 1)]
    if not len(inside):
        raise InvalidInputError("all error rates are 0 or 1; give n_test so that they can be read as counts")
    margin = 0.5 * min(inside.min(), 1 - inside.max())
    outside = (value <= 0) | (value >= 1)
    if outside.any():
        notes.append(f"{int(outside.sum())} rates of 0 or 1 without n_test were moved inside by {margin:.2g}")
    value = np.clip(value, margin, 1 - margin)
    return np.log(value) - np.log1p(-value)


def _known_variance(table: pd.DataFrame, likelihood: str) -> np.ndarray:
    se = table["value_se"].fillna(0.0).to_numpy(float)
    value = table["value"].to_numpy(float)
    slope = value if likelihood.startswith("log-") else value * (1 - value)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(se > 0, np.minimum((se / np.maximum(slope, 1e-12)) ** 2, 25.0), 0.0)


def _patterns(table, y, run_cell, cell_n, correlated) -> dict[str, np.ndarray]:
    order = np.lexsort((table["n_train"], table["seed"], table["curve"]))
    chain = table[["curve", "seed"]].to_numpy()[order]
    runs = np.stack([order, np.roll(order, 1), np.roll(order, 2)], axis=1)
    same1 = np.r_[False, (chain[1:] == chain[:-1]).all(axis=1)] & correlated
    same2 = np.r_[False, False, (chain[2:] == chain[:-2]).all(axis=1)] & correlated
    same1 &= cell_n[run_cell[runs[:, 0]]] > cell_n[run_cell[runs[:, 1]]]
    same2 &= same1 & (cell_n[run_cell[runs[:, 1]]] > cell_n[run_cell[runs[:, 2]]])
    runs[~same1, 1] = runs[~same1, 0]
    runs[~same2, 2] = runs[~same2, 1]
    mask = np.stack([same1, same2], axis=1)
    keys, inverse, count = np.unique(
        np.column_stack([run_cell[runs], mask]), axis=0, return_inverse=True, return_counts=True
    )
    inverse = inverse.ravel()
    values = y[runs]
    mean = np.stack([np.bincount(inverse, values[:, a]) for a in range(3)], axis=1) / count[:, None]
    rest = values - mean[inverse]
    cross = [
        np.bincount(inverse, rest[:, a] * rest[:, b])
        for a, b in ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))
    ]
    cell = keys[:, :3].astype(int)
    log2 = np.log2(cell_n[cell])
    return {
        "pattern_cell": cell,
        "pattern_gap": np.stack(
            [log2[:, 0] - log2[:, 1], log2[:, 0] - log2[:, 2], log2[:, 1] - log2[:, 2]], axis=1
        ),
        "pattern_mask": keys[:, 3:].astype(float),
        "pattern_count": count.astype(float),
        "pattern_mean": mean,
        "pattern_cross": np.stack(cross, axis=1),
    }
