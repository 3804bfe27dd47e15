"""The most telling sentences of a fit: every candidate is computed, the strongest of each kind is kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from curvefit.dimension.intervals import interval
from curvefit.report.cells import bounds, number, probability_text
from curvefit.triplet import AXES, Triplet

if TYPE_CHECKING:
    from curvefit.dimension.gain import SymmetryGain
    from curvefit.fitting import CurveFit

VERDICTS = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """A sentence and how much it tells; only the strongest of a kind is kept.

    Parameters
    ----------
    kind
        What the sentence is about.
    strength
        Larger tells more; comparable within a kind.
    sentence
        What was found, with interval.
    """

    kind: str
    strength: float
    sentence: str


def most_telling(
    fit: CurveFit,
    *,
    invariance: pd.DataFrame | None = None,
    gains: Sequence[tuple[str, SymmetryGain]] = (),
    probability: float = 0.9,
) -> tuple[str, ...]:
    """Return three sentences: what alignment gains, what breaking it costs, whether theory holds, or the like.

    Parameters
    ----------
    fit
        The fit.
    invariance
        Table of `curvefit.dimension.invariance_table`, where the data has transforms.
    gains
        (baseline, gain) pairs.
    probability
        Mass of the intervals.
    """
    candidates = [
        *_gain_findings(gains, probability),
        *(_invariance_findings(invariance) if invariance is not None else ()),
        *_fit_findings(fit, probability),
    ]
    best: dict[str, Finding] = {}
    for finding in candidates:
        if finding.kind not in best or finding.strength > best[finding.kind].strength:
            best[finding.kind] = finding
    return tuple(finding.sentence for finding in list(best.values())[:VERDICTS])


def _gain_findings(gains: Sequence[tuple[str, SymmetryGain]], probability: float) -> Iterator[Finding]:
    """Yield the largest sure data multiplier over a model baseline, with the dimension gain beside it."""
    from curvefit.dimension.pairs import reference_data

    for baseline, gain in gains:
        rotated = reference_data(gain.fit.curves)
        for i, pair in enumerate(gain.pairs):
            level = gain.multiplier.central(i)
            if pair.changed != "model" or pair.aligned.data in rotated or level is None:
                continue
            middle, low, high = interval(gain.multiplier.at(i, level), probability)
            if np.isnan(middle):
                continue
            ratio = interval(gain.dimension_gain[:, i], probability)
            error = number(float(gain.multiplier.levels[i, level]), 2)
            sentence = (
                f"On {pair.aligned.data} with {pair.aligned.inference}, {baseline} needs {number(middle, 2)} times "
                f"({number(low, 2)} to {number(high, 2)}) the training inputs of {pair.aligned.model} for an error of "
                f"{error}; its effective dimension is {number(ratio[0], 2)} times as large "
                f"({number(ratio[1], 2)} to {number(ratio[2], 2)})."
            )
            yield Finding("gain", low, sentence)


def _invariance_findings(table: pd.DataFrame) -> Iterator[Finding]:
    changed = table[table["verdict"] == "changed"]
    for row in changed.itertuples():
        sentence = (
            f"Rotating all images of {row.reference} by one fixed element of {row.transform} multiplies the error of "
            f"{row.model} under {row.inference} by {number(row.error_ratio, 3)} "
            f"({number(row.error_ratio_low, 3)} to {number(row.error_ratio_high, 3)}); theory: {row.theory}."
        )
        yield Finding("cost", abs(np.log(row.error_ratio)), sentence)
    yield Finding("theory", 1.0, _theory_sentence(table))


def _theory_sentence(table: pd.DataFrame) -> str:
    """Say how many comparisons could have refuted theory, and how all came out."""
    found = table.loc[table["agreement"] == "allowed", "verdict"].value_counts()
    tally = table["agreement"].value_counts()
    told = [
        f"{tally[word]} {text}"
        for word, text in (
            ("confirmed", "predicted equal and found equal"),
            ("contradicted", "predicted equal and found changed, against theory"),
            ("allowed", f"where theory leaves it open ({_joined([f'{n} {v}' for v, n in found.items()])})"),
            ("open", "undecided, or without a prediction"),
        )
        if word in tally
    ]
    return f"Of {len(table)} comparisons of a rotated with an unrotated curve: {'; '.join(told)}."


def _fit_findings(fit: CurveFit, probability: float) -> Iterator[Finding]:
    if fit.has_power_law:
        yield from _exponent_findings(fit, probability)
    else:
        yield _lowest_error(fit, probability)
    if "floor" in fit.law.parameter_names:
        yield _floor(fit, probability)


def _exponent_findings(fit: CurveFit, probability: float) -> Iterator[Finding]:
    exponent = fit.parameter("exponent")
    order = np.argsort(np.median(exponent, axis=0))
    slow, fast = order[0], order[-1]
    middle, low, high = interval(exponent[:, fast], probability)
    sentence = f"{fit.triplets[fast]} learns fastest: exponent {middle:.2f} ({low:.2f} to {high:.2f})"
    if fast != slow:
        sure = float((exponent[:, fast] > exponent[:, slow]).mean())
        other = interval(exponent[:, slow], probability)
        sentence += (
            f"; {fit.triplets[slow]} slowest: {other[0]:.2f} ({other[1]:.2f} to {other[2]:.2f}), "
            f"smaller with probability {probability_text(sure)}"
        )
    yield Finding("exponent", 1.0, sentence + ".")
    yield _halving(fit.triplets[fast], exponent[:, fast], probability)


def _halving(triplet: Triplet, exponent: np.ndarray, probability: float) -> Finding:
    middle, low, high = interval(2 ** (1 / exponent), probability)
    return Finding(
        "halving",
        1.0,
        f"To halve what is left of its reducible error, {triplet} needs {number(middle, 2)} times "
        f"({number(low, 2)} to {number(high, 2)}) as many training inputs.",
    )


def _lowest_error(fit: CurveFit, probability: float) -> Finding:
    row = fit.summary(probability).sort_values("error_at_n_max").iloc[0]
    low, high = bounds(row, "error_at_n_max")
    return Finding(
        "error",
        1.0,
        f"The lowest error at the largest size is that of {Triplet(*row[list(AXES)])}: {number(row['error_at_n_max'])} "
        f"({number(low)} to {number(high)}) at n = {row['n_max']:,}.",
    )


def _floor(fit: CurveFit, probability: float) -> Finding:
    from curvefit.fitting.summaries import without_dust

    floors = [interval(floor, probability) for floor in fit.parameter("floor").T]
    best = int(np.argmin([high for _, _, high in floors]))
    told = [number(value, 2) for value in without_dust(*floors[best])]
    return Finding(
        "floor",
        1.0,
        f"The lowest floor is that of {fit.triplets[best]}: {told[0]} ({told[1]} to {told[2]}); "
        "more of the same data cannot go below it.",
    )


def _joined(parts: Sequence[str]) -> str:
    return "".join(parts) if len(parts) < 2 else f"{', '.join(parts[:-1])} and {parts[-1]}"
