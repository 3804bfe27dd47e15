"""The climb of the penalised fit: curved valleys are followed, rows never get worse, and it starts where the data have a say."""

import numpy as np

from curvefit.curves import LearningCurves
from curvefit.fitting.climb import best_of_prior, climb, likeliest_walk, quadratic
from curvefit.fitting.hierarchy import build_hierarchy
from curvefit.fitting.layout import lay_out
from curvefit.fitting.penalised import penalised_fit
from curvefit.fitting.settings import FitSettings


def valley(at):
    """Rosenbrock's residuals, what data less law leaves, and the slopes of the law: a narrow, bent valley to (1, 1)."""
    a, b = at.T
    rests = np.stack([-10 * (b - a**2), a - 1], axis=1) * [1, -1]
    slopes = np.zeros((len(at), 2, 2))
    slopes[:, 0] = np.stack([-20 * a, np.full(len(a), 10.0)], axis=1)
    slopes[:, 1, 0] = 1.0
    return slopes, rests


def left_of(at, precision):
    return (valley(at)[1] ** 2).sum(axis=1) + (precision * at**2).sum(axis=1)


def test_a_bent_valley_is_followed_to_its_end():
    starts = np.array([[-1.2, 1.0], [3.0, -2.0], [0.0, 5.0]])
    precision, longest = np.full(2, 1e-8), np.full(2, 0.7)
    found, *there = climb(
        valley, np.ones((3, 2)), starts, np.zeros((3, 2)), precision, steps=200, longest=longest
    )
    np.testing.assert_allclose(found, 1.0, atol=1e-4)
    total = quadratic(*there, np.ones((3, 2)))[0] + np.diag(precision)
    np.testing.assert_allclose(total[0], [[401.0, -200.0], [-200.0, 100.0]], rtol=1e-3)


def test_no_step_makes_a_row_worse():
    starts = np.random.default_rng(0).normal(0, 3, (50, 2))
    precision, before = np.full(2, 1e-3), None
    for steps in (0, 1, 2, 5, 20):
        found, *_ = climb(
            valley,
            np.ones((50, 2)),
            starts,
            np.zeros((50, 2)),
            precision,
            steps=steps,
            longest=np.full(2, 0.7),
        )
        value = left_of(found, precision)
        assert before is None or (value <= before + 1e-12).all()
        before = value


def test_values_that_are_not_finite_are_stepped_back_from():
    def edge(at):
        with np.errstate(invalid="ignore"):
            slopes, rests = valley(at)
            rests = np.where(at[:, :1] > 1.5, np.nan, rests)
        return slopes, rests

    found, *_ = climb(
        edge,
        np.ones((1, 2)),
        np.array([[1.4, 0.0]]),
        np.zeros((1, 2)),
        np.full(2, 1e-8),
        steps=200,
        longest=np.full(2, 5.0),
    )
    np.testing.assert_allclose(found, 1.0, atol=1e-3)


def test_the_climb_starts_where_the_law_has_a_slope():
    prior = np.array([[8.0, 4.0], [0.0, 1.0]])

    def flat_above(at):
        return np.where(at[:, :1] > 3, 50.0, valley(at)[1])

    def not_finite_above(at):
        return np.where(at[:, :1] > 3, np.nan, valley(at)[1])

    for left in (flat_above, not_finite_above):
        start = best_of_prior(left, np.ones((2, 2)), prior)
        assert (start[:, 0] < 3).all()


def test_errors_that_the_prior_puts_above_one_do_not_keep_curves_from_their_data():
    """At the prior's means this law has errors above 1 at the smallest sizes, where the likelihood has no slope."""
    rows = [
        {"model": m, "n": n, "seed": s, "error": 0.02 + 0.88 * (1 + n / 30) ** -e * (1 + 0.02 * (s - 1))}
        for m, e in (("a", 0.3), ("b", 0.5)) for n in 2 ** np.arange(4, 12) for s in range(3)
    ]  # fmt: skip
    settings = FitSettings()
    layout = lay_out(LearningCurves.from_frame(rows), family="asymptotic-power-law")
    hierarchy = build_hierarchy(layout, settings)
    fit = penalised_fit(layout, hierarchy, walk=settings.usual_walk, walk_prior=settings.priors.walk)
    mean, _ = layout.seed_means()
    apart = fit.shared.cell_means(layout, hierarchy, fit.theta) - mean
    assert np.abs(apart).max() < 1.0  # logits, of a law that is not theirs; 20 where a curve stays above 1


def test_the_walk_is_estimated():
    rng, cells = np.random.default_rng(1), 12
    rate = np.tile(np.geomspace(1e4, 1.0, cells), (200, 1))
    slopes = rng.normal(size=(200, cells, 2))
    for walk in (0.01, 0.03, 0.1):
        rests = rng.normal(size=rate.shape) * np.sqrt(1 + rate * walk**2)
        found = likeliest_walk(slopes, rests, rate, np.zeros((200, 2)), np.full(2, 1e-4), (0.02, 0.8))
        assert 0.8 < found / walk < 1.25
