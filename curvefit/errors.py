"""Errors: one root, each also the builtin a caller expects.

A message says what is wrong, the value, what is allowed, and the nearest match.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class CurvefitError(Exception):
    """Root of every error this package raises on purpose."""


class InvalidInputError(CurvefitError, ValueError):
    """A value, file or setting that the caller must change."""


class UnknownNameError(CurvefitError, LookupError):
    """A name that no registry, column or key knows."""


class DataFileError(CurvefitError, OSError):
    """A file that is missing, truncated or corrupt; the message names it."""


class MissingDatasetError(DataFileError):
    """A dataset that is neither on this machine nor can be downloaded; the message says where it was sought."""


class StoreError(CurvefitError, OSError):
    """A record store that cannot be read or written."""


class FitError(CurvefitError, RuntimeError):
    """A fit from which nothing usable came out."""


class MissingDependencyError(CurvefitError, ImportError):
    """An optional dependency is absent; the message says what to install."""


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the closest known spelling of `name`, or None when nothing is close."""
    by_lower = {str(k).lower().replace("_", "-"): str(k) for k in known}
    matches = get_close_matches(name.lower().replace("_", "-"), list(by_lower), n=1, cutoff=0.5)
    return by_lower[matches[0]] if matches else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return `` Did you mean 'x'?`` for the closest known name, or an empty string."""
    match = nearest(name, known)
    return f" Did you mean {match!r}?" if match else ""


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UnknownNameError:
    """Build the error for a name that is not among the `known` names of its `kind`."""
    names = sorted(map(str, known))
    return UnknownNameError(f"unknown {kind} {name!r}; known: {', '.join(names)}.{did_you_mean(name, names)}")
