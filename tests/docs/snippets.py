"""Code blocks of Markdown pages: found, and run in order, page by page."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NOT_RUN = re.compile(r"<!--\s*not run here:\s*(?P<reason>[^>]+?)\s*-->\s*\Z", re.IGNORECASE)
FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>[\w+-]*)[^\n]*\n(?P<code>.*?)^(?P=indent)```", re.M | re.S
)


@dataclass(frozen=True, slots=True)
class Snippet:
    """One code block: where, which language, what, and why it is not run ("" when it is)."""

    page: Path
    line: int
    language: str
    code: str
    reason: str

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"


def snippets_of(page: Path) -> Iterator[Snippet]:
    """Yield the code blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    for found in FENCE.finditer(text):
        before = text[: found.start()]
        marked = NOT_RUN.search(before)
        indent = found["indent"]
        code = "".join(line.removeprefix(indent) for line in found["code"].splitlines(keepends=True))
        yield Snippet(
            page, before.count("\n") + 1, found["language"], code, marked["reason"] if marked else ""
        )


def shell_commands(snippet: Snippet) -> list[list[str]]:
    """Return the commands of a shell block as words: comments dropped, continued lines joined.

    Of a ``console`` block only the lines after a ``$`` are commands.
    """
    joined = snippet.code.replace("\\\n", " ")
    lines = [line.strip() for line in joined.splitlines()]
    if snippet.language == "console":
        lines = [line[1:].strip() for line in lines if line.startswith("$")]
    commands = [shlex.split(line, comments=True) for line in lines]
    return [words for words in commands if words]


def read_toml(snippet: Snippet) -> dict[str, Any]:
    """Return the tables of a TOML block."""
    return tomllib.loads(snippet.code)
