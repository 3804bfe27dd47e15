"""A fit made of draws that came from elsewhere: a bootstrap, somebody else's posterior, a test."""

from __future__ import annotations

from typing import Any

import numpy as np

from curvefit.curves.chance import chance_levels
from curvefit.curves.learning_curves import LearningCurves
from curvefit.errors import InvalidInputError
from curvefit.families.asymptotic_power_law import REFERENCE_SIZE
from curvefit.fitting.curve_fit import CurveFit
from curvefit.fitting.inference_data import labelled_draws, triplet_coords
from curvefit.fitting.settings import FitSettings
from curvefit.fitting.status import FitStatus


def fit_from_draws(
    curves: LearningCurves,
    *,
    exponent: Any,
    amplitude: Any,
    floor: Any,
    chance: Any,
    likelihood: str,
    status: FitStatus | None,
) -> CurveFit:
    """Build a fit from arrays; see `CurveFit.from_draws`."""
    triplets = curves.triplets
    given = {"exponent": exponent, "amplitude": amplitude, "floor": floor}
    values = {name: np.atleast_2d(np.asarray(array, float)) for name, array in given.items()}
    shape = values["exponent"].shape
    for name, array in values.items():
        if array.shape != shape or array.ndim != 2 or array.shape[1] != len(triplets):
            raise InvalidInputError(
                f"{name} has shape {array.shape}; expected (draws, {len(triplets)} triplets) as for all of them"
            )
        if not np.isfinite(array).all() or (array < 0).any():
            raise InvalidInputError(f"draws of {name} must be finite and not negative")
    if (values["exponent"] == 0).any():
        raise InvalidInputError(
            "draws of exponent must be positive: with an exponent of 0 the error does not fall, and its law has no onset"
        )
    known = list(chance_levels(curves).values()) if chance is None else chance
    levels = np.broadcast_to(np.asarray(known, float), (len(triplets),))
    if np.isfinite(levels).all():
        family = "power-law"
        excess = levels - values["floor"]
        if (excess <= 0).any():
            raise InvalidInputError("draws of floor must lie below the chance level")
        with np.errstate(over="ignore", divide="ignore"):
            values["onset"] = (values["amplitude"] / excess) ** (1.0 / values["exponent"])
    else:
        family = "asymptotic-power-law"
        values["level"] = values["amplitude"] * REFERENCE_SIZE ** -values["exponent"]
    draws = labelled_draws(
        values,
        {name: ["triplet"] for name in (*values, "chance")},
        chains=1,
        coords=triplet_coords(triplets),
        constant={"chance": levels},
    )
    status = status or FitStatus(True, ("built from given draws",), n_draws=shape[0])
    return CurveFit(curves, triplets, draws, status, family, likelihood, FitSettings(family=family))
