"""Stochastic gradient descent with momentum at finite width."""

from __future__ import annotations

import time
from collections.abc import Hashable, Iterator, Sequence
from typing import Literal

import numpy as np
from pydantic import Field, PositiveFloat, PositiveInt

from curvefit.errors import InvalidInputError
from curvefit.seeding import seed_for
from runners.algorithms.abstract import ALGORITHMS, AbstractAlgorithm, Outcome, Run


@ALGORITHMS.register("sgd")
class SGD(AbstractAlgorithm):
    """Mini-batch gradient descent with momentum; the learning rate falls linearly to zero.

    Parameters
    ----------
    learning_rate
        Initial step size, in NTK parameterisation of the order of one over the kernel's size.
    momentum, weight_decay
        Heavy-ball momentum, and L2 penalty per step.
    batch_size
        Examples a step; smaller training sets are one batch.
    steps, epochs
        Budget: a number of steps held constant over n, or, when `epochs` is given, passes over the data
        held constant instead. Confusing the two bends the learning curve, so the record says which.
    loss
        ``"cross-entropy"``, or ``"mse"`` on centred one-hot targets. Regression always uses squared error.
    stack
        Nets trained at once at most. Results do not depend on it beyond rounding.
    """

    learning_rate: PositiveFloat = 0.1
    momentum: float = Field(default=0.9, ge=0, lt=1)
    weight_decay: float = Field(default=0.0, ge=0)
    batch_size: PositiveInt = 32
    steps: PositiveInt = 600
    epochs: PositiveInt | None = None
    loss: Literal["cross-entropy", "mse"] = "cross-entropy"
    stack: PositiveInt = 8

    def n_steps(self, n_train: int) -> int:
        """Return the number of steps at a training-set size."""
        if self.epochs is None:
            return self.steps
        return self.epochs * max(1, n_train // self.batch_size)

    def share_key(self, run: Run) -> Hashable:
        """Nets of one plan and one n train together: seeds, rotations and jitters of the same images."""
        facts = run.dataset.facts()
        return "sgd", self, run.architecture, facts.shape, facts.n_classes, run.spec.n_train

    def cost(self, run: Run) -> float:
        """Three passes (forward, and backward for inputs and weights) of two operations a product."""
        shape = run.dataset.facts().shape
        plan = run.architecture.plan(shape, 10)
        positions = 1 if plan is None else shape[0] * shape[1]
        parameters = run.architecture.width * shape[2] * 9 if plan is None else plan.count_parameters()
        batch = min(self.batch_size, run.spec.n_train)
        return 6.0 * parameters * positions * batch * self.n_steps(run.spec.n_train)

    def execute(self, runs: Sequence[Run], *, device: str = "cpu") -> Iterator[Outcome]:
        for start in range(0, len(runs), self.stack):
            yield from self._execute_stack(runs[start : start + self.stack], device)

    def _execute_stack(self, runs: Sequence[Run], device: str) -> Iterator[Outcome]:
        import torch

        from runners.training.batches import batch_order
        from runners.training.stack import (
            Stack,
            loss_per_model,
            one_hot_centred,
            predict_stack,
            train_stack,
        )

        began = time.perf_counter()
        facts = runs[0].dataset.facts()
        n_train = runs[0].spec.n_train
        splits = [r.dataset.split(n_train, seed=r.spec.seed, study_seed=r.spec.study_seed) for r in runs]
        classes = facts.n_classes
        n_outputs = classes if classes is not None else splits[0].y_train.shape[1]
        plan = runs[0].architecture.plan(facts.shape, n_outputs)
        if plan is None:
            raise InvalidInputError(f"sgd cannot stack {type(runs[0].architecture).__name__}: it has no plan")
        seeds = [seed_for(r.spec.study_seed, "net", r.spec.seed) for r in runs]
        as_targets = classes is not None and self.loss == "mse"
        targets = [one_hot_centred(s.y_train, classes) if as_targets else s.y_train for s in splits]
        steps = self.n_steps(n_train)
        order = [batch_order(n_train, steps=steps, batch_size=self.batch_size, seed=s) for s in seeds]
        stack = Stack.from_arrays([s.x_train for s in splits], targets, order, device=device)
        parameters, loss = train_stack(
            plan,
            [plan.draw(seed) for seed in seeds],
            stack,
            learning_rate=self.learning_rate,
            momentum=self.momentum,
            weight_decay=self.weight_decay,
        )
        x_test = torch.as_tensor(np.stack([s.x_test for s in splits]), dtype=torch.float32, device=device)
        outputs = predict_stack(plan, parameters, x_test)
        y_test = torch.as_tensor(np.stack([s.y_test for s in splits]), device=device)
        test_loss = loss_per_model(outputs, y_test.float() if y_test.is_floating_point() else y_test)
        seconds = (time.perf_counter() - began) / len(runs)
        n_test = y_test.shape[1]
        for i, run in enumerate(runs):
            common = {
                "seconds": seconds,
                "n_test": n_test,
                "n_parameters": plan.count_parameters(),
                "extra": {"steps": steps, "held": "steps" if self.epochs is None else "epochs"},
            }
            if not torch.isfinite(loss[i]) or not torch.isfinite(outputs[i]).all():
                yield Outcome(run, status="diverged", message=f"training loss {float(loss[i])}", **common)
            elif classes is None:
                mse = float((outputs[i] - y_test[i].float()).square().mean())
                yield Outcome(run, metric="mse", value=mse, test_loss=float(test_loss[i]), **common)
            else:
                n_errors = int((outputs[i].argmax(1) != y_test[i]).sum())
                common["n_errors"], common["value"] = n_errors, n_errors / n_test
                yield Outcome(run, test_loss=float(test_loss[i]), **common)
