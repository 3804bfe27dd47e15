"""The lowest floors: errors, registry, settings, seeds, spec ids, records."""

from __future__ import annotations

import pickle
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import PositiveFloat, PositiveInt

from curvefit.errors import CurvefitError, InvalidInputError, UnknownNameError, unknown_name
from curvefit.records.record import RunRecord
from curvefit.registry import Registry
from curvefit.seeding import generator, seed_for
from curvefit.settings import Settings, parse_settings
from curvefit.study.spec import Member, RunSpec


class Net(Settings):
    depth: PositiveInt = 2
    width: PositiveInt = 64


def test_unknown_name_says_what_is_known_and_nearest():
    error = unknown_name("family", "powerlaw", ["power-law", "broken-power-law"])
    assert "unknown family 'powerlaw'; known: broken-power-law, power-law" in str(error)
    assert "Did you mean 'power-law'?" in str(error)
    assert isinstance(error, CurvefitError)
    assert isinstance(error, LookupError)


def test_registry_finds_by_name_by_import_path_and_refuses_the_rest():
    registry: Registry[object] = Registry("thing")
    registry.add("one", 1)
    assert registry["one"] == 1
    assert registry["math:pi"] == pytest.approx(np.pi)
    with pytest.raises(UnknownNameError, match="Did you mean 'one'"):
        registry["on"]
    with pytest.raises(InvalidInputError, match=r"package\.module:attribute"):
        registry["math:nothing"]
    with pytest.raises(InvalidInputError, match="registered already"):
        registry.add("one", 2)


def test_registry_counts_what_other_distributions_add(tmp_path, monkeypatch):
    (tmp_path / "things-1.0.dist-info").mkdir()
    (tmp_path / "things-1.0.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: things\nVersion: 1.0\n"
    )
    (tmp_path / "things-1.0.dist-info" / "entry_points.txt").write_text("[curvefit.thing]\ntwo = math:pi\n")
    monkeypatch.syspath_prepend(tmp_path)
    registry: Registry[object] = Registry("thing")
    registry.add("one", 1)
    assert registry.names() == list(registry) == ["one", "two"]
    assert "two" in registry
    assert "three" not in registry
    assert len(registry) == 2
    assert registry.items() == [("one", 1), ("two", np.pi)]


def test_settings_report_every_mistake_at_once():
    with pytest.raises(InvalidInputError) as caught:
        parse_settings(Net, {"dept": 3, "width": -1}, where="study.toml: model[0]")
    message = str(caught.value)
    assert "study.toml: model[0]" in message
    assert "Did you mean 'depth'?" in message
    assert "width" in message
    assert "-1" in message


class Search(Settings):
    rates: tuple[PositiveFloat, ...] = ()


class Algorithm(Settings):
    rate: PositiveFloat | Literal["auto"] = "auto"
    tune: Search | None = None


def test_mistakes_within_tables_are_named_as_they_were_written():
    with pytest.raises(InvalidInputError) as caught:
        parse_settings(Algorithm, {"rate": "aut", "tune": {"rate": 3, "rates": [1.0, -1.0]}}, where="x")
    lines = str(caught.value).splitlines()
    assert "  rate: unknown value 'aut'; known: auto. Did you mean 'auto'?" in lines
    assert "  tune.rate: unknown key; known: rates. Did you mean 'rates'?" in lines
    assert "  tune.rates[1]: Input should be greater than 0 (got -1.0)" in lines


def test_settings_are_frozen_and_forget_defaults():
    net = Net(depth=2, width=8)
    assert net.non_default() == {"width": 8}
    with pytest.raises(Exception, match="frozen"):
        net.width = 3  # type: ignore[misc]


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers() | st.text(max_size=5), min_size=1, max_size=4))
def test_seeds_depend_on_every_part_of_the_path(path):
    assert seed_for(*path) == seed_for(*path)
    assert seed_for(*path) != seed_for(*path, 0)
    assert 0 <= seed_for(*path) < 2**63
    assert generator(*path).random() == generator(*path).random()


def _spec(**changes) -> RunSpec:
    values = {
        "study": "s",
        "data": Member("d", "digits"),
        "model": Member("m", "fcn", {"width": 8}),
        "inference": Member("i", "sgd"),
        "n_train": 16,
        "seed": 0,
    }
    return RunSpec(**{**values, **changes})


def test_run_id_is_of_the_content_and_not_of_the_labels():
    spec = _spec()
    assert spec.id == _spec(study="t", data=Member("other label", "digits")).id
    different = [
        _spec(n_train=17),
        _spec(seed=1),
        _spec(study_seed=1),
        _spec(model=Member("m", "fcn", {"width": 9})),
        _spec(inference=Member("i", "sgd", version=2)),
    ]
    assert len({spec.id, *(other.id for other in different)}) == 1 + len(different)
    assert pickle.loads(pickle.dumps(spec)).id == spec.id


def test_record_round_trip_keeps_what_a_newer_version_added():
    record = RunRecord("id", "s", "d", "m", "i", 16, 0, n_errors=3, n_test=10, value=0.3)
    assert RunRecord.from_dict(record.to_dict()) == record
    newer = {**record.to_dict(), "watts": 12}
    assert RunRecord.from_dict(newer).extra["_unknown"] == {"watts": 12}


def test_record_of_a_spec_says_what_was_asked_and_is_reported_in_brief():
    spec = _spec(model=Member("wide", "fcn", {"width": 9}, version=2), study_seed=5)
    record = RunRecord.of(spec, status="died", message="x" * 400)
    asked = (
        record.run_id,
        record.study,
        record.data,
        record.model,
        record.inference,
        record.n_train,
        record.seed,
    )
    assert asked == (spec.id, spec.study, *spec.triplet, spec.n_train, spec.seed)
    assert list(record.spec) == ["data", "model", "inference", "study_seed"]
    assert record.spec["model"] == {"name": "fcn", "settings": {"width": 9}, "version": 2}
    assert record.spec["study_seed"] == 5
    assert record.brief() == {"run_id": spec.id, "status": "died", "seconds": None, "message": "x" * 300}


@pytest.mark.parametrize(
    "bad", [{"status": "fine"}, {"n_errors": 11, "n_test": 10}, {"n_errors": -1, "n_test": 10}]
)
def test_record_refuses_the_impossible(bad):
    with pytest.raises(InvalidInputError):
        RunRecord("id", "s", "d", "m", "i", 16, 0, **bad)


def test_names_load_on_first_use_and_python_knows_the_nearest():
    import curvefit
    import curvefit.fitting

    assert curvefit.fit is curvefit.fitting.fit
    with pytest.raises(AttributeError, match="module 'curvefit' has no attribute 'fits'"):
        curvefit.fits  # noqa: B018
    assert "point_fit" in dir(curvefit)
    assert set(dir(curvefit.fitting)) == set(curvefit.fitting.__all__)
