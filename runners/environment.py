"""What a driver or worker sets around runs, and is no part of them."""

from collections.abc import Callable
from contextvars import ContextVar

SAY: ContextVar[Callable[[str], None] | None] = ContextVar("SAY", default=None)
"""Where long work says how far it is, at most once a second; workers tell their driver."""

EXECUTOR = "runners.runs"
"""Module that knows the components and executes runs, unless another is named."""

TILES = "CURVEFIT_TILES"
"""Folder where finished tiles of kernel matrices are kept until their runs are done."""

ALLOCATOR = {"MALLOC_MMAP_THRESHOLD_": str(2**25), "MALLOC_TRIM_THRESHOLD_": str(2**28)}
"""Makes glibc keep freed memory of up to 256 MB: gradients that were handed back and faulted in anew at every step took
13 % of the time of a stack of 256-wide FCNs, and 23 % of one of LCNs."""
