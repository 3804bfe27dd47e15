"""The table of likelihoods, and the scales on which their noise adds."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from curvefit.fitting.known_likelihoods import LIKELIHOODS, Name
from curvefit.fitting.scale import LOG, LOGIT
from curvefit.fitting.settings import FitSettings

SCALES = pytest.mark.parametrize("scale", [LOGIT, LOG], ids=lambda scale: scale.name)
ERRORS = np.array([1e-6, 0.02, 0.5, 0.97])


def test_a_setting_names_every_likelihood_of_the_table_or_none():
    assert get_args(Name) == tuple(LIKELIHOODS)
    assert get_args(FitSettings.model_fields["likelihood"].annotation) == ("auto", *LIKELIHOODS)


@SCALES
def test_errors_come_back_from_a_scale(scale):
    np.testing.assert_allclose(scale.errors(scale.transform(ERRORS)), ERRORS, rtol=1e-12)
    np.testing.assert_allclose(
        scale.shifted(ERRORS, 0.3), scale.errors(scale.transform(ERRORS) + 0.3), rtol=1e-12
    )


@SCALES
def test_slopes_are_derivatives(scale):
    at, step = scale.transform(ERRORS), 1e-5
    above, below = scale.errors(at + step), scale.errors(at - step)
    np.testing.assert_allclose(scale.slope(ERRORS), (above - below) / (2 * step), rtol=1e-8)
    np.testing.assert_allclose(
        scale.log_slope(ERRORS), np.log(above / below) / (2 * step), rtol=1e-8, atol=1e-9
    )


@SCALES
def test_what_is_kept_inside_is_finite(scale):
    assert np.isfinite(scale.transform(scale.inside(np.array([0.0, 1.0])))).all()
