"""The gate: what is sampled again, what is joined, and what is said about it."""

from __future__ import annotations

from types import SimpleNamespace

import arviz as az
import numpy as np
import pytest

from curvefit.fitting import gate, sampling
from curvefit.fitting.settings import FitSettings

CURVES = range(22)


def slow_draws(problem, seed: int, *, diverging: float = 0.0, apart: float = 0.0) -> az.InferenceData:
    """Draws of one autoregressive parameter, chains of which may sit `apart`."""
    rng, shape = np.random.default_rng(seed), (problem.settings.chains, problem.settings.draws)
    noise = rng.normal(size=shape)
    for at in range(1, shape[1]):
        noise[:, at] += 0.8 * noise[:, at - 1]
    where = apart * np.arange(shape[0])[:, None]
    stats = {"diverging": rng.random(shape) < diverging}
    return az.from_dict(posterior={"theta": noise + where}, sample_stats=stats)


def through_gate(monkeypatch, **behaviour):
    seen = []

    def sample(problem, *, seed, earlier=None):
        assert (earlier is None) == (seed == 0), "reruns learn from the draws before"
        seen.append(problem)
        return slow_draws(problem, seed, **behaviour)

    monkeypatch.setattr(sampling, "sample", sample)
    layout = SimpleNamespace(triplets=CURVES)
    draws, status = gate.sample_through_gate(layout, None, None, FitSettings(draws=500, reruns=2))
    return draws["posterior"], status, seen


def test_chains_that_agree_but_are_too_short_are_joined_by_more(monkeypatch):
    posterior, status, seen = through_gate(monkeypatch)
    assert len(seen) > 1
    assert posterior.sizes["chain"] == 4 * len(seen)
    assert posterior.sizes["draw"] == 500
    assert status.n_draws == 2000 * len(seen)
    assert "4 more chains, because" in str(status)


@pytest.mark.parametrize("behaviour", [{"diverging": 0.05}, {"apart": 5.0}])
def test_chains_that_diverge_or_disagree_are_run_again_and_not_joined(monkeypatch, behaviour):
    posterior, status, seen = through_gate(monkeypatch, **behaviour)
    assert [problem.settings.draws for problem in seen] == [500, 1000, 2000]
    accepted = [problem.settings.acceptance(len(CURVES)) for problem in seen]
    if "diverging" in behaviour:
        assert accepted[0] < accepted[1] < accepted[2] < 1
        assert "an acceptance rate nearer 1, because" in str(status)
    else:
        assert accepted == 3 * accepted[:1], "smaller steps are for divergences"
    assert posterior.sizes["chain"] == 4
    assert not status.converged
    assert "run again with 1000 warm-up and 1000 draws" in str(status)


def test_an_interruption_keeps_what_was_sampled_before_it(monkeypatch):
    def sample(problem, *, seed, earlier=None):
        draws = slow_draws(problem, seed)
        if seed:
            draws["posterior"].attrs["interrupted"] = "3 chain(s) with 40 of 500 draws"
        return draws

    monkeypatch.setattr(sampling, "sample", sample)
    draws, status = gate.sample_through_gate(None, None, None, FitSettings(draws=500))
    assert draws["posterior"].sizes["draw"] == 500
    assert status.interrupted
    assert not status.converged
    assert "3 chain(s)" in str(status)
