"""Study 4, inference: who breaks the spurious symmetry of VEC, and who notices which rotation?"""

from __future__ import annotations

from curvefit.curves import LearningCurves
from curvefit.triplet import Triplet
from tests.evidence.claims import Claim, Factor, error_ratio, mean_errors, ratio_at, verdict_of

DATA, SHARED, PIXEL = "shifted", "shifted, shared rotation", "shifted, pixel rotations"
WIDTHS = (4, 16, 32)
MIDDLE = "vec width 16"
LEVELS = ("sgd, rate / 4", "sgd, rate x 3", "sgd, no momentum", "sgd, weight decay", "sgd, ensemble of 5")
SHOWN = (("model", "inference"),)


def claims(curves: LearningCurves) -> list[Claim]:
    """Return what the records say of the hypothesis."""
    return [
        *(_breaks(curves, f"vec width {width}", "sgd", True) for width in WIDTHS),
        _narrower(curves),
        _breaks(curves, MIDDLE, "ntk", False),
        _breaks(curves, MIDDLE, "linearised sgd", True),
        _breaks(curves, "lcn width 16", "sgd", False),
        *(_breaks(curves, MIDDLE, inference, True) for inference in LEVELS),
        *(_shared(curves, inference) for inference in ("sgd", *LEVELS)),
        _adam(curves),
        *(_level(curves, inference) for inference in LEVELS),
    ]


def _cost(curves: LearningCurves, model: str, inference: str, data: str = PIXEL) -> tuple[Factor, int]:
    one, other = Triplet(data, model, inference), Triplet(DATA, model, inference)
    size = int(mean_errors(curves, other).index.max())
    return ratio_at(curves, one, other, size), size


def _breaks(curves: LearningCurves, model: str, inference: str, expected: bool) -> Claim:
    ratio, size = _cost(curves, model, inference)
    over_all = error_ratio(curves, Triplet(PIXEL, model, inference), Triplet(DATA, model, inference))
    says = "pays for a rotation per pixel" if expected else "does not notice a rotation per pixel"
    held = ratio.low > 1 if expected else over_all.low > 0.95 and over_all.high < 1.05
    against = ratio.high < 1.02 if expected else ratio.low > 1
    return Claim(
        f"{model.upper()} under {inference} {says}",
        f"error x {ratio} at n = {size}, x {over_all} over all sizes",
        verdict_of(held, against),
    )


def _narrower(curves: LearningCurves) -> Claim:
    ratios = {width: _cost(curves, f"vec width {width}", "sgd")[0] for width in WIDTHS}
    falling = [ratios[a].value > ratios[b].value for a, b in zip(WIDTHS, WIDTHS[1:])]
    apart = ratios[WIDTHS[0]].low > ratios[WIDTHS[-1]].high
    reverse = ratios[WIDTHS[-1]].low > ratios[WIDTHS[0]].high
    return Claim(
        "The narrower the net, the more it pays",
        "; ".join(f"width {width}: error x {ratio}" for width, ratio in ratios.items()),
        verdict_of(all(falling) and apart, reverse),
    )


def _shared(curves: LearningCurves, inference: str) -> Claim:
    ratio = error_ratio(curves, Triplet(SHARED, MIDDLE, inference), Triplet(DATA, MIDDLE, inference))
    return Claim(
        f"A rotation shared by all pixels leaves {MIDDLE.upper()} under {inference} unchanged",
        f"error x {ratio}",
        verdict_of(ratio.low > 0.95 and ratio.high < 1.05, ratio.low > 1.05 or ratio.high < 0.95),
    )


def _adam(curves: LearningCurves) -> Claim:
    ratio = error_ratio(curves, Triplet(SHARED, MIDDLE, "adam"), Triplet(DATA, MIDDLE, "adam"))
    return Claim(
        f"Adam notices the shared rotation that SGD does not ({MIDDLE.upper()})",
        f"error x {ratio}",
        verdict_of(ratio.low > 1 or ratio.high < 1, ratio.low > 0.98 and ratio.high < 1.02),
    )


def _level(curves: LearningCurves, inference: str) -> Claim:
    ratio = error_ratio(curves, Triplet(DATA, MIDDLE, inference), Triplet(DATA, MIDDLE, "sgd"))
    return Claim(
        f"{inference} changes the level of the curve",
        f"error x {ratio} against plain SGD",
        verdict_of(ratio.low > 1 or ratio.high < 1, False),
    )
