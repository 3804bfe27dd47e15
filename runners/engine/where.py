"""Conditions on runs, as written after ``--where``: ``model=gap``, ``n_train<=256``, ``data=shifted*``."""

from __future__ import annotations

import operator
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from curvefit.errors import InvalidInputError, unknown_name
from curvefit.study.spec import RunSpec
from curvefit.triplet import AXES, label_matches

_NUMBERS = ("n_train", "seed")
_OPERATORS = {
    "=": operator.eq,
    "!=": operator.ne,
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}
_SIGN = "|".join(_OPERATORS)
_SEPARATOR = re.compile(rf",(?=\s*(?:{'|'.join(AXES + _NUMBERS)})\s*(?:{_SIGN}))")


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison of a run's label, size or seed."""

    key: str
    sign: str
    value: str | int

    def holds(self, spec: RunSpec) -> bool:
        """Return whether the run meets it; labels are compared as patterns, with ``*``."""
        found = value_of(spec, self.key)
        if isinstance(self.value, int):
            return _OPERATORS[self.sign](found, self.value)
        return label_matches(found, self.value) == (self.sign == "=")

    def __str__(self) -> str:
        return f"{self.key}{self.sign}{self.value}"


def value_of(spec: RunSpec, key: str) -> Any:
    """Return the run's label, size or seed of that name."""
    return getattr(spec if key in _NUMBERS else spec.triplet, key)


def parse_conditions(texts: Iterable[str]) -> list[Condition]:
    """Read conditions; several in one text are separated by commas, and all must hold.

    A comma separates where a condition follows: labels may have commas too.

    Raises
    ------
    InvalidInputError, UnknownNameError
        For what is no condition, or a key that runs do not have.
    """
    return [_parse(part.strip()) for text in texts for part in _SEPARATOR.split(text) if part.strip()]


def matches(spec: RunSpec, conditions: Iterable[Condition]) -> bool:
    """Return whether a run meets all conditions."""
    return all(condition.holds(spec) for condition in conditions)


def _parse(text: str) -> Condition:
    found = re.fullmatch(rf"(\w+)\s*({_SIGN})\s*(.+)", text)
    if found is None:
        raise InvalidInputError(f"{text!r} is no condition; write for example model=gap or n_train<=256")
    key, sign, value = found.groups()
    if key in _NUMBERS:
        if not value.isdecimal():
            raise InvalidInputError(f"{text!r}: {key} is a whole number, not {value!r}")
        return Condition(key, sign, int(value))
    if key not in AXES:
        raise unknown_name("key of a condition", key, [*AXES, *_NUMBERS])
    if sign not in ("=", "!="):
        raise InvalidInputError(f"{text!r}: labels are compared with = or !=, not {sign}")
    return Condition(key, sign, value)
