"""forecast: what the error will be at other sizes, of the curve and of a new seed."""

from __future__ import annotations

from typing import Any

import numpy as np

from curvefit.curves.learning_curves import LearningCurves
from curvefit.errors import InvalidInputError
from curvefit.fitting.curve_fit import CurveFit
from curvefit.fitting.forecast_draws import Forecast
from curvefit.fitting.forecast_of_curves import forecast_of_curves
from curvefit.fitting.forecast_of_fit import forecast_of_fit
from curvefit.fitting.forecast_shapes import DEFAULT_SHAPES


def forecast(
    source: LearningCurves | CurveFit,
    n: Any,
    *,
    families: tuple[str, ...] = DEFAULT_SHAPES,
    draws: int = 1000,
    seed: int = 0,
) -> Forecast:
    """Predict test error at sizes `n`.

    From learning curves: every family is integrated over each curve, with a random-walk discrepancy; family weights
    and the discrepancy's growth come from rolling-origin hold-out. From a `CurveFit`: its posterior, whose
    walks go on, and a drift common to all curves as large as held-out sizes showed it (`held_out_drift`), both growing with
    ``log(n / n_max)``. Inside the range of sizes nothing is added.

    Parameters
    ----------
    source
        Learning curves, or a hierarchical fit of them.
    n
        Sizes, positive.
    families
        Members of the ensemble (ignored for a `CurveFit`, which has its own family).
    draws
        Number of draws.
    seed
        Of all random numbers.
    """
    sizes = np.atleast_1d(np.asarray(n, float))
    if sizes.ndim != 1 or not len(sizes) or not (sizes > 0).all():
        raise InvalidInputError(f"n must be positive sizes in one dimension, not {n!r}")
    if isinstance(source, CurveFit):
        return forecast_of_fit(source, sizes, draws, seed)
    return forecast_of_curves(source, sizes, families, draws, seed)
