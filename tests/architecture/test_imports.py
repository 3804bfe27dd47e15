"""The picture in the architecture page is true: floors hold, modules import alone, heavy ones stay out."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("torch", "pymc", "pytensor", "arviz", "numba", "matplotlib", "pandas", "sklearn", "statsmodels")


NEEDS = {"runners.kernels.gpu": "triton"}
"""Modules that are loaded only where an optional package is: torch brings triton on GPU machines alone."""


def run_python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("module", ["curvefit", "curvefit.cli", "curvefit.study", "runners"])
def test_light_modules_load_nothing_heavy(module):
    loaded = run_python(f"import sys, {module}; print(*[m for m in {HEAVY!r} if m in sys.modules])")
    assert loaded.split() == []


@pytest.mark.parametrize("module", ["runners.runs", "runners.datasets", "runners.architectures"])
def test_runners_never_load_the_analysis_stack(module):
    banned = ("pymc", "arviz", "statsmodels", "pytensor", "xarray")
    loaded = run_python(f"import sys, {module}; print(*[m for m in {banned!r} if m in sys.modules])")
    assert loaded.split() == []


def test_every_module_imports_alone():
    packages = [ROOT / "curvefit", ROOT / "runners"]
    names = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for package in packages
        for path in sorted(package.rglob("*.py"))
        if path.name != "__main__.py"
    ]
    names = [name for name in names if name not in NEEDS or importlib.util.find_spec(NEEDS[name])]
    code = f"""
import importlib, sys
first = set(sys.modules)
for name in {names!r}:
    for module in [m for m in sys.modules if m.split(".")[0] in ("curvefit", "runners")]:
        del sys.modules[module]
    importlib.import_module(name)
print(len({names!r}))
"""
    assert int(run_python(code)) == len(names) > 40


def test_import_linter_contracts_hold():
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stdout
