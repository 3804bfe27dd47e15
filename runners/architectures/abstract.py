"""What every architecture is: one description from which both its finite net and its kernel follow."""

from __future__ import annotations

import abc
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from curvefit.registry import Registry
from curvefit.settings import Settings

if TYPE_CHECKING:
    import torch

    from runners.architectures.plan import Plan

Activation = Literal["relu", "erf", "gelu", "leaky-relu"]
Padding = Literal["circular", "same", "valid"]
Level = Literal["all", "per-pixel", "shared", "trivial"]
"""Where in the chain O(cp) > O(c)^p > O(c)xI_p an architecture sits: which inputs its first layer mixes freely."""


class AbstractArchitecture(Settings, abc.ABC):
    """A network: its place in the symmetry table, and how to build it.

    A net with a `plan` trains in stacks of many; any other has a `build` method.
    """

    @abc.abstractmethod
    def symmetry_level(self, *, infinite_width: bool) -> Level:
        """Return the level of the largest group of the chain that leaves the trained net invariant."""

    def function_symmetry(self) -> str:
        """Return the registered group under which the learned function itself is invariant."""
        return "trivial"

    def plan(self, shape: tuple[int, int, int], n_outputs: int) -> Plan | None:
        """Return the finite net's layers for inputs ``(n, *shape)``, or None when `build` alone knows it.

        A net with a plan can be trained in stacks of many.
        """
        return None

    def build(self, shape: tuple[int, int, int], n_outputs: int, *, seed: int) -> torch.nn.Module:
        """Return the finite net: maps ``(n, height, width, channels)`` to ``(n, n_outputs)``.

        Parameters
        ----------
        shape
            ``(height, width, channels)`` of one input.
        n_outputs
            Classes, or regression targets.
        seed
            Fixes the initial weights.
        """
        from runners.architectures.plan import Net

        plan = self.plan(shape, n_outputs)
        if plan is None:
            raise NotImplementedError(f"{type(self).__name__} has neither a plan nor a build method")
        return Net(plan, seed=seed)


class AbstractLayeredNet(AbstractArchitecture):
    """A network with `depth` hidden layers of [weights, activation] and a linear readout.

    Parameters
    ----------
    depth
        Hidden layers.
    width
        Units (dense layers) or channels (convolutions) of each hidden layer of the finite net.
    activation, leak
        Non-linearity; `leak` is the negative slope of ``leaky-relu``.
    w_std, b_std
        Weight and bias standard deviations in NTK parameterisation
        (pre-activation = w_std * mean over fan-in ** .5 * ... + b_std * bias).
    parameterisation
        ``"ntk"`` or ``"standard"``: the initial function is the same, learning rates differ by layer.
    initialisation
        ``"gaussian"``, or ``"uniform"`` of equal variance: then permutations with sign flips take the
        place of rotations in the symmetry of the finite net.
    """

    depth: PositiveInt = 2
    width: PositiveInt = 64
    activation: Activation = "relu"
    leak: float = Field(default=0.2, ge=0, le=1)
    w_std: PositiveFloat = 2**0.5
    b_std: float = Field(default=0.0, ge=0)
    parameterisation: Literal["ntk", "standard"] = "ntk"
    initialisation: Literal["gaussian", "uniform"] = "gaussian"


class AbstractConvolution(AbstractLayeredNet):
    """An architecture of local filters.

    Parameters
    ----------
    filter, strides
        Height and width of every layer's filter, and its strides.
    padding
        ``"circular"``, ``"same"`` (zeros, counted in the average) or ``"valid"``.
    pools, pool_window
        Layers (from 1) after whose activation a non-overlapping average pool of
        `pool_window` x `pool_window` stands.
    """

    tied: ClassVar[bool]

    filter: tuple[PositiveInt, PositiveInt] = (3, 3)
    strides: tuple[PositiveInt, PositiveInt] = (1, 1)
    padding: Padding = "circular"
    pools: tuple[PositiveInt, ...] = ()
    pool_window: PositiveInt = 2

    @model_validator(mode="after")
    def _check_pools(self) -> AbstractConvolution:
        unknown = [layer for layer in self.pools if layer > self.depth]
        if unknown:
            raise ValueError(f"pools name layers {unknown}, but there are {self.depth} layers")
        return self

    @property
    def pooling(self) -> bool:
        """Whether an average pool stands between layers."""
        return bool(self.pools) and self.pool_window > 1


ARCHITECTURES: Registry[type[AbstractArchitecture]] = Registry("architecture")
