"""Saved form of this floor's results: dimensions, gains, multipliers, rulers, and what they are made of."""

from __future__ import annotations

from curvefit.dimension.links import AbstractLink, get_link
from curvefit.fitting import saveable
from curvefit.fitting.saveable import CODECS, Codec, SavedForm

PARTS = {
    "EffectiveDimension": "curvefit.dimension.effective",
    "SymmetryGain": "curvefit.dimension.gain",
    "DataMultiplier": "curvefit.dimension.multiplier",
    "Synergy": "curvefit.dimension.factorial",
    "Sensitivity": "curvefit.dimension.robustness",
    "AlignmentSlope": "curvefit.dimension.covariates",
    "KernelMeasures": "curvefit.dimension.kernel_measures",
    "Ruler": "curvefit.dimension.ruler",
    "Pair": "curvefit.dimension.pairs",
    "Expectation": "curvefit.dimension.expectations",
    "Spectrum": "curvefit.theory.spectrum",
    "SpectralExponents": "curvefit.theory.exponents",
}
"""Dataclasses that may stand in a saved form, and their modules."""

RENAMED = {"EffectiveDimension": {"draws": "dimension"}, "DataMultiplier": {"draws": "multiplier"}}
"""Fields that form 1 called otherwise."""

LINK = Codec(AbstractLink, lambda link: {"name": link.name, **link.model_dump(mode="json")}, get_link)


class Saveable(saveable.Saveable):
    """What this floor's results have in common: they can be saved, with their links."""

    __slots__ = ()
    form = SavedForm("dimension.json", 3, PARTS, {**CODECS, "link": LINK}, RENAMED)
