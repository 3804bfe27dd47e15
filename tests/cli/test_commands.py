"""Commands on a table of one's own and on saved fits: sentences for people, JSON for programs."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import pytest

from curvefit.cli import main
from curvefit.cli.numbers import parse_size
from curvefit.cli.source import column_map
from curvefit.curves.names import SPELLINGS
from curvefit.errors import InvalidInputError
from curvefit.fitting import FitStatus
from tests import simulated


@pytest.fixture(scope="module")
def table(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("own") / "own.csv"
    simulated.own_curves().to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> Path:
    return simulated.fit(n_draws=200).save(tmp_path_factory.mktemp("fit") / "fit")


def run(capsys, *words: object, code: int = 0) -> str:
    with pytest.raises(SystemExit) as left:
        main([str(word) for word in words])
    printed = capsys.readouterr()
    assert int(left.value.code or 0) == code, printed
    return printed.out


def test_check_prints_what_was_guessed_and_what_a_fit_would_use(table, capsys, tmp_path):
    renamed = tmp_path / "renamed.csv"
    simulated.own_curves().rename(columns={"n_train": "samples"}).to_csv(renamed, index=False)
    out = run(capsys, "check", renamed)
    assert "read column 'samples' as n_train" in out
    assert "what a fit would use" in out
    content = json.loads(run(capsys, "check", renamed, "--json"))
    assert content["ok"] is True
    assert content["usable"] == 130
    assert {curve["model"] for curve in content["curves"]} == {"mlp", "cnn"}


def test_mixed_metrics_are_chosen_by_an_option(capsys, tmp_path):
    mixed = tmp_path / "mixed.csv"
    rows = [f"{n},{1 / n},{metric}" for metric in ("error-rate", "mse") for n in (64, 128, 256, 512)]
    mixed.write_text("\n".join(["n_train,value,metric", *rows]))
    assert "--metric error-rate" in run(capsys, "check", mixed)
    assert json.loads(run(capsys, "check", mixed, "--json"))["metrics"] == ["error-rate", "mse"]
    with pytest.raises(SystemExit) as left:
        main(["fit", str(mixed)])
    assert left.value.code == 2
    assert "--metric error-rate" in capsys.readouterr().err


def test_check_of_a_table_without_a_usable_row_fails(capsys, tmp_path):
    broken = tmp_path / "broken.csv"
    simulated.own_curves().assign(n_errors=9999).to_csv(broken, index=False)
    assert "above n_test" in run(capsys, "check", broken, code=2)


@pytest.mark.parametrize("command", ["check", "fit"])
def test_a_saved_fit_is_not_taken_for_curves(saved, command, capsys):
    with pytest.raises(SystemExit) as left:
        main([command, str(saved)])
    assert left.value.code == 2
    assert "is a saved fit" in capsys.readouterr().err


def test_check_lists_every_mistake_of_a_study(capsys, tmp_path):
    study = tmp_path / "study.toml"
    study.write_text(
        '[study]\nname = "x"\nreplicats = 3\n[[data]]\nname = "digits"\n[[model]]\n[[inference]]\nname = "sgd"\n'
    )
    with pytest.raises(SystemExit) as left:
        main(["check", str(study)])
    printed = capsys.readouterr().err
    assert left.value.code == 2
    assert "replicats" in printed
    assert "replicates" in printed


def test_fit_says_the_status_first_then_sentences_then_a_table(table, capsys, tmp_path):
    out = run(capsys, "fit", table, "--method", "approximate", "--save", tmp_path / "fit")
    assert out.index("APPROXIMATE") < out.index("exponent 0.") < out.index("error_at_n_max")
    assert (tmp_path / "fit" / "fit.json").exists()
    content = json.loads(run(capsys, "fit", table, "--method", "approximate", "--json"))
    exponents = {curve["model"]: curve["exponent"] for curve in content["curves"]}
    assert {curve["least_squares_agreement"] for curve in content["curves"]} <= {"inside", "overlapping"}
    assert "of 2 curves" in content["cross_check"]
    assert content["cross_check"] in out
    assert exponents["mlp"] == pytest.approx(0.3, abs=0.1)
    assert exponents["cnn"] == pytest.approx(0.5, abs=0.1)


def test_fit_says_when_it_replaces_a_saved_fit(table, capsys, tmp_path):
    words = ("fit", table, "--method", "approximate", "--save", tmp_path / "fit")
    assert f"saved to {tmp_path / 'fit'};" in run(capsys, *words)
    assert f"replaced the fit in {tmp_path / 'fit'};" in run(capsys, *words)


def test_fit_chooses_triplets_and_sizes(table, capsys):
    words = ("fit", table, "--model", "cnn", "--from", 128, "--to", 2048, "--method", "approximate", "--json")
    curves = json.loads(run(capsys, *words))["curves"]
    assert [(curve["model"], curve["sizes"], curve["n_min"], curve["n_max"]) for curve in curves] == [
        ("cnn", 9, 128, 2048)
    ]


def test_an_unconverged_fit_leaves_with_3_and_still_writes(capsys, tmp_path):
    poor = simulated.fit(of=simulated.few_curves(), n_draws=100, status=FitStatus(False, ("R-hat is 1.2",)))
    poor.save(tmp_path / "poor")
    out = run(capsys, "gain", tmp_path / "poor", code=3)
    assert "NOT converged" in out
    assert "dimension" in out


def test_gain_gives_both_gains_apart(saved, capsys):
    content = json.loads(run(capsys, "gain", saved, "--baseline", "fcn", "--json"))
    row = next(row for row in content["gains"] if row["aligned"] == "shifted trivial | gap | sgd")
    assert row["dimension_gain"] == pytest.approx(0.55 / 0.25, rel=0.1)
    assert row["sample_gain"] == pytest.approx(1.0, rel=0.2)


def test_gain_with_sensitivity_refits_as_the_saved_fit_was_fitted(table, capsys, tmp_path):
    run(capsys, "fit", table, "--method", "approximate", "--save", tmp_path / "fit")
    out = run(capsys, "gain", tmp_path / "fit", "--baseline", "mlp", "--sensitivity")
    assert out.index("assuming:") < out.index("as fitted, medians") < out.index("family corrected-power-law")
    assert "n_train >= 96" in out


def test_gain_over_an_unknown_baseline_names_the_known(saved, capsys):
    with pytest.raises(SystemExit) as left:
        main(["gain", str(saved), "--baseline", "fnc"])
    assert left.value.code == 2
    assert "Did you mean 'fcn'" in capsys.readouterr().err


def test_predict_continues_a_saved_fit(saved, capsys):
    content = json.loads(run(capsys, "predict", saved, "--at", 4096, "--target", 0.1, "--json"))
    row = next(
        r
        for r in content["forecast"]
        if (r["data"], r["model"], r["inference"]) == ("shifted trivial", "gap", "sgd")
    )
    truth = 0.05 + 0.85 * (1 + 4096 / 8) ** -0.55
    assert row["low"] < truth < row["high"]
    assert row["extrapolated"] is True
    assert {r["target"] for r in content["needed"]} == {0.1}


@pytest.mark.parametrize(
    ("source", "module", "held_out"),
    [("table", "forecast_of_curves", "calibrate"), ("saved", "forecast_of_fit", "held_out_drift")],
)
def test_predict_holds_sizes_out_once_for_target_and_sizes(
    source, module, held_out, request, capsys, monkeypatch
):
    place = importlib.import_module(f"curvefit.fitting.{module}")
    calls, real = [], getattr(place, held_out)
    monkeypatch.setattr(place, held_out, lambda *a, **k: calls.append(a) or real(*a, **k))
    run(capsys, "predict", request.getfixturevalue(source), "--at", 4096, "--target", 0.1, "--json")
    assert len(calls) == 1


@pytest.mark.parametrize("words", [("--target", "2"), ("--target", "0"), ("--at", "-3")])
def test_predict_refuses_what_no_curve_can_reach(words, saved, capsys):
    with pytest.raises(SystemExit) as left:
        main(["predict", str(saved), *words])
    assert left.value.code == 2
    said = capsys.readouterr().err
    assert words[0] in said
    assert "forecasting" not in said


def test_predict_refuses_to_choose_columns_of_a_saved_fit(saved, capsys):
    with pytest.raises(SystemExit) as left:
        main(["predict", str(saved), "--from", "256", "--model", "cnn"])
    assert left.value.code == 2
    assert "used as it is; only a table takes --model cnn --from 256" in capsys.readouterr().err


def test_design_ranks_proposals(saved, capsys):
    content = json.loads(run(capsys, "design", saved, "--top", 3, "--json"))
    assert len(content["proposals"]) == 3
    assert "Run next:" in run(capsys, "design", saved)


def test_report_writes_its_folder_and_uses_the_saved_fit_again(table, capsys, tmp_path):
    words = ("report", table, "--out", tmp_path / "out", "--method", "approximate", "--json")
    first, second = (json.loads(run(capsys, *words)) for _ in range(2))
    assert (first["reused_fit"], second["reused_fit"]) == (False, True)
    assert first["verdict"] == second["verdict"]
    assert len(first["verdict"]) == 3
    for name in ("report.html", "report.md", "exponents.csv", "figures/curves-1.png"):
        assert (tmp_path / "out" / name).stat().st_size > 0


def test_report_takes_columns_and_choices_and_says_how_to_repeat_them(capsys, tmp_path):
    renamed = tmp_path / "odd names.csv"
    simulated.own_curves().rename(columns={"n_train": "shots"}).to_csv(renamed, index=False)
    words = (
        "report",
        renamed,
        "--out",
        tmp_path / "out",
        "-c",
        "n_train=shots",
        "--model",
        "cnn",
        "--seed",
        3,
    )
    run(capsys, *words, "--method", "approximate")
    text = (tmp_path / "out" / "report.md").read_text()
    assert "--column n_train=shots --model cnn --method approximate --seed 3" in text
    assert "mlp" not in text


def test_report_of_a_saved_fit_samples_nothing(capsys, tmp_path):
    saved = simulated.fit(of=simulated.few_curves(), n_draws=100).save(tmp_path / "fit")
    content = json.loads(run(capsys, "report", saved, "--out", tmp_path / "out", "--json"))
    assert content["reused_fit"] is True
    with pytest.raises(SystemExit) as left:
        main(["report", str(saved), "--out", str(tmp_path / "out"), "--draws", "500"])
    assert left.value.code == 2
    assert "are for tables (on the command line: --draws 500)" in capsys.readouterr().err


def test_an_interrupted_fit_is_kept_and_leaves_with_130(table, capsys, tmp_path, monkeypatch):
    stopped = FitStatus(False, ("interrupted: 4 chain(s) with 25 of 1000 draws",), interrupted=True)
    poor = simulated.fit(of=simulated.few_curves(), n_draws=100, status=stopped)
    monkeypatch.setattr("curvefit.fitting.fit", lambda curves, **_: poor, raising=False)
    out = run(capsys, "fit", table, "--save", tmp_path / "fit", code=130)
    assert "NOT converged" in out
    assert "25 of 1000 draws" in out
    run(capsys, "gain", tmp_path / "fit", code=3)
    run(capsys, "report", table, "--out", tmp_path / "out", code=130)
    assert (tmp_path / "out" / "fit" / "fit.json").exists()
    assert not (tmp_path / "out" / "fit" / "digest.json").exists(), "the next report fits anew"


def test_how_training_sets_were_drawn_can_be_said(table, capsys):
    words = ("fit", table, "--method", "approximate", "--json", "--training-sets")
    nested, independent = (
        json.loads(run(capsys, *words, kind))["notes"] for kind in ("nested", "independent")
    )
    assert any("nested" in note for note in nested)
    assert not any("correlated" in note for note in independent)
    with pytest.raises(SystemExit):
        main([*map(str, words), "nestled"])
    assert "Did you mean 'nested'?" in capsys.readouterr().out


def test_whether_runs_share_test_points_can_be_said(table, capsys):
    words = ("fit", table, "--method", "approximate", "--json", "--test-sets")
    shared, own = (json.loads(run(capsys, *words, kind))["notes"] for kind in ("shared", "own"))
    assert any("share their test points" in note for note in shared)  # as an approximate fit says it
    assert not any("test points" in note for note in own)
    with pytest.raises(SystemExit):
        main([*map(str, words), "sharde"])
    assert "Did you mean 'shared'?" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["fit", "report"])
@pytest.mark.parametrize(
    ("option", "wrong", "meant"),
    [
        ("--pooling", "partail", "partial"),
        ("--method", "approx", "approximate"),
        ("--likelihood", "betabinomial", "beta-binomial"),
        ("--family", "powerlaw", "power-law"),
    ],
)
def test_a_wrong_choice_stops_before_anything_is_read(command, option, wrong, meant, capsys, tmp_path):
    words = [command, str(tmp_path / "nowhere.csv"), option, wrong]
    with pytest.raises(SystemExit) as left:
        main(words + (["--out", str(tmp_path / "out")] if command == "report" else []))
    said = capsys.readouterr().err
    assert left.value.code == 2
    assert wrong in said
    assert f"Did you mean '{meant}'?" in said
    assert "nowhere" not in said


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (("--link", "noizy", "--baseline", "mlp"), "Did you mean 'noisy'?"),
        (("--baseline", "mpl"), "Did you mean 'mlp'?"),
        (
            (),
            "none stands out; name one with baseline= (on the command line: --baseline): model 'mlp' or 'cnn'",
        ),
    ],
)
def test_a_gain_that_cannot_be_measured_stops_before_the_fit(words, meant, table, capsys, monkeypatch):
    def never(*_, **__):
        raise AssertionError("fitted")

    monkeypatch.setattr("curvefit.fitting.fit", never, raising=False)
    with pytest.raises(SystemExit) as left:
        main(["gain", str(table), *words])
    assert left.value.code == 2
    assert meant in capsys.readouterr().err


@pytest.mark.parametrize("pair", ["n_train", "=x", "n_train="])
def test_a_column_mapping_needs_both_sides(pair):
    with pytest.raises(InvalidInputError, match="NAME=COLUMN"):
        column_map([pair])


def test_numbers_stand_for_columns_only_where_that_makes_sense():
    assert column_map(["n_test=1000", "value=3"]) == {"n_test": 1000.0, "value": "3"}


def test_a_column_is_said_once():
    with pytest.raises(InvalidInputError, match="--column says what value is twice: a and b"):
        column_map(["value=a", "value=b"])


def test_numbers_for_columns_are_written_as_in_a_table():
    pairs = ["n_test=10k", "chance_error=90%", "value_se=0,01"]
    assert column_map(pairs) == {"n_test": 10_000, "chance_error": 0.9, "value_se": 0.01}
    assert column_map(["n_test=10,000"]) == {"n_test": 10_000}
    with pytest.raises(InvalidInputError, match=r"'1.000' may be 1 or 1000"):
        column_map(["n_test=1.000"])


def test_help_names_every_column_that_can_be_said(capsys):
    said = " ".join(run(capsys, "check", "--help").replace("│", " ").split())
    names = said.partition("Names: ")[2].partition(". What is not given")[0].split(", ")
    assert sorted(names) == sorted(SPELLINGS)


def test_sizes_and_errors_are_written_as_in_a_table(saved, table, capsys):
    words = ("--at", "20k", "--at", "1e4", "--target", "10%", "--json")
    content = json.loads(run(capsys, "predict", saved, *words))
    assert {row["n_train"] for row in content["forecast"]} == {10_000, 20_000}
    assert {row["target"] for row in content["needed"]} == {0.1}
    assert [parse_size(size) for size in ("1k", "1,000", "1000")] == [1000] * 3
    curves = json.loads(run(capsys, "check", table, "--from", "0.5k", "--to", "2,048", "--json"))["curves"]
    assert {(curve["n_min"], curve["n_max"]) for curve in curves} == {(512, 2048)}


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--at", "10000,20000"), "give the option once per size"),
        (("--at", "1,000"), "give the option once per size"),
        (("--at", "1.000"), "may be 1 or 1000"),
        (("--at", "many"), "is no training-set size"),
        (("--from", "100.5"), "is no training-set size"),
        (("--target", "low"), "is no number, as 0.03 or 3%"),
        (("--target", "5,020"), "may be 5.02 or 5020"),
    ],
)
def test_numbers_that_cannot_be_read_are_named(words, why, table, capsys):
    told = json.loads(run(capsys, "predict", table, *words, "--json", code=2))["error"]
    assert f"Invalid value for '{words[0]}': '{words[1]}' " in told
    assert why in told


def test_messages_spell_an_option_for_python_and_for_the_command_line(capsys, tmp_path):
    table = tmp_path / "epochs.csv"
    table.write_text("model,epoch,error\na,1,0.5\na,2,0.4\n")
    with pytest.raises(SystemExit):
        main(["check", str(table)])
    assert "n_train='<column>' (on the command line: -c n_train=<column>)" in capsys.readouterr().err
    table.write_text("n,error\n" + "\n".join(f"{n},{1 / n}" for n in (8, 16, 32, 64)))
    assert "(metric= says otherwise; on the command line: -c metric=...)" in run(capsys, "check", table)
