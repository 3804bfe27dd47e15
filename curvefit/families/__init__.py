"""Curve families: how error falls with the number of training examples, one file each."""

from curvefit.families import (
    asymptotic_power_law,
    broken_power_law,
    corrected_power_law,
    exponential,
    gradual_power_law,
    last_value,
    logarithmic,
    m4,
    mmf4,
    power_law,
    shifted_power_law,
    wbl4,
)
from curvefit.families.abstract import FAMILIES, AbstractFamily, ParamSpec, get_family
from curvefit.families.shape_prior import ShapePrior

del (
    asymptotic_power_law,
    broken_power_law,
    corrected_power_law,
    exponential,
    gradual_power_law,
    last_value,
    logarithmic,
    m4,
    mmf4,
    power_law,
    shifted_power_law,
    wbl4,
)

__all__ = ["FAMILIES", "AbstractFamily", "ParamSpec", "ShapePrior", "get_family"]
