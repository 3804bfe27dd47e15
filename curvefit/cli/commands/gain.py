"""``curvefit gain``: what alignment is worth, in dimension and in samples, kept apart."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from curvefit.cli.fitted import FitSource, Seed, leave_by, open_fit
from curvefit.cli.output import AsJson, print_json, print_progress, print_table, print_text
from curvefit.cli.source import takes_table


@takes_table
def gain(
    source: FitSource,
    *,
    choice: dict[str, Any],
    baseline: Annotated[
        str | None,
        typer.Option(
            "--baseline",
            "-b",
            help="Label of a model, data or inference, or a transform's name. By default the model with the largest "
            "symmetry group, where the records name groups, or the one called fcn.",
            show_default=False,
        ),
    ] = None,
    link: Annotated[str, typer.Option("--link", help="How an exponent becomes a dimension.")] = "ratio",
    sensitive: Annotated[
        bool,
        typer.Option(
            "--sensitivity",
            help="Also repeat the gains without the smallest sizes, with another family and link, and with each data set "
            "left out: a fit each.",
        ),
    ] = False,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Compare every triplet with its counterpart at a baseline: dimension gain and sample gain.

    Status of the fit first, then a sentence per comparison, what the numbers assume, and a table.
    """
    from curvefit.dimension import baseline_pairs, choose_baseline, get_link, sensitivity, symmetry_gain

    get_link(link)
    fitted = open_fit(
        source,
        seed=seed,
        check=lambda curves: baseline_pairs(curves, curves.triplets, baseline=baseline),
        **choice,
    )
    measured = symmetry_gain(fitted, baseline, link=link)
    varied = None
    if sensitive:
        print_progress("fitting every variant")
        varied = sensitivity(fitted, pairs=measured.pairs)
    if as_json:
        print_json(
            {
                "converged": fitted.status.converged,
                "status": str(fitted.status),
                "baseline": baseline or choose_baseline(fitted.curves, fitted.triplets)[0],
                "link": link,
                "sentences": measured.sentences(),
                "assumptions": measured.assumptions,
                "gains": measured.summary(),
                "sensitivity": None if varied is None else varied.table,
            }
        )
    else:
        print_text(str(measured))
        print_table(measured.overview(), title="gains (factors above 1: the aligned triplet does better)")
        if varied is not None:
            print_text("\n".join(["", *varied.sentences()]))
            print_table(varied.summary(), title="dimension gain under every variant")
    leave_by(fitted.status, source)
