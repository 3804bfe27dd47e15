"""The shipped records are whole, small, and say what the pages say."""

from __future__ import annotations

import pytest

from curvefit.curves import load_curves
from curvefit.records import read_records
from curvefit.records.verify import verify_store
from tests.evidence.pages import DATA, PAGES, STUDIES, claims_of, evidence_of

SHIPPED = [name for name in STUDIES if (DATA / name).is_dir()]


def test_reference_studies_are_shipped():
    assert "rotations" in SHIPPED


@pytest.mark.parametrize("name", SHIPPED)
def test_records_are_whole_and_described(name):
    assert verify_store(DATA / name).is_sound
    assert (DATA / name / "README.md").is_file()
    assert {record.study for record in read_records(DATA / name)} == {name}
    assert len(load_curves(DATA / name).triplets) > 10


def test_reference_studies_stay_small():
    size = sum(path.stat().st_size for path in DATA.rglob("*") if path.is_file())
    assert size < 20e6


@pytest.mark.parametrize("name", SHIPPED)
def test_the_page_says_what_the_records_say(name):
    page = (PAGES / f"{name}.md").read_text(encoding="utf-8")
    for part in evidence_of(name).split("\n\n"):
        assert part in page
    assert len(claims_of(name)) >= 8
