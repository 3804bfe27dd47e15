"""What ``curvefit check STUDY.toml`` asks of the runners: can this study be run as it stands?"""

from __future__ import annotations

from pathlib import Path


def check_study_file(source: Path | str) -> list[str]:
    """Check a study file against the components without running anything.

    Parameters
    ----------
    source
        A study file, or the name of a shipped study.

    Returns
    -------
    list of str
        Sentences: what would run, and what the user must know.

    Raises
    ------
    CurvefitError
        One error that lists every mistake.
    """
    from curvefit.study.study import Study
    from runners.engine.plan import find_study, make_plan

    plan = make_plan(Study.from_toml(find_study(str(source))))
    triplets, runs = len(plan.study.triplets()), len(plan.run_ids)
    return [*plan.notices, f"{plan.study.name} can be run: {runs} runs of {triplets} triplets"]
