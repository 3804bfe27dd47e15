"""Settings: frozen, strict descriptions of components, read from TOML or given by keyword.

Every component (dataset, architecture, algorithm) is a `Settings` subclass that lists just what it
accepts, with real defaults. All mistakes are reported at once, each with its path and the nearest
known key.
"""

from __future__ import annotations

import re
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
    """Return a line per mistake of a pydantic validation error."""
    lines = []
    for mistake in error.errors(include_url=False):
        path = ".".join(map(str, mistake["loc"])) or "(whole)"
        if mistake["type"] == "extra_forbidden":
            known = list(cls.model_fields)
            key = str(mistake["loc"][-1])
            lines.append(f"  {path}: unknown key; known: {', '.join(known)}.{did_you_mean(key, known)}")
        elif mistake["type"] == "literal_error":
            known = re.findall(r"'([^']*)'", mistake["ctx"]["expected"])
            value = mistake["input"]
            near = did_you_mean(value, known) if isinstance(value, str) else ""
            lines.append(f"  {path}: unknown value {value!r}; known: {', '.join(known)}.{near}")
        elif mistake["type"] == "missing":
            lines.append(f"  {path}: missing, must be given")
        elif mistake["type"] == "value_error":
            lines.append(f"  {path}: {mistake['ctx']['error']} (got {mistake['input']!r})")
        else:
            lines.append(f"  {path}: {mistake['msg']} (got {mistake['input']!r})")
    return lines
