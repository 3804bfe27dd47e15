"""Kernel regression with an infinite-width kernel: what NNGP and NTK inference share."""

from __future__ import annotations

import json
import time
from collections.abc import Hashable, Iterator, Sequence
from functools import lru_cache
from typing import Any, ClassVar, Literal, TypeAlias

import numpy as np
from pydantic import Field

from curvefit.errors import FitError
from curvefit.theory import measure_spectrum, predict_curve
from runners.algorithms.abstract import AbstractAlgorithm, Outcome, Run
from runners.algorithms.kernel_problem import Problem, build_problem, find_canonical
from runners.kernels.factor import Factor, factorise
from runners.kernels.plan import KernelPlan, pair_flops
from runners.kernels.reading import plan_kernel
from runners.kernels.regression import leave_one_out, predict_prefixes

PAIR_SLOWNESS = {"float64": 5.0, "float32": 2.5}
"""Operations of a large matrix product in the time of one of a kernel's recursion."""
CERTIFICATE_TOLERANCE = {"float64": 1e-9, "float32": 1e-4}


Solved: TypeAlias = tuple[int, tuple[np.ndarray | FitError, dict[str, Any]]]
"""A size with predictions of the test targets ``(n_test, outputs)``, or why there are none, and what the record says."""


class AbstractKernelRegression(AbstractAlgorithm):
    """Ridge regression with an infinite-width kernel; classes as centred one-hot targets.

    One Gram matrix serves NNGP and NTK, LCN and VEC, every ridge and every rotation in the kernel's
    group; one factorisation serves every training-set size of a nested sequence.

    Parameters
    ----------
    ridge
        Added to the diagonal, relative to the mean kernel value of the test images with themselves (which
        no training-set size changes, so a run does not depend on the sizes it shares work with).
    dtype
        Precision of the kernel; the solve is in float64 always.
    leave_one_out
        Whether records hold the error of leaving out each training example, in closed form: `value` and
        `test_loss` of the record without a test set.
    theory
        Whether records hold the test loss that theory predicts from the spectrum of the largest Gram matrix of
        the replicate that took no jitter (`curvefit.theory.predict_curve`), at the sizes below it. One
        eigendecomposition.
    """

    infinite_width: ClassVar[bool] = True
    kind: ClassVar[Literal["nngp", "ntk"]]

    ridge: float = Field(default=1e-6, ge=0)
    dtype: Literal["float64", "float32"] = "float64"
    leave_one_out: bool = False
    theory: bool = False

    def check(self, run: Run) -> None:
        plan_kernel(run.architecture, run.dataset.facts().shape)

    def share_key(self, run: Run) -> Hashable:
        facts = run.dataset.facts()
        plan = plan_kernel(run.architecture, facts.shape)
        dataset = find_canonical(run.dataset, plan)
        content = [
            _content(plan),
            dataset.model_dump(mode="json"),
            self.dtype,
            run.spec.seed,
            run.spec.study_seed,
            None if facts.training_sets == "nested" else run.spec.n_train,
        ]
        return "kernel", type(dataset), json.dumps(content, sort_keys=True)

    def cost(self, run: Run) -> float:
        return self.gram_cost(run) + solve_cost(run, run.spec.n_train)

    def costs(self, runs: Sequence[Run]) -> list[float]:
        largest = max(runs, key=lambda run: run.spec.n_train)
        shared = self.gram_cost(largest) / len(runs)
        factors: dict[AbstractAlgorithm, list[int]] = {}
        for run in runs:
            factors.setdefault(run.algorithm, []).append(run.spec.n_train)
        solves = {algorithm: max(sizes) for algorithm, sizes in factors.items()}
        return [shared + solve_cost(run, solves[run.algorithm]) / len(factors[run.algorithm]) for run in runs]

    def gram_cost(self, run: Run) -> float:
        """Return the cost of a run's kernels, of training images with themselves and with the test images."""
        n, n_test = run.spec.n_train, getattr(run.dataset, "n_test", run.spec.n_train)
        pair = pair_flops(plan_kernel(run.architecture, run.dataset.facts().shape))
        return PAIR_SLOWNESS[self.dtype] * pair * n * (n / 2 + n_test)

    def execute(self, runs: Sequence[Run], *, device: str = "cpu") -> Iterator[Outcome]:
        plan = plan_kernel(runs[0].architecture, runs[0].dataset.facts().shape)
        canonical = find_canonical(runs[0].dataset, plan)
        key = str(self.share_key(runs[0]))
        started = time.process_time()
        problem = build_problem(runs, canonical, dtype=self.dtype, device=device, name=key)
        shared = (time.process_time() - started) / len(runs)
        differences: dict[str, float] = {}
        mine: list[tuple[Run, float | None]] = []
        strangers: dict[str, list[Run]] = {}
        for run in runs:
            if run.dataset == canonical:
                mine.append((run, None))
                continue
            rotated = json.dumps(run.dataset.model_dump(mode="json"), sort_keys=True)
            if rotated not in differences:
                differences[rotated] = problem.compare(run)
            if differences[rotated] <= CERTIFICATE_TOLERANCE[self.dtype]:
                mine.append((run, differences[rotated]))
            else:
                strangers.setdefault(rotated, []).append(run)
        yield from _solve(problem, mine, shared)
        problem.forget_tiles()
        for rotated, own in strangers.items():
            problem = build_problem(own, own[0].dataset, dtype=self.dtype, device=device, name=key + rotated)
            yield from _solve(problem, [(run, None) for run in own], 0.0)
            problem.forget_tiles()

    def solve(self, problem: Problem, sizes: list[int]) -> Iterator[Solved]:
        """Yield the predictions at every size; `sizes` increase.

        The factor of the largest size serves all; one that takes a jitter, or fails, is for that size alone.
        """
        train, test = getattr(problem.train, self.kind), getattr(problem.test, self.kind)
        while sizes:
            largest = sizes[-1]
            # Solved in double precision whatever the kernel's: a single-precision factor would need a jitter.
            gram = np.array(train[:largest, :largest], dtype=np.float64)
            served = [largest]
            try:
                factor = factorise(gram, ridge=self.ridge, scale=problem.scale[self.kind], overwrite=True)
                served = [largest] if factor.jitter else sizes
                said: dict[str, Any] = {
                    "jitter": factor.jitter,
                    "condition": factor.condition,
                    "n_factored": largest,
                }
                notes = self.describe(problem, factor, served)
                targets = problem.targets[:largest]
                for n, predictions in predict_prefixes(factor, targets, test[:largest], served):
                    yield n, (predictions, said | notes[n])
            except FitError as error:
                yield largest, (error, {})
            sizes = [n for n in sizes if n not in served]

    def describe(self, problem: Problem, factor: Factor, sizes: Sequence[int]) -> dict[int, dict[str, Any]]:
        """Return what else records hold, by training-set size.

        Parameters
        ----------
        problem
            What the runs share.
        factor
            Of the Gram matrix of the largest size, ridge included.
        sizes
            Training-set sizes, increasing.
        """
        notes: dict[int, dict[str, Any]] = {n: {} for n in sizes}
        if self.leave_one_out:
            for n, residuals in leave_one_out(factor, problem.targets[: factor.n_train], sizes):
                notes[n]["leave_one_out_loss"] = float(np.mean(np.square(residuals)))
                if problem.n_classes is not None:
                    predicted = (problem.targets[:n] - residuals).argmax(1)
                    notes[n]["leave_one_out_error"] = float(np.mean(predicted != problem.split.y_train[:n]))
        if self.theory and (below := [n for n in sizes if n < factor.n_train]):
            gram = getattr(problem.train, self.kind)[: factor.n_train, : factor.n_train]
            spectrum = measure_spectrum(gram, problem.targets[: factor.n_train])
            predicted = predict_curve(spectrum, below, ridge=factor.ridge)
            for n, loss, modes in zip(below, predicted.error, predicted.learnable_modes):
                notes[n] |= {"theory_loss": float(loss), "theory_learnable_modes": float(modes)}
        return notes


def solve_cost(run: Run, n: int) -> float:
    """Return the cost of factorising the Gram matrix of `n` points and of its use on a run's test set."""
    return 2.0 * n**2 * (n / 3 + getattr(run.dataset, "n_test", n))


@lru_cache(maxsize=512)
def _content(plan: KernelPlan) -> str:
    return json.dumps(plan.content(), sort_keys=True)


def _solve(problem: Problem, runs: list[tuple[Run, float | None]], shared: float) -> Iterator[Outcome]:
    variants: dict[AbstractKernelRegression, list[tuple[Run, float | None]]] = {}
    for run, difference in runs:
        variants.setdefault(run.algorithm, []).append((run, difference))  # type: ignore[arg-type]
    for algorithm, members in variants.items():
        sizes = sorted({run.spec.n_train for run, _ in members})
        started = time.process_time()
        ridge = algorithm.ridge
        extra: dict[str, Any] = {"ridge": ridge, "ridge_absolute": ridge * problem.scale[algorithm.kind]}
        solved = dict(algorithm.solve(problem, sizes))
        own = (time.process_time() - started) / len(members)
        for run, difference in members:
            predictions, notes = solved[run.spec.n_train]
            said = extra | notes
            if difference is not None:
                said["rotation_reused"] = "kernel of the unrotated images"
                said["rotation_difference"] = difference
            if isinstance(predictions, FitError):
                message = str(predictions)
                yield Outcome(run, status="exception", message=message, seconds=shared + own, extra=said)
            else:
                yield _score(problem, run, predictions, shared + own, said)


def _score(problem: Problem, run: Run, predictions: np.ndarray, seconds: float, extra: dict) -> Outcome:
    y = problem.split.y_test
    n_test = len(y)
    message = f"jitter {extra['jitter']:.3g} was needed to factorise" if extra.get("jitter") else ""
    if problem.n_classes is None:
        error = float(np.mean(np.square(predictions - np.asarray(y, float).reshape(n_test, -1))))
        return Outcome(
            run, metric="mse", value=error, n_test=n_test, seconds=seconds, message=message, extra=extra
        )
    wrong = int(np.count_nonzero(predictions.argmax(1) != y))
    loss = float(np.mean(np.square(predictions - np.eye(problem.n_classes)[y] + 1.0 / problem.n_classes)))
    return Outcome(
        run,
        n_errors=wrong,
        n_test=n_test,
        value=wrong / n_test,
        test_loss=loss,
        seconds=seconds,
        message=message,
        extra=extra,
    )
