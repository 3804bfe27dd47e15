"""Environment variables by which a driver tells its workers what is no part of a run."""

TILES = "CURVEFIT_TILES"
"""Folder where finished tiles of kernel matrices are kept until their runs are done."""
