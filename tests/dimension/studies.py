"""Small studies with known curves, for the tests of the dimension floor."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd

from curvefit.curves import LearningCurves
from curvefit.fitting import CurveFit

MODEL_SYMMETRY = {"fcn": "o-cp", "vec": "o-c-shared", "gap": "o-c-shared"}
FUNCTION_SYMMETRY = {"fcn": "trivial", "vec": "trivial", "gap": "cyclic-shifts"}
SIZES = (32, 64, 128, 256, 512, 1024)
ONSET = 50.0
CHANCE = 0.9
FLOOR = 0.05


def true_exponent(data: str, model: str) -> float:
    """FCN never profits; the others do on shifted data, unless a rotation of everything takes it away."""
    return 0.5 if model != "fcn" and data == "shifted trivial" else 0.3


def rotation_study(
    *, seeds: int = 4, noise: float = 0.03, seed: int = 0, nested: float = 0.0
) -> LearningCurves:
    """Return error counts of three models on plain and shifted data, untransformed and under O(cp).

    `nested` is the correlation of a seed's noise at one size with that at the next, as of nested training sets.
    """
    rng = np.random.default_rng(seed)
    rows, facts = [], []
    for family in ("plain", "shifted"):
        for transform in ("trivial", "o-cp"):
            data = f"{family} {transform}"
            for model in MODEL_SYMMETRY:
                facts.append(
                    {
                        "data": data,
                        "model": model,
                        "inference": "sgd",
                        "source": "made",
                        "shape": (7, 7, 16),
                        "transform": transform,
                        "data_symmetry": "cyclic-shifts" if family == "shifted" else "trivial",
                        "model_symmetry": MODEL_SYMMETRY[model],
                        "function_symmetry": FUNCTION_SYMMETRY[model],
                    }
                )
                z = np.zeros(seeds)
                for n in SIZES:
                    for s in range(seeds):
                        error = FLOOR + (CHANCE - FLOOR) * (1 + n / ONSET) ** -true_exponent(data, model)
                        kept = nested if n > SIZES[0] else 0.0
                        z[s] = kept * z[s] + np.sqrt(1 - kept**2) * rng.standard_normal()
                        error = min(error * np.exp(noise * z[s]), 0.99)
                        rows.append(
                            {
                                "data": data,
                                "model": model,
                                "inference": "sgd",
                                "n_train": n,
                                "seed": s,
                                "n_errors": rng.binomial(4000, error),
                                "n_test": 4000,
                                "chance_error": CHANCE,
                            }
                        )
    curves = LearningCurves.from_frame(pd.DataFrame(rows))
    return dataclasses.replace(curves, facts=pd.DataFrame(facts))


def doubtful_study() -> LearningCurves:
    """Return `rotation_study` with data labels and facts that leave open which transform belongs to which data."""
    names = {"plain trivial": "A", "shifted trivial": "B", "plain o-cp": "C", "shifted o-cp": "D"}
    curves = relabelled(rotation_study(seeds=1), names)
    return dataclasses.replace(curves, facts=curves.facts.assign(data_symmetry="trivial"))


def relabelled(curves: LearningCurves, names: dict[str, str]) -> LearningCurves:
    """Return curves with other data labels."""
    return dataclasses.replace(
        curves,
        table=curves.table.assign(data=curves.table["data"].map(names)),
        facts=curves.facts.assign(data=curves.facts["data"].map(names)),
    )


def posterior(curves: LearningCurves, *, spread: float = 0.03, draws: int = 400, seed: int = 1) -> CurveFit:
    """Return a fit whose draws scatter around the true law."""
    rng = np.random.default_rng(seed)
    shape = (draws, len(curves.triplets))
    centre = np.array([true_exponent(t.data, t.model) for t in curves.triplets])
    exponent = np.exp(np.log(centre) + spread * rng.standard_normal(shape))
    floor = FLOOR * np.exp(0.1 * rng.standard_normal(shape))
    return CurveFit.from_draws(
        curves, exponent=exponent, amplitude=(CHANCE - floor) * ONSET**exponent, floor=floor
    )


def power_laws(
    exponents: dict[str, float], amplitudes: dict[str, float], *, floors: dict[str, float] | None = None
) -> CurveFit:
    """Return an exact fit (two equal draws) of pure power laws, one model each, no chance level."""
    names = list(exponents)
    floors = floors or dict.fromkeys(names, 0.0)
    rows = [
        {
            "data": "task",
            "model": name,
            "inference": "kernel",
            "n_train": n,
            "seed": s,
            "value": floors[name] + amplitudes[name] * n ** -exponents[name],
        }
        for name in names
        for n in (64, 128, 256, 512, 1024)
        for s in range(2)
    ]
    curves = LearningCurves.from_frame(pd.DataFrame(rows).assign(metric="mse"))

    def column(values: dict[str, float]) -> np.ndarray:
        return np.tile([values[t.model] for t in curves.triplets], (2, 1))

    return CurveFit.from_draws(
        curves, exponent=column(exponents), amplitude=column(amplitudes), floor=column(floors)
    )
