"""The gate: what is sampled again, what is joined, and what is said about it."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import arviz as az
import numpy as np
import pytest

from curvefit.fitting import gate, sampling
from curvefit.fitting.settings import FitSettings

CURVES = range(22)
LAYOUT = SimpleNamespace(triplets=CURVES)


def slow_draws(
    problem, seed, *, correlation=0.8, diverging=0.0, apart=0.0, away=0.0, steps=15
) -> az.InferenceData:
    """Draws of one autoregressive parameter, chains of which may sit `apart`, or go far `away` now and then for 30 draws."""
    rng, shape = np.random.default_rng(seed), (problem.settings.chains, problem.settings.draws)
    noise = rng.normal(size=shape)
    for at in range(1, shape[1]):
        noise[:, at] += correlation * noise[:, at - 1]
    where = apart * np.arange(shape[0])[:, None]
    where = (
        where + 6.0 * np.repeat(rng.random((shape[0], shape[1] // 30 + 1)) < away, 30, axis=1)[:, : shape[1]]
    )
    stats = {"diverging": rng.random(shape) < diverging, "n_steps": np.full(shape, steps)}
    return problem.kept(az.from_dict(posterior={"log_scale": noise + where}, sample_stats=stats))


def through_gate(monkeypatch, *, draws=500, **behaviour):
    seen = []

    def sample(problem, *, seed, earlier=None):
        assert (earlier is None) == (seed == 0), "reruns learn from the draws before"
        seen.append(problem)
        return slow_draws(problem, seed, **behaviour)

    monkeypatch.setattr(sampling, "sample", sample)
    found, status = gate.sample_through_gate(LAYOUT, None, None, FitSettings(draws=draws, reruns=2))
    return found["posterior"], status, seen


def test_chains_that_agree_but_are_too_few_are_joined_by_more(monkeypatch):
    posterior, status, seen = through_gate(monkeypatch, draws=2000, correlation=0.0, away=0.05)
    chains = [problem.settings.chains for problem in seen]
    assert chains[0] == 4
    assert chains[1] == 4
    assert posterior.sizes["chain"] == sum(chains)
    assert posterior.sizes["draw"] == 2000
    assert status.n_draws == 2000 * sum(chains)
    assert status.converged
    assert f"{chains[1]} more chains, because" in str(status)


def test_chains_that_agree_but_are_too_short_are_run_again_as_long_as_their_ess_says(monkeypatch):
    posterior, status, seen = through_gate(monkeypatch, correlation=0.95)
    lengths = [problem.settings.draws for problem in seen]
    assert lengths[0] == 500
    assert 3 * 500 <= lengths[1] <= 4 * 500
    every = lengths[1] // 1000
    assert posterior.sizes["draw"] == lengths[1] // every
    assert status.converged
    assert f"{lengths[1]} draws a chain (one in {every} kept), because" in str(status)


def test_chains_that_take_many_steps_are_not_made_much_longer(monkeypatch):
    _, _, seen = through_gate(monkeypatch, correlation=0.95, steps=600)
    assert [problem.settings.draws for problem in seen][:2] == [500, 1000]


@pytest.mark.parametrize("behaviour", [{"diverging": 0.05}, {"apart": 5.0}])
def test_chains_that_diverge_or_disagree_are_run_again_and_not_joined(monkeypatch, behaviour):
    posterior, status, seen = through_gate(monkeypatch, **behaviour)
    accepted = [problem.settings.acceptance(len(CURVES)) for problem in seen]
    lengths = [problem.settings.draws for problem in seen]
    if "diverging" in behaviour:
        assert lengths == [500, 1500, 3000]
        assert accepted[0] < accepted[1] < accepted[2] < 1
        assert "an acceptance rate nearer 1, because" in str(status)
    else:
        assert lengths == [500, 1000, 2000]
        assert accepted == 3 * accepted[:1], "smaller steps are for divergences"
        assert "run again with 1000 warm-up and 1000 draws a chain, because" in str(status)
    assert [problem.settings.tune for problem in seen] == [500, 1000, 2000]
    assert posterior.sizes["chain"] == 4
    assert not status.converged


def test_an_interruption_keeps_what_was_sampled_before_it(monkeypatch):
    def sample(problem, *, seed, earlier=None):
        draws = slow_draws(problem, seed)
        if seed:
            draws["posterior"].attrs["interrupted"] = "3 chain(s) with 40 of 500 draws"
        return draws

    monkeypatch.setattr(sampling, "sample", sample)
    draws, status = gate.sample_through_gate(LAYOUT, None, None, FitSettings(draws=500))
    assert draws["posterior"].sizes["draw"] == 500
    assert status.interrupted
    assert not status.converged
    assert "3 chain(s)" in str(status)


def test_an_interruption_before_the_first_draw_of_a_rerun_keeps_the_first_try(monkeypatch):
    def sample(problem, *, seed, earlier=None):
        if seed:
            raise KeyboardInterrupt
        return slow_draws(problem, seed)

    monkeypatch.setattr(sampling, "sample", sample)
    draws, status = gate.sample_through_gate(LAYOUT, None, None, FitSettings(draws=500))
    assert draws["posterior"].sizes["draw"] == 500
    assert status.interrupted
    assert not status.converged


def test_chains_that_were_joined_are_joined_by_as_many_as_all_of_them_need(monkeypatch):
    check = gate.check_draws
    too_few = {"converged": False, "max_r_hat": 1.0, "min_ess_bulk": 300.0, "min_ess_tail": 300.0}
    monkeypatch.setattr(gate, "check_draws", lambda draws: replace(check(draws), **too_few))
    _, status, seen = through_gate(monkeypatch, draws=1000)
    added = [problem.settings.chains for problem in seen]
    assert added == [4, 4, 8], "twice as many draws are twice the chains that there are"
    assert "4 more chains" in str(status)
    assert "8 more chains" in str(status)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, 0.3])
@pytest.mark.parametrize("first", [True, False])
def test_draws_that_never_moved_or_are_not_finite_are_no_posterior(wrong, first):
    moving = np.random.default_rng(0).normal(size=(4, 1000))
    stuck = np.full((4, 1000), 0.3)
    stuck[0, 0] = wrong
    names = {"theta": stuck, "mean": moving} if first else {"mean": moving, "theta": stuck}
    draws = az.from_dict(posterior=names, sample_stats={"diverging": np.zeros((4, 1000), bool)})
    status = gate.check_draws(draws)
    assert not status.converged
    assert "theta" in status.messages[0]


def test_curves_that_mix_badly_are_told_beside_what_mixes_worse():
    rng = np.random.default_rng(0)
    apart = np.arange(4)[:, None]
    names = {"theta": rng.normal(size=(4, 1000)) + 0.13 * apart, "mean": rng.normal(size=(4, 1000)) + apart}
    status = gate.check_draws(
        az.from_dict(posterior=names, sample_stats={"diverging": np.zeros((4, 1000), bool)})
    )
    assert any(message.startswith("R-hat of mean is") for message in status.messages)
    assert any(message.startswith("R-hat of the curves' parameters is 1.01") for message in status.messages)
