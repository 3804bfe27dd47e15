"""``curvefit design``: which runs to add, by what they tell about the exponents for their price."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from curvefit.cli.fitted import FitSource, Seed, leave_by, open_fit
from curvefit.cli.numbers import parse_one_of_sizes
from curvefit.cli.output import AsJson, print_json, print_table, print_text
from curvefit.cli.source import takes_table


@takes_table
def design(
    source: FitSource,
    *,
    choice: dict[str, Any],
    size: Annotated[
        list[int] | None,
        typer.Option(
            "--size",
            parser=parse_one_of_sizes,
            metavar="SIZE",
            help="Training-set size to consider; may be repeated.",
        ),
    ] = None,
    seeds: Annotated[
        list[int] | None,
        typer.Option(
            "--seeds",
            min=1,
            help="Runs per proposal, by default 1, 2 and 4; may be repeated.",
            show_default=False,
        ),
    ] = None,
    top: Annotated[int, typer.Option("--top", min=1, help="How many proposals to show.")] = 10,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Rank (triplet, size, seeds) proposals by information on the exponents per second.

    Per example instead, for all of them, unless seconds are recorded at two sizes of every curve or more.
    """
    from curvefit.fitting import design as rank

    fitted = open_fit(source, seed=seed, **choice)
    table = rank(fitted, sizes=size, **({"seeds": seeds} if seeds else {}))
    best = table.head(top)
    if as_json:
        print_json({"converged": fitted.status.converged, "status": str(fitted.status), "proposals": best})
    else:
        first = best.iloc[0]
        print_text(str(fitted.status))
        print_text(
            f"Run next: {first['data']} | {first['model']} | {first['inference']} at n = {first['n_train']:,} with "
            f"{first['seeds']} seed(s): the spread of its log exponent would fall from "
            f"{first['exponent_sd_now']:.3f} to {first['exponent_sd_after']:.3f} for {first['cost']:.3g} {first['cost_unit']}."
        )
        unit = first["cost_unit"].removesuffix("s")
        print_table(best, title=f"best {len(best)} of {len(table)} proposals, by information per {unit}")
    leave_by(fitted.status, source)
