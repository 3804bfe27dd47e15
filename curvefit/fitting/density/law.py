"""The law of a family with its partial derivatives, compiled from the family's one formula."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from curvefit.families import AbstractFamily


@lru_cache
def law_with_partials(family: AbstractFamily) -> Callable[..., tuple[np.ndarray, ...]]:
    """Return ``f(n, chance, *parameters)`` giving the error and its partial derivatives, elementwise.

    pytensor differentiates the formula; parameters come in the order of the family's table, all arrays have one shape.
    """
    import pytensor
    import pytensor.tensor as pt

    n, chance = pt.dvector("n"), pt.dvector("chance")
    values = {name: pt.dvector(name) for name in family.parameter_names}
    error = family.formula(pt, n, chance=chance, **values)
    inputs: list[Any] = list(values.values())
    partials = pytensor.grad(error.sum(), inputs, disconnected_inputs="ignore")
    function = pytensor.function(
        [n, chance, *inputs], [error, *partials], mode="NUMBA", on_unused_input="ignore"
    )
    return function.vm.jit_fn
