"""A fit for a command: a saved one as it is, or a fresh one of the curves that were asked for."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from curvefit.cli.options import Option, block_of_options
from curvefit.cli.output import print_progress
from curvefit.cli.source import read_curves, split_choice
from curvefit.errors import InvalidInputError
from curvefit.exit_codes import ExitCode

if TYPE_CHECKING:
    from curvefit.curves import LearningCurves
    from curvefit.fitting import CurveFit, FitStatus

FitSource = Annotated[
    Path,
    typer.Argument(
        metavar="SOURCE",
        help="A fit saved by 'curvefit fit --save', a table (CSV, TSV, Parquet, JSON lines), or the folder of a "
        "study's records.",
        show_default=False,
    ),
]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Root of all random numbers of the fit.")]


def complete_choice(setting: str) -> Callable[[str], list[str]]:
    """Return what completes the value of a setting of a fit in a shell."""

    def choices(incomplete: str) -> list[str]:
        if setting == "family":
            from curvefit.families import FAMILIES

            known: Sequence[str] = FAMILIES.names()
        else:
            from curvefit.fitting.settings import FitSettings

            known = get_args(FitSettings.model_fields[setting].annotation)
        return [name for name in known if name.startswith(incomplete)]

    return choices


FIT_OPTIONS = {
    "family": Option(
        Annotated[
            str, typer.Option("--family", help="Curve family.", autocompletion=complete_choice("family"))
        ],
        "power-law",
    ),
    "pooling": Option(
        Annotated[
            str,
            typer.Option(
                "--pooling",
                help="How curves inform each other: partial, member, none, full.",
                autocompletion=complete_choice("pooling"),
            ),
        ],
        "partial",
    ),
    "likelihood": Option(
        Annotated[
            str,
            typer.Option(
                "--likelihood",
                help="Noise model; 'auto' looks at the data.",
                autocompletion=complete_choice("likelihood"),
            ),
        ],
        "auto",
    ),
    "method": Option(
        Annotated[
            str,
            typer.Option(
                "--method",
                help="nuts, or approximate: a normal approximation in seconds, whose intervals are not to be quoted.",
                autocompletion=complete_choice("method"),
            ),
        ],
        "nuts",
    ),
    "draws": Option(Annotated[int, typer.Option("--draws", min=50, help="Kept draws per chain.")], 2000),
    "tune": Option(Annotated[int, typer.Option("--tune", min=50, help="Warm-up draws per chain.")], 500),
    "chains": Option(Annotated[int, typer.Option("--chains", min=1, help="Chains.")], 4),
    "seed": Option(Seed, 0),
}


def check_settings(settings: dict[str, Any]) -> None:
    """Raise InvalidInputError or UnknownNameError where an option of the fit has a value that it cannot have."""
    from curvefit.families import get_family
    from curvefit.fitting.settings import FitSettings
    from curvefit.settings import parse_settings

    get_family(parse_settings(FitSettings, settings, where="options of the fit").family)


takes_settings = block_of_options("settings", FIT_OPTIONS, check=check_settings)
"""Give a command the settings of a fit, as its parameter ``settings``."""


def open_fit(
    path: Path, *, seed: int = 0, check: Callable[[LearningCurves], Any] | None = None, **choice: Any
) -> CurveFit:
    """Load the saved fit at `path`, or fit the curves there with default settings.

    Parameters
    ----------
    path
        Folder of a saved fit, table, or record store.
    seed
        Root of all random numbers of a fresh fit.
    check
        Called with the curves before they are fitted, so that what cannot be done with them is said at once.
    choice
        As in `read_curves`; only for a table or a store.

    Raises
    ------
    InvalidInputError
        When something is chosen from a saved fit.
    """
    saved = load_saved_fit(path, **choice)
    if saved is not None:
        return saved
    curves = read_curves(path, **choice)
    if check is not None:
        check(curves)
    return fit_curves(curves, seed=seed)


def load_saved_fit(path: Path, **choice: Any) -> CurveFit | None:
    """Load the saved fit at `path`; None when it is a table or a store."""
    from curvefit.fitting.saved import is_saved_fit, load_fit

    if not is_saved_fit(path):
        return None
    if choice:
        from curvefit.report.sources import asked_words

        asked = asked_words(*split_choice(choice), {})
        raise InvalidInputError(
            f"{path} is a saved fit and used as it is; only a table takes {' '.join(asked)}"
        )
    return load_fit(path)


def fit_curves(curves: LearningCurves, **settings: Any) -> CurveFit:
    """Fit, saying when it begins and how long it took; the sampler shows its own progress on a terminal."""
    from curvefit.fitting import fit

    print_progress(f"fitting {len(curves.triplets)} curve(s)")
    started = time.monotonic()
    fitted = fit(curves, **settings)
    print_progress(f"fitted in {time.monotonic() - started:.0f} s")
    return fitted


def leave_by(status: FitStatus, source: Path) -> None:
    """Leave with the code that belongs to the fit of `source`; return when it converged.

    A saved fit that was interrupted once is not interrupted now: it has not converged.
    """
    from curvefit.fitting.saved import is_saved_fit

    if status.interrupted and not is_saved_fit(source):
        raise typer.Exit(int(ExitCode.INTERRUPTED))
    if not status.converged:
        raise typer.Exit(int(ExitCode.NOT_CONVERGED))
