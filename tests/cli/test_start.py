"""The command starts fast, lists everything without importing it, and leaves with documented codes."""

from __future__ import annotations

import json
import resource
import subprocess
import sys

import pytest

from curvefit.cli import main
from curvefit.cli.lazy import LazyCommand
from curvefit.cli.output import AsJson
from curvefit.exit_codes import ExitCode

HEAVY = ("pandas", "pymc", "torch", "numpy", "scipy", "arviz", "matplotlib", "runners")


def run(capsys, *words: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as left:
        main(list(words))
    printed = capsys.readouterr()
    return int(left.value.code or 0), printed.out, printed.err


def test_help_imports_nothing_heavy_and_takes_half_a_second():
    code = (
        "import sys\nfrom curvefit.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        f"print([m for m in {HEAVY!r} if m in sys.modules], file=sys.stderr)"
    )
    seconds = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert done.stderr.strip() == "[]"
    assert min(seconds) < 0.5, f"fastest of three: {min(seconds):.2f} CPU seconds"
    for command in ("run", "status", "fit", "predict", "gain", "symmetry", "design", "report", "check"):
        assert command in done.stdout


def test_help_of_every_command_imports_nothing_heavy():
    heavy = [name for name in HEAVY if name != "runners"]
    code = (
        "import sys\nfrom curvefit.cli import main\nfrom curvefit.cli.app import COMMANDS\n"
        "for command in COMMANDS:\n    try:\n        main([command.name, '--help'])\n    except SystemExit as left:\n"
        "        assert not left.code\n"
        f"    print(command.name, [m for m in {heavy!r} if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert [line for line in done.stderr.splitlines() if not line.endswith("[]")] == []
    assert done.stdout.count("Usage: curvefit") == len(done.stderr.splitlines()) > 10


def test_help_documents_every_exit_code(capsys):
    _, out, _ = run(capsys, "--help")
    plain = " ".join(out.split())
    for code in ExitCode:
        assert f"{code.value} {code.meaning}"[:30] in plain


def test_a_misspelt_command_gets_the_nearest(capsys):
    code, _, err = run(capsys, "reprot", "x")
    assert code == 2
    assert "Did you mean 'report'?" in err


def test_a_misspelt_option_gets_the_nearest(capsys):
    code, _, err = run(capsys, "fit", "x.csv", "--famly", "m4")
    assert code == 2
    assert "--family" in err


def test_a_missing_file_is_bad_input_without_a_traceback(capsys):
    code, _, err = run(capsys, "check", "nowhere.csv")
    assert code == ExitCode.BAD_INPUT
    assert err.strip() == "curvefit: nowhere.csv does not exist."


def test_errors_are_json_where_json_was_asked_for(capsys):
    code, out, _ = run(capsys, "check", "nowhere.csv", "--json")
    assert code == ExitCode.BAD_INPUT
    assert json.loads(out) == {
        "error": "nowhere.csv does not exist.",
        "kind": "DataFileError",
        "exit_code": 2,
    }


def test_a_command_whose_half_is_missing_says_what_to_install(monkeypatch, capsys):
    def without_torch(self):
        from curvefit.cli.lazy import missing_dependency

        raise missing_dependency(self.name, "torch")

    monkeypatch.setattr(LazyCommand, "load", without_torch)
    code, _, err = run(capsys, "run", "study.toml")
    assert code == ExitCode.MISSING_DEPENDENCY
    assert "'torch'" in err
    assert "pip install 'curvefit[runners]'" in err


def test_an_import_that_fails_while_running_says_the_same(monkeypatch, capsys):
    def needs_torch() -> None:
        raise ModuleNotFoundError("No module named 'torch'", name="torch")

    monkeypatch.setattr(LazyCommand, "load", lambda self: needs_torch)
    code, _, err = run(capsys, "symmetry")
    assert code == ExitCode.MISSING_DEPENDENCY
    assert "curvefit[runners]" in err


def test_an_interrupt_leaves_with_130(monkeypatch, capsys):
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(LazyCommand, "load", lambda self: interrupted)
    code, _, err = run(capsys, "status")
    assert code == ExitCode.INTERRUPTED
    assert "what was done is kept" in err


def test_wrong_usage_is_json_too(capsys):
    code, out, _ = run(capsys, "fit", "x.csv", "--json", "--famly", "m4")
    assert code == ExitCode.BAD_INPUT
    assert "--family" in json.loads(out)["error"]


def test_every_command_prints_json_when_asked():
    from curvefit.cli.app import COMMANDS
    from curvefit.cli.lazy import as_command

    for command in COMMANDS:
        options = {
            name for parameter in as_command(command.name, command.load()).params for name in parameter.opts
        }
        assert "--json" in options, command.name


def test_a_bug_keeps_its_traceback(monkeypatch):
    def buggy() -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(LazyCommand, "load", lambda self: buggy)
    with pytest.raises(ZeroDivisionError):
        main(["status"])


def test_a_bug_is_json_too_beside_its_traceback(monkeypatch, capsys):
    def buggy(as_json: AsJson = False) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(LazyCommand, "load", lambda self: buggy)
    code, out, err = run(capsys, "status", "--json")
    assert code == ExitCode.INTERNAL_ERROR
    assert json.loads(out) == {"error": "a bug", "kind": "ZeroDivisionError", "exit_code": 1}
    assert "Traceback" in err


@pytest.mark.parametrize("words", [("check", "table.csv"), ("check", "table.csv", "--json"), ("--help",)])
def test_a_reader_that_leaves_is_no_bug(words, tmp_path):
    (tmp_path / "table.csv").write_text(
        "n_train,error\n" + "\n".join(f"{n},{1 / n}" for n in (8, 16, 32, 64))
    )
    with subprocess.Popen(
        [sys.executable, "-m", "curvefit", *words],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == ExitCode.UNREAD


def test_a_closed_output_is_no_bug(tmp_path):
    (tmp_path / "table.csv").write_text(
        "n_train,error\n" + "\n".join(f"{n},{1 / n}" for n in (8, 16, 32, 64))
    )
    command = f"exec {sys.executable} -m curvefit check table.csv >&-"
    done = subprocess.run(["sh", "-c", command], cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("words", [("-h",), ("fit", "-h")])
def test_help_has_a_short_name(words, capsys):
    code, out, _ = run(capsys, *words)
    assert code == 0
    assert "Usage: curvefit" in out


@pytest.mark.parametrize("command", ["check", "fit"])
def test_a_dash_is_told_that_standard_input_is_not_read(command, capsys):
    code, _, err = run(capsys, command, "-")
    assert code == ExitCode.BAD_INPUT
    assert "not standard input" in err


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        ("curvefit re", "report"),
        ("curvefit fit --me", "--method"),
        ("curvefit fit --pooling par", "partial"),
        ("curvefit report --family broken", "broken-power-law"),
    ],
)
def test_the_shell_completes_commands_options_and_choices(words, completed):
    done = subprocess.run(
        [sys.executable, "-c", "from curvefit.cli import main; main()"],
        env={
            "_CURVEFIT_COMPLETE": "complete_bash",
            "COMP_WORDS": words,
            "COMP_CWORD": str(len(words.split()) - 1),
            "PATH": "",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert completed in done.stdout.split()


def test_options_of_the_fit_have_the_defaults_of_its_settings():
    from curvefit.cli.fitted import FIT_OPTIONS
    from curvefit.fitting.settings import FitSettings

    defaults = FitSettings().model_dump()
    assert {name: option.default for name, option in FIT_OPTIONS.items()} == {
        name: defaults[name] for name in FIT_OPTIONS
    }
