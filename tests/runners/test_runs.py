"""Specs meet components: canonical ids, all mistakes before work, records that describe themselves."""

from __future__ import annotations

from dataclasses import replace

import pytest

from curvefit.errors import InvalidInputError
from curvefit.study import Study
from runners.engine.plan import make_plan
from runners.runs import build_run, execute_specs, group_costs, group_specs, prepare_specs, prepare_study
from tests.runners.datasets.written import write_mnist

TABLES = {
    "study": {"name": "tiny", "replicates": 2, "sizes": [16, 32]},
    "data": [{"name": "digits", "fold": 2, "n_test": 100, "label": "digits"}],
    "model": [{"name": "fcn"}, {"name": "gap", "filter": [3, 3]}],
    "inference": [{"name": "tests.runners.fakes:MajorityVote", "label": "majority"}],
}


def study(**changes) -> Study:
    return Study.from_dict({**TABLES, **changes})


def test_equal_work_has_equal_ids_however_it_was_written():
    plain, _ = prepare_study(study())
    written_out, _ = prepare_study(study(model=[{"name": "fcn", "depth": 2}, {"name": "gap"}]))
    assert [spec.id for spec in plain] == [spec.id for spec in written_out]
    assert len({spec.id for spec in plain}) == len(plain) == 8


def test_one_component_under_two_labels_is_reported():
    twice = [{"name": "digits", "label": "one"}, {"name": "digits", "fold": 1, "label": "two"}]
    with pytest.raises(InvalidInputError) as caught:
        prepare_study(study(data=twice))
    assert str(caught.value) == "data: 'one' and 'two' are the same work; leave one out"


def test_every_mistake_is_reported_before_any_work():
    with pytest.raises(InvalidInputError) as caught:
        prepare_study(
            study(
                model=[{"name": "fcn", "widht": 3}, {"name": "gapp"}],
                inference=[{"name": "tests.runners.fakes:MajorityVote", "fail_att": 3}],
            )
        )
    for expected in ("Did you mean 'width'?", "Did you mean 'gap'?", "Did you mean 'fail_at'?"):
        assert expected in str(caught.value)


def test_more_training_examples_than_there_are_is_an_error():
    with pytest.raises(InvalidInputError, match="n_train 99999 is larger than"):
        prepare_study(study(study={"name": "tiny", "sizes": [99999]}))


def test_more_test_images_than_were_published_are_an_error(tmp_path):
    write_mnist(tmp_path / "mnist")
    images = {"name": "mnist", "folder": str(tmp_path / "mnist"), "n_test": 99999}
    with pytest.raises(InvalidInputError, match="n_test 99999 is larger than the [0-9]+ test images"):
        prepare_study(study(data=[images]))


STUDENTS = "runners.datasets.teachers.students"


@pytest.mark.parametrize(
    ("data", "model", "words"),
    [
        ("torus-field", {"name": "fcn"}, "needs a KernelStudent as model, not FCN"),
        ("digits", {"name": f"{STUDENTS}:KernelStudent"}, "needs regression targets, not the 10 classes"),
        (
            "torus-field",
            {"name": f"{STUDENTS}:KernelStudent", "coordinates": 3},
            "coordinates 3 must be less than the 3 pixels",
        ),
        (
            "torus-field",
            {"name": f"{STUDENTS}:KernelStudent", "filter": 4},
            "filter 4 is larger than the 3 pixels",
        ),
    ],
)
def test_what_kernel_interpolation_cannot_do_is_refused_before_any_work(data, model, words):
    inference = [{"name": f"{STUDENTS}:KernelInterpolation"}]
    with pytest.raises(InvalidInputError, match=words):
        prepare_study(study(data=[{"name": data}], model=[model], inference=inference))


def test_a_stop_loss_that_is_large_against_the_targets_is_remarked_on():
    def notices(data: str, stop_loss: float) -> list[str]:
        inference = [{"name": "sgd", "stop_loss": stop_loss}, {"name": "ntk"}]
        return prepare_study(study(data=[{"name": data}], model=[{"name": "fcn"}], inference=inference))[1]

    assert notices("torus-field", 0.02) == notices("digits", 0.2) == []
    (notice,) = notices("torus-field", 0.2)
    assert notice.startswith("torus-field / sgd: stop_loss 0.2 is ")


def test_groups_share_work_and_lose_nothing():
    specs, _ = prepare_study(study())
    groups = group_specs(specs)
    assert sorted(s.id for g in groups for s in g) == sorted(s.id for s in specs)
    assert len(groups) == 2
    assert group_costs(groups[0]) == [spec.n_train for spec in groups[0]]


def test_nets_of_one_shape_are_many_chunks_and_kernels_one_and_no_record_depends_on_the_cut():
    asked = study(
        study={"name": "cut", "replicates": 15, "sizes": [32, 48, 64]},
        model=[{"name": "fcn", "width": 8}],
        inference=[{"name": "sgd", "steps": 30}, {"name": "nngp"}],
    )
    plan = make_plan(asked)
    nets = [chunk for chunk in plan.chunks if chunk.specs[0].inference.name == "sgd"]
    assert [len(chunk.specs) for chunk in nets] == [16, 16, 13]
    assert len({spec.seed for spec in nets[0].specs}) < 16, "cut in the order of the study"
    assert [chunk.id for chunk in make_plan(asked).chunks] == [chunk.id for chunk in plan.chunks]
    on_gpu = make_plan(asked, device="cuda:0").chunks
    assert sorted(len(chunk.specs) for chunk in on_gpu) == [45, 45]
    whole = {record.run_id: record for record in execute_specs([s for c in nets for s in c.specs])}
    resumed = nets[0].without({spec.id for spec in nets[0].specs[:5]})
    for chunk in (*nets[1:], resumed):
        for record in execute_specs(chunk.specs):
            other = whole[record.run_id]
            assert (record.n_errors, record.extra["steps"]) == (other.n_errors, other.extra["steps"])
            assert record.test_loss == pytest.approx(other.test_loss, rel=1e-4)


def test_records_describe_themselves():
    specs, _ = prepare_study(study())
    records = {record.run_id: record for record in execute_specs(specs)}
    assert set(records) == {spec.id for spec in specs}
    for spec in specs:
        record = records[spec.id]
        assert (record.data, record.model, record.inference) == tuple(spec.triplet)
        assert record.n_test == 100
        assert 0 < record.n_errors < 100
        assert record.data_facts["shape"] == (4, 4, 4)
        assert "digits" in record.data_facts["source"]
        assert record.model_facts["model_symmetry"] == {"fcn": "o-cp", "gap": "o-c-shared"}[spec.model.name]
        assert record.provenance["code"]
        assert record.spec["model"]["name"] == spec.model.name


def test_divergence_is_a_record():
    specs, _ = prepare_study(
        study(inference=[{"name": "tests.runners.fakes:MajorityVote", "label": "m", "fail_at": 16}])
    )
    statuses = {(record.n_train, record.status) for record in execute_specs(specs)}
    assert statuses == {(16, "diverged"), (32, "ok")}


def test_prepared_specs_are_fixed_points():
    specs, _ = prepare_study(study())
    assert prepare_specs(specs) == specs
    assert build_run(specs[0]).spec == specs[0]
    renamed = [replace(s, data=replace(s.data, label="other")) for s in specs]
    assert [s.id for s in prepare_specs(renamed)] == [s.id for s in specs]


def test_a_missing_dataset_is_replaced_aloud_or_not_at_all(monkeypatch, tmp_path):
    from runners.datasets import files

    monkeypatch.setenv(files.OFFLINE_VARIABLE, "1")
    missing = {"name": "fashion-mnist", "label": "images", "folder": str(tmp_path)}
    stand_in = {"fashion-mnist": {"name": "digits", "n_test": 100}}
    with pytest.raises(InvalidInputError, match="was not found"):
        prepare_study(study(data=[missing]))
    with pytest.raises(OSError, match="was not found"):
        prepare_study(study(data=[missing], fallback=stand_in))
    del missing["folder"]
    from runners.datasets import images

    real = images._load_pool
    images._facts.cache_clear()  # another test of this process may have looked at the real one
    monkeypatch.setattr(images, "_load_pool", lambda kind, folder: _absent_fashion(real, kind, folder))
    specs, notices = prepare_study(study(data=[missing], fallback=stand_in))
    assert {spec.data.label for spec in specs} == {"images (digits)"}
    assert "'digits'" in notices[0]
    assert notices[0].startswith("NOT fashion-mnist")


def _absent_fashion(real, kind, folder):
    from curvefit.errors import MissingDatasetError

    if kind.__name__ == "FashionMNIST":
        raise MissingDatasetError("Fashion-MNIST was not found")
    return real(kind, folder)


def test_a_mistake_that_many_triplets_share_is_told_once():
    with pytest.raises(InvalidInputError) as caught:
        prepare_study(
            study(
                study={"name": "tiny", "sizes": [16]},
                model=[{"name": "module", "factory": "nowhere:make"}],
                inference=[{"name": "sgd"}, {"name": "adam"}, {"name": "adamw"}],
            )
        )
    (line,) = str(caught.value).splitlines()
    assert "/ module / sgd and 2 more: factory 'nowhere:make' cannot be imported" in line


def test_training_sets_that_are_not_nested_as_said_are_refused():
    coins = {"name": "tests.runners.fakes:Coins", "row_by_row": False}
    wanted = "data 'coins': its facts say that training sets are nested, but y_train of 16 examples is not"
    with pytest.raises(InvalidInputError, match=wanted):
        prepare_study(study(data=[{**coins, "label": "coins"}], model=[{"name": "fcn"}]))
    for honest in ({"row_by_row": True}, {"subsets": "independent"}):
        prepare_study(study(data=[{**coins, **honest}], model=[{"name": "fcn"}]))


def test_balanced_sets_are_checked_for_the_seed_of_the_study():
    digits = {"name": "digits", "balanced": True, "n_test": 600}
    for seed, largest in ((0, 1130), (7, 1070)):
        prepare_study(study(data=[digits], study={"name": "tiny", "seed": seed, "sizes": [largest]}))
        with pytest.raises(InvalidInputError, match=f"larger than the {largest} training examples"):
            prepare_study(study(data=[digits], study={"name": "tiny", "seed": seed, "sizes": [largest + 1]}))


@pytest.mark.parametrize(
    ("stand_in", "said"),
    [
        ({"name": "digitz"}, "fallback.digits: unknown .* Did you mean 'digits'?"),
        ({"name": "mnist-1d", "foo": 3}, r"fallback.digits: (.|\n)*foo: unknown"),
    ],
)
def test_a_stand_in_that_cannot_be_built_is_a_mistake_where_it_is_not_needed_too(stand_in, said):
    with pytest.raises(InvalidInputError, match=said):
        prepare_study(study(fallback={"digits": stand_in}))


@pytest.mark.parametrize("inference", ["sgd", "ntk"])
def test_images_that_are_views_run_backwards_are_taken(inference):
    mirrored = {"name": "tests.runners.fakes:Mirrored", "n_test": 100}
    specs, _ = prepare_study(study(data=[mirrored], model=[{"name": "fcn"}], inference=[{"name": inference}]))
    assert {record.status for record in execute_specs(specs[:1])} == {"ok"}
