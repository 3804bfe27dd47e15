"""Commas and dots that may be decimal signs or group thousands: read as the table shows, or asked about."""

import numpy as np
import pytest

from curvefit.curves import LearningCurves, load_curves
from curvefit.errors import InvalidInputError

LOSSES = [4.02, 3.541, 3.179, 2.93]


def load(tmp_path, *lines, **columns):
    (tmp_path / "a.csv").write_text("\n".join(lines))
    return load_curves(tmp_path / "a.csv", **columns)


@pytest.mark.parametrize(
    "lines",
    [
        ("n;loss", "1.000;4,020", "2.000;3,541", "4.000;3,179", "8.000;2,930"),
        ("n\tloss\tlr", "1.000\t4,020\t0,1", "2.000\t3,541\t0,1", "4.000\t3,179\t0,1", "8.000\t2,930\t0,1"),
        ('n,loss,lr', '1.000,"4,020","0,1"', '2.000,"3,541",', '4.000,"3,179",', '8.000,"2,930",'),
        ('n,loss,lr', '"1,000",4.020,0.1', '"2,000",3.541,0.1', '"4,000",3.179,', '"8,000",2.930,0.1'),
        ("n;loss;lr", "1,000;4.020;0.1", "2,000;3.541;0.1", "4,000;3.179;", "8,000;2.930;"),
        ("n;loss", "1000;4.020", "2000;3.541", "4000;3.179", "8000;2.930"),
    ],
)  # fmt: skip
def test_signs_are_read_as_the_table_shows_them(tmp_path, lines):
    curves = load(tmp_path, *lines).table.sort_values("n_train")
    assert curves["n_train"].tolist() == [1000, 2000, 4000, 8000]
    np.testing.assert_allclose(curves["value"], LOSSES)


def test_names_of_wide_sizes_have_thousands(tmp_path):
    curves = load(tmp_path, "model;100;1.000;n=10.000;20,000", "a;4,020;3,541;3,179;2,930", metric="loss")
    assert curves.usable["n_train"].tolist() == [100, 1000, 10000, 20000]
    np.testing.assert_allclose(curves.usable["value"], LOSSES)


def test_what_was_read_how_is_noted(tmp_path):
    notes = load(tmp_path, "n;loss", "1.000;4,020", "500;5,1").notes
    assert "read '1.000' in column 'n' as 1000: a dot groups thousands in this table" in notes
    assert "read '4,020' in column 'loss' as 4.020: a comma is the decimal sign in this table" in notes
    american = load(tmp_path, "n,loss,lr", '100,"4,020",0.1', '200,"3,541",0.1')
    assert american.usable["value"].tolist() == [4020, 3541]
    assert any("read '4,020' in column 'loss' as 4020: a comma groups" in note for note in american.notes)


def test_an_ordinary_german_export(tmp_path):
    rows = [f"ResNet-18;{n};{seed};86,05 %" for n in ("100", "1.000", "10.000") for seed in (0, 1)]
    text = "\r\n".join(["Model;Training size;Seed;Test accuracy", *rows])
    (tmp_path / "a.csv").write_bytes(text.encode("utf-8-sig"))
    table = load_curves(tmp_path / "a.csv").usable
    assert table["n_train"].unique().tolist() == [100, 1000, 10000]
    np.testing.assert_allclose(table["value"], 0.1395)


@pytest.mark.parametrize("size", ["1.000", "1.024"])
def test_sizes_with_a_dot_that_nothing_explains_are_asked_about(tmp_path, size):
    whole = size.replace(".", "")
    message = (
        rf"'n' \(n_train\) holds '{size}', which may be 1(\.024)? or {whole}.* Write {whole}, without any dot"
    )
    with pytest.raises(InvalidInputError, match=message):
        load(tmp_path, "n,n_errors,n_test", f"{size},300,1000", "2.000,200,1000")


def test_values_with_a_comma_that_nothing_explains_are_asked_about(tmp_path):
    with pytest.raises(InvalidInputError, match=r"'4,020', which may be 4.02 or 4020.*Write 4.020 or 4020"):
        load(tmp_path, "n,loss", '1000,"4,020"', '2000,"3,541"')
    with pytest.raises(InvalidInputError, match=r"'accuracy' \(accuracy\) holds '72,260'"):
        LearningCurves.from_frame({"n": [1000, 2000], "accuracy": ["72,260", "76,905"]})
    with pytest.raises(InvalidInputError, match=r"\(n_train\) holds '1,000', which may be 1 or 1000"):
        load(tmp_path, "n;loss", "1,000;4,02", "2,000;3,541")


def test_decimals_of_three_digits_are_decimals_and_other_columns_stay_numbers(tmp_path):
    curves = load(tmp_path, "n,loss,width", *(f"{n},{x:.3f},1.250\n{n},{x:.3f},2.500" for n, x in zip((64, 128), LOSSES)))  # fmt: skip
    assert curves.usable["value"].unique().tolist() == [4.02, 3.541]
    assert any("say model='width'" in note for note in curves.notes)
    program = load(tmp_path, "n,error", "64.000,0.350", "128.000,0.250")
    assert program.usable["n_train"].tolist() == [64, 128]


def test_a_column_may_show_both_signs_where_each_cell_is_clear(tmp_path):
    assert load(tmp_path, "n;error", "64;0,35", "128;0.25").usable["value"].tolist() == [0.35, 0.25]
    grouped = load(tmp_path, "n;error;n_test", "1,000,000;0,35;100", "2,000,000;0,25;100")
    assert grouped.usable["n_train"].tolist() == [1_000_000, 2_000_000]
