"""Figures: numbers are computed first, on lower floors (`curve_bands`, `local_slopes`...), and drawn here; every plot returns Axes."""

from curvefit.dimension.effective import dimension_alignment
from curvefit.fitting.bands import CurveBands, curve_bands, parameter_table
from curvefit.fitting.slopes import LocalSlopes, local_slopes
from curvefit.plots.calibration import plot_calibration
from curvefit.plots.checks import plot_predictions, plot_residuals
from curvefit.plots.cross_check import plot_cross_check
from curvefit.plots.curves import plot_curves
from curvefit.plots.dimension import plot_dimension, plot_multiplier
from curvefit.plots.exponents import plot_exponents
from curvefit.plots.heat_map import plot_heatmap
from curvefit.plots.shown import shown_curves
from curvefit.plots.slopes import plot_local_slopes
from curvefit.plots.spectrum import plot_spectrum, plot_theory_curve
from curvefit.plots.style import paper_style
from curvefit.plots.theory import plot_theory_curves

__all__ = [
    "CurveBands",
    "LocalSlopes",
    "curve_bands",
    "dimension_alignment",
    "local_slopes",
    "paper_style",
    "parameter_table",
    "plot_calibration",
    "plot_cross_check",
    "plot_curves",
    "plot_dimension",
    "plot_exponents",
    "plot_heatmap",
    "plot_local_slopes",
    "plot_multiplier",
    "plot_predictions",
    "plot_residuals",
    "plot_spectrum",
    "plot_theory_curve",
    "plot_theory_curves",
    "shown_curves",
]
