"""One registry mechanism, one instance per kind of component.

A component is one file that registers itself; its package's ``__init__`` imports the file.
Other distributions add components through the entry-point group ``curvefit.<kind>``, and a name of
the form ``package.module:attribute`` is imported on the spot, so a user's own component needs no
change to the package.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from importlib.metadata import entry_points
from typing import Generic, TypeVar

from curvefit.errors import InvalidInputError, unknown_name

T = TypeVar("T")


class Registry(Generic[T]):
    """Components of one kind by their kebab-case name.

    Parameters
    ----------
    kind
        What the components are, in the singular and in words: ``"curve family"``.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._items: dict[str, T] = {}

    def register(self, name: str) -> Callable[[T], T]:
        """Return a decorator that registers a component under `name`."""

        def add(item: T) -> T:
            if name in self._items and self._items[name] is not item:
                raise InvalidInputError(f"{self.kind} {name!r} is registered already")
            self._items[name] = item
            return item

        return add

    def add(self, name: str, item: T) -> T:
        """Register `item` under `name` and return it."""
        return self.register(name)(item)

    def __getitem__(self, name: str) -> T:
        if name in self._items:
            return self._items[name]
        for point in entry_points(group=f"curvefit.{self.kind.replace(' ', '-')}"):
            if point.name == name:
                return point.load()
        if ":" in name:
            return _import_path(self.kind, name)
        raise unknown_name(self.kind, name, self.names())

    def __contains__(self, name: object) -> bool:
        return name in self._items or name in self.names()

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def __len__(self) -> int:
        return len(self.names())

    def names(self) -> list[str]:
        """Return the registered names, sorted, entry points included."""
        points = entry_points(group=f"curvefit.{self.kind.replace(' ', '-')}")
        return sorted({*self._items, *(point.name for point in points)})

    def items(self) -> list[tuple[str, T]]:
        """Return (name, component) pairs, sorted by name, entry points included."""
        return [(name, self[name]) for name in self.names()]


def _import_path(kind: str, path: str):
    module_name, _, attribute = path.partition(":")
    try:
        return getattr(importlib.import_module(module_name), attribute)
    except (ImportError, AttributeError) as error:
        raise InvalidInputError(
            f"{kind} {path!r} cannot be imported ({error}); expected 'package.module:attribute'"
        ) from error
