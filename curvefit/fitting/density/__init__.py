"""The log density of the hierarchical model with its gradient, written out for speed."""

from curvefit.fitting.density.density import Density
from curvefit.fitting.density.following import learned
from curvefit.fitting.density.preconditioned import Preconditioned, highest

__all__ = ["Density", "Preconditioned", "highest", "learned"]
