"""What alignment is worth, for the report: gains over every baseline that the curves offer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from curvefit.errors import InvalidInputError
from curvefit.report.cells import (
    TONES,
    agreement_cell,
    interval,
    interval_cell,
    make_table,
    number,
    probability_cell,
)
from curvefit.report.content import Cell, ReportTable, key_of
from curvefit.report.tables import source_sentence, with_source
from curvefit.triplet import AXES

if TYPE_CHECKING:
    from curvefit.dimension.gain import SymmetryGain
    from curvefit.fitting import CurveFit


def gains_of(fit: CurveFit) -> Iterator[tuple[str, SymmetryGain]]:
    """Yield (baseline, gain) for the baseline that the curves suggest and for every transform of the data.

    Baselines that the curves do not offer are left out; nothing is yielded when there is none, nor for a family without a
    power law.
    """
    from curvefit.dimension.gain import symmetry_gain

    if not fit.has_power_law:
        return
    for baseline in baselines(fit):
        yield baseline, symmetry_gain(fit, baseline)


def baselines(fit: CurveFit) -> list[str]:
    """Return the baselines that gains can be measured against: the one that the curves suggest, and every transform."""
    from curvefit.dimension.baselines import choose_baseline
    from curvefit.dimension.pairs import transform_pairs, triplet_facts

    found = []
    with suppress(InvalidInputError):
        found.append(choose_baseline(fit.curves, fit.triplets)[0])
    pairs = transform_pairs(fit.curves)
    if pairs:
        facts = triplet_facts(fit.curves, [pair.baseline for pair in pairs])
        found += map(str, facts["transform"])
    return list(dict.fromkeys(found))


def gain_frame(gain: SymmetryGain, baseline: str, *, probability: float = 0.9) -> pd.DataFrame:
    """Return the summary of a gain with the triplets spelled out and the data multiplier beside it."""
    frame = gain.summary(probability)
    triplets = pd.DataFrame([pair.aligned for pair in gain.pairs], columns=list(AXES))
    against = pd.DataFrame(
        [pair.baseline for pair in gain.pairs], columns=[f"baseline_{axis}" for axis in AXES]
    )
    rest = frame.drop(columns=["aligned", "baseline"])
    frame = pd.concat([triplets, against, rest], axis=1).assign(baseline=baseline)
    return with_source(frame.join(_multipliers(gain, probability)), gain.fit.curves)


def model_grid(gain: SymmetryGain, baseline: str, *, probability: float = 0.9) -> ReportTable:
    """Return gains over a model at a glance: data and inference in rows, the other models in columns."""
    return _grid(
        key_of("gain-grid", baseline),
        gain_frame(gain, baseline, probability=probability).assign(column=lambda frame: frame["model"]),
        rows=("data", "inference"),
        title=f"Gains over {baseline}, at a glance",
        caption=f"How {baseline}, all else equal, compares. {_cell_words(probability)} {source_sentence(gain.fit.curves)}",
    )


def rotation_grid(
    gains: Sequence[tuple[str, SymmetryGain]], *, probability: float = 0.9
) -> ReportTable | None:
    """Return what every rotation takes away at a glance: triplets in rows, rotations in columns; None without one."""
    frames = [
        gain_frame(gain, name, probability=probability).assign(column=name)
        for name, gain in gains
        if gain.pairs and gain.pairs[0].changed != "model"
    ]
    if not frames:
        return None
    return _grid(
        "gain-grid-rotations",
        pd.concat(frames, ignore_index=True),
        rows=AXES,
        title="What each rotation takes away, at a glance",
        caption="How the same triplet on rotated data compares: the columns are the groups the rotation was drawn from. "
        f"{_cell_words(probability)} {source_sentence(gains[0][1].fit.curves)}",
    )


def gain_table(gain: SymmetryGain, baseline: str, *, probability: float = 0.9) -> ReportTable:
    """Return a row per comparison, most telling first: both gains apart, and what theory expects; folded."""
    frame = gain_frame(gain, baseline, probability=probability)
    clear = np.maximum(np.log(frame["multiplier_low"]), -np.log(frame["multiplier_high"]))
    frame = frame.iloc[np.argsort(-clear.fillna(-np.inf), kind="stable")].reset_index(drop=True)
    return make_table(
        key_of("gains", baseline),
        frame,
        title=f"Gains over {baseline}"
        if gain.pairs[0].changed == "model"
        else f"What a rotation by {baseline} takes away",
        caption="Factors above 1 mean that the first triplet does better than its counterpart ("
        f"{baseline}, all else equal): in the "
        "effective dimension (exponent) and in samples (amplitude), never merged; beside them the data multiplier "
        f"at one error. {probability:.0%} intervals; what the numbers assume is said under Methods. Clearest data "
        f"multiplier first. {source_sentence(gain.fit.curves)}".strip(),
        columns=[
            *((axis, axis, None) for axis in AXES),
            ("dimension_gain", "dimension gain", interval_cell),
            ("p_dimension_gain", "p (gain > 1)", probability_cell),
            ("sample_gain", "sample gain", interval_cell),
            ("multiplier", "data multiplier", interval_cell),
            ("at_error", "at error", None),
            ("theory_dimension", "theory: dimension", None),
            ("theory_sample_gain", "theory: sample gain", None),
            ("agreement", "agreement", agreement_cell),
            ("source", "source", None),
        ],
        folded=True,
    )


def theory_reasons(gains: Sequence[SymmetryGain]) -> list[str]:
    """Return why theory says what it says of these gains, with its source, each reason once."""
    from curvefit.dimension.theory_table import THEORY

    kinds = dict.fromkeys(expectation.kind for gain in gains for expectation in gain.expectations)
    return [f"{kind.replace('-', ' ')}: {THEORY[kind][2]}" for kind in kinds]


def _cell_words(probability: float) -> str:
    return (
        "A cell: the factor by which the effective dimension is smaller (exponent) and by which samples count for more "
        "(amplitude), never merged; the data multiplier at one error; what theory expects of the dimension, and whether "
        f"the measurement agrees. Factors above 1 are gains; intervals are {probability:.0%} ones."
    )


def _grid(key: str, frame: pd.DataFrame, *, rows: Sequence[str], title: str, caption: str) -> ReportTable:
    names = list(dict.fromkeys(frame["column"]))
    lines = []
    for labels, part in frame.groupby(list(rows), sort=False):
        mine = {row["column"]: row for row in part.to_dict("records")}
        lines.append(
            (*(Cell(label, label) for label in labels), *(_gain_cell(mine.get(name)) for name in names))
        )
    return ReportTable(key, title, caption, (*rows, *names), tuple(lines), frame.drop(columns="column"))


def _gain_cell(row: Mapping[str, Any] | None) -> Cell:
    if row is None:
        return Cell("not run")
    data = f"data × {interval(row, 'multiplier')}"
    if np.isfinite(row["at_error"]):
        data += f" at error {number(row['at_error'], 2)}"
    lines = (
        f"dimension ÷ {interval(row, 'dimension_gain')}",
        f"samples × {interval(row, 'sample_gain')}",
        data,
        f"theory, dimension: {row['theory_dimension']} → {row['agreement']}",
    )
    tone = TONES.get(str(row["agreement"]), "")
    return Cell("\n".join(lines), float(row["multiplier"]), "" if tone == "open" else tone)


def _multipliers(gain: SymmetryGain, probability: float) -> pd.DataFrame:
    """Return the multiplier at the middle error that both curves were measured at, a row a pair."""
    from curvefit.dimension.intervals import columns

    rows = []
    for i in range(len(gain.pairs)):
        level = gain.multiplier.central(i)
        draws = np.array([]) if level is None else gain.multiplier.at(i, level)
        known = level is not None and not np.isnan(draws).all()
        at_error = float(gain.multiplier.levels[i, level]) if known else np.nan
        rows.append({**columns("multiplier", draws, probability), "at_error": at_error})
    return pd.DataFrame(rows)
