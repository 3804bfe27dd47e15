"""forecast: what the error will be at other sizes, of the curve and of a new seed; outlook: for several such questions."""

from __future__ import annotations

from typing import Any

from curvefit.arguments import check_count, positive_sizes
from curvefit.curves.fittable import as_curves
from curvefit.curves.learning_curves import LearningCurves
from curvefit.fitting.curve_fit import CurveFit
from curvefit.fitting.forecast_draws import Forecast
from curvefit.fitting.forecast_of_curves import outlook_of_curves
from curvefit.fitting.forecast_of_fit import FitOutlook
from curvefit.fitting.forecast_shapes import DEFAULT_SHAPES
from curvefit.fitting.outlooks import Outlook


def outlook(
    source: LearningCurves | CurveFit, *, families: tuple[str, ...] = DEFAULT_SHAPES, seed: int = 0
) -> Outlook:
    """Make a source ready for several questions: `forecast` and `needed_size` take the outlook in its place, and answer the same.

    Parameters
    ----------
    source
        Learning curves (a frame or a dictionary of columns is read with `LearningCurves.from_frame`), or a hierarchical fit of them.
    families
        Members of the ensemble (ignored for a `CurveFit`, which has its own family).
    seed
        Of all random numbers.
    """
    if isinstance(source, CurveFit):
        return FitOutlook(source, seed)
    return outlook_of_curves(as_curves(source), families, seed)


def forecast(
    source: LearningCurves | CurveFit | Outlook,
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
        Learning curves, a hierarchical fit of them, or an `outlook` of either, which has its own families and seed.
    n
        Sizes, positive and finite.
    families
        Members of the ensemble (ignored for a `CurveFit`, which has its own family).
    draws
        Number of draws.
    seed
        Of all random numbers.
    """
    sizes = positive_sizes(n)
    check_count("draws", draws)
    ready = source if isinstance(source, Outlook) else outlook(source, families=families, seed=seed)
    return ready.forecast_at(sizes, draws)
