"""What is wrong with specs, found before any work starts: sentences, all of them, for one error."""

from __future__ import annotations

from curvefit.errors import CurvefitError
from curvefit.settings import Settings
from curvefit.study.spec import Member, RunSpec
from curvefit.triplet import AXES
from runners.algorithms.abstract import Run
from runners.datasets.abstract import check_prefixes

#: Canonical member and component by axis and label.
Built = dict[tuple[str, str], tuple[Member, Settings]]


def same_work(specs: list[RunSpec]) -> list[str]:
    """Return which members of an axis are one and the same, written in two ways: their runs would be shared."""
    first: dict[str, RunSpec] = {}
    mistakes: dict[tuple[str, str, str], str] = {}
    for spec in specs:
        twin = first.setdefault(spec.id, spec)
        for axis in AXES:
            one, other = getattr(twin, axis).label, getattr(spec, axis).label
            if one != other:
                mistakes[axis, one, other] = f"{axis}: {one!r} and {other!r} are the same work; leave one out"
    return list(mistakes.values())


def size_mistakes(specs: list[RunSpec], built: Built) -> list[str]:
    """Return which datasets are smaller than what is asked of them."""
    largest: dict[str, int] = {}
    for spec in specs:
        largest[spec.data.label] = max(spec.n_train, largest.get(spec.data.label, 0))
    mistakes = []
    for label, n_train in largest.items():
        dataset = built["data", label][1]
        try:
            available = dataset.largest_n_train(specs[0].study_seed)  # type: ignore[attr-defined]
        except CurvefitError as error:
            mistakes.append(f"data {label!r}: {error}")
            continue
        if available is not None and n_train > available:
            mistakes.append(
                f"data {label!r}: n_train {n_train} is larger than the {available} training examples there are"
            )
    return mistakes


def broken_laws(specs: list[RunSpec], built: Built) -> list[str]:
    """Return what datasets claim and do not keep; those of this package are checked by its contract suite."""
    mistakes = []
    for label in dict.fromkeys(spec.data.label for spec in specs):
        dataset = built["data", label][1]
        first, *others = sorted({spec.n_train for spec in specs if spec.data.label == label})
        if not others or type(dataset).__module__.startswith("runners."):
            continue
        spec = next(spec for spec in specs if spec.data.label == label)
        seeds = {"seed": spec.seed, "study_seed": spec.study_seed}
        try:
            check_prefixes(dataset, first, others[0], **seeds)  # type: ignore[arg-type]
        except CurvefitError as error:
            mistakes.append(f"data {label!r}: {error}")
    return mistakes


def refusals(specs: list[RunSpec], built: Built) -> list[str]:
    """Return what algorithms refuse, each reason once: they are asked for the smallest size of every triplet."""
    smallest: dict[tuple[str, str, str], RunSpec] = {}
    for spec in specs:
        known = smallest.setdefault(spec.triplet, spec)
        if spec.n_train < known.n_train:
            smallest[spec.triplet] = spec
    refused: dict[str, list[str]] = {}
    for triplet, spec in smallest.items():
        run = Run(spec, *(built[axis, label][1] for axis, label in zip(AXES, triplet)))  # type: ignore[arg-type]
        try:
            run.algorithm.check(run)
        except CurvefitError as error:
            refused.setdefault(str(error), []).append(" / ".join(triplet))
    others = {error: f" and {len(where) - 1} more" if where[1:] else "" for error, where in refused.items()}
    return [f"{where[0]}{others[error]}: {error}" for error, where in refused.items()]
