"""Reading, guessing, flagging: nothing is dropped silently, nothing wrong becomes a number."""

import json

import numpy as np
import pandas as pd
import pytest

from curvefit.curves import LearningCurves, load_curves
from curvefit.curves.json_form import curves_from_json, curves_to_json
from curvefit.errors import DataFileError, InvalidInputError, UnknownNameError
from curvefit.records.record import RunRecord
from curvefit.records.store import RecordStore

SIZES = [16, 32, 64, 128, 256]
ERRORS = [0.5, 0.4, 0.3, 0.22, 0.17]


def tidy(**more):
    return pd.DataFrame({"n_train": SIZES, "error": ERRORS, **more})


def test_guesses_are_said():
    curves = LearningCurves.from_frame(
        pd.DataFrame({"Seen Examples": SIZES, "test_err": ERRORS, "learner": "knn"})
    )
    assert "read column 'Seen Examples' as n_train" in curves.notes
    assert curves.triplets[0].model == "knn"
    assert curves.metric == "error-rate"


def test_caller_frame_is_unchanged():
    frame = tidy()
    before = frame.copy()
    LearningCurves.from_frame(frame)
    pd.testing.assert_frame_equal(frame, before)


def test_counts_are_recovered_from_rates():
    curves = LearningCurves.from_frame(tidy(), n_test=1000)
    assert curves.table["n_errors"].tolist() == [500, 400, 300, 220, 170]


def test_accuracy_in_percent():
    curves = LearningCurves.from_frame({"n": SIZES, "accuracy": [50, 60, 70, 78, 83]})
    np.testing.assert_allclose(curves.table["value"], ERRORS)


@pytest.mark.parametrize("wide", ["sizes", "curves", "seeds"])
def test_wide_tables(wide):
    if wide == "sizes":
        frame = pd.DataFrame([{"model": "a", **dict(zip(map(str, SIZES), ERRORS))}])
    elif wide == "curves":
        frame = pd.DataFrame({"n_train": SIZES, "fcn": ERRORS, "gap": ERRORS})
    else:
        frame = pd.DataFrame({"n_train": SIZES, "seed_0": ERRORS, "seed_1": ERRORS})
    curves = LearningCurves.from_frame(frame)
    assert len(curves.usable) == {"sizes": 5, "curves": 10, "seeds": 10}[wide]
    assert any("wide" in note for note in curves.notes)
    assert len(curves.triplets) == (2 if wide == "curves" else 1)


def test_polars_frames():
    polars = pytest.importorskip("polars")
    assert len(LearningCurves.from_frame(polars.DataFrame({"n": SIZES, "loss": ERRORS})).usable) == 5


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"n_train": 0}, "not positive"),
        ({"n_train": -4}, "not positive"),
        ({"n_errors": 2001}, "above n_test"),
        ({"n_errors": -1}, "below 0"),
        ({"n_errors": np.nan}, "missing"),
        ({"status": "diverged"}, "run diverged"),
    ],
)
def test_bad_rows_stay_with_a_reason(row, reason):
    rows = [
        {"n_train": n, "n_errors": 2000 * e, "n_test": 2000, "status": "ok"} for n, e in zip(SIZES, ERRORS)
    ]
    curves = LearningCurves.from_frame([*rows, {**rows[0], "n_train": 512, **row}])
    assert len(curves.table) == 6
    assert len(curves.usable) == 5
    assert reason in curves.table.loc[curves.table["flag"] != "", "flag"].iloc[0]


def test_rates_outside_are_flagged_and_percentages_refused():
    curves = LearningCurves.from_frame({"n": [*SIZES, 512], "error_rate": [*ERRORS, 1.3]})
    assert curves.table["flag"].iloc[-1] == "error rate 1.3 outside [0, 1]"
    with pytest.raises(InvalidInputError, match="Say metric='percent'"):
        LearningCurves.from_frame({"n": SIZES, "error_rate": [50, 40, 30, 22, 17]}, metric="error-rate")


def test_repeated_rows_are_found_and_named():
    frame = pd.concat([tidy()] * 4)
    curves = LearningCurves.from_frame(frame)
    assert len(curves.usable) == 5
    assert any("each row stands 4 times" in note for note in curves.notes)


def test_equal_counts_of_two_seeds_are_no_duplicates():
    rows = [{"n_train": n, "n_errors": k, "n_test": 100} for n in SIZES for k in (n % 7, 20, 20)]
    assert (LearningCurves.from_frame(rows).table["flag"] == "").all()


def test_conflicting_rows_of_one_run():
    curves = LearningCurves.from_frame({"n": [16, 16, 32], "seed": [0, 0, 0], "loss": [1.0, 2.0, 0.5]})
    assert curves.table["flag"].str.contains("conflicts").sum() == 1


@pytest.mark.parametrize(
    ("values", "flag"),
    [
        ([0.9] * 5, "constant"),
        ([0.0] * 5, "all-zero"),
        ([0.5, 0.4, 0.3, 0.45, 0.5], "non-monotone"),
        ([0.5, 0.3, 0.2, 0.2, 0.2], "saturated"),
    ],
)
def test_curve_flags(values, flag):
    curves = LearningCurves.from_frame({"n": [16, 32, 64, 128, 256], "error": values}, value_se=0.001)
    assert flag in set(curves.warnings["flag"])
    assert flag in str(curves.summary()["flags"].iloc[0])


def test_chance_and_short_and_single_seed():
    flags = set(
        LearningCurves.from_frame({"n": [16, 64], "error": [0.9, 0.9]}, chance_error=0.9).warnings["flag"]
    )
    assert {"too-short", "one-seed", "all-chance"} <= flags


def test_mixed_metrics_ask_for_a_choice():
    frame = pd.concat([tidy(metric="error-rate"), tidy(metric="mse")])
    curves = LearningCurves.from_frame(frame)
    with pytest.raises(InvalidInputError, match="mix the metrics error-rate, mse"):
        _ = curves.metric
    assert curves.select(metric="mse").metric == "mse"


def test_select_and_drop():
    curves = LearningCurves.from_frame(
        {"n": SIZES * 2, "error": ERRORS * 2, "model": ["fcn"] * 5 + ["gap"] * 5}
    )
    assert curves.select(model="g*").triplets[0].model == "gap"
    label = "vec filter=[2, 2] bias"
    made = LearningCurves.from_frame({"n": SIZES, "error": ERRORS, "model": [label] * 5})
    assert made.select(model="vec filter=[2, 2]*").triplets[0].model == label
    assert curves.drop_sizes(below=64, above=128).usable["n_train"].unique().tolist() == [64, 128]
    with pytest.raises(UnknownNameError, match="Did you mean 'gap'"):
        curves.select(model="gaps")
    with pytest.raises(InvalidInputError, match="no size"):
        curves.drop_sizes(below=10**6)


def test_unknown_column_names():
    with pytest.raises(InvalidInputError, match="Did you mean 'error'"):
        LearningCurves.from_frame(tidy(), value="eror")
    with pytest.raises(UnknownNameError, match="n_train"):
        LearningCurves.from_frame(tidy(), n_trian="n")
    with pytest.raises(InvalidInputError, match="no column with training-set sizes"):
        LearningCurves.from_frame({"a": [1], "error": [0.1]})
    with pytest.raises(InvalidInputError, match="is no number"):
        LearningCurves.from_frame({"n": [16, "many"], "error": [0.1, 0.2]})


def test_records_become_curves():
    records = [
        RunRecord(f"r{n}", "s", "shift", "gap", "sgd", n, 0, n_errors=int(2000 * e), n_test=2000, value=e,
                  data_facts={"chance_error": 0.9, "training_sets": "nested", "shared_test_set": True})
        for n, e in zip(SIZES, ERRORS)
    ]  # fmt: skip
    records.append(RunRecord("x", "s", "shift", "gap", "sgd", 512, 0, status="diverged", message="nan"))
    curves = LearningCurves.from_records(records)
    assert curves.training_sets == "nested"
    assert curves.shared_test_set is True
    assert len(curves.usable) == 5
    assert curves.usable["chance_error"].eq(0.9).all()
    assert curves.facts["chance_error"].iloc[0] == 0.9
    with pytest.raises(InvalidInputError, match="no run records"):
        LearningCurves.from_records([])


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.tsv", "a.parquet", "a.jsonl"])
def test_files(tmp_path, name):
    path, frame = tmp_path / name, tidy()
    if "csv" in name:
        frame.to_csv(path, index=False)
    elif "tsv" in name:
        frame.to_csv(path, index=False, sep="\t")
    elif "parquet" in name:
        frame.to_parquet(path)
    else:
        frame.to_json(path, orient="records", lines=True)
    np.testing.assert_allclose(load_curves(path).usable["value"], ERRORS)


def test_bad_files(tmp_path):
    with pytest.raises(DataFileError, match="does not exist"):
        load_curves(tmp_path / "none.csv")
    (tmp_path / "a.xlsx").write_text("")
    with pytest.raises(InvalidInputError, match=r"known: \.csv"):
        load_curves(tmp_path / "a.xlsx")
    (tmp_path / "b.parquet").write_text("no")
    with pytest.raises(DataFileError, match="cannot be read"):
        load_curves(tmp_path / "b.parquet")


def test_tracker_exports(tmp_path):
    wandb = pd.DataFrame({"n_train": SIZES})
    for seed in (0, 1):
        for suffix in ("", "__MIN", "__MAX"):
            wandb[f"gap_seed{seed} - test/error{suffix}"] = ERRORS
    wandb.to_csv(tmp_path / "w.csv", index=False)
    curves = load_curves(tmp_path / "w.csv")
    assert curves.triplets[0].model == "gap"
    assert len(curves.usable) == 10
    mlflow = pd.DataFrame({"run_id": range(5), "status": "FINISHED", "params.n_train": SIZES, "params.model": "fcn",
                           "metrics.test_error": ERRORS, "metrics.train_loss": 0.0})  # fmt: skip
    mlflow.to_csv(tmp_path / "m.csv", index=False)
    assert load_curves(tmp_path / "m.csv").usable["value"].tolist() == ERRORS
    lcdb = [{"openmlid": 3, "learner": "svc", "size_train": SIZES, "scores_test": [1 - e for e in ERRORS]}]
    (tmp_path / "l.json").write_text(json.dumps(lcdb))
    curves = load_curves(tmp_path / "l.json")
    np.testing.assert_allclose(curves.usable["value"], ERRORS)
    assert curves.triplets[0].data == "3"


def test_cells_of_a_tracker_are_read_like_those_of_a_table_and_never_dropped(tmp_path):
    cells = [f"{error:.1%}" for error in ERRORS]
    frame = pd.DataFrame(
        {"n_train": SIZES} | {f"gap - test/error{end}": cells for end in ("", "__MIN", "__MAX")}
    )
    frame.to_csv(tmp_path / "w.csv", index=False)
    np.testing.assert_allclose(load_curves(tmp_path / "w.csv").usable["value"], ERRORS, atol=6e-4)
    frame.loc[2, "gap - test/error"] = "crashed"
    frame.to_csv(tmp_path / "w.csv", index=False)
    with pytest.raises(InvalidInputError, match="'crashed' is no number"):
        load_curves(tmp_path / "w.csv")
    frame.loc[2, "gap - test/error"] = ""
    frame.to_csv(tmp_path / "w.csv", index=False)
    assert len(load_curves(tmp_path / "w.csv").usable) == 4


def test_selecting_what_exists_but_never_together_is_an_error():
    frame = pd.DataFrame(
        {
            "data": ["a", "b"], "model": ["x", "y"], "inference": "sgd", "n_train": 10, "n_errors": 3, "n_test": 10
        }
    )  # fmt: skip
    curves = LearningCurves.from_frame(frame)
    with pytest.raises(InvalidInputError, match="no curve has them together"):
        curves.select(data="a", model="y")


def test_saved_curves_come_back_with_flags_facts_and_notes(tmp_path):
    from tests import simulated

    curves = simulated.curves()
    table = curves.table.copy()
    table.loc[0, "flag"] = "spoiled by hand"
    curves = LearningCurves(table, curves.facts, curves.training_sets, curves.shared_test_set, ("a note",))
    again = load_curves(curves.save(tmp_path / "made" / "curves.parquet"))
    pd.testing.assert_frame_equal(again.table, curves.table, check_dtype=False)  # text is text
    pd.testing.assert_frame_equal(again.facts, curves.facts, check_dtype=False)
    assert (again.training_sets, again.shared_test_set, again.notes) == ("nested", True, ("a note",))
    with pytest.raises(InvalidInputError, match=r"\.parquet"):
        curves.save(tmp_path / "curves.csv")


def test_facts_are_saved_to_the_last_digit(tmp_path):
    """Both in a file of curves and in one of a result that holds them."""
    curves = LearningCurves.from_records(
        _records(bayes_error=(1e-20, None), dimension=(0.1 + 0.2, 1 / 3), shape=((2, 2, 1), (4, 4, 1)))
    )
    for again in (
        load_curves(curves.save(tmp_path / "curves.parquet")),
        curves_from_json(curves_to_json(curves)),
    ):
        assert again.facts["bayes_error"].iloc[0] == 1e-20
        assert pd.isna(again.facts["bayes_error"].iloc[1])
        assert again.facts["dimension"].tolist() == [0.1 + 0.2, 1 / 3]
        assert [tuple(shape) for shape in again.facts["shape"]] == [(2, 2, 1), (4, 4, 1)]


def _records(**facts):
    return [
        RunRecord(f"{k}{data}", "s", data, "m", "i", 2**k, 0, metric="mse", value=2.0**-k,
                  data_facts={name: value[data == "y"] for name, value in facts.items()})
        for data in "xy" for k in range(4, 9)
    ]  # fmt: skip


def test_facts_that_differ_between_records_are_told():
    curves = LearningCurves.from_records(
        _records(shared_test_set=(True, False), training_sets=("nested", "independent"))
    )
    assert (curves.training_sets, curves.shared_test_set) == ("nested", False)
    assert [note for note in curves.notes if "test sets are shared by all runs and some are not" in note]


def test_how_data_were_made_can_be_said_of_every_kind_of_file(tmp_path):
    records = _records(training_sets=("nested", "nested"), shared_test_set=(True, True))
    with RecordStore(tmp_path / "store").create().writer() as writer:
        writer.extend(records)
    lines = tmp_path / "records.jsonl"
    lines.write_text("".join(json.dumps(record.to_dict()) + "\n" for record in records))
    saved = LearningCurves.from_records(records).save(tmp_path / "saved.parquet")
    for path in (tmp_path / "store", lines, saved):
        plain, asked = load_curves(path), load_curves(path, training_sets="independent")
        assert (plain.training_sets, asked.training_sets) == ("nested", "independent")
        assert asked.notes == (
            *plain.notes,
            "training_sets is independent, as asked; the file says nested",
        )
        assert (asked.shared_test_set, list(asked.facts)) == (True, list(plain.facts))
