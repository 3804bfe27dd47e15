"""Learning curves predicted from a kernel's spectrum; exponents, learnable modes, effective dimensions."""

from curvefit.theory.exponents import SpectralExponents, measure_exponents
from curvefit.theory.learning_curve import CurvePrediction, count_learnable_modes, predict_curve
from curvefit.theory.spectrum import (
    Spectrum,
    count_degrees_of_freedom,
    measure_participation,
    measure_spectrum,
)

__all__ = [
    "CurvePrediction",
    "SpectralExponents",
    "Spectrum",
    "count_degrees_of_freedom",
    "count_learnable_modes",
    "measure_exponents",
    "measure_participation",
    "measure_spectrum",
    "predict_curve",
]
