"""Every command and snippet of the README and the documentation runs, or says why it does not.

`bash` and `python` blocks of a page run in order, in an empty folder with the repository's `data/`. Fits are made by
the fast approximation: the same calls, without the minutes of sampling. A page may take for granted `errors.csv`,
`runs.csv`, the stores `out/my-study` and `out/fashion-rotations` (simulated), and in Python `curves` and `errors`. `console` blocks are transcripts: their
`curvefit` lines must parse. TOML blocks must be TOML, and whole studies must be studies.
"""

from __future__ import annotations

import subprocess
import warnings
from pathlib import Path

import pytest

from curvefit.records import RecordStore
from curvefit.study import Study
from tests import simulated
from tests.docs.snippets import Snippet, read_toml, shell_commands, snippets_of

ROOT = Path(__file__).parent.parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
KNOWN = {"bash", "console", "python", "toml", "text", "", "bibtex", "yaml", "json", "csv"}


def all_snippets(*languages: str) -> list[Snippet]:
    return [s for page in PAGES for s in snippets_of(page) if s.language in languages]


@pytest.fixture
def bench(tmp_path, monkeypatch):
    """An empty folder with `data`, headless plots, and approximate fits."""
    import matplotlib as mpl

    import curvefit.fitting

    mpl.use("Agg")
    real = curvefit.fitting.fit

    def quick(curves, **settings):
        return real(curves, **{**settings, "method": "approximate"})

    monkeypatch.setattr(curvefit.fitting, "fit", quick, raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").symlink_to(ROOT / "data")
    for study in ("fashion-rotations", "my-study"):
        with RecordStore(tmp_path / "out" / study).create().writer() as writer:
            writer.extend(simulated.records(seeds=2))
    own = simulated.own_curves()
    own.to_csv(tmp_path / "errors.csv", index=False)
    renamed = own.assign(err=own["n_errors"] / own["n_test"])[["model", "n_train", "seed", "err"]]
    renamed.rename(columns={"n_train": "samples"}).to_csv(tmp_path / "runs.csv", index=False)
    yield tmp_path
    import matplotlib.pyplot as plt

    plt.close("all")


def runnable(page: Path) -> list[Snippet]:
    return [s for s in snippets_of(page) if s.language in ("bash", "python") and not s.reason]


@pytest.mark.parametrize("page", [p for p in PAGES if runnable(p)], ids=lambda p: str(p.relative_to(ROOT)))
def test_the_blocks_of_a_page_run(page, bench, capsys):
    import curvefit as cf

    curves = cf.load_curves("errors.csv")
    names: dict[str, object] = {
        "__name__": "__main__",
        "curves": curves,
        "errors": [[0.1, 0.05], [0.04, 0.02]],
    }
    for snippet in runnable(page):
        if snippet.language == "python":
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", message=".*non-interactive.*")
                exec(compile(snippet.code, str(snippet), "exec"), names)
            continue
        for words in shell_commands(snippet):
            run_command(words, snippet)


def run_command(words: list[str], snippet: Snippet) -> None:
    """Run a command; `curvefit` in this process, where fits are quick (then 3, not quotable, is fine too)."""
    if words[0] != "curvefit":
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{snippet}: {' '.join(words)}\n{done.stderr}"
        return
    from curvefit.cli import main

    with pytest.raises(SystemExit) as left:
        main(words[1:])
    assert int(left.value.code or 0) in (0, 3), f"{snippet}: {' '.join(words)}"


@pytest.mark.parametrize("snippet", all_snippets("console"), ids=str)
def test_the_commands_of_a_transcript_parse(snippet, monkeypatch):
    from typer.testing import CliRunner

    from curvefit.cli import app

    for words in shell_commands(snippet):
        if words[0] == "curvefit" and "--help" not in words and len(words) > 1:
            command = CliRunner().invoke(app, [words[1], "--help"], env={"COLUMNS": "200", "TERM": "dumb"})
            assert command.exit_code == 0, f"{snippet}: {' '.join(words)}\n{command.output}"
            for word in words[2:]:
                option = word.partition("=")[0]
                if option.startswith("--"):
                    assert option in command.output, f"{snippet}: curvefit {words[1]} has no {option}"


@pytest.mark.parametrize("snippet", all_snippets("toml"), ids=str)
def test_toml_blocks_are_toml_and_whole_studies_are_studies(snippet):
    tables = read_toml(snippet)
    if {"study", "data", "model", "inference"} <= tables.keys():
        assert Study.from_dict(tables, where=str(snippet)).triplets()


def test_every_block_names_a_known_language_and_every_exception_has_a_reason():
    found = [s for page in PAGES for s in snippets_of(page)]
    assert len(found) > 10
    assert {s.language for s in found} <= KNOWN
    for snippet in found:
        assert not snippet.reason or len(snippet.reason.split()) >= 3, f"{snippet}: why is it not run?"


def test_the_runner_notices_a_wrong_snippet(tmp_path, bench, capsys):
    page = tmp_path / "page.md"
    page.write_text("```bash\ncurvefit check nowhere.csv\n```\n")
    with pytest.raises(AssertionError, match=r"page\.md:1"):
        test_the_blocks_of_a_page_run(page, bench, capsys)
