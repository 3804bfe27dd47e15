"""Predicted learning curves against simulated kernel regression, and exponents against known ones."""

from itertools import combinations
from math import comb

import numpy as np
import pytest

from curvefit.errors import CurvefitError, FitError, InvalidInputError
from curvefit.theory import (
    Spectrum,
    count_degrees_of_freedom,
    count_learnable_modes,
    measure_exponents,
    measure_participation,
    measure_spectrum,
    predict_curve,
)

D, Q, RIDGE = 20, 6, 1e-6


def profile(t):
    """The kernel of one patch pair, a polynomial of their overlap."""
    return 0.2 * t * (1 + t * (1 + t * (1 + t * (1 + t))))


def krawtchouk(degree, distance):
    return sum((-1) ** j * comb(distance, j) * comb(Q - distance, degree - j) for j in range(degree + 1))


def local_spectrum():
    """Modes of the local kernel on the hypercube: translated monomials within a window of Q sites."""
    weight = [
        sum(
            comb(Q, k) * 2.0**-Q * profile((Q - 2 * k) / Q) * krawtchouk(degree, k) for k in range(Q + 1)
        ) / comb(Q, degree)
        for degree in range(Q + 1)
    ]  # fmt: skip
    values, power, degeneracy = [max(weight[0], 0.0)], [0.0], [1.0]
    for degree in range(1, Q + 1):
        for sites in combinations(range(Q), degree):
            if sites[0] == 0:
                values.append(max((Q - sites[-1]) * weight[degree] / D, 0.0))
                power.append(1.0 / D if sites == (0, 1, 2) else 0.0)
                degeneracy.append(D)
    return Spectrum(np.array(values), np.array(power), np.array(degeneracy))


def simulate(n_train, replicates, noise=0.0, ridge=RIDGE):
    random = np.random.default_rng(n_train)
    errors = []
    for _ in range(replicates):
        x = random.choice([-1.0, 1.0], (n_train + 300, D))
        y = sum(x[:, i] * x[:, (i + 1) % D] * x[:, (i + 2) % D] for i in range(D)) / np.sqrt(D)
        sites = (np.arange(D)[:, None] + np.arange(Q)) % D
        patches = np.ascontiguousarray(np.moveaxis(x[:, sites], 1, 0))
        kernels = sum(profile(patch @ patch[:n_train].T / Q) for patch in patches) / D
        gram, cross = kernels[:n_train], kernels[n_train:]
        targets = y[:n_train] + np.sqrt(noise) * random.standard_normal(n_train)
        prediction = cross @ np.linalg.solve(gram + ridge * np.eye(n_train), targets)
        errors.append(np.mean((prediction - y[n_train:]) ** 2))
    return np.mean(errors), np.std(errors) / np.sqrt(replicates)


@pytest.mark.parametrize(("noise", "ridge"), [(0.0, RIDGE), (0.3, 0.05)])
def test_predicts_simulated_regression_on_the_hypercube(noise, ridge):
    """Within 5 % plus four standard errors; the seeds are fixed."""
    sizes = [64, 128, 256]
    predicted = predict_curve(local_spectrum(), sizes, ridge=ridge, noise=noise)
    for n, error in zip(sizes, predicted.error):
        simulated, se = simulate(n, 6, noise, ridge)
        assert abs(error - simulated) < 0.05 * simulated + 4 * se, (n, error, simulated, se)
    assert (predicted.noise_error > 0).all() == (noise > 0)
    assert (np.diff(predicted.learnable_modes) > 0).all()


def finite_population(n_members=400, noise=0.0):
    random = np.random.default_rng(0)
    features = random.standard_normal((n_members, 600)) * np.arange(1, 601) ** -0.7
    gram = features @ features.T
    targets = features @ (random.standard_normal((600, 2)) * np.arange(1, 601)[:, None] ** -0.1)
    return gram, targets


@pytest.mark.parametrize(("ridge", "noise"), [(1e-9, 0.0), (0.5, 0.0), (0.5, 0.4), (0.02, 0.4)])
def test_predicts_unseen_members_of_a_finite_population(ridge, noise):
    """Random subsets of one fixed Gram matrix, up to three quarters of it: within 6 %."""
    gram, y = finite_population()
    sizes = [20, 100, 300]
    predicted = predict_curve(measure_spectrum(gram, y), sizes, ridge=ridge, noise=noise)
    random = np.random.default_rng(1)
    for n, error in zip(sizes, predicted.error):
        found = []
        for _ in range(25):
            order = random.permutation(len(gram))
            seen, rest = order[:n], order[n:]
            labels = y[seen] + np.sqrt(noise) * random.standard_normal((n, 2))
            weights = np.linalg.solve(gram[np.ix_(seen, seen)] + ridge * np.eye(n), labels)
            found.append(np.mean((gram[np.ix_(rest, seen)] @ weights - y[rest]) ** 2))
        se = np.std(found) / np.sqrt(len(found))
        assert abs(error - np.mean(found)) < 0.06 * np.mean(found) + 4 * se, (n, error, np.mean(found))


def test_large_population_tends_to_the_continuous_theory():
    gram, y = finite_population()
    measured = measure_spectrum(gram, y)
    exact = Spectrum(measured.eigenvalues, measured.power)
    copies = 1000
    large = Spectrum(measured.eigenvalues, measured.power, population=400 * copies)
    for ridge, noise in ((0.1, 0.0), (0.3, 0.2)):
        a = predict_curve(exact, [10, 50, 200], ridge=ridge, noise=noise)
        b = predict_curve(large, [10, 50, 200], ridge=ridge, noise=noise)
        np.testing.assert_allclose(a.error, b.error, rtol=5e-3)
        np.testing.assert_allclose(a.learnable_modes, b.learnable_modes, rtol=5e-3)


def test_power_law_spectra_give_the_predicted_exponent():
    rank = np.arange(1, 200001, dtype=float)
    for capacity, source in ((1.5, 1.8), (1.2, 2.2), (1.3, 5.0)):
        spectrum = Spectrum(rank**-capacity, rank**-source)
        found = measure_exponents(spectrum, first=5, last=2000)
        assert found.capacity == pytest.approx(capacity, abs=0.02)
        assert found.source == pytest.approx(source, abs=0.1)
        curve = predict_curve(spectrum, [400, 1600]).error
        slope = -np.log(curve[1] / curve[0]) / np.log(4)
        assert slope == pytest.approx(min(source - 1, 2 * capacity), abs=0.1)
        assert found.exponent == pytest.approx(min(source - 1, 2 * capacity), abs=0.1)
        assert found.exponent_se < 0.1
        assert "expected to fall as n^-" in str(found)


@pytest.mark.parametrize("modes", [400, 4000, 100_000])
@pytest.mark.parametrize("source", [0.5, 1.0, 1.25, 1.5, 2.0, 3.0])
def test_a_power_law_that_ends_gives_its_own_exponent(source, modes):
    """Power that stops at the last mode: what is left beyond mode k then falls faster than a power law."""
    rank = np.arange(1, modes + 1.0)
    found = measure_exponents(Spectrum(rank**-2.0, rank**-source))
    assert found.capacity == pytest.approx(2, abs=1e-6)
    assert found.source == pytest.approx(source, abs=2e-3)
    with_rest = Spectrum(np.append(rank**-2.0, 0.0), np.append(rank**-source, power_beyond(modes, source)))
    if source > 1:
        assert measure_exponents(with_rest).source == pytest.approx(source, abs=2e-3)


def power_beyond(modes, source):
    """The sum of ``k ** -source`` from the mode after the last one on."""
    return (modes + 0.5) ** (1 - source) / (source - 1) if source > 1 else 0.0


@pytest.mark.parametrize(("source", "ends"), [(1.25, True), (2.0, True), (2.0, False)])
def test_the_standard_error_of_the_source_is_that_of_random_coefficients(source, ends):
    """Gaussian coefficients: 120 spectra, so the scatter is known to 6 %."""
    rank = np.arange(1, 2001.0)
    found = []
    for coefficients in np.random.default_rng(0).standard_normal((120, 2000)):
        values, power = rank**-2.0, rank**-source * coefficients**2
        if not ends:
            values, power = np.append(values, 0.0), np.append(power, power_beyond(2000, source))
        found.append(measure_exponents(Spectrum(values, power)))
    scatter = np.std([one.source for one in found])
    assert np.mean([one.source for one in found]) == pytest.approx(source, abs=0.4 * scatter)
    assert 0.7 < np.mean([one.source_se for one in found]) / scatter < 1.2


def test_counts_of_modes():
    flat = Spectrum(np.full(50, 0.02), np.zeros(50))
    assert measure_participation(flat) == pytest.approx(50)
    assert count_degrees_of_freedom(flat, 0.02) == pytest.approx(25)
    assert count_learnable_modes(flat, [10])[0] == pytest.approx(10, rel=1e-6)
    assert count_learnable_modes(flat, [10], ridge=1.0)[0] < 5


def test_measured_spectrum_keeps_trace_and_power():
    gram, y = finite_population()
    spectrum = measure_spectrum(gram, y)
    assert spectrum.trace == pytest.approx(np.trace(gram) / 400)
    assert spectrum.total_power == pytest.approx(np.mean(y**2))


@pytest.mark.parametrize(
    "call",
    [
        lambda: measure_spectrum(np.ones((3, 2)), np.ones(3)),
        lambda: measure_spectrum(np.full((2, 2), np.nan), np.ones(2)),
        lambda: measure_spectrum(np.array([[1.0, 0.5], [0.0, 1.0]]), np.ones(2)),
        lambda: measure_spectrum(np.array([[1.0, 2.0], [2.0, 1.0]]), np.ones(2)),
        lambda: Spectrum(np.array([1.0]), np.array([-1.0])),
        lambda: predict_curve(Spectrum(np.ones(3), np.ones(3)), [0]),
        lambda: predict_curve(Spectrum(np.ones(3), np.ones(3)), [2], ridge=-1),
        lambda: predict_curve(Spectrum(np.ones(3), np.ones(3), population=3), [3]),
        lambda: measure_exponents(Spectrum(np.ones(30), np.ones(30)), last=10),
        lambda: count_degrees_of_freedom(Spectrum(np.ones(3), np.ones(3)), 0.0),
    ],
)
def test_bad_input_is_refused(call):
    with pytest.raises(InvalidInputError) as caught:
        call()
    assert isinstance(caught.value, CurvefitError)


def test_says_when_interpolation_has_no_prediction():
    with pytest.raises(FitError, match="give a ridge"):
        predict_curve(Spectrum(np.ones(3), np.ones(3)), [3])
