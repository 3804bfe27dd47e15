"""Flags of rows: a row that cannot be used stays, with the reason."""

from __future__ import annotations

import numpy as np
import pandas as pd

from curvefit.triplet import AXES, Triplet

METRICS = ("error-rate", "mse", "loss")
FEWEST_SIZES = 4


def ordered_triplets(table: pd.DataFrame) -> list[Triplet]:
    """Return the triplets of a table in order of appearance."""
    return [Triplet(*row) for row in table[list(AXES)].drop_duplicates().itertuples(index=False)]


def flag_kinds(flags: pd.Series) -> list[tuple[int, str]]:
    """Return how many rows carry each kind of flag, most first, with an example: flags that differ in numbers are a kind."""
    flags = flags[flags != ""]
    kinds = flags.str.replace(r"[-+]?\d[\d.e+-]*", "…", regex=True)
    found = []
    for kind, count in kinds.value_counts().items():
        alike = flags[kinds == kind]
        found.append((int(count), ("for example " if alike.nunique() > 1 else "") + alike.iloc[0]))
    return found


def flag_counts(flags: pd.Series) -> str:
    """Say how many rows carry which kind of flag."""
    said = [f"{count} row(s): {example}" for count, example in flag_kinds(flags)]
    return "; ".join(said) or "the table is empty"


def flag_rows(table: pd.DataFrame, *, seeds_given: bool) -> tuple[pd.DataFrame, list[str]]:
    """Return the table sorted by curve, size and seed with its `flag` column, and a note per kind of flag.

    Parameters
    ----------
    table
        Tidy table without `flag`, n_train NaN where it is unknown; rows are kept whatever their flag.
    seeds_given
        Whether the seeds were in the source. If not, they are numbered here, after duplicates are found.
    """
    table = table.copy()
    if table.empty:
        return table.assign(flag=pd.Series(dtype=str)), []
    no_size = table["n_train"].isna()
    table["n_train"] = table["n_train"].fillna(0).astype("int64")
    table["flag"] = _value_flags(table, no_size)
    notes: list[str] = []
    notes += _flag_duplicates(table, seeds_given)
    if not seeds_given:
        keys = [*AXES, "n_train", "metric"]
        good = table["flag"] == ""
        table.loc[good, "seed"] = table[good].groupby(keys).cumcount()
        table["seed"] = table["seed"].fillna(-1).astype(int)
    others = table["flag"][~table["flag"].str.startswith("duplicate")]
    notes += [
        f"{n} of {len(table)} rows flagged and not used: {example}" for n, example in flag_kinds(others)
    ]
    order = pd.factorize(pd.MultiIndex.from_frame(table[list(AXES)]))[0]
    table = table.assign(_order=order).sort_values(["_order", "n_train", "seed"], kind="stable")
    return table.drop(columns="_order").reset_index(drop=True), notes


def numbered_seeds(table: pd.DataFrame) -> bool:
    """Return whether some usable runs share curve, size and metric, so that seeds which nothing named had to be numbered."""
    return bool(table[table["flag"] == ""].duplicated([*AXES, "n_train", "metric"]).any())


def _value_flags(table: pd.DataFrame, no_size: pd.Series) -> pd.Series:
    rate = table["metric"] == "error-rate"
    value, n = table["value"], table["n_train"]
    bad_status = table["status"] != "ok"
    errors = table["n_errors"].map("{:.15g}".format)
    rules = [
        (bad_status, "run " + table["status"].astype(str)),
        (no_size, "n_train is missing"),
        (n <= 0, "n_train " + n.astype(str) + " is not positive"),
        (~np.isfinite(value.to_numpy(float)), "the value is missing or not finite"),
        (
            table["n_errors"] > table["n_test"],
            "n_errors " + errors + " above n_test " + table["n_test"].map("{:.15g}".format),
        ),
        (table["n_errors"] < 0, "n_errors " + errors + " below 0"),
        (rate & ((value < 0) | (value > 1)), "error rate " + value.astype(str) + " outside [0, 1]"),
        (~rate & (value < 0), table["metric"] + " " + value.astype(str) + " below 0"),
        (table["value_se"] < 0, "standard error " + table["value_se"].astype(str) + " below 0"),
    ]
    flags = pd.Series("", index=table.index, dtype=object)
    for condition, reason in rules:
        hit = np.asarray(condition, dtype=bool) & (flags == "").to_numpy()
        flags[hit] = reason if isinstance(reason, str) else reason[hit]
    return flags


def _flag_duplicates(table: pd.DataFrame, seeds_given: bool) -> list[str]:
    """Mark repeated rows in place.

    With seeds, a second row of the same run is a duplicate (or a conflict, if its value differs). Without
    seeds, equal losses are duplicates, but equal counts or rates may be honest replicates: those are
    duplicates only if *every* row of the curve stands there the same number of times.
    """
    notes = []
    good = table[table["flag"] == ""]
    run = [*AXES, "n_train", "metric"] + (["seed"] if seeds_given else [])
    same = [*run, "value"]
    repeat = good.duplicated(same)
    if not seeds_given:
        rate = good["metric"] == "error-rate"
        whole = pd.Series(False, index=good.index)
        for _, part in good[rate].groupby(list(AXES)):
            counts = part.groupby(["n_train", "value"]).size()
            whole[part.index] = len(counts) >= FEWEST_SIZES and counts.nunique() == 1 and counts.iloc[0] > 1
        repeat &= whole | ~rate
    table.loc[repeat[repeat].index, "flag"] = "duplicate of another row (same curve, size, value)"
    if repeat.any():
        for triplet, part in good.groupby(list(AXES), sort=False):
            twice = repeat[part.index]
            if twice.any():
                times = len(part) / max(len(part) - twice.sum(), 1)
                said = (
                    f"each row stands {times:.0f} times"
                    if times == round(times) and times > 1
                    else "repeated rows"
                )
                notes.append(f"{Triplet(*triplet)}: {twice.sum()} duplicated rows not used ({said})")
    if seeds_given:
        rest = table[table["flag"] == ""]
        conflict = rest.duplicated(run)
        table.loc[conflict[conflict].index, "flag"] = (
            "conflicts with another row of the same run (other value)"
        )
    if len(notes) > 5:
        notes = [*notes[:4], f"... and duplicated rows in {len(notes) - 4} more curves"]
    return notes
