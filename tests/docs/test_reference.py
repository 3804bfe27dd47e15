"""The reference pages hold every public name."""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path

import pytest

PAGES = Path(__file__).parents[2] / "docs" / "reference"
PACKAGES = (
    "curves", "families", "fitting", "dimension", "theory", "symmetry", "study", "records", "plots", "report",
)  # fmt: skip


@pytest.fixture(scope="module")
def told() -> list[str]:
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES.glob("*.md"))
    return re.findall(r"^::: (\S+)$", text, re.MULTILINE)


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_stands_in_the_reference(package, told):
    module = importlib.import_module(f"curvefit.{package}")
    known = {path.rpartition(".")[2] for path in told if path.startswith(f"curvefit.{package}.")}
    names = {name for name in module.__all__ if not inspect.ismodule(getattr(module, name))}
    assert names - known == set()


def test_what_the_reference_names_exists_once(told):
    assert len(told) == len(set(told))
    for path in told:
        module, _, name = path.rpartition(".")
        assert hasattr(importlib.import_module(module), name), path
