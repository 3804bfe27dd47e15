"""Environment variables that a driver sets for its workers, for what is no part of a run."""

TILES = "CURVEFIT_TILES"
"""Folder where finished tiles of kernel matrices are kept until their runs are done."""

ALLOCATOR = {"MALLOC_MMAP_THRESHOLD_": str(2**25), "MALLOC_TRIM_THRESHOLD_": str(2**28)}
"""Makes glibc keep freed memory of up to 256 MB: gradients that were handed back and faulted in anew at every step took
13 % of the time of a stack of 256-wide FCNs, and 23 % of one of LCNs."""
