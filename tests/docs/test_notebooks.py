"""Notebooks are kept as text and run from the first cell to the last, in the repository's root.

A user waits less than a minute for each. The clock of a busy machine says little, so what counts is processor time: no
more than two cores have in that minute.
"""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.py"))
SECONDS_OF_A_CELL = 300
PROCESSOR_SECONDS = 2 * 60


def test_all_four_notebooks_are_there():
    assert {path.stem for path in NOTEBOOKS} == {"one-curve", "study", "symmetry", "forecasting"}


def processor_seconds() -> float:
    """Return what the ended child processes, kernels among them, have used."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::ResourceWarning")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path, monkeypatch):
    import jupytext
    from nbclient import NotebookClient

    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")
    monkeypatch.setenv("MPLBACKEND", "Agg")
    notebook = jupytext.read(path)
    client = NotebookClient(
        notebook,
        timeout=SECONDS_OF_A_CELL,
        kernel_name="python3",
        resources={"metadata": {"path": str(ROOT)}},
    )
    before = processor_seconds()
    client.execute()
    assert 0.5 < processor_seconds() - before < PROCESSOR_SECONDS
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert any(output.output_type == "execute_result" for output in outputs), "shows no table"
    assert not any("Traceback" in str(output.get("text", "")) for output in outputs)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_uses_the_public_interface_only(path):
    for line in path.read_text().splitlines():
        if line.startswith(("import curvefit", "from curvefit")):
            assert "._" not in line
            assert " _" not in line
