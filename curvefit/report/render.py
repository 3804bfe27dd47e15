"""A report as one self-contained HTML page, or as Markdown."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

from curvefit.report.content import Report, ReportFigure, ReportTable

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup


def to_html(report: Report) -> str:
    """Return the report as one HTML page that needs no network: styles, script and figures are inside."""
    return _environment(None).get_template("report.html.j2").render(report=report)


def to_markdown(report: Report) -> str:
    """Return the report as Markdown; figures are linked as PNG files in the folder ``figures``."""
    text = _environment(_no_html).get_template("report.md.j2").render(report=report)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


@cache
def _environment(finalize: Callable[[Any], Any] | None) -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("curvefit.report"),
        autoescape=select_autoescape(["html.j2", "html"]),
        undefined=StrictUndefined,
        finalize=finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["inline_svg"] = lambda figure: Markup(figure.svg)
    environment.filters["markdown_cell"] = markdown_cell
    environment.filters["whole_intervals"] = whole_intervals
    environment.tests["figure"] = lambda part: isinstance(part, ReportFigure)
    environment.tests["table"] = lambda part: isinstance(part, ReportTable)
    return environment


def whole_intervals(text: str) -> str:
    """Return a text whose ``[lower, upper]`` is never broken, so that a narrow cell breaks before it."""
    return re.sub(r", (?=[^\[\]]*\])", ",\N{NO-BREAK SPACE}", text)


def markdown_cell(text: Any) -> Markup:
    """Return a text as it may stand in a cell of a Markdown table."""
    from markupsafe import Markup

    return Markup(_no_html(text).replace("|", "\\|").replace("\n", "<br>"))


def _no_html(value: Any) -> str:
    """Return a text whose tags are no tags in Markdown; what is marked as safe stays as it is."""
    return value if hasattr(value, "__html__") else re.sub(r"<(?=[A-Za-z/!?])", "&lt;", str(value))
