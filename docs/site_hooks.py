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


def on_files(files: Any, config: Any) -> Any:
    """Add the notebooks as pages: text as it is, code as code blocks. The tests run them."""
    from mkdocs.structure.files import File

    for notebook in sorted((Path(config["docs_dir"]).parent / "notebooks").glob("*.py")):
        files.append(File.generated(config, f"tutorials/{notebook.stem}.md", content=_as_page(notebook)))
    return files


def _as_page(notebook: Path) -> str:
    cells = re.split(r"^# %%", notebook.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    parts = []
    for cell in cells:
        kind, _, body = cell.partition("\n")
        if "[markdown]" in kind:
            parts.append(
                "\n".join(line.removeprefix("#").removeprefix(" ") for line in body.strip().splitlines())
            )
        else:
            parts.append(f"```python\n{body.strip()}\n```")
    return (
        "\n\n".join(parts)
        + f"\n\n*This page is the notebook `notebooks/{notebook.name}`; the tests run it.*\n"
    )


def on_page_content(content: str, **_: Any) -> str:
    """Replace what arithmatex marked by MathML."""
    content = _INLINE.sub(lambda found: convert(html.unescape(found[1])), content)
    return _BLOCK.sub(lambda found: convert(html.unescape(found[1]), display="block"), content)


def _heading(page: Path) -> str:
    for line in page.read_text(encoding="utf-8").splitlines():
        if line.startswith("# "):
            return line[2:].strip()
    return page.stem
