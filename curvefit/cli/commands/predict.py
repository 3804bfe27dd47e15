"""``curvefit predict``: the error at larger training sets, or the size that a target error needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from curvefit.cli.exit_codes import ExitCode
from curvefit.cli.fitted import FitSource, Seed, is_saved_fit
from curvefit.cli.output import AsJson, print_json, print_table, print_text, working
from curvefit.cli.source import Columns, DataPattern, InferencePattern, Metric, ModelPattern, read_curves
from curvefit.errors import InvalidInputError

if TYPE_CHECKING:
    from curvefit.curves import LearningCurves
    from curvefit.fitting import CurveFit


def predict(
    source: FitSource,
    at: Annotated[
        list[float] | None, typer.Option("--at", help="Training-set size to predict at; may be repeated.")
    ] = None,
    target: Annotated[
        float | None, typer.Option("--target", help="Error to reach: says the size it needs.")
    ] = None,
    column: Columns = None,
    data: DataPattern = None,
    model: ModelPattern = None,
    inference: InferencePattern = None,
    metric: Metric = None,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Forecast with an interval, the last measured value beside it.

    From a table, curve families are mixed with weights from rolling-origin hold-out; from a saved fit, its own
    posterior is continued. Either way the uncertainty grows with the distance from the measured sizes.
    Without --at and --target: twice, four and eight times the largest size.
    """
    from curvefit.fitting.forecasts import forecast, needed_size

    believed: LearningCurves | CurveFit
    if is_saved_fit(source):
        from curvefit.fitting import load_fit

        if column or data or model or inference or metric:
            raise InvalidInputError(
                "a saved fit is continued as it is: --column, --data, --model... need a table"
            )
        fitted = load_fit(source)
        believed, largest, status, converged = (
            fitted,
            _largest(fitted.curves),
            str(fitted.status),
            fitted.status.converged,
        )
    else:
        curves = read_curves(
            source, columns=column, data=data, model=model, inference=inference, metric=metric
        )
        believed, largest, status, converged = curves, _largest(curves), str(curves), True
    content: dict[str, Any] = {"status": status, "converged": converged}
    texts = [status]
    with working("forecasting"):
        if target is not None:
            needed = needed_size(believed, target, seed=seed)
            content["needed"] = needed.summary()
            texts.append(str(needed))
        if at or target is None:
            predicted = forecast(believed, at or [2 * largest, 4 * largest, 8 * largest], seed=seed)
            content["forecast"], content["notes"] = predicted.summary(), predicted.notes
            texts.append(str(predicted))
    if as_json:
        print_json(content)
    else:
        print_text("\n\n".join(texts))
        for name in ("needed", "forecast"):
            if name in content:
                print_table(content[name], title=name)
    if not converged:
        raise typer.Exit(int(ExitCode.NOT_CONVERGED))


def _largest(curves: LearningCurves) -> int:
    return int(curves.usable["n_train"].max())
