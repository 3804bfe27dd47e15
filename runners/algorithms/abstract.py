"""What every inference algorithm is: settings that turn runs into outcomes."""

from __future__ import annotations

import abc
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from curvefit.registry import Registry
from curvefit.settings import Settings
from curvefit.study.spec import RunSpec
from runners.architectures.abstract import AbstractArchitecture
from runners.datasets.abstract import AbstractDataset


@dataclass(frozen=True, slots=True)
class Run:
    """A `RunSpec` with its three components built and checked."""

    spec: RunSpec
    dataset: AbstractDataset
    architecture: AbstractArchitecture
    algorithm: AbstractAlgorithm


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an algorithm reports of one run; fields as in `curvefit.records.RunRecord`."""

    run: Run
    status: str = "ok"
    metric: str = "error-rate"
    n_errors: int | None = None
    n_test: int | None = None
    value: float | None = None
    test_loss: float | None = None
    seconds: float | None = None
    message: str = ""
    n_parameters: int | None = None
    extra: dict[str, Any] = field(default_factory=dict)


class AbstractAlgorithm(Settings, abc.ABC):
    """An inference algorithm.

    `version` is raised by hand whenever results change; it enters every run's id.
    `infinite_width` and `elements` place (M, I) in the symmetry table: the group's level comes from
    the architecture, its elements (rotations or signed permutations) from the algorithm.
    """

    version: ClassVar[int] = 1
    infinite_width: ClassVar[bool] = False
    elements: ClassVar[Literal["orthogonal", "signed-permutation"]] = "orthogonal"

    def check(self, run: Run) -> None:
        """Raise `InvalidInputError` for a run that this algorithm refuses; called before any work starts.

        Of every triplet the smallest training set is checked.
        """

    def remark(self, run: Run) -> str:
        """Return what a user should know of a run that is allowed and may not be meant; empty for nothing."""
        return ""

    @abc.abstractmethod
    def share_key(self, run: Run) -> Hashable:
        """Return a key: runs with equal keys share work and are best executed by one call.

        Kernel algorithms return (dataset, kernel of the architecture, seed), so that NNGP and NTK, LCN
        and VEC, and every n come from one computation of kernels.
        """

    @abc.abstractmethod
    def cost(self, run: Run) -> float:
        """Return what one run is expected to cost by itself, for planning.

        In floating-point operations at the speed of a large single-precision matrix product: work that is
        bound by memory counts for more than its operations.
        """

    def costs(self, runs: Sequence[Run]) -> list[float]:
        """Return the costs of runs with equal share keys, each with its part of what is shared."""
        return [run.algorithm.cost(run) for run in runs]

    def divide(self, runs: Sequence[Run], *, device: str = "cpu") -> list[Sequence[Run]]:
        """Return runs with equal share keys in parts, in order, that may be executed apart and lose nothing by it.

        Follows from the runs and the kind of device alone: all drivers of a study must divide it alike.
        """
        return [runs]

    @abc.abstractmethod
    def execute(self, runs: Sequence[Run], *, device: str = "cpu") -> Iterator[Outcome]:
        """Run all `runs` (equal share keys) and yield an outcome each, as each is done.

        Divergence is an outcome with that status, never an exception.
        """


ALGORITHMS: Registry[type[AbstractAlgorithm]] = Registry("algorithm")
