"""Windows of a filter over an image: their geometry."""

from __future__ import annotations

from dataclasses import dataclass

from curvefit.errors import InvalidInputError


@dataclass(frozen=True, slots=True)
class Windows:
    """Where a filter reads, for every output position.

    Parameters
    ----------
    size
        Height and width of the input.
    filter, strides
        Height and width of the filter, and its strides.
    padding
        ``"circular"``, ``"same"`` (zeros) or ``"valid"``.
    """

    size: tuple[int, int]
    filter: tuple[int, int]
    strides: tuple[int, int]
    padding: str

    def __post_init__(self) -> None:
        if self.padding == "valid" and any(f > s for f, s in zip(self.filter, self.size)):
            raise InvalidInputError(
                f"a {self.filter} filter without padding does not fit an image of {self.size}"
            )

    @property
    def output(self) -> tuple[int, int]:
        """Height and width of the output."""
        return self._axis_output(0), self._axis_output(1)

    @property
    def margins(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """Padding (before, after) of rows and of columns."""
        return self._axis_margins(0), self._axis_margins(1)

    def input_positions(self) -> list[list[int]]:
        """Return, for every output position and tap, the input position read; -1 where it is padding."""
        rows, columns = self._axis_positions(0), self._axis_positions(1)
        return [
            [
                -1 if row < 0 or column < 0 else row * self.size[1] + column
                for row in down
                for column in across
            ]
            for down in rows
            for across in columns
        ]

    def _axis_output(self, axis: int) -> int:
        if self.padding == "valid":
            return (self.size[axis] - self.filter[axis]) // self.strides[axis] + 1
        return -(-self.size[axis] // self.strides[axis])

    def _axis_margins(self, axis: int) -> tuple[int, int]:
        reach = (self._axis_output(axis) - 1) * self.strides[axis] + self.filter[axis]
        total = 0 if self.padding == "valid" else max(reach - self.size[axis], 0)
        return total // 2, total - total // 2

    def _axis_positions(self, axis: int) -> list[list[int]]:
        """Return, for every output position along one axis, the input positions of its window."""
        size, first = self.size[axis], -self.margins[axis][0]
        windows = []
        for out in range(self._axis_output(axis)):
            start = first + out * self.strides[axis]
            read = range(start, start + self.filter[axis])
            if self.padding == "circular":
                windows.append([position % size for position in read])
            else:
                windows.append([position if 0 <= position < size else -1 for position in read])
        return windows
