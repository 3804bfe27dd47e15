"""What a report holds: sentences, tables and figures, before anything is rendered."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd


def key_of(kind: str, label: str) -> str:
    """Return the key of what is shown for a label of the user's: fit for links and file names, whatever the label holds."""
    return f"{kind}-" + re.sub(r"[^\w.+]+", "-", label).strip("-.")


@dataclass(frozen=True, slots=True)
class Cell:
    """One table cell: what is read, what sorts it, and its tone (``good``, ``bad``, ``open`` or none)."""

    text: str
    order: float | str = ""
    tone: str = ""


@dataclass(frozen=True, slots=True)
class ReportTable:
    """A titled table of cells.

    Parameters
    ----------
    key
        Identifier for links and file names.
    title, caption
        Heading and the sentence under it.
    columns
        Column headings.
    rows
        Cells, one tuple a row.
    frame
        The numbers behind the table, written as CSV.
    folded
        Whether the page shows it only on demand, since another table tells the gist.
    """

    key: str
    title: str
    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    frame: pd.DataFrame
    folded: bool = False


@dataclass(frozen=True, slots=True)
class ReportFigure:
    """A rendered figure: SVG for the page, PNG for the folder.

    Parameters
    ----------
    key
        Identifier for links and file names.
    caption
        What is drawn, and how to read it.
    svg
        Inline SVG without XML declaration.
    png
        Bytes of the PNG file.
    """

    key: str
    caption: str
    svg: str
    png: bytes


@dataclass(frozen=True, slots=True)
class Report:
    """Everything a report says, in the order in which it is read.

    Parameters
    ----------
    name
        Name of the study or file.
    question
        What was asked.
    verdict
        The most telling sentences, computed from the fit.
    status, converged, quotable
        Status of the fit as a sentence, whether it converged, and whether its intervals were shown to cover.
    notes
        What was guessed, flagged or has to be known before reading on.
    curves, exponents, gains, theory, invariance, criticism
        Figures and tables of the parts; a part without content is left out.
    methods
        How it was done, in sentences.
    settings
        Exact settings and versions, name to value.
    repeat
        Shell lines that make this report again.
    study
        The study file, as text; empty where there is none.
    """

    name: str
    question: str
    verdict: tuple[str, ...]
    status: str
    converged: bool
    notes: tuple[str, ...] = ()
    curves: tuple[ReportFigure, ...] = ()
    exponents: tuple[ReportTable | ReportFigure, ...] = ()
    gains: tuple[ReportTable | ReportFigure, ...] = ()
    theory: tuple[ReportTable | ReportFigure, ...] = ()
    invariance: tuple[ReportTable | ReportFigure, ...] = ()
    criticism: tuple[ReportTable | ReportFigure, ...] = ()
    methods: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    repeat: tuple[str, ...] = ()
    study: str = ""
    quotable: bool = True

    @property
    def standing(self) -> str:
        """How far the fit may be trusted, in a word: ``"passed"``, ``"quick look"`` or ``"not passed"``."""
        if not self.converged:
            return "not passed"
        return "passed" if self.quotable else "quick look"

    @property
    def figures(self) -> tuple[ReportFigure, ...]:
        """All figures, in order."""
        return tuple(part for part in self.parts if isinstance(part, ReportFigure))

    @property
    def tables(self) -> tuple[ReportTable, ...]:
        """All tables, in order."""
        return tuple(part for part in self.parts if isinstance(part, ReportTable))

    @property
    def parts(self) -> tuple[ReportTable | ReportFigure, ...]:
        """All figures and tables, in order."""
        return tuple(part for _, parts in self.sections for part in parts)

    @property
    def sections(self) -> tuple[tuple[str, tuple[ReportTable | ReportFigure, ...]], ...]:
        """Headings with their figures and tables, in the order in which they are read; empty ones are left out."""
        titled = (
            ("Learning curves", self.curves),
            ("Which rotations leave the curve unchanged", self.invariance),
            (
                "Parameters" if self.exponents and self.exponents[0].key == "parameters" else "Exponents",
                self.exponents,
            ),
            ("Gains", self.gains),
            ("Kernel theory beside measurement", self.theory),
            ("Does the fit describe the data?", self.criticism),
        )
        return tuple((title, parts) for title, parts in titled if parts)
