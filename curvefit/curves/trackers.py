"""Exports of experiment trackers and databases: Weights & Biases CSV, MLflow CSV, LCDB JSON."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd

from curvefit.errors import InvalidInputError

_SIZE = re.compile(
    r"(^|[._/ -])(n_?train|n_?samples|train(ing)?_?(set_?)?size|dataset_size|num_train)$", re.I
)
_ERROR = re.compile(r"(test|val|eval|valid\w*)?[/_ .-]?(error(_rate)?|err|loss|mse|acc(uracy)?)$", re.I)


def is_wandb(frame: pd.DataFrame) -> bool:
    """Tell whether a table looks like a chart export of Weights & Biases (with its __MIN and __MAX)."""
    names = [str(c) for c in frame.columns]
    return any(c.endswith("__MIN") for c in names) and any(c.endswith("__MAX") for c in names)


def read_wandb(frame: pd.DataFrame) -> pd.DataFrame:
    """Turn a chart export of Weights & Biases into rows: the first column is the size, every run a curve.

    A run ``gap-sgd_seed3 - test/error`` becomes model ``gap-sgd`` with seed 3.
    """
    names = [str(c) for c in frame.columns]
    size = names[0]
    pieces = []
    for name in names[1:]:
        if name.endswith(("__MIN", "__MAX")):
            continue
        run, _, quantity = name.rpartition(" - ")
        run, seed = _split_seed(run or quantity)
        part = pd.DataFrame({"n_train": frame[size], "model": run, "seed": seed, "quantity": quantity})
        pieces.append(
            part.assign(value=frame[name].replace(r"^\s*$", np.nan, regex=True)).dropna(subset=["value"])
        )
    if not pieces:
        raise InvalidInputError("the Weights & Biases export holds no run")
    table = pd.concat(pieces, ignore_index=True)
    quantities = list(table["quantity"].unique())
    if len(quantities) > 1:
        raise InvalidInputError(
            f"the Weights & Biases export mixes {', '.join(quantities)}: export one chart"
        )
    column = "accuracy" if re.search(r"acc", quantities[0], re.I) else quantities[0].split("/")[-1]
    column = column if column not in ("n_train", "model", "seed") else "value"
    table = table.rename(columns={"value": column}).drop(columns="quantity")
    return table if (table["seed"] >= 0).all() else table.drop(columns="seed")


def is_mlflow(frame: pd.DataFrame) -> bool:
    """Tell whether a table looks like an MLflow run search: params.* and metrics.* columns."""
    names = [str(c) for c in frame.columns]
    return any(c.startswith("params.") for c in names) and any(c.startswith("metrics.") for c in names)


def read_mlflow(frame: pd.DataFrame) -> pd.DataFrame:
    """Turn an MLflow run search (``mlflow.search_runs(...).to_csv``) into rows, one a run."""
    params = {c: c[len("params.") :] for c in frame.columns if c.startswith("params.")}
    metrics = {c: c[len("metrics.") :] for c in frame.columns if c.startswith("metrics.")}
    sizes = [c for c, name in params.items() if _SIZE.search(name) or name.lower() in ("n", "size")]
    if not sizes:
        raise InvalidInputError(
            f"no parameter of the MLflow runs is a training-set size; parameters: {', '.join(params.values())}. "
            "Rename one to n_train"
        )
    errors = sorted((c for c, m in metrics.items() if _ERROR.search(m)), key=lambda c: _rank(metrics[c]))
    if not errors:
        raise InvalidInputError(
            f"no metric of the MLflow runs is an error or loss; metrics: {', '.join(metrics.values())}"
        )
    kept = {sizes[0]: "n_train", errors[0]: metrics[errors[0]], "status": "status"}
    wanted = (
        "data",
        "dataset",
        "model",
        "architecture",
        "inference",
        "optimizer",
        "algorithm",
        "seed",
        "n_test",
    )
    kept |= {c: name for c, name in params.items() if name in wanted}
    return frame[[c for c in kept if c in frame.columns]].rename(columns=kept)


def is_lcdb(content: Any) -> bool:
    """Tell whether JSON content is an LCDB export: records with an openml id, a learner and anchors."""
    first = content[0] if isinstance(content, list) and content else content
    return isinstance(first, dict) and {"learner"} <= first.keys() and bool(_anchors(first))


def read_lcdb(content: Any) -> pd.DataFrame:
    """Turn LCDB records into rows.

    A record holds ``openmlid`` (or ``dataset_id``), ``learner``, the sizes (``size_train``, ``anchors`` or
    ``anchor_prediction``) and one of ``error_rate``, ``scores_test``, ``test_err`` or ``mean_test``, lists
    of the same length or single numbers; ``scores_test`` are accuracies, as in LCDB 1.0.
    """
    pieces = []
    for record in content if isinstance(content, list) else [content]:
        sizes = np.atleast_1d(np.asarray(record[_anchors(record)], float))
        name = next(
            (k for k in ("error_rate", "test_err", "scores_test", "mean_test", "score_test") if k in record),
            None,
        )
        if name is None:
            raise InvalidInputError(f"an LCDB record has no test score; keys: {', '.join(record)}")
        value = np.atleast_1d(np.asarray(record[name], float))
        if value.shape[0] != sizes.shape[0]:
            raise InvalidInputError(
                f"an LCDB record has {sizes.shape[0]} sizes but {value.shape[0]} values of {name}"
            )
        value = value.reshape(len(sizes), -1)
        error = value if name in ("error_rate", "test_err") else 1 - value
        replicates = error.shape[1]
        seeds = record.get("outer_seed", record.get("seed"))
        part: dict[str, Any] = {
            "data": str(record.get("openmlid", record.get("dataset_id", "data"))),
            "model": str(record["learner"]),
            "n_train": np.repeat(sizes, replicates),
            "error_rate": error.ravel(),
        }
        if seeds is not None or replicates > 1:
            part["seed"] = seeds if np.isscalar(seeds) else np.tile(np.arange(replicates), len(sizes))
        pieces.append(pd.DataFrame(part))
    return pd.concat(pieces, ignore_index=True)


def _anchors(record: dict[str, Any]) -> str | None:
    return next((k for k in ("size_train", "anchors", "anchor", "anchor_prediction") if k in record), None)


def _split_seed(run: str) -> tuple[str, int]:
    found = re.search(r"[-_ .]?(?:seed|rep|s)[-_= ]?(\d+)$", run, re.I)
    return (run[: found.start()] or run, int(found[1])) if found else (run, -1)


def _rank(name: str) -> tuple[bool, bool, str]:
    return ("test" not in name.lower(), "err" not in name.lower(), name)
