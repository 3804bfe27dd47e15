"""Kernels against google/neural-tangents, and whole curves against single fits, in CPU time.

Run as ``python -m tests.benchmarks.kernels --reference PYTHON [--write]``, where PYTHON is the interpreter of an
environment with neural-tangents 0.6.5 and jax == jaxlib == 0.4.28; without it only our own times are measured.
Both sides use one thread, take turns, and are compiled before the clock starts; the least of the repeats
counts. Writes ``docs/results/kernels.md``.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np

from tests.results_pages import keep

CASES = [
    # label, architecture, image, images, depth, padding
    ("FCN 28x28x1, depth 3", "fcn", (28, 28, 1), 2000, 3, "same"),
    ("FCN 8x8x1, depth 3", "fcn", (8, 8, 1), 2000, 3, "same"),
    ("VEC 28x28x1, depth 3", "vec", (28, 28, 1), 192, 3, "same"),
    ("VEC 7x7x16, depth 2, circular", "vec", (7, 7, 16), 768, 2, "circular"),
    ("GAP 14x14x4, depth 2", "gap", (14, 14, 4), 32, 2, "same"),
    ("GAP 7x7x16, depth 2, circular", "gap", (7, 7, 16), 96, 2, "circular"),
]
FLOOR_FLOPS = 40
"""Operations of one pixel pair in one layer that no formulation avoids."""

REFERENCE = r"""
import json, os, resource, sys, time
import jax
import numpy as np
import neural_tangents as nt
from neural_tangents import stax
for line in sys.stdin:
    case = json.loads(line)
    jax.config.update("jax_enable_x64", case["dtype"] == "float64")
    jax.clear_caches()
    x = np.random.RandomState(0).standard_normal((case["n"], *case["image"])).astype(case["dtype"])
    layers = [stax.Flatten()] if case["kind"] == "fcn" else []
    for _ in range(case["depth"]):
        if case["kind"] == "fcn":
            layers.append(stax.Dense(1, 2**0.5, 0.1))
        else:
            layers.append(stax.Conv(1, (3, 3), (1, 1), case["padding"].upper(), 2**0.5, 0.1))
        layers.append(stax.Relu())
    layers += {"fcn": [], "vec": [stax.Flatten()], "gap": [stax.GlobalAvgPool()]}[case["kind"]]
    kernel = stax.serial(*layers, stax.Dense(1, 2**0.5, 0.1))[2]
    function = jax.jit(lambda a: kernel(a, None, ("nngp", "ntk")))
    if case["kind"] == "gap":
        batched = nt.batch(kernel, batch_size=16, device_count=0)
        function = lambda a: batched(a, None, ("nngp", "ntk"))
    def run():
        result = function(x)
        return np.asarray(result.nngp), np.asarray(result.ntk)
    run()
    best = 1e9
    for _ in range(case["repeats"]):
        start = time.process_time()
        nngp, ntk = run()
        best = min(best, time.process_time() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(json.dumps({"seconds": best, "probe": [float(nngp[0, 1]), float(ntk[0, 1])], "peak": peak}), flush=True)
"""


def least_seconds(work: Callable[[], object], repeats: int) -> float:
    """Return the least CPU seconds of `repeats` calls."""
    found = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        found.append(time.process_time() - start)
    return min(found)


def open_reference(python: str | None) -> subprocess.Popen | None:
    """Start neural-tangents in its own interpreter, with one thread."""
    if python is None:
        return None
    flags = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    environment = {**os.environ, "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu", "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [python, "-W", "ignore", "-c", REFERENCE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
    )


def compare_kernels(reference: subprocess.Popen | None, *, repeats: int) -> list[str]:
    """Return Markdown rows: our time, theirs, the ratio, and the distance to the floor."""
    from runners.architectures import FCN, GAP, VEC
    from runners.kernels import nngp_ntk

    square = np.random.default_rng(0).standard_normal((1500, 1500))
    peak = 2 * 1500**3 / least_seconds(lambda: square @ square, 3) / 1e9
    rows = [
        f"Matrix products of this machine reach {peak:.0f} GFLOP/s in float64 on one thread (the roof of the last column).",
        "",
        "| kernel | n | precision | ours, s | neural-tangents, s | ratio | µs a pair | GFLOP/s at 40 flops | of roof |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for label, kind, image, n, depth, padding in CASES:
        settings = {"depth": depth, "b_std": 0.1}
        if kind != "fcn":
            settings["padding"] = padding
        architecture = {"fcn": FCN, "vec": VEC, "gap": GAP}[kind](**settings)
        for dtype in ("float64", "float32"):
            x = np.random.RandomState(0).standard_normal((n, *image)).astype(dtype)

            def ours(x=x, dtype=dtype, architecture=architecture):
                return nngp_ntk(architecture, x, dtype=dtype, threads=1)

            kernels = ours()
            seconds = least_seconds(ours, repeats)
            theirs, ratio = "", ""
            if reference is not None and reference.stdin and reference.stdout:
                case = {"kind": kind, "image": image, "n": n, "depth": depth, "padding": padding,
                        "dtype": dtype, "repeats": repeats}  # fmt: skip
                reference.stdin.write(json.dumps(case) + "\n")
                reference.stdin.flush()
                answer = json.loads(reference.stdout.readline())
                tolerance = 1e-9 if dtype == "float64" else 1e-3
                np.testing.assert_allclose(
                    [kernels.nngp[0, 1], kernels.ntk[0, 1]], answer["probe"], rtol=tolerance
                )
                seconds = min(seconds, least_seconds(ours, repeats))
                theirs, ratio = f"{answer['seconds']:.3g}", f"{answer['seconds'] / seconds:.1f}"
            pairs = n * (n + 1) / 2
            pixels = 1 if kind == "fcn" else image[0] * image[1]
            entries = depth * (_overlaps(image, padding) if kind == "gap" else pixels)
            inputs = 2 * image[2] * (image[0] * image[1] if kind == "fcn" else entries / depth)
            rate = pairs * (entries * FLOOR_FLOPS + inputs) / seconds / 1e9
            roof = peak * (1 if dtype == "float64" else 2)
            rows.append(
                f"| {label} | {n} | {dtype} | {seconds:.3g} | {theirs} | {ratio} | "
                f"{seconds / pairs * 1e6:.3g} | {rate:.1f} | {rate / roof:.0%} |"
            )
            print(rows[-1], file=sys.stderr, flush=True)
    return rows


def _overlaps(image: tuple[int, int, int], padding: str) -> int:
    """Return how many pixel pairs a pooled kernel carries per layer (all of them, whatever the padding)."""
    return (image[0] * image[1]) ** 2


OURS = r"""
import json, resource, sys
import numpy as np
from runners.architectures import FCN, GAP
from runners.kernels import nngp_ntk
case = json.loads(sys.stdin.readline())
x = np.random.RandomState(0).standard_normal((case["n"], *case["image"]))
settings = {} if case["kind"] == "fcn" else {"padding": case["padding"]}
nngp_ntk({"fcn": FCN, "gap": GAP}[case["kind"]](depth=case["depth"], b_std=0.1, **settings), x, threads=1)
print(json.dumps({"peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20}))
"""


def compare_memory(python: str) -> list[str]:
    """Return Markdown rows: peak resident memory of a fresh process that computes one matrix."""
    rows = ["| kernel | n | result, GB | ours, GB | neural-tangents, GB |", "|---|---|---|---|---|"]
    for label, kind, image, n, depth, padding in (
        ("FCN 28x28x1, depth 3", "fcn", (28, 28, 1), 4000, 3, "same"),
        ("GAP 14x14x4, depth 2", "gap", (14, 14, 4), 16, 2, "same"),
    ):
        case = {"kind": kind, "image": image, "n": n, "depth": depth, "padding": padding,
                "dtype": "float64", "repeats": 1}  # fmt: skip
        peaks = [
            json.loads(
                subprocess.run(
                    [interpreter, "-W", "ignore", "-c", script], input=json.dumps(case) + "\n", text=True,
                    capture_output=True, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"},
                ).stdout
            )["peak"]
            for interpreter, script in ((sys.executable, OURS), (python, REFERENCE))
        ]  # fmt: skip
        rows.append(f"| {label} | {n} | {2 * n * n * 8 / 1e9:.2g} | {peaks[0]:.2f} | {peaks[1]:.2f} |")
        print(rows[-1], file=sys.stderr, flush=True)
    return rows


def measure_largest(*, n: int, n_test: int, points: int) -> list[str]:
    """Return a sentence: seconds and peak memory of the largest problem, images to predictions."""
    from runners.architectures import FCN
    from runners.kernels import nngp_ntk
    from runners.kernels.factor import factorise
    from runners.kernels.regression import predict_prefixes

    random = np.random.default_rng(0)
    x = random.standard_normal((n + n_test, 28, 28, 1))
    y = random.standard_normal((n, 10))
    architecture = FCN(depth=3, b_std=0.1)
    start = time.process_time()
    train, test = nngp_ntk(architecture, x[:n], threads=1), nngp_ntk(architecture, x[:n], x[n:], threads=1)
    kernels = time.process_time() - start
    factor = factorise(train.ntk, ridge=1e-6, overwrite=True)
    factored = time.process_time() - start - kernels
    sizes = [int(size) for size in np.linspace(n / points, n, points)]
    for _ in predict_prefixes(factor, y, test.ntk, sizes):
        pass
    total = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return [
        (
            f"FCN of depth 3 on 28x28x1 images, n = {n:,}, {n_test:,} test images, float64, {points} sizes: kernels "
            f"{kernels:.0f} s, factorisation with condition number {factored:.0f} s, predictions "
            f"{total - kernels - factored:.0f} s; peak resident memory {peak:.1f} GB, both Gram matrices "
            f"({2 * n * n * 8 / 1e9:.1f} GB) and the images included."
        )
    ]


def compare_curves(*, n: int, n_test: int, points: int, repeats: int) -> list[str]:
    """Return Markdown rows: a curve of many sizes against fits of single sizes."""
    from runners.architectures import FCN
    from runners.kernels import nngp_ntk
    from runners.kernels.factor import factorise
    from runners.kernels.regression import predict_prefixes

    random = np.random.default_rng(0)
    x = random.standard_normal((n + n_test, 8, 8, 1))
    architecture = FCN(depth=3, b_std=0.1)
    gram = nngp_ntk(architecture, x[:n], threads=1).ntk
    cross = nngp_ntk(architecture, x[:n], x[n:], threads=1).ntk
    y = random.standard_normal((n, 10))

    def fit(sizes):
        return dict(predict_prefixes(factorise(gram, ridge=1e-6), y, cross, sizes))

    sizes = [int(size) for size in np.linspace(n / points, n, points)]
    single, curve = (least_seconds(lambda s=s: fit(s), repeats) for s in ([n], sizes))
    row = f"| {n} | {n_test} | {points} | {single:.2f} | {curve:.2f} | {curve / single:.2f} |"
    print(row, file=sys.stderr, flush=True)
    return [row]


def make_table(python: str | None, *, repeats: int) -> str:
    """Measure everything and return the Markdown page."""
    command = "python -m tests.benchmarks.kernels --reference PYTHON --write"
    lines = [
        "# Kernels: speed against google/neural-tangents",
        "",
        f"Command: `{command}`. CPU seconds of NNGP and NTK together, one thread each side, in one run, compiled",
        f"before the clock starts; least of {repeats} repeats (ours twice as many, before and after). Theirs is",
        "neural-tangents 0.6.5 under jit with jax 0.4.28; its pooled kernels in batches of 16, as its memory asks.",
        "",
    ]
    reference = open_reference(python)
    try:
        lines += compare_kernels(reference, repeats=repeats)
    finally:
        if reference is not None:
            reference.kill()
            reference.wait()
    if python is not None:
        lines += ["", "## Peak memory", "", "Of a fresh process, interpreter and libraries included.", ""]
        lines += compare_memory(python)
    lines += [
        "",
        "## A whole curve against a single fit",
        "",
        "Factorisation, solve and predictions of 10 outputs; the Gram matrix is given.",
        "",
        "| n | n_test | sizes | one size, s | all sizes, s | ratio |",
        "|---|---|---|---|---|---|",
    ]
    for n in (2000, 5000):
        lines += compare_curves(n=n, n_test=2000, points=40, repeats=repeats)
    lines += ["", "## The largest size", "", *measure_largest(n=20_000, n_test=2000, points=40)]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, print, and write the page when asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reference", help="interpreter of an environment with neural-tangents")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    page = make_table(arguments.reference, repeats=arguments.repeats)
    print(page)
    if arguments.write:
        keep("kernels", page)


if __name__ == "__main__":
    main()
