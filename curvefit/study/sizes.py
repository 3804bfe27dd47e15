"""Training-set sizes: an explicit list, or a geometric grid."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import Discriminator, Field, Tag, model_validator

from curvefit.settings import Settings

Size = Annotated[int, Field(strict=True, gt=0)]


class SizeGrid(Settings):
    """Sizes ``start, start * factor, ...`` up to and including `stop`, rounded to whole examples.

    Attributes
    ----------
    start, stop
        Smallest size, and the bound on the largest one.
    factor
        Ratio of neighbouring sizes, above 1; 2 by default, ``2 ** .5`` doubles the density.
    """

    start: Size
    stop: Size
    factor: float = Field(default=2.0, gt=1.0, strict=True)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.stop < self.start:
            raise ValueError(f"stop {self.stop} is below start {self.start}")
        return self


def _written_as(value: Any) -> str:
    return "SizeGrid" if isinstance(value, dict | SizeGrid) else "list"


Sizes = Annotated[
    Annotated[list[Size], Field(min_length=1), Tag("list")] | Annotated[SizeGrid, Tag("SizeGrid")],
    Discriminator(_written_as),
]


def expand_sizes(sizes: Sizes) -> tuple[int, ...]:
    """Return the training-set sizes in increasing order, each once.

    Examples
    --------
    >>> expand_sizes(SizeGrid(start=32, stop=256))
    (32, 64, 128, 256)
    """
    if not isinstance(sizes, SizeGrid):
        return tuple(sorted(set(sizes)))
    found: list[int] = []
    step = 0
    while (size := round(sizes.start * sizes.factor**step)) <= sizes.stop:
        if not found or size > found[-1]:
            found.append(size)
        step += 1
    return tuple(found)
