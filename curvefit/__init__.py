"""curvefit: how fast does this learn, and why.

Public names are loaded on first use, so that ``import curvefit`` stays fast.
"""

from __future__ import annotations

from curvefit.lazy_names import lazy_names

__version__ = "0.1.0"

_PUBLIC = {
    "LearningCurves": "curvefit.curves",
    "load_curves": "curvefit.curves",
    "LearningCurveSplit": "curvefit.curves",
    "learning_curve_sizes": "curvefit.curves",
    "measure_learning_curve": "curvefit.curves",
    "fit": "curvefit.fitting",
    "point_fit": "curvefit.fitting",
    "load_fit": "curvefit.fitting",
    "forecast": "curvefit.fitting",
    "needed_size": "curvefit.fitting",
    "design": "curvefit.fitting",
    "CurveFit": "curvefit.fitting",
    "effective_dimension": "curvefit.dimension",
    "symmetry_gain": "curvefit.dimension",
    "synergy": "curvefit.dimension",
    "data_multiplier": "curvefit.dimension",
    "plot_curves": "curvefit.plots",
    "write_report": "curvefit.report",
}

__all__ = ["__version__", *_PUBLIC]

__getattr__, __dir__ = lazy_names(__name__, _PUBLIC)
