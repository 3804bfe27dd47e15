"""The kernels and targets that many runs of kernel regression share."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from curvefit.symmetry import is_subgroup
from runners.algorithms.abstract import Run
from runners.architectures.abstract import AbstractArchitecture
from runners.datasets.abstract import AbstractDataset, Split
from runners.environment import SAY, TILES
from runners.kernels.gram import Kernels, nngp_ntk
from runners.kernels.plan import KernelPlan

CERTIFICATE_IMAGES = 4
PROBES = 32
VARIANCE_BLOCK = 8


@dataclass(frozen=True, slots=True)
class Problem:
    """Kernels and targets that all runs of one group share.

    Parameters
    ----------
    architecture, split
        What the kernels are of.
    train, test
        Kernels of the training images with themselves, and with the test images.
    scale
        Mean kernel value of some test images with themselves, by kind of kernel.
    targets
        ``(n, outputs)``; of classes, centred one-hot rows.
    n_classes
        None for regression.
    dtype, device
        Of the kernels.
    tiles
        Folder of their tiles, or None.
    """

    architecture: AbstractArchitecture
    split: Split
    train: Kernels
    test: Kernels
    scale: dict[str, float]
    targets: np.ndarray
    n_classes: int | None
    dtype: Literal["float64", "float32"]
    device: str
    tiles: Path | None

    def compute_prior_variance(self) -> np.ndarray:
        """Return the NNGP of every test image with itself, ``(n_test,)``."""
        x = self.split.x_test
        blocks = [x[start : start + VARIANCE_BLOCK] for start in range(0, len(x), VARIANCE_BLOCK)]
        kernels = [nngp_ntk(self.architecture, b, dtype=self.dtype, device=self.device).nngp for b in blocks]
        return np.concatenate([np.diagonal(kernel) for kernel in kernels]).astype(float)

    def compare(self, run: Run) -> float:
        """Return how far the kernels of a few of a run's training images are from those here, relative to `scale`."""
        spec = run.spec
        count = min(CERTIFICATE_IMAGES, spec.n_train)
        x = run.dataset.split(spec.n_train, seed=spec.seed, study_seed=spec.study_seed).x_train[:count]
        own = nngp_ntk(run.architecture, x, dtype=self.dtype, device=self.device)
        differences = [
            np.abs(getattr(own, kind) - getattr(self.train, kind)[:count, :count]).max() / self.scale[kind]
            for kind in ("nngp", "ntk")
        ]
        return float(max(differences))

    def forget_tiles(self) -> None:
        """Delete the tiles on disk: every run has its result."""
        if self.tiles is not None:
            shutil.rmtree(self.tiles, ignore_errors=True)


def build_problem(
    runs: Sequence[Run],
    dataset: AbstractDataset,
    *,
    dtype: Literal["float64", "float32"],
    device: str,
    name: str,
) -> Problem:
    """Compute what `runs` share, at their largest training set.

    Parameters
    ----------
    runs
        Runs of one kernel and one replicate.
    dataset
        Whose images are used: the runs' own, or its unrotated form.
    dtype, device
        Of the kernels.
    name
        Tells this problem from others, for the tiles on disk.
    """
    spec, architecture = runs[0].spec, runs[0].architecture
    n_train = max(run.spec.n_train for run in runs)
    split = dataset.split(n_train, seed=spec.seed, study_seed=spec.study_seed)
    tiles = None
    if kept := os.environ.get(TILES):
        tiles = Path(kept) / hashlib.blake2b(name.encode(), digest_size=10).hexdigest()

    def compute(x2: np.ndarray | None, part: str) -> Kernels:
        folder = tiles and tiles / f"{part}-{n_train}"
        say = SAY.get()
        report = None if say is None else lambda progress: say(f"{part} kernel {progress}")
        return nngp_ntk(
            architecture,
            split.x_train,
            x2,
            dtype=dtype,
            device=device,
            folder=folder,
            renew=True,  # a cache: what it holds of earlier images is of no use to anybody
            progress=report,
        )

    n_classes = dataset.facts().n_classes
    if n_classes is None:
        targets = np.asarray(split.y_train, float).reshape(n_train, -1)
    else:
        targets = np.eye(n_classes)[split.y_train] - 1.0 / n_classes
    probe = nngp_ntk(architecture, split.x_test[:PROBES], dtype=dtype, device=device)
    return Problem(
        architecture=architecture,
        split=split,
        train=compute(None, "train"),
        test=compute(split.x_test, "test"),
        scale={kind: float(np.trace(getattr(probe, kind)) / len(probe.nngp)) for kind in ("nngp", "ntk")},
        targets=targets,
        n_classes=n_classes,
        dtype=dtype,
        device=device,
        tiles=tiles,
    )


def find_canonical(dataset: AbstractDataset, plan: KernelPlan) -> AbstractDataset:
    """Return the unrotated form of a dataset whose rotation leaves the kernel unchanged, else itself.

    Parameters
    ----------
    dataset
        Any dataset; only one with a ``rotation`` can change.
    plan
        The kernel.
    """
    rotation = getattr(dataset, "rotation", "trivial")
    if rotation == "trivial":
        return dataset
    if plan.dense:
        group = "o-cp"
    else:
        group = "o-c-shared" if plan.full else "o-c-per-pixel"
    if not is_subgroup(rotation, group):
        return dataset
    return dataset.model_copy(update={"rotation": "trivial"})
