"""Settings: frozen, strict descriptions of components, read from TOML or given by keyword.

Every component (dataset, architecture, algorithm) is a `Settings` subclass that lists just what it
accepts, with real defaults. All mistakes are reported at once, each with its path and the nearest
known key.
"""

from __future__ import annotations

import re
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from curvefit.errors import InvalidInputError, did_you_mean

S = TypeVar("S", bound="Settings")


class Settings(BaseModel):
    """Base of every frozen, strict description; unknown keys raise at construction."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, validate_default=True)

    def non_default(self) -> dict[str, Any]:
        """Return the settings that differ from their defaults, as JSON-representable values.

        This is what a run's content id hashes: a new setting with a default leaves old ids alone.
        """
        return self.model_dump(mode="json", exclude_defaults=True)


def parse_settings(cls: type[S], values: Mapping[str, Any], *, where: str) -> S:
    """Build `cls` from `values`, or raise one error that lists every mistake.

    Parameters
    ----------
    cls
        The `Settings` class to build.
    values
        Keys and values, for example a TOML table.
    where
        Path of the table in its file, for example ``"study.toml: data[0]"``.

    Raises
    ------
    InvalidInputError
        With a line per mistake: path, value, what is allowed, nearest match.
    """
    try:
        return cls(**values)
    except ValidationError as error:
        raise InvalidInputError(f"{where}:\n" + "\n".join(describe_mistakes(error, cls))) from None


def describe_mistakes(error: ValidationError, cls: type[BaseModel]) -> list[str]:
    """Return a line per mistake of a pydantic validation error, each with its path, such as ``data[0].sizes.start``."""
    lines = []
    for mistake in error.errors(include_url=False):
        unknown_key = mistake["type"] == "extra_forbidden"
        path, table = _locate(cls, mistake["loc"], unknown_key=unknown_key)
        got = "" if isinstance(mistake["input"], Mapping) else f" (got {mistake['input']!r})"
        if unknown_key:
            key, known = str(mistake["loc"][-1]), list(table.model_fields)
            lines.append(f"  {path}: unknown key; known: {', '.join(known)}.{did_you_mean(key, known)}")
        elif mistake["type"] == "literal_error":
            known = re.findall(r"'([^']*)'", mistake["ctx"]["expected"])
            value = mistake["input"]
            near = did_you_mean(value, known) if isinstance(value, str) else ""
            lines.append(f"  {path}: unknown value {value!r}; known: {', '.join(known)}.{near}")
        elif mistake["type"] == "missing":
            lines.append(f"  {path}: missing, must be given")
        elif mistake["type"] == "value_error":
            lines.append(f"  {path}: {mistake['ctx']['error']}{got}")
        else:
            lines.append(f"  {path}: {mistake['msg']} (got {mistake['input']!r})")
    return lines


def _locate(
    cls: type[BaseModel], loc: tuple[int | str, ...], *, unknown_key: bool
) -> tuple[str, type[BaseModel]]:
    """Return the path as whoever wrote the tables would write it, and the innermost table on the way.

    Tags of unions, which pydantic puts into the location, are left out of the path.
    """
    path, innermost = "", cls
    annotation: Any = cls
    for number, part in enumerate(loc, 1):
        if isinstance(part, int):
            path += f"[{part}]"
            continue
        tables = _tables_in(annotation)
        owner = next((table for table in tables if part in table.model_fields), None)
        if typing.get_origin(annotation) is dict:
            annotation = typing.get_args(annotation)[1]
        elif owner is not None:
            innermost, annotation = owner, owner.model_fields[part].annotation
        elif unknown_key and number == len(loc):
            innermost = tables[0] if tables else innermost
        else:
            annotation = next((table for table in tables if table.__name__ == part), annotation)
            continue
        path += f".{part}" if path else part
    return path or "(whole)", innermost


def _tables_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [table for argument in typing.get_args(annotation) for table in _tables_in(argument)]
