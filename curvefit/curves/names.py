"""Names that people give to columns: which one holds the sizes, which the errors, which the labels."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import pandas as pd

from curvefit.curves.numbers import looks_numeric, parse_numbers
from curvefit.curves.quality import METRICS
from curvefit.triplet import AXES

MEASURED = ("n_errors", "value", "accuracy")
PERCENT = "percent"
ACCURACY = "accuracy"
SAID = (PERCENT, ACCURACY)
"""What `metric` may say of a column of values besides a metric's name."""
TEXT = (*AXES, "metric", "status", "seed")

# Known spellings, most telling first; compared in lower case with every other sign removed. In this order roles are
# filled: the narrower names (a standard error) before the wider ones (an error).
SPELLINGS: dict[str, tuple[str, ...]] = {
    "value_se": ("valuese", "se", "stderr", "standarderror", "sem"),
    "chance_error": ("chanceerror", "chance", "chancelevel"),
    "n_test": ("ntest", "testsize", "total"),
    "n_train": ("ntrain", "n", "trainsize", "samples", "examples", "anchor", "m", "size", "trainset", "tokens", "step"),
    "seed": ("seed", "replicate", "rep", "repetition", "trial", "fold", "split"),
    "n_errors": ("nerrors", "errors", "errorcount", "nwrong", "wrong", "mistakes"),
    "value": ("value", "testerror", "error", "err", "y", "loss", "mse"),
    "accuracy": ("testaccuracy", "accuracy", "acc", "score"),
    "metric": ("metric",),
    "data": ("data", "dataset", "datasetid", "openmlid", "task", "problem"),
    "model": ("model", "architecture", "arch", "network", "learner", "estimator", "classifier", "method"),
    "inference": ("inference", "algorithm", "optimizer", "optimiser", "training"),
    "seconds": ("seconds", "time", "runtime", "duration", "cpuseconds"),
    "status": ("status", "state"),
}  # fmt: skip
_TRAINING = {"train", "training", "trained", "labelled", "labeled", "seen"}
_TESTING = {"test", "testing", "eval", "evaluation", "val", "valid", "validation", "dev", "heldout", "held"}
_THINGS = {"examples", "samples", "points", "images", "inputs", "instances", "tokens", "size", "set"}
_NUMBER = {"n", "num", "number", "count", "nr"}
_ERRORS = {"error", "err", "errors", "loss", "nll", "entropy", "perplexity", "mse", "rmse", "mae", "risk"}
_ACCURACIES = {"accuracy", "acc"}
_SCORE = re.compile(
    r"(?<![a-z])(r2|r_?squared|f1|f1_?score|auc|roc|auroc|auprc|precision|recall|mcc|iou|bleu)(?![a-z0-9])"
)
_USUAL = {"rate", "mean", "avg", "average", "top", "1", "percent", "pct", "final", "best", "cross", "value"}
_SPREAD = {
    "se",
    "stderr",
    "sem",
    "std",
    "sd",
    "stdev",
    "var",
    "variance",
    "min",
    "max",
    "lower",
    "upper",
    "ci",
}


def squash(name: str) -> str:
    """Return a name in lower case without any sign."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def words(name: str) -> set[str]:
    """Return the words of a column's name: ``Top-1 testError (%)`` is {top, 1, test, error, percent}."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()
    return set(re.findall(r"[a-z]+|\d+", spaced.replace("%", " percent ").replace("#", " number ")))


def is_training(name: str) -> bool:
    """Tell whether a name speaks of the training set."""
    return bool(words(name) & _TRAINING)


def is_accuracy(name: str) -> bool:
    """Tell whether a name speaks of accuracy, where more is better."""
    return _says_accuracy(words(name))


def is_score(name: str) -> bool:
    """Tell whether a name speaks of a score, more of which is better, that is no share of right answers: F1, AUC, R2."""
    return bool(_SCORE.search(name.lower())) and not words(name) & _ERRORS


def _says_accuracy(said: set[str]) -> bool:
    top_k = "top" in said and any(map(str.isdigit, said)) and not said & _ERRORS
    return bool(said & _ACCURACIES) or top_k


def is_count(name: str) -> bool:
    """Tell whether a name says that it counts errors; a column ``errors`` may hold rates."""
    return bool(words(name) & _NUMBER) or squash(name) in ("nerrors", "nwrong", "errorcount")


def is_spread(name: str) -> bool:
    """Tell whether a name speaks of the spread of a quantity rather than of the quantity."""
    return bool(words(name) & _SPREAD) or {"standard", "error"} <= words(name)


def named_columns(chosen: Mapping[str, object]) -> set[str]:
    """Return the columns that roles were given; a metric's name is none, though a column may be called so too."""
    return {
        column
        for role, column in chosen.items()
        if isinstance(column, str) and not (role == "metric" and column in (*METRICS, *SAID))
    }


def guess_columns(frame: pd.DataFrame, chosen: dict[str, object]) -> dict[str, str]:
    """Return role to column for the roles that are not among `chosen`, as far as names and contents tell.

    Once one measured quantity is chosen (counts, values or accuracies), no other is guessed.
    """
    found: dict[str, str] = {}
    taken = named_columns(chosen)
    free = [column for column in frame.columns if column not in taken]
    for role in SPELLINGS:
        if role in chosen or (role in MEASURED and any(other in chosen for other in MEASURED)):
            continue
        if role in MEASURED[1:] and any(other in found for other in MEASURED):
            continue
        ranked = sorted((_rank(role, column), free.index(column), column) for column in free)
        ranked = [entry for entry in ranked if entry[0] < _NEVER]
        if role in MEASURED[1:] and len(ranked) > 1 and all(curve_name(column) for _, _, column in ranked):
            continue  # error_cnn, error_mlp: a wide table
        for _, _, column in ranked:
            if _fits(role, frame[column]):
                found[role] = column
                free.remove(column)
                break
    return found


def role_called(name: str) -> str | None:
    """Return the role that a column of this name is most likely to have, or None."""
    rank, role = min((_rank(role, name), role) for role in SPELLINGS)
    return role if rank < _NEVER else None


def unreadable_column(frame: pd.DataFrame, roles: Iterable[str], taken: Iterable[object]) -> str | None:
    """Return the column whose name fits one of these roles best although its cells are no numbers, or None."""
    free = [
        c
        for c in frame.columns
        if c not in set(taken) and frame[c].notna().any() and not looks_numeric(frame[c])
    ]
    ranked = sorted((_rank(role, column), free.index(column), column) for role in roles for column in free)
    return ranked[0][2] if ranked and ranked[0][0] < _NEVER else None


def label_columns(frame: pd.DataFrame, free: Iterable[str], sizes: str) -> list[str]:
    """Return the unused columns that tell curves apart: a few values, each of them at several sizes."""
    size = frame[sizes]
    found = []
    for column in free:
        values = frame[column]
        if values.map(pd.api.types.is_hashable).all() and 2 <= values.nunique() <= max(2, len(frame) // 2):
            at = size.groupby(values).nunique()
            if (at >= 2).all():
                found.append(column)
    return found


_NEVER = 1000


def _rank(role: str, column: str) -> int:
    """Return how well a name fits a role: small is good, `_NEVER` is not at all."""
    plain = squash(_inner(column))
    if plain in SPELLINGS[role]:
        return SPELLINGS[role].index(plain)
    if not _speaks_of(role, words(column), column):
        return _NEVER
    return 200 + 100 * ("test" not in words(column))


def curve_name(column: str) -> str:
    """Return what a measured column's name says beyond what was measured: ``cnn`` of ``cnn_error``, perhaps nothing."""
    parts = re.split(r"[\s_/.-]+", _inner(column))
    return "-".join(part for part in parts if not words(part) <= _ERRORS | _ACCURACIES | _TESTING | _USUAL)


def _inner(column: str) -> str:
    """Return a name without the group that trackers put before it: ``config.n_train``."""
    return re.sub(r"^(config|summary|params|metrics|hparams|args)\.", "", column)


def _speaks_of(role: str, said: set[str], column: str) -> bool:
    measured = not is_spread(column) and not said & (_TRAINING | {"chance", "num", "number", "count"})
    if role == "value":
        return measured and bool(said & _ERRORS)
    if role == "accuracy":
        return measured and _says_accuracy(said)
    if role == "value_se":
        return bool(said & {"se", "stderr", "sem"}) or {"standard", "error"} <= said
    if role == "n_test":
        return bool(said & _TESTING and said & (_THINGS | _NUMBER)) and not said & _ERRORS
    if role == "n_train":
        counted = said & _TRAINING and said & (_THINGS | _NUMBER)
        named = said & _NUMBER and said & _THINGS
        sized = "size" in said and said & {"sample", "dataset", "data", "subset"}
        return bool(counted or named or sized) and not said & (_TESTING | _ERRORS | {"time"})
    if role == "n_errors":
        return bool(said & _NUMBER and said & {"errors", "mistakes", "wrong", "misclassified"})
    if role == "seed":
        return ("seed" in said or {"random", "state"} <= said) and not any(map(str.isdigit, said))
    return False


def _fits(role: str, column: pd.Series) -> bool:
    if role in TEXT:
        return role != "inference" or not pd.api.types.is_numeric_dtype(column)
    if not looks_numeric(column):
        return False
    name = str(column.name)
    if role == "n_errors" and not is_count(name):
        counts = parse_numbers(column, where=name).values.dropna()
        return bool((counts % 1 == 0).all())
    return True
