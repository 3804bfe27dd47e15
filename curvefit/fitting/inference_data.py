"""Draws as ArviZ ``InferenceData`` whose variables know their triplets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from curvefit.triplet import AXES, Triplet

if TYPE_CHECKING:
    import arviz as az


def make_inference_data(
    posterior: dict[str, np.ndarray],
    triplets: tuple[Triplet, ...],
    chance: np.ndarray,
    *,
    dims: dict[str, list[str]] | None = None,
    coords: dict[str, Any] | None = None,
    sample_stats: dict[str, np.ndarray] | None = None,
) -> az.InferenceData:
    """Return InferenceData whose variables of shape (chain, draw, triplets) carry the triplet dimension."""
    import arviz as az

    labels = [str(t) for t in triplets]
    known = dict(dims or {})
    for name, array in posterior.items():
        if name not in known and array.ndim == 3 and array.shape[2] == len(triplets):
            known[name] = ["triplet"]
    known["chance"] = ["triplet"]
    data = az.from_dict(
        posterior=posterior,
        sample_stats=sample_stats,
        constant_data={"chance": np.asarray(chance, float)},
        coords={"triplet": labels, **(coords or {})},
        dims=known,
    )
    for axis in AXES:
        data.posterior.coords[axis] = ("triplet", [getattr(t, axis) for t in triplets])
    return data
