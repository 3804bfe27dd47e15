"""Fit a reference study and write its summary tables, figures and page: ``python -m tests.evidence rotations --write``."""

from __future__ import annotations

import argparse
from pathlib import Path

from tests.evidence.pages import STUDIES, evidence_of, write_overview, write_page


def main() -> None:
    """Print the claims of the named studies; with --write keep everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("studies", nargs="*", metavar="study", help="default: all")
    parser.add_argument("--write", action="store_true", help="write tables, figures and pages")
    parser.add_argument("--out", type=Path, default=Path("out/evidence"), help="where fits are kept")
    parser.add_argument("--method", default="nuts", help="of the fit behind the figures: nuts or approximate")
    arguments = parser.parse_args()
    for name in arguments.studies or STUDIES:
        if arguments.write:
            write_page(name, arguments.out / name, method=arguments.method)
        else:
            print(evidence_of(name))
    if arguments.write:
        write_overview()


if __name__ == "__main__":
    main()
