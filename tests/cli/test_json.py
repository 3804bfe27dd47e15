"""Every command, asked for JSON, prints one object that any reader takes, and everything else on stderr."""

from __future__ import annotations

import json

import pytest

from curvefit.cli import main
from curvefit.cli.app import COMMANDS
from tests import simulated
from tests.engine.studies import EXECUTOR, tiny_toml


def spoken(capsys, *words: object, codes: tuple[int, ...] = (0,)) -> tuple[dict, str]:
    """Run a command with ``--json``; return the object on stdout, and what stderr says."""
    with pytest.raises(SystemExit) as left:
        main([*map(str, words), "--json"])
    printed = capsys.readouterr()
    assert int(left.value.code or 0) in codes, printed
    assert printed.out.endswith("}\n"), words
    content = json.loads(printed.out, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    assert isinstance(content, dict), words
    return content, printed.err


def test_every_command_prints_one_object(tmp_path, capsys):
    study, out, table, fit = (tmp_path / name for name in ("s.toml", "out", "own.csv", "fit"))
    tiny_toml(study)
    simulated.own_curves().to_csv(table, index=False)
    fake = ("--executor", EXECUTOR)
    walk = [
        ("plan", study, *fake),
        ("run", study, "--out", out, "--workers", 1, *fake),
        ("status", out),
        ("logs", out),
        ("verify", out),
        ("merge", tmp_path / "both", out),
        ("slurm", study, "--out", out, *fake),
        ("check", table),
        ("symmetry", "fcn", "ntk", "--group", "o-cp"),
        ("fit", table, "--method", "approximate", "--save", fit),
        ("predict", fit, "--target", 0.01, "--at", 8192),
        ("gain", fit, "--baseline", "mlp"),
        ("design", fit),
        ("report", fit, "--out", tmp_path / "report"),
    ]
    said = {}
    for name, *words in walk:
        said[name], err = spoken(capsys, name, *words)
        assert ("of 6 runs" in err) == (name == "run")
        assert ("fitting 2 curve(s)" in err) == (name == "fit")
    run_id = next(event["run_id"] for event in said["logs"]["events"] if event["event"] == "recorded")
    said["show"], _ = spoken(capsys, "show", out, run_id)
    assert said["show"]["record"]["run_id"] == run_id
    assert said["symmetry"]["pairs"][0]["certificates"]
    assert set(said) == {command.name for command in COMMANDS}


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (("report", "table.csv", "--out", "table.csv"), "BadParameter"),
        (
            ("report", "table.csv", "--out", "table.csv/report", "--method", "approximate"),
            "NotADirectoryError",
        ),
        (("run", "nowhere"), "MissingParameter"),
        (("check", "nowhere.toml"), "DataFileError"),
        (("reprot", "table.csv"), "UnknownNameError"),
    ],
)
def test_bad_input_is_one_object_too(words, kind, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    simulated.own_curves().to_csv("table.csv", index=False)
    content, _ = spoken(capsys, *words, codes=(2,))
    assert (content["kind"], content["exit_code"]) == (kind, 2)
