"""Tables as strangers write them: odd names, percent, separators, empty cells; each reads right or says what is wrong."""

import json

import numpy as np
import pandas as pd
import pytest

from curvefit.curves import LearningCurves, load_curves
from curvefit.errors import DataFileError, InvalidInputError, UnknownNameError

SIZES = [64, 128, 256, 512, 1024]
ERRORS = [0.45, 0.35, 0.28, 0.224, 0.18]


def write(tmp_path, head, row, *, name="a.csv", encoding="utf-8"):
    """Write a table whose rows are made from (size, error)."""
    path = tmp_path / name
    path.write_bytes("\n".join([head, *(row(n, e) for n, e in zip(SIZES, ERRORS))]).encode(encoding))
    return path


@pytest.mark.parametrize(
    ("head", "row"),
    [
        ("Training Size,Error (%)", lambda n, e: f"{n},{100 * e:.1f}"),
        ("n,test error", lambda n, e: f"{n},{100 * e:.1f} %"),
        ("n;Error", lambda n, e: f"{n};{e:.3f}".replace(".", ",")),
        ("# images,Top-1 acc.", lambda n, e: f"{n},{100 * (1 - e):.1f}"),
        ("num_train_examples|train loss|test_err", lambda n, e: f"{n}|0|{e}"),
        ("sample size,random_seed,val_err,TestError", lambda n, e: f"{n},7,0.9,{e}"),
        ("# n,error", lambda n, e: f"{n},{e}"),
        ("# written by me\nn,error", lambda n, e: f"{n},{e}"),
        (",n,error", lambda n, e: f"{n},{n},{e}"),
        ("n_train,errors", lambda n, e: f"{n},{e}"),
    ],
)
def test_odd_names_units_and_separators(tmp_path, head, row):
    curves = load_curves(write(tmp_path, head, row))
    assert curves.metric == "error-rate"
    assert curves.usable["n_train"].tolist() == SIZES
    np.testing.assert_allclose(curves.usable["value"], ERRORS)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_encodings_of_spreadsheets(tmp_path, encoding):
    path = write(tmp_path, "Größe,n,error", lambda n, e: f"ü,{n},{e}", encoding=encoding)
    np.testing.assert_allclose(load_curves(path).usable["value"], ERRORS)


@pytest.mark.parametrize(("cell", "size"), [('"6,400"', 6400), ("6 400", 6400), ("6.4k", 6400), ("6'400", 6400), ("64e2", 6400)])  # fmt: skip
def test_sizes_as_people_write_them(tmp_path, cell, size):
    (tmp_path / "a.csv").write_text(f"n,error\n{cell},0.3\n{cell.replace('6', '8', 1)},0.2\n")
    assert load_curves(tmp_path / "a.csv").usable["n_train"].tolist() == [size, size + 2000]


def test_a_column_of_decimal_commas_is_not_thousands(tmp_path):
    (tmp_path / "a.csv").write_text("n;loss\n64;1,250\n128;0,950\n")
    assert load_curves(tmp_path / "a.csv").usable["value"].tolist() == [1.25, 0.95]


def test_empty_cells_are_flagged_and_empty_rows_left_out(tmp_path):
    (tmp_path / "a.csv").write_text("n,error\n64,0.4\n128,-\n256,NA\n,0.3\n512,0.2\n,\n,\n")
    curves = load_curves(tmp_path / "a.csv")
    assert (len(curves), len(curves.usable)) == (5, 2)
    assert "2 empty row(s) left out" in curves.notes


def test_standard_errors_follow_the_unit_of_their_values():
    frame = {
        "n": SIZES,
        "acc": [100 * (1 - e) for e in ERRORS],
        "acc_se": [2.0] * 5,
        "chance_error": [90] * 5,
    }
    curves = LearningCurves.from_frame(frame)
    table = curves.usable
    np.testing.assert_allclose(table["value_se"], 0.02)
    np.testing.assert_allclose(table["chance_error"], 0.9)
    assert "read chance levels above 1 as percent: 90 as 0.9" in curves.notes


def test_a_column_of_text_that_tells_curves_apart_becomes_the_model():
    rows = [{"approach": m, "n": n, "err": e} for m in ("ours", "theirs") for n, e in zip(SIZES, ERRORS)]
    curves = LearningCurves.from_frame(rows)
    assert [t.model for t in curves.triplets] == ["ours", "theirs"]
    assert "read column 'approach' as model, since it tells curves apart" in curves.notes


def test_a_number_that_tells_curves_apart_is_asked_about():
    rows = [
        {"width": w, "n": n, "seed": 0, "err": e * w / 64} for w in (64, 96) for n, e in zip(SIZES, ERRORS)
    ]
    curves = LearningCurves.from_frame(rows)
    assert any("say model='width'" in note for note in curves.notes)
    assert len(LearningCurves.from_frame(rows, model="width").triplets) == 2


@pytest.mark.parametrize("quantity", ["error", "acc"])
def test_wide_tables_keep_what_tells_the_curves_apart(quantity):
    values = ERRORS if quantity == "error" else [1 - e for e in ERRORS]
    frame = pd.DataFrame({"n": SIZES, f"cnn_{quantity}": values, f"mlp_{quantity}": values, "cnn_std": 0.1})
    curves = LearningCurves.from_frame(frame)
    assert [t.model for t in curves.triplets] == ["cnn", "mlp"]
    np.testing.assert_allclose(curves.usable["value"], [*ERRORS, *ERRORS])


def test_names_of_wide_sizes(tmp_path):
    (tmp_path / "a.csv").write_text("model;n=64;n=1,024;n=2k\na;0.4;0.3;0.2\n")
    assert load_curves(tmp_path / "a.csv").usable["n_train"].tolist() == [64, 1024, 2000]


def test_a_named_index_is_read():
    means = pd.DataFrame({"n_train": SIZES * 2, "model": ["a"] * 5 + ["b"] * 5, "error": ERRORS * 2})
    assert len(LearningCurves.from_frame(means.groupby(["model", "n_train"]).mean()).triplets) == 2


def test_a_frame_is_taken_where_a_path_is():
    rows = pd.DataFrame({"n": [100, 200, 400, 800], "error": [0.4, 0.3, 0.2, 0.1]})
    pd.testing.assert_frame_equal(load_curves(rows).table, LearningCurves.from_frame(rows).table)
    with pytest.raises(InvalidInputError, match="from a int"):
        load_curves(4)


def test_nested_json_lines_of_a_tracker(tmp_path):
    rows = [
        {"config": {"n_train": n, "seed": s}, "summary": {"test/error": e, "train/error": 0.0}}
        for s in (0, 1) for n, e in zip(SIZES, ERRORS)
    ]  # fmt: skip
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    curves = load_curves(tmp_path / "a.jsonl", training_sets="nested")
    assert (len(curves.usable), curves.training_sets) == (10, "nested")


def test_runs_exported_from_weights_and_biases(tmp_path):
    head = "Name,State,Created,Runtime,n_train,seed,test/acc,train/acc"
    row = lambda n, e: f"sunny-{n},finished,2024-01-01,12,{n},0,{1 - e},1.0"  # noqa: E731
    curves = load_curves(write(tmp_path, head, row))
    np.testing.assert_allclose(curves.usable["value"], ERRORS)
    assert curves.usable["seconds"].eq(12).all()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("n,error\n", "is empty"),
        ("64,0.4\n128,0.3\n", "first line hold the names"),
        ("n,error\n64,0.4\n128,diverged\n", r"row 2: 'diverged' is no number"),
        ("n,error\n0.5,0.4\n1,0.3\n", "must count training examples"),
        ("n,value\n64,3.1\n128,2.9\n", "Say metric='percent', 'loss' or 'mse'"),
        ("n,errors\n64,450\n128,300\n", "need n_test"),
        ("n,n ,error\n64,64,0.4\n", "two columns are called 'n'"),
        ("model,n,error\na,64,0.4\n,128,0.3\n", "no label in row 2"),
    ],
)
def test_each_mistake_is_named(tmp_path, text, message):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(InvalidInputError, match=message):
        load_curves(tmp_path / "a.csv")


def test_files_that_are_not_there_or_not_readable(tmp_path):
    (tmp_path / "errors.csv").write_text("n,error\n1,1\n")
    with pytest.raises(DataFileError, match=r"Did you mean 'errors\.csv'"):
        load_curves(tmp_path / "error.csv")
    (tmp_path / "a.jsonl").write_text('{"n": 1, "error": 0.5}\n{"n": 2,\n')
    with pytest.raises(DataFileError, match="line 2"):
        load_curves(tmp_path / "a.jsonl")
    (tmp_path / "a.xlsx").write_text("")
    with pytest.raises(InvalidInputError, match="Save the sheet as CSV"):
        load_curves(tmp_path / "a.xlsx")


def test_percent_can_be_said():
    frame = {"n": SIZES, "error": [100 * e for e in ERRORS]}
    np.testing.assert_allclose(LearningCurves.from_frame(frame, metric="percent").usable["value"], ERRORS)
    with pytest.raises(UnknownNameError, match="n_train"):
        LearningCurves.from_frame(frame, n_trian="n")


MARKED = [f"{100 * e:g}%" for e in ERRORS]
HALF_MARKED = [cell if i % 2 else cell.rstrip("%") for i, cell in enumerate(MARKED)]
ACCURACIES = [f"{100 * (1 - e):g}" + "%" * (i % 2) for i, e in enumerate(ERRORS)]


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        ({"error": MARKED}, {"metric": "percent"}),
        ({"error": HALF_MARKED}, {"metric": "percent"}),
        ({"err (%)": HALF_MARKED}, {}),
        ({"err (%)": HALF_MARKED}, {"metric": "percent"}),
        ({"accuracy (%)": ACCURACIES}, {}),
    ],
)
def test_a_percentage_is_divided_once_whether_its_cell_or_its_column_says_so(frame, said):
    curves = LearningCurves.from_frame({"n": SIZES, **frame, "se": ["1%"] * 5}, **said)
    np.testing.assert_allclose(curves.usable["value"], ERRORS)
    np.testing.assert_allclose(curves.usable["value_se"], 0.01)


def test_standard_errors_in_percent_by_their_name_alone():
    shares = LearningCurves.from_frame({"n": SIZES, "error": ERRORS, "stderr (%)": [0.8] * 5})
    both = LearningCurves.from_frame({"n": SIZES, "error (%)": HALF_MARKED, "stderr (%)": [0.8] * 5})
    for curves in (shares, both):
        np.testing.assert_allclose(curves.usable["value_se"], 0.008)


@pytest.mark.parametrize(
    "frame", [{"error": HALF_MARKED}, {"accuracy": ACCURACIES}, {"error": ERRORS, "se": HALF_MARKED}]
)
def test_percent_signs_in_some_cells_only_are_asked_about(frame):
    with pytest.raises(InvalidInputError, match=r"some cells have a percent sign, but '\d+' in row 1 has none.*'error \(%\)'"):  # fmt: skip
        LearningCurves.from_frame({"n": SIZES, **frame})
    empty = [cell if i % 2 else "-" for i, cell in enumerate(MARKED)]
    np.testing.assert_allclose(
        LearningCurves.from_frame({"n": SIZES, "error": empty}).usable["value"], [0.35, 0.224]
    )


def test_a_name_that_would_be_guessed_for_a_column_is_offered_as_that_column():
    frame = {"epoch": SIZES, "error": ERRORS}
    with pytest.raises(UnknownNameError, match=r"unknown column 'size'. Did you mean n_train='epoch'\?"):
        LearningCurves.from_frame(frame, size="epoch")
    with pytest.raises(UnknownNameError, match=r"Did you mean 'value_se'\?"):
        LearningCurves.from_frame(frame, value_see="error")


@pytest.mark.parametrize("name", ["mse", "loss", "accuracy"])
def test_a_metric_may_be_called_as_a_column_is(name):
    values = [0.5, 0.4, 0.3, 0.25]
    curves = LearningCurves.from_frame({"n": [8, 16, 32, 64], name: values}, metric=name)
    assert curves.metric == ("error-rate" if name == "accuracy" else name)
    assert curves.usable["value"].tolist() == ([1 - v for v in values] if name == "accuracy" else values)
