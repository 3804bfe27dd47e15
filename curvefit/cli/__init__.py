"""The ``curvefit`` command: a thin layer over the Python API that starts in a fraction of a second.

Nothing heavy is imported here; a command's module is loaded when the command is called.
"""

from curvefit.cli.app import app, main

__all__ = ["app", "main"]
