"""The curves of the dimension study whose exponents theory knows (kernel regression without noise or ridge).

Spheres: Spigler, Geiger, Wyart, arXiv:1905.10843. Local and convolutional teachers: Favero, Cagnetta, Wyart,
arXiv:2106.08619. Tori: a Laplace kernel on the coordinates that the student sees.
"""

from __future__ import annotations

from typing import NamedTuple

from curvefit.triplet import Triplet

KERNEL, NTK = "interpolation", "ntk"
TORUS = ((2, 1), (3, 1), (3, 2), (4, 2))
"""Dimension of the torus, and coordinates that the target depends on."""
FILTERS = (1, 2, 3)
WIDER = ((1, 2), (1, 3), (2, 3), (1, 6), (2, 6), (3, 6))
"""Filter of the teacher, and the larger one of the student."""
SPHERES = {
    (1, "laplace"): 1.0,
    (2, "laplace"): 0.5,
    (2, "matern-3/2"): 1.5,
    (2, "matern-5/2"): 2.5,
    (3, "matern-3/2"): 1.0,
    (4, "laplace"): 0.25,
    (4, "matern-3/2"): 0.75,
}
"""min(2 nu, 2 (d + 1)) / d, for a student whose kernel has a kink at distance zero (Laplace, ReLU networks)."""


class Row(NamedTuple):
    """A curve whose exponent theory knows, and why."""

    triplet: Triplet
    predicted: float
    says: str


def known_exponents() -> list[Row]:
    """Return every curve of the study whose exponent theory knows."""
    found = []
    for d, k in TORUS:
        data, name = f"torus d={d} d_par={k}", f"T^{d}, target of {k}"
        found += [
            Row(Triplet(data, "full", KERNEL), 1 / d, f"{name}: a student of all coordinates has 1/{d}"),
            Row(Triplet(data, "fcn", NTK), 1 / d, f"{name}: FCN at infinite width has 1/{d}"),
            Row(Triplet(data, f"sees {k}", KERNEL), 1 / k, f"{name}: an invariant student has 1/{k}"),
        ]
    found.append(
        Row(
            Triplet("torus d=3 d_par=1", "sees 2", KERNEL),
            1 / 2,
            "T^3, target of 1: a student of two coordinates has 1/2",
        )
    )
    for s in FILTERS:
        for kind in ("local", "shared"):
            triplet = Triplet(f"convolutional d=6 t={s}", f"{kind} s={s}", KERNEL)
            found.append(Row(triplet, 1 / s, f"Convolutional teacher of filter {s}, {kind} student: 1/{s}"))
    for t, s in WIDER:
        triplet = Triplet(f"convolutional d=6 t={t}", f"local s={s}", KERNEL)
        found.append(
            Row(triplet, 1 / s, f"Teacher of filter {t}, local student of filter {s}: 1/{s}, its own filter")
        )
    local = Triplet("local d=6 t=3", "local s=3", KERNEL)
    found.append(Row(local, 1 / 3, "Local teacher of filter 3, local student: 1/3"))
    for model, kind in (("lcn", "local"), ("gap", "shared")):
        triplet = Triplet("convolutional d=6 t=3", model, NTK)
        found.append(Row(triplet, 1 / 3, f"{model.upper()} at infinite width is a {kind} student: 1/3"))
    for (d, correlation), exponent in SPHERES.items():
        data, name = f"sphere d={d} {correlation}", f"S^{d}, {correlation} teacher"
        found += [
            Row(Triplet(data, "full", KERNEL), exponent, f"{name}, Laplace student: {exponent:g}"),
            Row(Triplet(data, "fcn", NTK), exponent, f"{name}, FCN at infinite width: {exponent:g}"),
        ]
    return found
