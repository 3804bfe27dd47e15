"""Draws of results as ArviZ ``InferenceData``, so that its functions take gains and dimensions as they take fits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from curvefit.dimension.pairs import Pair
from curvefit.triplet import AXES, Triplet

if TYPE_CHECKING:
    import arviz as az

    from curvefit.fitting.curve_fit import CurveFit


def chains_of(fit: CurveFit) -> int:
    """Return how many chains the draws of a fit come from."""
    return int(fit.draws["posterior"].sizes["chain"])


def to_inference_data(
    posterior: Mapping[str, np.ndarray],
    dims: Mapping[str, Sequence[str]],
    *,
    chains: int,
    coords: Mapping[str, Any],
    constant: Mapping[str, np.ndarray] | None = None,
) -> az.InferenceData:
    """Return InferenceData of draws whose first axis runs over all chains, one after the other.

    Parameters
    ----------
    posterior
        Name to draws, ``(draws, ...)``.
    dims
        Name to the dimensions after the first; none for names that are not there.
    chains
        Number of chains of equal length.
    coords
        Dimension to its labels; ``(dimension, labels)`` gives a dimension further labels under another name.
    constant
        What was not drawn, for the group ``constant_data``.
    """
    import arviz as az

    indices = {name: labels for name, labels in coords.items() if not isinstance(labels, tuple)}
    data = az.from_dict(
        posterior={
            name: np.reshape(draws, (chains, -1, *np.shape(draws)[1:])) for name, draws in posterior.items()
        },
        constant_data=dict(constant) if constant else None,
        coords=indices,
        dims={name: list(known) for name, known in dims.items()},
    )
    for name, labels in coords.items():
        if isinstance(labels, tuple):
            data.posterior.coords[name] = labels
    return data


def triplet_coords(triplets: Sequence[Triplet]) -> dict[str, Any]:
    """Return the coordinates of a ``triplet`` dimension: its label, and data, model and inference."""
    members = {axis: ("triplet", [getattr(t, axis) for t in triplets]) for axis in AXES}
    return {"triplet": [str(t) for t in triplets], **members}


def pair_coords(pairs: Sequence[Pair]) -> dict[str, Any]:
    """Return the coordinates of a ``pair`` dimension: its label, and both triplets."""
    sides = {side: ("pair", [str(getattr(pair, side)) for pair in pairs]) for side in ("aligned", "baseline")}
    return {"pair": [str(pair) for pair in pairs], **sides}
