"""From what is asked to what happened: RunSpec -> Run -> Outcome -> RunRecord.

The only place where specs meet the registries. Nothing here trains: the algorithms do.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from functools import lru_cache
from typing import Any

from curvefit.errors import CurvefitError, InvalidInputError, MissingDatasetError
from curvefit.records.record import RunRecord
from curvefit.records.store import RecordStore
from curvefit.registry import Registry
from curvefit.settings import Settings, parse_settings
from curvefit.study.spec import Member, RunSpec
from curvefit.study.study import Study
from curvefit.triplet import AXES
from runners.algorithms import ALGORITHMS
from runners.algorithms.abstract import Outcome, Run
from runners.architectures import ARCHITECTURES
from runners.datasets import DATASETS
from runners.datasets.abstract import AbstractDataset
from runners.mistakes import Built, broken_laws, refusals, same_work, size_mistakes
from runners.model_facts import describe_model
from runners.provenance import provenance

REGISTRIES: Mapping[str, Registry] = {
    "data": DATASETS,
    "model": ARCHITECTURES,
    "inference": ALGORITHMS,
}


@lru_cache(maxsize=512)
def build_member(axis: str, member: Member) -> Settings:
    """Return the component a member describes, or raise with every mistake in its settings."""
    component = REGISTRIES[axis][member.name]
    return parse_settings(component, member.settings, where=f"{axis} {member.label!r}")


def build_run(spec: RunSpec) -> Run:
    """Return `spec` with its three components built.

    Raises
    ------
    UnknownNameError, InvalidInputError
        For an unknown component, or settings that it does not accept.
    """
    parts = [build_member(axis, getattr(spec, axis)) for axis in AXES]
    return Run(spec, *parts)  # type: ignore[arg-type]


def prepare_study(study: Study) -> tuple[list[RunSpec], list[str]]:
    """Check a study and return its specs in canonical form, with notices for the user.

    A dataset that is not installed is replaced by the study's declared stand-in; the notice says so
    and every label carries the stand-in's name. Sizes that the stand-in has not are left out. Without a stand-in the error stands.

    Raises
    ------
    InvalidInputError
        One error that lists every mistake (see `prepare_specs`), or every stand-in that could not be built, on
        whatever machine it is needed.
    """
    if mistakes := _wrong_fallbacks(study):
        raise InvalidInputError("\n".join(mistakes))
    notices: list[str] = []
    available: dict[str, int] = {}
    for name in dict.fromkeys(entry.member.name for entry in study.data):
        if name not in study.fallback:
            continue
        member = next(entry.member for entry in study.data if entry.member.name == name)
        try:
            build_member("data", member).facts()  # type: ignore[attr-defined]
        except MissingDatasetError as error:
            if "folder" in member.settings:
                raise
            study, largest, notice = _stand_in(study, name, error)
            available |= largest
            notices.append(notice)
    specs = prepare_specs(
        spec for spec in study.specs() if spec.n_train <= available.get(spec.data.label, spec.n_train)
    )
    return specs, [*notices, *_remarks(specs)]


def _stand_in(study: Study, name: str, error: MissingDatasetError) -> tuple[Study, dict[str, int], str]:
    """Return the study with its stand-in for dataset `name`, the largest sizes that has by label, and the notice."""
    changed, stand_in = study.with_fallback(name), study.fallback[name].name
    members = [new.member for old, new in zip(study.data, changed.data) if old != new]
    sizes = {m.label: build_member("data", m).largest_n_train(study.seed) for m in members}  # type: ignore[attr-defined]
    largest = {label: most for label, most in sizes.items() if most is not None}
    left_out = f"; sizes above its {min(largest.values()):,} are left out" if largest else ""
    notice = (
        f"NOT {name}: {error}. This study runs on {stand_in!r} instead, and says so in every label{left_out}."
    )
    return changed, largest, notice


def _wrong_fallbacks(study: Study) -> list[str]:
    mistakes: dict[str, None] = {}
    for name in study.fallback:
        for old, new in zip(study.data, study.with_fallback(name).data):
            try:
                if new != old:
                    build_member("data", new.member)
            except CurvefitError as error:
                mistakes[f"fallback.{name}: {error}"] = None
    return list(mistakes)


def prepare_specs(specs: Iterable[RunSpec]) -> list[RunSpec]:
    """Check every spec and return it in canonical form, before any work starts.

    Settings are reduced to those that differ from the defaults and the component's `version` is
    stamped in, so that equal work has an equal id however it was written down.

    Raises
    ------
    InvalidInputError
        One error that lists every mistake: unknown names and settings, training sets larger than
        the data, datasets of others that do not keep their word on nesting, combinations an algorithm refuses,
        one component under two labels.
    """
    specs = list(specs)
    built: Built = {}
    mistakes: list[str] = []
    for axis in AXES:
        for member in {m.label: m for m in (getattr(spec, axis) for spec in specs)}.values():
            try:
                component = build_member(axis, member)
            except CurvefitError as error:
                mistakes.append(str(error))
                continue
            version = int(getattr(component, "version", 1))
            canonical = replace(member, settings=component.non_default(), version=version)
            built[axis, member.label] = (canonical, component)
    if not mistakes:
        mistakes = size_mistakes(specs, built)
    if not mistakes:
        mistakes = broken_laws(specs, built)
    if not mistakes:
        mistakes = refusals(specs, built)
    if mistakes:
        raise InvalidInputError("\n".join(mistakes))
    prepared = [
        replace(
            spec,
            data=built["data", spec.data.label][0],
            model=built["model", spec.model.label][0],
            inference=built["inference", spec.inference.label][0],
        )
        for spec in specs
    ]
    if mistakes := same_work(prepared):
        raise InvalidInputError("\n".join(mistakes))
    return prepared


def _remarks(specs: list[RunSpec]) -> list[str]:
    pairs = {(spec.data.label, spec.inference.label): spec for spec in specs}
    runs = {pair: build_run(spec) for pair, spec in pairs.items()}
    remarks = {" / ".join(pair): run.algorithm.remark(run) for pair, run in runs.items()}
    return [f"{where}: {remark}" for where, remark in remarks.items() if remark]


def refuse_changed_data(specs: Iterable[RunSpec], store: RecordStore) -> None:
    """Refuse to go on with runs of which the store has records from other data under the same settings.

    Only datasets that may change are looked at (see `AbstractDataset.may_change`).

    Raises
    ------
    InvalidInputError
        Naming the data of the records and the data there is now.
    """
    current: dict[str, str] = {}
    labels: dict[str, str] = {}
    for spec in specs:
        dataset: AbstractDataset = build_member("data", spec.data)  # type: ignore[assignment]
        if dataset.may_change:
            current[spec.id], labels[spec.id] = dataset.facts().source, spec.data.label
    if not current:
        return
    found = store.read_table().select(["run_id", "data_facts"]).to_pydict()
    mistakes = {}
    for run_id, facts in zip(found["run_id"], found["data_facts"]):
        source = json.loads(facts).get("source")
        if run_id in current and source not in (None, current[run_id]):
            mistakes[labels[run_id]] = (
                f"data {labels[run_id]!r}: records in {store.path} are of {source}, and there is now "
                f"{current[run_id]}; give a new folder, or do all again: --retry all"
            )
    if mistakes:
        raise InvalidInputError("\n".join(mistakes.values()))


def group_specs(specs: Iterable[RunSpec]) -> list[list[RunSpec]]:
    """Return `specs` in groups that share work and are best executed by one call.

    NNGP and NTK, LCN and VEC, and every n of one seed come from one Gram matrix; nets of one shape
    train as one stack. Algorithms decide by their `share_key`.
    """
    groups: dict[Any, list[RunSpec]] = {}
    for spec in specs:
        run = build_run(spec)
        groups.setdefault(run.algorithm.share_key(run), []).append(spec)
    return list(groups.values())


def divide_group(group: Sequence[RunSpec], *, device: str = "cpu") -> list[list[RunSpec]]:
    """Return one group in the parts that different workers may have (see `AbstractAlgorithm.divide`)."""
    runs = [build_run(spec) for spec in group]
    return [[run.spec for run in part] for part in runs[0].algorithm.divide(runs, device=device)]


def group_costs(group: Sequence[RunSpec]) -> list[float]:
    """Return the expected cost of every run of one group (see `AbstractAlgorithm.costs`)."""
    runs = [build_run(spec) for spec in group]
    return runs[0].algorithm.costs(runs)


def execute_specs(specs: Sequence[RunSpec], *, device: str = "cpu") -> Iterator[RunRecord]:
    """Execute `specs` and yield one record each, in the order they finish.

    Parameters
    ----------
    specs
        Prepared specs (see `prepare_specs`), of one group or of several.
    device
        ``"cpu"``, ``"cuda"`` or ``"cuda:1"``.
    """
    for group in group_specs(specs):
        runs = [build_run(spec) for spec in group]
        for outcome in runs[0].algorithm.execute(runs, device=device):
            yield to_record(outcome, device=device)


def to_record(outcome: Outcome, *, device: str) -> RunRecord:
    """Return the self-describing record of one outcome."""
    run = outcome.run
    return RunRecord.of(
        run.spec,
        status=outcome.status,
        metric=outcome.metric,
        n_errors=outcome.n_errors,
        n_test=outcome.n_test,
        value=outcome.value,
        test_loss=outcome.test_loss,
        seconds=outcome.seconds,
        message=outcome.message,
        data_facts=asdict(run.dataset.facts()),
        model_facts=asdict(describe_model(run, n_parameters=outcome.n_parameters)),
        extra=outcome.extra,
        provenance=provenance(device),
    )
