"""A stack of one net of any kind: a user's own `torch.nn.Module`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch

from runners.training.abstract import AbstractStack


class ModuleStack(AbstractStack):
    """One `torch.nn.Module`, with whatever buffers and frozen parameters it keeps.

    Parameters
    ----------
    module
        Maps ``(n, height, width, channels)`` to ``(n, outputs)``.
    seed
        Of what the module draws while it trains (dropout); None for torch's global generator.
    """

    def __init__(self, module: torch.nn.Module, *, seed: int | None = None) -> None:
        self.module = module
        named = list(module.named_parameters())
        trainable = [(name, p) for name, p in named if p.requires_grad]
        others = [*((name, p) for name, p in named if not p.requires_grad), *module.named_buffers()]
        self._names = [name for name, _ in (*trainable, *others)]
        self.parameters = [p.detach()[None].clone().requires_grad_() for _, p in trainable]
        self.constants = [b.detach()[None].clone() for _, b in others]
        self._random: dict[str, torch.Tensor] | None = None
        if seed is not None:
            with self._forked():
                torch.manual_seed(seed)
                self._random = self._random_states()

    def forward(self, weights: Sequence[torch.Tensor], x: torch.Tensor) -> torch.Tensor:
        own = {name: weight[0] for name, weight in zip(self._names, weights)}
        if self._random is None or not self.module.training:
            return torch.func.functional_call(self.module, own, (x[0],))[None]
        with self._forked():
            torch.set_rng_state(self._random["cpu"])
            for device in self._gpus():
                torch.cuda.set_rng_state(self._random[str(device)], device)
            outputs = torch.func.functional_call(self.module, own, (x[0],))[None]
            self._random = self._random_states()
        return outputs

    def train(self, mode: bool) -> None:
        self.module.train(mode)

    @torch.no_grad()
    def is_random(self, x: torch.Tensor) -> bool:
        """Return whether a pass over `x` in training draws random numbers, as dropout does; needs a `seed`."""
        before, mode = self._random, self.module.training
        self.train(True)
        self.forward(self.weights, x)
        self.train(mode)
        after, self._random = self._random, before
        return before is not None and any(not torch.equal(before[key], after[key]) for key in before)  # type: ignore[index]

    @torch.no_grad()
    def write_back(self) -> None:
        """Put parameters and buffers into the module itself."""
        own = {**dict(self.module.named_parameters()), **dict(self.module.named_buffers())}
        for name, weight in zip(self._names, self.weights):
            own[name].copy_(weight[0])

    def _gpus(self) -> list[torch.device]:
        return sorted({p.device for p in self.parameters if p.device.type == "cuda"}, key=str)

    @contextmanager
    def _forked(self) -> Iterator[None]:
        """Leave torch's global generators as they were."""
        with torch.random.fork_rng(devices=[device.index for device in self._gpus()]):
            yield

    def _random_states(self) -> dict[str, torch.Tensor]:
        states = {str(device): torch.cuda.get_rng_state(device) for device in self._gpus()}
        return {"cpu": torch.get_rng_state(), **states}
