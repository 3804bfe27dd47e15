"""A user's own `torch.nn.Module`, named by the import path of the function that makes it."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from pydantic import Field

from curvefit.errors import InvalidInputError
from runners.architectures.abstract import ARCHITECTURES, AbstractArchitecture, Level

if TYPE_CHECKING:
    import torch


@ARCHITECTURES.register("module")
class Module(AbstractArchitecture):
    """Any net: ``factory(shape, n_outputs, **arguments)`` must return a `torch.nn.Module`.

    The module maps ``(n, height, width, channels)`` to ``(n, n_outputs)``; lazy layers are fine. torch's global generator is seeded before the
    factory is called, so that its initial weights follow from the run's seed.

    Parameters
    ----------
    factory
        ``"package.module:function"``.
    arguments
        Keyword arguments for the factory.
    symmetry
        Where the net stands in the chain O(cp) > O(c)^p > O(c)xI_p: ``"all"``, ``"per-pixel"``, ``"shared"``
        or ``"trivial"`` (nothing is claimed).
    function
        Registered group that leaves the learned function itself unchanged.
    """

    factory: str = Field(pattern=r"^[\w.]+:[\w.]+$")
    arguments: dict[str, Any] = Field(default_factory=dict)
    symmetry: Level = "trivial"
    function: str = "trivial"

    def __hash__(self) -> int:
        return hash(repr(self))

    def symmetry_level(self, *, infinite_width: bool) -> Level:
        if infinite_width:
            raise InvalidInputError(f"the infinite-width limit of {self.factory!r} is not known")
        return self.symmetry

    def function_symmetry(self) -> str:
        return self.function

    def build(self, shape: tuple[int, int, int], n_outputs: int, *, seed: int) -> torch.nn.Module:
        import torch

        module_name, _, path = self.factory.partition(":")
        try:
            make: Any = importlib.import_module(module_name)
            for attribute in path.split("."):
                make = getattr(make, attribute)
        except (ImportError, AttributeError) as error:
            raise InvalidInputError(f"factory {self.factory!r} cannot be imported: {error}") from error
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            module = make(shape, n_outputs, **self.arguments)
            if not isinstance(module, torch.nn.Module):
                raise InvalidInputError(
                    f"factory {self.factory!r} returned {type(module).__name__}, not a torch.nn.Module"
                )
            if any(torch.nn.parameter.is_lazy(parameter) for parameter in module.parameters()):
                module.eval()(torch.zeros(2, *shape))  # lazy layers learn their sizes
        return module.train()
