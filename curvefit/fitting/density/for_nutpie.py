"""A compiled density as nutpie takes the ones that it compiles itself."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numba
import numpy as np
from numba import types

from curvefit.fitting.density.evaluation import copied
from curvefit.fitting.density.native import NUMBERS, Native


def nutpie_model_of(density: Native, start: Callable[[Any], np.ndarray], size: int) -> Any:
    """Return a model for `nutpie.sample` whose one variable is ``y``, shape (size,).

    Its threads call the density by its address, so none waits for another.

    Parameters
    ----------
    density
        The log density of y.
    start
        Function from a seed to starting values.
    size
        Dimensions.
    """
    from nutpie.compile_pymc import CompiledPyMCModel

    return CompiledPyMCModel(
        dims={},
        compiled_logp_func=density,
        compiled_expand_func=_copy(),
        initial_point_func=start,
        shared_data={},
        user_data=density.data,
        n_expanded=size,
        shape_info=(["y"], [slice(0, size)], [(size,)]),
        logp_func=None,
        expand_func=None,
        _n_dim=size,
        _shapes={"y": (size,)},
        _coords={},
    )


@lru_cache
def _copy() -> Any:
    signature = types.int64(types.uint64, types.uint64, NUMBERS, NUMBERS, types.voidptr)
    return numba.cfunc(signature, cache=True)(copied)
