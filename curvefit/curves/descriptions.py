"""What learning curves say of themselves: a row a curve, and sentences with every guess and flag."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from curvefit.curves.quality import flag_counts
from curvefit.triplet import AXES, Triplet

if TYPE_CHECKING:
    from curvefit.curves.learning_curves import LearningCurves

LONGEST_LIST = 20


def summarise(curves: LearningCurves) -> pd.DataFrame:
    """Return one row a triplet: sizes, range, replicates, first and last mean error, flags."""
    means, flags = curves.means(), curves.warnings
    rows = []
    for triplet, part in means.groupby(list(AXES), sort=False):
        mine = flags[(flags[list(AXES)] == list(triplet)).all(axis=1)]
        rows.append(
            {
                **dict(zip(AXES, triplet)),
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
    """Return what was read, every note, and a sentence per flagged curve; long lists are cut."""
    usable = curves.usable
    if len(usable):
        first = (
            f"{len(curves.triplets)} learning curve(s), {len(usable)} usable row(s) of {len(curves)}, "
            f"metric {', '.join(sorted(usable['metric'].unique()))}, "
            f"n_train {usable['n_train'].min():,} to {usable['n_train'].max():,}"
        )
    else:
        first = f"no usable row of {len(curves)}: {flag_counts(curves.table['flag'])}"
    lines = [first, *(f"note: {note}" for note in curves.notes)]
    for (_, reason), part in curves.warnings.groupby(["flag", "reason"], sort=False):
        triplet = Triplet(*part.iloc[0][list(AXES)])
        others = f" and {len(part) - 1} more" if len(part) > 1 else ""
        lines.append(f"{triplet}{others}: {reason}")
    if len(lines) > LONGEST_LIST:
        lines = [*lines[:LONGEST_LIST], f"... {len(lines) - LONGEST_LIST} more; see .notes and .warnings"]
    return "\n".join(lines)
