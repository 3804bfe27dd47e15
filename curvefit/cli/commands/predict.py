"""``curvefit predict``: the error at larger training sets, or the size that a target error needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from curvefit.cli.fitted import FitSource, Seed, leave_by, load_saved_fit
from curvefit.cli.numbers import parse_error, parse_one_of_sizes
from curvefit.cli.output import AsJson, print_json, print_table, print_text, working
from curvefit.cli.source import read_curves, takes_table

if TYPE_CHECKING:
    from curvefit.curves import LearningCurves
    from curvefit.fitting import CurveFit


@takes_table
def predict(
    source: FitSource,
    *,
    choice: dict[str, Any],
    at: Annotated[
        list[int] | None,
        typer.Option(
            "--at",
            parser=parse_one_of_sizes,
            metavar="SIZE",
            help="Training-set size to predict at; may be repeated.",
        ),
    ] = None,
    target: Annotated[
        float | None,
        typer.Option(
            "--target", parser=parse_error, metavar="ERROR", help="Error to reach: says the size it needs."
        ),
    ] = None,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Forecast with an interval, the last measured value beside it.

    From a table, curve families are mixed with weights from rolling-origin hold-out; from a saved fit, its own
    posterior is continued. Either way the uncertainty grows with the distance from the measured sizes.
    Without --at and --target: twice, four and eight times the largest size.
    """
    from curvefit.fitting import forecast, needed_size, outlook
    from curvefit.fitting.needed_sizes import check_target

    saved = load_saved_fit(source, **choice)
    curves = read_curves(source, **choice) if saved is None else saved.curves
    believed: LearningCurves | CurveFit = curves if saved is None else saved
    if target is not None:
        check_target(target, curves.metric)
    largest = int(curves.usable["n_train"].max())
    status = str(believed if saved is None else saved.status)
    content: dict[str, Any] = {"status": status}
    if saved is not None:
        content["converged"] = saved.status.converged
    texts = [status]
    with working("forecasting"):
        ahead = outlook(believed, seed=seed)
        if target is not None:
            needed = needed_size(ahead, target)
            content["needed"] = needed.summary()
            texts.append(str(needed))
        if at or target is None:
            predicted = forecast(ahead, at or [2 * largest, 4 * largest, 8 * largest])
            content["forecast"], content["notes"] = predicted.summary(), predicted.notes
            texts.append(str(predicted))
    if as_json:
        print_json(content)
    else:
        said = [
            text.removeprefix(status).lstrip() for text in texts[1:]
        ]  # the status once, not with every part
        print_text("\n\n".join([status, *said]))
        for name in ("needed", "forecast"):
            if name in content:
                print_table(content[name], title=name)
    if saved is not None:
        leave_by(saved.status, source)
