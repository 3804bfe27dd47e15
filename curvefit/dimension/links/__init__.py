"""Links between the exponent of a learning curve and a dimension, one file each."""

from curvefit.dimension.links import kernel_smoothness, noiseless, noisy, ratio, sharma_kaplan
from curvefit.dimension.links.abstract import LINKS, AbstractLink, Link, get_link

del kernel_smoothness, noiseless, noisy, ratio, sharma_kaplan

__all__ = ["LINKS", "AbstractLink", "Link", "get_link"]
