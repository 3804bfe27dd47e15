"""Arguments and options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

StudyFile = Annotated[str, typer.Argument(help="A study file (TOML), or the name of a shipped study.")]
Folder = Annotated[Path, typer.Argument(help="Folder of the records (run's --out).")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
Executor = Annotated[str, typer.Option(hidden=True)]
