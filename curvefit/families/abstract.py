"""What a curve family is: a table of parameters and one formula that numpy and pytensor both evaluate."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np

from curvefit.errors import InvalidInputError, unknown_name
from curvefit.families.shape_prior import ShapePrior
from curvefit.registry import Registry

Support = Literal["positive", "fraction"]
Pooling = Literal["factorial", "main", "common"]
Measures = Literal["number", "size", "error"]
#: Where the square root of a fraction bends away from 0: fractions below its square are all but 0.
ROOT_WIDTH = 0.03


@dataclass(frozen=True, slots=True)
class ParamSpec:
    """One parameter of a family: where it lives, how it is pooled, and what is believed beforehand.

    Parameters
    ----------
    name
        As the formula, the draws and the tables call it.
    support
        ``"positive"`` (estimated as its logarithm) or ``"fraction"`` (of the curve's unit: its chance level,
        or its error at the smallest sizes; estimated as its square root, which is softly kept above 0).
    prior
        Mean and standard deviation of the normal prior of the grand mean, on the estimated scale.
    spread
        Typical standard deviation between curves on the estimated scale: the median of the lognormal prior
        of the scale of a main effect is half of it.
    pooling
        ``"factorial"``: main effects, two-way interactions and a residual per triplet; ``"main"``: main
        effects and a residual; ``"common"``: one value for all curves.
    label
        In words, with the unit.
    measures
        ``"error"`` for values in the metric's unit (estimated relative to the curve's unit), ``"size"`` for numbers
        of examples, ``"number"`` for the rest.
    """

    name: str
    support: Support
    prior: tuple[float, float]
    spread: float
    pooling: Pooling
    label: str
    measures: Measures = "number"

    def __post_init__(self) -> None:
        if self.prior[1] <= 0 or self.spread <= 0:
            raise InvalidInputError(
                f"parameter {self.name!r}: prior sd {self.prior[1]} and spread {self.spread} must be positive"
            )

    @property
    def estimated_name(self) -> str:
        """Name of the parameter on the estimated scale: ``log_exponent``, ``root_floor``."""
        return {"positive": "log_", "fraction": "root_"}[self.support] + self.name

    def constrain(self, value: Any, unit: Any = 1.0, xp: Any = np) -> Any:
        """Return the natural value of an estimated one; `unit` matters for errors only."""
        if self.support == "positive":
            return xp.exp(value) * unit if self.measures == "error" else xp.exp(value)
        scaled = value / ROOT_WIDTH
        softplus = xp.maximum(scaled, 0.0) + xp.log1p(xp.exp(-abs(scaled)))
        return unit * (ROOT_WIDTH * softplus) ** 2

    def unconstrain(self, value: Any, unit: Any = 1.0) -> np.ndarray:
        """Return the estimated (unbounded) value of a natural one."""
        value = np.asarray(value, float)
        if self.support == "positive":
            return np.log(value / unit) if self.measures == "error" else np.log(value)
        scaled = np.sqrt(value / unit) / ROOT_WIDTH
        return ROOT_WIDTH * (scaled + np.log(-np.expm1(-scaled)))


class AbstractFamily:
    """How error falls with the number of training examples.

    Attributes
    ----------
    name
        Registered name.
    parameters
        Table of the parameters, in the order in which arrays hold them.
    needs_chance
        Whether the formula uses the error of the best constant prediction.
    without_chance
        Registered name of the family that stands in where no chance level is known; None if there is none.
    constant
        Whether the error does not change with n: a fit then uses the largest size of every curve alone.
    shape_priors
        Priors of all parameters but the floor, for a family that is ``floor + (chance - floor) * shape(n)``: with them point fits
        and forecasts can use it (see `ShapePrior`). Empty where it is another, or only `fit` is to know it.
    formula
        Static method ``formula(xp, n, *, chance, <parameters>)``: the error at n from natural values. `xp` is the array
        namespace, `numpy` or `pytensor.tensor`; arrays broadcast. Its keywords must be the names of the table.
    """

    name: ClassVar[str]
    parameters: ClassVar[tuple[ParamSpec, ...]]
    needs_chance: ClassVar[bool] = True
    without_chance: ClassVar[str | None] = None
    constant: ClassVar[bool] = False
    shape_priors: ClassVar[tuple[ShapePrior, ...]] = ()
    formula: ClassVar[Callable[..., Any]]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "parameters" not in cls.__dict__:
            return
        taken = list(inspect.signature(cls.formula).parameters)[2:]
        declared = [spec.name for spec in cls.parameters]
        if sorted(taken) != sorted([*declared, "chance"]):
            raise InvalidInputError(
                f"family {cls.name!r}: formula takes {taken}, its table declares {declared} (and chance)"
            )
        priors = [prior.name for prior in cls.shape_priors]
        if priors and sorted([*priors, "floor"]) != sorted(declared):
            raise InvalidInputError(
                f"family {cls.name!r}: its shape priors are of {priors}, its table declares {declared}; a shape has all but a floor"
            )

    def error(self, n: Any, *, chance: Any = np.nan, **values: Any) -> np.ndarray:
        """Return the error at `n` with numpy.

        Parameters
        ----------
        n
            Training-set sizes; broadcasts against the parameters.
        chance
            Error of the best constant prediction; ignored where `needs_chance` is false.
        values
            Natural values of all parameters of the table.
        """
        unknown = set(values) - set(self.parameter_names)
        if unknown:
            raise unknown_name(f"parameter of {self.name}", min(unknown), self.parameter_names)
        missing = [name for name in self.parameter_names if name not in values]
        if missing:
            raise InvalidInputError(f"family {self.name!r} also needs {', '.join(missing)}")
        arrays = {k: np.asarray(v, float) for k, v in values.items()}
        with np.errstate(over="ignore", under="ignore"):
            return self.formula(np, np.asarray(n, float), chance=np.asarray(chance, float), **arrays)

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """Names of the parameters in table order."""
        return tuple(spec.name for spec in self.parameters)

    @property
    def has_onset(self) -> bool:
        """Whether the law has a size of its own, as where learning sets in; else it is alike at all sizes, as a power of n is."""
        return any(spec.measures == "size" for spec in self.parameters)

    def __getitem__(self, name: str) -> ParamSpec:
        for spec in self.parameters:
            if spec.name == name:
                return spec
        raise unknown_name(f"parameter of {self.name}", name, self.parameter_names)

    def amplitude(self, *, chance: Any, **values: Any) -> np.ndarray | None:
        """Return the amplitude of the limit ``floor + amplitude * n ** -exponent``, or None if there is none."""
        return None

    def rescale_sizes(self, values: dict[str, Any], factor: float) -> dict[str, Any]:
        """Return the parameters of the same curve after its sizes are multiplied by `factor`."""
        return {
            name: value * factor if self[name].measures == "size" else value for name, value in values.items()
        }

    def __repr__(self) -> str:
        return f"<family {self.name}: {', '.join(self.parameter_names)}>"


def onset_amplitude(family: AbstractFamily, *, chance: Any, **values: Any) -> np.ndarray:
    """Return the amplitude of a family that tends to ``floor + (chance - floor) * (n / onset) ** -exponent``."""
    with np.errstate(over="ignore"):
        return (chance - values["floor"]) * values["onset"] ** values["exponent"]


FAMILIES: Registry[AbstractFamily] = Registry("curve family")


def get_family(name: str | AbstractFamily) -> AbstractFamily:
    """Return the registered family called `name` (a family object passes through)."""
    return name if isinstance(name, AbstractFamily) else FAMILIES[name]


#: Parameters that most families share. Errors are in the metric's unit, sizes are numbers of examples.
EXPONENT = ParamSpec(
    "exponent", "positive", (np.log(0.4).item(), 0.7), 0.5, "factorial", "exponent of the excess error"
)
ONSET = ParamSpec(
    "onset",
    "positive",
    (np.log(60.0).item(), 1.5),
    1.0,
    "main",
    "size where learning sets in (examples)",
    "size",
)
FLOOR = ParamSpec(
    "floor", "fraction", (0.2, 0.15), 0.15, "main", "error left at infinitely many examples", "error"
)
#: Where no chance level is known the floor is a fraction of the error at the smallest sizes: little of an error rate's, most of a
#: language model's loss.
OPEN_FLOOR = replace(FLOOR, prior=(0.3, 0.3), spread=0.2)
