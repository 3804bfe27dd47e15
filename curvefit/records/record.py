"""RunRecord: what happened in one run, self-describing and additive over versions."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from numbers import Integral, Real
from types import NoneType
from typing import Any

from curvefit.errors import InvalidInputError
from curvefit.study.spec import RunSpec
from curvefit.triplet import AXES

SCHEMA_VERSION = 1
STATUSES = ("ok", "diverged", "exception", "timeout", "out-of-memory", "died")
_BRIEF = 300

# Exact types first: they are found at once, and records are read by the hundred thousand.
_KINDS: tuple[tuple[tuple[str, ...], tuple[type, ...], str], ...] = (
    (("run_id", "study", "data", "model", "inference", "status", "metric", "message"), (str,), "text"),
    (("n_train", "seed", "schema_version"), (int, Integral), "a whole number"),
    (("n_errors", "n_test"), (int, NoneType, Integral), "a whole number"),
    (("value", "test_loss", "seconds"), (float, NoneType, Real), "a number"),
)


@dataclass(frozen=True, slots=True)
class RunRecord:
    """What happened in one run.

    Parameters
    ----------
    run_id
        `RunSpec.id`.
    study, data, model, inference
        Study name and the labels of the triplet.
    n_train, seed
        Training-set size and replicate number.
    status
        One of `STATUSES`; anything but ``"ok"`` is a record with a reason in `message`.
    metric
        ``"error-rate"`` (then `n_errors` of `n_test` are wrong) or ``"mse"`` / ``"loss"`` (then `value`).
    n_errors, n_test
        Count of wrong test predictions, and the test-set size.
    value
        The metric's value: ``n_errors / n_test``, or the mean squared error or loss.
    test_loss
        Mean test loss of a classifier, beside its error.
    seconds
        CPU or device seconds of this run alone (a share of the chunk's for shared work).
    spec
        What the `RunSpec` asks for, labels aside: names, settings and versions of the members, the study's seed.
    data_facts, model_facts
        `curvefit.triplet.DataFacts` and `ModelFacts` as dictionaries.
    extra
        Whatever the algorithm reports: chosen hyper-parameters, jitter, condition number, steps.
    provenance
        Code digest, versions, device, operating system, time of writing.
    """

    run_id: str
    study: str
    data: str
    model: str
    inference: str
    n_train: int
    seed: int
    status: str = "ok"
    metric: str = "error-rate"
    n_errors: int | None = None
    n_test: int | None = None
    value: float | None = None
    test_loss: float | None = None
    seconds: float | None = None
    message: str = ""
    spec: dict[str, Any] = field(default_factory=dict)
    data_facts: dict[str, Any] = field(default_factory=dict)
    model_facts: dict[str, Any] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)
    schema_version: int = SCHEMA_VERSION

    def __post_init__(self) -> None:
        for names, kinds, words in _KINDS:
            for name in names:
                if not isinstance(value := getattr(self, name), kinds):
                    raise InvalidInputError(
                        f"run {self.run_id}: {name} must be {words}, is {type(value).__name__} {value!r}"
                    )
        if self.status not in STATUSES:
            raise InvalidInputError(f"status {self.status!r} is not one of {', '.join(STATUSES)}")
        if self.n_errors is not None and not 0 <= self.n_errors <= (self.n_test or 0):
            raise InvalidInputError(
                f"run {self.run_id}: n_errors {self.n_errors} is not within 0..n_test {self.n_test}"
            )

    @classmethod
    def of(cls, spec: RunSpec, *, status: str = "ok", **rest: Any) -> RunRecord:
        """Return the record of the run that `spec` asks for; `rest` holds the fields that tell what came of it."""
        members = {axis: getattr(spec, axis) for axis in AXES}
        content: dict[str, Any] = {
            axis: {"name": member.name, "settings": member.settings, "version": member.version}
            for axis, member in members.items()
        }
        return cls(
            run_id=spec.id,
            study=spec.study,
            **spec.triplet._asdict(),
            n_train=spec.n_train,
            seed=spec.seed,
            status=status,
            spec={**content, "study_seed": spec.study_seed},
            **rest,
        )

    def brief(self) -> dict[str, Any]:
        """Return what a worker reports of the record: id, status, seconds, and the beginning of the message."""
        return {
            "run_id": self.run_id,
            "status": self.status,
            "seconds": self.seconds,
            "message": self.message[:_BRIEF],
        }

    def to_dict(self) -> dict[str, Any]:
        """Return the record as JSON-representable values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> RunRecord:
        """Build a record from `to_dict` output of this or an older version.

        Unknown keys (of a newer version) are kept under ``extra["_unknown"]``: nothing is lost.
        """
        known = {f.name for f in fields(cls)}
        unknown = {k: v for k, v in values.items() if k not in known}
        kept = {k: v for k, v in values.items() if k in known}
        if unknown:
            kept["extra"] = {**kept.get("extra", {}), "_unknown": unknown}
        return cls(**kept)
