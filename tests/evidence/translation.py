"""Study 3, translation: what is pooling worth where the data has the symmetry, and what does augmentation recover?"""

from __future__ import annotations

from curvefit.curves import LearningCurves
from curvefit.report.content import ReportFigure
from curvefit.triplet import Triplet
from tests.evidence.claims import (
    Claim,
    Factor,
    data_factor,
    data_factor_at,
    error_ratio,
    least_factor,
    mean_errors,
    verdict_of,
)
from tests.evidence.figures import ratio_figure

PLAIN, RIGHT, WRONG = "sgd", "sgd, shifts added", "sgd, wrong shifts added"
MODELS = ("fcn", "vec", "gap")


UNEXPECTED = (
    "A wrong group of the same size helps VEC at small n, where it acts as a regulariser, and hurts it from n = 1,024 on; GAP, which must "
    "then be invariant to both groups, is hurt at every size. Augmentation brings VEC almost all the way to GAP, FCN only part of it: "
    "local shared filters and shifted copies together are nearly pooling."
)
"""What did not come out as expected, beside the verdicts: read from the records, to be read again when they change."""


def claims(curves: LearningCurves) -> list[Claim]:
    """Return what the records say of the hypothesis."""
    return [
        *(_pooling(curves, "shifted", model) for model in ("vec", "fcn")),
        *(_pooling(curves, "plain", model) for model in ("vec", "fcn")),
        *(_augmentation(curves, model) for model in ("vec", "fcn")),
        *(_recovers(curves, model) for model in ("vec", "fcn")),
        *(_wrong(curves, model) for model in ("vec", "fcn", "gap")),
        _redundant(curves),
    ]


def figures(curves: LearningCurves) -> list[ReportFigure]:
    """Return what pooling and augmentation are worth, against n."""
    pooling = {
        f"{data} images": {
            model: (Triplet(data, model, PLAIN), Triplet(data, "gap", PLAIN)) for model in MODELS[:2]
        }
        for data in ("shifted", "plain")
    }
    augmenting = {
        title: {
            model: (Triplet("shifted", model, inference), Triplet("shifted", model, PLAIN))
            for model in MODELS
        }
        for title, inference in (("shifts added", RIGHT), ("a wrong group added", WRONG))
    }
    return [
        ratio_figure(
            "pooling",
            curves,
            pooling,
            ratio="error over the error of GAP",
            title="Pooling pays where images are shifted at random, and costs where they are centred",
            caption="Error of FCN and VEC over that of GAP, trained by SGD, with 90 % intervals over seeds.",
        ),
        ratio_figure(
            "augmentation",
            curves,
            augmenting,
            ratio="error with augmentation\nover error without",
            title="Augmentation by shifts gives FCN and VEC most of what GAP has built in",
            caption="Error on shifted images with augmentation over the error without, with 90 % intervals over seeds: by the shifts "
            "that the images have (left), by shifts of scrambled pixels, a wrong group of the same size (right).",
        ),
    ]


def earned(curves: LearningCurves) -> str:
    """Return the sentences that the study earned."""
    worth = {m: _factor_or_bound(curves, "shifted", m, PLAIN) for m in ("vec", "fcn")}
    after = {m: _factor_or_bound(curves, "shifted", m, RIGHT) for m in ("vec", "fcn")}
    centred = {m: _factor_or_bound(curves, "plain", m, PLAIN) for m in ("vec", "fcn")}
    wrong = error_ratio(curves, Triplet("shifted", "gap", WRONG), Triplet("shifted", "gap", PLAIN))
    return (
        f"Where images are shifted at random, pooling is worth {worth['vec']} times the images against VEC and {worth['fcn']} "
        f"against FCN; after augmentation by shifts VEC still needs {after['vec']} and FCN {after['fcn']} times the images of "
        f"GAP. Where images are centred pooling costs: VEC needs {centred['vec']} and FCN {centred['fcn']} times the images of GAP. "
        f"Shifts of scrambled pixels, a wrong group of the same size, multiply GAP's error by {wrong}."
    )


def _factor_or_bound(curves: LearningCurves, data: str, model: str, inference: str) -> str:
    """Say how many times the images of GAP a model needs: at its largest size, at a middle error, or a bound."""
    one, other = Triplet(data, model, inference), Triplet(data, "gap", PLAIN)
    factor = _worth(curves, one, other)
    if factor is not None:
        return str(factor)
    bound = least_factor(curves, one, other)
    return "an unknown number of" if bound is None else f"more than {bound:.0f}"


def _worth(curves: LearningCurves, one: Triplet, other: Triplet) -> Factor | None:
    largest = int(mean_errors(curves, one).index.max())
    return data_factor_at(curves, one, other, largest) or data_factor(curves, one, other)


def _pooling(curves: LearningCurves, data: str, model: str) -> Claim:
    one, other = Triplet(data, model, PLAIN), Triplet(data, "gap", PLAIN)
    factor, ratio = _worth(curves, one, other), error_ratio(curves, one, other)
    bound = least_factor(curves, one, other)
    low, high = (factor.low, factor.high) if factor else (bound or 0.0, float("inf"))
    if data == "shifted":
        says, verdict = (
            f"On shifted images {model.upper()} needs more images than GAP",
            verdict_of(low > 1, high < 1),
        )
    else:
        says, verdict = (
            f"On centred images pooling gives nothing over {model.upper()}",
            verdict_of(bool(factor) and low <= 1, low > 1),
        )
    measured = f"needs {_factor_or_bound(curves, data, model, PLAIN)} times the images"
    return Claim(says, f"{measured}; error over GAP {ratio} over all sizes", verdict)


def _augmentation(curves: LearningCurves, model: str) -> Claim:
    one, other = Triplet("shifted", model, PLAIN), Triplet("shifted", model, RIGHT)
    ratio, factor = error_ratio(curves, other, one), _worth(curves, one, other)
    bound = least_factor(curves, one, other)
    worth = (
        f"; worth {factor} times the images" if factor else f"; worth more than {bound:.0f}" if bound else ""
    )
    return Claim(
        f"Adding shifted copies helps {model.upper()} on shifted images",
        f"error x {ratio}{worth}",
        verdict_of(ratio.high < 1, ratio.low > 1),
    )


def _recovers(curves: LearningCurves, model: str) -> Claim:
    with_copies, pooled = Triplet("shifted", model, RIGHT), Triplet("shifted", "gap", PLAIN)
    ratio, factor = error_ratio(curves, with_copies, pooled), _worth(curves, with_copies, pooled)
    needs = f"; needs {factor} times its images" if factor else ""
    return Claim(
        f"Augmentation gives {model.upper()} part of what GAP has built in, not all of it",
        f"error of augmented {model.upper()} over GAP {ratio}{needs}",
        verdict_of(ratio.low > 1, ratio.high < 1),
    )


def _wrong(curves: LearningCurves, model: str) -> Claim:
    one, other = Triplet("shifted", model, WRONG), Triplet("shifted", model, PLAIN)
    ratio = error_ratio(curves, one, other)
    return Claim(
        f"A wrong group of the same size buys {model.upper()} nothing",
        f"error x {ratio}",
        verdict_of(ratio.high >= 1, ratio.high < 1),
    )


def _redundant(curves: LearningCurves) -> Claim:
    one, other = Triplet("shifted", "gap", RIGHT), Triplet("shifted", "gap", PLAIN)
    ratio = error_ratio(curves, one, other)
    size = int(mean_errors(curves, one).index.max())
    return Claim(
        "GAP, whose function is invariant to shifts already, gains nothing by them",
        f"error x {ratio} over n up to {size}",
        verdict_of(ratio.low <= 1.05 and ratio.high >= 0.95, ratio.high < 0.95),
    )
