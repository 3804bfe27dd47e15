"""Finite nets against their infinite-width kernels: distance by width, and whole learning curves.

Run: ``python -m tests.benchmarks.infinite_width [--write]`` (about five minutes on one core)
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
import torch

from curvefit.study.spec import Member, RunSpec
from runners.architectures import FCN, GAP, LCN, VEC, AbstractLayeredNet
from runners.kernels import nngp_ntk
from runners.runs import execute_specs, prepare_specs
from runners.training.job import Job, Regime
from runners.training.loop import train_jobs
from runners.training.losses import Loss
from runners.training.rates import safe_rate
from runners.training.rules import Momentum
from runners.training.stack import TrainedPart, stack_builder
from tests.results_pages import keep

ASSETS = Path(__file__).resolve().parents[2] / "docs" / "assets"
SHAPE = (4, 4, 2)
CPU = torch.device("cpu")
ENSEMBLE_TARGET = 8.0
"""Scale of the targets for ensembles: the random initial function, which only averages out, is then small beside them."""


def problem(
    n_train: int, n_test: int, *, scale: float = 1.0
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return training inputs, one regression target for each (a linear function), and test inputs."""
    rng = np.random.default_rng(0)
    x = torch.from_numpy(rng.standard_normal((n_train + n_test, *SHAPE)))
    y = torch.from_numpy(rng.standard_normal(x[0].numel()) / x[0].numel() ** 0.5)
    return x[:n_train], scale * x[:n_train].flatten(1) @ y[:, None], x[n_train:]


def train_to_the_end(
    architecture: AbstractLayeredNet,
    n_nets: int,
    *,
    trained: TrainedPart,
    n_train: int = 12,
    n_test: int = 20,
    target: float = 1e-8,
    steps: int = 20_000,
    scale: float = 1.0,
) -> tuple[np.ndarray, np.ndarray]:
    """Return test predictions of `n_nets` nets ``(net, test)`` fitted by full-batch descent, and the kernel's.

    With ``trained="all"`` nets are centred and the kernel is the NTK; with ``"readout"`` it is the NNGP.
    """
    x, y, x_test = problem(n_train, n_test, scale=scale)
    loss, rule = Loss("mse"), Momentum(0.9)
    build = stack_builder(architecture, SHAPE, 1, trained=trained, centred=trained == "all")
    start = stack_builder(architecture, SHAPE, 1, trained=trained)
    jobs = []
    for seed in range(n_nets):
        rate = safe_rate(start([seed], CPU, torch.float64), x, loss, momentum=0.9)
        jobs.append(Job(x, y, seed=seed, batch_seed=seed, rate=2 * rate, decay=0.0, steps=steps))
    regime = Regime(rule, loss, n_train, stop_loss=target, check_every=50, precision="float64")
    outputs = []
    for _, result in train_jobs(jobs, build, regime, largest_stack=8):
        if result.net is None or result.train_loss > 10 * target:
            raise RuntimeError(f"{architecture}: {result}")
        outputs.append(result.net.predict(x_test)[:, 0].numpy())
    images = np.concatenate([x.numpy(), x_test.numpy()])
    kernels = nngp_ntk(architecture, images)
    kernel = np.asarray(kernels.ntk if trained == "all" else kernels.nngp)
    return np.array(outputs), kernel[n_train:, :n_train] @ np.linalg.solve(
        kernel[:n_train, :n_train], y.numpy()
    )[:, 0]


def measure_distances(widths: tuple[int, ...], n_nets: int) -> dict[str, list[float]]:
    """Return root mean square distances from NTK regression, relative to its size: a list over widths per net."""
    return {
        cls.__name__: [distance_from_ntk(cls(width=width), n_nets) for width in widths]
        for cls in (FCN, LCN, VEC, GAP)
    }


def distance_from_ntk(architecture: AbstractLayeredNet, n_nets: int) -> float:
    """Return the relative distance of nets of one width from NTK regression."""
    outputs, limit = train_to_the_end(architecture, n_nets, trained="all", n_train=6, target=1e-4)
    return float(np.sqrt(np.mean((outputs - limit) ** 2) / np.mean(limit**2)))


def distance_rows(distances: dict[str, list[float]], widths: tuple[int, ...]) -> list[str]:
    """Return table rows: a net each, with the exponent of width."""
    rows = [
        "| net | " + " | ".join(f"width {width}" for width in widths) + " | exponent of width |",
        "|---|" + "---|" * (len(widths) + 1),
    ]
    for name, values in distances.items():
        slope = np.polyfit(np.log(widths), np.log(values), 1)[0]
        rows.append(f"| {name} | " + " | ".join(f"{v:.3f}" for v in values) + f" | {slope:.2f} |")
    return rows


def ensemble_rows(widths: tuple[int, ...], n_nets: int) -> list[str]:
    """Return table rows: mean of an ensemble of last-layer-trained nets against the NNGP posterior mean."""
    rows = ["| net | width | distance of the mean | its standard error |", "|---|---|---|---|"]
    for cls in (FCN, VEC):
        for width in widths:
            outputs, limit = train_to_the_end(
                cls(width=width), n_nets, trained="readout", n_train=6, target=1e-2, scale=ENSEMBLE_TARGET
            )
            size = np.sqrt(np.mean(limit**2))
            distance = np.sqrt(np.mean((outputs.mean(0) - limit) ** 2)) / size
            error = np.sqrt(np.mean(outputs.var(0, ddof=1) / n_nets)) / size
            rows.append(f"| {cls.__name__} | {width} | {distance:.3f} | {error:.3f} |")
    return rows


def curve_records(sizes: tuple[int, ...], seeds: int) -> dict[tuple[str, int], list[float]]:
    """Return test errors of finite LCN and VEC and of their common kernel on shifted Fashion-MNIST."""
    data = Member("shifted", "fashion-mnist", {"fold": 4, "shift": True})
    sgd = Member("sgd", "sgd", {})
    ntk = Member("ntk", "ntk", {})
    members = [("lcn", sgd), ("vec", sgd), ("lcn", ntk)]
    specs = [
        RunSpec("limits", data, Member(model, model, {}), inference, n, seed)
        for model, inference in members
        for n in sizes
        for seed in range(seeds)
    ]
    errors: dict[tuple[str, int], list[float]] = {}
    for record in execute_specs(prepare_specs(specs)):
        if record.value is None:
            raise RuntimeError(f"{record.model} {record.inference} n = {record.n_train}: {record.message}")
        errors.setdefault((f"{record.model} {record.inference}", record.n_train), []).append(record.value)
    return errors


def curve_rows(errors: dict[tuple[str, int], list[float]], sizes: tuple[int, ...]) -> list[str]:
    """Return table rows of mean errors with their spread over seeds."""
    rows = ["| n | LCN, SGD | VEC, SGD | LCN = VEC, NTK |", "|---|---|---|---|"]
    for n in sizes:
        cells = [f"{np.mean(errors[k, n]):.3f} ± {np.std(errors[k, n]):.3f}" for k in CURVES]
        rows.append(f"| {n} | " + " | ".join(cells) + " |")
    return rows


CURVES = {
    "lcn sgd": "LCN, width 32, SGD",
    "vec sgd": "VEC, width 32, SGD",
    "lcn ntk": "LCN = VEC, infinite width (NTK)",
}


def draw(
    distances: dict[str, list[float]],
    widths: tuple[int, ...],
    errors: dict[tuple[str, int], list[float]],
    sizes: tuple[int, ...],
    path: Path,
) -> None:
    """Draw the distance to the limit by width, and the three learning curves with their spread over seeds."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt
    from matplotlib.ticker import FixedLocator, NullLocator, StrMethodFormatter

    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
    for (name, values), marker in zip(distances.items(), "o^sD"):
        left.plot(widths, values, marker=marker, label=name)
    start = max(values[0] for values in distances.values())
    left.plot(widths, [start * (widths[0] / w) ** 0.5 for w in widths], "k:", label="width$^{-1/2}$")
    left.set(xscale="log", yscale="log", xlabel="width", ylabel="relative distance from NTK regression")
    left.set_title("Full-batch descent, all layers")
    for key, style in zip(CURVES, ("o-", "s-", "k--")):
        means = [np.mean(errors[key, n]) for n in sizes]
        spreads = [np.std(errors[key, n]) for n in sizes]
        right.errorbar(sizes, means, spreads, fmt=style, label=CURVES[key], capsize=2)
    right.set(xscale="log", yscale="log", xlabel="training images", ylabel="test error")
    right.set_title("Shifted Fashion-MNIST, 7 x 7 x 16")
    for axes, ticks in ((left, widths), (right, sizes)):
        axes.xaxis.set_major_locator(FixedLocator(ticks))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:.0f}"))
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:.2g}"))
        axes.yaxis.set_minor_formatter(StrMethodFormatter("{x:.2g}"))
        axes.legend()
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
    plt.close(figure)


def main(arguments: list[str]) -> None:
    """Print the tables; with ``--write`` keep them, and the figure, in docs."""
    torch.set_num_threads(1)
    began = time.process_time()
    widths, widest, sizes, seeds, ensemble = (16, 64, 256), 1024, (64, 128, 256, 512, 1024), 3, 256
    errors = curve_records(sizes, seeds)
    distances = measure_distances(widths, 4)
    lines = [
        "# Finite nets and their infinite-width kernels",
        "",
        "Command: `python -m tests.benchmarks.infinite_width --write`.",
        "",
        "![Distance from NTK regression by width; test error against training images](../assets/finite-width.svg)",
        "",
        "## Training all layers: distance to NTK regression",
        "",
        "Nets of two hidden layers, minus their initial function, fitted to a linear function of 6 random 4 x 4 x 2",
        "images by full-batch descent in float64 until the loss is below 1e-4; root mean square distance of their",
        "predictions on 20 new images from NTK regression, relative to its size; 4 nets a cell. Theory: width to the",
        "-1/2 or faster.",
        "",
        *distance_rows(distances, widths),
        "",
        f"For FCN at width {widest}: {distance_from_ntk(FCN(width=widest), 4):.3f} (4 nets).",
        "",
        "## Training the last layer: ensembles against the NNGP",
        "",
        f"Mean over {ensemble} nets of which the readout alone is trained, on targets {ENSEMBLE_TARGET:g} times as large, beside the NNGP",
        "posterior mean; relative to its size. The distance tends to 0 with width, its standard error with the number of nets.",
        "",
        *ensemble_rows((64, 256), ensemble),
        "",
        "## LCN, VEC and their common kernel",
        "",
        "Test error on 2,000 images of shifted Fashion-MNIST (7 x 7 x 16), nets of width 32 trained by SGD as it is by default",
        f"(cross-entropy); mean ± standard deviation over {seeds} seeds. At infinite width LCN and VEC have one kernel.",
        "",
        *curve_rows(errors, sizes),
        "",
        f"{time.process_time() - began:.0f} CPU-seconds.",
        "",
    ]
    text = "\n".join(lines)
    print(text)
    if "--write" in arguments:
        draw(distances, widths, errors, sizes, ASSETS / "finite-width.svg")
        keep("infinite-width", text)


if __name__ == "__main__":
    main(sys.argv[1:])
