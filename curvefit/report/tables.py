"""Tables of a report: exponents, gains, and which rotations leave a learning curve unchanged."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from curvefit.curves.predicted_exponents import predicted_exponents
from curvefit.fitting.intervals import end_columns
from curvefit.report.cells import (
    TONES,
    agreement_cell,
    bounds,
    interval,
    interval_cell,
    make_table,
    number,
    probability_cell,
)
from curvefit.report.content import Cell, ReportTable, key_of
from curvefit.report.cross_checks import cross_check_sentence
from curvefit.triplet import AXES

if TYPE_CHECKING:
    from curvefit.curves import LearningCurves
    from curvefit.fitting import CurveFit

LEAST_SQUARES_TONES = {"overlapping": "open", "apart": "bad"}
MARKS = {"unchanged": "=", "changed": "≠", "undecided": "?"}


def sources_of(curves: LearningCurves) -> dict[str, str]:
    """Return what each data label was really made from, where the records say so."""
    facts = curves.facts
    if "source" not in facts.columns:
        return {}
    known = facts[facts["source"].notna()].drop_duplicates("data")
    return dict(zip(known["data"], known["source"].astype(str), strict=True))


def source_sentence(curves: LearningCurves) -> str:
    """Say from which images or inputs all curves come; empty when the records do not say."""
    names = sorted(set(sources_of(curves).values()))
    return f"Data: {', '.join(names)}." if names else ""


def exponent_table(fit: CurveFit, checked: pd.DataFrame, *, probability: float = 0.9) -> ReportTable:
    """Return exponent, floor, amplitude and last error of every triplet.

    Parameters
    ----------
    fit
        A fit whose family ends in a power law.
    checked
        What `cross_check` said of it.
    probability
        Mass of all intervals.
    """
    frame = with_source(fit.summary(probability), fit.curves)
    frame = frame.merge(
        checked[[*AXES, *(name for name in checked if name.startswith("least"))]], on=list(AXES)
    )
    facts = fit.curves.facts
    predicted = predicted_exponents(facts)
    if predicted.notna().any():
        frame = frame.merge(predicted.rename("predicted_exponent").reset_index(), on=list(AXES), how="left")
    if "dimension" in facts.columns and facts["dimension"].notna().any():
        frame = frame.merge(facts[[*AXES, "dimension"]], on=list(AXES), how="left")
    return make_table(
        "exponents",
        frame,
        title="Exponent, floor and amplitude of every curve",
        caption=f"Medians with {probability:.0%} intervals of error = floor + amplitude · n^-exponent. "
        f"{source_sentence(fit.curves)} {cross_check_sentence(checked)}".replace("  ", " "),
        columns=[
            *((axis, axis, None) for axis in AXES),
            ("exponent", "exponent", interval_cell),
            ("least_squares_exponent", "by least squares", _least_squares_cell),
            ("floor", "floor", interval_cell),
            ("amplitude", "amplitude", interval_cell),
            *LAST_ERROR,
            ("predicted_exponent", "theory", None),
            ("source", "source", None),
        ],
    )


def parameter_values(fit: CurveFit, *, probability: float = 0.9) -> ReportTable:
    """Return the parameters and the last error of every triplet, of a fit whose family has no power law."""
    frame = with_source(fit.summary(probability), fit.curves)
    return make_table(
        "parameters",
        frame,
        title="Parameters of every curve",
        caption=f"Medians with {probability:.0%} intervals. The family {fit.family} has no power law at large n: none of its "
        f"parameters is an exponent to compare with those of other families. {source_sentence(fit.curves)}".strip(),
        columns=[
            *((axis, axis, None) for axis in AXES),
            *((name, name.replace("_", " "), interval_cell) for name in fit.law.parameter_names),
            *LAST_ERROR,
            ("source", "source", None),
        ],
    )


def _sizes_cell(row: Mapping[str, Any], name: str) -> Cell:
    """Make a cell of the largest size and of how many there are."""
    return Cell(f"{int(row[name]):,} ({int(row['sizes'])} sizes)", float(row[name]))


def _least_squares_cell(row: Mapping[str, Any], name: str) -> Cell:
    """Make a cell of a least-squares exponent; one that the sizes do not bound from above says so instead."""
    value, (lower, upper) = float(row[name]), bounds(row, name)
    if math.isnan(value):
        return Cell("none", -1.0)
    text = interval(row, name) if math.isfinite(upper) else f"at least {number(lower, 2)}"
    return Cell(text, value, LEAST_SQUARES_TONES.get(str(row["least_squares_agreement"]), ""))


def with_source(frame: pd.DataFrame, curves: LearningCurves) -> pd.DataFrame:
    """Return the frame with a column that names what its data was really made from."""
    sources = sources_of(curves)
    if not sources or "data" not in frame.columns:
        return frame
    return frame.assign(source=frame["data"].map(lambda label: sources.get(label, "")))


LAST_ERROR = (("error_at_n_max", "error at largest n", interval_cell), ("n_max", "largest n", _sizes_cell))
"""Columns of the error at the largest size of every curve."""


EXPONENT_COLUMNS = ["exponent_ratio", *end_columns("exponent_ratio"), "p_exponent_unchanged"]
"""Columns of an invariance table that a fit without exponents leaves empty."""


def invariance_grids(
    table: pd.DataFrame, curves: LearningCurves, *, probability: float = 0.9
) -> list[ReportTable]:
    """Return a table per untransformed dataset: (model, inference) by transform, a verdict in every cell.

    Parameters
    ----------
    table
        What `curvefit.dimension.invariance_table` returned.
    curves
        The curves it rests on, for the name of their source.
    probability
        Mass of its intervals.
    """
    grids = []
    for reference, part in table.groupby("reference", sort=False):
        transforms = list(dict.fromkeys(part["transform"]))
        rows = []
        for (model, inference), mine in part.groupby(["model", "inference"], sort=False):
            symmetry = mine["model_symmetry"].iloc[0]
            by_transform = {row["transform"]: row for row in mine.to_dict("records")}
            cells = [_verdict_cell(by_transform.get(name)) for name in transforms]
            rows.append(
                (Cell(model, model), Cell(inference, inference), Cell(symmetry or "", symmetry or ""), *cells)
            )
        tally = part["agreement"].value_counts()
        counted = ", ".join(f"{tally[word]} {word}" for word in TONES if word in tally)
        grids.append(
            ReportTable(
                key_of("invariance", reference),
                f"Which rotations leave the curve unchanged: {reference}",
                f"Each cell: the measured verdict with the factor on the error and its {probability:.0%} interval, then what theory "
                "expects of the group of (model, inference), then whether the two agree. "
                f"{len(part)} cells: {counted}. {source_sentence(curves)}",
                ("model", "inference", "group of (M, I)", *transforms),
                tuple(rows),
                with_source(part, curves),
            )
        )
    return grids


def _verdict_cell(row: Mapping[str, Any] | None) -> Cell:
    if row is None:
        return Cell("not run")
    agreement = str(row["agreement"])
    text = (
        f"{MARKS.get(row['verdict'], '')} {row['verdict']}\nerror × {interval(row, 'error_ratio')}\n"
        f"theory: {row['theory']} → {agreement}"
    )
    return Cell(text, float(row["error_ratio"]), TONES.get(agreement, ""))


def invariance_list(table: pd.DataFrame, curves: LearningCurves, *, probability: float = 0.9) -> ReportTable:
    """Return every comparison as one sortable row with its probabilities, and intervals of this mass."""
    with_exponents = table["exponent_ratio"].notna().any()
    return make_table(
        "invariance",
        with_source(table if with_exponents else table.drop(columns=EXPONENT_COLUMNS), curves),
        title="Every comparison with its probabilities",
        caption="p (same curve) is the probability that both the level and the bend of the log error ratio are "
        f"practically zero{'; equal exponents stand beside it' if with_exponents else ''}. "
        f"{probability:.0%} intervals.",
        columns=[
            ("data", "data", None),
            ("model", "model", None),
            ("inference", "inference", None),
            ("transform", "rotation", None),
            ("error_ratio", "error ratio", interval_cell),
            ("p_unchanged", "p (same curve)", probability_cell),
            ("exponent_ratio", "exponent ratio", interval_cell),
            ("p_exponent_unchanged", "p (same exponent)", probability_cell),
            ("verdict", "verdict", None),
            ("theory", "theory", None),
            ("agreement", "agreement", agreement_cell),
            ("source", "source", None),
        ],
        folded=True,
    )


def flagged_table(curves: LearningCurves) -> ReportTable | None:
    """Return the rows that were not used and why, or None when all were."""
    flagged = curves.table[curves.table["flag"] != ""]
    if flagged.empty:
        return None
    shown = flagged[[*AXES, "n_train", "seed", "flag"]]
    return make_table(
        "flagged",
        shown,
        title="Rows that were not used",
        caption=f"{len(flagged)} of {number(len(curves.table))} rows, each with its reason.",
        columns=[(name, name, None) for name in shown.columns],
    )
