"""Draws as ArviZ ``InferenceData`` whose dimensions know what they label, so that its functions take every result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from curvefit.triplet import AXES, Triplet

if TYPE_CHECKING:
    import arviz as az

Arrays = Mapping[str, np.ndarray]


def labelled_draws(
    posterior: Arrays,
    dims: Mapping[str, Sequence[str]],
    *,
    coords: Mapping[str, Any],
    chains: int | None = None,
    constant: Arrays | None = None,
    sample_stats: Arrays | None = None,
    predictions: Arrays | None = None,
) -> az.InferenceData:
    """Return InferenceData of draws with labelled dimensions.

    Parameters
    ----------
    posterior
        Name to draws: ``(chain, draw, ...)``, or ``(draws, ...)`` over all chains, one after the other, where `chains` is given.
    dims
        Name to the dimensions after those of the draws; none for names that are not there.
    coords
        Dimension to its labels; ``(dimension, labels)`` gives a dimension further labels under another name.
    chains
        Number of chains of equal length that the first axis of `posterior` and `predictions` runs over.
    constant
        What was not drawn, for the group ``constant_data``.
    sample_stats
        What the sampler said, ``(chain, draw)``.
    predictions
        Draws of what has not been observed, for the group ``predictions``; as `posterior`.
    """
    import arviz as az

    def by_chain(draws: Arrays) -> dict[str, np.ndarray]:
        if chains is None:
            return dict(draws)
        return {name: np.reshape(x, (chains, -1, *np.shape(x)[1:])) for name, x in draws.items()}

    known = {name: list(names) for name, names in dims.items()}
    indices = {name: labels for name, labels in coords.items() if not isinstance(labels, tuple)}
    data = az.from_dict(
        posterior=by_chain(posterior),
        predictions=by_chain(predictions) if predictions else None,
        sample_stats=dict(sample_stats) if sample_stats else None,
        constant_data=dict(constant) if constant else None,
        coords=indices,
        dims=known,
        pred_coords=indices,
        pred_dims=known,
    )
    for group in (data.posterior, *([data.predictions] if predictions else [])):
        for name, labels in coords.items():
            if isinstance(labels, tuple):
                group.coords[name] = labels
    return data


def triplet_coords(triplets: Sequence[Triplet]) -> dict[str, Any]:
    """Return the coordinates of a ``triplet`` dimension: its label, and data, model and inference."""
    members = {axis: ("triplet", [getattr(t, axis) for t in triplets]) for axis in AXES}
    return {"triplet": [str(t) for t in triplets], **members}
