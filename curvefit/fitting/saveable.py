"""Results that are written into a folder and read back: arrays as NetCDF, the rest as JSON, a fit beside them; never pickle."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd

from curvefit import __version__
from curvefit.curves.json_form import curves_from_json, curves_to_json, frame_from_json, frame_to_json
from curvefit.curves.learning_curves import LearningCurves
from curvefit.errors import DataFileError, InvalidInputError
from curvefit.fitting.curve_fit import CurveFit
from curvefit.fitting.saved import check_form, load_fit
from curvefit.shown import Shown
from curvefit.triplet import Triplet

ARRAYS_FILE = "arrays.nc"
OLD_ARRAYS_FILE = "arrays.npz"
FIT_FOLDER = "fit"


@dataclass(frozen=True, slots=True)
class Codec:
    """How values of one kind stand in JSON."""

    kind: type
    encode: Callable[[Any], Any]
    decode: Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class SavedForm:
    """What one floor's results look like in a folder.

    Parameters
    ----------
    file
        Name of the JSON file.
    version
        Number of the form; raised with every change.
    parts
        Dataclasses that may stand in it, and their modules.
    codecs
        Name to the codec of what is neither a dataclass nor an array nor built in.
    renamed
        Dataclass to fields that older forms called otherwise.
    """

    file: str
    version: int
    parts: Mapping[str, str]
    codecs: Mapping[str, Codec]
    renamed: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


CODECS = {
    "triplet": Codec(Triplet, list, lambda saved: Triplet(*saved)),
    "frame": Codec(pd.DataFrame, frame_to_json, frame_from_json),
    "curves": Codec(LearningCurves, curves_to_json, curves_from_json),
}


class Saveable(Shown):
    """What can be written into a folder and read back, field by field, and shows itself in a line."""

    __slots__ = ()
    counted: ClassVar[Mapping[str, str]] = {"triplets": "triplets", "pairs": "pairs", "n": "sizes"}
    form: ClassVar[SavedForm] = SavedForm(
        "result.json",
        3,
        {
            "Forecast": "curvefit.fitting.forecast_draws",
            "CountedRuns": "curvefit.fitting.counted_runs",
            "NeededSize": "curvefit.fitting.needed_sizes",
            "PriorPrediction": "curvefit.fitting.prior_predictions",
            "PointFit": "curvefit.fitting.point_fits",
            "CurvePointFit": "curvefit.fitting.point_fits",
            "LossSurface": "curvefit.fitting.loss_surface",
            "PublishedFit": "curvefit.fitting.published_estimators",
            "BrokenFit": "curvefit.fitting.bnsl",
        },
        CODECS,
    )

    def save(self, path: str | Path) -> Path:
        """Write everything into a folder, which is made if need be: JSON, arrays as NetCDF, and the fit where there is one.

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
        writer = _Writer(self.form)
        content = {
            "schema_version": self.form.version,
            "curvefit_version": __version__,
            "content": writer.encode(self, ""),
        }
        folder.mkdir(parents=True, exist_ok=True)
        if writer.fit is not None:
            writer.fit.save(folder / FIT_FOLDER)
        for old in (ARRAYS_FILE, OLD_ARRAYS_FILE):
            (folder / old).unlink(missing_ok=True)
        if writer.arrays:
            _write_arrays(writer.arrays, folder / ARRAYS_FILE)
        text = json.dumps(content, indent=1, allow_nan=False)
        (folder / self.form.file).write_text(text, encoding="utf-8")
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
            saved = json.loads((folder / cls.form.file).read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise DataFileError(
                f"{folder} holds no saved {cls.__name__}: {error.filename} is missing"
            ) from error
        except (OSError, ValueError) as error:
            raise DataFileError(f"{folder} is damaged: {error}") from error
        check_form(saved, folder, newest=cls.form.version)
        kind = saved["content"].get("type")
        if kind != cls.__name__:
            raise DataFileError(f"{folder} holds a {kind}, not a {cls.__name__}; read it with {kind}.load")
        found: Self = _Reader(cls.form, folder, _read_arrays(folder)).decode(saved["content"])
        return found


class _Writer:
    """Turns a value into JSON; arrays, and the one fit that a result may hold, are laid aside and referred to."""

    def __init__(self, form: SavedForm) -> None:
        self.form = form
        self.arrays: dict[str, np.ndarray] = {}
        self.fit: CurveFit | None = None

    def encode(self, value: Any, path: str) -> Any:
        if isinstance(value, np.generic):
            value = value.item()
        if value is None or isinstance(value, str | bool | int):
            return value
        if isinstance(value, float):
            return value if np.isfinite(value) else {"number": str(value)}
        if isinstance(value, np.ndarray):
            self.arrays[path] = value
            return {"array": path}
        if isinstance(value, CurveFit):
            self.fit = value
            return {"fit": FIT_FOLDER}
        for name, codec in self.form.codecs.items():
            if isinstance(value, codec.kind):
                return {name: codec.encode(value)}
        if isinstance(value, tuple | list):
            return {"tuple": [self.encode(part, f"{path}.{i}") for i, part in enumerate(value)]}
        if isinstance(value, dict):
            items = enumerate(value.items())
            return {
                "items": [
                    [self.encode(key, f"{path}.{i}.key"), self.encode(part, f"{path}.{i}")]
                    for i, (key, part) in items
                ]
            }
        kind = type(value).__name__
        if kind in self.form.parts:
            parts = {
                one.name: self.encode(getattr(value, one.name), f"{path}.{one.name}".lstrip("."))
                for one in fields(value)
            }
            return {"type": kind, "fields": parts}
        raise InvalidInputError(f"a {kind} cannot be saved; save the fit, and make it again from there")


@dataclass(frozen=True, slots=True)
class _Reader:
    """Turns JSON into the value it stands for."""

    form: SavedForm
    folder: Path
    arrays: Mapping[str, np.ndarray]

    def decode(self, saved: Any) -> Any:
        if not isinstance(saved, dict):
            return saved
        if "type" in saved:
            kind = saved["type"]
            names = self.form.renamed.get(kind, {})
            parts = {names.get(name, name): self.decode(part) for name, part in saved["fields"].items()}
            return getattr(importlib.import_module(self.form.parts[kind]), kind)(**parts)
        ((tag, content),) = saved.items()
        if tag in self.form.codecs:
            return self.form.codecs[tag].decode(content)
        if tag == "number":
            return float(content)
        if tag == "array":
            if content not in self.arrays:
                raise DataFileError(f"{self.folder} lacks the array {content!r} of what was saved there")
            return self.arrays[content]
        if tag == "fit":
            return load_fit(self.folder / content)
        if tag == "tuple":
            return tuple(self.decode(part) for part in content)
        return {self.decode(key): self.decode(part) for key, part in content}


def _write_arrays(arrays: Mapping[str, np.ndarray], path: Path) -> None:
    import xarray as xr

    data = {name: ([f"{name}_{axis}" for axis in range(array.ndim)], array) for name, array in arrays.items()}
    encoding = {name: {"zlib": array.ndim > 0, "_FillValue": None} for name, array in arrays.items()}
    xr.Dataset(data).to_netcdf(path, engine="h5netcdf", encoding=encoding)


def _read_arrays(folder: Path) -> dict[str, np.ndarray]:
    import xarray as xr

    path = folder / ARRAYS_FILE
    if not path.is_file():
        path = folder / OLD_ARRAYS_FILE
    if not path.is_file():
        return {}
    try:
        if path.name == OLD_ARRAYS_FILE:
            with np.load(path, allow_pickle=False) as archive:
                return dict(archive)
        with xr.open_dataset(path, engine="h5netcdf") as data:
            return {str(name): array.values for name, array in data.data_vars.items()}
    except (OSError, ValueError, KeyError) as error:
        raise DataFileError(f"{path} is damaged: {error}") from error
