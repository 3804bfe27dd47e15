"""``python -m curvefit``: the ``curvefit`` command."""

from curvefit.cli import main

main()
