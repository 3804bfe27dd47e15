"""Reports: one self-contained page that a reader can check, computed from a fit."""

from curvefit.report.build import Occasion, build_report
from curvefit.report.content import Report, ReportFigure, ReportTable
from curvefit.report.render import to_html, to_markdown
from curvefit.report.write import WrittenReport, write_report, write_study_report

__all__ = [
    "Occasion",
    "Report",
    "ReportFigure",
    "ReportTable",
    "WrittenReport",
    "build_report",
    "to_html",
    "to_markdown",
    "write_report",
    "write_study_report",
]
