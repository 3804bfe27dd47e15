"""The log density of the hierarchical model with its gradient, written out for speed."""

from curvefit.fitting.density.density import Density
from curvefit.fitting.density.preconditioned import Preconditioned, highest, round_along, round_at

__all__ = ["Density", "Preconditioned", "highest", "round_along", "round_at"]
