"""What learning curves say of themselves: a row a curve, and sentences with every guess and flag."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from curvefit.curves.curve_flags import LOUD
from curvefit.curves.frames import rows_of
from curvefit.curves.quality import flag_counts
from curvefit.triplet import AXES, Triplet

if TYPE_CHECKING:
    from curvefit.curves.learning_curves import LearningCurves

LONGEST_LIST = 20


def summarise(curves: LearningCurves) -> pd.DataFrame:
    """Return one row a triplet and metric: sizes, range, replicates, first and last mean error, flags."""
    means, flags = curves.means(), curves.warnings
    rows = []
    for (*triplet, metric), part in means.groupby([*AXES, "metric"], sort=False):
        mine = rows_of(flags, triplet)
        rows.append(
            {
                **dict(zip(AXES, triplet)),
                "metric": metric,
                "sizes": len(part),
                "n_min": part["n_train"].min(),
                "n_max": part["n_train"].max(),
                "replicates": part["replicates"].max(),
                "first_value": part["value"].iloc[0],
                "last_value": part["value"].iloc[-1],
                "flags": ", ".join(mine["flag"]),
            }
        )
    return pd.DataFrame(rows)


def describe(curves: LearningCurves) -> str:
    """Return what was read, what may be wrong with it, every note, and what is weak; long lists are cut."""
    usable, warnings = curves.usable, curves.warnings
    metrics = sorted(usable["metric"].unique())
    if len(usable):
        first = (
            f"{len(curves.triplets)} learning curve(s), {len(usable)} usable row(s) of {len(curves)}, "
            f"metric {', '.join(metrics)}, "
            f"n_train {usable['n_train'].min():,} to {usable['n_train'].max():,}"
        )
    else:
        first = f"no usable row of {len(curves)}: {flag_counts(curves.table['flag'])}"
    mixed = [mixed_metrics(metrics)] if len(metrics) > 1 else []
    loud = warnings["flag"].isin(LOUD)
    lines = [
        first,
        *mixed,
        *_sentences(warnings[loud], ["flag"]),
        *(f"note: {note}" for note in curves.notes),
        *_sentences(warnings[~loud], ["flag", "reason"]),
    ]
    if len(lines) > LONGEST_LIST:
        lines = [*lines[:LONGEST_LIST], f"... {len(lines) - LONGEST_LIST} more; see .notes and .warnings"]
    return "\n".join(lines)


def mixed_metrics(metrics: Sequence[str]) -> str:
    """Say that a fit takes one metric, and how one is chosen."""
    return (
        f"the curves mix the metrics {', '.join(metrics)}; a fit takes one: choose it, as in "
        f"curves.select(metric={metrics[0]!r}) (on the command line: --metric {metrics[0]})"
    )


def _sentences(warnings: pd.DataFrame, alike: list[str]) -> list[str]:
    """Return a sentence for all flags that are alike: the first curve, how many more, the reason."""
    lines = []
    for _, part in warnings.groupby(alike, sort=False):
        triplet = Triplet(*part.iloc[0][list(AXES)])
        others = f" and {len(part) - 1} more" if len(part) > 1 else ""
        lines.append(f"{triplet}{others}: {part['reason'].iloc[0]}")
    return lines
