"""Fitting: from learning curves to posterior draws; the only place that knows PyMC and ArviZ."""

from __future__ import annotations

from curvefit.lazy_names import lazy_names

_PUBLIC = {
    "CurveFit": "curvefit.fitting.curve_fit",
    "FitSettings": "curvefit.fitting.settings",
    "FitStatus": "curvefit.fitting.status",
    "Priors": "curvefit.fitting.priors",
    "fit": "curvefit.fitting.estimate",
    "load_fit": "curvefit.fitting.saved",
    "design": "curvefit.fitting.designs",
    "point_fit": "curvefit.fitting.point_fits",
    "PointFit": "curvefit.fitting.point_fits",
    "profile_interval": "curvefit.fitting.point_fits",
    "bootstrap": "curvefit.fitting.bootstrap_fits",
    "log_regression": "curvefit.fitting.robust_fits",
    "published_fit": "curvefit.fitting.published_estimators",
    "bnsl_fit": "curvefit.fitting.bnsl",
    "loss_surface_fit": "curvefit.fitting.loss_surface",
    "forecast": "curvefit.fitting.forecasts",
    "Forecast": "curvefit.fitting.forecast_draws",
    "outlook": "curvefit.fitting.forecasts",
    "Outlook": "curvefit.fitting.outlooks",
    "needed_size": "curvefit.fitting.needed_sizes",
    "NeededSize": "curvefit.fitting.needed_sizes",
    "rolling_origin": "curvefit.fitting.rolling_origins",
    "compare_families": "curvefit.fitting.rolling_origins",
    "check_predictions": "curvefit.fitting.criticism",
    "predictive_draws": "curvefit.fitting.criticism",
    "loo_cells": "curvefit.fitting.criticism",
    "cell_log_likelihood": "curvefit.fitting.criticism",
    "prior_sensitivity": "curvefit.fitting.criticism",
    "prior_predictive": "curvefit.fitting.prior_predictions",
    "PriorPrediction": "curvefit.fitting.prior_predictions",
}

__all__ = list(_PUBLIC)

__getattr__, __dir__ = lazy_names(__name__, _PUBLIC)
