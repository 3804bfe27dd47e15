"""MkDocs hooks: formulas become MathML at build time, so that the site needs no script from the network."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

from latex2mathml.converter import convert

OPTIONS_HERE = "<!-- the options of every command -->"
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


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Put a table of the options of every command where a page asks for it."""
    return markdown.replace(OPTIONS_HERE, _every_command()) if OPTIONS_HERE in markdown else markdown


def _every_command() -> str:
    from curvefit.cli.app import COMMANDS
    from curvefit.cli.lazy import as_command

    parts = []
    for listed in COMMANDS:
        command = as_command(listed.name, listed.load())
        parts += [f"### curvefit {listed.name}", command.help, "| | |\n|---|---|"]
        parts[-1] += "".join(_option_row(p) for p in command.params if not getattr(p, "hidden", False))
    return "\n\n".join(parts)


def _option_row(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        names = f"`{parameter.name.upper()}`"
    else:
        names = ", ".join(f"`{name}`" for name in (*parameter.opts, *parameter.secondary_opts))
    default = parameter.default
    shown = "" if default in (None, False, True, [], ()) or parameter.required else f" (default {default})"
    return f"\n| {names} | {(parameter.help or '').replace('|', chr(92) + '|')}{shown} |"


def _heading(page: Path) -> str:
    for line in page.read_text(encoding="utf-8").splitlines():
        if line.startswith("# "):
            return line[2:].strip()
    return page.stem
