"""Outlook: what forecasts of one source have in common whatever sizes are asked, so that hold-outs are made once."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
import pandas as pd

from curvefit.fitting.forecast_draws import Forecast


class Outlook(ABC):
    """A source made ready to be asked for sizes; build one with `outlook`, and ask it with `forecast` and `needed_size`.

    What it says of some sizes does not depend on what else it was asked.
    """

    __slots__ = ()

    @property
    @abstractmethod
    def usable(self) -> pd.DataFrame:
        """The runs that it rests on, one a row, as in `LearningCurves.usable`."""

    @abstractmethod
    def forecast_at(self, sizes: np.ndarray, draws: int) -> Forecast:
        """Return the forecast at positive sizes (sizes,), of `draws` draws."""
