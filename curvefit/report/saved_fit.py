"""Reuse of a saved fit: as long as neither the records nor the settings have changed, nothing is sampled again."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curvefit.errors import DataFileError

if TYPE_CHECKING:
    from curvefit.curves import LearningCurves
    from curvefit.fitting import CurveFit

DIGEST_FILE = "digest.json"


def fit_or_reuse(curves: LearningCurves, folder: Path, **settings: Any) -> tuple[CurveFit, bool]:
    """Return the fit saved in `folder` if it is of these very curves and settings, else fit and save.

    Parameters
    ----------
    curves
        What to fit.
    folder
        Where the fit is kept.
    settings
        Keyword arguments of `curvefit.fit`.

    Returns
    -------
    tuple
        The fit, and whether it was reused.
    """
    from curvefit.fitting import fit, load_fit

    digest = fit_digest(curves, settings)
    if _saved_digest(folder) == digest:
        try:
            return load_fit(folder), True
        except DataFileError:
            pass  # a damaged saved fit is made anew
    made = fit(curves, **settings)
    (folder / DIGEST_FILE).unlink(missing_ok=True)
    made.save(folder)
    if made.status.interrupted:
        return made, False  # kept, but the next report fits anew
    (folder / DIGEST_FILE).write_text(json.dumps({"sha256": digest}) + "\n")
    return made, False


def fit_digest(curves: LearningCurves, settings: dict[str, Any]) -> str:
    """Return a SHA-256 of everything a fit depends on: used rows, facts, settings, version of the package."""
    from curvefit import __version__
    from curvefit.fitting.saved import SCHEMA_VERSION

    content = [
        __version__,
        SCHEMA_VERSION,
        curves.usable.drop(columns="seconds").to_csv(index=False),
        curves.facts.to_csv(index=False),
        curves.training_sets,
        curves.shared_test_set,
        curves.seeds_matched,
        sorted((name, repr(value)) for name, value in settings.items()),
    ]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def _saved_digest(folder: Path) -> str:
    try:
        return str(json.loads((folder / DIGEST_FILE).read_text())["sha256"])
    except (OSError, ValueError, KeyError):
        return ""
