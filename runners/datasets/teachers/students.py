"""Kernel students of the synthetic teachers, and exact regression with them at every size.

A study names them by their path, for example
``name = "runners.datasets.teachers.students:KernelStudent"`` as a model and
``name = "runners.datasets.teachers.students:KernelInterpolation"`` as the inference algorithm.
"""

from __future__ import annotations

import time
from collections.abc import Hashable, Iterator, Sequence
from typing import ClassVar

import numpy as np
from pydantic import Field, PositiveInt

from curvefit.errors import InvalidInputError
from curvefit.settings import Settings
from runners.algorithms.abstract import AbstractAlgorithm, Outcome, Run
from runners.architectures.abstract import Level
from runners.datasets.abstract import Split
from runners.datasets.teachers.kernels import Profile, kernel_matrix, local_kernel_matrix


class KernelStudent(Settings):
    """A stationary (or polynomial) kernel, on all inputs or with an invariance built in.

    Parameters
    ----------
    profile
        Correlation as a function of distance, or ``"polynomial"``.
    coordinates
        See only so many leading pixels, fewer than there are: invariance under whatever moves the others. None: all.
    filter
        Patches of so many neighbouring pixels, cyclically, an own function per position. None: all at once.
    shared
        One function for all patches: invariance under cyclic shifts of the pixels seen. Needs `filter`.
    """

    profile: Profile = "laplace"
    coordinates: PositiveInt | None = None
    filter: PositiveInt | None = None
    shared: bool = False

    def model_post_init(self, context: object) -> None:
        if self.shared and self.filter is None:
            raise InvalidInputError("shared = true needs a filter")

    def symmetry_level(self, *, infinite_width: bool) -> Level:
        """Return the level of the chain: distances of patches are kept by rotations of every pixel."""
        if self.coordinates is None and self.filter is None:
            return "all"
        return "shared" if self.shared else "per-pixel"

    def function_symmetry(self) -> str:
        """Return a group under which every learned function is invariant.

        Of shared patches of some leading pixels it is that of the pixels unseen: shifts of all pixels bring them in.
        """
        if self.coordinates is not None:
            return f"o-c-tail-{self.coordinates}"
        return "cyclic-shifts" if self.shared else "trivial"

    def check_pixels(self, pixels: int) -> None:
        """Refuse inputs of so many pixels, unless some are left unseen by `coordinates`, and `filter` fits the seen."""
        if self.coordinates is not None and self.coordinates >= pixels:
            raise InvalidInputError(
                f"coordinates {self.coordinates} must be less than the {pixels} pixels; leave it out to see all"
            )
        seen = self.coordinates or pixels
        if self.filter is not None and self.filter > seen:
            raise InvalidInputError(
                f"filter {self.filter} is larger than the {seen} pixels that the kernel sees"
            )

    def gram(self, x1: np.ndarray, x2: np.ndarray) -> np.ndarray:
        """Return the kernel ``(n1, n2)`` between inputs ``(n, 1, pixels, channels)``."""
        if self.coordinates is not None:
            x1, x2 = x1[:, :, : self.coordinates], x2[:, :, : self.coordinates]
        if self.filter is None:
            return kernel_matrix(x1, x2, self.profile)
        return local_kernel_matrix(x1, x2, filter=self.filter, shared=self.shared, profile=self.profile)


PAIR_COST = 1000.0
"""Cost of a kernel value per input coordinate, in operations at the speed of a large matrix product."""


class KernelInterpolation(AbstractAlgorithm):
    """Kernel regression with a tiny fixed ridge: every size from one factorisation.

    Parameters
    ----------
    ridge
        Added to the Gram matrix's diagonal, relative to its mean.
    """

    infinite_width: ClassVar[bool] = True

    ridge: float = Field(default=1e-9, ge=0)

    def check(self, run: Run) -> None:
        if not isinstance(run.architecture, KernelStudent):
            raise InvalidInputError(
                f"kernel interpolation needs a KernelStudent as model, not {type(run.architecture).__name__}"
            )
        facts = run.dataset.facts()
        if facts.n_classes is not None:
            raise InvalidInputError(
                f"kernel interpolation needs regression targets, not the {facts.n_classes} classes of {facts.source}"
            )
        run.architecture.check_pixels(facts.shape[0] * facts.shape[1])

    def share_key(self, run: Run) -> Hashable:
        spec = run.spec
        return "kernel-interpolation", self, run.architecture, run.dataset, spec.seed, spec.study_seed

    def cost(self, run: Run) -> float:
        return self.costs([run])[0]

    def costs(self, runs: Sequence[Run]) -> list[float]:
        run = max(runs, key=lambda run: run.spec.n_train)
        n, n_test = run.spec.n_train, getattr(run.dataset, "n_test", run.spec.n_train)
        height, width, channels = run.dataset.facts().shape
        whole = 2.0 * n**2 * (n / 3 + n_test) + PAIR_COST * height * width * channels * n * (n + n_test)
        return [whole / len(runs)] * len(runs)

    def execute(self, runs: Sequence[Run], *, device: str = "cpu") -> Iterator[Outcome]:
        first, started = runs[0], time.process_time()
        self.check(first)
        student: KernelStudent = first.architecture  # type: ignore[assignment]
        sizes = sorted({run.spec.n_train for run in runs})
        split = first.dataset.split(sizes[-1], seed=first.spec.seed, study_seed=first.spec.study_seed)
        errors = dict(zip(sizes, regression_curve(student, split, sizes, ridge=self.ridge)))
        seconds = (time.process_time() - started) / len(runs)
        for run in runs:
            n_train = run.spec.n_train
            yield Outcome(
                run,
                metric="mse",
                value=errors[n_train],
                n_test=len(split.x_test),
                seconds=seconds,
                extra={"ridge": self.ridge},
            )


def regression_curve(
    student: KernelStudent, split: Split, sizes: Sequence[int], *, ridge: float = 1e-9
) -> list[float]:
    """Return the test mean squared error of kernel regression on the first n points, for each n.

    With ``K = L L'`` over all training points, ``A = L^-1 K(train, test)`` and ``B = L^-1 y``, the prediction
    from the first n points is ``A[:n]' B[:n]``: all sizes cost what the largest costs.

    Parameters
    ----------
    student
        The kernel.
    split
        Training points (in nested order) and test points, regression targets.
    sizes
        Training-set sizes, each at most ``len(split.x_train)``.
    ridge
        Relative to the mean of the Gram matrix's diagonal.
    """
    from scipy.linalg import cholesky, solve_triangular

    gram = student.gram(split.x_train, split.x_train)
    gram[np.diag_indices(len(gram))] += ridge * np.trace(gram) / len(gram)
    factor = cholesky(gram, lower=True, overwrite_a=True)
    across = student.gram(split.x_train, split.x_test)
    solved = solve_triangular(factor, np.hstack([across, split.y_train]), lower=True, overwrite_b=True)
    a, b = solved[:, : across.shape[1]], solved[:, across.shape[1] :]
    return [float(np.mean((a[:n].T @ b[:n] - split.y_test) ** 2)) for n in sizes]
