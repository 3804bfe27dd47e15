"""The documentation builds without a warning, and what was built needs no network."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    pytest.importorskip("mkdocs", reason="the documentation needs the docs extra")
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
    )
    assert done.returncode == 0, done.stderr
    return folder


def test_pages_load_nothing_from_the_network(site):
    loaded = re.compile(r"""<(?:script|link|img|iframe)[^>]+(?:src|href)=["']?(https?:[^"'> ]+)""")
    for page in site.rglob("*.html"):
        outside = [url for url in loaded.findall(page.read_text(encoding="utf-8")) if "canonical" not in url]
        assert not outside, f"{page.name}: {outside}"


def test_formulas_became_mathml(site):
    page = (site / "index.html").read_text(encoding="utf-8")
    assert "<math" in page
    assert "arithmatex" not in page


def test_the_reference_documents_the_public_names(site):
    import curvefit

    pages = "".join(page.read_text(encoding="utf-8") for page in (site / "reference").rglob("*.html"))
    for name in curvefit.__all__:
        if name != "__version__":
            assert re.search(rf'id="curvefit[\w.]*\.{name}"', pages), f"{name} is not in the reference"
