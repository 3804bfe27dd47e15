"""What a result shows of itself at a prompt: one line; in a notebook: what ``print`` shows."""

from __future__ import annotations

from collections.abc import Mapping, Sized
from dataclasses import fields
from html import escape
from typing import Any, ClassVar

LETTERS = 120
"""Most letters of what is shown at a prompt."""


class Shown:
    """What is shown in a line, and in a notebook as it is printed; dataclasses that derive from it get no dump of their fields."""

    __slots__ = ()
    counted: ClassVar[Mapping[str, str]] = {}
    """Fields whose lengths are told in the line, where there are such fields, and what they count."""

    def __init_subclass__(cls, **settings: Any) -> None:
        super().__init_subclass__(**settings)
        # A dataclass makes a __repr__ unless its class itself has one.
        cls.__repr__ = Shown.__repr__  # type: ignore[method-assign]

    def __repr__(self) -> str:
        """Return the class, and the first line of what is printed, or the fields where nothing is said in words."""
        if type(self).__str__ is not object.__str__:
            told = str(self).partition("\n")[0]
        else:
            told = ", ".join(f"{one.name}={_brief(getattr(self, one.name))}" for one in fields(self))  # type: ignore[arg-type]
        known = [(getattr(self, name, None), word) for name, word in self.counted.items()]
        counts = [f"{len(value)} {word}" for value, word in known if isinstance(value, Sized)]
        line = f"<{type(self).__name__}: {'; '.join([*counts, told])}>"
        return line if len(line) <= LETTERS else f"{line[: LETTERS - 4]}...>"

    def _repr_html_(self) -> str:
        """Return what is printed, for notebooks."""
        return f"<pre>{escape(str(self))}</pre>"


def _brief(value: Any) -> str:
    """Write a field in a few letters: an array or a table by its shape."""
    shape = getattr(value, "shape", ())
    if shape:
        return f"{type(value).__name__}{tuple(shape)}"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
