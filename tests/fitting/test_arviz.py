"""ArviZ's functions take the draws of a fit as they are, before and after saving."""

import arviz as az
import numpy as np
import pytest

from curvefit.fitting import load_fit
from tests import simulated


@pytest.fixture(scope="module", params=["fresh", "loaded"])
def draws(request, tmp_path_factory):
    fit = simulated.fit(n_draws=100)
    if request.param == "loaded":
        fit = load_fit(fit.save(tmp_path_factory.mktemp("fit") / "fit"))
    return fit.draws


def test_tables_and_intervals(draws):
    table = az.summary(draws, var_names=["exponent", "floor"], kind="stats")
    assert len(table) == 48
    assert "exponent[shifted trivial | gap | sgd]" in table.index
    low, high = az.hdi(draws, var_names=["exponent"])["exponent"].values.T
    assert (low < high).all()
    assert az.extract(draws, var_names="exponent").shape == (24, 100)


def test_diagnostics_and_selection_by_label(draws):
    assert (az.ess(draws, var_names=["exponent"])["exponent"] > 20).all()
    chosen = draws.posterior["exponent"].where(draws.posterior["model"] == "gap", drop=True)
    assert chosen.sizes["triplet"] == 8
    np.testing.assert_allclose(chosen.mean(), 0.4, atol=0.03)


# ArviZ 0.23 calls matplotlib 3.11 in a way that 3.13 will refuse.
@pytest.mark.filterwarnings("ignore:.*alias_mapping")
@pytest.mark.parametrize("plot", ["plot_forest", "plot_posterior", "plot_trace"])
def test_plots(draws, plot, monkeypatch):
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    one = {"triplet": "shifted trivial | gap | sgd"}
    assert np.size(getattr(az, plot)(draws, var_names=["exponent", "floor"], coords=one)) >= 1
    plt.close("all")
