"""Saved dimensions, gains, multipliers and synergies come back field by field."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest

from curvefit.dimension import (
    AlignmentSlope,
    DataMultiplier,
    EffectiveDimension,
    KernelMeasures,
    Ruler,
    Sensitivity,
    SymmetryGain,
    Synergy,
    alignment_slope,
    calibrate_ruler,
    data_multiplier,
    effective_dimension,
    measure_kernel,
    sensitivity,
    symmetry_gain,
    synergy,
)
from curvefit.dimension.saved import PARTS, Saveable
from curvefit.errors import DataFileError, InvalidInputError
from tests.dimension.studies import posterior, rotation_study


@pytest.fixture(scope="module")
def fit():
    return posterior(rotation_study())


def kernel_problem() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((200, 3))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    return np.exp(-np.linalg.norm(x[:, None] - x, axis=2)), x[:, 0] + x[:, 1] * x[:, 2]


def _same(one, other) -> None:
    if isinstance(one, np.ndarray):
        np.testing.assert_array_equal(one, other)
    elif isinstance(one, dict):
        assert list(one) == list(other)
        for key in one:
            _same(one[key], other[key])
    elif isinstance(one, tuple):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            _same(a, b)
    elif dataclasses.is_dataclass(one) and type(one).__name__ in PARTS:
        for field in dataclasses.fields(one):
            _same(getattr(one, field.name), getattr(other, field.name))
    elif isinstance(one, pd.DataFrame):
        pd.testing.assert_frame_equal(one, other)
    elif type(one).__name__ == "CurveFit":
        pd.testing.assert_frame_equal(one.summary(), other.summary())
    else:
        assert one == other


def test_every_field_comes_back(fit, tmp_path):
    gain = symmetry_gain(fit, baseline="fcn", link={"name": "noisy", "smoothness": 2})
    for found, kind in (
        (effective_dimension(fit, "noiseless"), EffectiveDimension),
        (gain, SymmetryGain),
        (data_multiplier(fit, pairs=gain.pairs), DataMultiplier),
        (synergy(fit), Synergy),
        (alignment_slope(fit), AlignmentSlope),
        (sensitivity(fit, refit=lambda *_: fit), Sensitivity),
        (measure_kernel(*kernel_problem()), KernelMeasures),
    ):
        again = kind.load(found.save(tmp_path / kind.__name__))
        _same(found, again)
        pd.testing.assert_frame_equal(found.summary(), again.summary())
        assert type(found).__str__ is object.__str__ or str(found) == str(again)
        assert not any(path.suffix in (".pkl", ".pickle") for path in (tmp_path / kind.__name__).rglob("*"))


def test_every_result_with_a_summary_can_be_saved():
    import curvefit.dimension as floor

    kinds = [getattr(floor, name) for name in floor.__all__ if isinstance(getattr(floor, name), type)]
    without = [kind.__name__ for kind in kinds if hasattr(kind, "summary") and not issubclass(kind, Saveable)]
    assert len(kinds) > 8
    assert without == []


def test_forms_of_an_older_version_are_read(fit, tmp_path):
    found = effective_dimension(fit)
    folder = found.save(tmp_path / "old")
    text = (folder / "dimension.json").read_text()
    old = text.replace('"schema_version": 3', '"schema_version": 1').replace('"dimension": {', '"draws": {')
    assert old.count('"draws": {') == 1
    (folder / "dimension.json").write_text(old.replace('"array": "dimension"', '"array": "array-0"'))
    (folder / "arrays.nc").unlink()
    np.savez_compressed(folder / "arrays.npz", **{"array-0": found.dimension})
    np.testing.assert_array_equal(EffectiveDimension.load(folder).dimension, found.dimension)


def test_a_gain_with_a_measured_ruler_comes_back(fit, tmp_path):
    exponents = np.array([[1.0, 0.5, 0.25]]) * np.exp(0.01 * np.arange(20))[:, None]
    ruler = calibrate_ruler([1, 2, 4], exponents)
    np.testing.assert_array_equal(
        Ruler.load(ruler.save(tmp_path / "ruler")).log_exponents, ruler.log_exponents
    )
    gain = symmetry_gain(fit, link=ruler)
    again = SymmetryGain.load(gain.save(tmp_path / "gain"))
    np.testing.assert_array_equal(again.dimension_gain, gain.dimension_gain)


def test_what_cannot_be_read_says_why(fit, tmp_path):
    folder = synergy(fit).save(tmp_path / "synergy")
    with pytest.raises(
        DataFileError, match=r"holds a Synergy, not a SymmetryGain; read it with Synergy\.load"
    ):
        SymmetryGain.load(folder)
    with pytest.raises(DataFileError, match="no saved Synergy"):
        Synergy.load(tmp_path / "nowhere")
    content = json.loads((folder / "dimension.json").read_text())
    (folder / "dimension.json").write_text(json.dumps(content | {"schema_version": 99}))
    with pytest.raises(DataFileError, match="form 99"):
        Synergy.load(folder)
    (folder / "dimension.json").write_text("{")
    with pytest.raises(DataFileError, match="damaged"):
        Synergy.load(folder)
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidInputError, match="is a file"):
        synergy(fit).save(tmp_path / "file")


def test_a_link_of_ones_own_is_refused_before_anything_is_written(fit, tmp_path):
    class Halving:
        name, relative = "halving", False

        def dimension(self, exponent):
            return 0.5 / np.asarray(exponent)

        def assumptions(self, metric):
            return ()

    with pytest.raises(InvalidInputError, match="Halving cannot be saved"):
        effective_dimension(fit, Halving()).save(tmp_path / "own")
    assert not (tmp_path / "own").exists()
