"""The law of a family with its partial derivatives, compiled from the family's one formula."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from curvefit.families import AbstractFamily


@lru_cache
def law_with_partials(family: AbstractFamily) -> Callable[..., tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Return ``f(n, chance, parameters)`` giving errors (cells,), their partial derivatives (parameters, cells), and those by n.

    pytensor differentiates the formula. Parameters have shape (parameters, cells), in the order of the family's table.
    """
    import pytensor
    import pytensor.tensor as pt

    n, chance, parameters = pt.dvector("n"), pt.dvector("chance"), pt.dmatrix("parameters")
    values = {name: parameters[k] for k, name in enumerate(family.parameter_names)}
    error = family.formula(pt, n, chance=chance, **values)
    partials, by_size = pytensor.grad(error.sum(), [parameters, n], disconnected_inputs="ignore")
    inputs = [n, chance, parameters]
    return pytensor.function(
        inputs, [error, partials, by_size], mode="NUMBA", on_unused_input="ignore"
    ).vm.jit_fn
