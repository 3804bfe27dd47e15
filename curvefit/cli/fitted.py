"""A fit for a command: a saved one as it is, or a fresh one of the curves that were asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from curvefit.cli.output import working
from curvefit.cli.source import read_curves

if TYPE_CHECKING:
    from curvefit.curves import LearningCurves
    from curvefit.fitting import CurveFit

FIT_FILE = "fit.json"

FitSource = Annotated[
    Path,
    typer.Argument(
        help="A fit saved by 'curvefit fit --save', a table (CSV, TSV, Parquet, JSON lines), or the folder of a "
        "study's records.",
        show_default=False,
    ),
]
Family = Annotated[str, typer.Option("--family", help="Curve family.")]
Pooling = Annotated[
    str, typer.Option("--pooling", help="How curves inform each other: partial, member, none, full.")
]
Likelihood = Annotated[str, typer.Option("--likelihood", help="Noise model; 'auto' looks at the data.")]
Method = Annotated[
    str,
    typer.Option(
        "--method",
        help="nuts, or approximate: a normal approximation in seconds, whose intervals are not to be quoted.",
    ),
]
Draws = Annotated[int, typer.Option("--draws", min=50, help="Kept draws per chain.")]
Tune = Annotated[int, typer.Option("--tune", min=50, help="Warm-up draws per chain.")]
Chains = Annotated[int, typer.Option("--chains", min=1, help="Chains.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Root of all random numbers of the fit.")]


def is_saved_fit(path: Path) -> bool:
    """Tell whether `path` is a folder that `CurveFit.save` wrote."""
    return (path / FIT_FILE).is_file()


def open_fit(path: Path, *, columns: list[str] | None = None, seed: int = 0) -> CurveFit:
    """Load the saved fit at `path`, or fit the curves there with default settings.

    Parameters
    ----------
    path
        Folder of a saved fit, table, or record store.
    columns
        Column mapping of a table.
    seed
        Root of all random numbers of a fresh fit.
    """
    if is_saved_fit(path):
        from curvefit.fitting import load_fit

        return load_fit(path)
    return fit_curves(read_curves(path, columns=columns), seed=seed)


def fit_curves(curves: LearningCurves, **settings: Any) -> CurveFit:
    """Fit with a sign of life while it lasts."""
    from curvefit.fitting import fit

    make: Callable[..., CurveFit] = fit
    with working(f"fitting {len(curves.triplets)} curve(s)"):
        return make(curves, **settings)
