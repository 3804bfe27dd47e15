"""Reports: one self-contained page that a reader can check, computed from a fit."""

from __future__ import annotations

import importlib
from typing import Any

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


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(importlib.import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'curvefit.report' has no attribute {name!r}")
