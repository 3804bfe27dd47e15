"""What the rest of a study will cost, with an interval, from what its runs have cost so far."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache

import numpy as np

from curvefit.records.index import Entry
from curvefit.seeding import generator

_DRAWS = 500
_PRIOR_RATE_SD, _SHARED = np.log(4) / 1.645, 0.5
"""Costs are right within a factor of 4 at 90 % before any run; half of that variance is the machine's, the same for all
algorithms. See docs/results/costs.md."""
_UNLIKE = 0.4
"""Standard deviation of the log of the rest's cost over what was foretold from past runs: the dearest runs come first, and
what is left is unlike them in size and model. Measured as the same page says."""
_PRIOR_SLOPE_SD, _PRIOR_NOISE, _PRIOR_WEIGHT = 0.1, 0.5, 5.0


@dataclass(frozen=True, slots=True)
class CostEstimate:
    """Worker-seconds that runs will take: median and central 90 % interval.

    Parameters
    ----------
    seconds, low, high
        Median, 5 % and 95 % quantile.
    n_past
        Past runs it rests on; 0 means on a general prior only.
    guessed
        Labels of the algorithms without past runs, whose part rests on the general prior.
    """

    seconds: float
    low: float
    high: float
    n_past: int
    guessed: tuple[str, ...] = ()

    def per_worker(self, workers: int) -> CostEstimate:
        """Return the time that `workers` at once would need."""
        times = {name: getattr(self, name) / workers for name in ("seconds", "low", "high")}
        return replace(self, **times)

    def __str__(self) -> str:
        basis = "a guess from this processor's speed: no past runs"
        if self.n_past:
            basis = f"from {self.n_past} past run{'s' if self.n_past > 1 else ''}"
            if self.guessed:
                basis += f", and for {', '.join(self.guessed)} a guess from this processor's speed"
        return f"{duration(self.seconds)} (90 %: {duration(self.low)} to {duration(self.high)}; {basis})"


@dataclass(frozen=True, slots=True)
class Workload:
    """What is to be done and what has been, in operations and seconds, by algorithm."""

    todo: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    past: defaultdict[str, list[tuple[float, float]]] = field(default_factory=lambda: defaultdict(list))

    def add(self, label: str, cost: float, entry: Entry | None) -> None:
        """Take account of a run of `cost` operations, and of its record if it has one."""
        if entry is None:
            self.todo[label].append(cost)
        elif entry.seconds:
            self.past[label].append((cost, entry.seconds))

    @property
    def operations(self) -> float:
        """Operations to be done."""
        return sum(map(sum, self.todo.values()))

    @property
    def n_todo(self) -> int:
        """Runs to be done."""
        return sum(map(len, self.todo.values()))

    def estimate(self, *labels: str) -> CostEstimate | None:
        """Return the worker-seconds of what is to be done (by these algorithms); None when that is nothing."""
        todo = {label: costs for label, costs in self.todo.items() if label in labels or not labels}
        return estimate_cost(todo, self.past) if todo else None


def estimate_cost(
    todo: Mapping[str, Sequence[float]], past: Mapping[str, Sequence[tuple[float, float]]]
) -> CostEstimate:
    """Return the worker-seconds of the runs in `todo`.

    For every algorithm, log seconds is a line in log operations, drawn from its posterior (conjugate normal,
    slope near 1), with log-normal scatter of single runs; the interval is of the sum. Before an algorithm has
    past runs, an operation takes as long as one of a large matrix product on this processor.

    Parameters
    ----------
    todo
        Algorithm label to the expected operations of its runs.
    past
        Algorithm label to ``(operations, seconds)`` of finished runs.
    """
    rng = generator("cost-estimate", sorted((k, len(v)) for k, v in todo.items()))
    totals, speed, machine = np.zeros(_DRAWS), np.log(processor_speed()), rng.standard_normal(_DRAWS)
    for label, costs in todo.items():
        # Runs of equal cost (the seeds) are one column with a count: 100,000 runs need no more room than 100.
        distinct, counts = np.unique(np.maximum(np.asarray(costs, dtype=float), 1.0), return_counts=True)
        operations = np.log(distinct)
        pairs = [(c, s) for c, s in past.get(label, ()) if c > 0 and s > 0]
        past_logs = np.log(np.array(pairs, dtype=float).reshape(-1, 2)) - (speed, 0.0)
        intercept, slope, noise = _draw_line(past_logs, rng)
        if not pairs:
            intercept = np.sqrt(1 - _SHARED) * intercept + np.sqrt(_SHARED) * _PRIOR_RATE_SD * machine
        expected = np.exp(intercept[:, None] + slope[:, None] * (operations - speed))
        mean = expected @ counts * np.exp(noise**2 / 2)
        scatter = np.sqrt(expected**2 @ counts * np.exp(noise**2) * np.expm1(noise**2))
        unlike = np.exp(_UNLIKE * rng.standard_normal(_DRAWS)) if pairs else 1.0
        totals += unlike * np.maximum(mean + scatter * rng.standard_normal(_DRAWS), mean * 0.05)
    low, middle, high = np.quantile(totals, (0.05, 0.5, 0.95))
    n_past = {label: len(past.get(label, ())) for label in todo}
    guessed = tuple(label for label, number in n_past.items() if not number)
    return CostEstimate(float(middle), float(low), float(high), sum(n_past.values()), guessed)


def _draw_line(past: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return draws of (intercept, slope, scatter) of log seconds over the log of the operations' expected seconds."""
    design = np.column_stack([np.ones(len(past)), past[:, 0]])
    prior_mean = np.array([0.0, 1.0])
    variance = _PRIOR_NOISE**2
    for _ in range(3):
        precision = np.diag([_PRIOR_RATE_SD**-2, _PRIOR_SLOPE_SD**-2]) + design.T @ design / variance
        pull = np.array([0.0, _PRIOR_SLOPE_SD**-2]) + design.T @ past[:, 1] / variance
        mean = np.linalg.solve(precision, pull) if len(past) else prior_mean
        squares = np.sum((past[:, 1] - design @ mean) ** 2)
        variance = (squares + _PRIOR_WEIGHT * _PRIOR_NOISE**2) / (len(past) + _PRIOR_WEIGHT)
    weight = len(past) + _PRIOR_WEIGHT
    noise = np.sqrt(variance * weight / rng.chisquare(weight, _DRAWS))
    lines = rng.multivariate_normal(mean, np.linalg.inv(precision), _DRAWS)
    return lines[:, 0], lines[:, 1], np.minimum(noise, 1.0)


@cache
def processor_speed() -> float:
    """Return operations per second of a large single-precision matrix product on one core, measured once (0.1 s)."""
    factor = np.ones((1024, 1024), dtype=np.float32)
    seconds = []
    for _ in range(4):
        began = time.process_time()  # of all threads together
        factor @ factor
        seconds.append(time.process_time() - began)
    return 2.0 * 1024**3 / max(min(seconds), 1e-4)


def duration(seconds: float) -> str:
    """Return a length of time in words: ``"45 s"``, ``"12 min"``, ``"3.5 h"``, ``"2.1 days"``.

    Examples
    --------
    >>> duration(90)
    '1.5 min'
    """
    for unit, size in (("days", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.2g} s"
