"""Saved results of this floor: arrays as npz, everything else as JSON, the fit beside them; never pickle."""

from __future__ import annotations

import importlib
import json
from dataclasses import fields
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd

from curvefit import __version__
from curvefit.dimension.links import AbstractLink, get_link
from curvefit.errors import DataFileError, InvalidInputError
from curvefit.fitting.curve_fit import CurveFit
from curvefit.fitting.saved import check_form, load_fit
from curvefit.triplet import Triplet

SCHEMA_VERSION = 2
CONTENT_FILE = "dimension.json"
ARRAYS_FILE = "arrays.npz"
FIT_FOLDER = "fit"

PARTS = {
    "EffectiveDimension": "curvefit.dimension.effective",
    "SymmetryGain": "curvefit.dimension.gain",
    "DataMultiplier": "curvefit.dimension.multiplier",
    "Synergy": "curvefit.dimension.factorial",
    "Sensitivity": "curvefit.dimension.robustness",
    "AlignmentSlope": "curvefit.dimension.covariates",
    "KernelMeasures": "curvefit.dimension.kernel_measures",
    "Ruler": "curvefit.dimension.ruler",
    "Pair": "curvefit.dimension.pairs",
    "Expectation": "curvefit.dimension.expectations",
    "Spectrum": "curvefit.theory.spectrum",
    "SpectralExponents": "curvefit.theory.exponents",
}
"""Dataclasses that may stand in a saved form, and their modules."""

RENAMED = {"EffectiveDimension": {"draws": "dimension"}, "DataMultiplier": {"draws": "multiplier"}}
"""Fields that form 1 called otherwise."""


class Saveable:
    """What can be written into a folder and read back, field by field."""

    __slots__ = ()

    def save(self, path: str | Path) -> Path:
        """Write everything into a folder, which is made if need be: JSON, an npz file, and the fit where there is one.

        Parameters
        ----------
        path
            The folder; what was saved there before is replaced.

        Returns
        -------
        Path
            The folder.

        Raises
        ------
        InvalidInputError
            When `path` is a file, or a part is of a kind of one's own, such as a link that is not registered.
        """
        folder = Path(path)
        if folder.exists() and not folder.is_dir():
            raise InvalidInputError(f"{folder} is a file; a {type(self).__name__} is saved into a folder")
        arrays: dict[str, np.ndarray] = {}
        fits: list[CurveFit] = []
        content = {
            "schema_version": SCHEMA_VERSION,
            "curvefit_version": __version__,
            "content": _encode(self, arrays, fits),
        }
        folder.mkdir(parents=True, exist_ok=True)
        for fit in fits[:1]:
            fit.save(folder / FIT_FOLDER)
        np.savez_compressed(folder / ARRAYS_FILE, **arrays)  # type: ignore[arg-type]
        (folder / CONTENT_FILE).write_text(json.dumps(content, indent=1), encoding="utf-8")
        return folder

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read what `save` wrote.

        Parameters
        ----------
        path
            The folder.

        Raises
        ------
        DataFileError
            When the folder or a file in it is missing or damaged, holds something else, or was written in a form that
            this version does not know.
        """
        folder = Path(path)
        try:
            saved = json.loads((folder / CONTENT_FILE).read_text(encoding="utf-8"))
            with np.load(folder / ARRAYS_FILE, allow_pickle=False) as archive:
                arrays = dict(archive)
        except FileNotFoundError as error:
            raise DataFileError(
                f"{folder} holds no saved {cls.__name__}: {error.filename} is missing"
            ) from error
        except (OSError, ValueError) as error:
            raise DataFileError(f"{folder} is damaged: {error}") from error
        check_form(saved, folder, newest=SCHEMA_VERSION)
        kind = saved["content"].get("type")
        if kind != cls.__name__:
            raise DataFileError(f"{folder} holds a {kind}, not a {cls.__name__}; read it with {kind}.load")
        found: Self = _decode(saved["content"], arrays, folder)
        return found


def _encode(value: Any, arrays: dict[str, np.ndarray], fits: list[CurveFit]) -> Any:
    """Return a value as JSON; arrays and fits are laid aside and referred to."""
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        name = f"array-{len(arrays)}"
        arrays[name] = value
        return {"array": name}
    if isinstance(value, pd.DataFrame):
        columns = {str(name): _encode_column(column) for name, column in value.items()}
        return {"frame": columns}
    if isinstance(value, CurveFit):
        fits.append(value)
        return {"fit": FIT_FOLDER}
    if isinstance(value, AbstractLink):
        return {"link": {"name": value.name, **value.model_dump(mode="json")}}
    if isinstance(value, Triplet):
        return {"triplet": list(value)}
    if isinstance(value, tuple | list):
        return {"tuple": [_encode(part, arrays, fits) for part in value]}
    if isinstance(value, dict):
        items = [[_encode(key, arrays, fits), _encode(part, arrays, fits)] for key, part in value.items()]
        return {"items": items}
    if type(value).__name__ in PARTS:
        parts = {field.name: _encode(getattr(value, field.name), arrays, fits) for field in fields(value)}
        return {"type": type(value).__name__, "fields": parts}
    raise InvalidInputError(
        f"a {type(value).__name__} cannot be saved; save the fit, and make it again from there"
    )


def _decode(value: Any, arrays: dict[str, np.ndarray], folder: Path) -> Any:
    if not isinstance(value, dict):
        return value
    if "array" in value:
        return arrays[value["array"]]
    if "frame" in value:
        return pd.DataFrame({name: _decode_column(column) for name, column in value["frame"].items()})
    if "fit" in value:
        return load_fit(folder / value["fit"])
    if "link" in value:
        return get_link(value["link"])
    if "triplet" in value:
        return Triplet(*value["triplet"])
    if "tuple" in value:
        return tuple(_decode(part, arrays, folder) for part in value["tuple"])
    if "items" in value:
        return {_decode(key, arrays, folder): _decode(part, arrays, folder) for key, part in value["items"]}
    module = importlib.import_module(PARTS[value["type"]])
    names = RENAMED.get(value["type"], {})
    parts = {names.get(name, name): _decode(part, arrays, folder) for name, part in value["fields"].items()}
    return getattr(module, value["type"])(**parts)


def _encode_column(column: pd.Series) -> dict[str, Any]:
    """Return a column with its type; labels and numbers only, a missing label is null."""
    if pd.api.types.is_numeric_dtype(column):
        return {"dtype": str(column.dtype), "values": column.tolist()}
    return {"dtype": None, "values": column.astype(object).where(column.notna(), None).tolist()}


def _decode_column(column: dict[str, Any]) -> pd.Series:
    return pd.Series(column["values"], dtype=column["dtype"])
