"""Tables that say something else than was meant: asked about first, refused with the true reason, never read in silence."""

import numpy as np
import pandas as pd
import pytest

from curvefit.curves import LearningCurves, load_curves
from curvefit.curves.curve_flags import LOUD
from curvefit.curves.fittable import refuse_hopeless
from curvefit.curves.zero_rates import whole_number_of_tests
from curvefit.errors import InvalidInputError

SIZES = [64, 128, 256, 512, 1024]
ERRORS = [0.69, 0.59, 0.5, 0.42, 0.35]


def tidy(values=ERRORS, **more):
    """Three seeds of one model, whose rates differ by little."""
    rows = [
        {"model": "mlp", "n_train": n, "seed": seed, "error": round(e + 0.002 * seed, 4)}
        for n, e in zip(SIZES, values)
        for seed in range(3)
    ]
    return pd.DataFrame(rows).assign(**more)


def flags(curves):
    return curves.warnings["flag"].tolist()


def lines(curves):
    return str(curves).split("\n")


@pytest.mark.parametrize(
    ("level", "flagged", "refused"),
    [(0.9, False, False), (0.66, False, False), (0.65, True, False), (0.45, True, True), (0.1, True, True)],
)
def test_errors_above_the_chance_level_are_asked_about_and_most_of_them_refused(level, flagged, refused):
    curves = LearningCurves.from_frame(tidy(chance_error=level))
    assert ("above-chance" in flags(curves)) is flagged
    assert "all-chance" not in flags(curves)
    assert ("is 0." in lines(curves)[1]) is flagged
    if refused:
        with pytest.raises(InvalidInputError, match=rf"up to 0.692, lie above the chance level {level}"):
            refuse_hopeless(curves, from_chance=True)
    else:
        refuse_hopeless(curves, from_chance=True)
    refuse_hopeless(curves, from_chance=False)


def test_noise_around_chance_is_no_error_above_it_and_squared_errors_may_peak():
    around = LearningCurves.from_frame(
        {"n": SIZES, "n_errors": [93, 88, 91, 94, 90], "n_test": 100}, chance_error=0.9
    )
    assert "above-chance" not in flags(around)
    assert "all-chance" in flags(around)
    peak = LearningCurves.from_frame({"n": SIZES, "mse": [3.0, 2.0, 1.5, 0.9, 0.5]}, chance_error=1.0)
    assert "above-chance" not in flags(peak)


@pytest.mark.parametrize(
    ("score", "message"),
    [("f1", "accuracy='f1'"), ("test_auc", "accuracy='test_auc'"), ("r2", "metric='mse'"), ("R_squared", "metric='mse'")],
)  # fmt: skip
@pytest.mark.parametrize("model", [True, False])
def test_scores_are_never_read_as_errors(score, message, model):
    frame = tidy(lr=0.1, gpu_util=0.8).rename(columns={"error": score})
    with pytest.raises(InvalidInputError, match="no column with test errors") as told:
        LearningCurves.from_frame(frame if model else frame.drop(columns="model"))
    assert f"Is '{score}' a score" in str(told.value)
    assert message in str(told.value)
    assert LearningCurves.from_frame(frame, accuracy=score).usable["value"].max() == pytest.approx(0.65)


@pytest.mark.parametrize("columns", [["model", "n_train", "seed"], ["n_train", "seed"], ["n_train", "model"]])
def test_a_tidy_table_without_errors_is_not_taken_for_a_wide_one(columns):
    with pytest.raises(InvalidInputError, match="no column with test errors"):
        LearningCurves.from_frame(tidy()[columns].assign(quality=0.5))


@pytest.mark.parametrize("name", ["Top1", "top-5", "test/top1"])
def test_top_k_is_an_accuracy(name):
    curves = LearningCurves.from_frame(tidy().rename(columns={"error": name}))
    assert curves.usable["value"].min() == pytest.approx(1 - 0.694)
    errors = LearningCurves.from_frame(tidy().rename(columns={"error": f"{name} error"}))
    assert errors.usable["value"].max() == pytest.approx(0.694)


def test_accuracies_read_as_errors_are_asked_about_first():
    frame = pd.DataFrame([{"model": m, **dict(zip(map(str, SIZES), ERRORS[::-1]))} for m in ("cnn", "mlp")])
    curves = LearningCurves.from_frame(frame)
    assert "every curve rises" in lines(curves)[1]
    assert "metric='accuracy'" in lines(curves)[1]
    said = LearningCurves.from_frame(frame, metric="accuracy")
    assert "rising" not in flags(said)
    np.testing.assert_allclose(said.usable["value"][:5], 1 - np.array(ERRORS[::-1]))
    one_falls = pd.concat([tidy(ERRORS[::-1]), tidy().assign(model="cnn")])
    assert "rising" not in flags(LearningCurves.from_frame(one_falls))


def test_rows_that_say_accuracy_in_a_column_of_metrics_are_accuracies():
    curves = LearningCurves.from_frame(tidy(metric="test accuracy").rename(columns={"error": "value"}))
    assert curves.usable["value"].min() == pytest.approx(1 - 0.694)
    assert any("became errors" in note for note in curves.notes)


def test_zero_rates_ask_for_the_number_of_test_points():
    frame = {"n": [*SIZES, 2048, 4096], "error": [0.09, 0.065, 0.02, 0.025, 0.005, 0.0, 0.0]}
    curves = LearningCurves.from_frame(frame)
    assert flags(curves)[0] == "zeros-without-n-test"
    assert "2 of 7 error rates are 0" in lines(curves)[1]
    assert "n_test=200?" in lines(curves)[1]
    assert "zeros-without-n-test" not in flags(LearningCurves.from_frame(frame, n_test=200))
    rates = np.random.default_rng(0).uniform(size=9)
    assert whole_number_of_tests(rates) is None
    assert whole_number_of_tests(rates.round(3)) is None
    assert whole_number_of_tests((rates * 750).round() / 750) == 750


def test_unusable_rows_are_grouped_by_kind():
    curves = LearningCurves.from_frame(tidy(n_errors=np.arange(200, 215), n_test=100).drop(columns="error"))
    assert lines(curves)[0] == "no usable row of 15: 15 row(s): for example n_errors 200 above n_test 100"
    with pytest.raises(
        InvalidInputError, match=r"no row is usable: 15 row\(s\): for example n_errors 200 above"
    ):
        _ = curves.metric


def test_one_value_does_not_stand_for_another():
    curves = LearningCurves.from_frame(tidy([-0.1, 1.2, *ERRORS[:3]]))
    assert "6 of 15 rows flagged and not used: for example error rate -0.1 outside [0, 1]" in curves.notes


def test_a_missing_size_is_missing():
    curves = LearningCurves.from_frame({"n_train": [*SIZES, np.nan], "error": [*ERRORS, 0.5]})
    assert curves.table["flag"].tolist().count("n_train is missing") == 1


@pytest.mark.parametrize(
    ("column", "cell", "message"),
    [
        ("error", "0.687 ± 0.002", "'0.687 ± 0.002' is no number: put the standard error in a column of its own"),
        ("error", "0.687 (0.002)", "put the standard error in a column of its own"),
        ("error", "0.687 +/- 0.002", "put the standard error in a column of its own"),
        ("n_train", "64 samples", "'64 samples' is no number: write the number alone"),
        ("n_train", "1e1.806", "'1e1.806' is no number$"),
        ("error", "low", "row 1: 'low' is no number$"),
    ],
)  # fmt: skip
def test_a_column_that_cannot_be_read_is_not_called_absent(column, cell, message):
    frame = tidy().astype({column: object})
    frame[column] = cell
    with pytest.raises(InvalidInputError, match=message.replace("(", r"\(").replace(")", r"\)").replace("+", r"\+")):  # fmt: skip
        LearningCurves.from_frame(frame)


def test_an_n_test_that_does_not_fit_the_rates_is_said():
    curves = LearningCurves.from_frame(tidy(), n_test=7)
    assert "15 of 15 rates are not multiples of 1/n_test (0.69 of 1/7): counts not recovered from them" in curves.notes  # fmt: skip
    assert curves.table["n_errors"].isna().all()
    assert not any("multiples" in note for note in LearningCurves.from_frame(tidy(), n_test=5000).notes)


def test_what_is_not_there_is_not_said_to_exist():
    curves = LearningCurves.from_frame(tidy())
    with pytest.raises(InvalidInputError, match="no row has the metric 'mse'; here: error-rate"):
        curves.select(metric="mse")
    with pytest.raises(InvalidInputError, match=r"no size is at least 10000; sizes: 64 to 1024$"):
        curves.drop_sizes(below=10_000)
    with pytest.raises(InvalidInputError, match="no size is at least 2 and at most 3;"):
        curves.drop_sizes(below=2, above=3)


@pytest.mark.parametrize("chosen", [{}, {"n_errors": "n_errors"}])
def test_counts_that_are_means_over_seeds_are_refused(chosen):
    frame = tidy(n_errors=3456.5, n_test=5000).drop(columns="error")
    with pytest.raises(
        InvalidInputError, match=r"holds 3456.5: n_errors must be whole numbers.* single runs"
    ):
        LearningCurves.from_frame(frame, **chosen)


def test_one_path_is_read_not_a_list():
    with pytest.raises(InvalidInputError, match="one path, not a list"):
        load_curves(["a.csv", "b.csv"])


def test_one_size_is_too_short_but_its_seeds_are_not_one_value():
    curves = LearningCurves.from_frame(tidy()[:3])
    assert flags(curves) == ["too-short"]
    assert lines(curves)[1].endswith("only 1 size(s); a law with a floor needs 4 or more")
    with pytest.raises(InvalidInputError, match="every curve has one size only"):
        refuse_hopeless(curves, from_chance=True)
    refuse_hopeless(LearningCurves.from_frame(tidy()[:6]), from_chance=True)


def test_loud_flags_come_before_all_others():
    frame = pd.concat([tidy()[:6:3].assign(model="short"), tidy().assign(model="long")])
    found = flags(LearningCurves.from_frame(pd.concat([tidy([0.3] * 5).assign(model="flat"), frame])))
    ranks = [LOUD.index(flag) if flag in LOUD else len(LOUD) for flag in found]
    assert ranks == sorted(ranks)


def test_mixed_metrics_are_said_at_once_and_judged_apart():
    curves = LearningCurves.from_frame(
        pd.concat([tidy(metric="error-rate"), tidy([5.0, 4.0, 3.0, 2.5, 2.0], metric="mse")])
    )
    assert lines(curves)[1].startswith("the curves mix the metrics error-rate, mse; a fit takes one")
    assert "--metric error-rate" in lines(curves)[1]
    summary = curves.summary()
    assert summary[["metric", "sizes"]].to_numpy().tolist() == [["error-rate", 5], ["mse", 5]]
    assert flags(curves) == []
