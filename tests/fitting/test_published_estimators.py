"""Others' estimators: they find their own laws and repeat their authors' tables."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from curvefit.errors import InvalidInputError, UnknownNameError
from curvefit.fitting import loss_surface_fit
from curvefit.fitting.bnsl import BrokenFit, bnsl_fit
from curvefit.fitting.published_estimators import PublishedFit, published_fit

LANGUAGE = Path(__file__).parents[3] / "shared" / "reference" / "curves" / "revisiting_language.csv"
SIZES = 2.0 ** np.arange(4, 15)
# Root mean square error of log loss beyond the training rows and, where given, its standard error: Alabdulmohsin, Neyshabur
# and Zhai (arXiv:2209.06640), tables 2 and 3. Left out: its row of the decoder-only translator, which repeats the row of
# "6 Enc, 6 Dec"; M3 of TEnc-LSTM (.062 printed, .0632 here); two language models whose rows in the published data are not
# those of the table (M1, a linear regression of logarithms, gives other values there); and M4 on three translators and most
# of BIG-Bench, where the released code gives other values than the tables (.020, .018, .044 for .010, .013, .030), as does
# ours: on five curves the two had the same parameters to nine digits.
TABLES = {
    ("log_perplexity", "6 Enc, 6 Dec"): {"m1": 0.26, "m2": 0.039, "m3": 0.089},
    ("log_perplexity", "28 Enc, 6 Dec"): {"m1": 0.17, "m2": 0.056, "m3": 0.033},
    ("log_perplexity", "6 Enc, 28 Dec"): {"m1": 0.23, "m2": 0.053, "m3": 0.016},
    ("log_perplexity", "TEnc-LSTM"): {"m1": 0.19, "m2": 0.013, "m4": 0.012},
    ("val_loss", "1.34e+08"): {"m1": (0.016, 0.003), "m2": (0.0017, 4e-4), "m3": (6.6e-4, 3e-4)},
    ("val_loss", "4.53e+08"): {"m1": 0.017, "m2": 7.4e-4, "m3": 6.6e-4, "m4": 7.5e-4},
    ("val_loss", "1.07e+09"): {"m1": 0.017, "m2": 0.0017, "m3": 0.0045, "m4": 0.0013},
    ("('ling', '1-shot')", "262M"): {"m1": 0.016, "m2": 0.016, "m3": 0.016},
    ("('ling', '2-shot')", "262M"): {"m1": 0.017, "m2": 0.017, "m3": 0.017},
    ("('qa', '1-shot')", "262M"): {"m1": 0.0042, "m2": 0.0044, "m3": 0.0042, "m4": 0.0044},
    ("('qa', '2-shot')", "262M"): {"m1": 0.0044, "m2": 0.0047, "m3": 0.0044},
    ("('unit', '1-shot')", "262M"): {"m1": 0.0083, "m2": (0.0081, 0.0013), "m3": 0.0015},
    ("('unit', '2-shot')", "262M"): {"m1": 0.011, "m2": 0.011, "m3": 0.0075},
    ("('mult', '1-shot')", "262M"): {"m1": 0.011, "m2": 0.011, "m3": 0.011},
    ("('mult', '2-shot')", "262M"): {"m1": 0.016, "m2": 0.016, "m3": 0.016},
    ("('date', '1-shot')", "262M"): {"m1": 0.032, "m2": 0.032, "m3": 0.0047},
    ("('date', '2-shot')", "262M"): {"m1": 0.029, "m2": 0.029, "m3": 0.0048},
}


@pytest.fixture(scope="module")
def language():
    if not LANGUAGE.exists():
        pytest.skip(f"{LANGUAGE} is absent: the published tables of language curves are not repeated")
    return pd.read_csv(LANGUAGE).drop_duplicates()


@pytest.mark.parametrize("curve", TABLES, ids=" ".join)
def test_published_tables_are_repeated(curve, language):
    rows = language[(language["Task"] == curve[0]) & (language["Model"] == curve[1])]
    seen, held = rows[rows["Training"] == 1], rows[rows["Training"] == 0]
    for name, printed in TABLES[curve].items():
        fit = published_fit(name, seen["Seen Examples"].to_numpy(float), seen["Loss"].to_numpy(float))
        misfit = np.log(fit.predict(held["Seen Examples"].to_numpy(float)) / held["Loss"].to_numpy(float))
        found = float(np.sqrt(np.mean(misfit**2)))
        value, error = printed if isinstance(printed, tuple) else (printed, _last_digit(printed))
        assert abs(found - value) <= error, f"{name}: {found:.3g}, printed {value:g}"


def _last_digit(printed: float) -> float:
    """Return one unit of the second digit: tables are printed to two, some of them cut off rather than rounded."""
    return 1.001 * 10.0 ** (np.floor(np.log10(printed)) - 1)


@pytest.mark.parametrize("name", ["m1", "m2", "m3", "m4"])
def test_published_estimators_interpolate_their_own_law(name):
    n = np.geomspace(1e6, 1e9, 20)
    made = {
        "m1": PublishedFit("m1", 20.0, 0.3),
        "m2": PublishedFit("m2", 20.0, 0.25, floor=0.1),
        "m3": PublishedFit("m3", 60.0, 0.3, gamma=2e-9),
        "m4": PublishedFit("m4", 300.0, 0.35, floor=0.05, ceiling=0.999, alpha=0.5),
    }[name]
    value = made.predict(n)
    found = published_fit(name, n, value).predict(n)
    assert np.sqrt(np.mean(np.log(found / value) ** 2)) < 0.03


def test_one_break_law_extrapolates_its_own_law():
    made = BrokenFit(0.05, 3.0, 0.1, 0.4, 1e4, 0.5)
    n = np.geomspace(1e2, 1e6, 30)
    found = bnsl_fit(n, made.predict(n))
    np.testing.assert_allclose(found.predict(np.array([4e6])), made.predict(np.array([4e6])), rtol=0.02)
    with pytest.raises(InvalidInputError, match="6 or more"):
        bnsl_fit(n[:5], made.predict(n[:5]))


def test_published_estimators_are_checked():
    with pytest.raises(UnknownNameError, match="m4"):
        published_fit("m5", SIZES, 1 / SIZES)
    with pytest.raises(InvalidInputError):
        published_fit("m1", SIZES, -SIZES)


def _runs(noise: float, seed: int = 0):
    """Simulated runs around the published surface: floor 1.82, A 482, B 2085, alpha .348, beta .366."""
    rng = np.random.default_rng(seed)
    parameters = np.exp(rng.uniform(np.log(5e7), np.log(1.6e10), 240))
    tokens = np.exp(rng.uniform(np.log(1e9), np.log(5e11), 240))
    loss = 1.82 + 482.0 * parameters**-0.348 + 2085.0 * tokens**-0.366
    return parameters, tokens, loss * np.exp(noise * rng.standard_t(3, size=240))


def test_a_loss_surface_without_noise_is_found_exactly():
    parameters, tokens, loss = _runs(0.0)
    found = loss_surface_fit(parameters, tokens, loss)
    assert (found.alpha, found.beta, found.floor) == pytest.approx((0.348, 0.366, 1.82), rel=1e-3)
    np.testing.assert_allclose(found.predict(parameters, tokens), loss, rtol=1e-4)


def test_bootstrap_intervals_of_a_loss_surface_hold_the_truth():
    held = []
    for seed in range(6):
        found = loss_surface_fit(*_runs(0.003, seed), replicates=40, seed=seed)
        held += [
            low <= truth <= high
            for (low, high), truth in (
                (found.interval("alpha"), 0.348),
                (found.interval("beta"), 0.366),
                (found.interval("floor"), 1.82),
            )
        ]
    assert np.mean(held) > 0.6  # 18 intervals at .90, correlated within a fit


def test_a_loss_surface_needs_variation():
    parameters, tokens, loss = _runs(0.0)
    with pytest.raises(InvalidInputError, match="different numbers of parameters"):
        loss_surface_fit(np.full_like(parameters, 1e9), tokens, loss)
    with pytest.raises(InvalidInputError, match="loss must be positive"):
        loss_surface_fit(parameters, tokens, -loss)
