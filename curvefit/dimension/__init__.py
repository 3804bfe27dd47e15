"""Dimension: from exponents to effective dimensions, gains, synergy and invariance, all as posterior draws."""

from __future__ import annotations

import importlib
from typing import Any

_PUBLIC = {
    "Pair": "curvefit.dimension.pairs",
    "transform_pairs": "curvefit.dimension.pairs",
    "baseline_pairs": "curvefit.dimension.pairs",
    "CurveDifference": "curvefit.dimension.difference",
    "compare_curves": "curvefit.dimension.difference",
    "invariance_table": "curvefit.dimension.invariance",
    "describe_invariance": "curvefit.dimension.invariance",
}

__all__ = list(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(importlib.import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'curvefit.dimension' has no attribute {name!r}")
