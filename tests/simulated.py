"""A small simulated rotation study whose truth is known: records, curves, and a fit made of draws near the truth."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pandas as pd

from curvefit.curves import LearningCurves
from curvefit.fitting import CurveFit, FitStatus
from curvefit.records.record import RunRecord
from curvefit.triplet import Triplet

ROTATIONS = ("trivial", "o-c-shared", "o-c-per-pixel", "o-cp")
SYMMETRY = {
    ("fcn", "sgd"): "o-cp",
    ("fcn", "ntk"): "o-cp",
    ("vec", "sgd"): "o-c-shared",
    ("vec", "ntk"): "o-c-per-pixel",
    ("gap", "sgd"): "o-c-shared",
    ("gap", "ntk"): "o-c-shared",
}
EXPONENT = {"fcn": 0.25, "vec": 0.4, "gap": 0.55}
CHAIN = {name: depth for depth, name in enumerate(ROTATIONS)}
SIZES = (32, 64, 128, 256, 512, 1024)
N_TEST = 2000
CHANCE = 0.9
FLOOR = 0.05
OWN_SIZES = (64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096)


def true_exponent(triplet: Triplet) -> float:
    """Return the exponent; a rotation outside the group of (M, I) throws a curve back to FCN's."""
    rotation = triplet.data.removeprefix("shifted ")
    inside = CHAIN[rotation] <= CHAIN[SYMMETRY[triplet.model, triplet.inference]]
    return EXPONENT[triplet.model] if inside else EXPONENT["fcn"]


def true_error(triplet: Triplet, n: int) -> float:
    """Return the expected error of the reference law with onset 8."""
    return FLOOR + (CHANCE - FLOOR) * (1 + n / 8) ** -true_exponent(triplet)


def records(*, seeds: int = 3, seed: int = 0) -> list[RunRecord]:
    """Draw binomial error counts of every triplet, size and seed."""
    rng = np.random.default_rng(seed)
    made = []
    for rotation in ROTATIONS:
        for model, inference in SYMMETRY:
            triplet = Triplet(f"shifted {rotation}", model, inference)
            for n in SIZES:
                for replicate in range(seeds):
                    wrong = int(rng.binomial(N_TEST, true_error(triplet, n)))
                    made.append(_record(triplet, rotation, n, replicate, wrong))
    return made


def _record(triplet: Triplet, rotation: str, n: int, seed: int, wrong: int) -> RunRecord:
    return RunRecord(
        run_id=f"{triplet}-{n}-{seed}",
        study="simulated-rotations",
        **triplet._asdict(),
        n_train=n,
        seed=seed,
        n_errors=wrong,
        n_test=N_TEST,
        value=wrong / N_TEST,
        seconds=0.5,
        spec={"data": {"name": "simulated"}, "study_seed": 0},
        data_facts={
            "source": "simulated images",
            "shape": [7, 7, 16],
            "n_classes": 10,
            "chance_error": CHANCE,
            "data_symmetry": "cyclic-shifts",
            "transform": rotation,
            "training_sets": "nested",
            "shared_test_set": True,
        },
        model_facts={
            "model_symmetry": SYMMETRY[triplet.model, triplet.inference],
            "function_symmetry": "cyclic-shifts" if triplet.model == "gap" else "trivial",
        },
        provenance={"torch": "2.13.0", "device": "cpu"},
    )


def curves() -> LearningCurves:
    """Return the learning curves of `records`."""
    return LearningCurves.from_records(records())


def few_curves() -> LearningCurves:
    """Return six of the curves: three models under SGD on images as they are and rotated out of every small group."""
    return curves().select(data=["shifted trivial", "shifted o-cp"], inference="sgd")


def fit(
    *,
    n_draws: int = 400,
    spread: float = 0.04,
    of: LearningCurves | None = None,
    status: FitStatus | None = None,
) -> CurveFit:
    """Return a fit whose draws scatter around the truth: no sampling, so tests of what is drawn are fast."""
    seen = curves() if of is None else of
    rng = np.random.default_rng(1)
    truth = np.array([true_exponent(triplet) for triplet in seen.triplets])
    exponent = truth * np.exp(spread * rng.standard_normal((n_draws, len(truth))))
    floor = FLOOR * np.exp(0.3 * rng.standard_normal(exponent.shape))
    amplitude = (CHANCE - floor) * 8.0**exponent
    return CurveFit.from_draws(seen, exponent=exponent, amplitude=amplitude, floor=floor, status=status)


def own_curves(*, seed: int = 7) -> pd.DataFrame:
    """Return two curves as somebody would keep them in a spreadsheet: five seeds, error counts of 5,000 inputs."""
    rng = np.random.default_rng(seed)
    truth = {"mlp": (0.03, 0.30, 6.0), "cnn": (0.02, 0.50, 6.0)}
    rows = []
    for model, (floor, exponent, onset) in truth.items():
        for n in OWN_SIZES:
            expected = floor + (CHANCE - floor) * (1 + n / onset) ** -exponent
            for replicate in range(5):
                own = np.clip(expected * np.exp(0.03 * rng.standard_normal()), 0, 1)
                rows.append((model, n, replicate, int(rng.binomial(5000, own)), 5000, CHANCE))
    return pd.DataFrame(rows, columns=["model", "n_train", "seed", "n_errors", "n_test", "chance_error"])


def write_examples(folder: Path) -> None:
    """Write ``own-curves.csv`` and ``rotations.jsonl.gz``, byte for byte the same every time."""
    folder.mkdir(parents=True, exist_ok=True)
    own_curves().to_csv(folder / "own-curves.csv", index=False)
    lines = "".join(json.dumps(record.to_dict()) + "\n" for record in records())
    (folder / "rotations.jsonl.gz").write_bytes(gzip.compress(lines.encode(), mtime=0))


if __name__ == "__main__":
    write_examples(Path(__file__).parent.parent / "data" / "examples")
