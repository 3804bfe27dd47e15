"""What gains are measured against: the pairs of a baseline, and the baseline to take where none was named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from curvefit.curves.learning_curves import LearningCurves
from curvefit.dimension.pairs import Pair, shape_of, transform_pairs, triplet_facts
from curvefit.errors import InvalidInputError, unknown_name
from curvefit.symmetry.lattice import is_subgroup
from curvefit.triplet import AXES, Triplet

FREEST_MODEL = "fcn"
"""What a fully connected network is called here."""


def baseline_pairs(
    curves: LearningCurves,
    triplets: Sequence[Triplet],
    *,
    baseline: str | None = None,
    reference: Mapping[str, str] | None = None,
) -> list[Pair]:
    """Return the pairs of every triplet with its counterpart at the `baseline`.

    Parameters
    ----------
    baseline
        A model, data or inference label, or the name of a transform: then the transformed data is the
        baseline of the same data untransformed. None for that of `choose_baseline`.
    reference
        As in `reference_data`.

    Raises
    ------
    UnknownNameError
        When no label and no transform has that name.
    InvalidInputError
        When no triplet has a counterpart at the baseline, or two data labels could both be the reference.
    """
    if baseline is None:
        baseline = choose_baseline(curves, triplets, reference=reference)[0]
    if not isinstance(baseline, str):
        raise InvalidInputError(
            f"the baseline must be a name, not {baseline!r}; pairs of triplets are given by pairs="
        )
    known = {axis: {getattr(t, axis) for t in triplets} for axis in AXES}
    present = set(triplets)
    for axis in ("model", "data", "inference"):
        if baseline in known[axis]:
            pairs = [
                Pair(counterpart, t)
                for t in triplets
                if getattr(t, axis) != baseline and (counterpart := t._replace(**{axis: baseline})) in present
            ]
            break
    else:
        transforms = dict(
            triplet_facts(curves, curves.triplets)[["data", "transform"]].itertuples(index=False)
        )
        names = {str(name) for name in transforms.values()} - {"trivial"}
        if baseline not in names:
            raise unknown_name("baseline", baseline, set().union(*known.values()) | names)
        pairs = [
            pair
            for pair in transform_pairs(curves, reference=reference)
            if transforms[pair.baseline.data] == baseline and {pair.baseline, pair.aligned} <= present
        ]
    if not pairs:
        raise InvalidInputError(f"no triplet has a counterpart at the baseline {baseline!r}")
    return pairs


def choose_baseline(
    curves: LearningCurves, triplets: Sequence[Triplet], *, reference: Mapping[str, str] | None = None
) -> tuple[str, str]:
    """Return the label of the baseline that the curves themselves suggest, and why, as a sentence.

    It is the one model whose symmetry group contains those of all others, by the facts of the curves; else the model called
    ``"fcn"``; else, where models cannot be compared, the one transform of the data.

    Parameters
    ----------
    reference
        As in `reference_data`.

    Raises
    ------
    InvalidInputError
        When nothing stands out (the message names what could be the baseline), or two data labels could both be the reference.
    """
    models = list(dict.fromkeys(t.model for t in triplets))
    shared = {model: {(t.data, t.inference) for t in triplets if t.model == model} for model in models}
    compared = [m for m in models if any(shared[m] & shared[other] for other in models if other != m)]
    freest = _freest(curves, [t for t in triplets if t.model in compared])
    if len(freest) == 1:
        return freest[0], f"compared with {freest[0]!r}, the model with the largest symmetry group here."
    if FREEST_MODEL in compared:
        return (
            FREEST_MODEL,
            f"compared with {FREEST_MODEL!r}, the model without locality or weight sharing by its name.",
        )
    transforms: list[str] = []
    if not compared:
        facts = triplet_facts(
            curves, [pair.baseline for pair in transform_pairs(curves, reference=reference)]
        )
        transforms = [str(name) for name in dict.fromkeys(facts["transform"])]
    if len(transforms) == 1:
        return transforms[0], f"compared with {transforms[0]!r}, the one transform of the data here."
    offers = [
        f"{axis} {' or '.join(map(repr, labels))}"
        for axis in ("model", "inference", "data")
        if len(labels := list(dict.fromkeys(getattr(t, axis) for t in triplets))) > 1
    ]
    offers += [f"transform {' or '.join(map(repr, transforms))}"] if transforms else []
    if not offers:
        raise InvalidInputError("a gain compares two curves or more; there is one triplet")
    raise InvalidInputError(
        f"no baseline was named and none stands out; name one with baseline= (on the command line: --baseline): {'; '.join(offers)}"
    )


def _freest(curves: LearningCurves, triplets: Sequence[Triplet]) -> list[str]:
    """Return the models whose groups contain, and are larger than, those of all others wherever both were measured."""
    if not triplets:
        return []
    facts = triplet_facts(curves, triplets)
    if facts["model_symmetry"].isna().any():
        return []
    shape = shape_of(facts.iloc[0])
    groups = {t: str(name) for t, name in zip(triplets, facts["model_symmetry"])}
    models = list(dict.fromkeys(t.model for t in triplets))
    inside = {
        (small, large): is_subgroup(small, large, shape=shape)
        for small in set(groups.values())
        for large in set(groups.values())
    }

    def freer(one: str, other: str) -> bool:
        met = [
            (groups[t], groups[o])
            for t in triplets
            if t.model == one and (o := t._replace(model=other)) in groups
        ]
        larger = [inside[small, large] for large, small in met]
        return all(larger) and (not met or any(not inside[large, small] for large, small in met))

    return [one for one in models if all(freer(one, other) for other in models if other != one)]
