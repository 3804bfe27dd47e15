"""Study files: what they expand to, and that every mistake is named."""

from __future__ import annotations

import time

import pytest

from curvefit.errors import DataFileError, InvalidInputError
from curvefit.study import SizeGrid, Study, expand_sizes
from curvefit.triplet import Triplet

SMALL = {
    "study": {"name": "small", "sizes": [32, 64], "replicates": 2},
    "data": [{"name": "d"}],
    "model": [{"name": "m"}],
    "inference": [{"name": "i"}],
}


def study(**changes) -> Study:
    return Study.from_dict({**SMALL, **changes})


def mistakes(**changes) -> str:
    with pytest.raises(InvalidInputError) as caught:
        study(**changes)
    return str(caught.value)


@pytest.mark.parametrize(
    ("grid", "expected"),
    [
        (SizeGrid(start=32, stop=256), (32, 64, 128, 256)),
        (SizeGrid(start=32, stop=255), (32, 64, 128)),
        (SizeGrid(start=10, stop=40, factor=2**0.5), (10, 14, 20, 28, 40)),
        (SizeGrid(start=1, stop=3, factor=1.1), (1, 2, 3)),
        ([64, 32, 64], (32, 64)),
    ],
)
def test_sizes_are_increasing_and_unique(grid, expected):
    assert expand_sizes(grid) == expected


def test_specs_cover_the_whole_factorial_once():
    specs = study(model=[{"name": "m"}, {"name": "k"}]).specs()
    assert len(specs) == len({spec.id for spec in specs}) == 2 * 2 * 2
    assert {spec.triplet for spec in specs} == {Triplet("d", "m", "i"), Triplet("d", "k", "i")}


def test_grid_multiplies_and_zip_pairs():
    table = {"name": "d", "grid": {"a": [1, 2]}, "zip": {"b": [5, 6], "label": ["x{a}", "y{a}"]}}
    members = [m.member for m in study(data=[table]).data]
    assert [(m.label, m.settings["a"], m.settings["b"]) for m in members] == [
        ("x1", 1, 5),
        ("x2", 2, 5),
        ("y1", 1, 6),
        ("y2", 2, 6),
    ]


def test_a_list_outside_grid_is_one_setting():
    (member,) = (m.member for m in study(model=[{"name": "m", "filter": [3, 3]}]).model)
    assert member.settings == {"filter": [3, 3]}


def test_default_labels_name_what_differs():
    tables = [{"name": "d", "fold": 4, "grid": {"shift": [True, False]}}, {"name": "e", "fold": 4}]
    assert [m.member.label for m in study(data=tables).data] == ["d shift=True", "d shift=False", "e"]


def test_members_restrict_sizes_and_replicates():
    made = study(
        inference=[{"name": "i", "sizes": [64, 128]}, {"name": "j", "replicates": 1}],
        data=[{"name": "d", "sizes": [32, 64]}],
    )
    runs = [(spec.inference.label, spec.n_train, spec.seed) for spec in made.specs()]
    assert runs == [("i", 64, 0), ("i", 64, 1), ("j", 32, 0), ("j", 64, 0)]


def test_exclude_drops_triplets_and_sizes():
    models = [{"name": "m"}, {"name": "lcn"}]
    assert study(model=models, exclude=[{"model": "l*"}]).triplets() == [Triplet("d", "m", "i")]
    trimmed = study(model=models, exclude=[{"model": "lcn", "above": 32}])
    assert [s.n_train for s in trimmed.specs() if s.model.label == "lcn"] == [32, 32]
    between = study(
        study={"name": "s", "sizes": [8, 16, 32]}, exclude=[{"model": "m", "above": 16, "below": 16}]
    )
    assert [s.n_train for s in between.specs()] == [16]


@pytest.mark.parametrize("pattern", ["m filter=[2, 2]", "*[2, 2]", "m filter=[2*"])
def test_labels_of_list_settings_can_be_excluded(pattern):
    models = [{"name": "m", "grid": {"filter": [[2, 2], [3, 3]]}}]
    left = study(model=models, exclude=[{"model": pattern}]).triplets()
    assert left == [Triplet("d", "m filter=[3, 3]", "i")]
    text = mistakes(model=models, exclude=[{"model": "m filter=[2, 3?"}])
    assert "matches no triplet" in text


def test_fallback_keeps_settings_and_is_named_in_labels():
    made = study(data=[{"name": "d", "fold": 4, "shift": True}], fallback={"d": {"name": "e", "fold": 2}})
    (member,) = (m.member for m in made.with_fallback("d").data)
    assert (member.name, member.label, member.settings) == ("e", "d (e)", {"fold": 2, "shift": True})


def test_all_mistakes_come_at_once_with_paths_and_suggestions():
    text = mistakes(
        study={"nam": "x", "replicates": 0, "sizes": {"start": 3, "stop": 1, "facto": 2}},
        data=[{"label": "x"}, {"name": "d", "sizes": {"start": 3, "stop": 1}}],
        model=[{"name": "m", "sizes": [0]}],
        inference=[{"name": "i", "zip": {"a": [1], "b": [1, 2]}}],
        exclud=[],
    )
    for expected in (
        "study.name: missing",
        "study.nam: unknown key; known: name, hypothesis, seed, replicates, sizes. Did you mean 'name'?",
        "study.replicates: Input should be greater than or equal to 1 (got 0)",
        "study.sizes.facto: unknown key; known: start, stop, factor. Did you mean 'factor'?",
        "data[0]: name is missing",
        "data[1].sizes: stop 1 is below start 3",
        "model[0].sizes[0]: Input should be greater than 0",
        "inference[0]: zip needs lists of equal length",
        "exclud: unknown key",
    ):
        assert expected in text


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"data": [{"name": "d", "label": "{fald}", "fold": 1}]}, "{fald} is no setting given here"),
        ({"data": [{"name": "d", "label": "{fold", "fold": 1}]}, "is not a template"),
        ({"data": [{"name": "d"}, {"name": "d"}]}, "2 members have the label 'd'"),
        ({"data": [{"name": "d"}, {"name": "d", "label": "x"}]}, "is the same as"),
        ({"data": [{"name": "d", "a": 1, "grid": {"a": [1, 2]}}]}, "given twice"),
        ({"data": [{"name": "d", "grid": {"sizes": [[1], [2]]}}]}, "cannot vary"),
        ({"exclude": [{"model": "mm"}]}, "matches no triplet. model = 'mm'; known: m. Did you mean 'm'?"),
        ({"exclude": [{"model": "m"}]}, "nothing is left"),
        ({"exclude": [{}]}, "excludes everything"),
        (
            {"data": [{"name": "d", "sizes": [7]}], "model": [{"name": "m", "sizes": [8]}]},
            "no training-set size",
        ),
        ({"exclude": [{"model": "m", "above": 16, "below": 32}]}, "above 16 and below 32 exclude every size"),
        (
            {"exclude": [{"model": "m", "above": 1000}]},
            "exclude[0]: excludes nothing; its triplets have sizes 32 to 64",
        ),
        (
            {"study": {"name": "s", "sizes": ["16"]}},
            "study.sizes[0]: Input should be a valid integer (got '16')",
        ),
        (
            {"study": {"name": "s", "sizes": [True]}},
            "study.sizes[0]: Input should be a valid integer (got True)",
        ),
        (
            {"model": [{"name": "m", "sizes": [32.0]}]},
            "model[0].sizes[0]: Input should be a valid integer (got 32.0)",
        ),
        (
            {"study": {"name": "s", "sizes": {"start": True, "stop": 8}}},
            "study.sizes.start: Input should be a valid",
        ),
        ({"fallback": {"x": {"name": "y"}}}, "no data member has this name"),
        ({"study": {"name": "../x", "sizes": [3]}}, "study.name"),
    ],
)
def test_a_mistake_is_named(changes, expected):
    assert expected in mistakes(**changes)


def test_unreadable_files_say_so(tmp_path):
    with pytest.raises(DataFileError, match="cannot be read"):
        Study.from_toml(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("[study\n")
    with pytest.raises(InvalidInputError, match="is not TOML"):
        Study.from_toml(tmp_path / "bad.toml")


def test_ids_depend_on_content_and_not_on_names():
    a = study().specs()[0]
    renamed = Study.from_dict({**SMALL, "study": {**SMALL["study"], "name": "other"}}).specs()[0]
    relabelled = study(data=[{"name": "d", "label": "other"}]).specs()[0]
    changed = study(data=[{"name": "d", "fold": 2}]).specs()[0]
    assert a.id == renamed.id == relabelled.id != changed.id


def test_a_hundred_thousand_specs_in_seconds():
    big = study(
        study={"name": "big", "sizes": {"start": 1, "stop": 512}, "replicates": 10},
        data=[{"name": "d", "grid": {"a": list(range(100))}}],
        model=[{"name": "m", "grid": {"a": list(range(10))}}],
    )
    began = time.process_time()
    specs = big.specs()
    assert len({spec.id for spec in specs}) == 100_000
    assert time.process_time() - began < 15
