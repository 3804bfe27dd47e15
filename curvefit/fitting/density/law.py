"""The law of a family with its partial derivatives, compiled from the family's one formula."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numba
from numba import types

from curvefit.families import AbstractFamily
from curvefit.fitting.density.native import NUMBERS


@lru_cache
def law_with_partials(family: AbstractFamily, names: tuple[str, ...]) -> Any:
    """Return the C function ``f(n, chance, parameters, error, partial, by_n, n_parameters, n_cells)`` of addresses.

    Reads sizes and chance errors, shape (cells,), and parameters in the order of `names`, shape (parameters, cells); writes errors,
    their partial derivatives by the parameters and those by n, in the same shapes. pytensor differentiates the formula.
    """
    import pytensor
    import pytensor.tensor as pt

    n, chance, table = pt.dvector("n"), pt.dvector("chance"), pt.dmatrix("table")
    parameters = [table[k] for k in range(len(names))]
    error = family.formula(pt, n, chance=chance, **dict(zip(names, parameters)))
    partials = pytensor.grad(error.sum(), [n, *parameters], disconnected_inputs="ignore")
    law = pytensor.function(
        [n, chance, table], [error, *partials], mode="NUMBA", on_unused_input="ignore"
    ).vm.jit_fn

    def written(at, chance_at, table_at, error_at, partial_at, by_at, n_parameters, cells):  # type: ignore[no-untyped-def]
        one, shape = (cells,), (n_parameters, cells)
        found = law(numba.carray(at, one), numba.carray(chance_at, one), numba.carray(table_at, shape))
        error, by_n, partial = (
            numba.carray(error_at, one),
            numba.carray(by_at, one),
            numba.carray(partial_at, shape),
        )
        for c in range(cells):
            error[c], by_n[c] = found[0][c], found[1][c]
        for k in range(n_parameters):
            for c in range(cells):
                partial[k, c] = found[2 + k][c]

    return numba.cfunc(types.void(*[NUMBERS] * 6, types.int64, types.int64))(written)
