"""The teachers separate architectures as their papers say: by kernel regression, single seeds, wide bounds."""

from __future__ import annotations

import numpy as np
import pytest

from runners.architectures import FCN, GAP, LCN, AbstractArchitecture
from runners.datasets import (
    AbstractDataset,
    Hypercube,
    MovingSignal,
    NormComparison,
    ProductOfSpheres,
    TorusField,
)
from runners.datasets.rotation import draw_element
from runners.datasets.teachers.students import KernelStudent, regression_curve
from runners.kernels import nngp_ntk

SINGLE = {"filter": (1, 1)}


def ntk_error(architecture: AbstractArchitecture, task: AbstractDataset, n_train: int) -> float:
    """Return the test error (share of wrong classes, or squared error) of NTK regression with a tiny ridge."""
    split = task.split(n_train, seed=0)
    classes = split.y_train.ndim == 1
    y = 2.0 * split.y_train[:, None] - 1 if classes else split.y_train
    gram = nngp_ntk(architecture, split.x_train).ntk
    across = nngp_ntk(architecture, split.x_train, split.x_test).ntk
    ridge = 1e-6 * np.trace(gram) / n_train * np.eye(n_train)
    predicted = across.T @ np.linalg.solve(gram + ridge, y)
    if classes:
        return float(np.mean((predicted[:, 0] > 0) != split.y_test))
    return float(np.mean((predicted - split.y_test) ** 2))


def test_rotation_invariance_makes_norm_comparison_hard_in_high_dimension():
    """Examples: d^2 for a dense kernel, a number that does not grow with d for a pooled one of single pixels."""
    small, large = NormComparison(dimension=8), NormComparison(dimension=24)
    dense, pooled = FCN(depth=1), GAP(depth=1, filter=(1, 1))
    assert ntk_error(dense, small, 256) < 0.3
    assert ntk_error(dense, large, 256) > 0.38
    assert max(ntk_error(pooled, task, 128) for task in (small, large)) < 0.3


def test_a_moving_signal_favours_shared_filters():
    task = MovingSignal(patches=16, noise_level=0.2)
    errors = [
        ntk_error(net(depth=1, **own), task, 32) for net, own in ((FCN, {}), (LCN, SINGLE), (GAP, SINGLE))
    ]
    assert errors[2] < min(errors[:2]) - 0.05
    assert errors[2] > task.facts().bayes_error


def test_products_of_spheres_are_learnt_by_distance_where_filters_are_local():
    """A dense kernel does not see the distance between active pixels; a local one learns near ones first."""
    near, far = (ProductOfSpheres(degrees=(1, 1), spread=spread, n_test=300) for spread in (1, 4))
    dense = [ntk_error(FCN(depth=2), task, 512) for task in (near, far)]
    local = [ntk_error(LCN(depth=2, filter=(1, 3)), task, 512) for task in (near, far)]
    assert abs(np.log(dense[1] / dense[0])) < 0.3
    assert local[0] < 0.7 * dense[0]
    assert local[1] > 0.9


def test_a_wrong_group_of_equal_size_ends_in_a_plateau():
    """T^3 with one relevant coordinate: blind to the two others, or (inputs permuted) to the wrong two."""
    right = TorusField(dimension=3, d_par=1, n_test=300)
    wrong = TorusField(dimension=3, d_par=1, n_test=300, rotation="s-p")
    study_seed = next(k for k in range(9) if wrong_coordinate(k))
    first, last = {}, {}
    for name, task in (("right", right), ("wrong", wrong)):
        split = task.split(512, seed=0, study_seed=study_seed)
        first[name], last[name] = regression_curve(KernelStudent(coordinates=1), split, (64, 512))
    assert last["right"] < 0.3 * first["right"]
    assert last["wrong"] > right.facts().chance_error


def wrong_coordinate(study_seed: int) -> bool:
    """Return whether the study's pixel permutation puts another coordinate first."""
    return draw_element("s-p", (1, 3, 2), study_seed).source[0] != 0


@pytest.mark.parametrize("frequency", ["low", "high"])
def test_locality_and_pooling_save_the_examples_that_theory_says(frequency):
    """d = 12, degree 2, filter 4: d^2 = 144 (dense), d q = 48 (local), q = 4 (pooled; never at high frequency)."""
    task = Hypercube(dimension=12, degree=2, frequency=frequency, n_test=400)
    split, sizes = task.split(512, seed=0), (32, 128, 512)
    students = {"dense": {}, "local": {"filter": 4}, "pooled": {"filter": 4, "shared": True}}
    errors = {
        name: regression_curve(KernelStudent(profile="polynomial", **settings), split, sizes, ridge=1e-6)
        for name, settings in students.items()
    }
    assert errors["dense"][0] > 0.8
    assert errors["dense"][2] < 0.1
    assert errors["local"][0] > 0.3
    assert errors["local"][1] < 0.02
    if frequency == "low":
        assert errors["pooled"][0] < 0.02
    else:
        assert min(errors["pooled"]) > 0.9
