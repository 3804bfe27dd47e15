"""LearningCurves: what was seen, one tidy row a run, with flags instead of deletions."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from curvefit.curves.columns import TABLE_COLUMNS, map_columns
from curvefit.curves.curve_flags import curve_flags
from curvefit.curves.frames import as_pandas
from curvefit.curves.quality import METRICS, flag_counts, flag_rows, numbered_seeds, ordered_triplets
from curvefit.errors import InvalidInputError, unknown_name
from curvefit.records.record import RunRecord
from curvefit.shown import Shown
from curvefit.triplet import AXES, Triplet, label_matches

NAME_SEEDS = "name their column with seed='<column>', on the command line -c seed=<column>"
TRAINING_SETS = ("nested", "independent", "unknown")


@dataclass(frozen=True, slots=True, eq=False)
class LearningCurves(Shown):
    """Test errors of triplets at several training-set sizes.

    Build one with `from_frame`, `from_records` or `load_curves`; the constructor takes a table that is tidy
    already. The table is copied, so the caller's frame is never changed.

    Parameters
    ----------
    table
        One row a run, with the columns data, model, inference, n_train, seed, metric
        (``"error-rate"``, ``"mse"`` or ``"loss"``), n_errors, n_test, value, value_se, chance_error, seconds,
        status, flag. Unknown numbers are NaN. `flag` is empty, or the reason why the row is not used.
    facts
        One row a triplet, in the order of `triplets`: whatever is known about it (data_symmetry, transform,
        model_symmetry, function_symmetry, dimension, predicted_exponent, source, shape...).
    training_sets
        ``"nested"`` (a smaller set is part of the larger one), ``"independent"`` or ``"unknown"``.
    shared_test_set
        Whether all sizes and seeds of a data set were scored on the same test points; None if unknown.
    notes
        Sentences about what was guessed, converted or flagged on the way in.
    seeds_matched
        Whether one seed at two sizes is one run's: what it shares along n is then seen. False where nothing named the seeds of
        several runs of one size, which are numbered there.

    Examples
    --------
    >>> curves = LearningCurves.from_frame({"n": [16, 32, 64, 128], "error": [0.4, 0.3, 0.23, 0.17]})
    >>> len(curves.usable), curves.metric
    (4, 'error-rate')
    """

    table: pd.DataFrame
    facts: pd.DataFrame
    training_sets: str = "unknown"
    shared_test_set: bool | None = None
    notes: tuple[str, ...] = ()
    seeds_matched: bool = True

    def __post_init__(self) -> None:
        missing = [c for c in TABLE_COLUMNS if c not in self.table.columns]
        if missing:
            raise InvalidInputError(f"the table of learning curves lacks the columns {', '.join(missing)}")
        if self.training_sets not in TRAINING_SETS:
            raise unknown_name("kind of training sets", self.training_sets, TRAINING_SETS)
        object.__setattr__(self, "table", self.table.reset_index(drop=True))

    @classmethod
    def from_frame(
        cls,
        frame: Any,
        *,
        training_sets: str = "unknown",
        shared_test_set: bool | None = None,
        **columns: Any,
    ) -> LearningCurves:
        """Read a pandas or polars frame, a dictionary of columns or a list of dictionaries.

        Parameters
        ----------
        frame
            Tidy (one row a run) or wide (sizes, or curves, as columns).
        training_sets, shared_test_set
            As in `LearningCurves`.
        **columns
            Names of the frame's columns for data, model, inference, n_train, seed, n_errors, n_test, value,
            value_se, accuracy, chance_error, metric, seconds, status. `n_test`, `chance_error` and `value_se`
            may be numbers, `metric` a metric's name. What is not given is guessed from the names, and
            every guess is a sentence in `notes`.

        Raises
        ------
        InvalidInputError
            When no size or no error can be found, or a column named here does not exist.
        """
        mapped = map_columns(as_pandas(frame), columns)
        table, notes = flag_rows(mapped.table, seeds_given=mapped.seeds_given)
        facts = table[list(AXES)].drop_duplicates().reset_index(drop=True)
        matched = mapped.seeds_given or not numbered_seeds(table)
        if not matched:
            notes.append(
                f"no column names the seeds: runs of one size are taken as unrelated to those of other sizes; {NAME_SEEDS}"
            )
        return cls(table, facts, training_sets, shared_test_set, (*mapped.notes, *notes), matched)

    @classmethod
    def from_records(cls, records: Iterable[RunRecord]) -> LearningCurves:
        """Read run records, for example those of a store; failed runs become flagged rows.

        Where some records say nested and some independent training sets, or some a shared test set and some
        not, the curves are treated as nested and as not shared; a note says so.

        Raises
        ------
        InvalidInputError
            When there is no record.
        """
        from curvefit.curves.run_records import read_run_records

        return cls(*read_run_records(records))

    @property
    def usable(self) -> pd.DataFrame:
        """The rows without a flag."""
        return self.table[self.table["flag"] == ""].reset_index(drop=True)

    @property
    def triplets(self) -> tuple[Triplet, ...]:
        """The triplets with at least one usable row, in order of appearance."""
        return tuple(ordered_triplets(self.usable))

    @property
    def metric(self) -> str:
        """The metric of the usable rows.

        Raises
        ------
        InvalidInputError
            When the usable rows have several metrics, or there is none.
        """
        metrics = sorted(self.usable["metric"].unique())
        if len(metrics) == 1:
            return metrics[0]
        if not metrics:
            raise InvalidInputError(f"no row is usable: {flag_counts(self.table['flag'])}")
        from curvefit.curves.descriptions import mixed_metrics

        raise InvalidInputError(mixed_metrics(metrics))

    @property
    def warnings(self) -> pd.DataFrame:
        """Flags of whole curves: data, model, inference, flag, reason (a sentence); often empty."""
        return curve_flags(self.usable)

    def select(
        self,
        *,
        data: str | Sequence[str] | None = None,
        model: str | Sequence[str] | None = None,
        inference: str | Sequence[str] | None = None,
        metric: str | None = None,
    ) -> LearningCurves:
        """Return the curves whose labels match (``*`` stands for any text) and have this metric.

        Raises
        ------
        UnknownNameError
            When a pattern matches no label.
        InvalidInputError
            When no row has the metric, or every pattern matches some label, but no curve matches them all.
        """
        keep = np.ones(len(self.table), dtype=bool)
        for axis, wanted in (("data", data), ("model", model), ("inference", inference)):
            if wanted is not None:
                keep &= _matches(
                    self.table[axis], axis, [wanted] if isinstance(wanted, str) else list(wanted)
                )
        if metric is not None:
            if metric not in METRICS:
                raise unknown_name("metric", metric, METRICS)
            known = self.table["metric"].unique()
            if metric not in known:
                raise InvalidInputError(f"no row has the metric {metric!r}; here: {', '.join(sorted(known))}")
            keep &= (self.table["metric"] == metric).to_numpy()
        if not keep.any():
            asked = {"data": data, "model": model, "inference": inference, "metric": metric}
            said = ", ".join(f"{name}={value!r}" for name, value in asked.items() if value is not None)
            raise InvalidInputError(f"each of {said} exists, but no curve has them together")
        return self._with_table(self.table[keep])

    def drop_sizes(self, *, below: float | None = None, above: float | None = None) -> LearningCurves:
        """Return the curves without the sizes below `below` and above `above`."""
        n = self.table["n_train"]
        keep = pd.Series(True, index=n.index)
        if below is not None:
            keep &= n >= below
        if above is not None:
            keep &= n <= above
        if not keep.any():
            bounds = [f"at least {below}"] * (below is not None) + [f"at most {above}"] * (above is not None)
            raise InvalidInputError(f"no size is {' and '.join(bounds)}; sizes: {n.min()} to {n.max()}")
        return self._with_table(self.table[keep])

    def means(self) -> pd.DataFrame:
        """Return one row per triplet and size: mean value, its standard error, replicates, pooled counts.

        With two or more seeds the standard error is the larger of that from the spread over seeds and that from
        `value_se`. With one it is `value_se`, else for error rates that of the binomial law, else NaN.
        """
        from curvefit.curves.size_means import size_means

        return size_means(self.usable)

    def summary(self) -> pd.DataFrame:
        """Return one row a triplet and metric: sizes, range, replicates, first and last mean error, flags."""
        from curvefit.curves.descriptions import summarise

        return summarise(self)

    def save(self, path: str | Path) -> Path:
        """Write the curves, with flags, facts and notes, into a ``.parquet`` file that `load_curves` brings back.

        Raises
        ------
        InvalidInputError
            When `path` ends in something else.
        """
        from curvefit.curves.saved import save_curves

        return save_curves(self, Path(path))

    def __len__(self) -> int:
        return len(self.table)

    def __str__(self) -> str:
        from curvefit.curves.descriptions import describe

        return describe(self)

    def _with_table(self, table: pd.DataFrame) -> LearningCurves:
        triplets = set(ordered_triplets(table))
        kept = [tuple(row) in triplets for row in self.facts[list(AXES)].to_numpy()]
        return LearningCurves(
            table,
            self.facts[kept].reset_index(drop=True),
            self.training_sets,
            self.shared_test_set,
            self.notes,
            self.seeds_matched,
        )


def load_curves(path: Any, **columns: Any) -> LearningCurves:
    """Read learning curves from a record store (a folder) or a CSV, TSV, Parquet, JSON or JSON Lines file.

    Parameters
    ----------
    path
        Store directory or file; ``.gz`` is read through. A frame or anything else that `LearningCurves.from_frame`
        reads is read by it.
    **columns
        As in `LearningCurves.from_frame`.

    Raises
    ------
    DataFileError
        When the path does not exist or cannot be read as what its name says.
    InvalidInputError
        When `path` is neither a path nor something that can be read as a table.
    """
    from curvefit.curves.readers import read_path

    if isinstance(path, list | tuple) and any(isinstance(part, str | os.PathLike) for part in path):
        raise InvalidInputError(
            "load_curves reads one path, not a list; join the tables first, as in pandas.concat, and give the frame"
        )
    if not isinstance(path, str | os.PathLike):
        return LearningCurves.from_frame(path, **columns)
    return read_path(Path(path), columns)


def _matches(labels: pd.Series, axis: str, patterns: list[str]) -> np.ndarray:
    known = labels.unique()
    kept: set[str] = set()
    for pattern in patterns:
        hits = {label for label in known if label_matches(label, pattern)}
        if not hits:
            raise unknown_name(axis, pattern, known)
        kept |= hits
    return labels.isin(kept).to_numpy()
