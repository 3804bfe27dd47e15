"""Reports: one self-contained page that a reader can check, computed from a fit."""

from __future__ import annotations

from curvefit.lazy_names import lazy_names

_PUBLIC = {
    "Occasion": "curvefit.report.build",
    "Report": "curvefit.report.content",
    "ReportFigure": "curvefit.report.content",
    "ReportTable": "curvefit.report.content",
    "WrittenReport": "curvefit.report.write",
    "build_report": "curvefit.report.build",
    "cross_check": "curvefit.report.cross_checks",
    "cross_check_sentence": "curvefit.report.cross_checks",
    "theory_beside": "curvefit.report.theory_records",
    "to_html": "curvefit.report.render",
    "to_markdown": "curvefit.report.render",
    "write_report": "curvefit.report.write",
    "write_study_report": "curvefit.report.write",
}

__all__ = list(_PUBLIC)

__getattr__, __dir__ = lazy_names(__name__, _PUBLIC)
