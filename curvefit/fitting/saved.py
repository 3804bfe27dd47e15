"""Saved fits: draws as NetCDF, everything else as JSON, in one folder; never pickle."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from curvefit import __version__
from curvefit.curves.json_form import curves_from_json, curves_to_json
from curvefit.errors import DataFileError, InvalidInputError, did_you_mean
from curvefit.fitting.settings import FitSettings
from curvefit.fitting.status import FitStatus
from curvefit.settings import parse_settings
from curvefit.triplet import Triplet

if TYPE_CHECKING:
    from curvefit.fitting.curve_fit import CurveFit

SCHEMA_VERSION = 3
DRAWS_FILE = "draws.nc"
FIT_FILE = "fit.json"
_FIGURES = ("max_r_hat", "min_ess_bulk", "min_ess_tail")


def save_fit(fit: CurveFit, folder: Path) -> Path:
    """Write a fit into `folder`, which is made if need be; an older fit there is replaced."""
    if folder.exists() and not folder.is_dir():
        raise InvalidInputError(f"{folder} is a file; a fit is saved into a folder")
    folder.mkdir(parents=True, exist_ok=True)
    scratch = folder / f"{DRAWS_FILE}.partial"
    fit.draws.to_netcdf(str(scratch), engine="h5netcdf")
    scratch.replace(folder / DRAWS_FILE)
    content = {
        "schema_version": SCHEMA_VERSION,
        "curvefit_version": __version__,
        "family": fit.family,
        "likelihood": fit.likelihood,
        "triplets": [list(t) for t in fit.triplets],
        "settings": fit.settings.model_dump(mode="json"),
        "status": asdict(fit.status) | {k: _written(getattr(fit.status, k)) for k in _FIGURES},
        "notes": list(fit.notes),
        "curves": curves_to_json(fit.curves),
    }
    text = json.dumps(content, indent=1, allow_nan=False)
    scratch = folder / f"{FIT_FILE}.partial"
    scratch.write_text(text, encoding="utf-8")
    scratch.replace(folder / FIT_FILE)
    return folder


def is_saved_fit(path: Path) -> bool:
    """Tell whether `path` is a folder that `save_fit` wrote."""
    return (path / FIT_FILE).is_file()


def check_form(content: dict[str, Any], folder: Path, *, newest: int) -> None:
    """Raise DataFileError where saved content is of a form that this version does not know."""
    version = content.get("schema_version")
    if not isinstance(version, int) or version > newest:
        raise DataFileError(
            f"{folder} was saved in form {version} by curvefit {content.get('curvefit_version')}; "
            f"this version reads forms up to {newest}"
        )


def load_fit(path: str | Path) -> CurveFit:
    """Read a fit that `CurveFit.save` wrote.

    Parameters
    ----------
    path
        The folder.

    Raises
    ------
    DataFileError
        When the folder or a file in it is missing or damaged, or was written by a version whose form is unknown.
    """
    import arviz as az

    from curvefit.fitting.curve_fit import CurveFit

    folder = Path(path)
    if folder.is_file():
        raise DataFileError(
            f"{folder} is a file; load_fit reads folders that fit.save wrote, load_curves reads tables"
        )
    if not folder.is_dir():
        near = did_you_mean(folder.name, [p.name for p in folder.parent.glob("*")])
        raise DataFileError(f"no saved fit at {folder}: the folder does not exist.{near}")
    for name in (FIT_FILE, DRAWS_FILE):
        if not (folder / name).is_file():
            raise DataFileError(f"{folder} holds no {name}; it is not a saved fit")
    try:
        content = json.loads((folder / FIT_FILE).read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataFileError(f"{folder / FIT_FILE} is damaged: {error}") from error
    check_form(content, folder, newest=SCHEMA_VERSION)
    try:
        draws = az.from_netcdf(str(folder / DRAWS_FILE), engine="h5netcdf")
        draws.load()
    except (OSError, ValueError, KeyError) as error:
        raise DataFileError(f"{folder / DRAWS_FILE} is damaged: {error}") from error
    draws.close()
    status = content["status"]
    status |= {k: _read(status[k]) for k in _FIGURES}
    return CurveFit(
        curves_from_json(content["curves"]),
        tuple(Triplet(*t) for t in content["triplets"]),
        draws,
        FitStatus(**{**status, "messages": tuple(status["messages"])}),
        content["family"],
        content["likelihood"],
        parse_settings(FitSettings, content["settings"], where=f"{folder / FIT_FILE}: settings"),
        tuple(content["notes"]),
    )


def _written(figure: float) -> float | str | None:
    """Return a figure as JSON knows it: null for NaN, text for infinity."""
    if np.isnan(figure):
        return None
    return float(figure) if np.isfinite(figure) else str(figure)


def _read(figure: float | str | None) -> float:
    """Return the figure that was written; older files hold NaN itself."""
    return float("nan") if figure is None else float(figure)
