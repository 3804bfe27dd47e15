"""Flags with reasons: rows that cannot be used, and curves that deserve a weaker answer."""

from __future__ import annotations

import numpy as np
import pandas as pd

from curvefit.triplet import AXES, Triplet

METRICS = ("error-rate", "mse", "loss")
FEWEST_SIZES = 4
NARROWEST_RANGE = 8.0


def ordered_triplets(table: pd.DataFrame) -> list[Triplet]:
    """Return the triplets of a table in order of appearance."""
    return [Triplet(*row) for row in table[list(AXES)].drop_duplicates().itertuples(index=False)]


def flag_counts(flags: pd.Series) -> str:
    """Say how many rows carry which flag."""
    counts = flags[flags != ""].value_counts()
    return "; ".join(f"{count} row(s): {flag}" for flag, count in counts.items()) or "the table is empty"


def flag_rows(table: pd.DataFrame, *, seeds_given: bool) -> tuple[pd.DataFrame, list[str]]:
    """Return the table sorted by curve, size and seed with its `flag` column, and a note per kind of flag.

    Parameters
    ----------
    table
        Tidy table without `flag`; rows are kept whatever their flag.
    seeds_given
        Whether the seeds were in the source. If not, they are numbered here, after duplicates are found.
    """
    table = table.copy()
    if table.empty:
        return table.assign(flag=pd.Series(dtype=str)), []
    table["flag"] = _value_flags(table)
    notes: list[str] = []
    notes += _flag_duplicates(table, seeds_given)
    if not seeds_given:
        keys = [*AXES, "n_train", "metric"]
        good = table["flag"] == ""
        table.loc[good, "seed"] = table[good].groupby(keys).cumcount()
        table["seed"] = table["seed"].fillna(-1).astype(int)
    kinds = table["flag"].str.replace(r"[-+]?\d[\d.e+-]*", "…", regex=True)
    for kind, count in kinds[kinds != ""].value_counts().items():
        if not kind.startswith("duplicate"):
            example = table["flag"][kinds == kind].iloc[0]
            notes.append(f"{count} of {len(table)} rows flagged and not used: {example}")
    order = pd.factorize(pd.MultiIndex.from_frame(table[list(AXES)]))[0]
    table = table.assign(_order=order).sort_values(["_order", "n_train", "seed"], kind="stable")
    return table.drop(columns="_order").reset_index(drop=True), notes


def _value_flags(table: pd.DataFrame) -> pd.Series:
    rate = table["metric"] == "error-rate"
    value, n = table["value"], table["n_train"]
    bad_status = table["status"] != "ok"
    rules = [
        (bad_status, "run " + table["status"].astype(str)),
        (n <= 0, "n_train " + n.astype(str) + " is not positive"),
        (~np.isfinite(value.to_numpy(float)), "the value is missing or not finite"),
        (
            table["n_errors"] > table["n_test"],
            "n_errors " + table["n_errors"].astype(str) + " above n_test " + table["n_test"].astype(str),
        ),
        (table["n_errors"] < 0, "n_errors " + table["n_errors"].astype(str) + " below 0"),
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


def size_means(usable: pd.DataFrame) -> pd.DataFrame:
    """Return one row per triplet and size: value (mean over seeds), value_se, replicates, n_errors, n_test."""
    keys = [*AXES, "metric", "n_train"]
    frame = usable.assign(_variance=usable["value_se"] ** 2)
    groups = frame.groupby(keys, sort=False)
    table = groups.agg(
        value=("value", "mean"), spread=("value", "std"), variance=("_variance", "sum"), given=("value_se", "count"),
        replicates=("value", "size"), test=("n_test", "first"), chance_error=("chance_error", "first"),
    )  # fmt: skip
    for name in ("n_errors", "n_test"):
        table[name] = groups[name].sum().where(groups[name].count() == table["replicates"])
    count, test = table["replicates"], table["test"]
    given = (np.sqrt(table["variance"]) / count).where(table["given"] > 0)
    binomial = np.sqrt(np.maximum(table["value"] * (1 - table["value"]), 0.25 / test) / test)
    alone = given.where(given.notna(), binomial.where(test > 0))
    seeds = np.fmax(table["spread"] / np.sqrt(count), given.fillna(0.0))
    table["value_se"] = seeds.where(count > 1, alone)
    table = table.reset_index()
    columns = [*keys, "value", "value_se", "replicates", "n_errors", "n_test", "chance_error"]
    order = table.groupby(list(AXES), sort=False).ngroup()
    table = table.assign(_order=order).sort_values(["_order", "n_train"], kind="stable")
    return table[columns].reset_index(drop=True)


def curve_flags(usable: pd.DataFrame) -> pd.DataFrame:
    """Return the flags of whole curves: data, model, inference, flag, reason.

    Flags: too-short, narrow-range, one-seed, all-zero, all-chance, constant, saturated, non-monotone.
    A flagged curve is still fitted where that is possible; its answer is weaker, and the reason says why.
    """
    rows = []
    for triplet, part in size_means(usable).groupby(list(AXES), sort=False):
        rows += [
            {**dict(zip(AXES, triplet)), "flag": flag, "reason": reason} for flag, reason in _judge(part)
        ]
    return pd.DataFrame(rows, columns=[*AXES, "flag", "reason"])


def _judge(part: pd.DataFrame) -> list[tuple[str, str]]:
    n, value = part["n_train"].to_numpy(float), part["value"].to_numpy(float)
    se = part["value_se"].to_numpy(float)
    spread = np.where(np.isfinite(se), se, 0.02 * np.abs(value))
    chance = float(part["chance_error"].iloc[0])
    flags = []
    if len(n) < FEWEST_SIZES:
        flags.append(("too-short", f"only {len(n)} size(s); a law with a floor needs {FEWEST_SIZES} or more"))
    elif n[-1] / n[0] < NARROWEST_RANGE:
        flags.append(
            (
                "narrow-range",
                f"sizes span a factor {n[-1] / n[0]:.1f} only: the exponent is hardly identified",
            )
        )
    if part["replicates"].max() == 1 and not np.isfinite(part["value_se"]).any():
        flags.append(("one-seed", "one seed and no standard error: noise and misfit cannot be told apart"))
    if np.all(value == 0):
        return [*flags, ("all-zero", "every error is 0: only an upper bound of the error is known")]
    if np.isfinite(chance) and np.all(value > chance - 2 * spread - 1e-12):
        return [
            *flags,
            ("all-chance", f"no error is below the chance level {chance:.3g}: nothing was learned"),
        ]
    if np.ptp(value) <= 1e-12:
        return [*flags, ("constant", f"every value is {value[0]:.4g}: no exponent can be read")]
    if len(n) >= FEWEST_SIZES:
        flags += _shape_flags(n, value, spread)
    return flags


def _shape_flags(n: np.ndarray, value: np.ndarray, spread: np.ndarray) -> list[tuple[str, str]]:
    flags = []
    lowest = np.minimum.accumulate(value)
    where = np.array([int(np.argmin(value[: i + 1])) for i in range(len(value))])
    rise = value - lowest
    noise = np.hypot(spread, spread[where])
    worst = int(np.argmax(rise / np.maximum(noise, 1e-12) * (rise > 0.05 * np.abs(lowest))))
    if rise[worst] > max(3 * noise[worst], 0.05 * abs(lowest[worst])):
        ends = ((lowest[worst], n[where[worst]]), (value[worst], n[worst]))
        low, high = (f"{level:.4g} at n = {size:,.0f}" for level, size in ends)
        flags.append(("non-monotone", f"the error rises from {low} to {high}"))
    half = n >= np.sqrt(n[0] * n[-1])
    if half.sum() >= 3 and value[half][0] > 0:
        first, last = value[half][0], value[-1]
        noise_ends = np.hypot(spread[half][0], spread[-1])
        fell_before = value[0] - first > 3 * np.hypot(spread[0], spread[half][0])
        if fell_before and abs(first - last) < max(noise_ends, 0.01 * first):
            flags.append(
                (
                    "saturated",
                    f"no fall beyond n = {n[half][0]:,.0f}: the exponent rests on the smaller sizes",
                )
            )
    return flags
