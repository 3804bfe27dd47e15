"""Morgan-Mercer-Flodin: a logistic in log n, the best of the classical forms on tabular learners."""

from __future__ import annotations

from typing import Any

from curvefit.families.abstract import EXPONENT, FAMILIES, FLOOR, ONSET, AbstractFamily, onset_amplitude
from curvefit.families.shape_prior import EXPONENT_PRIOR, LATE_ONSET_PRIOR


class Mmf4(AbstractFamily):
    """``floor + (chance - floor) / (1 + (n / onset) ** exponent)``.

    References
    ----------
    F. Mohr et al., LCDB 1.0, ECML PKDD 2022 (``mmf4``: ``(a b + c n^d) / (b + n^d)`` with a = chance, c = floor).
    """

    name = "mmf4"
    parameters = (EXPONENT, ONSET, FLOOR)
    shape_priors = (EXPONENT_PRIOR, LATE_ONSET_PRIOR)

    @staticmethod
    def formula(xp: Any, n: Any, *, chance: Any, exponent: Any, onset: Any, floor: Any) -> Any:
        return floor + (chance - floor) / (1.0 + xp.exp(exponent * xp.log(n / onset)))

    amplitude = onset_amplitude


FAMILIES.add(Mmf4.name, Mmf4())
