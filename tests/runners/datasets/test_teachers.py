"""Synthetic teachers: targets, laws and the exponents they declare."""

from __future__ import annotations

import numpy as np
import pytest

from curvefit.errors import InvalidInputError
from curvefit.study.spec import Member, RunSpec
from curvefit.symmetry import GROUPS, chain_group, get_group, is_subgroup
from curvefit.theory import measure_exponents
from runners.algorithms.abstract import Run
from runners.architectures import FCN
from runners.datasets import (
    ConvolutionalField,
    Hypercube,
    LocalField,
    MovingSignal,
    NormComparison,
    ProductOfSpheres,
    SphereField,
    TorusField,
)
from runners.datasets.teachers.fields import _draw_field
from runners.datasets.teachers.kernels import kernel_matrix, local_kernel_matrix
from runners.datasets.teachers.spheres import zonal_harmonic
from runners.datasets.teachers.students import KernelInterpolation, KernelStudent, regression_curve
from tests.benchmarks.known_exponents import ROWS, describe, measure_exponent, predict_exponent


def test_fields_are_drawn_with_their_covariance():
    """Block-wise drawing gives ``L z`` of the whole covariance, to rounding."""
    teacher = TorusField(dimension=2, d_par=2, n_test=10)
    x, y = _draw_field(teacher, 2, 0, 0)
    from curvefit.seeding import generator
    from runners.datasets.teachers.abstract import draw_blocks

    z = draw_blocks(lambda n, rng: rng.standard_normal((n, 1)), len(x), 0, "field", 0)
    factor = np.linalg.cholesky(teacher.covariance(x, x) + 1e-10 * np.eye(len(x)))
    np.testing.assert_allclose(y, factor @ z, atol=1e-8)
    assert generator(0).random() == generator(0).random()


def test_field_values_have_unit_variance_over_fields():
    """Mean square of 300 independent fields at their first points; false alarm below 1e-4."""
    teacher = SphereField(n_test=1)
    values = np.array([teacher.split(1, seed=seed).y_train[0, 0] for seed in range(300)])
    assert abs(np.mean(values**2) - 1) < 4 * (2 / 300) ** 0.5


def test_the_chance_error_of_a_field_is_that_of_its_mean():
    teacher = TorusField(dimension=2, d_par=1, n_test=400)
    spread = [teacher.split(1, seed=seed).y_test.var() for seed in range(60)]
    assert abs(np.mean(spread) - teacher.facts().chance_error) < 4 * np.std(spread) / 60**0.5


@pytest.mark.parametrize(
    "teacher",
    [
        Hypercube(dimension=6),
        Hypercube(dimension=6, degree=1),
        Hypercube(dimension=6, frequency="high"),
        NormComparison(dimension=6),
        MovingSignal(patches=6),
        ProductOfSpheres(pixels=6, channels=3, degrees=(1, 2), spread=2),
        ProductOfSpheres(pixels=3, channels=3, degrees=(2, 1), spread=2),
    ],
    ids=lambda teacher: f"{type(teacher).__name__}-{teacher.facts().data_symmetry}",
)
def test_the_declared_group_leaves_targets_alone_and_no_larger_one_does(teacher):
    facts = teacher.facts()
    x = teacher.draw_inputs(200, np.random.default_rng(0))

    def unchanged(group: str) -> bool:
        elements = (get_group(group, shape=facts.shape).sample(seed) for seed in range(12))
        y = teacher.target(x, study_seed=0)
        return all(np.allclose(teacher.target(g(x), study_seed=0), y) for g in elements)

    assert unchanged(facts.data_symmetry)
    larger = [
        name
        for name in GROUPS.names()
        if name != "d4"
        and not (name == "o-patch" and facts.shape[0] % 2)
        and is_subgroup(facts.data_symmetry, name, shape=facts.shape)
        and not is_subgroup(name, facts.data_symmetry, shape=facts.shape)
    ]
    assert larger
    if facts.data_symmetry != "trivial":
        assert not any(unchanged(name) for name in larger)


@pytest.mark.parametrize(
    ("teacher", "student"),
    [
        (TorusField(dimension=3, d_par=1), KernelStudent(coordinates=1)),
        (ConvolutionalField(dimension=4), KernelStudent(filter=2, shared=True)),
        (ConvolutionalField(dimension=6), KernelStudent(coordinates=3, filter=2, shared=True)),
    ],
)
def test_field_and_student_have_the_group_they_declare(teacher, student):
    x = teacher.draw_inputs(20, np.random.default_rng(0))
    for gram, group in (
        (teacher.covariance, teacher.facts().data_symmetry),
        (student.gram, student.function_symmetry()),
    ):
        g = get_group(group, shape=teacher.facts().shape).sample(1)
        np.testing.assert_allclose(gram(g(x), x), gram(x, x), atol=1e-12)
    outside = get_group("o-c-per-pixel", shape=teacher.facts().shape).sample(1)
    assert not np.allclose(teacher.covariance(outside(x), x), teacher.covariance(x, x), atol=1e-3)


@pytest.mark.parametrize(
    "student",
    [
        KernelStudent(),
        KernelStudent(coordinates=2),
        KernelStudent(filter=2),
        KernelStudent(filter=2, shared=True),
    ],
)
def test_students_have_the_level_they_declare(student):
    """The named group of the chain leaves the kernel alone, and the next larger one does not."""
    x = LocalField(dimension=4).draw_inputs(8, np.random.default_rng(0))
    level = student.symmetry_level(infinite_width=True)
    for name, kept in (("shared", True), ("per-pixel", level != "shared"), ("all", level == "all")):
        g = get_group(chain_group(name), shape=(1, 4, 2)).sample(1)
        assert np.allclose(student.gram(g(x), g(x)), student.gram(x, x), atol=1e-10) == kept


def test_local_kernels_are_the_sums_they_are_said_to_be():
    x = LocalField(dimension=4).draw_inputs(5, np.random.default_rng(0))
    index = (np.arange(4)[:, None] + np.arange(2)) % 4
    parts = [x[:, 0][:, index[i]].reshape(5, -1) / (4 * np.pi) for i in range(4)]
    own = np.mean([kernel_matrix(p, p) for p in parts], axis=0)
    shared = np.mean([kernel_matrix(p, q) for p in parts for q in parts], axis=0)
    np.testing.assert_allclose(local_kernel_matrix(x, x, filter=2, shared=False), own, atol=1e-12)
    np.testing.assert_allclose(local_kernel_matrix(x, x, filter=2, shared=True), shared, atol=1e-12)


def test_hypercube_target_by_hand():
    x = np.array([1, -1, -1, 1, 1.0]).reshape(1, 1, 5, 1)
    # products of three neighbours: 1, 1, -1, 1, -1
    assert Hypercube(dimension=5, degree=3).target(x, study_seed=0)[0, 0] == pytest.approx(1 / 5**0.5)
    assert Hypercube(dimension=6, degree=3).sample_scale() == 6**3
    assert Hypercube(dimension=6, degree=3).sample_scale(filter=2, window=6) == 4


@pytest.mark.parametrize(("degree", "channels"), [(1, 2), (2, 3), (3, 4), (2, 8)])
def test_zonal_harmonics_have_unit_variance_and_no_mean(degree, channels):
    points = np.random.default_rng(0).standard_normal((200_000, channels))
    cosine = points[:, 0] / np.linalg.norm(points, axis=1)
    values = zonal_harmonic(cosine, degree, channels)
    assert abs(values.mean()) < 5 / 200_000**0.5
    assert abs(np.mean(values**2) - 1) < 5 * np.std(values**2) / 200_000**0.5
    assert abs(np.mean(values * zonal_harmonic(cosine, degree + 1, channels))) < 0.05


def test_the_declared_bayes_error_is_reached_and_not_beaten():
    task = MovingSignal(patches=4, channels=3, noise_level=0.5, n_test=20_000)
    split, bound = task.split(10, seed=0), task.facts().bayes_error
    best = np.mean(task.target(split.x_test, study_seed=0) != split.y_test)
    assert abs(best - bound) < 5 * (bound / 20_000) ** 0.5
    loudest = np.abs(split.x_test[:, 0] @ task.pattern(0)).argmax(axis=1)
    naive = (split.x_test[np.arange(20_000), 0, loudest] @ task.pattern(0) > 0).astype(int)
    assert np.mean(naive != split.y_test) >= bound - 0.005


@pytest.mark.parametrize(
    ("cls", "settings", "message"),
    [
        (TorusField, {"dimension": 2, "d_par": 3}, "d_par 3 is larger than dimension 2"),
        (LocalField, {"dimension": 2, "filter": 3}, "filter 3 is larger than dimension 2"),
        (Hypercube, {"dimension": 5, "frequency": "high"}, "needs an even dimension, not 5"),
        (Hypercube, {"dimension": 3, "degree": 3}, "degree 3 must be less"),
        (ProductOfSpheres, {"channels": 1}, "one channel has no sphere"),
        (ProductOfSpheres, {"pixels": 4, "degrees": (1, 1, 1), "spread": 2}, "do not fit 4 pixels"),
        (KernelStudent, {"shared": True}, "needs a filter"),
    ],
)
def test_impossible_teachers_are_refused(cls, settings, message):
    with pytest.raises(ValueError, match=message):
        cls(**settings)


def test_noise_is_added_to_training_targets_only():
    clean, noisy = (Hypercube(noise=noise).split(2000, seed=0) for noise in (0.0, 0.5))
    added = noisy.y_train - clean.y_train
    assert abs(added.std() - 0.5) < 4 * 0.5 / 4000**0.5
    np.testing.assert_array_equal(clean.y_test, noisy.y_test)


def test_label_noise_hits_its_share_of_training_labels_only():
    """False alarm 6e-5."""
    clean, noisy = (NormComparison(dimension=4, label_noise=p).split(2000, seed=0) for p in (0.0, 0.25))
    assert abs(np.mean(clean.y_train != noisy.y_train) - 0.25) < 4 * (0.25 * 0.75 / 2000) ** 0.5
    np.testing.assert_array_equal(clean.y_test, noisy.y_test)
    np.testing.assert_array_equal(
        NormComparison(dimension=4, label_noise=0.25).split(70, seed=0).y_train, noisy.y_train[:70]
    )


def test_exponents_are_not_declared_where_they_do_not_hold():
    clean, noisy = SphereField(), SphereField(noise=0.1)
    assert clean.facts().predicted_exponent == 0.5
    assert noisy.facts().predicted_exponent is None
    assert "0.5 without noise" in noisy.facts().prediction_condition
    turned = SphereField(rotation="o-cp").facts()
    assert turned.predicted_exponent == 0.5
    assert "must leave the student unchanged" in turned.prediction_condition


def test_interpolation_runs_whole_curves_as_runs():
    teacher, student = TorusField(dimension=2, n_test=200), KernelStudent(coordinates=1)
    member = Member("x", "x")
    algorithm = KernelInterpolation()
    runs = [
        Run(RunSpec("s", member, member, member, n, 0), teacher, student, algorithm)  # type: ignore[arg-type]
        for n in (16, 64)
    ]
    outcomes = list(algorithm.execute(runs))
    assert [outcome.metric for outcome in outcomes] == ["mse", "mse"]
    alone = teacher.split(16, seed=0)
    weights = np.linalg.solve(student.gram(alone.x_train, alone.x_train) + 1e-9 * np.eye(16), alone.y_train)
    direct = np.mean((student.gram(alone.x_test, alone.x_train) @ weights - alone.y_test) ** 2)
    assert outcomes[0].value == pytest.approx(direct, rel=1e-5)
    assert outcomes[1].value < outcomes[0].value
    with pytest.raises(InvalidInputError, match="needs a KernelStudent as model, not FCN"):
        list(algorithm.execute([Run(runs[0].spec, teacher, FCN(), algorithm)]))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.name}, {describe(row.student)}")
def test_declared_exponents_are_those_of_the_exact_spectrum(row):
    """``min(b - 1, 2 a)`` of eigenvalues k^-a and target power k^-b, far out in the spectrum."""
    spectrum = row.spectrum()
    first, last = (1000, 100_000) if spectrum.degeneracy.sum() > 1e5 else (100, 2000)
    measured = measure_exponents(spectrum, first=first, last=last).exponent
    assert measured == pytest.approx(row.predicted, rel=0.12)


def test_an_aligned_student_has_a_larger_exponent_than_a_full_one():
    """T^3 with one relevant coordinate: 1 against 1/3; small sizes, so wide bounds."""
    teacher, sizes = TorusField(dimension=3, d_par=1, n_test=300), (64, 128, 256, 512)
    full, _ = measure_exponent(teacher, KernelStudent(), sizes=sizes, seeds=3)
    aligned, _ = measure_exponent(teacher, KernelStudent(coordinates=1), sizes=sizes, seeds=3)
    assert 0.2 < full < 0.45
    assert 0.8 < aligned < 1.3


@pytest.mark.slow
@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.name}, {describe(row.student)}")
def test_exponents_are_those_of_theory_at_the_same_sizes(row):
    """Whole-curve theory on the exact spectrum, within 3.5 standard errors and .02 for its own approximation."""
    exponent, se = measure_exponent(row.teacher, row.student, seeds=12)
    expected = predict_exponent(row.spectrum())
    print(
        f"{row.name}: asymptotic {row.predicted:.3f}, theory {expected:.3f}, measured {exponent:.3f} +- {se:.3f}"
    )
    assert abs(exponent - expected) < 0.02 + 3.5 * se


@pytest.mark.slow
def test_a_shorter_filter_than_the_teachers_meets_a_plateau():
    split = LocalField(dimension=6, filter=3).split(1024, seed=0)
    short = regression_curve(KernelStudent(filter=1), split, (256, 1024))
    fitting = regression_curve(KernelStudent(filter=3), split, (256, 1024))
    assert short[1] / short[0] > 0.9
    assert fitting[1] / fitting[0] < 0.8
