"""Hyper-parameters chosen on validation data: of every size, by nets that are trained as the run's own."""

from __future__ import annotations

import pytest

from curvefit.errors import InvalidInputError
from runners.runs import prepare_specs
from runners.training import search
from runners.training.loop import train_jobs
from tests.runners.training.test_execute import run, spec


def test_hyper_parameters_are_chosen_on_validation_data_and_the_search_is_recorded():
    tune = {"learning_rate": [1e-6, 0.5, 1e9], "weight_decay": [0.0, 1e-3], "seeds": 2}
    (record,) = run(spec(tune=tune, steps=150))
    rows = record.extra["search"]
    assert len(rows) == 6
    assert record.extra["learning_rate"] == 0.5
    assert [row["failed"] for row in rows] == [0, 0, 0, 0, 2, 2]
    best = min(
        (r for r in rows if not r["failed"]), key=lambda r: (r["validation_error"], r["validation_loss"])
    )
    assert best["weight_decay"] == record.extra["weight_decay"]
    plain, searched = run(
        spec(steps=150, learning_rate=0.5, weight_decay=best["weight_decay"]), spec(tune=tune, steps=150)
    )
    assert plain.n_errors == searched.n_errors


def test_every_size_is_tuned_on_its_own_validation_data():
    tune = {"learning_rate": [0.01, 0.1, 1.0], "seeds": 2}
    records = run(*(spec(tune=tune, steps=100, n_train=n) for n in (20, 60, 200)))
    searches = [[row["validation_error"] for row in record.extra["search"]] for record in records]
    assert len({tuple(errors) for errors in searches}) == 3
    for record in records:
        held_out = round(0.2 * record.n_train)
        for row in record.extra["search"]:
            assert row["validation_error"] * held_out * 2 == pytest.approx(
                round(row["validation_error"] * held_out * 2)
            )
        assert min(r["validation_error"] for r in record.extra["search"]) == next(
            r["validation_error"]
            for r in record.extra["search"]
            if r["learning_rate"] == record.extra["learning_rate"]
        )


def test_nets_of_a_search_stop_early_and_average_over_the_orbit_as_the_runs_own_do(monkeypatch):
    searched = []

    def watch(jobs, *arguments, **settings):
        searched[:] = jobs
        return train_jobs(jobs, *arguments, **settings)

    monkeypatch.setattr(search, "train_jobs", watch)
    tune = {"learning_rate_factor": [0.3, 1.0], "validation": 0.25}
    changes = ({}, {"validation": 0.3, "patience": 2}, {"orbit": "cyclic-shifts"})
    records = []
    for settings in changes:
        records += run(spec(n_train=40, steps=300, stop_loss=1e-9, tune=tune, **settings))
        if settings.get("validation"):
            (held, *_), kept = searched[0].held, searched[0].x
            assert (len(kept), len(held)) == (21, 9)
            rows = {tuple(image.flatten().tolist()) for image in (*kept, *held)}
            assert len(rows) == 30, "none of these ten scores the search"
        else:
            assert searched[0].held is None
    plain, early, averaged = ([row["validation_loss"] for row in r.extra["search"]] for r in records)
    assert all(a < b for a, b in zip(early, plain)), "nets of 300 steps overfit"
    assert all(a != b for a, b in zip(averaged, plain))


def test_budgets_can_be_searched_too():
    (record,) = run(spec(tune={"steps": [1, 120], "validation": 0.5, "seeds": 3}, stop_loss=None))
    assert record.extra["budget"] == record.extra["steps"] == 120


def test_a_search_over_multiples_starts_from_the_algorithms_own_rate():
    (record,) = run(spec(tune={"learning_rate_factor": [1e-6, 1.0, 1e9]}, learning_rate=0.25, steps=60))
    assert [row["learning_rate"] for row in record.extra["search"]] == [0.25e-6, 0.25, 0.25e9]
    assert record.extra["learning_rate"] == 0.25
    (twice,) = run(spec(learning_rate=0.25, learning_rate_factor=2.0, steps=1, stop_loss=None))
    assert twice.extra["learning_rate"] == 0.5
    with pytest.raises(InvalidInputError, match="learning_rate_factor to try, not both"):
        prepare_specs([spec(tune={"learning_rate_factor": [1.0], "learning_rate": [0.1]})])


def test_a_search_without_anything_to_try_is_refused():
    with pytest.raises(InvalidInputError, match="nothing to try"):
        prepare_specs([spec(tune={"validation": 0.3})])
