"""Study 1, rotations: is a curve unchanged exactly when the rotation lies in the group of (model, inference)?"""

from __future__ import annotations

import numpy as np

from curvefit.curves import LearningCurves
from curvefit.dimension import invariance_table
from curvefit.triplet import Triplet
from tests.evidence.claims import FAILED, HELD, OPEN, Claim, error_ratio, mean_errors, ratio_at, verdict_of

KERNELS = ("nngp", "ntk")
SHOWN = (("model", "inference"),)
"""Panels of the page's figures of curves."""


def claims(curves: LearningCurves) -> list[Claim]:
    """Return what the records say of the paper's claims."""
    table = invariance_table(curves)
    cells = [
        _unchanged(table, "FCN under any inference notices no rotation at all", model="fcn"),
        _unchanged(
            table,
            "LCN under any inference does not notice a rotation of every pixel's channels",
            model="lcn",
            full=False,
        ),
        _unchanged(
            table,
            "Infinite-width VEC does not notice a rotation of every pixel's channels: its spurious symmetry",
            model="vec",
            inference=KERNELS,
            full=False,
        ),
        _unchanged(
            table,
            "One rotation shared by all pixels changes neither finite VEC nor GAP",
            model=("vec", "gap"),
            transform=("o-c-shared",),
        ),
    ]
    return [
        *cells,
        _breaking(curves),
        *(_pooling_lost(curves, inference) for inference in ("sgd", *KERNELS)),
        _same_kernel(curves),
        _finite_width(curves),
        *_orders(curves),
        _closing_gap(curves),
    ]


def _unchanged(table, says: str, *, model, inference=None, transform=None, full: bool = True) -> Claim:
    models = (model,) if isinstance(model, str) else model
    rows = table[table["model"].isin(models)]
    if inference is not None:
        rows = rows[rows["inference"].isin(inference)]
    if transform is not None:
        rows = rows[rows["transform"].isin(transform)]
    if not full:
        rows = rows[rows["transform"] != "o-cp"]
    counts = rows["verdict"].value_counts()
    same, changed = int(counts.get("unchanged", 0)), int(counts.get("changed", 0))
    worst = rows.loc[np.log(rows["error_ratio"]).abs().idxmax()]
    measured = (
        f"{same} of {len(rows)} curves unchanged, {changed} changed; the farthest is {worst.model} | {worst.inference} on "
        f"{worst.data}, error x {worst.error_ratio:.3f} ({worst.error_ratio_low:.3f} to {worst.error_ratio_high:.3f})"
    )
    return Claim(says, measured, verdict_of(same == len(rows), changed > 0))


def _breaking(curves: LearningCurves) -> Claim:
    """Finite VEC pays for a rotation per pixel."""
    one, other = Triplet("shifted, pixel rotations", "vec", "sgd"), Triplet("shifted", "vec", "sgd")
    size = int(mean_errors(curves, other).index.max())
    ratio = ratio_at(curves, one, other, size)
    return Claim(
        "SGD at finite width breaks VEC's spurious symmetry: a rotation per pixel costs it",
        f"shifted images, n = {size}: error x {ratio}",
        verdict_of(ratio.low > 1, ratio.high < 1),
    )


def _pooling_lost(curves: LearningCurves, inference: str) -> Claim:
    one, other = (Triplet(data, "gap", inference) for data in ("shifted, pixel rotations", "shifted"))
    size = int(mean_errors(curves, other).index.max())
    ratio, against = ratio_at(curves, one, other, size), Triplet(one.data, "fcn", inference)
    fcn = ratio_at(curves, one, against, size)
    return Claim(
        f"A rotation per pixel takes from GAP under {inference} all that pooling gave",
        f"shifted images, n = {size}: error x {ratio}; it then has x {fcn} the error of FCN",
        verdict_of(ratio.low > 1 and fcn.high > 0.9, ratio.high < 1 or fcn.high < 0.9),
    )


def _same_kernel(curves: LearningCurves) -> Claim:
    differences = []
    for data in {t.data for t in curves.triplets}:
        for inference in KERNELS:
            tables = [
                curves.select(data=data, model=model, inference=inference)
                .usable.set_index(["n_train", "seed"])["n_errors"]
                .sort_index()
                for model in ("lcn", "vec")
            ]
            differences.append(float((tables[0] - tables[1]).abs().max()))
    worst = max(differences)
    return Claim(
        "LCN and VEC are one model at infinite width",
        f"largest difference of their test errors in any run: {worst:.0f} (one kernel, computed once for both names)",
        HELD if worst == 0 else FAILED,
    )


def _finite_width(curves: LearningCurves) -> Claim:
    one, other = Triplet("shifted", "lcn", "sgd"), Triplet("shifted", "vec", "sgd")
    sizes = mean_errors(curves, one).index
    ratio = ratio_at(curves, one, other, int(sizes.max()))
    return Claim(
        "At finite width they part: shared filters learn from fewer images",
        f"shifted images, n = {sizes.max()}, SGD: error of LCN over VEC {ratio}",
        verdict_of(ratio.low > 1, ratio.high < 1),
    )


def _orders(curves: LearningCurves) -> list[Claim]:
    found = []
    for data in ("shifted", "plain"):
        for inference in ("sgd", "ntk"):
            models = ("gap", "vec", "lcn", "fcn")
            series = {m: mean_errors(curves, Triplet(data, m, inference)) for m in models}
            size = int(min(s.index.max() for s in series.values()))
            errors = {m: float(s.loc[size]) for m, s in series.items()}
            steps = [
                ratio_at(curves, Triplet(data, worse, inference), Triplet(data, better, inference), size)
                for better, worse in zip(models, models[1:])
            ]
            held = all(step.high > 1 for step in steps) and any(step.low > 1 for step in steps)
            strict = all(step.low > 1 for step in steps)
            listed = ", ".join(f"{m} {e:.3f}" for m, e in errors.items())
            verdict = HELD if strict else FAILED if not held else OPEN
            found.append(
                Claim(
                    f"{data.capitalize()} images, {inference}: GAP learns best, then VEC, LCN, FCN",
                    f"errors at n = {size}: {listed}",
                    verdict,
                )
            )
    return found


def _closing_gap(curves: LearningCurves) -> Claim:
    one, other = Triplet("shifted", "vec", "sgd"), Triplet("shifted", "gap", "sgd")
    sizes = [int(n) for n in mean_errors(curves, other).index]
    difference = mean_errors(curves, one) - mean_errors(curves, other)
    peak = int(difference.idxmax())
    last, ratio = sizes[-1], error_ratio(curves, one, other)
    return Claim(
        "The gap between VEC and GAP closes with more data",
        f"difference of the errors largest at n = {peak} ({difference.loc[peak]:.3f}), {difference.loc[last]:.3f} at n = {last}; "
        f"ratio over all sizes {ratio}, {ratio_at(curves, one, other, sizes[0])} at n = {sizes[0]}, "
        f"{ratio_at(curves, one, other, last)} at n = {last}",
        verdict_of(difference.loc[last] < 0.8 * difference.max(), peak == last),
    )
