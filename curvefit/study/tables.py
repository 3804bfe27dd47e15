"""The tables of a study file as strict models: what may be written, and nothing else."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, StrictStr, StringConstraints, model_validator

from curvefit.settings import Settings
from curvefit.study.sizes import Size, Sizes

StudyName = Annotated[str, StringConstraints(strict=True, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
Replicates = Annotated[int, Field(strict=True, ge=1)]


class StudyTable(Settings):
    """``[study]``: name, hypothesis, and what holds for every run unless a member says otherwise.

    Parameters
    ----------
    name
        Letters, digits, ``. _ -``; names the study in every record.
    hypothesis
        What the study would show, in sentences.
    seed
        Root of all seeds.
    replicates
        Number of seeds, 0 to ``replicates - 1``.
    sizes
        Training-set sizes: a list, or ``{ start, stop, factor }``.
    """

    name: StudyName
    hypothesis: StrictStr = ""
    seed: Annotated[int, Field(strict=True, ge=0)] = 0
    replicates: Replicates = 1
    sizes: Sizes | None = None


class MemberTable(BaseModel):
    """``[[data]]``, ``[[model]]`` or ``[[inference]]``: one member, or a family of them.

    Keys that are not named here are settings of the component; the runners check them.

    Parameters
    ----------
    name
        Registered name of the component, or ``package.module:attribute``.
    label
        Shown in tables; ``{setting}`` stands for a setting's value.
    sizes, replicates
        Restrict the study's: a triplet runs at the sizes that all its members allow.
    grid
        Key to list of values: one member for every combination.
    zip
        Key to list of values, all equally long: one member for each position.
    """

    model_config = ConfigDict(frozen=True, extra="allow", allow_inf_nan=False)

    name: StrictStr | None = None
    label: StrictStr | None = None
    sizes: Sizes | None = None
    replicates: Replicates | None = None
    grid: dict[str, Annotated[list[Any], Field(min_length=1)]] = Field(default_factory=dict)
    zip: dict[str, Annotated[list[Any], Field(min_length=1)]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if len({len(values) for values in self.zip.values()}) > 1:
            lengths = ", ".join(f"{key}: {len(values)}" for key, values in self.zip.items())
            raise ValueError(f"zip needs lists of equal length, has {lengths}")
        if self.name is None and "name" not in self.grid and "name" not in self.zip:
            raise ValueError("name is missing: which registered component is it?")
        written = set(self.__pydantic_extra__ or {}) | {k for k in ("name", "label") if getattr(self, k)}
        twice = (written & (self.grid.keys() | self.zip.keys())) | (self.grid.keys() & self.zip.keys())
        if twice:
            raise ValueError(f"given twice (directly, in grid or in zip): {', '.join(sorted(twice))}")
        fixed = {"sizes", "replicates", "grid", "zip"} & (self.grid.keys() | self.zip.keys())
        if fixed:
            raise ValueError(f"cannot vary within a grid or zip: {', '.join(sorted(fixed))}")
        return self

    @property
    def settings(self) -> dict[str, Any]:
        """Settings of the component that are the same for all members of this table."""
        return dict(self.__pydantic_extra__ or {})


class ExcludeTable(Settings):
    """``[[exclude]]``: drop the triplets whose labels (or component names) match every pattern given."""

    data: StrictStr = "*"
    model: StrictStr = "*"
    inference: StrictStr = "*"
    above: Size | None = None
    below: Size | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self == type(self).model_construct():
            raise ValueError("excludes everything: give data, model, inference, above or below")
        if self.above is not None and self.below is not None and self.above < self.below:
            raise ValueError(
                f"above {self.above} and below {self.below} exclude every size: what is kept lies between them, "
                "from below to above; for a gap write two tables"
            )
        return self


class FallbackTable(BaseModel):
    """``[fallback.NAME]``: the component, and settings to change, where dataset NAME is not installed."""

    model_config = ConfigDict(frozen=True, extra="allow", allow_inf_nan=False)

    name: StrictStr

    @property
    def settings(self) -> dict[str, Any]:
        """Settings that replace the original member's; its other settings stay."""
        return dict(self.__pydantic_extra__ or {})


class StudyFile(Settings):
    """A whole study file."""

    study: StudyTable
    data: Annotated[list[MemberTable], Field(min_length=1)]
    model: Annotated[list[MemberTable], Field(min_length=1)]
    inference: Annotated[list[MemberTable], Field(min_length=1)]
    exclude: tuple[ExcludeTable, ...] = ()
    fallback: dict[str, FallbackTable] = Field(default_factory=dict)
