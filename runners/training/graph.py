"""One step recorded as a CUDA graph, so that a GPU is not kept waiting for Python."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from runners.training.feed import Inputs

TRIAL_STEPS = 3


class Replay:
    """A step that is recorded once and then replayed on inputs copied into fixed places.

    Parameters
    ----------
    step
        Takes the inputs of one step and returns a loss per net.
    inputs
        Inputs of some step; their shapes stay.
    changed
        All tensors that a step changes in place; recording leaves them as they were.
    """

    def __init__(
        self, step: Callable[[Inputs], torch.Tensor], inputs: Inputs, changed: Sequence[torch.Tensor]
    ) -> None:
        self._inputs = Inputs(*(None if part is None else part.clone() for part in inputs))  # type: ignore[arg-type]
        before = [tensor.detach().clone() for tensor in changed]
        self._replay, self._loss = record(lambda: step(self._inputs), inputs.rates.device)
        with torch.no_grad():
            for tensor, value in zip(changed, before):
                tensor.copy_(value)

    def __call__(self, inputs: Inputs) -> torch.Tensor:
        for place, value in zip(self._inputs, inputs):
            if place is not None:
                place.copy_(value)
        self._replay()
        return self._loss


def record(step: Callable[[], torch.Tensor], device: torch.device) -> tuple[Callable[[], None], torch.Tensor]:
    """Record `step` on a CUDA device; return what replays it, and the place of its result."""
    side = torch.cuda.Stream(device)
    side.wait_stream(torch.cuda.current_stream(device))
    with torch.cuda.stream(side):
        for _ in range(TRIAL_STEPS):  # libraries choose and load their kernels
            step()
    torch.cuda.current_stream(device).wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        result = step()
    return graph.replay, result
