"""Settings common to all gradient algorithms, and how they place runs in stacks."""

from __future__ import annotations

import abc
import math
from collections.abc import Hashable, Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from curvefit.settings import Settings
from runners.algorithms.abstract import AbstractAlgorithm, Outcome, Run
from runners.datasets.rotation import GroupName

if TYPE_CHECKING:
    from runners.training.rules import AbstractRule


class Search(Settings):
    """Hyper-parameters tried on validation data, afresh at every training-set size.

    Every combination is trained on the training set less a validation share; the one with the fewest
    validation errors (lowest loss among equals) is then trained on all of it. The search is recorded.
    Nets of the search stop early (on a further part of what they train on) and average over orbits as the
    run's own do; an ensemble is chosen for by single nets.

    Parameters
    ----------
    learning_rate, learning_rate_factor, weight_decay, steps, epochs
        Values to try; where empty, the algorithm's own. Factors, in place of learning rates, make one search
        serve nets whose ``"auto"`` rates differ.
    validation
        Share of the training set held out, at least one example.
    seeds
        Nets per combination, over which the validation error is averaged.
    """

    learning_rate: tuple[PositiveFloat, ...] = ()
    learning_rate_factor: tuple[PositiveFloat, ...] = ()
    weight_decay: tuple[NonNegativeFloat, ...] = ()
    steps: tuple[PositiveInt, ...] = ()
    epochs: tuple[PositiveFloat, ...] = ()
    validation: float = Field(default=0.2, gt=0, lt=1)
    seeds: PositiveInt = 1

    @model_validator(mode="after")
    def _check(self) -> Search:
        if self.steps and self.epochs:
            raise ValueError("give steps or epochs to try, not both: one of them is held constant")
        if self.learning_rate and self.learning_rate_factor:
            raise ValueError("give learning_rate or learning_rate_factor to try, not both")
        if not any(self._tried()):
            raise ValueError(
                "nothing to try: give learning_rate, learning_rate_factor, weight_decay, steps or epochs"
            )
        return self

    def _tried(self) -> tuple[tuple[float, ...], ...]:
        return self.learning_rate or self.learning_rate_factor, self.weight_decay, self.steps or self.epochs

    @property
    def combinations(self) -> int:
        """Combinations of hyper-parameters that are tried."""
        return math.prod(max(len(values), 1) for values in self._tried())


class AbstractGradientTraining(AbstractAlgorithm):
    """Gradient training of finite nets.

    Parameters
    ----------
    learning_rate
        A number, or ``"auto"``: 7 % of the largest stable rate, measured on the run's own net and data at
        the start (see `runners.training.rates`).
    learning_rate_factor
        Multiplies the learning rate: 2 with ``"auto"`` is twice the default.
    weight_decay
        L2 (or decoupled, for AdamW) weight decay.
    loss
        ``"cross-entropy"`` or ``"mse"`` (half squared distance to centred one-hot targets). Regression
        targets always take ``"mse"``.
    label_smoothing
        Share of each target spread evenly over the classes.
    steps, epochs
        Budget, the same at every n: steps held constant, or epochs (with at least `least_steps`).
        Exactly one; steps by default.
    least_steps
        Steps that an epochs budget grants at least.
    stop_loss
        Stop once the mean training loss since the last look is this small; None to use all of the budget. For
        regression targets that is half the mean squared error in their own units, whatever their scale.
    schedule
        Learning rate over the budget: ``"constant"`` or ``"cosine"``.
    validation, patience, check_every
        Share of the training set held out to stop early (0: no early stopping); looks without improvement
        before stopping; steps between looks. The best weights seen are kept.
    trained
        ``"all"`` layers, or the ``"readout"`` alone over fixed random features.
    centred
        Subtract the net's own initial function, so that outputs start at 0.
    members
        Nets in the ensemble; class probabilities (outputs for mse) are averaged.
    augment, orbit
        Groups: random elements move every training batch; predictions are averaged over all elements (only of
        groups small enough for that). See `runners.training.banks`.
    tune
        Hyper-parameters to choose on validation data at every n, or None.
    precision
        ``"float32"``, ``"float64"``, and on GPUs ``"tf32"`` or ``"bfloat16"`` products.
    time_limit
        Seconds one net may take.
    """

    linearised: ClassVar[bool] = False
    default_steps: ClassVar[int] = 1000

    learning_rate: PositiveFloat | Literal["auto"] = "auto"
    learning_rate_factor: PositiveFloat = 1.0
    weight_decay: NonNegativeFloat = 0.0
    loss: Literal["cross-entropy", "mse"] = "cross-entropy"
    label_smoothing: float = Field(default=0.0, ge=0, lt=1)
    steps: PositiveInt | None = None
    epochs: PositiveFloat | None = None
    least_steps: PositiveInt = 200
    stop_loss: PositiveFloat | None = 0.02
    schedule: Literal["constant", "cosine"] = "constant"
    validation: float = Field(default=0.0, ge=0, lt=1)
    patience: PositiveInt = 10
    check_every: PositiveInt = 25
    trained: Literal["all", "readout"] = "all"
    centred: bool = False
    members: PositiveInt = 1
    augment: GroupName = "trivial"
    orbit: GroupName = "trivial"
    tune: Search | None = None
    precision: Literal["float32", "tf32", "bfloat16", "float64"] = "float32"
    time_limit: PositiveFloat | None = None

    @model_validator(mode="after")
    def _check_budget(self) -> AbstractGradientTraining:
        if self.steps is not None and self.epochs is not None:
            raise ValueError("give steps or epochs, not both: one of them is held constant over n")
        if self.centred and self.trained == "readout":
            raise ValueError("centred needs trained = 'all'")
        return self

    @property
    @abc.abstractmethod
    def largest_batch(self) -> int:
        """Examples per step where the training set has as many."""

    @abc.abstractmethod
    def rule(self) -> AbstractRule:
        """Return the update rule."""

    def budget(self, n_train: int, *, steps: int | None = None, epochs: float | None = None) -> int:
        """Return the steps granted at `n_train`; `steps` or `epochs` replace the algorithm's own."""
        if steps is None and epochs is None:
            steps, epochs = self.steps, self.epochs
        if epochs is None:
            return steps if steps is not None else self.default_steps
        return max(math.ceil(epochs * n_train / min(self.largest_batch, n_train)), self.least_steps)

    @property
    def held_constant(self) -> Literal["steps", "epochs"]:
        """What the budget holds constant over training-set sizes."""
        by_epochs = self.tune.epochs if self.tune and (self.tune.steps or self.tune.epochs) else self.epochs
        return "epochs" if by_epochs else "steps"

    def check(self, run: Run) -> None:
        from runners.training.check import check_run

        check_run(self, run)

    def remark(self, run: Run) -> str:
        from runners.training.check import remark_on_stop_loss

        return remark_on_stop_loss(self, run)

    def share_key(self, run: Run) -> Hashable:
        """Nets of one shape train as one stack, over seeds and transforms of the data.

        Small nets, of which a stack holds many, share over sizes too, as far as their batches are equal.
        """
        from runners.training.cost import SMALL_STACK, count_outputs, cpu_stack

        facts, n_outputs = run.dataset.facts(), count_outputs(run)
        names = tuple((m.name, repr(m.settings)) for m in (run.spec.model, run.spec.inference))
        size = run.spec.n_train
        batch = min(size, self.largest_batch)
        if cpu_stack(run.architecture, facts.shape, n_outputs, batch) >= SMALL_STACK:
            size = batch
        return "gradient", names, facts.shape, facts.n_classes, n_outputs, size

    def divide(self, runs: Sequence[Run], *, device: str = "cpu") -> list[Sequence[Run]]:
        """Return the stacks: on a GPU as large as they can be, on a CPU those that `execute` would make of all."""
        from runners.training.cost import GPU_STACK, count_outputs, cpu_stack

        run, shape = runs[0], runs[0].dataset.facts().shape
        batch = min(run.spec.n_train, self.largest_batch)
        stack = (
            cpu_stack(run.architecture, shape, count_outputs(run), batch) if device == "cpu" else GPU_STACK
        )
        size = max(1, stack // self.members)
        return [runs[start : start + size] for start in range(0, len(runs), size)]

    def cost(self, run: Run) -> float:
        from runners.training.cost import EXPECTED_USE, LINEARISED, count_outputs, step_cost

        batch, shape = min(self.largest_batch, run.spec.n_train), run.dataset.facts().shape
        step = step_cost(run.architecture, shape, count_outputs(run), batch)
        searched = self.tune.combinations * self.tune.seeds if self.tune is not None else 0
        # Nets are done once their loss is small, unless something keeps it from becoming so.
        is_held_up = self.stop_loss is None or self.weight_decay > 0 or self.augment != "trivial"
        used = self.budget(run.spec.n_train) * (1.0 if is_held_up else EXPECTED_USE)
        return step * used * (self.members + searched) * (LINEARISED if self.linearised else 1.0)

    def execute(self, runs: Sequence[Run], *, device: str = "cpu") -> Iterator[Outcome]:
        from runners.training.execute import execute_runs

        return execute_runs(self, runs, device=device)


class AbstractStochasticTraining(AbstractGradientTraining):
    """Gradient training on random batches.

    Parameters
    ----------
    batch_size
        Examples per step; at most the training set.
    """

    batch_size: PositiveInt = 32

    @property
    def largest_batch(self) -> int:
        return self.batch_size
