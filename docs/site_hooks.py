"""MkDocs hooks: formulas become MathML at build time, so that the site needs no script from the network."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

from latex2mathml.converter import convert

_INLINE = re.compile(r'<span class="arithmatex">\\\((.*?)\\\)</span>', re.DOTALL)
_BLOCK = re.compile(r'<div class="arithmatex">\s*\\\[(.*?)\\\]\s*</div>', re.DOTALL)


def on_config(config: Any) -> Any:
    """Add every page of measured results to the navigation, titled by its heading."""
    folder = Path(config["docs_dir"]) / "results"
    pages = [{_heading(page): f"results/{page.name}"} for page in sorted(folder.glob("*.md"))]
    if pages:
        config["nav"].append({"Measured": pages})
    return config


def on_page_content(content: str, **_: Any) -> str:
    """Replace what arithmatex marked by MathML."""
    content = _INLINE.sub(lambda found: convert(html.unescape(found[1])), content)
    return _BLOCK.sub(lambda found: convert(html.unescape(found[1]), display="block"), content)


def _heading(page: Path) -> str:
    for line in page.read_text(encoding="utf-8").splitlines():
        if line.startswith("# "):
            return line[2:].strip()
    return page.stem
