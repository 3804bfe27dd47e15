"""Fit a reference study and write its summary tables, figures and page: ``python -m tests.evidence rotations --write``."""

from __future__ import annotations

import argparse
from pathlib import Path

from curvefit.fitting.settings import FitSettings
from tests.evidence.pages import STUDIES, evidence_of, write_overview, write_page

USUAL = FitSettings()


def main() -> None:
    """Print the claims of the named studies; with --write keep everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("studies", nargs="*", metavar="study", help="default: all")
    parser.add_argument("--write", action="store_true", help="write tables, figures and pages")
    parser.add_argument("--out", type=Path, default=Path("out/evidence"), help="where fits are kept")
    parser.add_argument("--method", default="nuts", help="of the fit behind the figures: nuts or approximate")
    for name, default in (("draws", USUAL.draws), ("tune", USUAL.tune), ("chains", USUAL.chains)):
        parser.add_argument(f"--{name}", type=int, default=default, help="of the fit")
    parser.add_argument(
        "--saved", type=Path, help="folder of a saved fit of the one study named, used as it is"
    )
    arguments = parser.parse_args()
    if arguments.saved is not None and len(arguments.studies) != 1:
        parser.error("--saved goes with one study")
    settings = {name: getattr(arguments, name) for name in ("method", "draws", "tune", "chains")}
    for name in arguments.studies or STUDIES:
        if arguments.write:
            write_page(name, arguments.out / name, saved=arguments.saved, **settings)
        else:
            print(evidence_of(name))
    if arguments.write:
        write_overview()


if __name__ == "__main__":
    main()
