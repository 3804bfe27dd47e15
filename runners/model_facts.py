"""What a record says of the symmetry of its (M, I): the architecture's level, what training leaves of it."""

from __future__ import annotations

from functools import lru_cache

from curvefit.symmetry import chain_group, commute, preserves
from curvefit.symmetry.elements import Shape
from curvefit.symmetry.lattice import CHAIN
from curvefit.triplet import ModelFacts
from runners.algorithms.abstract import Run
from runners.training.banks import is_whole


def describe_model(run: Run, *, n_parameters: int | None = None) -> ModelFacts:
    """Return the facts of a run's architecture under its algorithm.

    Augmentation by a group, and averaging over its orbits, leave (M, I) invariant under those g alone that carry the
    group to itself; where fixed draws stand for the group, under those that commute with it. Averaging makes the
    learned function invariant under the group, if it is over all of it.
    """
    algorithm, architecture = run.algorithm, run.architecture
    level = architecture.symmetry_level(infinite_width=algorithm.infinite_width)
    gaussian = getattr(architecture, "initialisation", "gaussian") == "gaussian"
    elements = algorithm.elements if gaussian else "signed-permutation"
    orbit = getattr(algorithm, "orbit", "trivial")
    acting = {getattr(algorithm, "augment", "trivial"), orbit} - {"trivial"}
    function, shape = architecture.function_symmetry(), run.dataset.facts().shape if acting else None
    if function == "trivial" and shape is not None and is_whole(orbit, shape):
        function = orbit
    return ModelFacts(
        model_symmetry=_largest_kept(level, elements, frozenset(acting), shape),
        function_symmetry=function,
        n_parameters=n_parameters,
    )


@lru_cache(maxsize=256)
def _largest_kept(level: str, elements: str, acting: frozenset[str], shape: Shape | None) -> str:
    """Return the largest group of the chain, from `level` down, that carries every acting bank to itself."""
    largest = chain_group(level, elements)
    if shape is None or largest == "trivial":
        return largest
    chain = list(CHAIN[elements].values())
    for group in chain[chain.index(largest) :]:
        if all(_keeps_bank(group, name, shape) for name in acting):
            return group
    return "trivial"


def _keeps_bank(group: str, acting: str, shape: Shape) -> bool:
    keeps = preserves if is_whole(acting, shape) else commute
    return keeps(group, acting, shape=shape)
