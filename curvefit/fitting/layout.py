"""Layout: learning curves as the index-based arrays that likelihoods work on, ragged grids included."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit

from curvefit.curves.chance import chance_levels
from curvefit.curves.learning_curves import LearningCurves
from curvefit.curves.repeats import same_measurement
from curvefit.errors import InvalidInputError
from curvefit.families import AbstractFamily, get_family
from curvefit.fitting.bend import bend_edges, doublings_in_pieces
from curvefit.fitting.chain_patterns import chain_patterns
from curvefit.fitting.known_likelihoods import Likelihood
from curvefit.fitting.likelihood_choice import (
    known_variance,
    resolve_family,
    resolve_likelihood,
    transformed_values,
)
from curvefit.fitting.scale import AbstractScale
from curvefit.fitting.scored_on import shared_test_sets
from curvefit.triplet import AXES, Triplet


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """Curves as arrays. C measured curves, cells (curve, size, test set), patterns (cell with its two predecessors), R runs.

    Sizes are divided by `size_unit`, errors of a curve are relative to its `unit` where a parameter says so.

    Parameters
    ----------
    family, likelihood
        Resolved family and likelihood.
    triplets
        The measured curves; one measurement under several names stands here once, under the first.
    curve_of
        For every triplet of the learning curves, its measured curve.
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
        Numbers of seeds and their mean transformed errors (patterns, 3), and sums of centred products in the order 00,
        11, 22, 01, 02, 12.
    cell_doublings
        Per cell: doublings of the size since the smallest of its curve.
    bend_edges, cell_bend
        Sizes / size_unit that bound the pieces of the bend, and the doublings of each bent piece between a cell's size and
        the largest, shape (cells, pieces); see `curvefit.fitting.bend`.
    run_cell, run_seed, run_value, run_errors, run_test
        Per run: cell, seed, transformed value, number of errors and test points.
    correlated
        Whether noise is correlated along n within a seed.
    test_sets
        Names of the test sets whose points all runs on them share (see `shared_test_sets`); none where runs are not counted, or points not
        shared.
    test_set
        Test set of each curve, shape (C,); empty where none are shared. All runs on one have the same number of test points.
    size_unit, middle_size
        Divisor of the sizes, and the geometric middle of the divided sizes.
    notes
        Decisions taken, as sentences.
    """

    family: AbstractFamily
    likelihood: Likelihood
    triplets: tuple[Triplet, ...]
    curve_of: np.ndarray
    chance: np.ndarray
    unit: np.ndarray
    noise_group: np.ndarray
    noise_names: tuple[str, ...]
    cell_curve: np.ndarray
    cell_size: np.ndarray
    cell_doublings: np.ndarray
    bend_edges: np.ndarray
    cell_bend: np.ndarray
    cell_test: np.ndarray
    cell_variance: np.ndarray
    pattern_cell: np.ndarray
    pattern_gap: np.ndarray
    pattern_mask: np.ndarray
    pattern_count: np.ndarray
    pattern_mean: np.ndarray
    pattern_cross: np.ndarray
    run_cell: np.ndarray
    run_seed: np.ndarray
    run_value: np.ndarray
    run_errors: np.ndarray
    run_test: np.ndarray
    correlated: bool
    test_sets: tuple[str, ...]
    test_set: np.ndarray
    size_unit: float
    middle_size: float
    notes: tuple[str, ...]

    @property
    def scale(self) -> AbstractScale:
        """Scale on which noise adds."""
        return self.likelihood.scale

    @property
    def counted(self) -> bool:
        """Whether values are counts on test sets (all of them are, or none)."""
        return bool((self.cell_test > 0).all())

    @property
    def agreement_estimated(self) -> bool:
        """Whether the correlation of counting noise on shared test points is estimated: not from beta-binomial counts, which are never narrower than binomial."""
        return bool(self.test_sets) and not self.likelihood.needs_counts

    @property
    def walk_integrates(self) -> bool:
        """Whether the likelihood is Gaussian in means over seeds, so that the walk that seeds share is integrated out of it.

        It is where a curve's seeds share its cells: one cell a size, and the seeds of a cell the same as of those before it when noise is
        correlated. Else the walk is sampled, and seeds are independent given it.
        """
        if self.likelihood.noise != "gaussian":
            return False
        size = np.column_stack([self.cell_curve, self.cell_size])
        of_cell = self.seed_means()[1][self.pattern_cell]
        return len(np.unique(size, axis=0)) == len(size) and bool((self.pattern_count == of_cell).all())

    @property
    def strides(self) -> np.ndarray:
        """Roots of the doublings from the cell before, shape (cells,): 0 at a curve's first cell, and at others of the same size."""
        return np.sqrt(np.maximum(np.diff(self.cell_doublings, prepend=0.0), 0.0))

    def seed_means(self) -> tuple[np.ndarray, np.ndarray]:
        """Return each cell's mean transformed value and its number of runs."""
        count = np.bincount(self.run_cell, minlength=len(self.cell_curve))
        return np.bincount(self.run_cell, self.run_value, minlength=len(count)) / count, count

    def shared_seeds(self, cells: np.ndarray) -> np.ndarray:
        """Return the share of pairs of seeds of two of a curve's cells that are one seed, shape (cells, cells)."""
        run = np.flatnonzero(np.isin(self.run_cell, cells))
        seeds, which = np.unique(self.run_seed[run], return_inverse=True)
        held = np.zeros((len(cells), len(seeds)))
        held[np.searchsorted(cells, self.run_cell[run]), which] = 1.0
        held /= held.sum(axis=1, keepdims=True)
        return held @ held.T


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
    first, curve_of = np.unique(same_measurement(curves), return_inverse=True)
    known = curves.triplets
    triplets = tuple(known[i] for i in first)
    table = table[_codes(table, known, first) >= 0].reset_index(drop=True)
    chance = np.array(list(chance_levels(curves).values()))[first]
    law, chance = resolve_family(get_family(family), chance, triplets, curves.metric, notes)
    table = table.assign(curve=_codes(table, known, first))
    if law.constant:
        largest = table.groupby("curve")["n_train"].transform("max")
        table = table[table["n_train"] == largest].reset_index(drop=True)
    counted = table["n_errors"].notna() & table["n_test"].notna() & (curves.metric == "error-rate")
    counts = bool(counted.all())
    if counted.any() and not counts:
        notes.append(
            f"{int((~counted).sum())} of {len(table)} runs lack n_errors or n_test: counting noise is known of none, and fitted as seed noise"
        )
    chosen = resolve_likelihood(likelihood, table, curves, counts, notes)
    size_unit = _size_unit(table["n_train"].to_numpy(float))
    y = transformed_values(table, chosen.scale, counts, notes)
    unit = chance if law.needs_chance else _start_levels(table, y, len(triplets))
    use_counts = counts and chosen.scale.of_rates
    test = table["n_test"].to_numpy(float) if use_counts else np.zeros(len(table))
    variance = np.zeros(len(table)) if use_counts else known_variance(table, chosen.scale)
    key = pd.DataFrame(
        {"curve": table["curve"], "n": table["n_train"].astype(float), "test": test, "variance": variance}
    )
    cells = key.drop_duplicates().sort_values(["curve", "n", "test", "variance"]).reset_index(drop=True)
    run_cell = key.merge(cells.reset_index(names="cell"), on=list(key.columns), how="left")["cell"].to_numpy()
    correlated = (
        curves.training_sets != "independent"
        and curves.seeds_matched
        and chosen.noise == "gaussian"
        and bool(table.groupby(["curve", "seed"])["n_train"].nunique().gt(1).any())
    )
    pattern = chain_patterns(table, y, run_cell, cells["n"].to_numpy(), correlated)
    groups = [f"{t.model} | {t.inference}" for t in triplets]
    names = tuple(dict.fromkeys(groups))
    n = cells["n"].to_numpy() / size_unit
    edges = bend_edges(n, len(triplets))
    scored_on = shared_test_sets(curves, triplets, table, notes) if use_counts else ()
    sets = tuple(dict.fromkeys(scored_on))
    return Layout(
        family=law,
        likelihood=chosen,
        triplets=triplets,
        curve_of=curve_of,
        chance=chance,
        unit=unit,
        noise_group=np.array([names.index(g) for g in groups]),
        noise_names=names,
        cell_curve=cells["curve"].to_numpy(int),
        cell_size=n,
        cell_doublings=np.log2(n / cells.groupby("curve")["n"].transform("min").to_numpy() * size_unit),
        bend_edges=edges,
        cell_bend=doublings_in_pieces(n, edges),
        cell_test=cells["test"].to_numpy(),
        cell_variance=cells["variance"].to_numpy(),
        **pattern,
        run_cell=run_cell.astype(int),
        run_seed=table["seed"].to_numpy(),
        run_value=y,
        run_errors=table["n_errors"].fillna(0).to_numpy(float),
        run_test=test,
        correlated=correlated,
        test_sets=sets,
        test_set=np.array([sets.index(name) for name in scored_on], int),
        size_unit=size_unit,
        middle_size=float(np.exp(np.log(n).mean())),
        notes=(*notes, *_repeat_notes(known, first, curve_of)),
    )


def _codes(table: pd.DataFrame, triplets: tuple[Triplet, ...], first: np.ndarray) -> np.ndarray:
    """Return the measured curve of every row, -1 for a repetition under another name."""
    position = {tuple(triplets[i]): j for j, i in enumerate(first)}
    return np.array([position.get(row, -1) for row in table[list(AXES)].itertuples(index=False, name=None)])


def _repeat_notes(triplets: tuple[Triplet, ...], first: np.ndarray, curve_of: np.ndarray) -> list[str]:
    repeated = [i for i in range(len(triplets)) if first[curve_of[i]] != i]
    if not repeated:
        return []
    same = f"{triplets[repeated[0]]} and {triplets[first[curve_of[repeated[0]]]]}"
    count = f"{len(repeated)} of {len(triplets)} curves"
    return [
        f"{count} repeat another run by run, one measurement under several names (such as {same}): fitted once"
    ]


def _size_unit(sizes: np.ndarray) -> float:
    smallest = sizes.min()
    return 1.0 if smallest <= 250 else float(10.0 ** np.round(np.log10(smallest / 50.0)))


def _start_levels(table: pd.DataFrame, y: np.ndarray, n_curves: int) -> np.ndarray:
    """Return each curve's median error at its smallest size; where no run erred, what the likelihood makes of that."""
    smallest = table["n_train"] == table.groupby("curve")["n_train"].transform("min")
    seen = table.assign(never=expit(y))[smallest].groupby("curve")[["value", "never"]].median()
    seen = seen.reindex(range(n_curves))
    return seen["value"].where(seen["value"] > 0, seen["never"]).to_numpy(float)
