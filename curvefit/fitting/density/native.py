"""C functions bound to their data: threads call them side by side, without Python between one evaluation and the next."""

from __future__ import annotations

import ctypes
import hashlib
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import numba
import numpy as np
from numba import types

#: Address of floating-point numbers.
NUMBERS = types.CPointer(types.float64)
_CALL = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_uint64, *[ctypes.c_void_p] * 4)
_WIDE = {"b": np.bool_, "i": np.int64, "u": np.int64, "f": np.float64}


class Native:
    """A density with its gradient, compiled, and the data it is called with.

    Parameters
    ----------
    body
        ``body(size, at, gradient, value, data)``, which numba compiles: coordinates at the address `at`, both results
        written to addresses, ``data[0]`` are the arguments and a digest of the sources; returns 0, or a positive code where the
        density is not finite.
    arguments
        Arrays, numbers, C functions of numba, None, and tuples of these. One body is compiled once for all arguments of the same types,
        which the widths and order of arrays in memory do not change.

    Attributes
    ----------
    address
        Of the compiled function.
    data
        The arguments as words of 8 bytes; holds addresses of `arguments`, so it lives no longer than this object.
    """

    def __init__(self, body: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
        self.arguments = plain(arguments)
        self.data = np.array([*_words(self.arguments), 0], np.uint64)
        kind = types.Tuple([*numba.typeof(self.arguments), types.Opaque(_sources())])
        self.address = _compiled(body, kind).address
        self._call = _CALL(self.address)

    def __call__(self, at: np.ndarray, *, room: int | None = None) -> tuple[float, np.ndarray]:
        """Return the density and its gradient, shape (size,), at coordinates of that shape; or whatever `room` numbers the body writes."""
        at = np.ascontiguousarray(at, float)
        value, gradient = ctypes.c_double(), np.empty(len(at) if room is None else room)
        self._call(
            len(at), at.ctypes.data, gradient.ctypes.data, ctypes.addressof(value), self.data.ctypes.data
        )
        return value.value, gradient


def plain(value: Any) -> Any:
    """Return arguments with arrays in C order and 8 bytes wide (booleans 1), and booleans as integers."""
    if isinstance(value, tuple):
        return tuple(map(plain, value))
    if isinstance(value, np.ndarray):
        return np.require(value, _WIDE[value.dtype.kind], ["C", "W"])
    if isinstance(value, bool | np.bool_ | int | np.integer):
        return int(value)
    return float(value) if isinstance(value, float | np.floating) else value


def _words(value: Any) -> Iterator[Any]:
    """Yield the words of numba's representation of a value: structures without the owner that it would count references of."""
    if isinstance(value, tuple):
        for member in value:
            yield from _words(member)
    elif isinstance(value, np.ndarray):
        yield from (0, 0, value.size, value.itemsize, value.ctypes.data, *value.shape, *value.strides)
    elif isinstance(value, int):
        yield np.int64(value).view(np.uint64)
    elif value is None:
        yield 0
    elif isinstance(value, float):
        yield np.float64(value).view(np.uint64)
    else:
        yield from (value.address, 0, 0)


@lru_cache
def _sources() -> str:
    """Return a digest of all that bodies are compiled from: part of their types, so that old machine code is never found again."""
    here = Path(__file__).parent
    constants = [
        here.parent / name for name in ("bend.py", "noise.py", "ridge.py", "../families/abstract.py")
    ]
    digest = hashlib.sha256()
    for path in [*sorted(here.glob("*.py")), *constants]:
        digest.update(path.read_bytes())
    return digest.hexdigest()


@lru_cache
def _compiled(body: Callable[..., Any], kind: types.Type) -> Any:
    signature = types.int64(types.uint64, NUMBERS, NUMBERS, NUMBERS, types.CPointer(kind))
    return numba.cfunc(signature, cache=True)(body)
