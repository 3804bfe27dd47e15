"""Study 3, translation: what is pooling worth where the data has the symmetry, and what does augmentation recover?"""

from __future__ import annotations

from curvefit.curves import LearningCurves
from curvefit.triplet import Triplet
from tests.evidence.claims import OPEN, Claim, data_factor, error_ratio, mean_errors, verdict_of

PLAIN, RIGHT, WRONG = "sgd", "sgd, shifts added", "sgd, wrong shifts added"
SHOWN = (("model",),)


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


def _pooling(curves: LearningCurves, data: str, model: str) -> Claim:
    one, other = Triplet(data, model, PLAIN), Triplet(data, "gap", PLAIN)
    factor, ratio = data_factor(curves, one, other), error_ratio(curves, one, other)
    words = f"; error of {model.upper()} over GAP {ratio} over all sizes"
    if data == "shifted":
        verdict = OPEN if factor is None else verdict_of(factor.low > 1, factor.high < 1)
        says = f"On shifted images {model.upper()} needs more images than GAP"
    else:
        verdict = OPEN if factor is None else verdict_of(factor.low <= 1, factor.low > 1)
        says = f"On centred images pooling gives nothing over {model.upper()}"
    measured = "no common error level was reached by every seed" if factor is None else f"factor {factor}"
    return Claim(says, measured + words, verdict)


def _augmentation(curves: LearningCurves, model: str) -> Claim:
    one, other = Triplet("shifted", model, PLAIN), Triplet("shifted", model, RIGHT)
    ratio, factor = error_ratio(curves, other, one), data_factor(curves, one, other)
    worth = "" if factor is None else f"; worth {factor} times the images"
    return Claim(
        f"Adding shifted copies helps {model.upper()} on shifted images",
        f"error x {ratio}{worth}",
        verdict_of(ratio.high < 1, ratio.low > 1),
    )


def _recovers(curves: LearningCurves, model: str) -> Claim:
    with_copies, pooled = Triplet("shifted", model, RIGHT), Triplet("shifted", "gap", PLAIN)
    ratio = error_ratio(curves, with_copies, pooled)
    return Claim(
        f"Augmentation gives {model.upper()} part of what GAP has built in, not all of it",
        f"error of augmented {model.upper()} over GAP {ratio}",
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
