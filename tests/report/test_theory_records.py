"""Theory beside measurement: only where records hold both, averaged rightly, and honest about where it departs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from curvefit.plots import plot_theory_curves
from curvefit.records import RecordStore
from curvefit.report import theory_beside, write_study_report
from curvefit.report.theory_records import theory_parts, theory_sentence
from curvefit.study import Study
from runners.runs import execute_specs, prepare_study
from tests import simulated

STUDY = """
[study]
name = "theory-on-digits"
replicates = 2
sizes = [16, 32, 64, 128, 256]
[[data]]
name = "digits"
[[model]]
name = "fcn"
[[inference]]
name = "ntk"
theory = true
[[inference]]
name = "nngp"
theory = true
"""


def with_theory(ratio_at: dict[int, float], *, seeds: int = 3):
    """Return simulated kernel records whose measured loss is the predicted one times a factor."""
    made = [r for r in simulated.records(seeds=seeds) if r.inference == "ntk" and r.data == "shifted trivial"]
    rng = np.random.default_rng(0)
    return [
        replace(
            r,
            test_loss=r.value * ratio_at.get(r.n_train, 1.0) * np.exp(0.01 * rng.standard_normal()),
            extra={} if r.n_train == max(simulated.SIZES) else {"theory_loss": r.value},
        )
        for r in made
    ]


def test_nothing_is_said_where_no_record_holds_a_prediction():
    table = theory_beside(simulated.records(seeds=1))
    assert table.empty
    assert theory_parts(table) == ()


def test_sizes_without_a_prediction_are_left_out_and_departures_found():
    table = theory_beside(with_theory({32: 0.8, 64: 1.03}))
    assert set(table["n_train"]) == {32, 64, 128, 256, 512}
    assert (table["seeds"] == 3).all()
    departing = table[table["departs"]]
    assert set(departing["n_train"]) == {32}
    assert departing["ratio"].to_numpy() == pytest.approx(0.8, rel=0.02)
    sentence = theory_sentence(table)
    assert "beside 3 kernel curves" in sentence
    assert "at 3 of 15 sizes, on 3 curves: n = 32." in sentence
    assert "small sizes" in sentence
    assert "At no size does it depart" in theory_sentence(theory_beside(with_theory({})))


def test_a_small_test_set_makes_a_departure_less_sure():
    few = [replace(r, n_test=100, n_errors=0) for r in with_theory({32: 0.9})]
    assert not theory_beside(few)["departs"].any()
    assert theory_beside(with_theory({32: 0.9}))["departs"].any()


def test_the_figure_draws_a_panel_a_pair_and_every_point():
    table = theory_beside(with_theory({}))
    axes = plot_theory_curves(table)
    assert axes.shape == (1, 3)
    drawn = axes[0, 0].lines[1].get_ydata()
    np.testing.assert_allclose(drawn, table[table["model"] == "fcn"].sort_values("n_train")["measured"])
    assert "measured / theory 1.0" in axes[0, 0].get_title(loc="left")


def test_a_real_study_of_kernels_shows_it_in_both_forms(tmp_path):
    (tmp_path / "study.toml").write_text(STUDY)
    specs, _ = prepare_study(Study.from_toml(tmp_path / "study.toml"))
    with RecordStore(tmp_path / "store").create().writer() as writer:
        writer.extend(execute_specs(specs))
    out = tmp_path / "out"
    written = write_study_report(tmp_path / "store", out, method="approximate")
    (table,) = (table for table in written.report.tables if table.key == "theory")
    assert len(table.rows) == 2
    assert (table.frame["n_max"] == 128).all(), "the largest size has no prediction"
    assert table.frame["ratio"].between(0.7, 1.3).all()
    for name in ("theory.csv", "figures/theory-1.png"):
        assert (out / name).stat().st_size > 0
    for name in ("report.html", "report.md"):
        assert "Kernel theory beside measurement" in (out / name).read_text()
