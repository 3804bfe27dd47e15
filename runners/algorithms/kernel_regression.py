"""Kernel regression with an infinite-width kernel: what NNGP and NTK inference share."""

from __future__ import annotations

import json
import time
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from curvefit.errors import FitError
from curvefit.symmetry import is_subgroup
from runners.algorithms.abstract import AbstractAlgorithm, Outcome, Run
from runners.datasets.abstract import AbstractDataset, Split
from runners.kernels.gram import Kernels, nngp_ntk
from runners.kernels.plan import KernelPlan, pair_flops, plan_kernel
from runners.kernels.regression import factorise, predict_flow, predict_prefixes

CERTIFICATE_IMAGES = 4
CERTIFICATE_TOLERANCE = {"float64": 1e-9, "float32": 1e-4}


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
    """

    infinite_width: ClassVar[bool] = True
    kind: ClassVar[Literal["nngp", "ntk"]]

    ridge: float = Field(default=1e-6, ge=0)
    dtype: Literal["float64", "float32"] = "float64"

    def check(self, run: Run) -> None:
        plan_kernel(run.architecture, run.dataset.facts().shape)

    def share_key(self, run: Run) -> Hashable:
        facts = run.dataset.facts()
        plan = plan_kernel(run.architecture, facts.shape)
        dataset = find_canonical(run.dataset, plan)
        content = [
            plan.content(),
            type(dataset).__name__,
            dataset.model_dump(mode="json"),
            self.dtype,
            run.spec.seed,
            run.spec.study_seed,
            None if facts.training_sets == "nested" else run.spec.n_train,
        ]
        return "kernel", json.dumps(content, sort_keys=True)

    def cost(self, run: Run) -> float:
        facts = run.dataset.facts()
        n, n_test = run.spec.n_train, getattr(run.dataset, "n_test", run.spec.n_train)
        pair = pair_flops(plan_kernel(run.architecture, facts.shape))
        return pair * n * (n / 2 + n_test) + n**3 / 3

    def execute(self, runs: Sequence[Run], *, device: str = "cpu") -> Iterator[Outcome]:
        plan = plan_kernel(runs[0].architecture, runs[0].dataset.facts().shape)
        canonical = find_canonical(runs[0].dataset, plan)
        started = time.process_time()
        problem = _build_problem(runs, canonical, device)
        shared = (time.process_time() - started) / len(runs)
        strangers: list[Run] = []
        checked: dict[str, float] = {}
        mine: list[tuple[Run, float | None]] = []
        for run in runs:
            if run.dataset == canonical:
                mine.append((run, None))
                continue
            key = json.dumps(run.dataset.model_dump(mode="json"), sort_keys=True)
            if key not in checked:
                checked[key] = _compare_rotated(run, problem, self.dtype, device)
            if checked[key] <= CERTIFICATE_TOLERANCE[self.dtype]:
                mine.append((run, checked[key]))
            else:
                strangers.append(run)
        yield from _solve(problem, mine, shared)
        for key in checked:
            own = [
                r for r in strangers if json.dumps(r.dataset.model_dump(mode="json"), sort_keys=True) == key
            ]
            if own:
                yield from _solve(_build_problem(own, own[0].dataset, device), [(r, None) for r in own], 0.0)

    def flow_times(self) -> float | None:
        """Return the gradient-flow time, or None for the limit."""
        return None


@dataclass(frozen=True, slots=True)
class _Problem:
    """Kernels and targets that all runs of one group share."""

    split: Split
    train: Kernels
    test: Kernels
    scale: dict[str, float]
    targets: np.ndarray
    n_classes: int | None


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
    if rotation == "trivial" or getattr(dataset, "standardise_when", "before-rotation") != "before-rotation":
        return dataset
    if plan.dense:
        group = "o-cp"
    else:
        group = "o-c-shared" if plan.full else "o-c-per-pixel"
    if not is_subgroup(rotation, group):
        return dataset
    return dataset.model_copy(update={"rotation": "trivial"})


def _build_problem(runs: Sequence[Run], dataset: AbstractDataset, device: str) -> _Problem:
    spec, architecture = runs[0].spec, runs[0].architecture
    n_train = max(run.spec.n_train for run in runs)
    split = dataset.split(n_train, seed=spec.seed, study_seed=spec.study_seed)
    dtype = runs[0].algorithm.dtype  # type: ignore[attr-defined]
    train = nngp_ntk(architecture, split.x_train, dtype=dtype, device=device)
    test = nngp_ntk(architecture, split.x_train, split.x_test, dtype=dtype, device=device)
    probe = nngp_ntk(architecture, split.x_test[:32], dtype=dtype, device=device)
    n_classes = dataset.facts().n_classes
    if n_classes is None:
        targets = np.asarray(split.y_train, float).reshape(n_train, -1)
    else:
        targets = np.eye(n_classes)[split.y_train] - 1.0 / n_classes
    scale = {kind: float(np.trace(getattr(probe, kind)) / len(probe.nngp)) for kind in ("nngp", "ntk")}
    return _Problem(split, train, test, scale, targets, n_classes)


def _compare_rotated(run: Run, problem: _Problem, dtype: str, device: str) -> float:
    """Return how far the kernel of a few rotated images is from that of the unrotated ones."""
    spec = run.spec
    count = min(CERTIFICATE_IMAGES, spec.n_train)
    x = run.dataset.split(spec.n_train, seed=spec.seed, study_seed=spec.study_seed).x_train[:count]
    rotated = nngp_ntk(run.architecture, x, dtype=dtype, device=device)  # type: ignore[arg-type]
    differences = [
        np.abs(getattr(rotated, kind) - getattr(problem.train, kind)[:count, :count]).max()
        / problem.scale[kind]
        for kind in ("nngp", "ntk")
    ]
    return float(max(differences))


def _solve(problem: _Problem, runs: list[tuple[Run, float | None]], shared: float) -> Iterator[Outcome]:
    variants: dict[tuple[str, float, float | None], list[tuple[Run, float | None]]] = {}
    for run, difference in runs:
        algorithm = run.algorithm
        key = (algorithm.kind, algorithm.ridge, algorithm.flow_times())  # type: ignore[attr-defined]
        variants.setdefault(key, []).append((run, difference))
    for (kind, ridge, flow_time), members in variants.items():
        sizes = sorted({run.spec.n_train for run, _ in members})
        started = time.process_time()
        extra = {"ridge": ridge, "ridge_absolute": ridge * problem.scale[kind]}
        try:
            predictions = _predict(problem, kind, ridge, flow_time, sizes, extra)
        except FitError as error:
            for run, _ in members:
                yield Outcome(run, status="exception", message=str(error), seconds=shared, extra=dict(extra))
            continue
        own = (time.process_time() - started) / len(members)
        for run, difference in members:
            notes: dict[str, Any] = dict(extra)
            if difference is not None:
                notes["rotation_reused"] = "kernel of the unrotated images"
                notes["rotation_difference"] = difference
            yield _score(problem, run, predictions[run.spec.n_train], shared + own, notes)


def _predict(problem: _Problem, kind, ridge, flow_time, sizes, extra) -> dict[int, np.ndarray]:
    train, test = getattr(problem.train, kind), getattr(problem.test, kind)
    if flow_time is not None:
        extra["flow_time"] = flow_time
        predictions = {}
        for n in sizes:
            relative = ridge * problem.scale[kind] / (float(np.trace(train[:n, :n])) / n)
            predictions[n] = predict_flow(
                train[:n, :n], problem.targets[:n], test[:n], [flow_time], ridge=relative
            )[0]
        return predictions
    largest = sizes[-1]
    # Solved in double precision whatever the kernel's: a single-precision factor would need a jitter.
    gram = np.array(train[:largest, :largest], dtype=np.float64)
    factor = factorise(gram, ridge=ridge, scale=problem.scale[kind], overwrite=True)
    extra |= {"jitter": factor.jitter, "condition": factor.condition, "n_factored": largest}
    return dict(predict_prefixes(factor, problem.targets[:largest], test[:largest], sizes))


def _score(problem: _Problem, run: Run, predictions: np.ndarray, seconds: float, extra: dict) -> Outcome:
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
