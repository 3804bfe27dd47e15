"""Dimension: from exponents to effective dimensions, gains, synergy and invariance, all as posterior draws."""

from __future__ import annotations

from curvefit.lazy_names import lazy_names

_PUBLIC = {
    "sensitivity": "curvefit.dimension.robustness",
    "Sensitivity": "curvefit.dimension.robustness",
    "fit_replicates": "curvefit.dimension.replicate_fit",
    "KernelMeasures": "curvefit.dimension.kernel_measures",
    "measure_kernel": "curvefit.dimension.kernel_measures",
    "EffectiveDimension": "curvefit.dimension.effective",
    "effective_dimension": "curvefit.dimension.effective",
    "SymmetryGain": "curvefit.dimension.gain",
    "symmetry_gain": "curvefit.dimension.gain",
    "DataMultiplier": "curvefit.dimension.multiplier",
    "data_multiplier": "curvefit.dimension.multiplier",
    "Synergy": "curvefit.dimension.factorial",
    "synergy": "curvefit.dimension.factorial",
    "double_difference": "curvefit.dimension.factorial",
    "Expectation": "curvefit.dimension.expectations",
    "expect": "curvefit.dimension.expectations",
    "expectation_table": "curvefit.dimension.theory_table",
    "LINKS": "curvefit.dimension.links",
    "Link": "curvefit.dimension.links",
    "AbstractLink": "curvefit.dimension.links",
    "get_link": "curvefit.dimension.links",
    "Ruler": "curvefit.dimension.ruler",
    "calibrate_ruler": "curvefit.dimension.ruler",
    "ruler_from_fit": "curvefit.dimension.ruler",
    "ruler_error": "curvefit.dimension.ruler",
    "AlignmentSlope": "curvefit.dimension.covariates",
    "alignment_slope": "curvefit.dimension.covariates",
    "alignment_table": "curvefit.dimension.covariates",
    "Pair": "curvefit.dimension.pairs",
    "transform_pairs": "curvefit.dimension.pairs",
    "baseline_pairs": "curvefit.dimension.baselines",
    "choose_baseline": "curvefit.dimension.baselines",
    "CurveDifference": "curvefit.dimension.difference",
    "compare_curves": "curvefit.dimension.difference",
    "invariance_table": "curvefit.dimension.invariance",
    "describe_invariance": "curvefit.dimension.invariance",
}

__all__ = list(_PUBLIC)

__getattr__, __dir__ = lazy_names(__name__, _PUBLIC)
