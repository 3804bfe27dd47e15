"""NNGP and NTK against google/neural-tangents, their laws, tiles, resumption and bad input."""

import threading

import numpy as np
import pytest
import torch
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from curvefit.errors import InvalidInputError
from curvefit.settings import parse_settings
from curvefit.symmetry import get_group
from runners.architectures import FCN, GAP, LCN, VEC
from runners.kernels import TileProgress, fused, nngp_ntk, plan_kernel
from tests.runners.kernels import references

ENGINES = ["eager", "fused"]


def compare(kernels, reference, tag, *, coincident=()):
    """Assert agreement: 1e-12 of the largest entry off coincident points, 1e-6 on them."""
    for kind in ("nngp", "ntk"):
        key = f"{kind}_{tag}"
        if key not in reference:
            continue
        difference = np.abs(getattr(kernels, kind) - reference[key]) / max(1.0, np.abs(reference[key]).max())
        loose = np.zeros(difference.shape, bool)
        for i, j in coincident:
            loose[i, j] = True
        assert difference[~loose].max() < 1e-12
        assert not loose.any() or difference[loose].max() < 1e-6


@pytest.mark.parametrize("name", references.own_names())
def test_agrees_with_neural_tangents_on_shapes_and_activations(name):
    architecture = references.own_architecture(name)
    with np.load(references.OWN) as arrays:
        x1, x2 = arrays["X1"], arrays["X2"]
        golden = {k.split("|")[1]: arrays[k] for k in arrays.files if k.startswith(name + "|")}
    compiled = fused.applies(plan_kernel(architecture, x1.shape[1:]))
    assert compiled or "pool" in name or name == "pool-stride2-circular"
    for engine in ENGINES if compiled else ["eager"]:
        diagonal = [(i, i) for i in range(len(x1))]
        compare(nngp_ntk(architecture, x1, engine=engine), golden, "11", coincident=diagonal)
        compare(nngp_ntk(architecture, x1, x2, engine=engine), golden, "12")


@pytest.mark.parametrize("name", references.shared_names())
def test_agrees_with_the_shared_references(name):
    architecture = references.shared_architecture(name)
    with np.load(references.SHARED / "inputs.npz") as arrays:
        x1, x2 = arrays["X1"], arrays["X2"]
    degenerate = x2.copy()
    degenerate[0], degenerate[1], degenerate[2], degenerate[3] = x1[0], -x1[1], 3 * x1[2], 0
    degenerate[4] = x1[4]
    degenerate[4, 4:] = 0
    with np.load(references.SHARED / f"{name}.npz") as golden:
        compare(nngp_ntk(architecture, x1), golden, "11", coincident=[(i, i) for i in range(len(x1))])
        compare(nngp_ntk(architecture, x1, x2), golden, "12")
        # (4, 4): half an image alike, so its patches coincide.
        close = [(0, 0), (1, 1), (2, 2), (4, 4)]
        compare(nngp_ntk(architecture, x1, degenerate), golden, "12d", coincident=close)


@pytest.mark.parametrize("architecture", [FCN(depth=3), VEC(depth=2), GAP(depth=2), LCN(readout="pool")])
def test_kernel_with_itself_is_exact(architecture):
    """At rho = 1 the ReLU recursion is known: K stays, and T gains K in every layer."""
    x = np.random.default_rng(0).standard_normal((3, 4, 4, 2))
    kernels = nngp_ntk(architecture, x)
    if isinstance(architecture, FCN):
        expected = 2 * np.square(x).mean((1, 2, 3))
        np.testing.assert_allclose(np.diag(kernels.nngp), expected, rtol=1e-14)
        np.testing.assert_allclose(np.diag(kernels.ntk), (architecture.depth + 1) * expected, rtol=1e-14)
    other = nngp_ntk(architecture, x, x.copy())
    np.testing.assert_allclose(np.diag(kernels.ntk), np.diag(other.ntk), rtol=1e-12)


@pytest.mark.parametrize("engine", ENGINES)
@given(
    seed=st.integers(0, 10**6),
    which=st.sampled_from([FCN, VEC, GAP]),
    activation=st.sampled_from(["relu", "erf", "gelu", "leaky-relu"]),
    padding=st.sampled_from(["circular", "same", "valid"]),
    depth=st.integers(1, 2),
    copies=st.booleans(),
)
@settings(deadline=None, max_examples=15)
def test_symmetric_and_positive_semidefinite(engine, seed, which, activation, padding, depth, copies):
    x = np.random.default_rng(seed).standard_normal((7, 6, 5, 2))
    if copies:
        x[1], x[2], x[3], x[4] = x[0], -x[0], 2 * x[0], 0
    keys = {} if which is FCN else {"padding": padding}
    kernels = nngp_ntk(which(depth=depth, activation=activation, b_std=0.1, **keys), x, engine=engine)
    for gram in (kernels.nngp, kernels.ntk):
        assert (gram == gram.T).all()
        values = np.linalg.eigvalsh(gram)
        assert values[0] > -1e-7 * values[-1]


@pytest.mark.parametrize(
    ("architecture", "group", "inside"),
    [
        (FCN(depth=2), "o-cp", True),
        (VEC(depth=2), "o-c-per-pixel", True),
        (VEC(depth=2), "o-cp", False),
        (LCN(depth=2, readout="pool"), "o-c-per-pixel", True),
        (GAP(depth=2), "o-c-shared", True),
        (GAP(depth=2), "o-c-per-pixel", False),
    ],
)
@given(seed=st.integers(0, 10**6), activation=st.sampled_from(["relu", "erf", "gelu"]))
@settings(deadline=None, max_examples=8)
def test_invariant_under_its_group_and_no_larger_one(architecture, group, inside, seed, activation):
    architecture = architecture.model_copy(update={"activation": activation})
    random = np.random.default_rng(seed)
    x = random.standard_normal((5, 4, 4, 3))
    moved = get_group(group, shape=(4, 4, 3)).sample(random)(x)
    before, after = nngp_ntk(architecture, x), nngp_ntk(architecture, moved)
    for kind in ("nngp", "ntk"):
        difference = np.abs(getattr(before, kind) - getattr(after, kind)).max()
        assert (difference < 1e-12) if inside else (difference > 1e-3)


def test_pooled_kernel_ignores_cyclic_shifts_of_either_image():
    x = np.random.default_rng(4).standard_normal((4, 5, 6, 2))
    shifted = x.copy()
    shifted[1] = np.roll(x[1], (2, 3), axis=(0, 1))
    kernels, moved = nngp_ntk(GAP(depth=2), x), nngp_ntk(GAP(depth=2), shifted)
    np.testing.assert_allclose(kernels.ntk, moved.ntk, atol=1e-13)
    same = nngp_ntk(GAP(depth=2, padding="same"), shifted)
    assert np.abs(same.ntk - nngp_ntk(GAP(depth=2, padding="same"), x).ntk).max() > 1e-3


@pytest.mark.parametrize("architecture", [FCN(), VEC(), GAP(), LCN(readout="pool", padding="same")])
def test_single_precision_is_single_precise(architecture):
    x = np.random.default_rng(5).standard_normal((20, 5, 5, 3))
    double, single = nngp_ntk(architecture, x, x[::-1]), nngp_ntk(architecture, x, x[::-1], dtype="float32")
    assert single.ntk.dtype == np.float32
    np.testing.assert_allclose(single.nngp, double.nngp, atol=2e-6)
    np.testing.assert_allclose(single.ntk, double.ntk, atol=3e-3)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("activation", ["erf", "gelu"])
@pytest.mark.parametrize("which", [FCN, VEC, GAP])
def test_single_precision_holds_at_any_variance(which, activation, engine):
    """From tiny inputs to 16-bit images; at large variances 1 - rho**2 of erf and GELU is far below rounding."""
    x = np.random.default_rng(0).integers(0, 256, (4, 5, 5, 2)).astype(float)
    for factor in (1e-6, 1, 16, 257):
        architecture = which(depth=2, activation=activation, b_std=0.1 if factor >= 1 else 0.0)
        double = nngp_ntk(architecture, factor * x, engine=engine)
        single = nngp_ntk(architecture, factor * x, engine=engine, dtype="float32")
        for kind in ("nngp", "ntk"):
            expected = getattr(double, kind)
            assert np.abs(getattr(single, kind) - expected).max() < 1e-3 * expected.max()


def test_single_precision_follows_gelu_through_wide_weights():
    x = np.random.default_rng(0).standard_normal((4, 5, 5, 2))
    double, single = (
        nngp_ntk(FCN(depth=3, activation="gelu", w_std=30), x, dtype=d) for d in ("float64", "float32")
    )
    np.testing.assert_allclose(single.nngp, double.nngp, rtol=1e-5)
    np.testing.assert_allclose(single.ntk, double.ntk, rtol=1e-5)


@pytest.mark.parametrize("which", [FCN, VEC])
def test_erf_of_small_inputs_keeps_its_relative_accuracy(which):
    """There erf is linear, and its kernel 4 / pi times that of its inputs."""
    x = 1e-6 * np.random.default_rng(0).standard_normal((4, 5, 5, 2))
    kernels = nngp_ntk(which(depth=1, activation="erf", w_std=1.0), x)
    plain = nngp_ntk(which(depth=1, activation="leaky-relu", leak=1.0, w_std=1.0), x)
    np.testing.assert_allclose(kernels.nngp, 4 / np.pi * plain.nngp, rtol=1e-9)
    np.testing.assert_allclose(kernels.ntk, 4 / np.pi * plain.ntk, rtol=1e-9)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("architecture", "factor", "dtype", "message"),
    [
        (
            FCN(depth=8, activation="gelu", w_std=1e3),
            1,
            "float32",
            "too large for float32: .*dtype 'float64'",
        ),
        (GAP(depth=1, activation="erf"), 1e25, "float32", "values up to .*e.25 .*images scaled down"),
        (VEC(depth=1), 1e200, "float64", "too large for float64: .*images scaled down"),
    ],
)
def test_kernels_too_large_for_their_precision_are_refused(
    architecture, factor, dtype, message, engine, tmp_path
):
    x = factor * np.random.default_rng(0).standard_normal((3, 4, 4, 2))
    with pytest.raises(InvalidInputError, match=message):
        nngp_ntk(architecture, x, dtype=dtype, engine=engine, folder=tmp_path)
    assert not list(tmp_path.glob("tile-*.npy"))


def compute_directly(architecture, x):
    """Return the NNGP of a ReLU net with pooled readout, from the positions that every window reads."""
    *layers, _, _ = architecture.plan(x.shape[1:], 1).layers
    flat = x.reshape(len(x), -1, x.shape[-1])
    k = np.einsum("iac,jbc->ijab", flat, flat) / x.shape[-1]
    weight, bias = architecture.w_std**2, architecture.b_std**2
    for layer in layers[::2]:
        read = np.array(layer.windows.input_positions())
        k = weight * k[:, :, read[:, None], read[None]].mean(-1) + bias
        deviation = np.sqrt(np.einsum("iiaa->ia", k))
        root = deviation[:, None, :, None] * deviation[None, :, None, :]
        angle = np.arccos(np.clip(k / root, -1, 1))
        k = root * (np.sin(angle) + (np.pi - angle) * np.cos(angle)) / (2 * np.pi)
    return weight * k.mean((2, 3)) + bias


@pytest.mark.parametrize(
    ("filter", "strides", "size"),
    [((3, 3), (2, 2), (5, 4)), ((5, 4), (3, 4), (5, 4)), ((4, 4), (2, 2), (4, 4))],
)
def test_circular_windows_may_be_wider_than_what_strides_leave(filter, strides, size):
    architecture = GAP(depth=3, filter=filter, strides=strides, b_std=0.1)
    x = np.random.default_rng(0).standard_normal((4, *size, 2))
    np.testing.assert_allclose(nngp_ntk(architecture, x).nngp, compute_directly(architecture, x), rtol=1e-7)
    local = VEC(depth=3, filter=filter, strides=strides, b_std=0.1)
    plain = nngp_ntk(local, x, x[::-1], engine="eager")
    np.testing.assert_allclose(nngp_ntk(local, x, x[::-1], engine="fused").ntk, plain.ntk, rtol=1e-12)


@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize(
    ("architecture", "budget"), [(VEC(depth=2, pools=(1,)), 2 * 10**6), (FCN(depth=2), 10**5)]
)
def test_tiles_make_no_difference(architecture, budget, symmetric):
    random = np.random.default_rng(6)
    x, other = random.standard_normal((37, 4, 4, 2)), random.standard_normal((21, 4, 4, 2))
    whole = nngp_ntk(architecture, x, None if symmetric else other)
    seen: list[TileProgress] = []
    small = nngp_ntk(
        architecture,
        x,
        None if symmetric else other,
        memory_budget=budget,
        threads=2,
        progress=seen.append,
    )
    np.testing.assert_allclose(small.ntk, whole.ntk, rtol=1e-13)
    assert seen[-1].done == seen[-1].total == (37 * 38 // 2 if symmetric else 37 * 21)
    assert "100.0 %" in str(seen[-1])


def test_progress_is_a_bar_on_a_terminal_and_plain_lines_elsewhere(capsys, monkeypatch):
    x = np.random.default_rng(0).standard_normal((30, 4, 4, 1))
    monkeypatch.setattr("runners.kernels.tiles.LINE_EVERY", 0.0)
    nngp_ntk(FCN(depth=1), x, memory_budget=50_000, threads=1, progress=True)
    lines = capsys.readouterr().err.splitlines()
    assert lines[-1].startswith("kernel: 100.0 % of 465 pairs")
    assert not any("\r" in line for line in lines)
    monkeypatch.setenv("FORCE_COLOR", "1")  # makes rich take any stream for a terminal
    nngp_ntk(FCN(depth=1), x, memory_budget=50_000, threads=1, progress=True)
    shown = capsys.readouterr().err
    assert "100.0 % of 465 pairs" in shown
    assert "\u2501" in shown


def test_resumes_from_finished_tiles(tmp_path):
    x = np.random.default_rng(7).standard_normal((30, 4, 4, 2))
    architecture = GAP(depth=1)
    keys = {"engine": "eager", "memory_budget": 10**6, "folder": tmp_path, "threads": 1}
    whole = nngp_ntk(architecture, x, **keys)
    tiles = sorted(tmp_path.glob("tile-*.npy"))
    assert len(tiles) > 3
    kept = np.load(tiles[0])
    np.save(tiles[0], kept + 1.0)  # a mark: what is on disk is what comes back
    tiles[1].unlink()
    again = nngp_ntk(architecture, x, **keys)
    changed = np.abs(again.nngp - whole.nngp) > 0.5
    assert changed.any()
    assert changed.sum() <= 2 * kept[0].size
    assert tiles[1].exists()
    with pytest.raises(InvalidInputError, match="another Gram matrix"):
        nngp_ntk(architecture, x + 1, **keys)


def test_resumes_with_another_number_of_threads(tmp_path):
    x = np.random.default_rng(7).standard_normal((30, 4, 4, 2))
    keys = {"engine": "eager", "memory_budget": 10**6, "folder": tmp_path}
    alone = nngp_ntk(GAP(depth=1), x, threads=1, **keys)
    sizes = len(list(tmp_path.glob("tile-*.npy")))
    shared = nngp_ntk(GAP(depth=1), x, threads=8, **keys)
    assert len(list(tmp_path.glob("tile-*.npy"))) > sizes  # another size of tiles: the case that was refused
    np.testing.assert_allclose(shared.ntk, alone.ntk, rtol=1e-12)


def test_damaged_tiles_are_computed_anew(tmp_path):
    x = np.random.default_rng(7).standard_normal((30, 4, 4, 2))
    keys = {"engine": "eager", "memory_budget": 10**6, "folder": tmp_path, "threads": 1}
    whole = nngp_ntk(GAP(depth=1), x, **keys)
    empty, cut, other, *_ = sorted(tmp_path.glob("tile-*.npy"))
    empty.write_bytes(b"")
    cut.write_bytes(cut.read_bytes()[:-8])
    np.save(other, np.zeros((2, 1, 1)))
    assert (nngp_ntk(GAP(depth=1), x, **keys).ntk == whole.ntk).all()


def test_a_cache_throws_tiles_of_another_matrix_away(tmp_path):
    x = np.random.default_rng(7).standard_normal((6, 4, 4, 2))
    nngp_ntk(GAP(depth=1), x, folder=tmp_path)
    moved = nngp_ntk(GAP(depth=1), x + 1, folder=tmp_path, renew=True)
    assert (moved.ntk == nngp_ntk(GAP(depth=1), x + 1).ntk).all()
    (tmp_path / "gram.json").write_text("")  # the machine lost power, and whose tiles these are is not known
    with pytest.raises(InvalidInputError, match="another Gram matrix"):
        nngp_ntk(GAP(depth=1), x, folder=tmp_path)
    again = nngp_ntk(GAP(depth=1), x, folder=tmp_path, renew=True)
    assert (again.ntk == nngp_ntk(GAP(depth=1), x).ntk).all()


def test_tensors_in_tensors_out_and_safe_in_threads():
    x = torch.from_numpy(np.random.default_rng(8).standard_normal((12, 3, 3, 2)))
    expected = nngp_ntk(VEC(), x.numpy()).ntk
    found = []
    workers = [threading.Thread(target=lambda: found.append(nngp_ntk(VEC(), x).ntk)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert all(isinstance(ntk, torch.Tensor) and (ntk.numpy() == expected).all() for ntk in found)


def test_vec_and_lcn_share_one_kernel_and_zero_images_give_no_nan():
    x = np.random.default_rng(9).standard_normal((4, 4, 4, 1))
    x[0] = 0
    vec, lcn = nngp_ntk(VEC(), x), nngp_ntk(LCN(), x)
    assert (vec.ntk == lcn.ntk).all()
    assert np.isfinite(vec.ntk).all()


X = np.ones((3, 4, 4, 2))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((FCN(), np.ones((3, 4))), "four axes"),
        ((FCN(), np.ones((0, 4, 4, 2))), "every axis"),
        ((FCN(), np.full((3, 4, 4, 2), np.nan)), "NaN or infinity in 3 of 3"),
        ((FCN(), X, np.ones((3, 4, 5, 2))), "differ in image shape"),
        ((VEC(filter=(5, 5)), X), "filter .* larger"),
        ((VEC(initialisation="uniform"), X), "no closed-form kernel"),
        ((VEC(depth=2, padding="valid"), X[:, :3]), "filter .* layer 2"),
        ((VEC(pools=(1,), pool_window=5), X), "pool_window 5"),
        ((FCN(), np.array([[[["a"]]]])), "real numbers"),
    ],
)
def test_bad_input_is_refused_with_a_reason(arguments, message):
    with pytest.raises(InvalidInputError, match=message):
        nngp_ntk(*arguments)


@pytest.mark.parametrize("architecture", [VEC, LCN, GAP])
def test_pools_after_layers_that_are_not_there_are_refused_where_they_are_described(architecture):
    with pytest.raises(InvalidInputError, match=r"pools name layers \[3\], but there are 2 layers"):
        parse_settings(architecture, {"depth": 2, "pools": [1, 3]}, where="model")


def test_a_net_without_hidden_layers_is_refused_where_it_is_described():
    with pytest.raises(InvalidInputError, match=r"depth: Input should be greater than 0 \(got 0\)"):
        parse_settings(FCN, {"depth": 0}, where="model 'fcn'")


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"memory_budget": 1000}, "memory_budget"),
        ({"memory_budget": 1000, "engine": "eager"}, "one image pair needs"),
        ({"engine": "fastest"}, "allowed: 'auto'"),
        ({"dtype": "float16"}, "dtype"),
        ({"threads": -1}, "threads -1 is not allowed; allowed: 1 or more"),
        ({"threads": 0}, "threads 0"),
        ({"threads": -1, "device": ["cpu", "cpu"]}, "threads -1"),
    ],
)
def test_bad_settings_are_refused_before_work(keys, message):
    with pytest.raises(InvalidInputError, match=message):
        nngp_ntk(VEC(), X, **keys)


@pytest.mark.parametrize(
    ("architecture", "shape"),
    [(VEC(pools=(1,)), (4, 4, 2)), (GAP(strides=(2, 2)), (5, 4, 2))],
)
def test_fused_engine_says_where_it_does_not_apply(architecture, shape):
    with pytest.raises(InvalidInputError, match="no pools between layers"):
        nngp_ntk(architecture, np.ones((3, *shape)), engine="fused")


@given(
    seed=st.integers(0, 10**6),
    which=st.sampled_from([VEC, GAP, LCN]),
    size=st.tuples(st.integers(4, 9), st.integers(4, 9)),
    filter=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    strides=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    padding=st.sampled_from(["circular", "same", "valid"]),
    activation=st.sampled_from(["relu", "erf", "gelu"]),
)
@settings(deadline=None, max_examples=40)
def test_engines_agree_on_any_geometry(seed, which, size, filter, strides, padding, activation):
    keys = {"readout": "pool"} if which is LCN else {}
    architecture = which(
        depth=2, filter=filter, strides=strides, padding=padding, activation=activation, b_std=0.1, **keys
    )
    x = np.random.default_rng(seed).standard_normal((5, *size, 2))
    try:
        plain = nngp_ntk(architecture, x[:3], x[3:], engine="eager")
    except InvalidInputError:  # the filter does not fit
        reject()
    compiled = nngp_ntk(architecture, x[:3], x[3:])
    np.testing.assert_allclose(compiled.nngp, plain.nngp, atol=1e-13)
    np.testing.assert_allclose(compiled.ntk, plain.ntk, atol=1e-13)
